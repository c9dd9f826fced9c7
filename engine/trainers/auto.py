"""`auto`: what predicts held-out verdicts best: the edit, unless something else is better beyond doubt."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels
from engine.events import Event, Retrained, TrainingBegan
from engine.head import Head, softmax
from engine.spec.training import Training
from engine.trainers.choosing import ALL, FITS, Candidate, chosen
from engine.trainers.lesson import Aim, Lesson, Settings

FROM_SCRATCH = "all that the model knows comes from your verdicts"
BY_CHANCE = "the model does no better than chance on the verdicts"
BETTER = "it predicts held-out verdicts better"
EQUAL = 1e-6
"""By how much the logits of a head that has learned nothing may differ."""
DEFAULT = ALL[0]
ENOUGH = 30
"""Verdicts from which on a champion may be called ignorant: one that is right on 70 % of a folder is right on no more than
half of 30 of its images in 2 of 100 cases, on half of 20 in 5."""


def auto(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """`edit`, or what cross-validation on the verdicts finds better; a head that has learned nothing is fitted."""
    origin = lesson.origin or lesson.head
    if not lesson.classifies:
        yield from DEFAULT.train(lesson, training, settings)
    elif untrained(origin, lesson.features):
        yield from _from_scratch(lesson, origin, training, settings)
    else:
        ignorant = knows_nothing(lesson.alone)
        candidates = (DEFAULT, *FITS) if ignorant else ALL
        choice = yield from chosen(lesson.alone, training, settings, candidates, keeps=not ignorant)
        yield from _by(choice, lesson, training, settings, BY_CHANCE if ignorant else BETTER)


def _by(choice: Candidate, lesson: Lesson, training: Training, settings: Settings, why: str) -> Iterator[Event]:
    """Train as was chosen, and say so where that is not the default."""
    said = "" if choice == DEFAULT else f"{why} ({choice.numbers})" if choice.numbers else why
    for event in choice.train(lesson, training, choice.settings(settings)):
        if isinstance(event, TrainingBegan):
            event = replace(event, why=said, ridge=choice.ridge, margin=choice.margin)
        yield event


def untrained(head: Head, features: NDArray[np.float32]) -> bool:
    """Whether a head gives all labels the same, whatever it is shown: a new one that has learned nothing."""
    # The first image tells most heads; only the others are run on all.
    return all(float(np.ptp(head.logits(part), axis=1).max()) < EQUAL for part in (features[:1], features))


def _from_scratch(lesson: Lesson, origin: Head, training: Training, settings: Settings) -> Iterator[Event]:
    """Fit the new head to all verdicts. All that the model knows comes from them: no prediction is worth keeping."""
    if len(np.unique(lesson.targets)) < 2:
        raise BadLabels("So far all verdicts give one label.", "Give some of another label first.")
    new = replace(lesson, head=origin, origin=None, anchors=lesson.anchors[:0])
    choice = yield from chosen(new.alone, training, settings, FITS, keeps=False)
    for event in _by(choice, new, training, settings, FROM_SCRATCH):
        if isinstance(event, Retrained):
            assert isinstance(event.head, Head)
            yield lesson.judged(event.head)
        else:
            yield event


def knows_nothing(aim: Aim) -> bool:
    """Whether the champion's labels and the verdicts agree no more, and no less, than chance would have it.

    By Cohen's kappa within two of its standard errors under chance (Fleiss, Cohen and Everitt 1969, simplified). Less than
    chance is no ignorance: it is a person who marks only what is wrong. Nor is chance where the champion says itself that
    it is unsure, as it is of the images that are shown first: it has to claim more than that, by as much.
    """
    if len(aim.targets) < ENOUGH:
        return False
    said = aim.old_logits.argmax(axis=1)
    agreed = float((said == aim.targets).mean())
    labels = aim.old_logits.shape[1]
    expected = sum(float((said == k).mean()) * float((aim.targets == k).mean()) for k in range(labels))
    # Where all flips go one way, the two sides share no label, and chance by their counts would be nothing.
    expected = max(expected, 1 / labels)
    claimed = float(softmax(aim.old_logits).max(axis=1).mean())
    margin = 2 * np.sqrt(max(expected * (1 - expected), 1e-9) / len(said))
    return abs(agreed - expected) <= margin < claimed - expected
