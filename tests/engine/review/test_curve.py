"""The learning curve: its sizes, what is held out, and what is made of it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine.events import CurveMeasured, VerdictsCrossed
from engine.head import Head
from engine.review import curve as module
from engine.review.curve import PARTS, learning_curve, measured
from engine.review.folds import dealt


def alone(lesson):
    return np.full(len(lesson.targets), -1)


def drawn(lesson, train, groups=None, **said):
    """What comes of it, and the events before."""
    *events, found = learning_curve(lesson, train, alone(lesson) if groups is None else groups, **said)
    return found, events


def learned(seen, rows):
    """The rows that every training learned: a list for each size, of a list for each part."""
    lessons = [rows(each) for each in seen.lessons]
    sizes = len(lessons) // PARTS
    return [lessons[at::sizes] for at in range(sizes)]


def test_sizes_double_up_to_all_that_is_left(make_lesson, seen, rows):
    found, events = drawn(make_lesson(verdicts=101), seen)
    assert (found.sizes, found.of) == ((9, 18, 37, 75), 101)
    done = [each.done for each in events]
    assert done == sorted(done) and done[0] == 0 and {each.total for each in events} == {404}
    by_size = learned(seen, rows)
    assert [[len(each) for each in one] for one in by_size] == [[size] * 4 for size in found.sizes]
    for small, large in pairwise(by_size):
        assert all(set(a) < set(b) for a, b in zip(small, large, strict=True))


def test_each_beginning_has_every_labels_share(make_lesson, seen):
    lesson = make_lesson(verdicts=400)
    lesson = replace(lesson, targets=np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [240, 120, 40])))
    drawn(lesson, seen)
    for part in seen.lessons:
        counts = np.bincount(part.targets, minlength=3) / len(part.targets)
        np.testing.assert_allclose(counts, [0.6, 0.3, 0.1], atol=0.051)


def test_it_is_scikit_learns_on_the_same_parts(make_lesson, make_neighbors, seen, rows):
    selection = pytest.importorskip("sklearn.model_selection")
    neighbors = pytest.importorskip("sklearn.neighbors").KNeighborsClassifier(3)
    lesson = make_lesson(verdicts=71, labels=2)
    found, _ = drawn(replace(lesson, keeps=make_neighbors(lesson, 3), head=Head(())), seen)
    part, order = dealt(lesson.targets, alone(lesson), PARTS), learned(seen, rows)[-1]
    splits = [(order[at], np.flatnonzero(part == at)) for at in range(PARTS)]
    assert not any(set(some) & set(held) for some, held in splits)
    _, _, scores = selection.learning_curve(
        neighbors, lesson.features, lesson.targets, train_sizes=list(found.sizes), cv=splits
    )
    np.testing.assert_allclose(found.correct, scores @ np.bincount(part))


def test_samples_that_the_champion_kept_of_other_verdicts_do_not_vote(make_lesson, make_neighbors, train):
    lesson = make_lesson(verdicts=71)
    kept = replace(lesson, keeps=make_neighbors(lesson, 3), head=Head(()))
    *_, result = train(kept)
    assert drawn(replace(kept, keeps=result.head), train)[0] == drawn(kept, train)[0]


def test_it_begins_with_the_untouched_head(make_lesson, make_head, seen):
    origin = make_head(seed=5)
    drawn(replace(make_lesson(head=make_head(seed=6)), origin=origin), seen)
    assert all(each.head is origin and each.origin is None for each in seen.lessons)


def test_near_duplicates_are_held_out_together(make_lesson, seen, rows):
    groups = np.random.default_rng(2).integers(0, 20, 53)
    drawn(make_lesson(), seen, groups)
    for large in learned(seen, rows)[-1]:
        held = np.setdiff1d(np.arange(53), large)
        # The largest size may leave some of the others out, so that the parts are as large.
        assert len(held) >= 53 // 4 and len(set(groups[held])) <= len(held)
    part = dealt(make_lesson().targets, groups, PARTS)
    assert all(len(set(part[groups == one])) == 1 for one in groups)


def test_out_of_time_it_is_of_the_parts_so_far(make_lesson, seen):
    lesson = make_lesson(verdicts=101)
    whole, _ = drawn(lesson, seen)
    answers = iter([False, True])
    found, _ = drawn(lesson, seen, out_of_time=lambda: next(answers))
    held = np.bincount(dealt(lesson.targets, alone(lesson), PARTS))
    assert (found.sizes, found.of) == (whole.sizes, held[0] + held[1])
    at_once, _ = drawn(lesson, seen, out_of_time=lambda: True)
    assert at_once.of == held[0], "one part is always held out"


@pytest.mark.parametrize("verdicts", [1, 2, 6])
def test_with_too_few_verdicts_nothing_is_told(verdicts, make_lesson, train):
    found, _ = drawn(make_lesson(verdicts), train)
    assert found == CurveMeasured((), (), verdicts, (-1.0, 1.0), None)


def test_more_help_while_much_is_left_to_learn_and_then_no_more(make_lesson, train):
    assert drawn(make_lesson(verdicts=300, apart=0.15, width=100), train)[0].more_help is True
    assert drawn(make_lesson(verdicts=300, apart=2.0), train)[0].more_help is False
    assert drawn(make_lesson(verdicts=40, apart=2.0), train)[0].more_help is None


def turned(of, right, won, lost):
    """A curve of two sizes: `right` of `of` at the first; `won` came right, `lost` came wrong."""
    before = np.arange(of) < right
    after = before.copy()
    after[right : right + won] = True
    after[:lost] = False
    return measured((10, 20), np.stack([before, after]))


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (turned(200, 100, 30, 5), True),
        (turned(200, 100, 5, 30), False),
        (turned(200, 190, 0, 0), False),
        (turned(30, 29, 0, 0), None),
        (turned(200, 100, 15, 10), None),
        (turned(100_000, 90_000, 900, 100), False),
    ],
)
def test_what_is_made_of_the_last_doubling(found, answer):
    assert found.more_help is answer
    low, high = found.gain
    assert low < (found.correct[1] - found.correct[0]) / found.of < high


def test_of_chance_more_verdicts_are_seldom_said_to_help(make_lesson, train, monkeypatch):
    """Labels by chance: nothing can be learned, and 2.5 % of the intervals may lie above that."""
    monkeypatch.setattr(module, "SIZES", 2)
    said = [drawn(make_lesson(verdicts=60, labels=2, apart=0.0, anchors=0, seed=seed), train)[0] for seed in range(24)]
    assert sum(each.more_help is True for each in said) <= 3
    assert isinstance(drawn(make_lesson(), train)[1][0], VerdictsCrossed)
