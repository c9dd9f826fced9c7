"""A folder for each label, with links to its images or copies of them: how Create ML and most trainers take images."""

import os
import re
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from engine.errors import BadSetting, FolderError
from engine.exports import Row

NAME_BYTES = 255
"""Of a file's name, on every file system in use."""
UNSAFE = re.compile(r"[/\x00-\x1f\x7f]")
"""What a name of a folder cannot hold, or no terminal shows."""


def write_folders(rows: Sequence[Row], folder: Path, out: Path, copy: bool = False) -> dict[str, str]:
    """Make `out/<label>/<name>` of each labelled image: a relative link, or a copy; the folder of each label.

    A name that is taken gets a number. `out` is new or empty, and not inside the photographs' folder. Raises BadSetting
    where it is not, FolderError where it cannot be written.
    """
    _require_new(folder, out)
    labelled = [(row, row.label) for row in rows if row.label is not None]
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for label in sorted({label for _, label in labelled}):
        folders[label] = _free(_safe(label), taken)
    names: dict[str, set[str]] = {label: set() for label in folders}
    try:
        for row, label in labelled:
            target = out / folders[label] / _free(row.path.rpartition("/")[2], names[label])
            _put(Path(os.path.realpath(folder), row.path), target, copy)
    except OSError as error:
        raise FolderError(f"{str(out)!r} could not be written: {error.strerror}.", "What was written stays.") from error
    return folders


def _put(image: Path, target: Path, copy: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        target.symlink_to(os.path.relpath(image, os.path.realpath(target.parent)))
        return
    with image.open("rb") as file, target.open("xb") as to:
        try:
            shutil.copyfileobj(file, to)
            to.flush()
        except OSError:
            target.unlink()
            raise
    shutil.copystat(image, target)


def _require_new(folder: Path, out: Path) -> None:
    place = Path(os.path.realpath(out))
    if place.is_relative_to(os.path.realpath(folder)):
        sentence = f"{str(out)!r} lies in the photographs' folder, which stays as it is."
        raise BadSetting(sentence, "Give a folder outside of it.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise BadSetting(f"{str(out)!r} is not empty.", "Give a new folder: labels that have changed would be there twice.")


def _safe(label: str) -> str:
    """A label as the name of a folder that is not hidden."""
    name = UNSAFE.sub("_", label)
    return _cut(re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), name) or "_", NAME_BYTES)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number before its suffix if it is taken; capitals and accents' forms count as the same."""
    stem, suffix = os.path.splitext(name)
    number, found = 1, name
    while _folded(found) in taken:
        number += 1
        mark = f" {number}{suffix}"
        found = _cut(stem, NAME_BYTES - len(os.fsencode(mark))) + mark
    taken.add(_folded(found))
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _cut(text: str, size_bytes: int) -> str:
    """As much of it as fits, in whole characters."""
    while len(os.fsencode(text)) > size_bytes:
        text = text[:-1]
    return text
