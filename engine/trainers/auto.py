"""`auto`: the edit, unless the head knows nothing worth keeping."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels
from engine.events import Event, Retrained, TrainingBegan
from engine.head import Head
from engine.spec.training import Training
from engine.trainers.edit import edit
from engine.trainers.fit import fit
from engine.trainers.lesson import Aim, Lesson, Settings

FEWEST = 10
"""Verdicts below which nothing is concluded about the head."""
FOLDS = 5
FROM_SCRATCH = "all that the model knows comes from your verdicts"
EQUAL = 1e-6
"""By how much the logits of a head that has learned nothing may differ."""


def auto(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """`edit`, or `fit` where the verdicts say that the head is no better than chance."""
    origin = lesson.origin or lesson.head
    if lesson.classifies and untrained(origin, lesson.features):
        yield from _from_scratch(lesson, origin, training, settings)
        return
    if lesson.classifies and knows_nothing(lesson) and _fits_better(lesson, training, settings):
        chosen, why = fit, "the model does no better than chance on the verdicts"
    else:
        chosen, why = edit, ""
    for event in chosen(lesson, training, settings):
        yield replace(event, why=why) if isinstance(event, TrainingBegan) else event


def untrained(head: Head, features: NDArray[np.float32]) -> bool:
    """Whether a head gives all labels the same, whatever it is shown: a new one that has learned nothing."""
    # The first image tells most heads; only the others are run on all.
    return all(float(np.ptp(head.logits(part), axis=1).max()) < EQUAL for part in (features[:1], features))


def _from_scratch(lesson: Lesson, origin: Head, training: Training, settings: Settings) -> Iterator[Event]:
    """Fit the new head to all verdicts. All that the model knows comes from them: no prediction is worth keeping."""
    if len(np.unique(lesson.targets)) < 2:
        raise BadLabels("So far all verdicts give one label.", "Give some of another label first.")
    for event in fit(replace(lesson, head=origin, origin=None), training, settings):
        if isinstance(event, Retrained):
            assert isinstance(event.head, Head)
            yield lesson.judged(event.head)
        else:
            yield replace(event, why=FROM_SCRATCH) if isinstance(event, TrainingBegan) else event


def knows_nothing(aim: Aim) -> bool:
    """Whether the champion's labels and the verdicts agree no more, and no less, than chance would have it.

    By Cohen's kappa within two of its standard errors under chance (Fleiss, Cohen and Everitt 1969, simplified). Less than
    chance is no ignorance: it is a person who marks only what is wrong.
    """
    if len(aim.targets) < FEWEST:
        return False
    said = aim.old_logits.argmax(axis=1)
    agreed = float((said == aim.targets).mean())
    labels = aim.old_logits.shape[1]
    expected = sum(float((said == k).mean()) * float((aim.targets == k).mean()) for k in range(labels))
    # Where all flips go one way, the two sides share no label, and chance by their counts would be nothing.
    expected = max(expected, 1 / labels)
    return abs(agreed - expected) <= 2 * np.sqrt(max(expected * (1 - expected), 1e-9) / len(said))


def _fits_better(lesson: Lesson, training: Training, settings: Settings) -> bool:
    """Cross-validation on the verdicts: whether `fit` predicts held-out ones better than `edit`, by two standard errors.

    Two, since the mistakes differ in weight: an edit of an ignorant head learns less well, but a needless fit forgets.
    """
    fold = np.random.default_rng(0).permutation(len(lesson.features)) % FOLDS
    won = np.concatenate([_difference(lesson, fold == k, training, settings) for k in range(FOLDS)])
    return float(won.mean()) > 2 * float(won.std()) / np.sqrt(len(won))


def _difference(lesson: Lesson, held: NDArray[np.bool_], training: Training, settings: Settings) -> NDArray[np.int64]:
    """For each held-out verdict, 1 where only `fit` is right, -1 where only `edit` is."""
    part = Lesson(lesson.head, lesson.features[~held], lesson.targets[~held], lesson.anchors)
    rights: list[NDArray[np.int64]] = []
    for trainer in (fit, edit):
        *_, last = trainer(part, training, settings)
        assert isinstance(last, Retrained)
        said = last.head.logits(lesson.features[held]).argmax(axis=1)
        rights.append((said == lesson.targets[held]).astype(np.int64))
    return rights[0] - rights[1]
