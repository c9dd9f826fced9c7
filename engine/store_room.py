"""Room on disk that all feature stores of a folder take together, and which of them go when it is too much."""

import re
from contextlib import suppress
from pathlib import Path

from engine.database import OtherSchema, open_database
from engine.errors import FolderError
from engine.store_file import DATA_NAMES
from engine.store_index import INDEX, LAYOUT

_STORE_NAMES = re.compile(r"[0-9a-f]{32}")
_INDEX_NAMES = tuple(INDEX + end for end in ("", "-wal", "-shm", "-journal"))
_GOING = "going-"
"""Before the name of a store that is being removed."""


def files_of(folder: Path) -> list[Path]:
    """The files of the feature store in `folder`, of whatever format."""
    return [path for path in folder.iterdir() if DATA_NAMES.fullmatch(path.name) or path.name in _INDEX_NAMES]


def make_room(parent: Path, present: str, limit_bytes: int) -> list[str]:
    """Remove feature stores below `parent`, the one unused for longest first, until all take at most `limit_bytes`.

    Returns their names. `present` stays, and so does every folder that holds anything but a feature store. A process
    that has a removed store open keeps what it has read, and begins a new one when it appends.
    """
    if not parent.is_dir():
        return []
    for left in parent.glob(f"{_GOING}*"):
        if _holds_nothing_else(left, left.name.removeprefix(_GOING)):
            _remove(left)
    found = [folder for folder in parent.iterdir() if _holds_nothing_else(folder, folder.name)]
    stores = {folder.name: folder for folder in found if (folder / INDEX).exists()}
    sizes = {name: sum(path.stat().st_size for path in files_of(folder)) for name, folder in stores.items()}
    last = {name: (folder / INDEX).stat().st_mtime_ns for name, folder in stores.items()}
    removed: list[str] = []
    for name in sorted(stores, key=lambda name: (last[name], name)):
        if name != present and sum(sizes.values()) > limit_bytes and _vanished(stores[name]):
            removed.append(name)
            del sizes[name]
    return removed


def _holds_nothing_else(folder: Path, name: str) -> bool:
    """Whether the name is a feature store's, and so are the names of all that lies in the folder."""
    if not _STORE_NAMES.fullmatch(name) or folder.is_symlink() or not folder.is_dir():
        return False
    known = files_of(folder)
    return set(known) == set(folder.iterdir()) and all(path.is_file() and not path.is_symlink() for path in known)


def _is_index(path: Path) -> bool:
    """Whether this is a feature store's index, of whatever format. To look may leave SQLite's own files beside it."""
    try:
        if not path.stat().st_size:
            return False
        open_database(path, LAYOUT, read_only=True).close()
    except OtherSchema:
        return True
    except FolderError:
        return False
    return True


def _vanished(folder: Path) -> bool:
    """Remove a store: all at once for whoever opens it, by another name first. False if it has to stay."""
    going = folder.with_name(_GOING + folder.name)
    if not _is_index(folder / INDEX):
        return False
    try:
        folder.rename(going)
    except OSError:
        return False
    _remove(going)
    return True


def _remove(folder: Path) -> None:
    """Delete a store's files, then the folder; what cannot be deleted stays for the next time."""
    with suppress(OSError):
        for path in files_of(folder):
            path.unlink(missing_ok=True)
        folder.rmdir()
