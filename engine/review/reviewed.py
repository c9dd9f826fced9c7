"""The verdicts, held against heads that have not seen them."""

from collections.abc import Collection, Iterator

from engine.events import Event, VerdictsReviewed
from engine.review.audit import audit
from engine.review.crossed import crossed
from engine.review.folds import Numbers
from engine.review.held_out import Train, right
from engine.review.suspects import label_errors, label_quality
from engine.trainers.lesson import Lesson


def reviewed(
    lesson: Lesson,
    train: Train,
    contents: Collection[bytes],
    groups: Numbers,
    folder: Collection[bytes],
    unknown: Collection[bytes] = (),
) -> Iterator[Event]:
    """Cross-validate the verdicts of a lesson on the pictures `contents`; the last event is `VerdictsReviewed`.

    `groups` (verdicts,) are those of `similar.groups`. `folder` are all pictures that are asked about; `unknown` those
    whose verdict is a label that the model does not have, so that it cannot be right. Raises as `crossed` does.
    """
    found = yield from crossed(lesson, train, groups)
    targets = lesson.targets
    now, was = right(found.probabilities, targets), right(found.before, targets)
    yield VerdictsReviewed(
        tuple(contents),
        label_quality(found.probabilities, targets),
        label_errors(found.probabilities, targets),
        int(now.sum()),
        int(was.sum()),
        int((now & ~was).sum()),
        audit(folder, dict.fromkeys(unknown, False) | dict(zip(contents, now.tolist(), strict=True))),
    )
