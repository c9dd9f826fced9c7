"""The process that decodes previews: the last wish wins, and nothing that happens to it reaches the app."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tui.pictures import Pictures
from tui.work import prepare

PATIENCE_S = 30


@pytest.fixture
def pictures():
    prepare()
    made = Pictures()
    yield made
    made.close()


def answer(pictures):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = pictures.poll()
        if found is not None:
            return found
        time.sleep(0.005)
    raise AssertionError("no answer came")


@pytest.fixture
def photographs(tmp_path):
    from PIL import Image

    paths = []
    for index, colour in enumerate([(250, 10, 20), (10, 240, 30), (20, 30, 230)]):
        paths.append(tmp_path / f"{index}.png")
        Image.new("RGB", (60, 40), colour).save(paths[-1])
    return paths


def test_a_picture_comes_in_the_size_asked_for(pictures, photographs):
    assert pictures.poll() is None and not pictures.busy
    pictures.ask(photographs[0], 30, 90)
    assert pictures.busy
    path, pixels = answer(pictures)
    assert path == photographs[0]
    assert isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8
    assert pixels.shape == (20, 30, 3)
    assert pixels[10, 15].tolist() == [250, 10, 20]
    assert not pictures.busy


def test_the_last_wish_wins(pictures, photographs):
    pictures.ask(photographs[0], 30, 20)
    pictures.ask(photographs[1], 30, 20)
    pictures.ask(photographs[2], 30, 20)
    assert [answer(pictures)[0], answer(pictures)[0]] == [photographs[0], photographs[2]]
    assert not pictures.busy


@pytest.mark.parametrize("name", ["missing.jpg", "text.jpg", "folder.jpg", "empty.png", "odd\n\udcff.png"])
def test_what_is_no_picture_says_so(pictures, photographs, tmp_path, name):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    pictures.ask(tmp_path / name, 30, 20)
    path, why = answer(pictures)
    assert path == tmp_path / name
    assert isinstance(why, str) and why.endswith(".")
    pictures.ask(photographs[1], 30, 20)
    assert isinstance(answer(pictures)[1], np.ndarray)


def test_the_childs_death_costs_one_picture(pictures, photographs):
    pictures.ask(photographs[0], 30, 20)
    answer(pictures)
    os.kill(pictures._child.pid, signal.SIGSTOP)
    pictures.ask(photographs[0], 30, 20)
    pictures.ask(photographs[1], 30, 20)
    os.kill(pictures._child.pid, signal.SIGKILL)
    path, why = answer(pictures)
    assert path == photographs[0] and isinstance(why, str)
    path, pixels = answer(pictures)
    assert path == photographs[1] and isinstance(pixels, np.ndarray)


def test_a_child_that_died_in_between_is_replaced(pictures, photographs):
    pictures.ask(photographs[0], 30, 20)
    answer(pictures)
    os.kill(pictures._child.pid, signal.SIGKILL)
    pictures._child.join(PATIENCE_S)
    pictures.ask(photographs[2], 30, 20)
    assert isinstance(answer(pictures)[1], np.ndarray)


def test_the_child_is_nice_deaf_and_dumb(pictures, photographs):
    pictures.ask(photographs[0], 30, 20)
    answer(pictures)
    process = pictures._child.pid
    assert os.getpriority(os.PRIO_PROCESS, process) > os.getpriority(os.PRIO_PROCESS, 0)
    os.kill(process, signal.SIGINT)
    pictures.ask(photographs[1], 30, 20)
    assert isinstance(answer(pictures)[1], np.ndarray)
    assert pictures._child.pid == process
    said = Path(f"/proc/{process}/fd")
    if said.exists():
        assert {os.readlink(said / each) for each in ("1", "2")} == {os.devnull}


def test_closing_ends_the_child(photographs):
    prepare()
    pictures = Pictures()
    pictures.close()
    pictures.ask(photographs[0], 30, 20)
    child = pictures._child
    pictures.close()
    child.join(PATIENCE_S)
    assert not child.is_alive()
