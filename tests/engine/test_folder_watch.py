import errno
import itertools
import logging
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.events import DirDeletedEvent, FileCreatedEvent, FileMovedEvent
from watchdog.observers.api import BaseObserver
from watchdog.utils import BaseThread

from engine import folder as module
from engine import settling
from engine.events import FolderChanged
from engine.folder import Watch, scan
from engine.settling import Marks

DEADLINE_SECONDS = 30.0
"""Tests end long before; a machine may be busy."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As always, but in less time."""
    monkeypatch.setattr(settling, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(settling, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(module, "ATTEND_SECONDS", 0.2)


def write(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write(tmp_path / "photos" / "a.jpg")
    return tmp_path / "photos"


@pytest.fixture
def watch(photos: Path) -> Iterator[Watch]:
    """Never sweeps on its own, but at the first tick: all else is told by the system."""
    watch = Watch(photos, scan(photos), sweep_seconds=1e9)
    watch.start()
    assert watch.problem == ""
    assert watch.tick(time.monotonic()) is None
    yield watch
    watch.close()


def until(watch: Watch, done: Callable[[], bool]) -> list[FolderChanged]:
    """What is told until `done`, and in the moment after."""
    said: list[FolderChanged] = []
    end = time.monotonic() + DEADLINE_SECONDS
    last = None
    while last is None or time.monotonic() < last:
        change = watch.tick(time.monotonic())
        if change is not None:
            said.append(change)
        if last is None and done():
            last = time.monotonic() + 0.3
        assert time.monotonic() < end, f"told {said}"
        time.sleep(0.02)
    return said


def silence(watch: Watch) -> None:
    """Let the system's events reach nobody, while all threads live: a dead one has everything looked at."""
    observer = watch._events._observer
    assert observer is not None
    observer._handlers.clear()


def paths(changes: list[FolderChanged], kind: str) -> list[str]:
    return sorted(itertools.chain.from_iterable(getattr(change, kind) for change in changes))


def test_a_storm_of_files_in_new_folders_is_told_once_each(watch: Watch, photos: Path) -> None:
    names = [f"{top}/{low}/{index}.jpg" for top in "pqr" for low in "uvwxyz" for index in range(5)]
    for name in names:
        write(photos / name)
    write(photos / "p" / "not an image.txt")
    said = until(watch, lambda: len(watch.known) == len(names) + 1)
    assert paths(said, "added") == sorted(names)
    assert not paths(said, "changed") and not paths(said, "removed")
    assert watch.known == scan(photos)


def test_files_and_folders_that_are_moved_replaced_and_removed(watch: Watch, photos: Path, tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path / "other" / "in" / f"{index}.jpg")
    (tmp_path / "other").rename(photos / "come")
    write(photos / ".a.jpg.X1y2z3", 9).replace(photos / "a.jpg")
    came = ["come/in/0.jpg", "come/in/1.jpg", "come/in/2.jpg"]
    said = until(watch, lambda: len(watch.known) == 4 and watch.known["a.jpg"].size == 9)
    assert paths(said, "added") == came and paths(said, "changed") == ["a.jpg"] and not paths(said, "removed")

    (photos / "come").rename(photos / "went")
    said = until(watch, lambda: "went/in/0.jpg" in watch.known and "come/in/0.jpg" not in watch.known)
    assert paths(said, "removed") == came and len(paths(said, "added")) == 3 and not paths(said, "changed")

    write(photos / "went" / "in" / "late.jpg")
    said = until(watch, lambda: "went/in/late.jpg" in watch.known)
    assert said == [FolderChanged(added=("went/in/late.jpg",))]

    shutil.rmtree(photos / "went")
    until(watch, lambda: set(watch.known) == {"a.jpg"})
    (photos / "a.jpg").rename(tmp_path / "a.jpg")
    assert until(watch, lambda: not watch.known) == [FolderChanged(removed=("a.jpg",))]


def test_what_is_kept_beside_the_photographs_is_not_listened_to(watch: Watch, photos: Path) -> None:
    write(photos / ".catflap" / "journal.db")
    write(photos / ".catflap" / "thumbs" / "a.jpg")
    write(photos / "notes.txt")
    write(photos / "b.jpg")
    assert until(watch, lambda: len(watch.known) == 2) == [FolderChanged(added=("b.jpg",))]


def test_the_folder_is_removed_and_made_again(watch: Watch, photos: Path) -> None:
    shutil.rmtree(photos)
    assert until(watch, lambda: not watch.known) == [FolderChanged(removed=("a.jpg",))]
    write(photos / "more" / "b.jpg")
    assert until(watch, lambda: bool(watch.known)) == [FolderChanged(added=("more/b.jpg",))]
    # The system tells of changes again: nothing is swept.
    write(photos / "more" / "c.jpg")
    assert until(watch, lambda: len(watch.known) == 2) == [FolderChanged(added=("more/c.jpg",))]


def test_the_folder_may_be_reached_through_a_link(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photos)
    watch = Watch(tmp_path / "link", scan(tmp_path / "link"), sweep_seconds=1e9)
    watch.start()
    try:
        watch.tick(time.monotonic())
        write(photos / "b.jpg")
        assert until(watch, lambda: len(watch.known) == 2) == [FolderChanged(added=("b.jpg",))]
    finally:
        watch.close()


def observers_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, BaseThread)]


def test_a_watch_that_is_closed_leaves_no_thread_and_no_listener(photos: Path) -> None:
    handlers, threads = list(logging.getLogger("watchdog").handlers), observers_threads()
    watch = Watch(photos)
    watch.start()
    assert len(observers_threads()) > len(threads)
    watch.close()
    assert observers_threads() == threads
    assert logging.getLogger("watchdog").handlers == handlers
    watch.close()


def test_a_thread_that_breaks_down_is_replaced(watch: Watch, photos: Path) -> None:
    for thread in observers_threads():
        thread.stop()
        thread.join()
    write(photos / "b.jpg")
    assert until(watch, lambda: len(watch.known) == 2) == [FolderChanged(added=("b.jpg",))]
    write(photos / "c.jpg")
    assert until(watch, lambda: len(watch.known) == 3) == [FolderChanged(added=("c.jpg",))]


def test_an_overflow_that_is_only_logged_has_everything_looked_at(watch: Watch, photos: Path) -> None:
    silence(watch)
    write(photos / "more" / "b.jpg")
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; filesystem events were lost")
    assert watch.tick(1e6) is None
    assert watch.tick(1e6 + 0.4) is None
    assert watch.tick(1e6 + 1.1) == FolderChanged(added=("more/b.jpg",))


def test_watchdogs_warnings_end_no_thread(watch: Watch) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn_explicit(
            "Callback with id '1' already exists", RuntimeWarning, "inotify.py", 365, "watchdog.observers.inotify"
        )
    assert not caught


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_where_the_system_refuses_to_tell_sweeps_go_on(number: int, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: BaseObserver) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.Observer, "start", refuse)
    threads = observers_threads()
    watch = Watch(photos, scan(photos))
    watch.start()
    assert os.strerror(number) in watch.problem
    assert watch.tick(100) is None
    write(photos / "b.jpg")
    assert watch.tick(104) is None
    assert watch.tick(105.1) is None
    assert watch.tick(106) == FolderChanged(added=("b.jpg",))
    assert observers_threads() == threads
    monkeypatch.undo()
    # It is asked again now and then.
    assert watch.tick(111) is None
    assert watch.problem == "" and len(observers_threads()) > len(threads)
    watch.close()


def test_what_happens_between_a_tick_and_the_start_is_not_missed(photos: Path) -> None:
    watch = Watch(photos, scan(photos), sweep_seconds=1e9)
    assert watch.tick(time.monotonic()) is None
    write(photos / "more" / "b.jpg")
    watch.start()
    try:
        assert until(watch, lambda: len(watch.known) == 2) == [FolderChanged(added=("more/b.jpg",))]
    finally:
        watch.close()


def test_what_is_known_is_a_copy(watch: Watch, photos: Path) -> None:
    known = watch.known
    write(photos / "b.jpg")
    until(watch, lambda: len(watch.known) == 2)
    assert list(known) == ["a.jpg"]
    known.clear()
    assert watch.known == scan(photos)


def test_events_that_name_the_folder_otherwise_have_everything_looked_at() -> None:
    marks = Marks()
    handler = module._Handler("/home/Bilder", marks)
    handler.on_any_event(FileCreatedEvent("/home/Bilder/more/b.jpg"))
    assert marks.take() == ({"more"}, False)
    # As where upper and lower case are the same.
    handler.on_any_event(FileCreatedEvent("/home/bilder/more/b.jpg"))
    assert marks.take() == (set(), True)
    handler.on_any_event(FileMovedEvent("/home/Bilder/b.jpg", "/home/bilder/more/b.jpg"))
    assert marks.take() == ({""}, True)
    for path in ("/home/Bilder", "/home", "/"):
        handler.on_any_event(DirDeletedEvent(path))
    assert marks.take() == (set(), False)


def test_any_failure_to_watch_leaves_the_sweeps(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: BaseObserver) -> None:
        raise RuntimeError("Cannot start fsevents stream.")

    monkeypatch.setattr(module.Observer, "start", refuse)
    watch = Watch(photos, scan(photos))
    watch.start()
    assert "Cannot start fsevents stream" in watch.problem
    watch.close()
