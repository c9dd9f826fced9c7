"""The process that decodes previews: the most urgent wish first, and nothing that happens to it reaches the app."""

import asyncio
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.limits import Limits
from tests.hostile.corpus import scans
from tui.pictures import LEAST_BYTES, Pictures, Wanted
from tui.work import prepare

PATIENCE_S = 30


@pytest.fixture
def pictures():
    prepare()
    made = Pictures()
    yield made
    made.close()


def answer(pictures):
    """What is answered next."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done = pictures.poll()
        if done is not None:
            return done
        time.sleep(0.005)
    raise AssertionError("no answer came")


@pytest.fixture
def wanted(tmp_path):
    """Four pictures, of one colour each, in the same size."""
    made = []
    for index, colour in enumerate([(250, 10, 20), (10, 240, 30), (20, 30, 230), (99, 98, 97)]):
        path = tmp_path / f"{index}.png"
        Image.new("RGB", (60, 40), colour).save(path)
        made.append(Wanted(path, 30, 90))
    return made


def colour(pictures, wanted):
    return pictures.found(wanted).pixels[10, 15].tolist()


def test_a_picture_comes_in_the_size_asked_for_with_what_is_known_of_it(pictures, wanted):
    assert pictures.poll() is None and not pictures.busy
    os.utime(wanted[0].path, (1e9, 1e9))
    pictures.want([wanted[0]])
    assert pictures.busy and pictures.found(wanted[0]) is None
    assert answer(pictures) == wanted[0]
    found = pictures.found(wanted[0])
    assert found.pixels.dtype == np.uint8 and found.pixels.shape == (20, 30, 3)
    assert found.pixels[10, 15].tolist() == [250, 10, 20]
    assert (found.width, found.height, found.why) == (60, 40, "")
    assert (found.size_bytes, found.modified_s) == (wanted[0].path.stat().st_size, 1e9)
    assert not pictures.busy


def test_the_most_urgent_goes_first_and_what_is_no_longer_wanted_is_left(pictures, wanted):
    pictures.want(wanted[:3])
    pictures.want([wanted[3], wanted[2]])
    assert [answer(pictures) for _ in range(3)] == [wanted[0], wanted[3], wanted[2]]
    assert not pictures.busy and pictures.found(wanted[1]) is None


def test_what_is_kept_is_not_decoded_again(pictures, wanted):
    pictures.want(wanted[:2])
    answer(pictures)
    answer(pictures)
    pictures.want([wanted[1], wanted[0]])
    assert not pictures.busy
    assert colour(pictures, wanted[1]) == [10, 240, 30]
    pictures.want([wanted[0]._replace(width=20), wanted[0]._replace(part=(0.0, 0.0, 0.5, 1.0))])
    sizes = [pictures.found(answer(pictures)).pixels.shape for _ in range(2)]
    assert sizes == [(13, 20, 3), (40, 30, 3)]


def test_what_was_looked_for_longest_ago_is_given_up(wanted):
    prepare()
    one = 20 * 30 * 3 + LEAST_BYTES
    pictures = Pictures(most_bytes=2 * one)
    try:
        pictures.want(wanted[:2])
        answer(pictures)
        answer(pictures)
        assert pictures.found(wanted[0]) is not None and pictures.kept_bytes == 2 * one
        pictures.want([wanted[2]])
        answer(pictures)
        assert [pictures.found(each) is not None for each in wanted] == [True, False, True, False]
        assert pictures.kept_bytes == 2 * one
    finally:
        pictures.close()


def test_a_file_that_was_replaced_is_decoded_again(pictures, wanted):
    pictures.want([wanted[0]])
    answer(pictures)
    Image.new("RGB", (60, 40), (1, 2, 3)).save(wanted[0].path)
    pictures.forget({wanted[0].path})
    assert pictures.found(wanted[0]) is None and pictures.kept_bytes == 0
    pictures.want([wanted[0]])
    answer(pictures)
    assert colour(pictures, wanted[0]) == [1, 2, 3]


def test_a_file_that_is_replaced_while_it_is_decoded_is_decoded_again(pictures, wanted):
    pictures.want([wanted[3]])
    answer(pictures)
    pictures.want([wanted[0], wanted[1]])
    while not pictures._pipe.poll():
        time.sleep(0.005)
    # The child has answered already.
    Image.new("RGB", (60, 40), (1, 2, 3)).save(wanted[0].path)
    pictures.forget({wanted[0].path, wanted[2].path})
    assert [answer(pictures), answer(pictures)] == [wanted[0], wanted[1]]
    assert colour(pictures, wanted[0]) == [1, 2, 3]


@pytest.mark.parametrize("name", ["missing.jpg", "text.jpg", "folder.jpg", "empty.png", "odd\n\udcff.png", "null\0.png"])
def test_what_is_no_picture_says_so(pictures, wanted, tmp_path, name):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    bad = Wanted(tmp_path / name, 30, 20)
    pictures.want([bad, wanted[1]])
    assert answer(pictures) == bad
    found = pictures.found(bad)
    assert found.pixels is None and found.why.endswith(".") and not found.width
    assert found.size_bytes == (10 if name == "text.jpg" else found.size_bytes)
    assert bool(found.modified_s) == (tmp_path / name).exists() if "\0" not in name else not found.modified_s
    answer(pictures)
    assert colour(pictures, wanted[1]) == [10, 240, 30]


def test_the_childs_death_costs_one_picture(pictures, wanted):
    pictures.want([wanted[2]])
    answer(pictures)
    os.kill(pictures._child.pid, signal.SIGSTOP)
    pictures.want(wanted[:2])
    os.kill(pictures._child.pid, signal.SIGKILL)
    assert [answer(pictures), answer(pictures)] == wanted[:2]
    assert pictures.found(wanted[0]).why and pictures.found(wanted[0]).pixels is None
    assert pictures.found(wanted[1]).pixels is not None


def test_a_picture_that_takes_too_long_ends_the_child_alone(wanted):
    prepare()
    pictures = Pictures(limits=Limits(seconds=1))
    try:
        pictures.want([wanted[2]])
        answer(pictures)
        # Thousands of scans in a few megabytes of JPEG.
        wanted[0].path.write_bytes(scans(4000))
        pictures.want(wanted[:2])
        assert [answer(pictures), answer(pictures)] == wanted[:2]
        assert pictures.found(wanted[0]).why == "The picture takes too long to read."
        assert pictures.found(wanted[1]).pixels is not None
    finally:
        pictures.close()


def test_the_child_is_held_to_the_limits(wanted):
    prepare()
    pictures = Pictures(limits=Limits(max_pixels=2398))
    try:
        pictures.want([wanted[0]])
        answer(pictures)
        assert pictures.found(wanted[0]).why == "More than 2,398 pixels."
    finally:
        pictures.close()


def test_a_child_that_died_in_between_is_replaced(pictures, wanted):
    pictures.want([wanted[0]])
    answer(pictures)
    os.kill(pictures._child.pid, signal.SIGKILL)
    pictures._child.join(PATIENCE_S)
    pictures.want([wanted[2]])
    answer(pictures)
    assert colour(pictures, wanted[2]) == [20, 30, 230]


def test_the_loop_tells_of_answers_and_is_left_alone_otherwise(wanted):
    prepare()

    async def play():
        told = []

        def answered():
            told.append(pictures.poll())

        async def until(true):
            deadline = time.monotonic() + PATIENCE_S
            while not true():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.005)

        pictures = Pictures(answered)
        pictures.want(wanted[:2])
        await until(lambda: not pictures.busy)
        assert [each for each in told if each] == wanted[:2]
        told.clear()
        await asyncio.sleep(0.1)
        assert told == []
        os.kill(pictures._child.pid, signal.SIGKILL)
        await until(lambda: pictures._child is None)
        await asyncio.sleep(0.1)
        assert told == [None]
        pictures.want([wanted[2]])
        await until(lambda: not pictures.busy)
        pictures.close()

    asyncio.run(play())


def test_the_child_is_nice_deaf_and_dumb(pictures, wanted):
    pictures.want([wanted[0]])
    answer(pictures)
    process = pictures._child.pid
    assert os.getpriority(os.PRIO_PROCESS, process) > os.getpriority(os.PRIO_PROCESS, 0)
    os.kill(process, signal.SIGINT)
    pictures.want([wanted[1]])
    answer(pictures)
    assert pictures.found(wanted[1]).pixels is not None
    assert pictures._child.pid == process
    said = Path(f"/proc/{process}/fd")
    if said.exists():
        assert {os.readlink(said / each) for each in ("1", "2")} == {os.devnull}


def test_closing_ends_the_child(wanted):
    prepare()
    pictures = Pictures()
    pictures.close()
    pictures.want([wanted[0]])
    child = pictures._child
    pictures.close()
    child.join(PATIENCE_S)
    assert not child.is_alive()
