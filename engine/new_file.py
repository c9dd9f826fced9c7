"""A file that is not there yet: whole, or not at all."""

import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, flushed, in a folder that is there. Raises FileExistsError where it is taken, OSError."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _name(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _name(draft: Path, path: Path) -> None:
    """Give the draft its name, if nobody else has taken it; not all file systems can give a file two."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        draft.rename(path)
