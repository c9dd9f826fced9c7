"""Which images lie in a folder and below it, and whether they are still the same."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.errors import FolderError
from engine.events import FolderChanged
from engine.files import lies_in
from engine.filesystem import hint_for
from engine.images import SUFFIXES

SKIPPED_FOLDERS = frozenset({"__MACOSX", "@eaDir"})
"""What archives and network drives put beside photographs: notes and thumbnails with the names of pictures."""


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is still the same."""

    size: int
    modified_ns: int
    inode: int


def scan(folder: Path, follow_links: bool = True) -> dict[str, Stamp]:
    """The images in a folder and below it, by relative path, in order; FolderError where the folder cannot be listed.

    Left out: hidden files and folders, and names that do not end as pictures do (so all partial downloads). What only has
    the name of a picture, such as an empty file, a pipe, or a link that leads nowhere, is listed, and refused when it is
    read. A link to a file counts as that file, or as itself where it leads out of the folder and `follow_links` is not
    said; links to folders are not followed.
    """
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        sentence = f"The folder {str(folder)!r} cannot be listed: {error.strerror}."
        raise FolderError(sentence, hint_for(error)) from error
    listing = Listing()
    for _ in look(str(folder), [("", True)], {}, listing, "" if follow_links else os.path.realpath(folder)):
        pass
    return dict(sorted(listing.images.items()))


def compare(before: Mapping[str, Stamp], now: Mapping[str, Stamp]) -> FolderChanged | None:
    """What was added, changed and removed between two scans, each in order; None if nothing was."""
    change = FolderChanged(
        added=tuple(sorted(path for path in now if path not in before)),
        changed=tuple(sorted(path for path in now if path in before and before[path] != now[path])),
        removed=tuple(sorted(path for path in before if path not in now)),
    )
    return change if change.added or change.changed or change.removed else None


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for a picture."""
    return not name.startswith((".", "~$")) and os.path.splitext(name)[1].lower() in SUFFIXES


@dataclass
class Listing:
    """What a look at some folders found."""

    images: dict[str, Stamp] = field(default_factory=dict[str, Stamp])
    folders: dict[str, int] = field(default_factory=dict[str, int])
    """Inodes of the folders that were listed, and of those in them."""
    looked: set[str] = field(default_factory=set[str])
    gone: set[str] = field(default_factory=set[str])


def look(
    root: str, starts: list[tuple[str, bool]], known: Mapping[str, int], listing: Listing, inside: str = ""
) -> Iterator[None]:
    """List the folders `starts` (path, whether with all below), and all below folders that are not `known`.

    Yields at every entry. A folder that cannot be read just now is neither looked at nor gone. For `inside` see `stamp_of`.
    """
    while starts:
        folder, deep = starts.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                for entry in entries:
                    yield
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if _is_folder(entry):
                        listing.folders[path] = entry.inode()
                        if deep or known.get(path) != entry.inode():
                            starts.append((path, True))
                    elif is_image_name(entry.name) and (stamp := stamp_of(entry.path, inside)):
                        listing.images[path] = stamp
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                listing.gone.add(folder)
        else:
            listing.looked.add(folder)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
        return False
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False


def stamp_of(path: str, inside: str = "") -> Stamp | None:
    """None for what is gone or a folder, or a link to one; nothing is opened.

    A link that leads nowhere, or out of the folder `inside`, which has no links in its path, has the stamp of the link.
    """
    with suppress(OSError, ValueError):
        own = os.lstat(path)
        status = _followed(path, own) if stat.S_ISLNK(own.st_mode) else own
        if stat.S_ISDIR(status.st_mode):
            return None
        if stat.S_ISLNK(status.st_mode) or (status is not own and not lies_in(os.path.realpath(path), inside)):
            return Stamp(0, own.st_mtime_ns, own.st_ino)
        # What is written through a pipe or a device changes its time.
        regular = stat.S_ISREG(status.st_mode)
        return Stamp(status.st_size, status.st_mtime_ns, status.st_ino) if regular else Stamp(0, 0, status.st_ino)
    return None


def _followed(path: str, own: os.stat_result) -> os.stat_result:
    """What the link leads to; the link itself where that cannot be told."""
    with suppress(OSError):
        return os.stat(path)
    return own


def parent(path: str) -> str:
    """The folder that a relative path lies in; empty for the first."""
    return path.rpartition("/")[0]
