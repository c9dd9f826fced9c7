"""Where things are kept."""

import hashlib
import os
from pathlib import Path

from platformdirs import user_state_path

from engine.errors import BadSetting, FolderError, UnreadableModel

KEPT = ".catflap"
IN_WORK = "reading.json"
"""In what is kept of a folder: the images that are being read, as long as they are."""
MODEL_SUFFIXES = (".mlmodel", ".mlpackage")


def home(folder: Path) -> Path:
    """What Catflap keeps of a folder: inside it, or in the user's state directory where it cannot be written to.

    Raises FolderError if there is no such folder.
    """
    if not folder.is_dir():
        raise FolderError(f"There is no folder {str(folder)!r}.", "Give a folder of photographs.")
    beside = folder / KEPT
    if (beside.is_dir() and os.access(beside, os.W_OK)) or (not beside.exists() and os.access(folder, os.W_OK)):
        return beside
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return user_state_path("catflap") / "folders" / f"{folder.name or 'root'}-{name}"


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
