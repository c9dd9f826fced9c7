"""What is done and noted when the line drops, or the app is told to end; by Pilot, with a stand-in for the engine."""

import json
import signal
import time

import pytest

from engine.events import ModelSaved, Retrained, Score, TrainingBegan
from engine.head import Head
from engine.journal import Journal
from tests.tui.test_main import opened, until
from tui import left, start
from tui.left import FILE, Left, take
from tui.messages import Crashed, Ended, Failed, Retrain, Stop
from tui.settings import Choices
from tui.terminal import Dropped

__all__ = ["opened"]

HUP, TERM = signal.SIGHUP, signal.SIGTERM
BEGUN = TrainingBegan("fit", 2, 9)


def retrained(after=2, offered=False):
    return Retrained(Head(()), 3, 2, 4, 0, 0, Score(1, 2, 0.4), Score(after, 2, 0.2), offered=offered)


SAVED = ModelSaved("model.mlmodel", 7, Score(1, 2, 0.4), Score(2, 2, 0.2))


def drops(pilot, signum):
    pilot.app.post_message(Dropped(signum))


async def ended(pilot, signum):
    await until(pilot, lambda: not pilot.app.is_running or pilot.app.return_code is not None)
    assert pilot.app.return_code == 128 + signum


def noted(folder):
    return json.loads((folder / ".catflap" / FILE).read_text())["became"]


@pytest.mark.parametrize("signum", [HUP, TERM])
def test_with_nothing_under_way_it_ends_at_once(opened, tmp_path, signum):
    async def story(pilot, said, journal):
        await pilot.press("x")
        drops(pilot, signum)
        await ended(pilot, signum)
        assert noted(tmp_path) == "every verdict is kept"

    opened(story)


def test_a_retrain_goes_on_and_so_does_the_one_behind_it(opened, tmp_path):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("x", "a", "r", "r")
        said.to_say = [BEGUN]
        await pilot.pause(0.2)
        drops(pilot, HUP)
        await pilot.pause(0.3)
        assert pilot.app.return_code is None
        assert noted(tmp_path) == ""
        assert "history tells" in take(tmp_path / ".catflap", time.time()), "as if the power failed now"
        said.to_say = [retrained(), SAVED, Ended()]
        await until(pilot, lambda: sum(isinstance(each, Retrain) for each in said.asked) == 2)
        assert pilot.app.return_code is None
        said.to_say = [BEGUN, retrained()]
        await until(pilot, lambda: main.session.saving)
        drops(pilot, HUP)
        await pilot.pause(0.3)
        assert pilot.app.return_code is None, "it is being saved"
        said.to_say = [ModelSaved("model.mlmodel", 8, *[Score(1, 2, 0.4)] * 2)]
        await ended(pilot, HUP)
        assert noted(tmp_path) == "retrain went on: version 8, 2 of 3 flips learned"

    opened(story)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([retrained(after=0)], "retrain not kept: right on 0, the present model on 1"),
        ([Failed("The disk is full.", "Make room.")], "the retrain failed: The disk is full. Make room"),
        ([Crashed(-9)], "the retrain failed: the engine ended"),
    ],
)
def test_a_retrain_that_comes_to_nothing_ends_as_well(opened, tmp_path, answer, words):
    async def story(pilot, said, journal):
        await pilot.press("x", "a", "r")
        said.to_say = [BEGUN]
        await pilot.pause(0.2)
        drops(pilot, HUP)
        await pilot.pause(0.1)
        said.to_say = answer
        await ended(pilot, HUP)
        assert noted(tmp_path) == words
        assert said.started == [False]

    opened(story)


@pytest.mark.parametrize(("signum", "hangup"), [(HUP, "stop"), (TERM, "finish")])
def test_a_retrain_stops_where_that_is_wanted(opened, tmp_path, signum, hangup):
    async def story(pilot, said, journal):
        await pilot.press("x", "a", "r", "r")
        said.to_say = [BEGUN]
        await pilot.pause(0.2)
        drops(pilot, signum)
        await until(pilot, lambda: isinstance(said.asked[-1], Stop))
        assert pilot.app.return_code is None
        said.to_say = [retrained(offered=True), Ended()]
        await ended(pilot, signum)
        assert noted(tmp_path) == "the retrain was stopped, nothing was saved"
        assert sum(isinstance(each, Retrain) for each in said.asked) == 1

    opened(story, choices=Choices(hangup=hangup))


def test_told_again_to_end_it_does_not_wait(opened, tmp_path):
    async def story(pilot, said, journal):
        await pilot.press("x", "a", "r")
        said.to_say = [BEGUN]
        await pilot.pause(0.2)
        drops(pilot, HUP)
        drops(pilot, TERM)
        await ended(pilot, HUP)
        assert noted(tmp_path) == "the retrain was stopped, nothing was saved"

    opened(story)


def test_the_next_opening_tells_it_once(tmp_path):
    Left(time.time(), HUP, left.saved(3, retrained())).keep(tmp_path)
    said = []
    with Journal(tmp_path / "journal.db"):
        pass
    for looks in (True, False, False):
        journal, told = start._journal(tmp_path, looks)
        said.append(told)
        journal.close()
    assert (said[0], said[2]) == ("", "")
    assert said[1].startswith("Line dropped at ")
    assert said[1].endswith("; retrain went on: version 3, 2 of 3 flips learned.")


def test_what_is_told_names_another_day_and_fits_a_line():
    now = time.mktime((2026, 3, 9, 14, 3, 0, 0, 0, -1))
    told = [Left(now - 86400 * days, HUP, left.saved(12, retrained())).words(now) for days in (0, 3)]
    assert told[0].startswith("Line dropped at 14:03; ")
    assert told[1].startswith("Line dropped 06 Mar 14:03; ")
    words = [left.not_better(retrained()), left.stopped(), left.nothing_lost(True), left.nothing_lost(False), ""]
    told += [Left(now, each, said).words(now) for each in (HUP, TERM) for said in words]
    assert max(map(len, told)) <= 79


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"at": 1e400, "signum": 1, "became": ""}', '{"at": 1, "signum": 99, "became": "x"}']
)
def test_a_note_that_cannot_be_read_says_nothing_and_goes(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert take(tmp_path, 0.0) == ""
    assert not (tmp_path / FILE).exists()
