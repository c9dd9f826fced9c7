"""What the screen shows and keeps when the engine ends, with a stand-in that says so."""

import pytest

from engine.events import (
    BatchEnded,
    FolderChanged,
    ImagesPredicted,
    LiveLearned,
    ModelOpened,
    Retrained,
    Score,
    TrainingBegan,
)
from engine.head import Head
from tests.tui.test_main import LABELS, ROWS, key, names, opened, predicted, until
from tui.crashes import AT_MOST, given_up, not_running, started_again
from tui.messages import Crashed, Ended, Failed, Keep, Live, Mix, NotRunning, Retrain
from tui.session import Session
from tui.widgets.lines import Notice
from tui.widgets.training import Training

__all__ = ["opened"]

AGAIN = [ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True), FolderChanged(predicted(ROWS).paths), predicted(ROWS)]
"""What another engine says at first."""


def notice(pilot):
    return pilot.app._main.query_one(Notice).content.strip()


async def ends(pilot, said, code=-9):
    count = len(said.started)
    said.running, said.to_say = False, [*said.to_say, Crashed(code)]
    await until(pilot, lambda: len(said.started) > count)


def test_a_retrain_under_way_ends_and_can_be_asked_for_again(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("x", "a", "r")
        said.to_say = [TrainingBegan("fit", 2, 9), BatchEnded(1, 1, 2, 0.4), BatchEnded(1, 2, 2, 0.3)]
        await until(pilot, lambda: main.query_one(Training).has_class("-shown"))
        await pilot.press("r")
        assert main.session.again
        await ends(pilot, said)
        assert said.started == [False, True]
        assert main.session.settled
        assert not main.query_one(Training).has_class("-shown")
        assert notice(pilot) == "Engine killed (signal 9, out of memory?) and started again; press r again."
        said.to_say = [*AGAIN, Ended()]
        await pilot.pause(0.3)
        assert notice(pilot).endswith("press r again."), "what the new engine says at first is no news"
        assert sum(isinstance(each, Retrain) for each in said.asked) == 1, "not by itself"
        assert len(journal.in_force()) == 2
        await pilot.press("r")
        assert set(said.asked[-1].verdicts) == set(journal.in_force())
        assert main.session.busy

    opened(story)


def test_rows_stay_and_follow_the_folder(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("x")
        before = main.session.rows
        await ends(pilot, said)
        assert main.session.rows is before
        assert notice(pilot).endswith("nothing is lost.")
        await pilot.press("a")
        assert len(journal.in_force()) == 2
        there = (*predicted(ROWS).paths[1:], "image99.png")
        came = ImagesPredicted(("image99.png",), (key(99),), (5,), predicted(ROWS[:1]).probabilities, 0)
        said.to_say = [AGAIN[0], FolderChanged(there), predicted(ROWS), came, Ended()]
        await until(pilot, lambda: "image99.png" in main.session.rows.at)
        assert sorted(names(pilot)) == sorted(there)
        assert main.session.rows.predicted_labels.tolist().count(-1) == 0
        assert notice(pilot).endswith("nothing is lost.")

    opened(story)


def test_live_is_off_and_an_order_waits_no_more(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("a", "l")
        said.to_say = [LiveLearned(0, 0, 1, 0, 0), Ended()]
        await pilot.press("s")
        assert isinstance(said.asked[-1], Mix)
        await ends(pilot, said)
        assert not main.session.live
        assert notice(pilot).endswith("l: live.")
        asked = len(said.asked)
        await pilot.press("x")
        assert not [each for each in said.asked[asked:] if isinstance(each, Live)]
        assert main._awaited == ""

    opened(story)


def test_a_challenger_is_gone_with_the_engine(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "r")
        result = Retrained(Head(()), 1, 0, 0, 0, 0, Score(1, 1, 0.1), Score(0, 1, 0.9))
        said.to_say = [TrainingBegan("fit", 1, 1), result, Ended()]
        await until(pilot, lambda: pilot.app._main._asking)
        await ends(pilot, said)
        await pilot.pause(0.6)
        await pilot.press("y")
        assert not [each for each in said.asked if isinstance(each, Keep)]
        assert "went with the engine" in notice(pilot)

    opened(story)


def test_no_more_engines_after_some_that_got_nowhere_until_r(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        for _ in range(AT_MOST - 1):
            await ends(pilot, said, -11)
        said.running, said.to_say = False, [Crashed(-11)]
        await until(pilot, lambda: main.session.problem)
        assert len(said.started) == AT_MOST
        assert notice(pilot) == "Engine crashed (signal 11; see engine.log) repeatedly. Label on, r starts it."
        await pilot.press("a", "x")
        assert len(journal.in_force()) == 2
        said.to_say = [NotRunning()]
        await until(pilot, lambda: "is not running" in main.session.problem)
        await pilot.press("r")
        assert len(said.started) == AT_MOST + 1
        assert not main.session.problem
        assert not [each for each in said.asked if isinstance(each, Retrain)]
        await ends(pilot, said, -11)

    opened(story)


def test_a_folder_that_cannot_be_opened_again_does_not_throw_anybody_out(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await ends(pilot, said)
        said.running, said.to_say = False, [Failed("There is no model.", "Check the path.", fatal=True), Crashed(0)]
        await until(pilot, lambda: main.session.problem)
        assert notice(pilot) == "The engine could not start again (r tries): There is no model. Check the path."
        await pilot.press("a")
        assert len(journal.in_force()) == 1
        assert len(said.started) == 2
        await pilot.press("r")
        assert len(said.started) == 3

    opened(story)


@pytest.mark.parametrize("code", [None, -9, -11, -6, 0, 1, 3])
@pytest.mark.parametrize(("training", "live"), [(True, False), (False, True), (False, False)])
def test_the_sentence_fits_a_line(code, training, live):
    keys = Session().keys
    assert max(len(started_again(code, training, live, keys)), len(given_up(code, keys)), len(not_running(keys))) <= 79


def test_what_was_asked_of_the_engine_before_is_told_as_not_answered():
    insight = Session().without_engine().insight
    assert "ended" in insight.not_reviewed
