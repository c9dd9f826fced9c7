"""A chain of layers, forth and back, on mini-batches of one size: the same as a trace gives, with little ado.

A step of a small head costs microseconds of arithmetic and as many of making arrays and asking what is there. So each
layer has its arrays made once; what a call gives back lies in them, and is gone with the next.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.head.kinds import KINDS
from engine.head.layers import HeadLayer, Weights

Array = NDArray[Any]


class Stage(Protocol):
    """One layer on batches of one size."""

    def forth(self, x: Array) -> Array:
        """What comes out of the layer."""
        ...

    def back(self, dy: Array, on: bool) -> Array:
        """Write the gradient of the weights; with `on`, carry `dy`, which may be written over, to what went in."""
        ...


class _Dense:
    """`y = x W' + b` on rows."""

    def __init__(self, layer: HeadLayer, into: Weights, rows: int) -> None:
        self._weights, self._bias, self._into = layer.weights["weights"], layer.weights.get("bias"), into
        outputs, width = self._weights.shape
        self._turned = self._weights.T
        self._y, self._dx = (np.empty((rows, size), self._weights.dtype) for size in (outputs, width))
        self._x = self._dx

    def forth(self, x: Array) -> Array:
        self._x = x
        np.dot(x, self._turned, out=self._y)
        if self._bias is not None:
            self._y += self._bias
        return self._y

    def back(self, dy: Array, on: bool) -> Array:
        if self._into:
            np.dot(dy.T, self._x, out=self._into["weights"])
            if self._bias is not None:
                np.add.reduce(dy, axis=0, out=self._into["bias"])
        return np.dot(dy, self._weights, out=self._dx) if on else dy


class _Relu:
    """`max(x, 0)`."""

    def __init__(self, layer: HeadLayer, into: Weights, rows: int) -> None:
        self._y: Array | None = None

    def forth(self, x: Array) -> Array:
        self._y = np.maximum(x, 0, out=self._y)
        return self._y

    def back(self, dy: Array, on: bool) -> Array:
        y = self._y
        assert y is not None
        dy *= np.sign(y, out=y)
        return dy


class _Any:
    """Every other layer, and these where what goes in has a height and a width."""

    def __init__(self, layer: HeadLayer, into: Weights, rows: int) -> None:
        self._layer, self._kind, self._into = layer, KINDS[layer.kind], into
        self._x = self._y = np.empty(0)

    def forth(self, x: Array) -> Array:
        self._x, self._y = x, self._kind.forward(self._layer, x)
        return self._y

    def back(self, dy: Array, on: bool) -> Array:
        dy = dy.reshape(self._y.shape)
        if self._layer.updatable:
            self._kind.gradient(self._layer, self._x, dy, self._into)
        return self._kind.back(self._layer, self._x, self._y, dy) if on else dy


ON_ROWS = {"innerProduct": _Dense, "activation.ReLU": _Relu}


class Pass:
    """Layers on batches of so many samples; their weights may change in place between calls."""

    def __init__(self, layers: Sequence[HeadLayer], into: Sequence[Weights], rows: int, axes: int) -> None:
        """`into` gets each layer's gradients; what goes in has so many axes."""
        known = ON_ROWS if axes == 2 else {}
        self._stages: list[Stage] = [
            known.get(layer.kind, _Any)(layer, place, rows) for layer, place in zip(layers, into, strict=True)
        ]
        self._backwards = [(stage, index > 0) for index, stage in enumerate(self._stages)][::-1]

    def forth(self, features: Array) -> Array:
        """(n, outputs): what comes out of the last layer."""
        for stage in self._stages:
            features = stage.forth(features)
        return features if features.ndim == 2 else features.reshape(len(features), -1)

    def back(self, d_outputs: Array, to_features: bool = False) -> Array:
        """Write the weights' gradients for `d_outputs` (n, outputs), which may be written over.

        With `to_features`, what comes back is `d_outputs` carried to the features; otherwise no further than needed.
        """
        for stage, more in self._backwards:
            d_outputs = stage.back(d_outputs, more or to_features)
        return d_outputs
