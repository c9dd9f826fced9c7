"""The engine's process, from the app's: a stand-in that does what it is asked, in a real child; and what ends it."""

import gc
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import pytest

from engine.errors import FolderError
from engine.events import ModelOpened
from engine.keeping import Keeping
from tui.child import LOG_BYTES, opened
from tui.crashes import AT_MOST, WELL_S, Restarts, cause
from tui.messages import Crashed, Failed, NotRunning, Opening, Stop
from tui.work import Work, prepare

PATIENCE_S = 30


class Nothing:
    """Stands for a workspace in which nothing goes on."""

    images = ()
    follow_links = False

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def opened(self):
        return ModelOpened("m.mlmodel", ("Cat", "Dog"), 0, (5, 7), True)

    def scan(self):
        return iter(())

    def model_changed(self, now):
        return False


@dataclass(frozen=True)
class Ending(Opening):
    """Opens nothing, and ends in some way."""

    how: str = ""

    def workspace(self):
        return WAYS[self.how](self.folder)


def refuse(folder):
    raise FolderError("The folder is gone.", "Look for it.")


def stick(folder):
    """Close the pipe to the app, and stay."""
    for each in gc.get_objects():
        if isinstance(each, Connection):
            each.close()
    time.sleep(600)


def fail(folder):
    raise RuntimeError("a defect of ours")


WAYS = {
    "": Nothing,
    "killed": lambda folder: os.kill(os.getpid(), signal.SIGKILL),
    "aborted": lambda folder: os.abort(),
    "left": lambda folder: sys.exit(3),
    "failed": fail,
    "stuck": stick,
    "refused": refuse,
}


@contextmanager
def working(folder, how=""):
    """A child that was started with this opening; what was opened each time, and all that it said."""
    openings, log = [Ending(folder, keeping=Keeping("half"), held_out="more", how=how)], folder / "engine.log"
    prepare()
    work = Work(lambda: openings[0], log)
    try:
        work.start()
        yield work
    finally:
        work.close()


def hear(work, kind):
    """What the child says, until it says that."""
    said, end = [], time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        said += work.heard()
        if any(isinstance(each, kind) for each in said):
            return said
        time.sleep(0.01)
    raise AssertionError(f"no {kind.__name__} came; heard {said}")


@pytest.mark.parametrize(
    ("how", "code", "logged"),
    [
        ("killed", -9, ""),
        ("aborted", -6, "Fatal Python error: Aborted"),
        ("left", 3, ""),
        ("failed", 1, "a defect of ours"),
    ],
)
def test_the_end_of_a_child_is_told_with_its_code_and_logged(tmp_path, how, code, logged):
    with working(tmp_path, how) as work:
        assert hear(work, Crashed) == [Crashed(code)]
        assert not work.running
        work.ask(Stop())
        assert hear(work, NotRunning) == [NotRunning()]
        log = (tmp_path / "engine.log").read_text()
        assert logged in log
        work.start(again=True)
        assert hear(work, Crashed) == [Crashed(code)]
        assert (tmp_path / "engine.log").read_text().startswith(log)


def test_a_folder_that_cannot_be_opened_is_told_before_the_end(tmp_path):
    with working(tmp_path, "refused") as work:
        assert hear(work, Crashed) == [Failed("The folder is gone.", "Look for it.", fatal=True), Crashed(0)]


def test_a_child_that_was_killed_is_started_again_and_serves(tmp_path):
    with working(tmp_path) as work:
        hear(work, ModelOpened)
        first = work._child.pid
        os.kill(first, signal.SIGKILL)
        work.ask(Stop())
        assert hear(work, Crashed)[-1] == Crashed(-9)
        work.start(again=True)
        hear(work, ModelOpened)
        assert work._child.pid != first
        assert work.running


def test_a_child_that_hangs_up_and_stays_is_gone_before_another_one_starts(tmp_path):
    with working(tmp_path, "stuck") as work:
        assert hear(work, Crashed) == [Crashed(None)]
        with pytest.raises(ProcessLookupError):
            os.kill(work._child.pid, 0)


def test_a_child_does_not_end_when_the_line_drops(tmp_path):
    with working(tmp_path) as work:
        hear(work, ModelOpened)
        os.kill(work._child.pid, signal.SIGHUP)
        work.ask(Stop())
        time.sleep(0.3)
        assert work.running
        assert not [each for each in work.heard() if isinstance(each, Crashed)]
    with suppress(ValueError):
        assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_it_ends_by_itself_when_the_app_does(tmp_path):
    with working(tmp_path) as work:
        hear(work, ModelOpened)
    assert work._child.exitcode == 0, "it was not ended by a signal, after a wait"
    assert not list(work.heard())


def test_what_is_remembered_is_not_said_again():
    opening = Opening("folder", "model", "out", Keeping("half", "2GB"), 7, Keeping("full"), "more")
    assert opening.again() == replace(opening, keeping=Keeping(), held_out="")


def test_the_log_keeps_the_last_words_and_does_not_grow_for_ever(tmp_path):
    log = tmp_path / "home" / "engine.log"
    for number in range(40):
        handle = opened(log)
        os.write(handle, b"".join(b"line %d of %d\n" % (line, number) for line in range(1000)))
        os.close(handle)
    text = log.read_text()
    assert LOG_BYTES < len(text) < LOG_BYTES + 20_000
    assert text.startswith("line "), "whole lines only"
    assert text.endswith("line 999 of 39\n")
    assert text.count(" begins\n") > 10


@pytest.mark.parametrize(
    ("ends", "another"),
    [
        ([(0, 0), (1, 0), (2, 0), (3, 0)], [True, True, False, False]),
        ([(0, 0), (1, 0), (2, 5), (3, 5), (4, 5)], [True, True, True, True, False]),
        ([(0, 8), (1, 8), (2 + WELL_S, 8), (3 + WELL_S, 8), (4 + WELL_S, 8)], [True, True, True, True, False]),
        ([(at, at // 2) for at in range(10)], [True] * 10),
    ],
)
def test_an_engine_that_gets_nowhere_is_not_started_for_ever(ends, another):
    restarts = Restarts()
    assert [restarts.another(now, known) for now, known in ends] == another
    restarts.anew()
    assert [restarts.another(1e6, 0) for _ in range(AT_MOST)] == [True] * (AT_MOST - 1) + [False]


def test_every_cause_is_named():
    assert "signal 9" in cause(-9) and "memory" in cause(-9)
    assert "signal 11" in cause(-11)
    assert "code 3" in cause(3)
    assert "engine.log" in cause(1)
    assert cause(None) and cause(0)
