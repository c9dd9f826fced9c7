"""`fit`: regularised softmax regression from the present weights on all verdicts, for a head that knows nothing yet."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import BatchEnded, EpochEnded, Event, TrainingBegan
from engine.head import Head
from engine.head.gram import sample_space
from engine.head.kernel import product
from engine.head.losses import LOSSES
from engine.head.points import WeightPoint
from engine.spec.training import Training
from engine.trainers.diverging import require_finite
from engine.trainers.lesson import Lesson, Settings

Array = NDArray[Any]

RIDGE = 0.01
"""How much the square of the change counts against the mean loss, in units of the kernel's mean diagonal."""
ITERATIONS = 60
PROBES = 16
"""Random vectors for the kernel's diagonal."""
REMEMBERED = 10
"""Pairs that L-BFGS keeps; 3 to 20 are usual (Nocedal and Wright 2006, 7.2)."""


def fit(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Minimise the mean loss of the verdicts plus a ridge on the change of the weights, by L-BFGS; an epoch a step."""
    epochs = settings.max_epochs or ITERATIONS
    yield TrainingBegan("fit", len(lesson.features), epochs)
    space = sample_space(lesson.head, lesson.features)
    slope = _objective(lesson, space.head, space.features, settings.ridge or RIDGE)
    start = _flat(space.head.weights)
    weights, steps = start, _lbfgs(slope, start)
    for number, (weights, value) in enumerate(steps, 1):
        now = _moved(space.head, weights).logits(space.features)
        yield BatchEnded(number, 1, 1, value)
        yield EpochEnded(number, epochs, lesson.score(now).loss, lesson.accuracy(now))
        if number == epochs or settings.out_of_time():
            break
    yield lesson.judged(space.restored(_moved(space.head, weights)))


def _objective(lesson: Lesson, head: Head, features: Array, relative: float) -> Callable[[Array], tuple[float, Array]]:
    """Weights to the value and gradient of what is minimised."""
    loss = LOSSES[head.loss, head.ends_in_softmax]
    start, held = _flat(head.weights), _flat(_held(head))
    ridge = relative * _mean_diagonal(WeightPoint(head, features))

    def objective(weights: Array) -> tuple[float, Array]:
        now = _moved(head, weights).trace(features)
        values, slope = loss.value(now.outputs, lesson.wanted), loss.gradient(now.outputs, lesson.wanted)
        away = held * (weights - start)
        gradient = _flat(now.gradients(slope / len(features))) + ridge * away
        return float(values.mean() + 0.5 * ridge * away @ away), gradient

    return objective


def _mean_diagonal(start: WeightPoint) -> float:
    """Of the tangent kernel, by random signs (Hutchinson 1990): features with a common part need several of them."""
    multiply, size = product(start, np.eye(start.outputs.shape[1])), start.outputs.size
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (PROBES, size))
    return float(np.mean([probe @ multiply(probe) for probe in signs])) / size


def _held(head: Head) -> list[dict[str, Array]]:
    """1 for weights, which the ridge holds near the start; 0 for biases, which are free, as a regression's intercepts."""
    return [{name: np.full_like(w, name != "bias") for name, w in layer.items()} for layer in head.weights]


def _flat(layers: Sequence[Any]) -> Array:
    parts = [layer[name].reshape(-1) for layer in layers for name in sorted(layer)]
    return np.concatenate(parts)


def _moved(head: Head, flat: Array) -> Head:
    at, layers = 0, list[dict[str, Array]]()
    for layer in head.weights:
        new: dict[str, Array] = {}
        for name in sorted(layer):
            new[name] = flat[at : at + layer[name].size].reshape(layer[name].shape)
            at += layer[name].size
        layers.append(new)
    return head.with_weights(layers)


def _lbfgs(objective: Callable[[Array], tuple[float, Array]], x: Array) -> Iterator[tuple[Array, float]]:
    """L-BFGS with a backtracking line search (Nocedal and Wright 2006, algorithm 7.5); ends where nothing more is won."""
    value, gradient = objective(x)
    require_finite(value + float(gradient @ gradient))
    pairs: list[tuple[Array, Array]] = []
    while True:
        along = -_two_loops(gradient, pairs)
        found = _backtracked(objective, x, value, gradient, along)
        if found is None:
            return
        moved, lower, slope = found
        step, turned = moved - x, slope - gradient
        if step @ turned > 1e-12 * float(np.linalg.norm(step) * np.linalg.norm(turned)):
            pairs = [*pairs[1 - REMEMBERED :], (step, turned)]
        won = value - lower
        x, value, gradient = moved, lower, slope
        yield x, value
        if won <= 1e-7 * max(abs(value), 1e-12):
            return


def _two_loops(gradient: Array, pairs: Sequence[tuple[Array, Array]]) -> Array:
    q, kept = gradient.copy(), list[float]()
    for s, y in reversed(pairs):
        kept.append(float(s @ q) / float(s @ y))
        q = q - kept[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = q * (float(s @ y) / float(y @ y))
    else:
        q = q / max(float(np.linalg.norm(q)), 1e-12)
    for (s, y), a in zip(pairs, reversed(kept), strict=True):
        q = q + s * (a - float(y @ q) / float(s @ y))
    return q


def _backtracked(
    objective: Callable[[Array], tuple[float, Array]], x: Array, value: float, gradient: Array, along: Array
) -> tuple[Array, float, Array] | None:
    """The first halved step that lowers the value enough (Armijo's condition); None where none does."""
    descent = float(gradient @ along)
    for halvings in range(20):
        moved = x + 0.5**halvings * along
        lower, slope = objective(moved)
        if lower <= value + 1e-4 * 0.5**halvings * descent:
            return moved, lower, slope
    return None
