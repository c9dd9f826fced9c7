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
PANEL_WORK = 4e9
"""Multiplications a panel of the Gram matrix, about: some hundredths of a second."""


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

    The matrix is symmetric: panel by panel, only what lies on and right of the diagonal is computed.
    """
    rows = [part.reshape(len(part), -1) for part in parts if len(part)]
    edges = [0, *accumulate(map(len, rows))]
    count, width = edges[-1], rows[0].shape[1]
    found = np.empty((count, count), rows[0].dtype)
    panel = int(np.clip(PANEL_WORK / (count * width), 64, 256))
    for part, start in enumerate(edges[:-1]):
        for at in range(start, edges[part + 1], panel):
            to = min(edges[part + 1], at + panel)
            here = rows[part][at - start : to - start]
            for other, begin in zip(rows[part:], edges[part:], strict=False):
                first = max(at, begin)
                found[at:to, first : begin + len(other)] = here @ other[first - begin :].T
            found[to:, at:to] = found[at:to, to:].T
            yield to / count
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
