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
    """How far a cross-validation is, in folds."""

    done: int
    total: int


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
