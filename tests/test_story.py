"""The main job in a real terminal, from a folder of pictures to a better model, and back again the next day."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from engine.spec.schema import Model
from tests.model_metadata import without_ours
from tests.pseudo_terminal import CATFLAP, ROOT, PseudoTerminal, ready

ASKS_ABOVE = """
import sys
from pathlib import Path
from tui.start import before_textual
before_textual()
from engine.journal import Journal
from engine.places import home
from tui.app import Catflap
from tui.messages import Opening
from tui.settings import Choices
from tui.work import Work
folder, model, above_bytes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
opening = Opening(folder, model, ask_above_bytes=above_bytes)
with Journal(home(folder) / "journal.db") as journal:
    Catflap(folder, Work(lambda: opening, home(folder) / "engine.log"), journal, Choices()).run()
"""
"""The app on a folder, asking about room above so many bytes."""


@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.slow)])
def test_from_a_folder_to_a_better_model(pictures, model_path, size):
    original = model_path.read_bytes()
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path], *size) as app:
        ready(app)
        assert "version 0" in app.text
        app.send("xxa")
        app.wait_for("3 verdicts")
        app.wait_for("2 flips")
        mark = len(app.said)
        shutil.copy(pictures / "c00.png", pictures / "part.png.part")
        (pictures / "part.png.part").rename(pictures / "zz.png")
        app.wait_for("25 images", since=mark)
        mark = len(app.said)
        app.send("r")
        app.wait_for("learned", since=mark)
        app.wait_for("Saved as version 1", since=mark)
        app.settle()
        app.send("q")
        assert app.wait() == 0
    saved = model_path.read_bytes()
    assert saved != original
    assert len(without_ours(saved)) == len(original)
    assert Model.FromString(saved).isUpdatable
    with PseudoTerminal([*CATFLAP, pictures], *size) as app:
        app.wait_for("25 images")
        app.wait_for("3 verdicts")
        app.wait_for("version 1")
        app.settle()
        mark = len(app.said)
        app.send("u")
        app.wait_for("2 verdicts", since=mark)
        app.send("q")
        assert app.wait() == 0


def test_live_shows_verdicts_learned_and_retrain_keeps_them(pictures, model_path):
    original = model_path.read_bytes()
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--preview", "off"]) as app:
        ready(app)
        app.send("l")
        app.wait_for("LIVE")
        mark = len(app.said)
        app.send("xx")
        app.wait_for("2 of 2 flips learned", since=mark)
        app.wait_for("was Cat", since=mark)
        assert model_path.read_bytes() == original
        mark = len(app.said)
        app.send("r")
        app.wait_for("Saved as version 1", since=mark)
        app.settle()
        app.send("q")
        assert app.wait() == 0
    assert model_path.read_bytes() != original


def test_a_filter_typed_at_once_with_what_follows(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--preview", "off"]) as app:
        ready(app)
        mark = len(app.said)
        app.send("/c0 -c03\rV1")
        app.wait_for("5 verdicts given", since=mark)
        app.wait_for("5 of 24 images", since=mark)
        mark = len(app.said)
        app.send("u\x1b")
        app.wait_for("24 images", since=mark)
        app.settle()
        assert app.settle(quiet=1.0, seconds=1.0) == 0
        app.send("q")
        assert app.wait() == 0
    with PseudoTerminal([*CATFLAP, pictures, "--preview", "off"]) as app:
        app.wait_for("0 verdicts")
        app.settle()
        mark = len(app.said)
        app.send("U")
        app.wait_for("5 verdicts", since=mark)


def status(folder):
    done = subprocess.run([*CATFLAP, "status", folder, "--json"], capture_output=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def test_a_scan_that_takes_much_room_asks_first(pictures, model_path):
    features_bytes = 24 * 120 * 4
    with PseudoTerminal([sys.executable, "-c", ASKS_ABOVE, pictures, model_path, features_bytes - 1]) as app:
        app.wait_for("24 images to read")
        app.wait_for("keep all in half precision: 5.8 kB")
        app.settle(quiet=0.7)
        app.send("n")
        app.wait_for("24 new images not read")
        app.settle()
        assert " %" not in app.text
        mark = len(app.said)
        app.send("\x10")
        app.settle()
        app.send("Room")
        app.settle(quiet=0.5)
        app.send("\r")
        app.wait_for("24 images to read", since=mark)
        app.settle(quiet=0.7)
        app.send("h")
        app.wait_for(" %", since=mark)
        app.settle()
        app.send("xx")
        app.wait_for("2 verdicts", since=mark)
        app.send("q")
        assert app.wait() == 0
    assert (status(pictures)["features"], status(pictures)["store_limit"]) == ("half", None)
    with PseudoTerminal([sys.executable, "-c", ASKS_ABOVE, pictures, model_path, 0]) as app:
        app.wait_for(" %")
        app.wait_for("2 verdicts")
        app.settle()
        assert "to read" not in app.text


def test_features_are_kept_as_the_command_line_says(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--features", "half", "--store-limit", "1.5GB"]) as app:
        app.wait_for(" %")
        app.settle()
        app.send("q")
        assert app.wait() == 0
    assert (status(pictures)["features"], status(pictures)["store_limit"]) == ("half", 1_500_000_000)
    with PseudoTerminal([*CATFLAP, pictures, "--store-limit", "2 cats"]) as app:
        assert app.wait() == 2
        assert "'2 cats' is no size" in app.text


def test_an_idle_app_sends_nothing(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path]) as app:
        app.wait_for("24 images")
        app.settle(quiet=1.5, seconds=20)
        assert app.settle(quiet=2.0, seconds=2.0) == 0


def test_few_bytes_a_key(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--preview", "off"]) as app:
        app.wait_for("24 images")
        app.settle(quiet=1.5, seconds=20)
        for key in "jjk":
            app.send(key)
            assert 0 < app.settle() < 1200


def test_a_slow_link_costs_fewer_bytes(pictures, model_path):
    costs = {}
    for more in ((), ("--slow-link",)):
        with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--preview", "off", *more]) as app:
            app.wait_for("24 images")
            app.wait_for(" %")
            app.settle(quiet=1.5, seconds=20)
            costs[more] = [len(app.said)]
            assert (b"\x1b[?1000h" in app.said) == (not more)
            for key in "jk":
                app.send(key)
                costs[more].append(app.settle())
            assert (b"38;2;" in app.said) == (not more)
    usual, slow = costs.values()
    assert all(few < 0.8 * many for few, many in zip(slow, usual, strict=True)), costs


def test_a_slow_link_shows_pictures_only_when_asked(pictures, model_path):
    seen = []
    for more in ((), ("--preview", "blocks")):
        with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--slow-link", *more]) as app:
            app.wait_for("24 images")
            app.wait_for(" %")
            app.settle(quiet=1.5, seconds=20)
            seen.append("▀".encode() in app.said)
    assert seen == [False, True]


def test_a_model_that_is_none_is_refused_in_words(pictures, tmp_path):
    bad = tmp_path / "bad.mlmodel"
    bad.write_bytes(b"nothing")
    with PseudoTerminal([*CATFLAP, pictures, "--model", bad]) as app:
        assert app.wait() == 2
        assert "'bad.mlmodel' is not a Core ML model" in app.text.replace("\r\n", " ")


def test_the_engine_ends_with_the_app(pictures, model_path):
    psutil = pytest.importorskip("psutil")
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path]) as app:
        app.wait_for("24 images")
        app.settle()
        children = psutil.Process(app.pid).children(recursive=True)
        assert len(children) >= 2
    for _ in range(100):
        if not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
            return
        time.sleep(0.1)
    raise AssertionError("a child outlives the app")
