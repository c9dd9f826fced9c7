"""Optimizers, in order of complexity: each has a start and a step; memory goes in and comes out.

Weights, gradients and memory are lists with one mapping a layer. Core ML documents neither the form of momentum nor
Adam's bias correction; both are here as PyTorch has them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layers = Sequence[Mapping[str, Array]]
Numbers = Mapping[str, float]


class Optimizer(NamedTuple):
    """How one optimizer starts and steps."""

    start: Callable[[Layers], Any]
    step: Callable[[Layers, Layers, Any, Numbers], tuple[list[dict[str, Array]], Any]]


def _zeros(weights: Layers) -> list[dict[str, Array]]:
    return [{name: np.zeros_like(each) for name, each in layer.items()} for layer in weights]


def sgd_step(weights: Layers, gradients: Layers, memory: Layers, numbers: Numbers) -> tuple[Any, Any]:
    """`v = momentum * v + g`, `w = w - learning_rate * v`."""
    rate, momentum = numbers["learning_rate"], numbers.get("momentum", 0.0)
    velocity = [{n: momentum * v[n] + g[n] for n in g} for v, g in zip(memory, gradients, strict=True)]
    moved = [{n: w[n] - rate * v[n] for n in v} for w, v in zip(weights, velocity, strict=True)]
    return moved, velocity


def _adam_start(weights: Layers) -> tuple[Any, Any, int]:
    return _zeros(weights), _zeros(weights), 0


def adam_step(weights: Layers, gradients: Layers, memory: Any, numbers: Numbers) -> tuple[Any, Any]:
    """Algorithm 1 of Kingma and Ba (2015): both moments corrected for their start, eps outside the root."""
    first, second, steps = memory
    b1, b2 = numbers.get("beta1", 0.9), numbers.get("beta2", 0.999)
    steps += 1
    first = [{n: b1 * m[n] + (1 - b1) * g[n] for n in g} for m, g in zip(first, gradients, strict=True)]
    second = [{n: b2 * v[n] + (1 - b2) * g[n] * g[n] for n in g} for v, g in zip(second, gradients, strict=True)]
    rate = numbers["learning_rate"] / (1 - b1**steps)
    eps, grown = numbers.get("eps", 1e-8), 1 - b2**steps
    moved = [
        {n: w[n] - rate * m[n] / (np.sqrt(v[n] / grown) + eps) for n in m}
        for w, m, v in zip(weights, first, second, strict=True)
    ]
    return moved, (first, second, steps)


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(_zeros, sgd_step),
    "adam": Optimizer(_adam_start, adam_step),
}
