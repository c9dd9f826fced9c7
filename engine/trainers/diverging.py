"""Trainings that run away: noticed at the batch that does it, and what learning rate would not."""

from collections.abc import Iterator
from dataclasses import replace
from math import floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CannotTrain
from engine.events import BatchEnded, EpochEnded, Event, Retrained
from engine.head import Head
from engine.head.dense_first import flat
from engine.head.kernel import product
from engine.head.points import Point, SamplePoint, WeightPoint
from engine.head.working import in_kind
from engine.spec.training import Training
from engine.trainers.lesson import Lesson

Array = NDArray[Any]
LARGEST_LOSS = 1e6
"""Beyond so many times the loss at the start, or 1, a training has run away, long before the weights stop being numbers."""
SAMPLES, FEWER_SAMPLES = 128, 32
"""From which the curvature is found: where the head begins with a dense layer, and where not."""
ROUNDS = 12
"""Of power iteration: the largest eigenvalue comes out a few hundredths too small at most, where one leads."""


def quiet(events: Iterator[Event]) -> Iterator[Event]:
    """The same events; that numbers overflow is found in what comes of them, not told as a warning."""
    while True:
        with np.errstate(all="ignore"):
            try:
                event = next(events)
            except StopIteration:
                return
        yield event


def watched(events: Iterator[Event]) -> Iterator[Event]:
    """The same events, as long as all numbers are finite. Raises CannotTrain for a loss or a weight that is not."""
    for event in quiet(events):
        if isinstance(event, BatchEnded | EpochEnded):
            require_finite(event.loss)
        elif isinstance(event, Retrained):
            require_finite(event.after.loss)
            _require_weights(event)
        yield event


def require_finite(loss: float) -> None:
    """Raise CannotTrain for a loss that is no finite number."""
    if not np.isfinite(loss):
        hint = "The old model stays. The frozen layers, or the weights, make numbers that are too large."
        raise CannotTrain("The training ran away: the loss was no finite number any more.", hint)


def _require_weights(event: Retrained) -> None:
    for layer in event.head.layers if isinstance(event.head, Head) else ():
        if not all(np.isfinite(each).all() for each in layer.weights.values()):
            why = f"The training ran away: the weights of layer {layer.name!r} were no finite numbers any more."
            raise CannotTrain(why, "The old model stays.")


def teachable(lesson: Lesson) -> Lesson:
    """The lesson without anchors that the champion gives no finite numbers for. Raises CannotTrain for such verdicts."""
    with np.errstate(all="ignore"):
        verdicts, anchors = (np.atleast_1d(np.isfinite(each).all(1)) for each in (lesson.old_logits, lesson.anchor_logits))
    if not verdicts.all():
        many, of = int((~verdicts).sum()), len(lesson.targets)
        why = f"The model gives no finite numbers for {many} of the {of} images with a verdict, so it cannot learn them."
        raise CannotTrain(why, "Exclude them, or look at the model's frozen layers.")
    return lesson if anchors.all() else replace(lesson, anchors=lesson.anchors[anchors])


def ran_away(lesson: Lesson, training: Training, rate: float, place: str, bound: bool) -> CannotTrain:
    """What to say of mini-batches whose loss grew beyond all bounds with this learning rate, and which one to try."""
    slower = calmer(lesson, training, rate)
    allowed = training.numbers["learning_rate"]
    hint = f"The old model stays. Try a learning rate of {slower:g}."
    if bound and not allowed.admits(slower):
        hint += f" The model allows {allowed}, by which the trainers auto, edit, fit and sgd are not bound."
    return CannotTrain(f"The training ran away {place}: a learning rate of {rate:g} is too large.", hint)


def calmer(lesson: Lesson, training: Training, rate: float) -> float:
    """A tenth of the rate, or less where the loss is so curved that this would run away as well; one digit."""
    slower = rate / 10
    if training.optimizer == "sgd":
        with np.errstate(all="ignore"):
            curved = curvature(lesson)
        slower = min(slower, 1 / curved) if np.isfinite(curved) and curved > 0 else slower
    digit = 10.0 ** floor(log10(slower)) if slower > 0 else 1.0
    return floor(slower / digit) * digit


def curvature(lesson: Lesson) -> float:
    """The mean loss's largest curvature along its gradients, at the start: steps shrink below 2 divided by it.

    (Nesterov 2004, section 2.1.5.) With J the Jacobian of n samples' outputs, it is at most `h` times the largest
    eigenvalue of `J J' / n`: h is 1/2 for a cross entropy behind a softmax (Böhning 1992), 2 / outputs for squared errors.
    """
    point = _point(lesson)
    outputs = point.outputs.shape[1]
    times = product(point, np.eye(outputs))
    along = np.random.default_rng(0).normal(0, 1, point.outputs.size)
    largest = 0.0
    for _ in range(ROUNDS):
        along /= np.linalg.norm(along)
        along = times(along).astype(np.float64)
        largest = float(np.linalg.norm(along))
    bound = 0.5 if lesson.head.loss == "cross_entropy" else 2 / outputs
    return bound * largest / len(point.outputs)


def _point(lesson: Lesson) -> Point:
    if lesson.parts is None:
        return WeightPoint(in_kind(lesson.head, np.float32), lesson.features[:FEWER_SAMPLES].astype(np.float32))
    some = flat(lesson.features[:SAMPLES])
    gram = some @ some.T + np.float32(lesson.parts.bias is not None)
    return SamplePoint.start(lesson.parts, lesson.first_outputs[:SAMPLES], gram)
