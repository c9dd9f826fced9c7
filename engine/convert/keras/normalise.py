"""Layers that scale and shift by stored numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import Net, Value, axis_of, refused, stored
from engine.convert.keras.plain import mapping

Numbers = NDArray[np.float64]
Affine = tuple[Numbers, Numbers]
"""A scale and a shift for each channel."""
SMALLEST = 1e-7
"""The least standard deviation that Normalization divides by: Keras' epsilon."""


def batch_normalization(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer BatchNormalization, over any axis, by its moving mean and variance."""
    config = layer.config
    if config.get("mode"):
        raise refused(layer, f"in mode {config['mode']}, which is not supported")
    value = net.with_channel(values[0], axis_of(config, len(values[0].shape)))
    channels = value.sizes[0]
    gamma, beta, mean, variance = (
        stored(layer, name, (channels,)) if config.get(used, True) else np.full(channels, otherwise, np.float32)
        for name, used, otherwise in (
            ("gamma", "scale", 1), ("beta", "center", 0), ("moving_mean", "", 0), ("moving_variance", "", 1)
        )
    )  # fmt: skip
    epsilon = float(config.get("epsilon", 1e-3))
    fields = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance, "epsilon": epsilon}
    return value.held(net.add("batchnorm", layer.name, value.blob, channels=channels, **fields))


def _numbers(value: Any, channels: int) -> Numbers:
    """A setting as one number a channel; Keras 3 wraps arrays. Raises ValueError for other counts."""
    wrapped = mapping(value)
    found = np.asarray(value if wrapped is None else wrapped["config"]["value"], np.float64).ravel()
    if found.size not in (1, channels):
        raise ValueError(f"it has {found.size} numbers for {channels} channels")
    return np.broadcast_to(found, (channels,))


def _rescaling(layer: KerasLayer, channels: int) -> Affine:
    return _numbers(layer.config["scale"], channels), _numbers(layer.config.get("offset", 0.0), channels)


def _normalization(layer: KerasLayer, channels: int) -> Affine:
    config, weights = layer.config, layer.weights
    said = config.get("mean") is not None
    sources: tuple[Any, Any] = (config["mean"], config["variance"]) if said else (weights["mean"], weights["variance"])
    mean, variance = (_numbers(source, channels) for source in sources)
    deviation = np.maximum(np.sqrt(variance), SMALLEST)
    return (deviation, mean) if config.get("invert") else (1 / deviation, -mean / deviation)


AFFINE: Mapping[str, Callable[[KerasLayer, int], Affine]] = {"Rescaling": _rescaling, "Normalization": _normalization}
"""Layers that may become a part of the image's preprocessing."""


def affine(layer: KerasLayer, value: Value) -> Affine:
    """The scale and shift of such a layer for each channel of a value.

    Raises UnsupportedLayer for a Normalization along other axes than the last one or none.
    """
    axis: Any = layer.config.get("axis", -1)
    along = [axis] if isinstance(axis, int) else list(axis or ())
    if layer.kind == "Normalization" and along not in ([], [-1], [len(value.shape)]):
        raise refused(layer, f"along the axes {along}, which is not supported")
    return AFFINE[layer.kind](layer, value.shape[-1])


def scaled(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layers Rescaling and Normalization where they are no part of the preprocessing."""
    value = net.with_channel(values[0], len(values[0].shape) - 1)
    scale, shift = affine(layer, value)
    if np.ptp(scale) == 0 and np.ptp(shift) == 0:
        return value.held(net.linear(layer.name, value.blob, scale[0], shift[0]))
    shape = [len(scale)]
    fields = {"shapeScale": shape, "scale": scale, "hasBias": True, "shapeBias": shape, "bias": shift}
    return value.held(net.add("scale", layer.name, value.blob, **fields))


LAYERS = {"BatchNormalization": batch_normalization, "Rescaling": scaled, "Normalization": scaled}
