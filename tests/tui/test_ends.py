"""The real app in a real terminal: its engine is killed, its line drops, it is stopped and goes on, its size changes."""

import os
import random
import re
import signal
import time
from contextlib import suppress

import psutil
import pytest

from engine.journal import Journal
from engine.places import IN_WORK
from tests.conftest import small_model
from tests.pseudo_terminal import CATFLAP, PseudoTerminal, ready
from tui.child import NICE

EPOCHS = 40_000
"""A training that nobody waits for to the end."""


@pytest.fixture
def slow_model(tmp_path):
    """A model whose own training takes a minute or so."""

    def make(epochs=EPOCHS):
        model = small_model(seed=1)
        update = model.neuralNetworkClassifier.updateParams
        update.epochs.defaultValue = epochs
        update.epochs.set.values.append(epochs)
        path = tmp_path / "models" / "slow.mlmodel"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(model.SerializeToString())
        return path

    return make


def start(folder, model, *options, size=(80, 24)):
    return PseudoTerminal([*CATFLAP, folder, "--model", model, *options], *size)


def engines(app):
    """The processes of the engine that have given way to the app: one, or none for a moment."""
    process = psutil.Process(app.pid)
    with suppress(psutil.NoSuchProcess):
        return [each for each in process.children() if each.nice() == min(19, process.nice() + NICE)]
    return []


def engine(app):
    """The process, once it is there."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := engines(app):
            return found[0]
        app.read(0.02)
    raise AssertionError("there is no engine")


def verdicts(folder):
    with Journal(folder / ".catflap" / "journal.db") as journal:
        return len(journal.in_force())


def trained(app, keys="xar"):
    """Ask for a training, and wait until it is under way."""
    mark = len(app.said)
    app.send(keys)
    app.wait_for("(plain)", since=mark)


def left_nothing(folder, processes):
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
    assert not (folder / ".catflap" / IN_WORK).exists()
    assert "Traceback" not in (folder / ".catflap" / "engine.log").read_text()


def test_a_killed_engine_is_started_again_and_retrains(pictures, slow_model):
    model = slow_model()
    with start(pictures, model, "--trainer", "plain") as app:
        first = engine(app)
        first.kill()
        app.wait_for("Engine killed (signal 9")
        ready(app)
        trained(app)
        second = engine(app)
        assert second.pid != first.pid
        mark = len(app.said)
        second.kill()
        app.wait_for("press r again.", since=mark)
        app.settle()
        app.send("x")
        app.wait_for("3 verdicts")
        assert engine(app).pid != second.pid
        trained(app, "r")
        mark = len(app.said)
        app.send("\x1b")
        app.wait_for("keep the present", since=mark)
        app.settle(quiet=0.8)
        app.send("n")
        app.wait_for("The present model stays", since=mark)
        app.send("q")
        assert app.wait() == 0
    assert verdicts(pictures) == 3


@pytest.mark.parametrize(
    ("epochs", "option", "told"),
    [
        (600, "finish", r"Line dropped at \d\d:\d\d; retrain went on: version 1, \d of 1 flip"),
        pytest.param(
            EPOCHS, "stop", r"Line dropped at \d\d:\d\d; the retrain was stopped, nothing was saved", marks=pytest.mark.slow
        ),
    ],
)
def test_the_line_drops_in_a_training_and_the_next_opening_tells(pictures, slow_model, epochs, option, told):
    model = slow_model(epochs)
    before = model.read_bytes()
    with start(pictures, model, "--trainer", "plain", "--hangup", option) as app:
        ready(app)
        trained(app)
        processes = psutil.Process(app.pid).children(recursive=True)
        app.hang_up()
        assert app.wait(60) == 128 + signal.SIGHUP
    left_nothing(pictures, processes)
    assert verdicts(pictures) == 2
    assert (model.read_bytes() == before) == (option == "stop")
    with start(pictures, model) as app:
        ready(app)
        assert re.search(told, app.text), app.text[-600:]
        app.send("q")
        assert app.wait() == 0
    with start(pictures, model) as app:
        ready(app)
        assert "Line dropped" not in app.text
        os.kill(app.pid, signal.SIGTERM)
        assert app.wait() == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in app.said, "the terminal is given back"


def test_stopped_and_continued_and_resized_it_is_whole(pictures, model_path):
    """By SIGTSTP and SIGCONT, as of a shell; by SIGSTOP, of which no program hears; then a storm of sizes."""
    with start(pictures, model_path) as app:
        ready(app)
        process, worker = psutil.Process(app.pid), engine(app)
        for number, stop in enumerate((signal.SIGTSTP, signal.SIGSTOP, signal.SIGTSTP), 1):
            mark = len(app.said)
            os.kill(app.pid, stop)
            while process.status() != psutil.STATUS_STOPPED:
                app.read(0.02)
            # What it sent before it stopped may still be on its way.
            app.settle()
            assert (b"\x1b[?1049l" in app.said[mark:]) == (stop == signal.SIGTSTP)
            mark = len(app.said)
            os.kill(app.pid, signal.SIGCONT)
            app.wait_for("24 images", since=mark)
            app.wait_for("Help", since=mark)
            assert b"\x1b[?1049h" in app.said[mark:]
            app.settle()
            app.send("x")
            app.wait_for(f"{number} verdict")
        rng = random.Random(5)
        app.send("r")
        for number in range(300):
            app.resize(rng.randint(1, 500), rng.randint(1, 200))
            if number % 30 == 0:
                app.send("x")
            app.read(0.003)
        app.resize(80, 24)
        app.settle(quiet=1, seconds=30)
        mark = len(app.said)
        app.send("x")
        app.wait_for("14 verdicts", since=mark)
        assert worker.is_running()
        assert engines(app) == [worker]
        app.send("q")
        assert app.wait() == 0
    assert verdicts(pictures) == 14
    left_nothing(pictures, [worker])
