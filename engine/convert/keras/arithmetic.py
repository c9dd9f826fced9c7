"""Layers and bare operations that put several values together, or a value and a number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.convert.keras.activation import by_name
from engine.convert.keras.model import Input, KerasLayer
from engine.convert.keras.net import Net, Value, axis_of, refused

Rule = Callable[[KerasLayer, list[Value], Net], Value]


def _together(layer: KerasLayer, values: list[Value], net: Net) -> tuple[list[str], Value]:
    """Blobs whose axes lie in the same places, and the value that the result is like.

    Raises UnsupportedLayer for shapes that the format does not spread over each other: it knows one number a channel, one
    a pixel, and one in all.
    """
    first = values[0]
    if any(len(value.shape) != len(first.shape) for value in values):
        raise refused(layer, "with values of different ranks, which is not supported")
    turned = [net.arranged(value, first.axes) for value in values]
    channels, height, width = (max(sizes) for sizes in zip(*(value.sizes for value in turned), strict=True))
    allowed = ((channels, height, width), (channels, 1, 1), (1, height, width), (1, 1, 1))
    whole = [value for value in turned if value.sizes == allowed[0]]
    if not whole or any(value.sizes not in allowed for value in turned):
        raise refused(layer, "with shapes that the format does not spread over each other")
    return [value.blob for value in turned], whole[0]


def _joined(kind: str, spreads: bool, factor: Callable[[int], float] = lambda count: 1.0) -> Rule:
    """All values in one layer of the format, and the result times a number."""

    def rule(layer: KerasLayer, values: list[Value], net: Net) -> Value:
        if len(values) == 1:
            return values[0]
        blobs, like = _together(layer, values, net)
        if not spreads and len({value.sizes for value in values}) > 1 and _differ(values):
            raise refused(layer, "with values of different shapes, which is not supported")
        times = factor(len(values))
        blob = net.add(kind, layer.name if times == 1 else f"{layer.name}_sum", blobs)
        return like.held(blob if times == 1 else net.linear(layer.name, blob, times))

    return rule


def _differ(values: Sequence[Value]) -> bool:
    return len({value.shape for value in values}) > 1


def subtract(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Subtract: the first less the second."""
    left, right = values
    negative = right.held(net.linear(f"{layer.name}_negative", right.blob, -1.0))
    blobs, like = _together(layer, [left, negative], net)
    return like.held(net.add("add", layer.name, blobs))


def concatenate(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Concatenate, along any axis: it becomes the channels."""
    axis = axis_of(layer.config, len(values[0].shape))
    first = net.with_channel(values[0], axis)
    turned = [first, *(net.arranged(value, first.axes) for value in values[1:])]
    if len({value.sizes[1:] for value in turned}) > 1:
        raise ValueError("the other axes have different sizes")
    channels = sum(value.sizes[0] for value in turned)
    return first.resized(net.add("concat", layer.name, [value.blob for value in turned]), (channels, *first.sizes[1:]))


MERGES: Mapping[str, Rule] = {
    "Add": _joined("add", True),
    "Multiply": _joined("multiply", True),
    "Average": _joined("add", True, lambda count: 1 / count),
    "Maximum": _joined("max", False),
    "Minimum": _joined("min", False),
    "Subtract": subtract,
}

WITH_NUMBER: Mapping[str, Callable[[float, bool], tuple[float, float]]] = {
    "Add": lambda number, first: (1.0, number),
    "Subtract": lambda number, first: (-1.0, number) if first else (1.0, -number),
    "Multiply": lambda number, first: (number, 0.0),
    "Divide": lambda number, first: (1 / number, 0.0),
}
"""Operation -> the scale and shift that it is with a number; `first` where the number comes first."""

FUNCTIONS = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Tanh": "tanh", "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu", "Softplus": "softplus", "Softsign": "softsign", "Selu": "selu", "Exp": "exponential",
    "Mish": "mish",
}  # fmt: skip
"""Operations of Keras 3 on one value -> the activation that they are."""

TENSORFLOW = {
    "math.add": "Add", "__operators__.add": "Add", "math.subtract": "Subtract", "__operators__.sub": "Subtract",
    "math.multiply": "Multiply", "__operators__.mul": "Multiply", "math.truediv": "Divide", "math.divide": "Divide",
    "__operators__.truediv": "Divide", "math.maximum": "Maximum", "math.minimum": "Minimum",
    "nn.relu": "Relu", "nn.relu6": "Relu6", "math.sigmoid": "Sigmoid", "nn.sigmoid": "Sigmoid", "nn.silu": "Silu",
    "nn.swish": "Silu", "math.tanh": "Tanh", "nn.tanh": "Tanh", "math.exp": "Exp", "nn.selu": "Selu",
    "nn.softplus": "Softplus", "math.softplus": "Softplus", "nn.softsign": "Softsign",
    "nn.gelu": "Gelu",
}  # fmt: skip
"""TensorFlow's functions -> Keras 3's operations."""


def arithmetic(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """A merging layer, or an operation on two values, or on a value and a number."""
    return _computed(layer, "Divide" if layer.kind == "TrueDivide" else layer.kind, values, net)


def tensorflow(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """A function of TensorFlow that was called on values of layers. Raises UnsupportedLayer, which names it."""
    function = str(layer.config.get("function"))
    kind = TENSORFLOW.get(function)
    if kind is None:
        raise refused(layer, f"which calls {function!r}, a function that is not supported")
    return _computed(layer, kind, values, net)


def _computed(layer: KerasLayer, kind: str, values: list[Value], net: Net) -> Value:
    numbers: list[Any] = [each for each in layer.arguments if not isinstance(each, Input)]
    if kind == "Gelu":
        # Keras 3 approximates unless told otherwise, TensorFlow does not.
        rough = {"approximate": layer.kind == "Gelu", **layer.config, **layer.keywords}["approximate"]
        return by_name(layer, "gelu by tanh" if rough else "gelu", values[0], net)
    if layer.keywords:
        raise refused(layer, f"which is called with {', '.join(layer.keywords)}, which is not supported")
    if kind in FUNCTIONS and not numbers:
        return by_name(layer, FUNCTIONS[kind], values[0], net)
    if not numbers and kind in MERGES:
        # One value may stand in several places: x * x.
        places = [values[each.index] for each in layer.arguments if isinstance(each, Input)]
        return MERGES[kind](layer, places or values, net)
    first = bool(layer.arguments) and not isinstance(layer.arguments[0], Input)
    plain = len(numbers) == 1 and isinstance(numbers[0], int | float)
    if not plain or kind not in WITH_NUMBER or (kind == "Divide" and first):
        raise refused(layer, "which is supported between values, and with a number behind, alone")
    scale, shift = WITH_NUMBER[kind](float(numbers[0]), first)
    return values[0].held(net.linear(layer.name, values[0].blob, scale, shift))
