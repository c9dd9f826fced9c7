"""`auto` of a nearest-neighbours model: the verdicts are kept as samples, nothing is fitted."""

from collections.abc import Iterator

import numpy as np

from engine.events import Event, Retrained, Score, TrainingBegan
from engine.head.neighbors import NeighborHead
from engine.trainers.lesson import Array, Lesson

LEAST = 1e-7
"""The smallest share that counts in the loss: its logarithm is finite."""


def remember(lesson: Lesson, head: NeighborHead) -> Iterator[Event]:
    """Keep every verdict as a sample; one whose picture is stored already changes that sample's label."""
    yield TrainingBegan("neighbors", len(lesson.features), 1)
    labels = [lesson.names[int(at)] for at in lesson.targets]
    new = head.learned(lesson.features, labels)
    before, after = _right(head, lesson, labels), _right(new, lesson, labels)
    yield Retrained(
        head=new,
        flips=int((~before).sum()),
        learned=int((after & ~before).sum()),
        accepted=int(before.sum()),
        kept=int((after & before).sum()),
        broken=int((~after & before).sum()),
        before=Score(int(before.sum()), len(labels), _loss(head, lesson, labels)),
        after=Score(int(after.sum()), len(labels), _loss(new, lesson, labels)),
    )


def _right(head: NeighborHead, lesson: Lesson, labels: list[str]) -> Array:
    names = np.array([str(name) for name in head.names], object)
    return names[head.probabilities(lesson.features).argmax(axis=1)] == np.array(labels, object)


def _loss(head: NeighborHead, lesson: Lesson, labels: list[str]) -> float:
    """Mean cross entropy of the shares; a label that the head does not have gets the least one."""
    at = {str(name): number for number, name in enumerate(head.names)}
    shares = head.probabilities(lesson.features)
    given = [row[at[label]] if label in at else 0.0 for row, label in zip(shares, labels, strict=True)]
    return float(-np.log(np.maximum(given, LEAST)).mean())
