"""Room for features: the question, its answers, and what the screen says of images that wait for one."""

import json

import pytest
from textual.widgets import Static

from engine.events import ModelSaved, RoomAsked, Score
from engine.journal import Journal, Verdict
from engine.keeping import Keeping
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, wrong_ones
from tests.tui.test_main import counts, no_haste, opened, until
from tui import headless
from tui.messages import Ended, Opening, Room
from tui.screens.choose import Choose

__all__ = ["no_haste", "opened"]

MB = 1_000_000
ASKED = RoomAsked(41_000, 3_033 * MB, 1_516 * MB, 2_700 * MB)


def shows_question(pilot):
    return isinstance(pilot.app.screen, Choose) and bool(pilot.app.screen.query(Static))


def question(pilot):
    return str(pilot.app.screen.query_one(Static).render())


@pytest.mark.parametrize(
    ("key_pressed", "expected"), [("f", ("full", "none")), ("h", ("half", "none")), ("l", ("full", "2000000000B"))]
)
def test_how_features_are_kept_is_asked_and_answered(opened, key_pressed, expected):
    async def story(pilot, said, journal):
        said.to_say = [ASKED, Ended()]
        await until(pilot, lambda: shows_question(pilot))
        for words in ("41,000 images", "3.0 GB", "1.5 GB", "2.7 GB left", "not enough for all, in full", "at most 2.0 GB"):
            assert words in question(pilot)
        await pilot.press("enter", "x")
        assert shows_question(pilot) and not journal.in_force()
        await pilot.press(key_pressed)
        assert not shows_question(pilot)
        assert said.asked == [Room(Keeping(*expected))]
        await pilot.press("x")
        assert len(journal.in_force()) == 1

    opened(story)


@pytest.mark.parametrize(
    ("free_mb", "said_of_it", "limit", "limit_in_words"),
    [
        (3_034, "3.0 GB left.\n", "2000000000B", "2.0 GB"),
        (1_320, "not enough for all, even in half precision", "660000000B", "660.0 MB"),
        (70, "not enough for all, even in half precision", "100000000B", "100.0 MB"),
    ],
)
def test_what_is_offered_fits_the_disk(opened, free_mb, said_of_it, limit, limit_in_words):
    async def story(pilot, said, journal):
        said.to_say = [RoomAsked(41_000, 3_033 * MB, 1_516 * MB, free_mb * MB), Ended()]
        await until(pilot, lambda: shows_question(pilot))
        assert said_of_it in question(pilot)
        assert f"at most {limit_in_words}" in question(pilot)
        await pilot.press("l")
        assert said.asked == [Room(Keeping("full", limit))]

    opened(story)


@pytest.mark.parametrize("key_pressed", ["escape", "n"])
def test_not_now_is_not_asked_twice_but_shown(opened, key_pressed):
    async def story(pilot, said, journal):
        said.to_say = [ASKED, Ended()]
        await until(pilot, lambda: shows_question(pilot))
        await pilot.press(key_pressed)
        assert not shows_question(pilot)
        assert said.asked == []
        assert "41,000 new images not read; Room" in pilot.app._main.session.notice
        score = Score(3, 3, 0.1)
        said.to_say = [ModelSaved(None, 1, score, score), RoomAsked(2, MB, MB, MB), Ended()]
        await until(pilot, lambda: "Saved as version 1" in pilot.app._main.session.notice)
        assert not shows_question(pilot)
        assert counts(pilot).endswith("41,000 new images not read")

    opened(story)


def test_the_palette_asks_again_what_was_put_off(opened):
    async def story(pilot, said, journal):
        room = next(each for each in pilot.app.get_system_commands(pilot.app.screen) if each.title == "Room")
        await room.callback()
        assert "No image waits" in pilot.app._main.session.notice
        said.to_say = [ASKED, Ended()]
        await until(pilot, lambda: shows_question(pilot))
        await pilot.press("n")
        await room.callback()
        await until(pilot, lambda: shows_question(pilot))
        await pilot.press("h")
        assert said.asked == [Room(Keeping("half", "none"))]
        await room.callback()
        assert not shows_question(pilot)
        assert "not read" not in counts(pilot)

    opened(story)


def test_a_question_takes_no_key_that_was_pressed_before_it_was_there(opened, monkeypatch):
    async def story(pilot, said, journal):
        monkeypatch.setattr("tui.screens.choose.HASTE_S", 60.0)
        said.to_say = [ASKED, Ended()]
        await until(pilot, lambda: shows_question(pilot))
        await pilot.press("f", "n", "h", "escape", "l", "x")
        assert shows_question(pilot)
        assert said.asked == [] and not journal.in_force()

    opened(story)


def test_words_of_a_command_tell_the_numbers_and_what_to_give():
    words = headless.event_words(ASKED)
    for part in (
        "41,000 images not read",
        "3.0 GB",
        "half precision 1.5 GB",
        "2.7 GB left. That is not enough for all, in",
    ):
        assert part in words
    assert "not enough" not in headless.event_words(RoomAsked(41_000, 3_033 * MB, 1_516 * MB, 3_034 * MB))


def test_retrain_does_without_images_that_nobody_decided_about(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        wrong = wrong_ones(predictions(workspace.scan()))
        with Journal(workspace.home / "journal.db") as journal:
            journal.append([Verdict(content, label, "?", 0) for content, label in sorted(wrong.items())[:3]], 1.0)
    (pictures / "new.png").write_bytes((pictures / "c00.png").read_bytes() + b"more")
    printed = []
    printer = headless.Printer(True, printed.append, printed.append)
    assert headless.retrain(printer, Opening(pictures, ask_above_bytes=0), "auto", Settings(seed=0), False) == 0
    said = [json.loads(line) for line in printed]
    asked = next(event for event in said if event["event"] == "room_asked")
    assert (asked["images"], asked["full_bytes"], asked["half_bytes"]) == (1, 480, 240)
    assert [event["learned"] for event in said if event["event"] == "retrained"] == [3]
    assert any(event["event"] == "model_saved" for event in said)
