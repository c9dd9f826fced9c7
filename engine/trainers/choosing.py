"""Which trainer, ridge and margin: by cross-validation on the verdicts, within a budget of multiplications.

A candidate learns from four fifths of the verdicts and anchors, begins with the champion's weights, and is asked for the
rest: to predict the verdicts, and to say of the anchors what the champion says. All samples are moved to their own
coordinates first, where a training costs the same however wide the features are.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.cores import on_one_core
from engine.events import EpochEnded, Event, Retrained, TrainingBegan, VerdictsCrossed
from engine.head import Head, softmax
from engine.head.gram import sample_space
from engine.spec.training import Training
from engine.trainers.edit import edit
from engine.trainers.fit import fit
from engine.trainers.lesson import Lesson, Settings

Array = NDArray[Any]
FEWEST = 10
"""Verdicts below which nothing is concluded."""
FOLDS = 5
SAMPLES, EQUATIONS = 240, 1000
"""At most so many samples, and samples times labels but one, are looked at: by chance, a third of each kind."""
PRODUCTS, STEPS = 4, 50
"""What a pass takes: products of samples and weights, and steps of conjugate gradients."""


@dataclass(frozen=True)
class Candidate:
    """A trainer, and its numbers where they are not the default ones."""

    train: Callable[[Lesson, Training, Settings], Iterator[Event]]
    ridge: float | None = None
    margin: float | None = None

    def settings(self, settings: Settings) -> Settings:
        """With these numbers; where there are none, with those that were there."""
        return replace(settings, ridge=self.ridge or settings.ridge, margin=self.margin or settings.margin)

    @property
    def numbers(self) -> str:
        """`margin 1`; empty for the default ones."""
        said = {"ridge": self.ridge, "margin": self.margin}
        return ", ".join(f"{name} {value:g}" for name, value in said.items() if value is not None)


FITS = (Candidate(fit), Candidate(fit, ridge=0.1), Candidate(fit, ridge=0.001))
ALL = (
    Candidate(edit),
    Candidate(fit),
    Candidate(edit, margin=0.3),
    Candidate(edit, margin=1.0),
    Candidate(edit, ridge=0.1),
    Candidate(edit, ridge=0.003),
    *FITS[1:],
)
"""The default first, then what makes the most difference. A margin of 3 breaks more than it wins."""
SURE = 2.5
"""Standard errors of the difference by which another is to be better: by chance, one of seven is so in 4 % of all cases."""


def chosen(
    lesson: Lesson, training: Training, settings: Settings, candidates: Sequence[Candidate], keeps: bool = True
) -> Generator[Event, None, Candidate]:
    """The candidate that is right most often on samples that were held out.

    One takes the place of those before it only where it is better beyond doubt: the first, the default, stays where little
    is known. `keeps` tells whether the champion knows anything that is to be kept. What the budget does not reach is not
    tried, and `settings.out_of_time` ends it.
    """
    best = candidates[0]
    too_few = len(lesson.targets) < FEWEST or len(np.unique(lesson.targets)) < 2
    if lesson.parts is None or too_few or settings.budget <= 0:
        return best
    most = min(SAMPLES, EQUATIONS // max(1, lesson.old_logits.shape[1] - 1))
    if most < FEWEST:
        return best
    small = _small(lesson, most)
    if len(small.targets) < FEWEST:
        return best
    trial = _Trial(small, settings.budget)
    shares = _shares(small, _right(lesson) if keeps else None)
    known: NDArray[np.bool_] | None = None
    # So few samples are no work for several cores, whose threads would wait for each other.
    with on_one_core():
        for number, candidate in enumerate(candidates):
            right = yield from trial.right(candidate, training, settings, number * FOLDS, len(candidates) * FOLDS)
            if right is None:
                break
            if known is None or _better(right, known, shares):
                best, known = candidate, right
    return best


def _better(one: NDArray[np.bool_], other: NDArray[np.bool_], shares: Array) -> bool:
    """Whether one is right more often, by `SURE` standard errors of the paired difference; `shares` (n,) add up to 1.

    The variance is as if one sample more told the contrary: among few that all tell the same there would be next to none.
    """
    won = one.astype(np.float64) - other
    mean, squares = float(shares @ won), shares**2
    return mean > SURE * float(np.sqrt(squares @ (won - mean) ** 2 + squares.sum() ** 2))


def _right(lesson: Lesson) -> float:
    """The share of the folder that the champion is right on: known where it was judged; elsewhere it is as good as sure."""
    accepted = int((~lesson.flips).sum())
    if not len(lesson.anchors):
        return accepted / len(lesson.flips)
    sure = float(softmax(lesson.anchor_logits).max(axis=1).sum())
    return (accepted + sure) / (len(lesson.flips) + len(lesson.anchors))


def _shares(lesson: Lesson, right: float | None) -> Array:
    """(samples,): how much each counts, so that together they are as the folder is: people judge what is wrong first.

    What the champion is wrong on is seen in the flips; what it is `right` on, a share of the folder, in the accepted
    verdicts or, where these are few, in the anchors. With None, nothing it says counts: verdicts do, all alike.
    """
    flips = np.concatenate([lesson.flips, np.zeros(len(lesson.anchors), np.bool_)])
    verdicts = np.arange(len(flips)) < len(lesson.flips)
    if right is None:
        return verdicts / verdicts.sum()
    accepted = verdicts & ~flips
    kept = accepted if accepted.sum() >= FEWEST or not len(lesson.anchors) else ~flips
    return right * kept / max(1, kept.sum()) + (1 - right) * flips / max(1, flips.sum())


class _Trial:
    """Cross-validation of one candidate after another, on the same folds."""

    def __init__(self, lesson: Lesson, budget: float) -> None:
        self._lesson, self._left = lesson, budget
        outputs = lesson.old_logits.shape[1]
        kinds = np.concatenate([lesson.targets + outputs * lesson.flips, np.full(len(lesson.anchors), 2 * outputs)])
        # Dealt out kind by kind, so that every fold has its share of each.
        order = np.lexsort((np.random.default_rng(0).permutation(len(kinds)), kinds))
        self._folds = np.empty(len(kinds), np.int64)
        self._folds[order] = np.arange(len(kinds)) % FOLDS
        self._said = np.concatenate([lesson.targets, lesson.anchor_logits.argmax(axis=1)])
        self._weights = sum(each.size for layer in lesson.head.weights for each in layer.values())
        self._contrasts = outputs - 1

    def right(
        self, candidate: Candidate, training: Training, settings: Settings, done: int, of: int
    ) -> Generator[Event, None, NDArray[np.bool_] | None]:
        """Which samples it predicts that it has not seen; None where the budget ends before."""
        right = np.zeros(len(self._folds), np.bool_)
        for fold in range(FOLDS):
            held = self._folds == fold
            samples = 0
            for event in candidate.train(self._part(~held), training, candidate.settings(settings)):
                if isinstance(event, TrainingBegan):
                    samples = event.samples
                if isinstance(event, EpochEnded):
                    self._left -= self._of_a_pass(samples)
                    yield VerdictsCrossed(done + fold, of)
                if self._left < 0 or settings.out_of_time():
                    return None
                if isinstance(event, Retrained):
                    assert isinstance(event.head, Head)
                    right[held] = self._predicted(event.head, held) == self._said[held]
        return right

    def _of_a_pass(self, samples: int) -> float:
        """Multiplications, nearly: with the weights, there and back, and with the kernel."""
        return samples * (PRODUCTS * self._weights + STEPS * samples * self._contrasts**2)

    def _part(self, seen: NDArray[np.bool_]) -> Lesson:
        lesson, verdicts = self._lesson, len(self._lesson.features)
        mine, others = seen[:verdicts], seen[verdicts:]
        return Lesson(lesson.head, lesson.features[mine], lesson.targets[mine], lesson.anchors[others])

    def _predicted(self, head: Head, held: NDArray[np.bool_]) -> Array:
        lesson = self._lesson
        return head.logits(np.concatenate([lesson.features, lesson.anchors])[held]).argmax(axis=1)


def _small(lesson: Lesson, most: int) -> Lesson:
    """At most so many samples of the lesson, in their own coordinates."""
    rng = np.random.default_rng(0)
    kinds = (np.flatnonzero(lesson.flips), np.flatnonzero(~lesson.flips), np.arange(len(lesson.anchors)))
    flips, accepted, anchors = (np.sort(rng.permutation(kind)[: _share(most, kinds)]) for kind in kinds)
    verdicts = np.sort(np.concatenate([flips, accepted]))
    space = sample_space(lesson.head, np.concatenate([lesson.features[verdicts], lesson.anchors[anchors]]))
    return Lesson(space.head, space.features[: len(verdicts)], lesson.targets[verdicts], space.features[len(verdicts) :])


def _share(most: int, kinds: Sequence[Array]) -> int:
    """The most of each kind that are `most` together, or fewer."""
    return next(n for n in range(most, 0, -1) if sum(min(n, len(kind)) for kind in kinds) <= most)
