"""The smallest change of a head that learns every flip and leaves all other images as they were.

A Gauss-Newton step in sample space, repeated: with residuals d between the targets and the present logits, and the
tangent kernel Theta = J J', the least-norm change of the weights that takes d away is `J' alpha`, where
`(Theta + ridge I) alpha = d`. The flips' targets lie a margin on their right side; all others' are the champion's logits.
(Natural gradient: Martens 2020; least-norm editing: ROME, Meng et al. 2022.)
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import BatchEnded, EpochEnded, Event
from engine.head.kernel import centred_basis, conjugate_gradients, matrix, product, room
from engine.head.points import Point
from engine.trainers.lesson import Aim, Settings

Array = NDArray[Any]

MARGIN = 0.1
"""By how much a verdict's logit is to lead the next one."""
ENOUGH = 0.9
"""The share of the margin at which a flip counts as learned; stopping as soon as it is merely right breaks others."""
RIDGE = 0.03
"""Where they begin."""
RIDGES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003)
"""Relative to the kernel's mean diagonal, tried in turn while flips are left; a larger one generalises better."""
PASSES = 10
IN_VAIN = 2
"""Ridges in a row that learned no more than those before: what is left, as contradictions, cannot be learned."""
LARGEST_MATRIX = 16_000_000
"""Numbers up to which the kernel is formed; beyond, each of its products takes a gradient and a tangent of the layers."""
CG_STEPS, FEWER_STEPS = 200, 60
"""Of conjugate gradients, with the kernel formed and without."""
CLOSE = 1e-2
"""The residual at which they end, relative to what is wanted."""


@dataclass(frozen=True, eq=False)
class _Try:
    """Where one ridge led."""

    point: Point
    right: int
    kept: int

    @property
    def rank(self) -> tuple[int, int]:
        return self.right, self.kept


def edited(aim: Aim, settings: Settings, old: Array, start: Point, enough: float = ENOUGH) -> Generator[Event, None, Point]:
    """From `start` to where every flip is learned; the samples are those of the aim and, behind them, the anchors.

    `old` (samples, outputs) are the champion's logits; `enough` is the share of the margin that ends it. A smaller ridge
    begins at `start` again.
    """
    best: _Try | None = None
    in_vain = 0
    begin = settings.ridge or RIDGE
    for ridge in (ridge for ridge in RIDGES if ridge <= begin):
        tried = yield from _passes(aim, old, start, ridge, settings, enough)
        in_vain = 0 if best is None or tried.right > best.right else in_vain + 1
        best = tried if best is None or tried.rank > best.rank else best
        if best.right == len(aim.targets) or in_vain == IN_VAIN or settings.out_of_time():
            break
    assert best is not None
    return best.point


def _passes(
    aim: Aim, old: Array, point: Point, ridge: float, settings: Settings, enough: float
) -> Generator[Event, None, _Try]:
    basis = centred_basis(old.shape[1]) if aim.classifies else np.eye(old.shape[1])
    verdicts, passes, margin = len(aim.targets), settings.max_epochs or PASSES, settings.margin or MARGIN
    for number in range(1, passes + 1):
        apart = (_targets(aim, point.outputs, old, margin) - point.outputs) @ basis
        alpha = _solved(point, basis, apart, ridge) @ basis.T
        point = point.moved(point.pull(alpha.astype(point.outputs.dtype)))
        now = point.outputs[:verdicts]
        loss = aim.score(now).loss
        yield BatchEnded(number, 1, 1, loss)
        yield EpochEnded(number, passes, loss, aim.accuracy(now))
        if settled(aim, now, enough * margin) or settings.out_of_time():
            break
    kept = int((point.outputs.argmax(axis=1) == old.argmax(axis=1))[verdicts:].sum())
    return _Try(point, int(aim.right(point.outputs[:verdicts]).sum()), kept)


def _targets(aim: Aim, now: Array, old: Array, margin: float) -> Array:
    """(n, outputs): where every sample's logits are to go."""
    if not aim.classifies:
        return np.concatenate([aim.targets, old[len(aim.targets) :]])
    verdicts = len(aim.targets)
    start = old.copy()
    start[:verdicts][aim.flips] = now[:verdicts][aim.flips]
    start[:verdicts] = nearest_with_margin(start[:verdicts], aim.targets, margin)
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


def settled(aim: Aim, now: Array, enough: float = ENOUGH * MARGIN) -> bool:
    """Whether every flip leads by `enough`, and every accepted verdict is still right."""
    if not aim.classifies:
        return False
    rows = np.arange(len(now))
    others = now.copy()
    others[rows, aim.targets] = -np.inf
    lead = now[rows, aim.targets] - others.max(axis=1)
    return bool((lead > np.where(aim.flips, enough, 0)).all())


def _solved(point: Point, basis: Array, apart: Array, ridge: float) -> Array:
    """(n, k): alpha of `(Theta + ridge * mean diagonal * I) alpha = apart`, nearly.

    What is left of `apart` is a residual of the next pass, so that to solve exactly wins nothing.
    """
    size = apart.size
    if room(point, basis.shape[1]) <= LARGEST_MATRIX:
        kernel = matrix(point, basis)
        kernel[np.diag_indices(size)] += ridge * np.trace(kernel) / size
        alpha = conjugate_gradients(lambda v: kernel @ v, apart.reshape(-1).astype(kernel.dtype), CG_STEPS, CLOSE)
        return alpha.reshape(apart.shape)
    times = product(point, basis)
    probe = np.random.default_rng(0).choice([-1.0, 1.0], size)
    damping = ridge * float(probe @ times(probe)) / size
    alpha = conjugate_gradients(lambda v: times(v) + damping * v, apart.reshape(-1), FEWER_STEPS, CLOSE)
    return alpha.reshape(apart.shape)
