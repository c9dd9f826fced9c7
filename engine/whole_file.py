"""Files that are whole or not there: written beside their place, flushed, and then given their name."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path`, in a folder that is there. Raises FileExistsError where it is taken, OSError."""
    if path.exists():
        raise FileExistsError(path)
    with _draft(path, data) as draft:
        _name(draft, path)


def replace(path: Path, data: bytes) -> None:
    """Let `path` hold `data`, or what it held before; its folder is made if need be. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path, data) as draft:
        draft.replace(path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed, made or removed in a folder durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _draft(path: Path, data: bytes) -> Generator[Path, None, None]:
    """A file beside `path` that holds `data`, for whoever gives it its name."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield draft
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
