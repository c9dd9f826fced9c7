"""What became of a folder's images, told once each, when the files are written."""

import os
import threading
from collections.abc import Iterator, Mapping
from itertools import islice

from engine.events import FolderChanged
from engine.listing import Listing, Stamp, is_image_name, look, parent, stamp_of

QUIET_SECONDS = 0.3
"""A folder is listed again when nothing happened in it for so long,"""
AT_MOST_SECONDS = 2.0
"""or something did all the time for so long."""
SETTLE_SECONDS = 0.6
"""A file that stays as it is for so long is taken to be written."""
STEP = 5_000
"""Entries that one tick looks at: some hundredths of a second."""


class Settling:
    """Looks at what is marked once that is quiet, at everything now and then, and waits until files stay as they are.

    Moves are told as removed and added.
    """

    def __init__(self, root: str, known: Mapping[str, Stamp], inside: str = "") -> None:
        """`known` is what is told already; links that lead out of the folder `inside` are not followed."""
        self.known = dict(known)
        """What was told so far."""
        self.marks = Marks()
        self._root, self._inside = root, inside
        # No inode is 0: folders that are known by their images alone are listed when they are met.
        self._folders = {"": 0}
        for path in self.known:
            while (path := parent(path)) not in self._folders:
                self._folders[path] = 0
        self._dirty: set[str] = set()
        self._lost = False
        self._oldest = self._newest = 0.0
        self._swept_at = float("-inf")
        self._listing = Listing()
        self._looking: Iterator[None] | None = None
        self._waiting: dict[str, tuple[Stamp, float]] = {}
        """Files that may still be written: their stamps, and since when; those that wait longest come first."""

    def tick(self, now: float, sweep_seconds: float) -> FolderChanged | None:
        """What changed; everything is looked at if that was not done for `sweep_seconds`. `now` is in seconds."""
        self._gather(now)
        gone: list[str] = []
        came: dict[str, Stamp] = {}
        if self._looking is None:
            self._looking = self._begin(now, now - self._swept_at >= sweep_seconds)
        if self._looking is not None and sum(1 for _ in islice(self._looking, STEP)) < STEP:
            self._looking = None
            self._take(now, gone, came)
        self._settle(now, gone, came)
        if not gone and not came:
            return None
        changed = [path for path in came if path in self.known]
        added = [path for path in came if path not in self.known]
        self.known.update(came)
        return FolderChanged(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(gone)))

    def _gather(self, now: float) -> None:
        marked, lost = self.marks.take()
        if marked or lost:
            self._oldest = self._oldest if self._dirty or self._lost else now
            self._newest = now
            self._dirty |= marked
            self._lost |= lost

    def _begin(self, now: float, sweep: bool) -> Iterator[None] | None:
        """Look at everything, or at the marked folders once they are quiet."""
        quiet = now - self._newest >= QUIET_SECONDS or now - self._oldest >= AT_MOST_SECONDS
        if not sweep and not (quiet and (self._dirty or self._lost)):
            return None
        starts = [(folder, False) for folder in {self._nearest(folder) for folder in self._dirty}]
        if sweep or self._lost:
            starts, self._swept_at = [("", True)], now
        self._dirty, self._lost, self._listing = set(), False, Listing()
        return look(self._root, starts, self._folders, self._listing, self._inside)

    def _nearest(self, folder: str) -> str:
        """The folder, or the nearest above it that was seen before: a new one is found from there."""
        while folder and folder not in self._folders:
            folder = parent(folder)
        return folder

    def _take(self, now: float, gone: list[str], came: dict[str, Stamp]) -> None:
        """What a finished look says: some are gone; others have to settle, unless they only have another name."""
        found = self._listing
        self._folders = _remaining(self._folders, found)
        gone += [path for path in self.known if self._is_gone(path)]
        moved = {self.known.pop(path) for path in gone}
        for path, stamp in found.images.items():
            if parent(path) not in self._folders:
                continue
            same = self.known.get(path) == stamp
            if not same and path in self._waiting and self._waiting[path][0] == stamp:
                continue
            self._waiting.pop(path, None)
            if not same and stamp in moved:
                came[path] = stamp
            elif not same:
                self._waiting[path] = (stamp, now)

    def _is_gone(self, path: str) -> bool:
        folder = parent(path)
        return folder not in self._folders or (folder in self._listing.looked and path not in self._listing.images)

    def _settle(self, now: float, gone: list[str], came: dict[str, Stamp]) -> None:
        """Look again at files that waited long enough."""
        due = [path for path, (_, since) in islice(self._waiting.items(), STEP) if now - since >= SETTLE_SECONDS]
        for path in due:
            before, _ = self._waiting.pop(path)
            stamp = stamp_of(os.path.join(self._root, path), self._inside)
            if stamp is not None and stamp != before:
                self._waiting[path] = (stamp, now)
            elif stamp is not None:
                came[path] = stamp
            elif self.known.pop(path, None):
                gone.append(path)


def _remaining(folders: Mapping[str, int], found: Listing) -> dict[str, int]:
    """The folders that are there after a look; what lay below one that is gone is gone with it."""
    there = {path for path in folders if path in found.folders or parent(path) not in found.looked or not path}
    there = (there | set(found.folders) | found.looked) - found.gone
    remaining: dict[str, int] = {}
    for path in sorted(there):
        if not path or parent(path) in remaining:
            remaining[path] = found.folders.get(path, folders.get(path, 0))
    return remaining


class Marks:
    """What the system's events leave for the next tick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: set[str] = set()
        self._lost = False

    def notice(self, path: str, is_folder: bool) -> None:
        """Mark the folder that `path` lies in, and `path` itself if it is one; nobody asks for hidden ones."""
        if "/." in f"/{path}" or (not is_folder and not is_image_name(os.path.basename(path))):
            return
        with self._lock:
            self._folders |= {parent(path), path} if is_folder else {parent(path)}

    def lose(self) -> None:
        """Events were lost: anything may have happened."""
        with self._lock:
            self._lost = True

    def take(self) -> tuple[set[str], bool]:
        """The marked folders, and whether events were lost, since the last time."""
        with self._lock:
            taken = self._folders, self._lost
            self._folders, self._lost = set(), False
        return taken
