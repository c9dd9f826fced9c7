"""Where things are kept.

Of a folder of photographs, in the first of these places that there is:

- where a person wants it, `--keep-in DIR`. The folder's own `.catflap/elsewhere` holds no path but a name, under which this
  user's state directory holds the path. So the folder may be renamed or moved; and where a service copies it to another
  computer, or somebody sends it, it leads nowhere but to what that computer keeps under the name. Of a folder that cannot
  be written to, the name is made of its path.
- in the state directory, once it was begun there: verdicts given while a folder was read-only are not lost from view when
  it can be written to again.
- in `.catflap` inside the folder.
- in the state directory, where nothing can be written into the folder.
"""

import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from engine.errors import BadSetting, FolderError, UnreadableModel
from engine.filesystem import hint_for

KEPT = ".catflap"
MARK = "elsewhere"
"""The file that holds the name: in the folder's `.catflap`, and in the place that is kept for it."""
IN_WORK = "reading.json"
"""In what is kept of a folder: the images that are being read, as long as they are."""
MODEL_SUFFIXES = (".mlmodel", ".mlpackage")
_NAME = re.compile(r"[0-9a-f]{16}")
_LONGEST_MARK = 1024
"""Bytes; a folder's name is a part of it at most."""


def home(folder: Path) -> Path:
    """What Catflap keeps of a folder. Nothing is made or moved: whoever writes asks `elsewhere.settle`.

    Raises FolderError if there is no such folder, or what is kept of it is not where it was put.
    """
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise NotADirectoryError
    except PermissionError as error:
        raise FolderError(f"The folder {str(folder)!r} cannot be opened: {error.strerror}.", hint_for(error)) from error
    except (OSError, ValueError) as error:
        raise FolderError(f"There is no folder {str(folder)!r}.", "Give a folder of photographs.") from error
    beside, name = folder / KEPT, name_of(folder)
    if pointer(name).exists():
        there = pointed(name)
        if marked(there) == name:
            return there
        hint = "Put its drive back, or begin anew with --keep-in beside."
        raise FolderError(f"What is kept of {str(folder)!r} lies in {str(there)!r}, which is not there.", hint)
    if marked(beside) or in_state(name).is_dir():
        return in_state(name)
    usable = os.access(beside if beside.is_dir() else folder, os.W_OK)
    return beside if usable or has_content(beside) else in_state(name)


def name_of(folder: Path) -> str:
    """Under which name things are kept elsewhere: the one that is marked in the folder, or one made of its path."""
    path = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return marked(folder / KEPT) or f"{folder.name or 'root'}-{path}"


def in_state(name: str) -> Path:
    """Where things are kept under that name if nobody said another place."""
    return user_state_path("catflap") / "folders" / name


def pointer(name: str) -> Path:
    """The file that holds the place that a person said."""
    return user_state_path("catflap") / "kept" / name


def pointed(name: str) -> Path:
    """The place that a person said. Raises FolderError."""
    try:
        return Path(os.fsdecode(pointer(name).read_bytes()))
    except OSError as error:
        raise FolderError(f"{str(pointer(name))!r} cannot be read: {error.strerror}.", "Check it.") from error


def has_content(kept: Path) -> bool:
    """Whether something is kept there that cannot be made again."""
    return any((kept / name).exists() for name in ("journal.db", "catalogue.db"))


def marked(kept: Path) -> str:
    """The name in that place's mark; empty where there is none. In a folder it may be anybody's."""
    mark = kept / MARK
    with suppress(OSError, ValueError):
        if mark.is_file() and mark.stat().st_size < _LONGEST_MARK:
            said = mark.read_text()
            return said if kept.name != KEPT or _NAME.fullmatch(said) else ""
    return ""


def opened_before(folder: Path) -> Path:
    """What Catflap keeps of a folder that was opened before. Raises FolderError where it never was."""
    kept = home(folder)
    if not (kept / "catalogue.db").exists():
        raise FolderError(f"{str(folder)!r} was never opened.", "Open it first: catflap FOLDER --model MODEL")
    return kept


def sub_folder(folder: Path, said: str) -> str:
    """What the paths of all images in a folder inside `folder` begin with, without a slash at its end.

    `said` is relative to `folder`. Raises BadSetting if there is no such folder, or it lies outside.
    """
    inside = os.path.relpath(os.path.realpath(folder / said), os.path.realpath(folder))
    if inside == "." or inside.split("/")[0] == ".." or not (folder / inside).is_dir():
        raise BadSetting(f"{said!r} is no folder inside {str(folder)!r}.", "Give one such as test, or none.")
    return inside


def find_model(folder: Path, given: Path | None, remembered: str) -> Path:
    """The model to open with a folder: the one given, the one opened before, or the only one that lies in it.

    Raises UnreadableModel where that leaves none, or several.
    """
    if given is not None:
        return given.absolute()
    if remembered and Path(remembered).exists():
        return Path(remembered)
    found = sorted(each for each in folder.iterdir() if each.suffix.lower() in MODEL_SUFFIXES)
    if len(found) == 1:
        return found[0].absolute()
    names = ", ".join(each.name for each in found)
    sentence = f"{str(folder)!r} holds {len(found)} models ({names})." if found else f"{str(folder)!r} holds no model."
    raise UnreadableModel(sentence, "Say which one with --model.")
