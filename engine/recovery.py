"""A damaged database is set aside, never deleted; what can be read of it goes into a new one, which takes its place.

Whatever moment an end comes at, either the damaged one is still in its place, and all begins anew; or what was read back
lies complete beside it, and takes its place at the next opening.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.database import mended
from engine.errors import FolderError
from engine.lock import Held, holder_of
from engine.whole_file import sync_folder

BESIDE = ("-wal", "-journal", "-shm")
"""What SQLite's files beside a database end with; the last holds nothing of its own."""


def mend(path: Path, again: Callable[[Path, Path], str]) -> str:
    """Let `again` make, of the damaged file's copy, a draft that takes its place; what came of it, in words."""
    holder = holder_of(path.parent)
    # The engine's process belongs to the app's, which holds the folder.
    if holder is not None and holder.pid not in (os.getpid(), os.getppid()):
        raise Held(path.parent, holder)
    draft = path.with_name(f".{path.name}.part")
    try:
        _remove(draft)
        kept = _other_name(path)
        try:
            _keep(path, kept)
            said = again(kept, draft)
            # SQLite says nothing where it could not take its log into the database.
            if any(each.exists() for each in _beside(draft)):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        except BaseException:
            _remove(draft, kept)
            raise
        os.replace(draft, mended(path))
        sync_folder(path.parent)
        finish(path)
    except OSError as error:
        sentence = f"{str(path)!r} is damaged, and cannot be set aside: {error.strerror}."
        raise FolderError(sentence, "Free some space, or check its folder.") from error
    return f"{said}; the damaged file is kept as {kept.name}."


def _files(path: Path) -> list[Path]:
    """The database, as far as there is one, and what belongs to it; SQLite makes an empty log whenever it reads."""
    beside = [each for each in _beside(path)[:-1] if each.exists() and each.stat().st_size]
    return [path, *beside] if path.exists() else beside


def _other_name(path: Path) -> Path:
    """One that tells when the database was written to last, and that there is not yet."""
    day = time.strftime("%Y-%m-%d", time.localtime(max(each.stat().st_mtime for each in _files(path))))
    number, kept = 1, path.with_name(f"{path.stem}.damaged-{day}{path.suffix}")
    while any(each.exists() for each in (kept, *_beside(kept))):
        number += 1
        kept = path.with_name(f"{path.stem}.damaged-{day}-{number}{path.suffix}")
    return kept


def _keep(path: Path, kept: Path) -> None:
    """The damaged file and its log under another name, too."""
    for each in _files(path):
        _linked(each, kept.with_name(kept.name + each.name.removeprefix(path.name)))
    sync_folder(path.parent)


def _linked(file: Path, to: Path) -> None:
    """Not all file systems can give a file two names."""
    with suppress(OSError):
        os.link(file, to)
        return
    shutil.copy2(file, to)
    with to.open("rb+") as copy:
        os.fsync(copy.fileno())


def finish(path: Path) -> None:
    """Let what was read back take its place; a log of the damaged one would be taken for its own."""
    if not mended(path).exists():
        return
    try:
        for each in _beside(path):
            each.unlink(missing_ok=True)
        sync_folder(path.parent)
        os.replace(mended(path), path)
        sync_folder(path.parent)
    except OSError as error:
        raise FolderError(f"{str(path)!r} cannot be replaced: {error.strerror}.", "Check its folder.") from error


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in BESIDE]


def _remove(*paths: Path) -> None:
    for path in paths:
        for each in (path, *_beside(path)):
            each.unlink(missing_ok=True)
