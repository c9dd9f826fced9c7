"""Nonlinearities, of the layers that the format had from the start.

A file of that kind runs on every system, and can be made updatable; the ones added later would ask for another
arrangement of blobs.
"""

from collections.abc import Callable, Mapping
from math import pi, prod, sqrt
from typing import Any

import numpy as np

from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import Net, Value, axis_of, refused, stored
from engine.convert.keras.plain import mapping

Function = Callable[[Net, str, str], str]
"""From the network, a name for the layers, and a blob, to the blob of results."""

SELU = (1.6732632423543772, 1.0507009873554805)
"""alpha and scale; Klambauer et al. 2017, as Keras has them."""
ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
ERF_P = 0.3275911
"""Abramowitz and Stegun 7.1.26: |error| <= 1.5e-7."""
UNARY_POWER, UNARY_EXP, UNARY_ABS, UNARY_THRESHOLD = 3, 4, 6, 7


def _plain(kind: str, **fields: float) -> Function:
    return lambda net, name, blob: net.add("activation", name, blob, **{kind: fields})


def _gated(gate: Function) -> Function:
    """`x * gate(x)`."""
    return lambda net, name, blob: net.add("multiply", name, [blob, gate(net, f"{name}_gate", blob)])


def _hard(slope: float) -> Function:
    """`slope * x + 0.5`, between 0 and 1."""
    return _plain("sigmoidHard", alpha=slope, beta=0.5)


def _hard_sigmoid(net: Net, name: str, blob: str) -> str:
    """Keras 1 and 2 rise by 0.2, Keras 3 by 1/6."""
    return _hard(1 / 6 if net.version > 2 else 0.2)(net, name, blob)


def _clipped(limit: float) -> Function:
    """`min(max(x, 0), limit)`, as a sigmoid of straight lines."""

    def function(net: Net, name: str, blob: str) -> str:
        share = _plain("sigmoidHard", alpha=1 / limit, beta=0.0)(net, f"{name}_share", blob)
        return net.linear(name, share, limit)

    return function


def _at_most(net: Net, name: str, blob: str, limit: float) -> str:
    """`min(x, limit)`, as `-max(-x, -limit)`."""
    below = net.add("unary", f"{name}_below", blob, type=UNARY_THRESHOLD, scale=-1.0, alpha=-limit)
    return net.linear(name, below, -1.0)


def _selu(net: Net, name: str, blob: str) -> str:
    return net.linear(name, _plain("ELU", alpha=SELU[0])(net, f"{name}_elu", blob), SELU[1])


def _mish(net: Net, name: str, blob: str) -> str:
    """`x * tanh(softplus(x))`."""
    soft = _plain("softplus")(net, f"{name}_softplus", blob)
    return net.add("multiply", name, [blob, _plain("tanh")(net, f"{name}_tanh", soft)])


def _gelu_by_tanh(net: Net, name: str, blob: str) -> str:
    """`x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`, which is Hendrycks and Gimpel's form with tanh."""
    slope = 2 * sqrt(2 / pi)
    bent = net.linear(f"{name}_bent", _squared(net, name, blob), 0.044715 * slope, slope)
    inner = net.add("multiply", f"{name}_inner", [blob, bent])
    return net.add("multiply", name, [blob, _plain("sigmoid")(net, f"{name}_gate", inner)])


def _squared(net: Net, name: str, blob: str) -> str:
    size = net.add("unary", f"{name}_size", blob, type=UNARY_ABS)
    return net.add("unary", f"{name}_square", size, type=UNARY_POWER, alpha=2.0)


def _gelu(net: Net, name: str, blob: str) -> str:
    """`x / 2 + |x| / 2 * erf(|x| / sqrt(2))`, with `erf(z) = 1 - polynomial(1 / (1 + p z)) * exp(-z^2)`."""
    size = net.add("unary", f"{name}_size", blob, type=UNARY_ABS)
    # Without an epsilon of its own the layer adds 1e-6.
    inverse = {"type": 2, "scale": ERF_P / sqrt(2), "shift": 1.0, "epsilon": 1e-20}
    part = net.add("unary", f"{name}_part", size, **inverse)
    total = net.linear(f"{name}_a5", part, ERF[4], ERF[3])
    for index in (2, 1, 0):
        product = net.add("multiply", f"{name}_t{index}", [total, part])
        total = net.linear(f"{name}_a{index + 1}", product, 1.0, ERF[index])
    fall = net.add("unary", f"{name}_fall", _squared(net, name, size), type=UNARY_EXP, scale=-0.5)
    tail = net.add("multiply", f"{name}_tail", [total, part, fall])
    erf = net.linear(f"{name}_erf", tail, -0.5, 0.5)
    return net.add("add", name, [net.linear(f"{name}_half", blob, 0.5), net.add("multiply", f"{name}_bow", [size, erf])])


FUNCTIONS: Mapping[str, Function] = {
    "linear": lambda net, name, blob: blob,
    "relu": _plain("ReLU"),
    "relu6": _clipped(6.0),
    "leaky_relu": _plain("leakyReLU", alpha=0.2),
    "sigmoid": _plain("sigmoid"),
    "tanh": _plain("tanh"),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _gated(_hard(1 / 6)),
    "hard_swish": _gated(_hard(1 / 6)),
    "hard_tanh": lambda net, name, blob: net.linear(name, _hard(0.5)(net, f"{name}_share", blob), 2.0, -1.0),
    "silu": _gated(_plain("sigmoid")),
    "swish": _gated(_plain("sigmoid")),
    "mish": _mish,
    "gelu": _gelu,
    "gelu by tanh": _gelu_by_tanh,
    "softplus": _plain("softplus"),
    "softsign": _plain("softsign"),
    "elu": _plain("ELU", alpha=1.0),
    "selu": _selu,
    "exponential": lambda net, name, blob: net.add("unary", name, blob, type=UNARY_EXP),
}
"""Keras' names of functions; `softmax`, which has an axis, stands apart."""


def activated(layer: KerasLayer, value: Value, net: Net) -> Value:
    """The value through the layer's `activation`: a function's name, or a layer inside the layer."""
    said: Any = layer.config.get("activation")
    inner = mapping(said)
    if inner is not None and inner.get("class_name") == "function":
        said, inner = inner.get("config"), None
    if inner is None:
        return by_name(layer, str(said or "linear"), value, net)
    kind = str(inner.get("class_name"))
    if kind not in LAYERS or kind == "PReLU":
        raise refused(layer, f"with the activation {kind!r}, which is not supported")
    named = KerasLayer(f"{layer.name}_activation", kind, mapping(inner.get("config")) or {})
    return LAYERS[kind](named, [value], net)


def by_name(layer: KerasLayer, function: str, value: Value, net: Net) -> Value:
    """The value through a function that Keras knows by name."""
    name = f"{layer.name}_{function}"
    if function == "softmax":
        return _softmax(name, value, len(value.shape) - 1, net)
    if function not in FUNCTIONS:
        raise refused(layer, f"with the activation {function!r}, which is not supported")
    return value.held(FUNCTIONS[function](net, name, value.blob))


def _softmax(name: str, value: Value, axis: int, net: Net) -> Value:
    turned = net.with_channel(value, axis)
    return turned.held(net.add("softmax", name, turned.blob))


def activation(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Activation."""
    return activated(layer, values[0], net)


def softmax(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer Softmax, over one axis."""
    return _softmax(layer.name, values[0], axis_of(layer.config, len(values[0].shape)), net)


def relu(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer ReLU: `max_value` from there on, `x` from `threshold` on, `negative_slope * (x - threshold)` below."""
    limit, slope, threshold = (layer.config.get(key) for key in ("max_value", "negative_slope", "threshold"))
    slope, threshold = float(slope or 0), float(threshold or 0)
    if limit is not None and not slope and not threshold:
        return values[0].held(_clipped(float(limit))(net, layer.name, values[0].blob))
    name = layer.name if limit is None else f"{layer.name}_unlimited"
    result = _bent(net, name, values[0].blob, slope, threshold)
    return values[0].held(result if limit is None else _at_most(net, layer.name, result, float(limit)))


def _bent(net: Net, name: str, blob: str, slope: float, threshold: float) -> str:
    if not threshold:
        return (_plain("leakyReLU", alpha=slope) if slope else _plain("ReLU"))(net, name, blob)
    if not slope:
        return _above(net, name, blob, threshold)
    missing = FUNCTIONS["relu"](net, f"{name}_missing", net.linear(f"{name}_down", blob, -1.0, threshold))
    below = net.linear(f"{name}_below", missing, -slope)
    return net.add("add", name, [_above(net, f"{name}_above", blob, threshold), below])


def _above(net: Net, name: str, blob: str, threshold: float) -> str:
    """`x if x > threshold else 0`; the format's layer has `>=`, so it is given the next number."""
    alpha = float(np.nextafter(np.float32(threshold), np.float32(np.inf)))
    return net.add("activation", name, blob, thresholdedReLU={"alpha": alpha})


def leaky_relu(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer LeakyReLU; its slope is called `negative_slope` in Keras 3, `alpha` before."""
    slope = float(layer.config.get("negative_slope", layer.config.get("alpha", 0.3)))
    return values[0].held(_plain("leakyReLU", alpha=slope)(net, layer.name, values[0].blob))


def elu(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer ELU."""
    alpha = float(layer.config.get("alpha", 1.0))
    return values[0].held(_plain("ELU", alpha=alpha)(net, layer.name, values[0].blob))


def thresholded_relu(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer ThresholdedReLU."""
    theta = float(layer.config.get("theta", 1.0))
    return values[0].held(_above(net, layer.name, values[0].blob, theta))


def prelu(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """The layer PReLU: a slope for each place, or shared along axes."""
    value = values[0]
    shared = {int(axis) for axis in layer.config.get("shared_axes") or ()}
    shape = tuple(1 if at + 1 in shared else size for at, size in enumerate(value.shape))
    slopes = Value("", shape, value.axes)
    numbers = stored(layer, "alpha", shape)
    channels = slopes.sizes[0]
    if prod(shape) == channels:
        return value.held(net.add("activation", layer.name, value.blob, PReLU={"alpha": numbers}))
    placed = numbers.reshape(*shape, *[1] * (3 - len(shape)))
    order = [*value.axes, *(place for place in range(3) if place not in value.axes)]
    full = np.broadcast_to(np.transpose(placed, [order.index(place) for place in range(3)]), value.sizes)
    above = FUNCTIONS["relu"](net, f"{layer.name}_above", value.blob)
    below = FUNCTIONS["relu"](net, f"{layer.name}_below", net.linear(f"{layer.name}_down", value.blob, -1.0))
    sloped = net.add("scale", f"{layer.name}_slope", below, shapeScale=value.sizes, scale=np.array(-full))
    return value.held(net.add("add", layer.name, [above, sloped]))


LAYERS: Mapping[str, Callable[[KerasLayer, list[Value], Net], Value]] = {
    "Activation": activation,
    "Softmax": softmax,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "ThresholdedReLU": thresholded_relu,
    "PReLU": prelu,
}
