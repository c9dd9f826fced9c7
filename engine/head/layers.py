"""The layers that Core ML can train through: each kind's forward, gradient and tangent, side by side.

A layer is a value; the three functions of its kind remember nothing:

    forward(layer, x)               -> y
    gradient(layer, x, y, dy)       -> dx, {name: d weights}     the transposed Jacobian times dy
    tangent(layer, x, y, dx, dw)    -> dy                        the Jacobian times (dx, dw)

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


class Kind(NamedTuple):
    """The three functions of one kind of layer."""

    forward: Callable[[HeadLayer, Array], Array]
    gradient: Callable[[HeadLayer, Array, Array, Array], tuple[Array, dict[str, Array]]]
    tangent: Callable[[HeadLayer, Array, Array, Array, Weights], Array]


# innerProduct: y = x W' + b; of four axes, the last three are taken as one and come back as (n, outputs, 1, 1).


def _rows(x: Array) -> Array:
    return x.reshape(x.shape[0], -1) if x.ndim == 4 else x


def dense(layer: HeadLayer, x: Array) -> Array:
    """`y = x W' + b`."""
    y = _rows(x) @ layer.weights["weights"].T
    if "bias" in layer.weights:
        y = y + layer.weights["bias"]
    return y[:, :, None, None] if x.ndim == 4 else y


def dense_gradient(layer: HeadLayer, x: Array, y: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
    """`dx = dy W`, `dW = dy' x`, `db` = the sum of dy over the batch."""
    flat_x = _rows(x).reshape(-1, layer.weights["weights"].shape[1])
    flat_dy = _rows(dy).reshape(-1, layer.weights["weights"].shape[0])
    found = {"weights": flat_dy.T @ flat_x, "bias": flat_dy.sum(axis=0)}
    dx = (flat_dy @ layer.weights["weights"]).reshape(x.shape)
    return dx, {name: found[name] for name in layer.weights}


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


def flatten_gradient(layer: HeadLayer, x: Array, y: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
    """The same numbers in the shape of x."""
    if layer.settings["channel_last"] and x.ndim == 4:
        n, c, h, w = x.shape
        return dy.reshape(n, h, w, c).transpose(0, 3, 1, 2), {}
    return dy.reshape(x.shape), {}


def flatten_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """Flatten is linear."""
    return _flat(layer, dx)


# batchnorm with stored statistics: y = scale * x + shift, one scale and shift a channel; neither is trained.


def _by_channel(values: Array, x: Array) -> Array:
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))


def batchnorm(layer: HeadLayer, x: Array) -> Array:
    """`scale * x + shift`, where scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale."""
    return x * _by_channel(layer.weights["scale"], x) + _by_channel(layer.weights["shift"], x)


def batchnorm_gradient(layer: HeadLayer, x: Array, y: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
    """`dx = scale * dy`."""
    return dy * _by_channel(layer.weights["scale"], x), {}


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

    def gradient(layer: HeadLayer, x: Array, y: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
        return dy * slope(y), {}

    def tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
        return dx * slope(y)

    return Kind(forward, gradient, tangent)


# softmax over the channels.


def softmax(layer: HeadLayer, x: Array) -> Array:
    """`exp(x) / sum of exp(x)` over axis 1."""
    power = np.exp(x - x.max(axis=1, keepdims=True))
    return power / power.sum(axis=1, keepdims=True)


def softmax_gradient(layer: HeadLayer, x: Array, y: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
    """`dx = y * (dy - sum of dy * y)`."""
    return y * (dy - (dy * y).sum(axis=1, keepdims=True)), {}


def softmax_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """The Jacobian of softmax is symmetric."""
    return softmax_gradient(layer, x, y, dx)[0]
