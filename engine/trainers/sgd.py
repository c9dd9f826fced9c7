"""The optimizer's way, batch by batch: `sgd` with the folder's other images as anchors, `plain` on the verdicts alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CannotTrain
from engine.events import BatchEnded, EpochEnded, Event, TrainingBegan
from engine.head import softmax
from engine.head.steps import Material
from engine.spec.training import Training
from engine.trainers.diverging import LARGEST_LOSS, ran_away
from engine.trainers.lesson import Lesson, Settings, numbers
from engine.trainers.ways import chosen_steps

Array = NDArray[Any]
FLIP_WEIGHT = 5.0
"""How much more a flip counts than any other image; with ANCHORED_EPOCHS, the best of the anchored runs measured."""
ANCHORED_EPOCHS = 40


@dataclass(frozen=True, eq=False)
class Course:
    """What is learned from, and the numbers that the optimizer runs with."""

    material: Material
    numbers: dict[str, float]
    optimizer: str
    shuffle: bool
    seed: int | None
    training: Training
    bound: bool
    """Whether the model's own limits hold."""


def plain(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Train on the verdicts alone, within the model's own limits, as Core ML's update task does."""
    said = numbers(training, settings, bound=True)
    first = None if lesson.parts is None else lesson.first_outputs
    material = Material(lesson.features, lesson.wanted, np.ones(len(lesson.features), np.float32), first)
    yield from _train("plain", lesson, _course(material, said, training, settings, bound=True), settings)


def sgd(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Train on the verdicts, flips counting more, while all other images keep the champion's probabilities."""
    epochs = min(settings.epochs or ANCHORED_EPOCHS, settings.max_epochs or settings.epochs or ANCHORED_EPOCHS)
    said = {**numbers(training, settings, bound=False), "epochs": epochs}
    kept = softmax(lesson.anchor_logits) if lesson.head.ends_in_softmax else lesson.anchor_logits
    weights = np.concatenate([np.where(lesson.flips, FLIP_WEIGHT, 1.0), np.ones(len(kept))])
    features = np.concatenate([lesson.features, lesson.anchors]) if len(kept) else lesson.features
    targets = np.concatenate([lesson.wanted, kept]).astype(np.float32)
    first = None if lesson.parts is None else np.concatenate([lesson.first_outputs, lesson.anchor_first_outputs])
    material = Material(features, targets, (weights / weights.mean()).astype(np.float32), first)
    yield from _train("sgd", lesson, _course(material, said, training, settings, bound=False), settings)


def _course(material: Material, said: dict[str, float], training: Training, settings: Settings, bound: bool) -> Course:
    return Course(
        material,
        said,
        training.optimizer,
        training.shuffle if settings.shuffle is None else settings.shuffle,
        training.seed if settings.seed is None else settings.seed,
        training,
        bound,
    )


def _train(name: str, lesson: Lesson, course: Course, settings: Settings) -> Iterator[Event]:
    """Every epoch sees all samples once; the loss is averaged over the mini-batch, also over a last, smaller one.

    Raises CannotTrain at the batch whose loss is beyond all bounds.
    """
    epochs, size = int(course.numbers["epochs"]), int(course.numbers["batch_size"])
    count = len(course.material.features)
    yield TrainingBegan(name, count, epochs)
    steps = yield from chosen_steps(lesson.head, course.material, course.optimizer, course.numbers)
    rng = np.random.default_rng(0 if course.seed is None else course.seed)
    at_once = max(1, steps.together // size)
    bounds = LARGEST_LOSS * max(1.0, lesson.score(lesson.old_logits).loss)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(count) if course.shuffle else np.arange(count)
        batches = _cut(order, size)
        losses = list[float]()
        for at in range(0, len(batches), at_once):
            losses += steps.run(batches[at : at + at_once])
            for batch, loss in enumerate(losses[at:], at + 1):
                if not loss < bounds:
                    raise _diverged(lesson, course, f"in epoch {epoch}, batch {batch}")
                yield BatchEnded(epoch, batch, len(batches), loss)
        total = sum(loss * len(batch) for loss, batch in zip(losses, batches, strict=True))
        now = steps.logits(len(lesson.features))
        if not np.isfinite(now).all():
            raise _diverged(lesson, course, f"at the end of epoch {epoch}")
        yield EpochEnded(epoch, epochs, total / count, lesson.accuracy(now))
        if settings.out_of_time():
            break
    yield lesson.judged(steps.head(), steps.logits(len(lesson.features)))


def _cut(order: NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    return [order[at : at + size] for at in range(0, len(order), size)]


def _diverged(lesson: Lesson, course: Course, place: str) -> CannotTrain:
    return ran_away(lesson, course.training, course.numbers["learning_rate"], place, course.bound)
