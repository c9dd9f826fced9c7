"""Verdicts that are likely mistakes, by confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def label_quality(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[Any]:
    """(n,): the probability (n, labels) that a model which has not seen a verdict gives to its label."""
    return probabilities[np.arange(len(labels)), labels]


def label_errors(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,): verdicts that are counted off the diagonal of the confident joint, and that the model contradicts.

    A picture counts confidently for a label if the label's probability is at least the mean that it has on pictures of
    that label (the threshold, equation 2 of the paper); for the most probable of several.
    """
    count = probabilities.shape[1]
    sums = np.bincount(labels, weights=label_quality(probabilities, labels), minlength=count)
    numbers = np.bincount(labels, minlength=count)
    # Of a label that nobody gave, no picture is confident.
    thresholds = np.where(numbers > 0, sums / np.maximum(numbers, 1), np.inf)
    # Sums of float32 are not exact: what lies at the threshold lies above it.
    confident = np.where(probabilities >= thresholds - 1e-6, probabilities, -1.0)
    counted = confident.argmax(axis=1)
    return (confident.max(axis=1) >= 0) & (counted != labels) & (probabilities.argmax(axis=1) != labels)
