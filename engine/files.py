"""The bytes of a picture's file: of a regular one, from where it may be read, and not too many."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import UnreadableImage

MOST_BYTES = 1 << 30
"""Larger files are not read."""

MOVE = "Replace the file, or move it out of the folder."
NO_ROOM = "The picture does not fit into memory."

_FILE_PROBLEMS: Mapping[int, tuple[str, str]] = {
    errno.ENOENT: ("The file is gone.", "Look at the folder again."),
    errno.ENOTDIR: ("The file is gone.", "Look at the folder again."),
    errno.EACCES: ("The file may not be read.", "Allow this user to read it."),
    errno.EPERM: (
        "The system does not let this program read the file.",
        "On a Mac: System Settings, Privacy & Security, Files and Folders; let the terminal read this one.",
    ),
    errno.ELOOP: ("A link that leads nowhere.", MOVE),
}


def read(path: Path, inside: Sequence[str] = ()) -> bytes:
    """The file's bytes; UnreadableImage unless it is a regular file with something in it, of MOST_BYTES at most.

    With `inside`, folders without links in their paths, a file that lies elsewhere is not opened, wherever a link leads.
    """
    try:
        place = _place(path, inside) if inside else path
        # Opening a pipe or a device can wait for ever or do something: look first, and do not wait if it was swapped.
        _require_regular(os.stat(place))
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if inside else 0)
        with open(os.open(place, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(status)
            if inside:
                _require_same(status, place)
            # The limit is checked by the size that is stated: to ask for so many bytes would reserve room for them.
            if status.st_size > MOST_BYTES:
                raise UnreadableImage("The file is larger than 1 GiB.", MOVE)
            data = file.read()
    except MemoryError as error:
        raise UnreadableImage(NO_ROOM, MOVE) from error
    except (OSError, ValueError) as error:
        number = error.errno or 0 if isinstance(error, OSError) else 0
        if number == errno.ENOENT and path.is_symlink():
            number = errno.ELOOP
        reason = os.strerror(number) if number else "the name is not one that a file can have"
        raise UnreadableImage(*_FILE_PROBLEMS.get(number, (f"The file cannot be read: {reason}.", MOVE))) from error
    if not data:
        raise UnreadableImage("The file is empty.", MOVE)
    return data


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("A folder, not a file.", "Name the pictures in it, or open the folder itself.")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("Not a regular file.", MOVE)


def _place(path: Path, inside: Sequence[str]) -> str:
    """Where the file really lies, without links; UnreadableImage where that is in none of the folders."""
    place = os.path.realpath(path)
    if not any(lies_in(place, folder) for folder in inside):
        raise UnreadableImage("A link out of the folder; --follow-links reads it.", "Open the folder with --follow-links.")
    return place


def _require_same(status: os.stat_result, place: str | Path) -> None:
    """What was opened is what lies there, and no folder on the way has become a link meanwhile."""
    now = os.lstat(place)
    if (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino) or os.path.realpath(place) != str(place):
        raise UnreadableImage("Another file took its place while it was opened.", "Look at the folder again.")


def lies_in(place: str, folder: str) -> bool:
    """Whether a path without links lies below such a folder; everything lies below the empty one."""
    return place.startswith(folder.rstrip(os.sep) + os.sep)
