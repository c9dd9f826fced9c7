"""Losses: each gives its value for every sample, and its gradient by the logits (or outputs).

Both take `logits` (n, outputs) and `targets` (n, outputs): probabilities that sum to one, or the wanted outputs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head import softmax

Array = NDArray[Any]
Loss = Callable[[Array, Array], tuple[Array, Array]]


def cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """`-sum of targets * log softmax(logits)`; gradient `softmax(logits) - targets`.

    Taken from the logits, so that a probability of 0 makes no infinity.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(targets * log_p).sum(axis=1), np.exp(log_p) * targets.sum(axis=1, keepdims=True) - targets


def mean_squared_error(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """`mean of (outputs - targets)^2` over the outputs, as torch's MSELoss; gradient `2 (outputs - targets) / outputs`."""
    apart = outputs - targets
    return (apart * apart).mean(axis=1), 2 * apart / outputs.shape[1]


def _squared_error_of_probabilities(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Mean squared error behind a softmax: the gradient goes through the softmax."""
    y = softmax(logits)
    value, dy = mean_squared_error(y, targets)
    return value, y * (dy - (dy * y).sum(axis=1, keepdims=True))


LOSSES: Mapping[tuple[str, bool], Loss] = {
    ("cross_entropy", True): cross_entropy,
    ("mean_squared_error", False): mean_squared_error,
    ("mean_squared_error", True): _squared_error_of_probabilities,
}
"""By name and whether the head ends in a softmax."""
