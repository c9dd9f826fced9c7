"""Orders that the engine helps with, near-duplicates, and what a retrain came to, by keys."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.events import (
    AlikeFound,
    FolderChanged,
    ModelOpened,
    ModelSaved,
    QueueMixed,
    Retrained,
    Score,
    VerdictsNotReviewed,
    VerdictsReviewed,
)
from engine.findings import Sample
from engine.head import Head
from tests.tui.test_main import ROWS, Ended, key, names, opened, predicted, until
from tui.messages import Alike, Mix, Review
from tui.order import ORDERS
from tui.status import status
from tui.widgets.lines import Notice
from tui.widgets.table import Table

__all__ = ["opened"]


OPENED = ModelOpened("model.mlmodel", ("Cat", "Dog", "Hare"), 0, (5, 7), True)


def asked(said, kind):
    return [each for each in said.asked if isinstance(each, kind)]


def lines(pilot):
    table = pilot.app._main.query_one(Table)
    return [table._line(y).text for y in range(1, 6)]


def words(pilot):
    """What the rows say behind their labels, where there is room for it."""
    rows = pilot.app._main.query_one(Table)._rows
    return [status(rows.line(at), rows.session.labels, 26) for at in range(len(rows))]


def test_the_mixed_order_comes_when_the_engine_knows_it_and_says_why(opened):
    async def story(pilot, said, journal):
        await pilot.press("j", "a", "s")
        (request,) = asked(said, Mix)
        assert request.judged == frozenset(journal.in_force())
        contents, ranks = tuple(key(n) for n in (4, 2, 0, 1, 3)), np.array([0, 1, 2, 3, 4])
        said.to_say = [QueueMixed(contents, ranks, np.array([2, 1, 0, 0, 3], np.uint8)), Ended()]
        await until(pilot, lambda: names(pilot)[0] == "image04.png")
        judged = next(iter(journal.in_force()))[0]
        assert names(pilot)[-1] == f"image{judged:02d}.png"
        assert "random" in lines(pilot)[0] and "unlike" in lines(pilot)[1]
        assert pilot.app._main.query_one(Table).cursor == 0
        await pilot.press("j")
        said.to_say = [QueueMixed(contents, ranks[::-1], np.zeros(5, np.uint8)), Ended()]
        await pilot.pause(0.3)
        assert names(pilot)[0] == "image04.png", "nothing moves that nobody asked for"

    opened(story)


def test_a_whole_group_of_near_duplicates_gets_one_verdict(opened):
    async def story(pilot, said, journal):
        await pilot.press("D")
        assert len(asked(said, Alike)) == 1 and len(names(pilot)) == 5
        said.to_say = [AlikeFound(tuple(map(key, range(5))), np.array([1, 0, 1, 0, 1])), Ended()]
        await until(pilot, lambda: pilot.app._main._order_name == "alike")
        assert names(pilot) == ["image01.png", "image03.png", "image00.png", "image02.png", "image04.png"]
        assert "group 1" in lines(pilot)[0] and "group 2" in lines(pilot)[4]
        await pilot.press("j", "j", "j", "v", "2")
        assert set(journal.in_force()) == {key(0), key(2), key(4)}
        assert {verdict.label for verdict in journal.in_force().values()} == {"Dog"}
        await pilot.press("g", "1", "g", "j", "3", "D", "D")
        assert "1 with verdicts that contradict each other" in pilot.app._main.query_one(Notice).content
        assert "≠ group 1" in words(pilot)[0]
        await pilot.press("D")
        assert len(names(pilot)) == 5 and pilot.app._main._order_name == next(iter(ORDERS))

    opened(story)


def test_where_nothing_is_alike_the_table_stays(opened):
    async def story(pilot, said, journal):
        before = names(pilot)
        await pilot.press("D")
        said.to_say = [AlikeFound(tuple(map(key, range(5))), np.full(5, -1)), Ended()]
        await until(pilot, lambda: "No two pictures" in pilot.app._main.session.notice)
        assert names(pilot) == before and not pilot.app._main.session.filter

    opened(story)


def test_pictures_that_came_are_looked_at_as_well(opened):
    async def story(pilot, said, journal):
        await pilot.press("D")
        said.to_say = [AlikeFound(tuple(map(key, range(5))), np.array([1, 0, 1, 0, 1])), Ended()]
        await until(pilot, lambda: pilot.app._main._order_name == "alike")
        await pilot.press("D", "D")
        assert len(asked(said, Alike)) == 1 and pilot.app._main._order_name == "alike"
        await pilot.press("D")
        said.to_say = [FolderChanged(added=("image05.png",)), predicted([[0.34, 0.33, 0.33]], first=5), Ended()]
        await until(pilot, lambda: len(pilot.app._main.session.rows) == 6)
        await pilot.press("D")
        assert len(asked(said, Alike)) == 2
        said.to_say = [AlikeFound(tuple(map(key, range(6))), np.array([-1, 0, -1, 0, -1, 0])), Ended()]
        await until(pilot, lambda: names(pilot) == ["image01.png", "image03.png", "image05.png"])

    opened(story)


def test_a_model_that_keeps_samples_is_reviewed_as_well(opened):
    async def story(pilot, said, journal):
        said.to_say = [replace(OPENED, learns_labels=True), predicted(MANY), Ended()]
        await until(pilot, lambda: pilot.app._main.session.learns_labels)
        await pilot.press("V", "1", "g", "x", "s", "s")
        assert len(asked(said, Review)) == 1
        said.to_say = [VerdictsNotReviewed("Nothing untouched is kept."), Ended()]
        await until(pilot, lambda: pilot.app._main.session.notice == "Nothing untouched is kept.")

    opened(story, rows=MANY)


MANY = [[0.5 + 0.01 * n, 0.4 - 0.01 * n, 0.1] for n in range(12)]


def test_likely_mistakes_need_verdicts_and_are_put_first(opened):
    async def story(pilot, said, journal):
        await pilot.press("s", "s")
        assert not asked(said, Review)
        assert "from 10 verdicts on" in pilot.app._main.session.notice
        await pilot.press("V", "1", "g", "x", *"sssssss")
        (request,) = asked(said, Review)
        assert len(request.verdicts) == 12 and len(set(request.verdicts.values())) == 2
        contents = tuple(map(key, range(12)))
        quality, suspect = np.linspace(0.9, 0.1, 12).astype(np.float32), np.arange(12) == 3
        said.to_say = [VerdictsReviewed(contents, quality, suspect, 9, 3, 6, Sample(0, 0, 25)), Ended()]
        await until(pilot, lambda: names(pilot)[0] == "image03.png")
        assert names(pilot)[1] == "image11.png"
        assert words(pilot)[0].startswith("suspect") and words(pilot)[1] == "agreed 10 %"
        assert "1 verdict may be a mistake" in pilot.app._main.session.notice

    opened(story, rows=MANY)


def test_a_retrain_is_followed_by_a_review_and_its_outcome_is_a_key_away(opened):
    async def story(pilot, said, journal):
        await pilot.press("V", "1", "g", "x", "g")
        flipped = next(image for image, verdict in journal.in_force().items() if verdict.flip)
        rows = [list(each) for each in MANY]
        rows[flipped[0]] = [0.1, 0.8, 0.1]
        score = Score(2, 2, 0.1)
        said.to_say = [ModelSaved(Path("m"), 1, score, score), predicted(rows, 1), Ended()]
        await until(pilot, lambda: asked(said, Review))
        await pilot.press("w")
        assert names(pilot) == [f"image{flipped[0]:02d}.png"]
        await pilot.press("w")
        assert len(names(pilot)) == 12

    opened(story, rows=MANY)


def test_few_verdicts_are_not_reviewed(opened):
    async def story(pilot, said, journal):
        await pilot.press("a")
        score = Score(1, 1, 0.1)
        said.to_say = [ModelSaved(Path("m"), 1, score, score), predicted(ROWS, 1), Ended()]
        await until(pilot, lambda: pilot.app._main.session.version == 1)
        await pilot.press("w")
        assert not asked(said, Review)
        assert "changed nothing" in pilot.app._main.session.notice

    opened(story)


def retrained(version, shares):
    """A retrain that learned one of two flips, and what the model predicts then."""
    score = Score(1, 2, 0.5)
    ended = Retrained(Head(()), 2, 1, 0, 0, 0, score, score)
    return [ended, ModelSaved(Path("model.mlmodel"), version, score, score), predicted(shares, version), Ended()]


@pytest.mark.parametrize(
    ("groups", "labels", "says"),
    [
        ([0, 0, -1, -1, -1], "12", "image01.png contradicts image00.png: D shows both. 1 of 2 flips learned"),
        ([0, 0, -1, -1, -1], "22", "1 flip not learned: w shows which. 1 of 2 flips learned"),
        ([0, 1, -1, 0, 1], "12", "1 flip not learned: w shows which. 1 of 2 flips learned"),
    ],
)
def test_flips_that_were_not_learned_are_named_with_what_contradicts_them(opened, groups, labels, says):
    async def story(pilot, said, journal):
        await pilot.press(*"ssssg", labels[0], labels[1], "r")
        assert names(pilot)[:2] == ["image00.png", "image01.png"]
        first = [0.9, 0.1, 0] if labels[0] == "1" else [0.1, 0.9, 0]
        said.to_say = retrained(1, [first, [0.8, 0.2, 0], [0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]])
        await until(pilot, lambda: asked(said, Alike))
        said.to_say = [AlikeFound(tuple(map(key, range(5))), np.array(groups)), Ended()]
        await until(pilot, lambda: pilot.app._main.session.notice.startswith(says))
        assert pilot.app._main._order_name == "name"
        await pilot.press("w")
        assert "image01.png" in names(pilot)

    opened(story, rows=[[0.1, 0.9, 0], [0.8, 0.2, 0], [0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]])


def test_where_all_was_learned_nothing_is_looked_for(opened):
    async def story(pilot, said, journal):
        await pilot.press(*"ssssg", "1", "1", "r")
        said.to_say = retrained(1, [[0.9, 0.1, 0], [0.8, 0.2, 0], [0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]])
        await until(pilot, lambda: pilot.app._main.session.version == 1)
        await pilot.pause(0.2)
        assert not asked(said, Alike)

    opened(story, rows=[[0.1, 0.9, 0], [0.2, 0.8, 0], [0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]])
