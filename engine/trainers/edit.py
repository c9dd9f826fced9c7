"""`edit`: the smallest change of the head that learns every flip and leaves all other images as they were.

A Gauss-Newton step in sample space, repeated: with residuals d between the targets and the present logits, and the
tangent kernel Theta = J J', the least-norm change of the weights that takes d away is `J' alpha`, where
`(Theta + ridge I) alpha = d`. The flips' targets lie a margin on their right side; all others' are the champion's logits.
(Natural gradient: Martens 2020; least-norm editing: ROME, Meng et al. 2022.)
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import BatchEnded, EpochEnded, Event, TrainingBegan
from engine.head import Head, Trace
from engine.head.gram import SampleSpace, sample_space
from engine.head.kernel import centred_basis, conjugate_gradients, is_dense, matrix, product
from engine.spec.training import Training
from engine.trainers.lesson import Lesson, Settings

Array = NDArray[Any]

MARGIN = 0.3
"""By how much a verdict's logit is to lead the next one."""
ENOUGH = 0.9
"""The share of the margin at which a flip counts as learned; stopping as soon as it is merely right breaks others."""
RIDGES = (0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003)
"""Relative to the kernel's mean diagonal, tried in turn while flips are left; a larger one generalises better."""
PASSES = 10
LARGEST_MATRIX = 1500
"""Rows of the kernel up to which it is formed and solved at once; beyond, conjugate gradients cost less."""
CG_STEPS = 60


@dataclass(frozen=True, eq=False)
class _Try:
    """Where one ridge led."""

    head: Head
    right: int
    kept: int

    @property
    def rank(self) -> tuple[int, int]:
        return self.right, self.kept


def edit(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Learn every flip by the smallest change that keeps the accepted verdicts and the anchors."""
    everything = np.concatenate([lesson.features, lesson.anchors])
    passes = settings.max_epochs or PASSES
    yield TrainingBegan("edit", len(everything), passes)
    space = sample_space(lesson.head, everything)
    best: _Try | None = None
    for ridge in RIDGES:
        tried = yield from _passes(lesson, space, ridge, passes, settings)
        best = tried if best is None or tried.rank > best.rank else best
        if best.right == len(lesson.features) or settings.out_of_time():
            break
    assert best is not None
    yield lesson.judged(space.restored(best.head))


def _passes(
    lesson: Lesson, space: SampleSpace, ridge: float, passes: int, settings: Settings
) -> Generator[Event, None, _Try]:
    head, old = space.head, space.head.logits(space.features)
    basis = centred_basis(old.shape[1]) if lesson.classifies else np.eye(old.shape[1])
    trace = head.trace(space.features)
    for number in range(1, passes + 1):
        apart = (_targets(lesson, trace.outputs, old) - trace.outputs) @ basis
        change = trace.gradients(_solved(trace, basis, apart, ridge) @ basis.T)
        head = head.moved(change)
        trace = head.trace(space.features)
        now = trace.outputs[: len(lesson.features)]
        loss = lesson.score(now).loss
        yield BatchEnded(number, 1, 1, loss)
        yield EpochEnded(number, passes, loss, lesson.accuracy(now))
        if _settled(lesson, now) or settings.out_of_time():
            break
    kept = (trace.outputs.argmax(axis=1) == old.argmax(axis=1))[len(lesson.features) :].sum()
    return _Try(head, int(lesson.right(trace.outputs[: len(lesson.features)]).sum()), int(kept))


def _targets(lesson: Lesson, now: Array, old: Array) -> Array:
    """(n, outputs): where every sample's logits are to go."""
    if not lesson.classifies:
        return np.concatenate([lesson.targets, old[len(lesson.targets) :]])
    verdicts = len(lesson.targets)
    start = old.copy()
    start[:verdicts][lesson.flips] = now[:verdicts][lesson.flips]
    start[:verdicts] = nearest_with_margin(start[:verdicts], lesson.targets, MARGIN)
    return start


def nearest_with_margin(logits: Array, labels: Array, margin: float) -> Array:
    """(n, C): the nearest point to `logits` at which each sample's label leads all others by `margin`.

    The label's logit rises and only those above it come down: with the others sorted, the top k and the label's meet at
    one level; k grows until the next lies below.
    """
    rows = np.arange(len(logits))
    true: Array = logits[rows, labels] - margin
    others = logits.copy()
    others[rows, labels] = -np.inf
    ranked: Array = -np.sort(-others, axis=1)[:, :-1]
    sums: Array = np.cumsum(ranked, axis=1)
    levels: Array = (sums + true[:, None]) / np.arange(2, ranked.shape[1] + 2, dtype=np.float64)
    following: Array = np.concatenate([ranked[:, 1:], np.full((len(ranked), 1), -np.inf)], axis=1)
    fits: Array = np.less_equal(following, levels)
    first_fitting: Array = np.argmax(fits, axis=1)
    level: Array = np.where(true >= ranked[:, 0], np.inf, levels[rows, first_fitting])
    moved = np.minimum(others, level[:, None])
    moved[rows, labels] = np.where(np.isinf(level), logits[rows, labels], level + margin)
    return moved


def _settled(lesson: Lesson, now: Array) -> bool:
    """Whether every flip leads by enough, and every accepted verdict is still right."""
    if not lesson.classifies:
        return False
    rows = np.arange(len(now))
    others = now.copy()
    others[rows, lesson.targets] = -np.inf
    lead = now[rows, lesson.targets] - others.max(axis=1)
    return bool((lead > np.where(lesson.flips, ENOUGH * MARGIN, 0)).all())


def _solved(trace: Trace, basis: Array, apart: Array, ridge: float) -> Array:
    """(n, k): alpha of `(Theta + ridge * mean diagonal * I) alpha = apart`."""
    size = apart.size
    if size <= LARGEST_MATRIX and is_dense(trace):
        kernel = matrix(trace, basis)
        kernel[np.diag_indices(size)] += ridge * np.trace(kernel) / size
        return np.linalg.solve(kernel, apart.reshape(-1)).reshape(apart.shape)
    times = product(trace, basis)
    probe = np.random.default_rng(0).choice([-1.0, 1.0], size)
    damping = ridge * float(probe @ times(probe)) / size
    alpha = conjugate_gradients(lambda v: times(v) + damping * v, apart.reshape(-1), CG_STEPS)
    return alpha.reshape(apart.shape)
