"""How right the model is on verdicts that it has not seen, by how many it has: the learning curve."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import CurveMeasured, Event, VerdictsCrossed
from engine.review.folds import Numbers, dealt
from engine.review.held_out import Train, learned, right, untouched
from engine.review.intervals import gain
from engine.trainers.lesson import Lesson, never

Rights = NDArray[np.bool_]
PARTS = 4
"""Each is held out once; three quarters of the verdicts are what the largest size learns."""
SIZES = 5
"""At most; each is twice the one before."""
FEWEST = 5
"""Verdicts of the smallest of them."""
WORTH = 0.02
"""Less than this, won by twice as many verdicts, is not worth their while."""


def learning_curve(
    lesson: Lesson, train: Train, groups: Numbers, out_of_time: Callable[[], bool] = never
) -> Iterator[Event]:
    """Hold each part of the verdicts out once, and train on some of the others, from the untouched head.

    The last event is `CurveMeasured`. The largest size is all that is left, each of the others half of the next; what a
    size learns is part of what the next does, and has each label's share. `groups` are those of `similar.groups`:
    near-duplicates are held out together. After each part the caller is asked whether it is `out_of_time`: then the
    figures are of the parts so far. Raises as `crossed` does.
    """
    start, part = untouched(lesson), dealt(lesson.targets, groups, PARTS)
    sizes = doubling(len(part) - int(np.bincount(part).max()))
    columns: list[Rights] = []
    for each in range(int(part.max()) + 1):
        if columns and out_of_time():
            break
        column = yield from _part(start, train, part, each, sizes)
        columns.append(column)
    yield measured(sizes, np.concatenate(columns, axis=1))


def _part(
    start: Lesson, train: Train, part: NDArray[np.intp], each: int, sizes: tuple[int, ...]
) -> Generator[Event, None, Rights]:
    """(sizes, verdicts of this part): which of them are predicted by heads that learned so many of the others."""
    held, others = np.flatnonzero(part == each), _mixed(start.targets, np.flatnonzero(part != each), each)
    hits = np.zeros((len(sizes), len(held)), np.bool_)
    done, total = len(sizes) * int((part < each).sum()), len(sizes) * len(part)
    for at, size in enumerate(sizes):
        progress = VerdictsCrossed(done + at * len(held), total)
        yield progress
        shares = yield from learned(start, others[:size], held, train, progress)
        hits[at] = right(shares, start.targets[held])
    return hits


def measured(sizes: tuple[int, ...], hits: Rights) -> CurveMeasured:
    """From which verdicts were predicted with how many others learned, (sizes, verdicts).

    What the last doubling won is taken for what the next could win at most: more verdicts help where all of its interval
    lies above 0, and do not where all of it lies below WORTH; else it cannot be told.
    """
    of = hits.shape[1]
    correct = tuple(int(each.sum()) for each in hits)
    if len(sizes) < 2:
        return CurveMeasured(sizes, correct, of, (-1.0, 1.0), None)
    before, after = hits[-2:]
    low, high = gain(int((after & ~before).sum()), int((before & ~after).sum()), of)
    return CurveMeasured(sizes, correct, of, (low, high), False if high < WORTH else True if low > 0 else None)


def doubling(most: int) -> tuple[int, ...]:
    """Ascending; each half of the next, up to `most`."""
    return tuple(sorted(size for size in (most >> halved for halved in range(SIZES)) if size >= FEWEST))


def _mixed(targets: NDArray[Any], rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """The rows in a random order in which every beginning has about each label's share."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    labels = targets[shuffled]
    place = np.empty(len(rows))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return shuffled[np.argsort(place, kind="stable")]
