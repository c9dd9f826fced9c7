"""The layers that Core ML can train through: each kind's forward, back, gradient and tangent, side by side.

A layer is a value; the functions of its kind remember nothing:

    forward(layer, x)               -> y
    back(layer, x, y, dy)           -> dx        the transposed Jacobian times dy, by the input
    gradient(layer, x, dy, into)    -> None      the same by the weights, written over the arrays in `into`
    tangent(layer, x, y, dx, dw)    -> dy        the Jacobian times (dx, dw)
    inner(layer, x, dys)            -> (n k, n k)

The last gives the inner products of all samples' gradients by the weights, for k slopes each, `dys` (n, k, ...): what the
tangent kernel is the sum of.

`x` has the batch first: (n, C, H, W), or (n, C) where the network has no height and width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class HeadLayer:
    """One layer of the head."""

    name: str
    kind: str
    """A name in KINDS."""
    weights: Weights = field(default_factory=dict[str, Array])
    """By name: `weights` and `bias`, or a batchnorm's `scale` and `shift`."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    updatable: bool = False
    """Whether training changes the weights."""


def no_weights(layer: HeadLayer, x: Array, dy: Array, into: Weights) -> None:
    """The gradient of a kind that has nothing to train."""


def nothing_inner(layer: HeadLayer, x: Array, dys: Array) -> Array:
    """Inner products of no numbers."""
    return np.zeros((dys.shape[0] * dys.shape[1],) * 2, dys.dtype)


class Kind(NamedTuple):
    """The functions of one kind of layer."""

    forward: Callable[[HeadLayer, Array], Array]
    back: Callable[[HeadLayer, Array, Array, Array], Array]
    tangent: Callable[[HeadLayer, Array, Array, Array, Weights], Array]
    gradient: Callable[[HeadLayer, Array, Array, Weights], None] = no_weights
    inner: Callable[[HeadLayer, Array, Array], Array] = nothing_inner


# innerProduct: y = x W' + b; of four axes, the last three are taken as one and come back as (n, outputs, 1, 1).


def _rows(x: Array) -> Array:
    return x.reshape(x.shape[0], -1) if x.ndim == 4 else x


def dense(layer: HeadLayer, x: Array) -> Array:
    """`y = x W' + b`."""
    y = _rows(x) @ layer.weights["weights"].T
    if "bias" in layer.weights:
        y = y + layer.weights["bias"]
    return y[:, :, None, None] if x.ndim == 4 else y


def dense_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """`dx = dy W`."""
    return (_rows(dy) @ layer.weights["weights"]).reshape(x.shape)


def dense_gradient(layer: HeadLayer, x: Array, dy: Array, into: Weights) -> None:
    """`dW = dy' x`, `db` = the sum of dy over the batch."""
    rows = _rows(dy)
    np.matmul(rows.T, _rows(x), out=into["weights"])
    if "bias" in into:
        np.add.reduce(rows, axis=0, out=into["bias"])


def dense_inner(layer: HeadLayer, x: Array, dys: Array) -> Array:
    """`(dy_i . dy_j) (x_i . x_j + 1)`: the 1 is the bias's. No gradient is formed."""
    rows = _rows(x)
    return spread_inner(rows @ rows.T + float("bias" in layer.weights), dys)


def spread_inner(inputs: Array, dys: Array) -> Array:
    """(n k, n k): inner products of inputs (n, n) times those of slopes (n, k, ...)."""
    n, k = dys.shape[:2]
    slopes = dys.reshape(n * k, -1)
    found = (slopes @ slopes.T).reshape(n, k, n, k)
    found *= inputs[:, None, :, None]
    return found.reshape(n * k, n * k)


def dense_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """`dy = dx W' + x dW' + db`."""
    dy = _rows(dx) @ layer.weights["weights"].T
    if "weights" in dw:
        dy = dy + _rows(x) @ dw["weights"].T
    if "bias" in dw:
        dy = dy + dw["bias"]
    return dy.reshape(y.shape)


# flatten: channel first keeps the order of (C, H, W); channel last turns it to (H, W, C).


def _flat(layer: HeadLayer, x: Array) -> Array:
    turned = x.transpose(0, 2, 3, 1) if layer.settings["channel_last"] and x.ndim == 4 else x
    flat = turned.reshape(x.shape[0], -1)
    return flat[:, :, None, None] if x.ndim == 4 else flat


def flatten(layer: HeadLayer, x: Array) -> Array:
    """(n, C, H, W) to (n, C H W, 1, 1)."""
    return _flat(layer, x)


def flatten_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """The same numbers in the shape of x."""
    if layer.settings["channel_last"] and x.ndim == 4:
        n, c, h, w = x.shape
        return dy.reshape(n, h, w, c).transpose(0, 3, 1, 2)
    return dy.reshape(x.shape)


def flatten_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """Flatten is linear."""
    return _flat(layer, dx)


# batchnorm with stored statistics: y = scale * x + shift, one scale and shift a channel; neither is trained.


def _by_channel(values: Array, x: Array) -> Array:
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))


def batchnorm(layer: HeadLayer, x: Array) -> Array:
    """`scale * x + shift`, where scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale."""
    return x * _by_channel(layer.weights["scale"], x) + _by_channel(layer.weights["shift"], x)


def batchnorm_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """`dx = scale * dy`."""
    return dy * _by_channel(layer.weights["scale"], x)


def batchnorm_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """`dy = scale * dx`."""
    return dx * _by_channel(layer.weights["scale"], x)


# Activations: each is given by its value and its slope as a function of the value.


def relu(x: Array) -> Array:
    """`max(x, 0)`."""
    return np.maximum(x, 0)


def relu_slope(y: Array) -> Array:
    """1 where y is above 0."""
    return (y > 0).astype(y.dtype)


def sigmoid(x: Array) -> Array:
    """Written with tanh, which does not overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def sigmoid_slope(y: Array) -> Array:
    """`y (1 - y)`."""
    return y * (1 - y)


def tanh_slope(y: Array) -> Array:
    """`1 - y^2`."""
    return 1 - y * y


def activation(value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Kind:
    """A kind that works number by number."""

    def forward(layer: HeadLayer, x: Array) -> Array:
        return value(x)

    def back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
        return dy * slope(y)

    def tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
        return dx * slope(y)

    return Kind(forward, back, tangent)


# softmax over the channels.


def softmax(layer: HeadLayer, x: Array) -> Array:
    """`exp(x) / sum of exp(x)` over axis 1."""
    power = np.exp(x - x.max(axis=1, keepdims=True))
    return power / power.sum(axis=1, keepdims=True)


def softmax_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """`dx = y * (dy - sum of dy * y)`."""
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def softmax_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """The Jacobian of softmax is symmetric."""
    return softmax_back(layer, x, y, dx)
