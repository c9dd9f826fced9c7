"""The optimizer's way, batch by batch: `sgd` with the folder's other images as anchors, `plain` on the verdicts alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CannotTrain
from engine.events import BatchEnded, EpochEnded, Event, TrainingBegan
from engine.head import Head, softmax
from engine.head.gram import is_narrower, sample_space
from engine.head.losses import LOSSES
from engine.head.optimizers import OPTIMIZERS
from engine.spec.training import Training
from engine.trainers.lesson import Lesson, Settings, numbers

Array = NDArray[Any]
FLIP_WEIGHT = 5.0
"""How much more a flip counts than any other image; with ANCHORED_EPOCHS, the best of the anchored runs measured."""
ANCHORED_EPOCHS = 40
LARGEST_LOSS = 1e6
"""Beyond this a training has run away, long before the weights stop being numbers."""


@dataclass(frozen=True, eq=False)
class Course:
    """Samples with their soft targets and weights, and the numbers that the optimizer runs with."""

    features: Array
    targets: Array
    weights: Array
    numbers: dict[str, float]
    optimizer: str
    shuffle: bool
    seed: int | None


def plain(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Train on the verdicts alone, within the model's own limits, as Core ML's update task does."""
    said = numbers(training, settings, bound=True)
    ones = np.ones(len(lesson.features))
    course = _course(lesson.features, lesson.wanted, ones, said, training, settings)
    yield from _train("plain", lesson, course, settings)


def sgd(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Train on the verdicts, flips counting more, while all other images keep the champion's probabilities."""
    epochs = min(settings.epochs or ANCHORED_EPOCHS, settings.max_epochs or settings.epochs or ANCHORED_EPOCHS)
    said = {**numbers(training, settings, bound=False), "epochs": epochs}
    kept = softmax(lesson.anchor_logits) if lesson.head.ends_in_softmax else lesson.anchor_logits
    weights = np.concatenate([np.where(lesson.flips, FLIP_WEIGHT, 1.0), np.ones(len(kept))])
    features = np.concatenate([lesson.features, lesson.anchors])
    targets = np.concatenate([lesson.wanted, kept])
    yield from _train("sgd", lesson, _course(features, targets, weights, said, training, settings), settings)


def _course(
    features: Array, targets: Array, weights: Array, said: dict[str, float], training: Training, settings: Settings
) -> Course:
    return Course(
        features,
        targets,
        weights / weights.mean(),
        said,
        training.optimizer,
        training.shuffle if settings.shuffle is None else settings.shuffle,
        training.seed if settings.seed is None else settings.seed,
    )


def _train(name: str, lesson: Lesson, course: Course, settings: Settings) -> Iterator[Event]:
    """Every epoch sees all samples once; the loss is averaged over the mini-batch, also over a last, smaller one."""
    epochs = int(course.numbers["epochs"])
    yield TrainingBegan(name, len(course.features), epochs)
    narrow = course.optimizer == "sgd" and is_narrower(lesson.head, course.features)
    space = sample_space(lesson.head, course.features) if narrow else None
    head, features = (space.head, space.features) if space else (lesson.head, course.features)
    rng = np.random.default_rng(0 if course.seed is None else course.seed)
    memory = OPTIMIZERS[course.optimizer].start(head.weights)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(features)) if course.shuffle else np.arange(len(features))
        batches = _cut(order, int(course.numbers["batch_size"]))
        total = 0.0
        for batch, chosen in enumerate(batches, 1):
            with np.errstate(over="ignore", invalid="ignore"):
                head, memory, loss = _step(head, features, chosen, course, memory)
            if not loss < LARGEST_LOSS:
                raise _diverged(course)
            total += loss * len(chosen)
            yield BatchEnded(epoch, batch, len(batches), loss)
        now = head.logits(features[: len(lesson.features)])
        yield EpochEnded(epoch, epochs, total / len(order), lesson.accuracy(now))
        if settings.out_of_time():
            break
    yield lesson.judged(space.restored(head) if space else head)


def _cut(order: NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    return [order[at : at + size] for at in range(0, len(order), size)]


def _step(head: Head, features: Array, chosen: NDArray[np.intp], course: Course, memory: Any) -> tuple[Head, Any, float]:
    trace = head.trace(features[chosen])
    losses, slope = LOSSES[head.loss, head.ends_in_softmax](trace.outputs, course.targets[chosen])
    weights = course.weights[chosen]
    gradients = trace.gradients((slope * (weights / len(chosen))[:, None]).astype(trace.outputs.dtype))
    moved, memory = OPTIMIZERS[course.optimizer].step(head.weights, gradients, memory, course.numbers)
    return head.with_weights(moved), memory, float((losses * weights).mean())


def _diverged(course: Course) -> CannotTrain:
    rate = course.numbers["learning_rate"]
    return CannotTrain(
        f"The training ran away: with a learning rate of {rate:g} the loss grew beyond all bounds.",
        f"The old model stays. Try a learning rate of {rate / 10:g}.",
    )
