"""Notices that somebody wrote another model over the one that is open."""

import os
from pathlib import Path

from engine.listing import Stamp

EVERY_S = 1.0
"""Between two looks at the file; one that was the same twice is written."""


class ModelWatch:
    """Looks at one file, which need not exist."""

    def __init__(self, file: Path) -> None:
        self._file, self._looked_at = file, float("-inf")
        self._seen = self._told = self._stamp()

    def tick(self, now: float) -> bool:
        """Whether the file is another one and written to its end; told once. `now` in seconds, never going back."""
        if now - self._looked_at < EVERY_S:
            return False
        self._looked_at, before, self._seen = now, self._seen, self._stamp()
        if self._seen is None or self._seen != before or self._seen == self._told:
            return False
        self._told = self._seen
        return True

    def _stamp(self) -> Stamp | None:
        try:
            found = os.stat(self._file)
        except OSError:
            return None
        return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
