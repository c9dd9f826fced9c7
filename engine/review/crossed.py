"""Cross-validation: what heads that have not seen a verdict say of its picture.

Each begins with the untouched model's head. The champion has learned all verdicts already, so that a head that begins with
it, or keeps what it predicts, would know the answers.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.events import Event, VerdictsCrossed
from engine.review.folds import Numbers, dealt
from engine.review.held_out import Shares, Train, learned, said, untouched
from engine.trainers.lesson import Lesson

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Crossed:
    """The verdicts, predicted fold by fold."""

    probabilities: Shares
    """(verdicts, labels): by a head that has learned the verdicts of all other folds."""
    before: Shares
    """(verdicts, labels): by the untouched head."""
    fold: NDArray[np.intp]
    """(verdicts,)"""


def crossed(lesson: Lesson, train: Train, groups: Numbers) -> Generator[Event, None, Crossed]:
    """Train once for every fold of the verdicts, on all others, and predict it; each from the untouched head.

    `groups` (verdicts,) are those of `similar.groups`: near-duplicates stay in one fold. Where a fold's others teach
    nothing, as where all give one label, the untouched head's predictions stand. Raises CannotTrain where the lesson has no
    labels.
    """
    total, done = len(lesson.features), 0
    yield VerdictsCrossed(done, total)
    start, fold = untouched(lesson), dealt(lesson.targets, groups, FOLDS)
    before = said(start, slice(None))
    probabilities = before.copy()
    for each in range(int(fold.max()) + 1):
        held, others = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        probabilities[held] = yield from learned(start, others, held, train, VerdictsCrossed(done, total))
        done += len(held)
        yield VerdictsCrossed(done, total)
    return Crossed(probabilities, before, fold)
