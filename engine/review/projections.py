"""Pictures' features as short vectors, by which pictures are compared: kept in memory, made once for each picture.

Features are scaled to length 1 and multiplied by a random matrix, which keeps angles up to a small error whatever the
features' width (Johnson and Lindenstrauss, 1984; entries of plus and minus 1: Achlioptas, 2003).
"""

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import ImagesCompared
from engine.features import FeatureStore
from engine.head.dense_first import flat
from engine.live import roomy
from engine.scan import block_of

Vectors = NDArray[np.float32]

DIMENSIONS = 128
"""Of a vector. A cosine c comes out with a standard error of about (1 - c * c) / sqrt(128): 0.025 at 0.85, where 64 give
0.035, and 256 give 0.017 for twice the room and time."""
FOLDED = 4096
"""Wider features are first added up, with random signs, to so many numbers (Weinberger et al., "Feature hashing", 2009):
the random matrix stays at 2 MB, and a cosine's error becomes a sixtieth larger."""
SEED = 20260101
COMMON = 0.3
"""The largest mean cosine between a folder's pictures. Where features have more in common, as behind a ReLU or in a folder
of one scene, so much of their mean is taken away that it falls to this. The cats and dogs of `similar.ALIKE` stay as they
are, at 0.09 (bundled starter) and 0.29 (tutorial's network): without all of their mean, fewer duplicates were found. In a
folder that is one burst and nothing else, what differs within it is what counts."""
UNKNOWN = 4
"""Of n pictures, n / (n + 4) of that is taken away: the mean of a few is that of the duplicates among them. Of folders of 2
duplicates and no more, 94 to 100 % were found, and none without it; from 10 pictures on it changed nothing."""


class Projections:
    """Vectors of pictures by content key, all from the features of one backbone.

    A picture whose features are absent, damaged, all zero or not finite has none. What was covered stays, whatever the
    store gives up later.
    """

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._rows = np.zeros((0, DIMENSIONS), np.float32)
        """(pictures or more, DIMENSIONS), of features scaled to length 1."""
        self._shift, self._scale = np.zeros(DIMENSIONS, np.float32), np.zeros(0, np.float32)
        """The vectors are (rows - shift) * scale; the scale has one entry a picture."""

    def __contains__(self, content: bytes) -> bool:
        return content in self._row_of

    def __len__(self) -> int:
        return len(self._row_of)

    def cover(self, store: FeatureStore, contents: Sequence[bytes]) -> Generator[ImagesCompared, None, None]:
        """Take in those of these pictures that are new, in the order in which they lie in the store."""
        new: list[bytes] = [content for content in dict.fromkeys(contents) if content not in self._row_of]
        rows, size = store.find(new), block_of(store)
        order = np.argsort(rows, kind="stable")[int((rows < 0).sum()) :]
        matrix = _Matrix(math.prod(store.matrix().shape[1:]))
        self._rows = roomy(self._rows, len(self), len(order))
        for at in range(0, len(order), size):
            part: list[int] = order[at : at + size].tolist()
            self._take(store, [new[n] for n in part], matrix)
            yield ImagesCompared(min(at + size, len(order)), len(order))

    def _take(self, store: FeatureStore, contents: Sequence[bytes], matrix: "_Matrix") -> None:
        rows = store.find(contents)
        sound = np.flatnonzero(store.verify(rows))
        for at, features in store.blocks(rows[sound], max(1, len(sound))):
            made, usable = matrix.project(flat(features))
            first = len(self)
            self._row_of |= {contents[n]: first + k for k, n in enumerate(sound[at][usable].tolist())}
            self._rows[first : len(self)] = made

    def vectors(self, contents: Sequence[bytes]) -> Vectors:
        """(n, DIMENSIONS): of length 1, so that products are cosines; all 0 for a picture that has none."""
        if not len(self):
            return np.zeros((len(contents), DIMENSIONS), np.float32)
        rows = np.array([self._row_of.get(content, -1) for content in contents], np.int64)
        shift, scale = self._centred()
        found = self._rows[rows]
        found -= shift
        found *= np.where(rows >= 0, scale[rows], 0)[:, None]
        return found

    def nearest(self, content: bytes, count: int) -> list[tuple[bytes, float]]:
        """The `count` pictures most like this one, the most alike first, each with its cosine; none if it has no vector."""
        if content not in self._row_of:
            return []
        (me,) = self.vectors([content])
        shift, scale = self._centred()
        cosines = (self._rows[: len(self)] @ me - shift @ me) * scale
        cosines[self._row_of[content]] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: min(count, len(self) - 1)]
        contents = list(self._row_of)
        return [(contents[n], float(cosines[n])) for n in best.tolist()]

    def _centred(self) -> tuple[Vectors, Vectors]:
        """What is taken away from all rows, (DIMENSIONS,), and by what each is multiplied then, (pictures,)."""
        if len(self._scale) != len(self):
            rows = self._rows[: len(self)]
            mean = rows.mean(axis=0)
            self._shift = mean * np.float32(_excess(float(mean @ mean)) * len(rows) / (len(rows) + UNKNOWN))
            lengths = np.linalg.norm(rows - self._shift, axis=1)
            self._scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return self._shift, self._scale


def _excess(alike: float) -> float:
    """The share of the mean that is to be taken away, where the mean cosine is `alike`, the mean's squared length.

    A mean that is multiplied by k leaves k^2 alike / (k^2 alike + 1 - alike), which is to be COMMON.
    """
    if alike <= COMMON:
        return 0.0
    return 1 - math.sqrt(COMMON * max(0.0, 1 - alike) / ((1 - COMMON) * alike))


class _Matrix:
    """The random matrix for features of one width, the same whenever it is made; narrow ones are taken as they are."""

    def __init__(self, width: int) -> None:
        rng = np.random.default_rng(SEED)
        self._signs = _signs(rng, (width,)) if width > FOLDED else None
        if width <= DIMENSIONS:
            self._matrix = np.eye(width, DIMENSIONS, dtype=np.float32)
        else:
            self._matrix = _signs(rng, (min(width, FOLDED), DIMENSIONS)) / np.float32(math.sqrt(DIMENSIONS))

    def project(self, features: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
        """(usable, DIMENSIONS), and which of (n, width) are usable."""
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", features, features))
        usable = np.isfinite(lengths) & (lengths > 0)
        found = self._folded(features if usable.all() else features[usable]) @ self._matrix
        return found / lengths[usable, None], usable

    def _folded(self, features: Vectors) -> Vectors:
        if self._signs is None:
            return features
        found = np.zeros((len(features), FOLDED), np.float32)
        for at in range(0, features.shape[1], FOLDED):
            part = features[:, at : at + FOLDED] * self._signs[at : at + FOLDED]
            found[:, : part.shape[1]] += part
        return found


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """float32 -1 and 1, each as likely."""
    return rng.integers(0, 2, shape, np.int8).astype(np.float32) * 2 - 1
