"""How many versions of a model are kept, and how much room they may take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

USUAL_VERSIONS = 20
"""How many the app keeps, unless a person says otherwise."""
FEWEST = 2
"""The present version, and the one before it."""


class Kept(NamedTuple):
    """A version whose file is kept."""

    version: int
    size_bytes: int


@dataclass(frozen=True)
class Retention:
    """Of the versions that were trained here; what came from elsewhere always stays."""

    most: int | None = None
    """How many are kept; None for all."""
    limit_bytes: int | None = None
    """How much room they may take; None for any."""

    def beyond(self, kept: Sequence[Kept], present: int) -> list[int]:
        """Which of these versions go, the oldest first: never `present`, nor the newest."""
        newest = max((each.version for each in kept), default=0)
        number, room = len(kept), sum(each.size_bytes for each in kept)
        gone: list[int] = []
        for each in sorted(kept):
            too_many = self.most is not None and number > self.most
            too_large = self.limit_bytes is not None and room > self.limit_bytes
            if each.version in (present, newest) or not (too_many or too_large):
                continue
            gone.append(each.version)
            number, room = number - 1, room - each.size_bytes
        return gone
