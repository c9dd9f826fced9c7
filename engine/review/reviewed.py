"""The verdicts, held against heads that have not seen them."""

from collections.abc import Iterator, Mapping

from engine.events import Event, VerdictsReviewed
from engine.review.crossed import Numbers, Train, crossed
from engine.review.suspects import label_errors, label_quality
from engine.trainers.lesson import Lesson


def reviewed(lesson: Lesson, train: Train, verdicts: Mapping[bytes, str], groups: Numbers) -> Iterator[Event]:
    """Cross-validate the verdicts of a lesson, in its order; the last event is `VerdictsReviewed`.

    `groups` (verdicts,) are those of `similar.groups`.
    """
    before, probabilities = yield from crossed(lesson, train, groups)
    targets = lesson.targets
    yield VerdictsReviewed(
        tuple(verdicts),
        label_quality(probabilities, targets),
        label_errors(probabilities, targets),
        int((probabilities.argmax(axis=1) == targets).sum()),
        int((before.argmax(axis=1) == targets).sum()),
    )
