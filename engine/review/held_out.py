"""What heads say of verdicts that they have not learned."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels, CannotTrain
from engine.events import Event, Retrained
from engine.head import Head
from engine.head.neighbors import NeighborHead
from engine.trainers.lesson import Lesson

Shares = NDArray[np.float32]
Rows = NDArray[np.intp]
"""Numbers of verdicts."""
Train = Callable[[Lesson], Iterator[Event]]
"""A trainer; the last of its events is `Retrained`."""


def untouched(lesson: Lesson) -> Lesson:
    """The lesson of the untouched head: the champion has learned its verdicts already. Anchors keep what that one says.

    Of a head that keeps samples, those of the verdicts' pictures are left out, whoever put them there. Raises CannotTrain
    where the lesson has no labels.
    """
    if not lesson.classifies:
        raise CannotTrain("The model gives numbers; only labels can be reviewed.")
    keeps = lesson.keeps.without(lesson.features) if lesson.keeps is not None else None
    return replace(lesson, head=lesson.origin or lesson.head, origin=None, keeps=keeps)


def learned(start: Lesson, learn: Rows, held: Rows, train: Train, progress: Event) -> Generator[Event, None, Shares]:
    """(held, labels) probabilities of the verdicts `held`, by a head that has learned the verdicts `learn` and no others.

    What `start` says of them where nothing can be learned from those. Every step of the training yields `progress`.
    """
    head = None
    with suppress(BadLabels):
        for event in train(replace(start, features=start.features[learn], targets=start.targets[learn])):
            head = event.head if isinstance(event, Retrained) else None
            yield progress
    return said(start, held, head)


def said(start: Lesson, rows: Rows | slice, head: Head | NeighborHead | None = None) -> Shares:
    """(rows, labels) probabilities of some verdicts, by `head`, or by the one that the lesson is for."""
    head = head or start.keeps or start.head
    found = head.probabilities(start.features[rows])
    if isinstance(head, Head):
        return found.reshape(len(found), -1)
    # Its labels are in the order in which they first came.
    number = {name: at for at, name in enumerate(start.names)}
    known = [(number[str(name)], at) for at, name in enumerate(head.names) if str(name) in number]
    shares = np.zeros((len(found), len(number)), np.float32)
    for to, at in known:
        shares[:, to] = found[:, at]
    return shares


def right(shares: Shares, targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,): whether the target is the likeliest label. It is none where all are 0: the head says one of its own."""
    return (shares.argmax(axis=1) == targets) & (shares[np.arange(len(targets)), targets] > 0)
