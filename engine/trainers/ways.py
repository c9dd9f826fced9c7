"""Which way of taking steps is the cheapest, by counting multiplications."""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import SamplesCompared
from engine.head import Head
from engine.head.dense_first import dense_first, flat
from engine.head.gram import gram
from engine.head.steps import BlockSteps, ByFeatures, BySamples, Material, PlainSteps, Steps

Array = NDArray[Any]
BLOCK_OF_SAMPLES, BLOCK_OF_FEATURES = 240, 64
"""Samples a block; where features are touched, a longer one costs more in inner products than it saves."""


def chosen_steps(
    head: Head, material: Material, optimizer: str, numbers: Mapping[str, float]
) -> Generator[SamplesCompared, None, Steps]:
    """Steps for this head and these samples."""
    parts = dense_first(head, material.features)
    before = material.first_outputs
    if parts is None or before is None or optimizer != "sgd":
        return PlainSteps(head, material, optimizer, numbers)
    count, width = flat(material.features).shape
    outputs, visits = len(parts.weights), count * numbers["epochs"]
    momentum = bool(numbers.get("momentum", 0.0))
    each_weight = 1 + momentum
    by_samples = count * width * (count / 2 + 2 * outputs) + visits * outputs * count * each_weight
    by_features = visits * width * (2 * outputs * each_weight + BLOCK_OF_FEATURES)
    if by_features <= by_samples:
        together = max(BLOCK_OF_FEATURES, int(numbers["batch_size"]))
        return BlockSteps(parts, ByFeatures(parts, material.features, momentum), material, numbers, together)
    products = yield from compared(material.features)
    if parts.bias is not None:
        products += 1
    first = BySamples(parts, [material.features], before.astype(np.float32), products, momentum)
    return BlockSteps(parts, first, material, numbers, max(BLOCK_OF_SAMPLES, int(numbers["batch_size"])))


def compared(*features: Array) -> Generator[SamplesCompared, None, Array]:
    """(n, n) inner products of features, in one or more parts; says how far it is."""
    work, count = gram(*features), sum(map(len, features))
    while True:
        try:
            share = next(work)
        except StopIteration as end:
            return end.value
        yield SamplesCompared(round(share * count), count)
