"""The images in a folder and below it: list them, compare two lists, watch; the only place that knows watchdog."""

import logging
import os
import platform
import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.utils import BaseThread

from engine.events import FolderChanged
from engine.listing import Stamp, compare, is_image_name, scan
from engine.settling import Marks, Settling

__all__ = ["Stamp", "Watch", "compare", "is_image_name", "scan"]

ATTEND_SECONDS = 1.0
"""How often the folder itself, and the threads that watch it, are looked after."""
UNWATCHED_SECONDS = 5.0
"""Where the system does not tell of changes: time between sweeps, at most, and until it is asked again."""

_LOGS = ("watchdog", "fsevents")
_EVENTS: list[type[FileSystemEvent]] = [
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent, FileCreatedEvent, FileDeletedEvent, FileMovedEvent),
    # Where the system tells when a written file is closed, to hear of every write as well would flood its queue.
    *((FileClosedEvent,) if platform.system() == "Linux" else (FileModifiedEvent, DirModifiedEvent)),
]


class Watch:
    """Tells what became of a folder's images, each change once, when the files are written.

    The system's events only mark folders; `tick`, called several times a second, looks at what is marked. What no event
    told of, a sweep of everything finds. The folder itself may go, and come back.
    """

    def __init__(
        self,
        folder: Path,
        known: Mapping[str, Stamp] | None = None,
        sweep_seconds: float = 60.0,
        follow_links: bool = True,
    ) -> None:
        """`known` is what a scan found: the first ticks tell what is different from it."""
        self._root = os.path.abspath(folder)
        self._settling = Settling(self._root, known or {}, "" if follow_links else os.path.realpath(folder))
        self._events = _Events(self._settling.marks)
        self._sweep_seconds = sweep_seconds
        self._started = False
        self._identity = _identity(self._root)
        self._attended_at = float("-inf")

    @property
    def known(self) -> dict[str, Stamp]:
        """A copy of the images that were told so far, and not as removed."""
        return dict(self._settling.known)

    @property
    def problem(self) -> str:
        """Why changes are found by sweeps alone, some seconds late; empty where the system tells of them."""
        return self._events.problem

    def start(self) -> None:
        """Have the system tell of changes, from a thread; where it cannot, `problem` says so, and sweeps go on."""
        self._started = True
        if self._identity is not None:
            self._events.start(self._root)
        # What happened since the last look, or the scan, no event tells.
        self._settling.marks.lose()

    def close(self) -> None:
        """End the thread."""
        self._started = False
        self._events.stop()

    def tick(self, now: float) -> FolderChanged | None:
        """What changed; `now` is in seconds, on any clock that only goes forward."""
        retry = UNWATCHED_SECONDS if self.problem else ATTEND_SECONDS
        if self._started and now - self._attended_at >= retry:
            self._attended_at = now
            self._attend()
        watched = self._events.running or not self._started
        return self._settling.tick(now, self._sweep_seconds if watched else min(self._sweep_seconds, UNWATCHED_SECONDS))

    def _attend(self) -> None:
        """Watch anew when the folder was replaced or came back, a thread broke down, or the system refused before."""
        identity = _identity(self._root)
        if identity == self._identity and (self._events.running or identity is None):
            return
        self._identity = identity
        self._events.stop()
        if identity is not None:
            self._events.start(self._root)
        # What happened meanwhile, no event told.
        self._settling.marks.lose()


def _identity(folder: str) -> tuple[int, int] | None:
    """Tells a folder from another one in its place; None if there is none."""
    with suppress(OSError):
        status = os.stat(folder)
        return status.st_dev, status.st_ino
    return None


class _Complaints(logging.Handler):
    """Watchdog tells of events that the system dropped in its log alone."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(logging.WARNING)
        self._marks = marks

    def emit(self, record: logging.LogRecord) -> None:
        self._marks.lose()


class _Handler(FileSystemEventHandler):
    """Called in the observer's thread; as short as can be, since the system's queue fills meanwhile."""

    def __init__(self, root: str, marks: Marks) -> None:
        self._root, self._marks = root.rstrip("/") + "/", marks

    def on_any_event(self, event: FileSystemEvent) -> None:
        for raw in (event.src_path, event.dest_path):
            path = os.fsdecode(raw)
            if path.startswith(self._root):
                self._marks.notice(path.removeprefix(self._root), event.is_directory)
            elif path and not self._root.startswith(path.rstrip("/") + "/"):
                # Where case or accents do not count, the system may spell the folder in another way.
                self._marks.lose()


class _Events:
    """The observer, its threads and its log."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._complaints = _Complaints(marks)
        self._observer: BaseObserver | None = None
        self._threads: list[threading.Thread] = []
        self.problem = ""

    @property
    def running(self) -> bool:
        """Whether the system's events arrive."""
        return self._observer is not None and not self.broken

    @property
    def broken(self) -> bool:
        """Whether a thread ended on its own, as watchdog's do on errors and when the folder is removed."""
        return not all(thread.is_alive() for thread in self._threads)

    def start(self, root: str) -> None:
        """Watch `root` and all below; `problem` says why not, if the system refuses."""
        self.stop()
        # Of folders that come and go quickly watchdog warns from its thread, which ends where warnings are errors.
        warnings.filterwarnings("ignore", module=r"watchdog\b", category=RuntimeWarning)
        for name in _LOGS:
            logging.getLogger(name).addHandler(self._complaints)
        before = set(threading.enumerate())
        # Events carry the path without links.
        real = os.path.realpath(root)
        try:
            self._observer = Observer()
            self._observer.schedule(_Handler(real, self._marks), real, recursive=True, event_filter=_EVENTS)
            self._observer.start()
        except Exception as error:
            # Each system's part of watchdog raises its own kinds, and without any of them sweeps go on.
            self.stop()
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            self.problem = f"The system cannot tell of changes ({why})."
            return
        self.problem = ""
        self._threads = [each for each in threading.enumerate() if isinstance(each, BaseThread) and each not in before]

    def stop(self) -> None:
        """End all threads."""
        observer, self._observer, self._threads = self._observer, None, []
        if observer is not None:
            observer.stop()
            # One that could not be started cannot be waited for.
            with suppress(RuntimeError):
                observer.join()
        for name in _LOGS:
            logging.getLogger(name).removeHandler(self._complaints)
