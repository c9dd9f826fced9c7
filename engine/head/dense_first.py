"""A head as its first layer, where that is dense, and the rest of it, the tail."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head import Head

Array = NDArray[Any]

ROW_BY_ROW = frozenset({"innerProduct", "activation.ReLU", "activation.sigmoid", "activation.tanh"})
"""Kinds that do the same on rows of numbers as on images of one pixel, with less ado."""


@dataclass(frozen=True, eq=False)
class DenseFirst:
    """The two parts of a head whose first layer is dense and trained."""

    head: Head
    of_images: bool
    """Whether the features have the axes (n, C, H, W)."""

    @cached_property
    def tail(self) -> Head:
        """All layers but the first."""
        return replace(self.head, layers=self.head.layers[1:])

    @property
    def weights(self) -> Array:
        """(outputs, width) of the first layer."""
        return self.head.layers[0].weights["weights"]

    @property
    def bias(self) -> Array | None:
        """(outputs,) of the first layer, where it has one."""
        return self.head.layers[0].weights.get("bias")

    @cached_property
    def as_images(self) -> bool:
        """Whether the tail takes images of one pixel; rows of numbers otherwise."""
        return self.of_images and not all(each.kind in ROW_BY_ROW for each in self.tail.before_softmax)

    def outputs(self, flat: Array) -> Array:
        """(n, width) to (n, outputs): the first layer alone."""
        found = flat @ self.weights.T
        return found if self.bias is None else found + self.bias

    def shaped(self, outputs: Array) -> Array:
        """(n, outputs) of the first layer as the tail takes them."""
        return outputs[:, :, None, None] if self.as_images else outputs

    def logits(self, outputs: Array) -> Array:
        """(n, outputs) of the first layer to those of the head, before the softmax."""
        return self.tail.logits(self.shaped(outputs))

    def moved(self, weights: Array, bias: Array, tail: Head) -> Head:
        """The whole head, with a change of the first layer's weights and bias added to them, and another tail."""
        first = self.head.layers[0]
        new = {"weights": first.weights["weights"] + weights.astype(np.float32)}
        if "bias" in first.weights:
            new["bias"] = first.weights["bias"] + bias.astype(np.float32)
        return replace(tail, layers=(replace(first, weights=new), *tail.layers))


def dense_first(head: Head, features: Array) -> DenseFirst | None:
    """The head in two parts; None where the first layer is not dense, or does not take a row of numbers a sample."""
    layers = head.before_softmax
    if not layers or layers[0].kind != "innerProduct" or not layers[0].updatable or features.ndim not in (2, 4):
        return None
    return DenseFirst(head, features.ndim == 4)


def flat(features: Array) -> Array:
    """(n, ...) to (n, width)."""
    return features.reshape(len(features), -1)
