"""Where a folder's things are to be kept, as a person says; what is there is moved, and never lost on the way."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.errors import BadSetting, FolderError
from engine.lock import NAME, Lock
from engine.places import KEPT, MARK, has_content, home, in_state, marked, name_of, pointer
from engine.whole_file import replace, sync_folder

BESIDE = "beside"
"""Said in the place of a folder: inside the folder of photographs, in `.catflap`."""
_PIECE = 1 << 20


def hold(folder: Path, what: str, at: float, keep_in: str = "", usual: str = "") -> Lock:
    """Hold the folder (see `Lock`), and settle where its things are kept. Raises FolderError or BadSetting."""
    here = settle(folder) if keep_in != BESIDE or _reachable(folder) else folder / KEPT
    lock = Lock(here, folder, what, at)
    try:
        there = settle(folder, keep_in, usual)
        if there == here:
            return lock
        moved = Lock(there, folder, what, at)
    except BaseException:
        lock.close()
        raise
    lock.close()
    return moved


def settle(folder: Path, keep_in: str = "", usual: str = "") -> Path:
    """Where to keep what will be written of `folder`: where it is kept, or where `keep_in` says, to which it is moved then.

    `usual` holds for a folder of which nothing is kept yet. What lies in a folder that cannot be written to any more is
    copied. Whoever calls holds the folder: nobody else has anything of it open. Raises FolderError or BadSetting.
    """
    try:
        if keep_in == BESIDE and not _reachable(folder):
            _forget(folder)
        here = home(folder)
        if keep_in or (usual not in ("", BESIDE) and not has_content(here)):
            return _moved(folder, here, keep_in or usual)
        if here.is_dir() and not os.access(here, os.W_OK) and here == folder / KEPT:
            return _copied_to_state(folder, here)
        return here
    except OSError as error:
        sentence = f"What is kept of {str(folder)!r} could not be moved: {error.strerror or error}."
        raise FolderError(sentence, "It is where it was.") from error


def _reachable(folder: Path) -> bool:
    try:
        home(folder)
    except FolderError:
        return False
    return True


def _forget(folder: Path) -> None:
    """A person gives up what lies on a drive that is not there; there it stays."""
    pointer(name_of(folder)).unlink(missing_ok=True)
    (folder / KEPT / MARK).unlink(missing_ok=True)


def _moved(folder: Path, here: Path, said: str) -> Path:
    if said == BESIDE:
        return here if here == folder / KEPT else _back(folder, here)
    parent = Path(said).expanduser().absolute()
    if parent.resolve().is_relative_to(folder.resolve()):
        raise BadSetting(f"{said!r} lies inside {str(folder)!r}.", f"Give a folder outside of it, or {BESIDE!r}.")
    if here.parent == parent:
        return here
    writable = os.access(folder / KEPT if (folder / KEPT).is_dir() else folder, os.W_OK)
    name = marked(folder / KEPT) or (os.urandom(8).hex() if writable else name_of(folder))
    there = _free(parent / f"{folder.resolve().name or 'root'}-{name[-8:]}")
    _copy(here, there, name)
    # From here on it is kept there: first the place, then, in one step, what leads to it.
    replace(pointer(name), os.fsencode(there))
    if writable:
        replace(folder / KEPT / MARK, name.encode())
    _remove(here, folder)
    return there


def _back(folder: Path, here: Path) -> Path:
    """Into the folder; what may lie there of earlier times is kept under another name."""
    beside, name = folder / KEPT, name_of(folder)
    beside.mkdir(exist_ok=True)
    older = [each for each in beside.iterdir() if each.name not in (MARK, NAME) and not each.name.startswith("before")]
    if older:
        before = _free(beside / "before")
        before.mkdir()
        for each in older:
            each.rename(before / each.name)
    for each in _files(here):
        _copy_file(here / each, beside / each)
    _flush(beside)
    # From the first of these that there is, it is kept here.
    (beside / MARK).unlink(missing_ok=True)
    sync_folder(beside)
    pointer(name).unlink(missing_ok=True)
    if here == in_state(name):
        here = here.rename(_free(here.with_name(f"{here.name}.moved")))
    shutil.rmtree(here, ignore_errors=True)
    return beside


def _copied_to_state(folder: Path, here: Path) -> Path:
    there = in_state(name_of(folder))
    _copy(here, there, name_of(folder), skip="features")
    return there


def _copy(here: Path, there: Path, name: str, skip: str = "") -> None:
    """All files of a place, compared with what was read; the new place is there when it is complete, or not at all."""
    draft = there.with_name(f".{there.name}.{os.urandom(4).hex()}.part")
    draft.mkdir(parents=True)
    try:
        for each in _files(here):
            if not skip or each.parts[0] != skip:
                _copy_file(here / each, draft / each)
        (draft / MARK).write_text(name)
        _flush(draft)
        draft.rename(there)
        sync_folder(there.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _files(place: Path) -> Iterator[Path]:
    """Relative to it; SQLite's shared memory holds nothing of its own, and a mark is of its place."""
    for each in sorted(place.rglob("*")) if place.is_dir() else []:
        if (
            each.is_file()
            and not each.is_symlink()
            and not each.name.endswith("-shm")
            and each not in (place / MARK, place / NAME)
        ):
            yield each.relative_to(place)


def _copy_file(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with file.open("rb") as source, to.open("xb") as copy:
        read = _digest_of(source, copy)
        copy.flush()
        os.fsync(copy.fileno())
    with to.open("rb") as copy:
        if _digest_of(copy) != read:
            raise OSError(None, f"{to} does not hold what was written to it")
    shutil.copystat(file, to)


def _digest_of(source: BinaryIO, copy: BinaryIO | None = None) -> bytes:
    """Of all bytes in a file, which are written to `copy` on the way."""
    digest = hashlib.blake2b(digest_size=16)
    while piece := source.read(_PIECE):
        digest.update(piece)
        if copy is not None:
            copy.write(piece)
    return digest.digest()


def _flush(place: Path) -> None:
    for each in (place, *(each for each in place.rglob("*") if each.is_dir())):
        sync_folder(each)


def _remove(place: Path, folder: Path) -> None:
    """What has been moved; of the folder's own place the mark stays."""
    if place != folder / KEPT:
        shutil.rmtree(place, ignore_errors=True)
        return
    for each in place.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != MARK:
            each.unlink()


def _free(path: Path) -> Path:
    """A name beside it that is not taken."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
