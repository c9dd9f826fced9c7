"""The tangent kernel of a head: how much a step of the weights along one sample's gradient moves another sample's output.

With J the Jacobian of all samples' outputs by the weights, the kernel is `J J'` (Jacot, Gabriel and Hongler 2018). Both
ways to it: the matrix itself, for chains whose trained layers are dense, and its product with a vector, for any head.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head import Trace

Array = NDArray[Any]


def centred_basis(outputs: int) -> Array:
    """(outputs, outputs - 1): orthonormal columns that add up to zero; a shift of all logits changes no probability.

    The Helmert contrasts: column k weighs the first k outputs against the next one.
    """
    basis = np.zeros((outputs, outputs - 1))
    for k in range(1, outputs):
        basis[:k, k - 1], basis[k, k - 1] = 1, -k
    return basis / np.linalg.norm(basis, axis=0)


def is_dense(trace: Trace) -> bool:
    """Whether all layers that are trained are dense, each on one row of numbers a sample."""
    trained = [(layer, x) for layer, x in zip(trace.layers, trace.values, strict=False) if layer.updatable]
    return all(layer.kind == "innerProduct" and x.ndim in (2, 4) for layer, x in trained)


def matrix(trace: Trace, basis: Array) -> Array:
    """(n k, n k): the kernel between the samples' outputs along the k columns of `basis` (outputs, k).

    For a dense layer with input a and output slopes g it is `(g_i . g_j) (a_i . a_j + 1)`, summed over the layers; the
    1 is the bias's.
    """
    n, k = len(trace.values[0]), basis.shape[1]
    slopes = [trace.slopes(np.broadcast_to(basis[:, at], (n, len(basis)))) for at in range(k)]
    total = np.zeros((n, k, n, k))
    for index, layer in enumerate(trace.layers):
        if not layer.updatable:
            continue
        rows = trace.values[index].reshape(n, -1)
        inputs = rows @ rows.T + (1.0 if "bias" in layer.weights else 0.0)
        outputs = np.stack([each[index].reshape(n, -1) for each in slopes], axis=1).reshape(n * k, -1)
        total += (outputs @ outputs.T).reshape(n, k, n, k) * inputs[:, None, :, None]
    return total.reshape(n * k, n * k)


def product(trace: Trace, basis: Array) -> Callable[[Array], Array]:
    """The kernel times a vector (n k,), by one gradient and one tangent of the layers."""
    n, k = len(trace.values[0]), basis.shape[1]

    def times(alpha: Array) -> Array:
        change = trace.gradients(alpha.reshape(n, k) @ basis.T)
        return (trace.tangents(change) @ basis).reshape(-1)

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
