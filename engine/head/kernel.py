"""The tangent kernel of a head: how much a step of the weights along one sample's gradient moves another sample's output.

With J the Jacobian of all samples' outputs by the weights, the kernel is `J J'` (Jacot, Gabriel and Hongler 2018). Both
ways to it: the matrix itself, and its product with a vector, where the matrix would not fit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head.kinds import KINDS
from engine.head.layers import spread_inner
from engine.head.points import Point

Array = NDArray[Any]


def centred_basis(outputs: int) -> Array:
    """(outputs, outputs - 1): orthonormal columns that add up to zero; a shift of all logits changes no probability.

    The Helmert contrasts: column k weighs the first k outputs against the next one.
    """
    basis = np.zeros((outputs, outputs - 1))
    for k in range(1, outputs):
        basis[:k, k - 1], basis[k, k - 1] = 1, -k
    return basis / np.linalg.norm(basis, axis=0)


def room(point: Point, outputs: int) -> int:
    """Numbers that are held while `matrix` forms the kernel along so many columns."""
    samples = len(point.outputs)
    found = (samples * outputs) ** 2
    for layer in point.trace.layers:
        if layer.updatable and layer.kind != "innerProduct":
            found += samples * outputs * layer.weights["weights"].size
    return found


def matrix(point: Point, basis: Array) -> Array:
    """(n k, n k): the kernel between the samples' outputs along the k columns of `basis` (outputs, k)."""
    trace = point.trace
    n, k = len(trace.values[0]), basis.shape[1]
    kind = trace.outputs.dtype
    each = [trace.slopes(np.broadcast_to(basis[:, at].astype(kind), (n, len(basis)))) for at in range(k)]
    slopes = [np.stack(column, axis=1) for column in zip(*each, strict=True)]
    total = np.zeros((n * k, n * k), kind)
    if point.gram is not None:
        total += spread_inner(point.gram, slopes[0])
    for layer, x, dys in zip(trace.layers, trace.values, slopes[1:], strict=False):
        if layer.updatable:
            total += KINDS[layer.kind].inner(layer, x, dys)
    return total


def product(point: Point, basis: Array) -> Callable[[Array], Array]:
    """The kernel times a vector (n k,), by one gradient and one tangent of the layers."""
    n, k = len(point.outputs), basis.shape[1]

    def times(alpha: Array) -> Array:
        return (point.push(point.pull(alpha.reshape(n, k) @ basis.T)) @ basis).reshape(-1)

    return times


def conjugate_gradients(times: Callable[[Array], Array], wanted: Array, steps: int, close: float = 1e-6) -> Array:
    """Solve `times(x) = wanted` for a symmetric positive definite product; `close` is relative to `wanted`.

    Hestenes and Stiefel 1952.
    """
    x, rest = np.zeros_like(wanted), wanted.copy()
    along, size = rest.copy(), float(rest @ rest)
    enough = close * close * size
    for _ in range(steps):
        if size <= enough:
            break
        image = times(along)
        step = size / float(along @ image)
        x, rest = x + step * along, rest - step * image
        before, size = size, float(rest @ rest)
        along = rest + (size / before) * along
    return x
