"""Layers that draw random numbers: normal, uniform, Bernoulli and categorical.

A seed gives the same numbers each time, though not those that Apple's systems draw; a negative seed gives others each time.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.errors import UnsupportedModel
from engine.room import LARGEST
from engine.spec.describe import Array, Layer

Draw = Callable[[np.random.Generator, Any, tuple[int, ...]], Array]
"""`draw(generator, parameters, shape)`: numbers of one distribution."""


def _generator(layer: Layer) -> np.random.Generator:
    seed = layer.parameters.seed
    return np.random.default_rng(seed if seed >= 0 else None)


def _drawn(layer: Layer, draw: Draw, shape: tuple[int, ...]) -> Array:
    if min(shape, default=1) < 0 or math.prod(shape) > LARGEST:
        raise UnsupportedModel(f"Layer {layer.name!r} is asked for random numbers of shape {shape}.")
    return draw(_generator(layer), layer.parameters, shape).astype(np.float32)


def _fraction(generator: np.random.Generator, its: Any, shape: tuple[int, ...]) -> Array:
    return generator.random(shape, np.float32)


def _normal(generator: np.random.Generator, its: Any, shape: tuple[int, ...]) -> Array:
    return its.mean + its.stdDev * generator.standard_normal(shape, np.float32)


def _uniform(generator: np.random.Generator, its: Any, shape: tuple[int, ...]) -> Array:
    return its.minVal + (its.maxVal - its.minVal) * _fraction(generator, its, shape)


def _bernoulli(generator: np.random.Generator, its: Any, shape: tuple[int, ...]) -> Array:
    return _fraction(generator, its, shape) < its.prob


def _like(draw: Draw) -> Callable[[Layer, Array], Array]:
    return lambda layer, blob: _drawn(layer, draw, blob.shape)


def _static(draw: Draw) -> Callable[[Layer], Array]:
    return lambda layer: _drawn(layer, draw, tuple(map(int, layer.parameters.outputShape)))


def _dynamic(draw: Draw) -> Callable[[Layer, Array], Array]:
    return lambda layer, shape: _drawn(layer, draw, tuple(map(int, shape.reshape(-1))))


normal_like, normal_static, normal_dynamic = _like(_normal), _static(_normal), _dynamic(_normal)
uniform_like, uniform_static, uniform_dynamic = _like(_uniform), _static(_uniform), _dynamic(_uniform)
bernoulli_like, bernoulli_static, bernoulli_dynamic = _like(_bernoulli), _static(_bernoulli), _dynamic(_bernoulli)
"""`like` takes a blob of the wanted shape, `static` nothing, `dynamic` the shape as numbers."""


def categorical(layer: Layer, blob: Array) -> Array:
    """Indices drawn by the probabilities, or their logarithms, along the last axis: (..., classes) to (..., samples).

    The layer's eps is added to each probability before its logarithm is taken, and the logarithms are divided by its
    temperature. Probabilities need not sum to 1.
    """
    its = layer.parameters
    logits = blob.astype(np.float64) if its.isLogits else np.log(blob.astype(np.float64) + (its.eps or 1e-10))
    logits = logits / (its.temperature or 1)
    sums = np.exp(logits - logits.max(axis=-1, keepdims=True)).cumsum(axis=-1)
    rows = sums.reshape(-1, blob.shape[-1])
    drawn = _drawn(layer, _fraction, (len(rows), its.numSamples))
    for row, draws in zip(rows, drawn, strict=True):
        draws[:] = np.searchsorted(row, draws * row[-1], side="right")
    return drawn.reshape(*blob.shape[:-1], its.numSamples)
