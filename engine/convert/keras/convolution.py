"""Convolutions and dense layers."""

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.convert.keras.activation import activated
from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import Net, Sizes, Value, pair, refused, stored
from engine.convert.keras.plain import two

Kernel = NDArray[np.float32]
Fields = dict[str, Any]


def conv2d(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Conv2D."""
    value = net.picture(layer, values[0])
    config, channels = layer.config, value.sizes[0]
    groups, filters = int(config.get("groups") or 1), int(config["filters"])
    size = pair(config["kernel_size"])
    kernel = _turned(_kernel(layer, net, "kernel", (*size, channels // groups, filters)), net)
    weights = kernel.transpose(3, 2, 0, 1)
    return activated(layer, _convolved(net, layer, value, weights, groups, layer.name, _bias(layer, filters)), net)


def depthwise_conv2d(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer DepthwiseConv2D."""
    value = net.picture(layer, values[0])
    weights = _depthwise(layer, net, value.sizes[0])
    bias = _bias(layer, len(weights))
    return activated(layer, _convolved(net, layer, value, weights, value.sizes[0], layer.name, bias), net)


def separable_conv2d(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer SeparableConv2D: each channel by itself, then all of them pixel by pixel."""
    value = net.picture(layer, values[0])
    filters = int(layer.config["filters"])
    weights = _depthwise(layer, net, value.sizes[0])
    deep = _convolved(net, layer, value, weights, value.sizes[0], f"{layer.name}_depthwise", None)
    points = _kernel(layer, net, "pointwise_kernel", (1, 1, len(weights), filters)).transpose(3, 2, 0, 1)
    return activated(layer, _pointwise(net, deep, points, layer.name, _bias(layer, filters)), net)


def _depthwise(layer: KerasLayer, net: Net, channels: int) -> Kernel:
    """(rows, columns, channels, times) as (channels * times, 1, rows, columns)."""
    times, size = int(layer.config.get("depth_multiplier") or 1), pair(layer.config["kernel_size"])
    kernel = _kernel(layer, net, "depthwise_kernel", (*size, channels, times))
    return kernel.transpose(2, 3, 0, 1).reshape(channels * times, 1, *size)


def _kernel(layer: KerasLayer, net: Net, name: str, shape: tuple[int, int, int, int]) -> Kernel:
    """A kernel as (rows, columns, in, out); Keras 1 keeps it as (out, in, rows, columns) where channels come first."""
    if net.version == 1 and layer.config.get("data_format") == "channels_first":
        rows, columns, before, after = shape
        return stored(layer, name, (after, before, rows, columns)).transpose(2, 3, 1, 0)
    return stored(layer, name, shape)


def _turned(kernel: Kernel, net: Net) -> Kernel:
    return kernel[::-1, ::-1] if net.flipped else kernel


def _bias(layer: KerasLayer, channels: int) -> Kernel | None:
    return stored(layer, "bias", (channels,)) if layer.config.get("use_bias", True) else None


def _convolved(
    net: Net, layer: KerasLayer, value: Value, weights: Kernel, groups: int, name: str, bias: Kernel | None
) -> Value:
    """`weights` are (out, in / groups, rows, columns); stride, dilation and padding are the layer's."""
    stride, dilation = pair(layer.config.get("strides", 1)), pair(layer.config.get("dilation_rate", 1))
    reach = [(k - 1) * d + 1 for k, d in zip(weights.shape[2:], dilation, strict=True)]
    same = padded_same(layer)
    sizes = (len(weights), *windows(value.sizes[1:], (reach[0], reach[1]), stride, same))
    fields: Fields = {"stride": stride, "dilationFactor": dilation, "nGroups": groups, "same" if same else "valid": {}}
    return value.resized(_add(net, name, value.blob, weights, bias, fields), sizes)


def _add(net: Net, name: str, blob: str, weights: Kernel, bias: Kernel | None, fields: Fields) -> str:
    shape = {"outputChannels": len(weights), "kernelChannels": weights.shape[1], "kernelSize": weights.shape[2:]}
    return net.add("convolution", name, blob, **{**shape, **_weighted(weights, bias), **fields})


def _weighted(weights: Kernel, bias: Kernel | None) -> Fields:
    return {"weights": weights, "hasBias": bias is not None, **({} if bias is None else {"bias": bias})}


def _pointwise(net: Net, value: Value, weights: Kernel, name: str, bias: Kernel | None) -> Value:
    channels, height, width = len(weights), *value.sizes[1:]
    fields: Fields = {"stride": (1, 1), "dilationFactor": (1, 1), "nGroups": 1, "valid": {}}
    return value.resized(_add(net, name, value.blob, weights, bias, fields), (channels, height, width))


def padded_same(layer: KerasLayer) -> bool:
    """Whether the layer pads as TensorFlow does, the odd pixel at the end."""
    padding = str(layer.config.get("padding") or "valid").lower()
    if padding not in ("same", "valid"):
        raise refused(layer, f"with the padding {padding!r}, which is not supported")
    return padding == "same"


def windows(size: tuple[int, int], reach: tuple[int, int], stride: tuple[int, int], same: bool) -> tuple[int, int]:
    """How many windows fit below and beside each other."""
    rows, columns = (
        ceil(n / step) if same else (n - k) // step + 1 for n, k, step in zip(size, reach, stride, strict=True)
    )
    return rows, columns


def conv2d_transpose(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Conv2DTranspose.

    Its kernel is written with its dilation spelt out, and with zeros at the end where the result is to be larger than
    it reaches: the format does not say what happens then.
    """
    value = net.picture(layer, values[0])
    config, channels, filters = layer.config, value.sizes[0], int(layer.config["filters"])
    stride, dilation = pair(config.get("strides", 1)), pair(config.get("dilation_rate", 1))
    if int(config.get("groups") or 1) != 1:
        raise refused(layer, "with several groups, which is not supported")
    kernel = _turned(_kernel(layer, net, "kernel", (*pair(config["kernel_size"]), filters, channels)), net)
    spread = _spread(kernel.transpose(3, 2, 0, 1), dilation)
    extra: list[int] = []
    sizes: list[int] = []
    borders: list[dict[str, int]] = []
    for at in (0, 1):
        out, start, full = _crop(layer, value.sizes[1 + at], spread.shape[2 + at], stride[at], at)
        extra.append(max(0, start + out - full))
        sizes.append(out)
        borders.append({"startEdgeSize": start, "endEdgeSize": full + extra[at] - start - out})
    weights = np.pad(spread, ((0, 0), (0, 0), (0, extra[0]), (0, extra[1])))
    shape = {"outputChannels": filters, "kernelChannels": channels, "kernelSize": weights.shape[2:], "stride": stride}
    fields = {"dilationFactor": (1, 1), "nGroups": 1, "valid": {"paddingAmounts": {"borderAmounts": borders}}}
    weighted = _weighted(weights, _bias(layer, filters))
    blob = net.add("convolution", layer.name, value.blob, isDeconvolution=True, **{**shape, **fields, **weighted})
    result: Sizes = (filters, sizes[0], sizes[1])
    return activated(layer, value.resized(blob, result), net)


def _spread(weights: Kernel, dilation: tuple[int, int]) -> Kernel:
    """A kernel with zeros between its rows and columns."""
    rows, columns = ((n - 1) * d + 1 for n, d in zip(weights.shape[2:], dilation, strict=True))
    wide = np.zeros((*weights.shape[:2], rows, columns), np.float32)
    wide[:, :, :: dilation[0], :: dilation[1]] = weights
    return wide


def _crop(layer: KerasLayer, size: int, reach: int, stride: int, at: int) -> tuple[int, int, int]:
    """The size of the result, where it starts in the full one, and the size of that.

    It is what a convolution with this stride would take to give back `size`, as TensorFlow pads it.
    """
    full = (size - 1) * stride + reach
    same, more = padded_same(layer), layer.config.get("output_padding")
    if more is not None:
        extra = int(two(more)[at])
        out = full + extra - (2 * (reach // 2) if same else 0)
    else:
        out = size * stride if same else full + max(0, stride - reach)
    return out, max(0, full - out) // 2 if same else 0, full


def dense(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Dense; on pictures and rows, along their last axis."""
    value, units = values[0], int(layer.config["units"])
    inputs = value.shape[-1]
    weights, bias = stored(layer, "kernel", (inputs, units)).T, _bias(layer, units)
    if len(value.shape) > 1:
        turned = net.with_channel(value, len(value.shape) - 1)
        return activated(layer, _pointwise(net, turned, weights[:, :, None, None], layer.name, bias), net)
    fields = {"inputChannels": inputs, "outputChannels": units, **_weighted(weights, bias)}
    return activated(layer, value.resized(net.add("innerProduct", layer.name, value.blob, **fields), (units, 1, 1)), net)
