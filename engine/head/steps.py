"""Mini-batch steps of an optimizer: the same weights as a plain loop gives, by the cheapest way to them.

The gradient of a dense layer's weights is always a combination of the samples that it saw. So, for a head that begins
with a dense layer W on wide features X, a *block* of steps needs W only at its start and its end:

    at the start    Z = X W' of the block's samples, and their inner products G = X X'
    step t          z_t = Z_t - rate * sum over earlier steps s of  q(t - s) G_ts g_s        (g_s: slopes at z of step s)
    at the end      W <- W - rate * sum over the steps s of  q(T - s) g_s' X_s

with q(n) = 1 + m + ... + m^(n-1) for momentum m (1 without it), which follows from writing out `v = m v + g`,
`w = w - rate v`. A bias is the weight of one more feature, which is always 1, so it adds 1 to G. (Kernel perceptrons,
Aizerman 1964, and the dual form of gradient descent.)

Two ways to hold W between blocks: as it is (`ByFeatures`), or as coefficients of all samples (`BySamples`), where all inner
products are computed once and X is not touched again before the last block. Adam looks at single weights, and heads with
convolutions have no such form: these take the plain way (`PlainSteps`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.head import Head
from engine.head.dense_first import DenseFirst, flat
from engine.head.losses import LOSSES
from engine.head.optimizers import OPTIMIZERS
from engine.head.working import Working

Array = NDArray[Any]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Material:
    """What is learned from: row i of each belongs to sample i."""

    features: Array
    targets: Array
    """(n, outputs): probabilities that sum to one, or wanted outputs."""
    weights: Array
    """(n,): how much each sample counts; 1 on average."""
    first_outputs: Array | None = None
    """(n, outputs) of the head's first layer, where that is dense."""


class Steps(Protocol):
    """A way to take steps."""

    together: int
    """Samples whose steps are taken in one call, about."""

    def run(self, batches: Sequence[Rows]) -> list[float]:
        """Take a step for each batch of samples, none of which comes twice; the loss of each, before its step."""
        ...

    def logits(self, count: int) -> Array:
        """(count, outputs): of the first samples, as the head is now."""
        ...

    def head(self) -> Head:
        """The head as it is now."""
        ...


class PlainSteps:
    """Every step by the gradient of every weight, changed in place."""

    together = 1

    def __init__(self, head: Head, material: Material, optimizer: str, numbers: Mapping[str, float]) -> None:
        self._working = Working(head, np.float32)
        self._material, self._numbers = material, numbers
        self._loss, self._optimizer = LOSSES[head.loss, head.ends_in_softmax], OPTIMIZERS[optimizer]
        self._memory = self._optimizer.start(self._working.weights)

    def run(self, batches: Sequence[Rows]) -> list[float]:
        """Take a step for each batch; the loss of each, before its step."""
        return [self._step(chosen) for chosen in batches]

    def _step(self, chosen: Rows) -> float:
        given, working = self._material, self._working
        features, targets = given.features[chosen], given.targets[chosen].astype(np.float32, copy=False)
        through = working.through(len(chosen), features.ndim)
        found = through.forth(features)
        weights = given.weights[chosen]
        loss = float((self._loss.value(found, targets) * weights).mean())
        slope = self._loss.gradient(found, targets)
        slope *= (weights / len(chosen))[:, None]
        through.back(slope)
        self._optimizer.step(working.weights, working.gradient, self._memory, self._numbers)
        return loss

    def logits(self, count: int) -> Array:
        """(count, outputs): of the first samples, as the head is now."""
        return self._working.head.logits(self._material.features[:count])

    def head(self) -> Head:
        """The head as it is now."""
        return self._working.kept()


class First(Protocol):
    """The first layer between blocks: its weights at the start of a block, and the last step's velocity."""

    def enter(self, rows: Rows) -> tuple[Array, Array | None, Array]:
        """(n, outputs) of the weights and of the velocity, which is None if there is none, and inner products (n, n)."""
        ...

    def leave(self, rows: Rows, change: Array, push: Array, carried: float, decay: float) -> None:
        """Add `change`, and `carried` times the velocity, to the weights; the velocity decays, and gets `push`.

        Both are coefficients of the samples `rows`, (n, outputs).
        """
        ...

    def outputs(self, count: int) -> Array:
        """(count, outputs) of the first samples."""
        ...

    def moved(self, tail: Head) -> Head:
        """The whole head with its first layer as it is now."""
        ...


class BySamples:
    """The change of the first layer's weights as coefficients of the samples."""

    def __init__(self, parts: DenseFirst, features: Sequence[Array], before: Array, gram: Array, momentum: bool) -> None:
        """`before` (n, outputs) are the first layer's, `gram` (n, n) the inner products with 1 added for a bias."""
        self._parts, self._features, self._before, self._gram = parts, features, before, gram
        self._weights = np.zeros_like(before)
        self._velocity = np.zeros_like(before) if momentum else None
        self._moved = np.zeros(before.shape[1], np.bool_)
        """Outputs whose weights some step has moved; the others, as many behind a ReLU, cost nothing."""

    def enter(self, rows: Rows) -> tuple[Array, Array | None, Array]:
        """Outputs of the weights and of the velocity, and the inner products; rows in order are seen where they are."""
        near = self._gram[rows[0] : rows[-1] + 1] if (np.diff(rows) == 1).all() else self._gram[rows]
        used = np.flatnonzero(self._moved)
        z = self._before[rows]
        z[:, used] += near @ self._weights[:, used]
        pushed = None
        if self._velocity is not None:
            pushed = np.zeros_like(z)
            pushed[:, used] = near @ self._velocity[:, used]
        return z, pushed, near[:, rows]

    def leave(self, rows: Rows, change: Array, push: Array, carried: float, decay: float) -> None:
        """Add to the weights, and to the velocity, which decays."""
        if self._velocity is not None:
            self._weights += carried * self._velocity
            self._velocity *= decay
            self._velocity[rows] += push
        self._weights[rows] += change
        self._moved |= change.any(axis=0)

    def outputs(self, count: int) -> Array:
        """Of the first samples."""
        used = np.flatnonzero(self._moved)
        found = self._before[:count].copy()
        found[:, used] += self._gram[:count] @ self._weights[:, used]
        return found

    def moved(self, tail: Head) -> Head:
        """Only here are weights formed."""
        return self._parts.moved(*combined(self._weights, *self._features), tail)


def combined(coefficients: Array, *parts: Array) -> tuple[Array, Array]:
    """Coefficients (n, outputs) of samples, their features in parts, as a change (outputs, width) and one of the bias."""
    used = np.flatnonzero(coefficients.any(axis=0))
    change = np.zeros((coefficients.shape[1], flat(parts[0]).shape[1]), np.float32)
    needed, at = coefficients[:, used].T.astype(np.float32), 0
    for part in parts:
        if len(part):
            found = needed[:, at : at + len(part)] @ flat(part)
            change[used] = found if not at else change[used] + found
            at += len(part)
    return change, coefficients.sum(axis=0)


class ByFeatures:
    """The first layer's weights as they are."""

    def __init__(self, parts: DenseFirst, features: Array, momentum: bool) -> None:
        self._parts, self._features, self._momentum = parts, flat(features), momentum
        # What the feature is whose weight the bias is: always 1, or, where there is no bias, 0.
        self._one = np.float32(parts.bias is not None)
        self._weights = parts.weights.astype(np.float32)
        self._bias = np.zeros(len(self._weights), np.float32) if parts.bias is None else parts.bias.astype(np.float32)
        self._pushed, self._pushed_bias = np.zeros_like(self._weights), np.zeros_like(self._bias)

    def enter(self, rows: Rows) -> tuple[Array, Array | None, Array]:
        """Outputs of the weights and of the velocity, and the inner products."""
        x = self._features[rows]
        pushed = x @ self._pushed.T + self._pushed_bias if self._momentum else None
        return x @ self._weights.T + self._bias, pushed, x @ x.T + self._one

    def leave(self, rows: Rows, change: Array, push: Array, carried: float, decay: float) -> None:
        """Add to the weights, and to the velocity, which decays."""
        x = self._features[rows]
        if self._momentum:
            self._weights += carried * self._pushed
            self._bias += carried * self._pushed_bias
            self._pushed *= decay
            self._pushed += push.T @ x
            self._pushed_bias *= decay
            self._pushed_bias += self._one * push.sum(axis=0)
        self._weights += change.T @ x
        self._bias += self._one * change.sum(axis=0)

    def outputs(self, count: int) -> Array:
        """Of the first samples."""
        return self._features[:count] @ self._weights.T + self._bias

    def moved(self, tail: Head) -> Head:
        """With the weights as they are."""
        before = np.float32(0) if self._parts.bias is None else self._parts.bias
        return self._parts.moved(self._weights - self._parts.weights, self._bias - before, tail)


class BlockSteps:
    """SGD through a dense first layer, block by block; the tail's weights are changed in place."""

    def __init__(
        self, parts: DenseFirst, first: First, material: Material, numbers: Mapping[str, float], together: int
    ) -> None:
        self.together = together
        self._parts, self._first, self._material, self._numbers = parts, first, material, numbers
        self._rate, self._momentum = numbers["learning_rate"], numbers.get("momentum", 0.0)
        self._tail = Working(parts.tail, np.float32)
        self._optimizer = OPTIMIZERS["sgd"]
        self._memory = self._optimizer.start(self._tail.weights)
        self._loss = LOSSES[parts.head.loss, parts.head.ends_in_softmax]

    def run(self, batches: Sequence[Rows]) -> list[float]:
        """Take a step for each batch; the loss of each, before its step."""
        rows, sizes = np.concatenate(batches), np.array([len(each) for each in batches])
        step = np.repeat(np.arange(len(batches)), sizes)
        weights = self._material.weights[rows].astype(np.float32)
        targets = self._material.targets[rows].astype(np.float32)
        z, gram = self._entered(rows, step)
        share = (weights / np.repeat(sizes, sizes).astype(np.float32))[:, None]
        slopes, logits = self._walk(z, gram, targets, share, np.concatenate([[0], np.cumsum(sizes)]).tolist())
        steps, m = len(batches), self._momentum
        left = (steps - step)[:, None]
        change = -self._rate * _reach(m, left) * slopes
        push = m ** (left - 1) * slopes
        carried = -self._rate * m * float(_reach(m, np.array(steps)))
        self._first.leave(rows, change.astype(np.float32), push.astype(np.float32), carried, m**steps)
        losses = self._loss.value(logits, targets) * weights
        return (np.add.reduceat(losses, np.cumsum(sizes) - sizes) / sizes).tolist()

    def _entered(self, rows: Rows, step: NDArray[np.intp]) -> tuple[Array, Array]:
        """First outputs (n, H) if no step of the block moved the weights, and (n, n): how earlier slopes do."""
        z, pushed, gram = self._first.enter(rows)
        if pushed is not None:
            z -= (self._rate * self._momentum * _reach(self._momentum, step))[:, None].astype(np.float32) * pushed
        if self._momentum:
            apart = np.maximum(step[:, None] - step, 0)
            gram *= (-self._rate * _reach(self._momentum, np.arange(len(rows) + 1))).astype(np.float32)[apart]
        else:
            gram *= np.float32(-self._rate)
        return z, gram

    def _walk(self, z: Array, gram: Array, targets: Array, share: Array, edges: Sequence[int]) -> tuple[Array, Array]:
        """Step by step through the block: slopes at the first layer's outputs (n, H), and logits before each step."""
        tail, slopes, logits = self._tail, np.zeros_like(z), np.empty_like(targets)
        shaped, step, gradient = self._parts.shaped, self._optimizer.step, self._loss.gradient
        axes = 4 if self._parts.as_images else 2
        for a, b in pairwise(edges):
            at, through = z[a:b], tail.through(b - a, axes)
            if a:
                at += gram[a:b, :a].dot(slopes[:a])
            logits[a:b] = found = through.forth(shaped(at))
            slope = gradient(found, targets[a:b])
            slope *= share[a:b]
            slopes[a:b] = through.back(slope, to_features=True).reshape(at.shape)
            if len(tail.weights):
                step(tail.weights, tail.gradient, self._memory, self._numbers)
        return slopes, logits

    def logits(self, count: int) -> Array:
        """(count, outputs): of the first samples, as the head is now."""
        return self._tail.head.logits(self._parts.shaped(self._first.outputs(count)))

    def head(self) -> Head:
        """The head as it is now."""
        return self._first.moved(self._tail.kept())


def _reach(momentum: float, steps: NDArray[Any]) -> NDArray[np.float64]:
    """`1 + m + ... + m^(steps - 1)`: how far a push has carried the weights after so many steps."""
    if momentum == 1:
        return steps.astype(np.float64)
    return (1 - momentum ** steps.astype(np.float64)) / (1 - momentum)
