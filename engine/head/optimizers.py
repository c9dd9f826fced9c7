"""Optimizers, in order of complexity: each has a start and a step, which changes the weights and its memory in place.

Weights, gradients and memory are flat arrays of one length (`engine.head.working`). Core ML documents neither the form of
momentum nor Adam's bias correction; both are here as PyTorch has them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Numbers = Mapping[str, float]


class Optimizer(NamedTuple):
    """How one optimizer starts and steps; a step leaves nothing of use in the gradient."""

    start: Callable[[Array], list[Array]]
    step: Callable[[Array, Array, list[Array], Numbers], None]


def _sgd_start(weights: Array) -> list[Array]:
    return [np.zeros_like(weights)]


def sgd_step(weights: Array, gradient: Array, memory: list[Array], numbers: Numbers) -> None:
    """`v = momentum * v + g`, `w = w - learning_rate * v`."""
    rate, momentum = numbers["learning_rate"], numbers.get("momentum", 0.0)
    if momentum:
        (velocity,) = memory
        velocity *= momentum
        velocity += gradient
        np.multiply(velocity, rate, out=gradient)
    else:
        gradient *= rate
    weights -= gradient


def _adam_start(weights: Array) -> list[Array]:
    # Both moments, a place for what lies between, and the number of steps.
    return [np.zeros_like(weights), np.zeros_like(weights), np.empty_like(weights), np.zeros(1, np.int64)]


def adam_step(weights: Array, gradient: Array, memory: list[Array], numbers: Numbers) -> None:
    """Algorithm 1 of Kingma and Ba (2015): both moments corrected for their start, eps outside the root."""
    first, second, between, steps = memory
    b1, b2 = numbers.get("beta1", 0.9), numbers.get("beta2", 0.999)
    steps += 1
    done = int(steps[0])
    np.multiply(gradient, gradient, out=between)
    between *= 1 - b2
    second *= b2
    second += between
    gradient *= 1 - b1
    first *= b1
    first += gradient
    np.multiply(second, 1 / (1 - b2**done), out=between)
    np.sqrt(between, out=between)
    between += numbers.get("eps", 1e-8)
    np.divide(first, between, out=gradient)
    gradient *= numbers["learning_rate"] / (1 - b1**done)
    weights -= gradient


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(_sgd_start, sgd_step),
    "adam": Optimizer(_adam_start, adam_step),
}
