"""Layers that give the same numbers another shape, or some of them, or more of them."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import LAST, Net, Value, pair, refused
from engine.convert.keras.plain import two

NEAREST, BILINEAR = 0, 1
HALF_PIXEL = 2
"""ALIGN_CORNERS_FALSE: sample at the middle of pixels, as TensorFlow 2 does."""


def flatten(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Flatten; told that channels come first (Keras 1 tells nothing), it takes them last all the same."""
    value = values[0]
    if layer.config.get("data_format") == "channels_first" and len(value.shape) > 1:
        value = Value(value.blob, (*value.shape[1:], value.shape[0]), (*value.axes[1:], value.axes[0]))
    return _flat(layer.name, value, net)


def _flat(name: str, value: Value, net: Net) -> Value:
    """One axis of all numbers, in the order of the value's axes."""
    numbers = prod(value.shape)
    if value.sizes == (numbers, 1, 1):
        return Value(value.blob, (numbers,), (0,))
    modes: Mapping[tuple[int, ...], int] = {(0, 1, 2): 0, (0, 1): 0, (1, 2, 0): 1, (1, 0): 1}
    if value.axes not in modes:
        value = net.arranged(value, LAST[len(value.shape)])
    return Value(net.add("flatten", name, value.blob, mode=modes[value.axes]), (numbers,), (0,))


def reshape(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Reshape, to one, two or three axes."""
    value = values[0]
    target = _target(layer.config["target_shape"], prod(value.shape))
    if len(target) == 1:
        return _flat(layer.name, value, net)
    if len(target) not in net.places:
        raise refused(layer, f"to {len(target)} axes, which is not supported")
    axes = net.places[len(target)]
    made = Value(value.blob, target, axes)
    if value.sizes == made.sizes == (prod(target), 1, 1):
        return made
    source = net.arranged(value, net.places[len(value.shape)])
    return made.held(net.add("reshape", layer.name, source.blob, targetShape=made.sizes, mode=net.mode))


def _target(said: Sequence[Any], numbers: int) -> tuple[int, ...]:
    target = [int(size) for size in said]
    if target.count(-1) == 1:
        target[target.index(-1)] = -numbers // prod(target)
    if prod(target) != numbers or min(target) < 1:
        raise ValueError(f"{numbers} numbers do not make {' x '.join(map(str, said))}")
    return tuple(target)


def permute(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Permute: the blob stays until a layer asks for its axes in other places."""
    value = values[0]
    order = [int(axis) - 1 for axis in layer.config["dims"]]
    if sorted(order) != list(range(len(value.shape))):
        raise ValueError(f"it has {len(value.shape)} axes, and is to have {layer.config['dims']}")
    return Value(value.blob, tuple(value.shape[at] for at in order), tuple(value.axes[at] for at in order))


def zero_padding(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer ZeroPadding2D."""
    value = net.picture(layer, values[0])
    rows, columns = _borders(layer.config.get("padding", 1))
    amounts = {"borderAmounts": _edges(rows, columns)}
    blob = net.add("padding", layer.name, value.blob, constant={"value": 0.0}, paddingAmounts=amounts)
    channels, height, width = value.sizes
    return value.resized(blob, (channels, height + sum(rows), width + sum(columns)))


def cropping(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Cropping2D."""
    value = net.picture(layer, values[0])
    rows, columns = _borders(layer.config.get("cropping", 0))
    channels, height, width = value.sizes
    sizes = (channels, height - sum(rows), width - sum(columns))
    return value.resized(
        net.add("crop", layer.name, value.blob, cropAmounts={"borderAmounts": _edges(rows, columns)}), sizes
    )


def _borders(said: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns before and after: one number for all, one for each pair, or all four."""
    rows, columns = two(said)
    top, bottom, left, right = (int(each) for each in (*two(rows), *two(columns)))
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"{said} has sizes below 0")
    return (top, bottom), (left, right)


def _edges(*sides: tuple[int, int]) -> list[dict[str, int]]:
    return [{"startEdgeSize": start, "endEdgeSize": end} for start, end in sides]


def upsampling(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer UpSampling2D."""
    value = net.picture(layer, values[0])
    return _upsampled(layer, value, pair(layer.config.get("size", 2)), net)


def _upsampled(layer: KerasLayer, value: Value, factors: tuple[int, int], net: Net) -> Value:
    interpolation = str(layer.config.get("interpolation") or "nearest")
    fields: dict[str, Any] = {"scalingFactor": factors, "mode": NEAREST}
    if interpolation == "bilinear":
        fields = {**fields, "mode": BILINEAR, "linearUpsampleMode": HALF_PIXEL}
        net.upsamples = True
    elif interpolation != "nearest":
        raise refused(layer, f"with the interpolation {interpolation!r}, which is not supported")
    channels, height, width = value.sizes
    blob = net.add("upsample", layer.name, value.blob, **fields)
    return value.resized(blob, (channels, height * factors[0], width * factors[1]))


def resizing(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Resizing, to the same size or a multiple of it. Raises UnsupportedLayer for any other."""
    value = net.picture(layer, values[0])
    _, height, width = value.sizes
    wanted = pair((layer.config["height"], layer.config["width"]))
    if wanted == (height, width):
        return value
    if wanted[0] % height or wanted[1] % width or layer.config.get("crop_to_aspect_ratio"):
        why = f"from {height} x {width} to {wanted[0]} x {wanted[1]}, which the format cannot do as Keras does"
        raise refused(layer, why)
    return _upsampled(layer, value, (wanted[0] // height, wanted[1] // width), net)


LAYERS = {
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "ZeroPadding2D": zero_padding,
    "Cropping2D": cropping,
    "UpSampling2D": upsampling,
    "Resizing": resizing,
}
