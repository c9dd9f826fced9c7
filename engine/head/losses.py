"""Losses: each gives its value for every sample, and its gradient by the logits (or outputs).

All take `logits` (n, outputs) and `targets` (n, outputs): probabilities that sum to one, or the wanted outputs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.head import softmax

Array = NDArray[Any]


class Loss(NamedTuple):
    """A loss: (n,) values, and (n, outputs) gradients."""

    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]


def cross_entropy(logits: Array, targets: Array) -> Array:
    """`-sum of targets * log softmax(logits)`, taken from the logits, so that a probability of 0 makes no infinity."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(targets * log_p).sum(axis=1)


def cross_entropy_gradient(logits: Array, targets: Array) -> Array:
    """`softmax(logits) - targets`, for targets that sum to one."""
    found = softmax(logits)
    found -= targets
    return found


def mean_squared_error(outputs: Array, targets: Array) -> Array:
    """`mean of (outputs - targets)^2` over the outputs, as torch's MSELoss."""
    apart = outputs - targets
    return (apart * apart).mean(axis=1)


def mean_squared_error_gradient(outputs: Array, targets: Array) -> Array:
    """`2 (outputs - targets) / outputs`."""
    return (outputs - targets) * (2 / outputs.shape[1])


def _error_of_probabilities(logits: Array, targets: Array) -> Array:
    return mean_squared_error(softmax(logits), targets)


def _error_of_probabilities_gradient(logits: Array, targets: Array) -> Array:
    """The gradient goes through the softmax."""
    y = softmax(logits)
    dy = mean_squared_error_gradient(y, targets)
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


LOSSES: Mapping[tuple[str, bool], Loss] = {
    ("cross_entropy", True): Loss(cross_entropy, cross_entropy_gradient),
    ("mean_squared_error", False): Loss(mean_squared_error, mean_squared_error_gradient),
    ("mean_squared_error", True): Loss(_error_of_probabilities, _error_of_probabilities_gradient),
}
"""By name and whether the head ends in a softmax."""
