"""How right the model is: in words, in lines, and on the screen."""

import numpy as np
import pytest

from engine.events import CurveMeasured, ModelSaved, Score, VerdictsNotReviewed, VerdictsReviewed
from engine.findings import Sample
from engine.review.intervals import gain, interval
from tests.tui.test_main import key, opened, predicted, until
from tests.tui.test_matrix import page
from tests.tui.test_sorting import MANY, asked
from tui.evaluation import MOST_TRACK, NUMBERS, curve_lines, curve_words, gained, unseen, words
from tui.messages import Curve, Ended, Review
from tui.running import LAST, Running
from tui.text import width

__all__ = ["opened"]

CURVE = CurveMeasured((7, 15, 30), (21, 26, 33), 40, (0.01, 0.31), True)


def reviewed(correct=44, before=33, won=14, sample=Sample(0, 0, 12), of=50):  # noqa: B008
    contents = tuple(n.to_bytes(16, "big") for n in range(of))
    return VerdictsReviewed(contents, np.full(of, 0.5, np.float32), np.zeros(of, np.bool_), correct, before, won, sample)


def said(*given, running=Running()):  # noqa: B008
    return " ".join(words(*given, running, "Working ..."))


def test_figures_are_those_of_the_intervals():
    low, high = interval(44, 50)
    assert unseen(reviewed()) == f"Unseen 66 → 88 %, {round(100 * low)}–{round(100 * high)}." == "Unseen 66 → 88 %, 76–94."
    low, high = gain(14, 3, 50)
    assert gained(14, 3, 50) == f"+22 points ({100 * low:+.0f} to {100 * high:+.0f})" == "+22 points (+6 to +36)"
    text = said(reviewed())
    assert "right on 44 of 50, 88 % (76–94); the untouched one on 33: +22 points (+6 to +36)." in text
    assert "may be chance" in gained(4, 3, 50) and "may be chance" not in gained(3, 20, 50)
    assert unseen(None) == ""


def test_a_random_sample_tells_of_the_folder_and_what_it_lacks():
    assert "At random: nothing yet. 12 verdicts more in the order audit give" in said(reviewed())
    text = said(reviewed(sample=Sample(22, 25, 1)))
    assert "on 25 images, as if unseen, 88 % (70–96); unbiased for the folder. 1 verdict more in the order" in text
    assert said(reviewed(sample=Sample(22, 25, 0))).count("in the order audit") == 0


def test_what_one_looked_at_is_said_to_be_that():
    text = said(reviewed(), running=Running(120, 96, LAST, 44))
    assert "the model had said 96 of 120 verdicts before, 80 % (72–86), of the last 50 88 % (76–94)." in text
    assert text.endswith("Both are of what you looked at: unsure images first make it lower than it is for the folder.")
    assert "of the last" not in said(reviewed(), running=Running(50, 40, 50, 40))
    alone = said(None, running=Running(3, 2, 3, 2))
    assert alone.startswith("Working ...") and "This is of what you looked at" in alone
    assert said(None) == "Working ..."


@pytest.mark.parametrize(
    ("helps", "begin"),
    [
        (True, "More verdicts would likely help"),
        (False, "More verdicts would hardly help"),
        (None, "Too few verdicts to tell"),
    ],
)
def test_whether_more_verdicts_would_help(helps, begin):
    text = curve_words(CurveMeasured((20, 40, 80), (30, 34, 37), 100, (-0.012, 0.074), helps))
    assert text.startswith(begin) and text.endswith(": +3 points from 40 to 80 verdicts (-1 to +7).")
    assert curve_words(CurveMeasured((), (), 9, (-1.0, 1.0), None)) == "Too few verdicts to tell whether more would help."


@pytest.mark.parametrize("cells", [30, 40, 58, 78, 198])
@pytest.mark.parametrize("correct", [(21, 26, 33), (0, 0, 0), (40, 40, 40), (1, 39, 40)])
def test_the_curve_is_drawn_where_its_numbers_are(cells, correct):
    curve = CurveMeasured((7, 15, 1300), correct, 40, (0.0, 0.1), None)
    head, *lines = curve_lines(curve, cells)
    assert max(map(width, (head, *lines))) <= cells
    track = min(MOST_TRACK, cells - NUMBERS)
    if track < 12:
        assert "●" not in "".join(lines)
        return
    low, high = head.index(" %", NUMBERS), head.rindex("100 %")
    floor = int(head[:low].split()[-1]) / 100
    assert high + 5 == NUMBERS + track
    for line, size, number in zip(lines, curve.sizes, correct, strict=True):
        assert line.split()[0] == f"{size:,}"
        wanted = [(each - floor) / (1 - floor) * (track - 1) for each in (number / 40, *interval(number, 40))]
        drawn = [line.index(mark) - NUMBERS if mark in line else None for mark in "●├┤"]
        assert drawn[0] is not None
        for place, where in zip(drawn, wanted, strict=True):
            assert place is None or abs(place - where) <= 0.5 + 1e-9


def test_the_figures_are_asked_for_when_the_matrix_opens_and_fit_the_screen(opened):
    def story_of(size, pages):
        async def story(pilot, engine, journal):
            await pilot.press("V", "1", "g", "x", "m")
            assert len(asked(engine, Review)) == len(asked(engine, Curve)) == 1
            (request,) = asked(engine, Curve)
            assert len(request.verdicts) == 12
            if pages == 2:
                assert "Tab how right" in page(pilot) and "At random" not in page(pilot)
                await pilot.press("tab")
            await until(pilot, lambda: "working it out" in page(pilot))
            engine.to_say = [reviewed(9, 3, 7, Sample(20, 25, 3), of=12), CURVE, Ended()]
            await until(pilot, lambda: "At random: on 25 images" in page(pilot))
            seen = page(pilot)
            if pages == 2:
                for move in (5, 5, 5, 99):
                    pilot.app.screen.action_move(move, 0)
                    seen += page(pilot)
            for text in ("right on 9 of 12", "As you went", "●", "likely help"):
                assert text in " ".join(seen.split()), text
            lines = page(pilot).split("\n")
            assert len(lines) == size[1] and max(map(width, lines)) <= size[0] and "Esc back" in lines[-1]
            await pilot.press("tab", "escape")
            assert len(pilot.app.screen_stack) == 1

        return story

    for size, pages in (((200, 60), 1), ((80, 24), 2), ((60, 16), 2), ((40, 10), 2)):
        opened(story_of(size, pages), rows=MANY, size=size)


def test_another_version_is_judged_anew_while_the_matrix_is_open(opened):
    async def story(pilot, engine, journal):
        await pilot.press("V", "1", "g", "x", "m")
        engine.to_say = [reviewed(9, 3, 7, of=12), CURVE, Ended()]
        await until(pilot, lambda: "9 of 12" in " ".join(page(pilot).split()))
        score = Score(2, 2, 0.1)
        engine.to_say = [ModelSaved(key(0), 1, score, score), predicted(MANY, 1), Ended()]
        await until(pilot, lambda: len(asked(engine, Curve)) == 2)
        assert "9 of 12" not in " ".join(page(pilot).split())

    opened(story, rows=MANY, size=(120, 40))


def test_why_nothing_is_known_is_said(opened):
    async def story(pilot, engine, journal):
        await pilot.press("a", "m")
        assert not asked(engine, Review) and not asked(engine, Curve)
        assert "from 10 verdicts on" in page(pilot) and "working it out" not in page(pilot)
        assert "As you went: the model had said 1 of 1 verdict before" in page(pilot)
        await pilot.press("escape", "V", "1", "g", "x", "m")
        engine.to_say = [VerdictsNotReviewed("Nothing untouched is kept."), Ended()]
        await until(pilot, lambda: "Nothing untouched is kept." in page(pilot))

    opened(story, rows=MANY, size=(120, 40))
