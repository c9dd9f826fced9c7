"""The head: the short chain of layers behind the cut, which training changes.

    head = Head(layers)
    head.logits(features)          (n, outputs): before the softmax
    head.probabilities(features)   (n, outputs)

A head is never changed; `with_weights` makes another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head.kinds import KINDS
from engine.head.layers import HeadLayer, Weights
from engine.room import LARGEST

__all__ = ["Head", "HeadLayer", "Trace", "Weights"]

Array = NDArray[Any]
BLOCK = 1024
"""Images a block in predictions, at most: keeps what is held between layers small, whatever the folder's size."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What went through each layer: `values[i]` enters layer i, `values[-1]` comes out of the last."""

    layers: tuple[HeadLayer, ...]
    values: tuple[Array, ...]

    @property
    def outputs(self) -> Array:
        """(n, outputs)"""
        return self.values[-1].reshape(self.values[-1].shape[0], -1)

    def gradients(self, d_outputs: Array) -> list[dict[str, Array]]:
        """The transposed Jacobian times `d_outputs` (n, outputs): the gradient of each layer's weights."""
        kind = np.result_type(d_outputs, self.values[0])
        found = [
            {name: np.empty(each.shape, kind) for name, each in layer.weights.items()} if layer.updatable else {}
            for layer in self.layers
        ]
        self.backward(d_outputs, found)
        return found

    def backward(self, d_outputs: Array, into: Sequence[Weights], to_features: bool = False) -> Array:
        """Write the gradients of each layer's weights over the arrays in `into`.

        With `to_features`, what comes back is `d_outputs` carried to the features; otherwise no further than needed.
        """
        dy = d_outputs.reshape(self.values[-1].shape)
        for index in range(len(self.layers) - 1, -1, -1):
            layer, kind, x = self.layers[index], KINDS[self.layers[index].kind], self.values[index]
            if layer.updatable:
                kind.gradient(layer, x, dy, into[index])
            if index or to_features:
                dy = kind.back(layer, x, self.values[index + 1], dy)
        return dy

    def slopes(self, d_outputs: Array) -> list[Array]:
        """`d_outputs` carried back to what goes into the first layer and comes out of each: one more than layers."""
        found = [d_outputs.reshape(self.values[-1].shape)]
        for index in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[index]
            found.append(KINDS[layer.kind].back(layer, self.values[index], self.values[index + 1], found[-1]))
        return found[::-1]

    def tangents(self, d_weights: Sequence[Weights], d_features: Array | None = None) -> Array:
        """The Jacobian times a change of each layer's weights, and of the features: the outputs' change, (n, outputs)."""
        features = self.values[0]
        dx: Array = np.zeros_like(features) if d_features is None else d_features.reshape(features.shape)
        for layer, x, y, dw in zip(self.layers, self.values, self.values[1:], d_weights, strict=False):
            dx = KINDS[layer.kind].tangent(layer, x, y, dx, dw)
        return dx.reshape(dx.shape[0], -1)


@dataclass(frozen=True, eq=False)
class Head:
    """A chain of layers on features. Without layers, the features are the answer (a model that cannot be trained)."""

    layers: tuple[HeadLayer, ...]
    loss: str = "cross_entropy"
    """`cross_entropy` or `mean_squared_error`"""

    @property
    def before_softmax(self) -> tuple[HeadLayer, ...]:
        """The layers whose outputs are the logits."""
        ends_in_softmax = bool(self.layers) and self.layers[-1].kind == "softmax"
        return self.layers[:-1] if ends_in_softmax else self.layers

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the outputs are probabilities made from logits."""
        return bool(self.layers) and self.layers[-1].kind == "softmax"

    def trace(self, features: Array) -> Trace:
        """Run the features through all layers before the softmax and keep what went through each."""
        values = [features]
        for layer in self.before_softmax:
            values.append(KINDS[layer.kind].forward(layer, values[-1]))
        return Trace(self.before_softmax, tuple(values))

    def logits(self, features: Array) -> Array:
        """(n, outputs), what the softmax would get; the outputs themselves where there is none."""
        # What is too large shows as a number that is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            rows = self._rows(features)
            parts = [self.trace(features[at : at + rows]).outputs for at in range(0, len(features), rows)]
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _rows(self, features: Array) -> int:
        """Images a block: fewer where windows over a picture make much of each."""
        if len(features) < 2 or not any(layer.kind in ("convolution", "pooling") for layer in self.layers):
            return BLOCK
        held = sum(each.size for each in self.trace(features[:1]).values)
        return max(1, min(BLOCK, LARGEST // held))

    def probabilities(self, features: Array) -> NDArray[np.float32]:
        """(n, outputs): what the model predicts."""
        logits = self.logits(features)
        with np.errstate(over="ignore", invalid="ignore"):
            return (softmax(logits) if self.ends_in_softmax else logits).astype(np.float32)

    def with_weights(self, weights: Sequence[Weights]) -> "Head":
        """The same chain with other weights, one mapping a layer before the softmax; an empty one keeps a layer's."""
        changed = [
            replace(layer, weights={**layer.weights, **new}) if new else layer
            for layer, new in zip(self.before_softmax, weights, strict=True)
        ]
        return replace(self, layers=(*changed, *self.layers[len(changed) :]))

    @property
    def weights(self) -> list[dict[str, Array]]:
        """The updatable weights of every layer before the softmax."""
        return [dict(layer.weights) if layer.updatable else {} for layer in self.before_softmax]

    def moved(self, change: Sequence[Mapping[str, Array]]) -> "Head":
        """The same chain with `change` added to its weights."""
        pairs = zip(self.weights, change, strict=True)
        return self.with_weights([{name: now[name] + step[name] for name in step} for now, step in pairs])


def softmax(logits: Array) -> Array:
    """Over axis 1 of (n, outputs)."""
    # In place: it runs in every step of a training.
    power = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    np.exp(power, out=power)
    power /= np.add.reduce(power, axis=1, keepdims=True)
    return power
