"""Cross-validation: what heads that have not seen a verdict say of its picture.

Each begins with the untouched model's head. The champion has learned all verdicts already, so that a head that begins with
it, or keeps what it predicts, would know the answers.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels, CannotTrain
from engine.events import Event, Retrained, VerdictsCrossed
from engine.head import Head
from engine.trainers.lesson import Lesson

FOLDS = 5
Numbers = NDArray[np.int64]
Shares = NDArray[np.float32]
Train = Callable[[Lesson], Iterator[Event]]
"""A trainer; the last of its events is `Retrained`."""


def crossed(lesson: Lesson, train: Train, groups: Numbers) -> Generator[Event, None, tuple[Shares, Shares]]:
    """(verdicts, labels) twice: the probabilities of the untouched head, and of heads trained without the verdict.

    Nor have these seen another of its group: `groups` (verdicts,) has a number for each group of near-duplicates, -1 for
    a picture alone. Where the verdicts left are too few or all of one label, the untouched head's are given. Raises
    CannotTrain for a head that keeps samples: those of verdicts are among them, and nobody knows which it had before.
    """
    if lesson.keeps is not None:
        raise CannotTrain("This model keeps samples: it has seen the pictures of all verdicts.")
    start = replace(lesson, head=lesson.origin or lesson.head, origin=None)
    before = _shares(start.head, start.features)
    found = before.copy()
    folds = assigned(start.targets, groups)
    for number in range(FOLDS):
        held = folds == number
        yield VerdictsCrossed(number, FOLDS)
        if held.any() and not held.all():
            part = replace(start, features=start.features[~held], targets=start.targets[~held])
            head = yield from _trained(part, train, number)
            if head is not None:
                found[held] = _shares(head, start.features[held])
    yield VerdictsCrossed(FOLDS, FOLDS)
    return before, found


def _trained(part: Lesson, train: Train, number: int) -> Generator[Event, None, Head | None]:
    """The head that comes of it; None where it cannot be trained."""
    try:
        for event in train(part):
            if isinstance(event, Retrained):
                assert isinstance(event.head, Head)
                return event.head
            # What takes long is told, so that it can be stopped.
            yield VerdictsCrossed(number, FOLDS)
    except BadLabels:
        pass
    return None


def _shares(head: Head, features: NDArray[Any]) -> Shares:
    """(n, labels)"""
    return head.probabilities(features).reshape(len(features), -1)


def assigned(targets: Numbers, groups: Numbers) -> Numbers:
    """(n,): a fold for each verdict; a group is in one fold, and labels are spread evenly, as far as groups allow."""
    alone = groups < 0
    group = np.where(alone, groups.max(initial=-1) + 1 + np.arange(len(groups)), groups)
    _, group = np.unique(group, return_inverse=True)
    shuffled = np.random.default_rng(0).permutation(len(targets))
    sizes = np.bincount(group)
    # Large groups first, since small ones fill what they leave; then label by label.
    order = sorted(shuffled.tolist(), key=lambda at: (-sizes[group[at]], targets[at]))
    counts = np.zeros((FOLDS, int(targets.max(initial=0)) + 1), np.int64)
    fold_of: dict[int, int] = {}
    for at in order:
        one = int(group[at])
        if one not in fold_of:
            mine = counts[:, targets[at]]
            fold_of[one] = int(np.lexsort((counts.sum(axis=1), mine))[0])
            np.add.at(counts[fold_of[one]], targets[group == one] if sizes[one] > 1 else [targets[at]], 1)
    return np.array([fold_of[int(one)] for one in group], np.int64)
