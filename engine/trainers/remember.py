"""`auto` of a nearest-neighbours model: the verdicts are kept as samples, nothing is fitted."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.events import Event, Retrained, Score, TrainingBegan
from engine.head.neighbors import NeighborHead
from engine.trainers.lesson import Lesson

LEAST = 1e-7
"""The smallest share that counts in the loss: its logarithm is finite."""


def remember(lesson: Lesson, head: NeighborHead) -> Iterator[Event]:
    """Keep every verdict as a sample; one whose picture is stored already changes that sample's label."""
    yield TrainingBegan("neighbors", len(lesson.features), 1)
    labels = [lesson.names[int(at)] for at in lesson.targets]
    new = head.learned(lesson.features, labels)
    before, before_score = _judged(head, lesson, labels[: lesson.images])
    after, after_score = _judged(new, lesson, labels[: lesson.images])
    yield Retrained(
        head=new,
        flips=int((~before).sum()),
        learned=int((after & ~before).sum()),
        accepted=int(before.sum()),
        kept=int((after & before).sum()),
        broken=int((~after & before).sum()),
        before=before_score,
        after=after_score,
    )


def _judged(head: NeighborHead, lesson: Lesson, labels: list[str]) -> tuple[NDArray[np.bool_], Score]:
    """(verdicts,) which of the first samples a head predicts, and their mean cross entropy.

    A label that it lacks has the least share.
    """
    names = [str(name) for name in head.names]
    shares = head.probabilities(lesson.features[: len(labels)])
    said = [names[int(at)] for at in shares.argmax(axis=1)]
    right = np.array([one == label for one, label in zip(said, labels, strict=True)], np.bool_)
    number = {name: at for at, name in enumerate(names)}
    given = [row[number[label]] if label in number else 0.0 for row, label in zip(shares, labels, strict=True)]
    loss = float(-np.log(np.maximum(given, LEAST)).mean())
    return right, Score(int(right.sum()), len(labels), loss)
