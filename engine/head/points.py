"""Where a head stands while it is edited, linearised: its outputs, and how they answer to a change of its weights.

A change is a list of mappings, one a layer. With J the Jacobian of all samples' outputs by the weights:

    point.pull(d_outputs)   J' d      a change, from slopes at the outputs (n, outputs)
    point.push(change)      J change  (n, outputs)
    point.moved(change)     the point with the change added to its weights

Where the head begins with a dense layer, its change stays a combination of the samples (`SamplePoint`): features enter by
their inner products alone, and weights are formed once, by `head`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head import Head, Trace
from engine.head.dense_first import DenseFirst
from engine.head.working import in_kind

Array = NDArray[Any]
Change = Sequence[Mapping[str, Array]]


@dataclass(frozen=True, eq=False)
class WeightPoint:
    """Any head; changes are of its weights."""

    whole: Head
    features: Array
    gram: None = None

    @cached_property
    def trace(self) -> Trace:
        """Of all layers."""
        return self.whole.trace(self.features)

    @property
    def outputs(self) -> Array:
        """(n, outputs)"""
        return self.trace.outputs

    def pull(self, d_outputs: Array) -> Change:
        """The transposed Jacobian times (n, outputs)."""
        return self.trace.gradients(d_outputs)

    def push(self, change: Change) -> Array:
        """The Jacobian times a change: (n, outputs)."""
        return self.trace.tangents(change)

    def moved(self, change: Change) -> "WeightPoint":
        """With the change added."""
        return WeightPoint(self.whole.moved(change), self.features)


@dataclass(frozen=True, eq=False)
class SamplePoint:
    """A head whose first layer is dense; the first mapping of a change holds `coefficients` (n, first outputs)."""

    parts: DenseFirst
    before: Array
    """(n, first outputs) of the head as it was."""
    gram: Array
    """(n, n) inner products of the features, with 1 added for a bias."""
    coefficients: Array
    tail: Head

    @classmethod
    def start(cls, parts: DenseFirst, before: Array, gram: Array) -> "SamplePoint":
        """The head as it is."""
        return cls(parts, before, gram, np.zeros(before.shape, gram.dtype), in_kind(parts.tail, gram.dtype))

    @cached_property
    def trace(self) -> Trace:
        """Of the layers behind the first."""
        return self.tail.trace(self.parts.shaped(self.before + self.gram @ self.coefficients))

    @property
    def outputs(self) -> Array:
        """(n, outputs)"""
        return self.trace.outputs

    def pull(self, d_outputs: Array) -> Change:
        """The transposed Jacobian times (n, outputs)."""
        into = [{name: np.empty_like(each) for name, each in layer.items()} for layer in self.tail.weights]
        first = self.trace.backward(d_outputs, into, to_features=True)
        return [{"coefficients": first.reshape(self.before.shape)}, *into]

    def push(self, change: Change) -> Array:
        """The Jacobian times a change: (n, outputs)."""
        first, *rest = change
        return self.trace.tangents(rest, self.gram @ first["coefficients"])

    def moved(self, change: Change) -> "SamplePoint":
        """With the change added."""
        first, *rest = change
        return replace(self, coefficients=self.coefficients + first["coefficients"], tail=self.tail.moved(rest))

    def among(self, before: Array, gram: Array, known: NDArray[np.bool_]) -> "SamplePoint":
        """The same head on more samples: (n,) `known` tells which of them are those of this point, in their order."""
        coefficients = np.zeros(before.shape, self.coefficients.dtype)
        coefficients[known] = self.coefficients
        return replace(self, before=before, gram=gram, coefficients=coefficients)


Point = WeightPoint | SamplePoint
