"""Sample space: training a wide first layer through the samples' inner products.

The gradient of a dense layer's weights is always a combination of the samples' features, so whatever a trainer does with
steps along gradients happens inside their span, however wide the features are. With N samples, write X (N x D) for the
features and factor their Gram matrix `X X' = L L'` (Cholesky). Then `Q = L^-1 X` has orthonormal rows, and the head whose
first layer takes the N numbers `L` for the features, with weights `W Q'`, is the same head in rotated coordinates, less
the directions that no sample has:

    X W' = L (W Q')'        the outputs are equal
    |B Q| = |B|             lengths of weight changes are equal, so gradient steps, momentum, ridges and least norms are

So any trainer that does not look at single weights (Adam does) runs on the small head unchanged, at N numbers a sample
instead of D, and `restored` turns the result back: `W + (B - W Q') Q`.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CannotTrain
from engine.head import Head
from engine.head.working import in_kind, in_single

Array = NDArray[Any]
JITTER = 1e-6
"""Relative to the mean of the Gram matrix's diagonal; holds it positive definite where samples are alike.

Of the order of float32's rounding in a product of thousands of terms.
"""
TILE_WORK = 1e10
"""Multiplications a tile of the Gram matrix: about a tenth of a second."""
SMALLEST_TILE, LARGEST_TILE = 64, 1024
"""Samples along one side: narrower tiles cost more for each multiplication, wider ones save nothing."""


@dataclass(frozen=True, eq=False)
class SampleSpace:
    """A head and its features in the coordinates of the samples."""

    head: Head
    features: Array
    """(N, N) float64, or the features themselves where the sample space is no smaller."""
    restored: Callable[[Head], Head]
    """From a head in these coordinates to one in those of the features."""


def gram(*parts: Array) -> Generator[float, None, Array]:
    """`X X'` (N, N) of features (n, ...) in one or more parts, in their own precision; yields the share that is done.

    The matrix is symmetric: tile by tile, only what lies on and right of the diagonal is computed.
    """
    rows = [part.reshape(len(part), -1) for part in parts if len(part)]
    side = np.clip((TILE_WORK / rows[0].shape[1]) ** 0.5, SMALLEST_TILE, LARGEST_TILE)
    cut = [tile for part in rows for tile in np.array_split(part, int(np.ceil(len(part) / side)))]
    places = [slice(to - len(each), to) for each, to in zip(cut, accumulate(map(len, cut)), strict=True)]
    count, tiles = places[-1].stop, list(zip(cut, places, strict=True))
    found = np.empty((count, count), rows[0].dtype)
    for index, (here, at) in enumerate(tiles):
        for there, to in tiles[index:]:
            np.matmul(here, there.T, out=found[at, to])
            left = count - at.start
            yield 1 - (left**2 - len(here) * (2 * (to.stop - at.start) - len(here))) / count**2
        found[at.stop :, at] = found[at, at.stop :].T
    return found


def is_narrower(head: Head, features: Array) -> bool:
    """Whether the sample space has fewer numbers a sample than the features."""
    layers = head.before_softmax
    wide = features[0].size if len(features) else 0
    dense_first = bool(layers) and layers[0].kind == "innerProduct" and layers[0].updatable
    return dense_first and (features.ndim == 4 or features.ndim == 2) and len(features) < wide


def sample_space(head: Head, features: Array) -> SampleSpace:
    """Move to the coordinates of the samples, where that makes the first layer narrower."""
    if not is_narrower(head, features):
        return SampleSpace(in_kind(head, np.float64), features.astype(np.float64), lambda trained: in_single(trained, head))
    flat = features.reshape(len(features), -1)
    first = head.before_softmax[0]
    lower = _cholesky((flat @ flat.T).astype(np.float64))
    inside = np.linalg.solve(lower, (flat @ first.weights["weights"].T).astype(np.float64)).T
    small = _first_replaced(in_kind(head, np.float64), inside)

    def restored(trained: Head) -> Head:
        weights = trained.before_softmax[0].weights["weights"]
        along = np.linalg.solve(lower.T, (weights - inside).T).astype(flat.dtype)
        whole = _first_replaced(trained, first.weights["weights"] + along.T @ flat)
        return in_single(whole, head)

    rows = lower if features.ndim == 2 else lower[:, :, None, None]
    return SampleSpace(small, rows, restored)


def _cholesky(products: Array) -> Array:
    ridge = JITTER * max(float(np.trace(products)) / len(products), np.finfo(np.float32).tiny)
    for more in (1, 100, 10_000):
        try:
            return np.linalg.cholesky(products + more * ridge * np.eye(len(products)))
        except np.linalg.LinAlgError:
            continue
    raise CannotTrain("The images' features hold numbers that are not finite.", "Look at the model's frozen layers.")


def _first_replaced(head: Head, weights: Array) -> Head:
    first, *rest = head.layers
    return replace(head, layers=(replace(first, weights={**first.weights, "weights": weights}), *rest))
