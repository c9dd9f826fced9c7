"""What looks at a folder's features, verdicts and versions say: findings, in the past tense, beside `engine/events.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The app paints its first frame before it loads NumPy.
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ImagesCompared:
    """How far the images' features are compared with each other."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class AlikeFound:
    """Groups of near-duplicates are known."""

    contents: tuple[bytes, ...]
    groups: NDArray[np.int64]
    """(contents,): the number of each one's group; -1 alone."""


@dataclass(frozen=True, eq=False)
class QueueMixed:
    """The order in which pictures are best judged."""

    contents: tuple[bytes, ...]
    ranks: NDArray[np.int64]
    """(contents,): each one's place, from 0."""
    reasons: NDArray[np.uint8]
    """(contents,): each one's `engine.review.queue.Reason`."""


@dataclass(frozen=True)
class VerdictsCrossed:
    """How far a cross-validation is, in predictions of verdicts by heads that have not seen them."""

    done: int
    total: int


@dataclass(frozen=True)
class Sample:
    """A random sample of the folder, judged to its end."""

    correct: int
    """Pictures on which a head that has not seen their verdict is right."""
    of: int
    missing: int
    """Pictures that need a verdict before the sample is a step larger."""


@dataclass(frozen=True, eq=False)
class VerdictsReviewed:
    """What heads that have not seen a verdict say of its picture."""

    contents: tuple[bytes, ...]
    """The verdicts' pictures; row i of all others belongs to the i-th."""
    quality: NDArray[np.float32]
    """(contents,): the probability of its label."""
    suspect: NDArray[np.bool_]
    """(contents,): whether it is likely a mistake."""
    correct: int
    """Of the verdicts, how many such a head predicts."""
    before: int
    """How many the untouched model predicts."""
    won: int
    """How many such a head predicts, and the untouched model does not."""
    sample: Sample


@dataclass(frozen=True)
class CurveMeasured:
    """How right heads are on verdicts that they have not seen, by how many others they learned."""

    sizes: tuple[int, ...]
    """Verdicts that were learned, ascending; none where there are too few."""
    correct: tuple[int, ...]
    """By size, how many of those held out are predicted."""
    of: int
    """Verdicts that were held out."""
    gain: tuple[float, float]
    """By how much the share that is predicted rose with the last size: an interval at 95 %."""
    more_help: bool | None
    """Whether more verdicts would; None where that cannot be told."""


@dataclass(frozen=True)
class VerdictsNotReviewed:
    """Nothing can be said of verdicts that were not seen."""

    why: str


@dataclass(frozen=True)
class ComparisonWorked:
    """How far a comparison of two versions is."""

    first: int
    second: int
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class VersionsCompared:
    """What two versions of the model say of the same pictures."""

    first: int
    second: int
    contents: tuple[bytes, ...]
    """Each picture once."""
    labels: tuple[str, ...]
    """Of both."""
    said: NDArray[np.int16]
    """(2, pictures): the label that each of the two gives, by number; -1 for none."""


@dataclass(frozen=True)
class VersionsNotCompared:
    """Two versions cannot be compared."""

    first: int
    second: int
    why: str
