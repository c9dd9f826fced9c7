"""Poolings."""

from collections.abc import Callable
from typing import Any

from engine.convert.keras.convolution import padded_same, windows
from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import Net, Value, pair

Rule = Callable[[KerasLayer, list[Value], Net], Value]
MAX, AVERAGE = 0, 1


def _windows(type_: int) -> Rule:
    """Largest or mean of each window; padding counts for nothing."""

    def rule(layer: KerasLayer, values: list[Value], net: Net) -> Value:
        value = net.picture(layer, values[0])
        size = pair(layer.config.get("pool_size", 2))
        stride = pair(layer.config.get("strides") or size)
        same = padded_same(layer)
        fields: dict[str, Any] = {"type": type_, "kernelSize": size, "stride": stride, "avgPoolExcludePadding": True}
        fields["same" if same else "valid"] = {}
        blob = net.add("pooling", layer.name, value.blob, **fields)
        return value.resized(blob, (value.sizes[0], *windows(value.sizes[1:], size, stride, same)))

    return rule


def _whole(type_: int) -> Rule:
    """Largest or mean of the whole picture: one number a channel."""

    def rule(layer: KerasLayer, values: list[Value], net: Net) -> Value:
        value = net.picture(layer, values[0])
        blob = net.add("pooling", layer.name, value.blob, type=type_, globalPooling=True, valid={})
        if layer.config.get("keepdims"):
            return value.resized(blob, (value.sizes[0], 1, 1))
        return Value(blob, (value.sizes[0],), (0,))

    return rule


LAYERS = {
    "MaxPooling2D": _windows(MAX),
    "AveragePooling2D": _windows(AVERAGE),
    "GlobalMaxPooling2D": _whole(MAX),
    "GlobalAveragePooling2D": _whole(AVERAGE),
}
