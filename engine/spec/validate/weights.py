"""The rules for stored numbers: how many, how packed, in which one of the format's fields."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.room import MOST_WEIGHTS
from engine.spec.describe import Layer
from engine.spec.validate.problem import Problem, Problems, unreadable, untrainable

FIELDS = ("floatValue", "float16Value", "rawValue", "int8RawValue")
"""Exactly one of them holds the numbers. (WeightParams of NeuralNetwork.proto)"""


def weight_problems(layer: Layer) -> Problems:
    """The numbers of one layer. Kinds that are not in `SHAPES` are left to what runs them."""
    find = SHAPES.get(layer.kind)
    for name, shape in find(layer).items() if find else ():
        yield from _stored(layer.name, name, getattr(layer.parameters, name), shape)


def finite_problems(layer: Layer) -> Problems:
    """Weights that are no finite numbers: what they make is no answer, and nothing is learned from it.

    Constants may be infinite, as those that a mask adds are.
    """
    unsound = np.isnan if layer.kind in CONSTANTS else _not_finite
    for name, weights in _named(layer.parameters):
        if any(unsound(each).any() for each in _numbers(weights)):
            sentence = f"The {name} of layer {layer.name!r} are not all finite numbers."
            yield untrainable(sentence, "Train the model anew.", layer.name)


CONSTANTS = ("loadConstant", "loadConstantND")


def _not_finite(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    return ~np.isfinite(numbers)


def _numbers(weights: Any) -> Iterator[NDArray[Any]]:
    """As they are stored, and what quantised ones are made with."""
    half = weights.float16Value
    yield np.array(weights.floatValue, np.float32)
    yield np.frombuffer(half[: len(half) // 2 * 2], "<f2")
    if weights.HasField("quantization"):
        its = weights.quantization
        for each in (its.linearQuantization.scale, its.linearQuantization.bias, its.lookupTableQuantization.floatValue):
            yield np.array(each, np.float32)


def all_weights(message: Any) -> Iterator[Any]:
    """Every `WeightParams` in a message of the format, however deep."""
    return (weights for _, weights in _named(message))


def _named(message: Any) -> Iterator[tuple[str, Any]]:
    """Every `WeightParams` in a message of the format, however deep, and the name of its field."""
    for field, value in message.ListFields() if message is not None else ():
        if field.message_type is None or hasattr(value, "items"):
            continue
        for each in (value,) if hasattr(value, "ListFields") else value:
            if field.message_type.name == "WeightParams":
                yield field.name, each
            else:
                yield from _named(each)


Shapes = dict[str, tuple[int, ...]]


def _convolution(layer: Layer) -> Shapes:
    its = layer.parameters
    kernel = tuple(its.kernelSize) or (3, 3)
    channels = (its.outputChannels, its.kernelChannels)
    if its.isDeconvolution:
        channels = (its.kernelChannels, its.outputChannels // (its.nGroups or 1))
    stored: Shapes = {} if len(layer.inputs) > 1 else {"weights": (*channels, *kernel)}
    return stored | _bias(its, its.outputChannels)


def _bias(its: Any, size: int) -> Shapes:
    return {"bias": (size,)} if its.hasBias else {}


def _product(layer: Layer) -> Shapes:
    its = layer.parameters
    return {"weights": (its.outputChannels, its.inputChannels), **_bias(its, its.outputChannels)}


def _matmul(layer: Layer) -> Shapes:
    if len(layer.inputs) > 1:
        return {}
    its = layer.parameters
    rows, columns = its.weightMatrixSecondDimension, its.weightMatrixFirstDimension
    return {"weights": (rows, columns), **_bias(its, rows)}


def _embedding(layer: Layer) -> Shapes:
    its = layer.parameters
    return {"weights": (its.outputChannels, its.inputDim), **_bias(its, its.outputChannels)}


def _embedding_nd(layer: Layer) -> Shapes:
    its = layer.parameters
    return {"weights": (its.embeddingSize, its.vocabSize), **_bias(its, its.embeddingSize)}


def _batchnorm(layer: Layer) -> Shapes:
    its = layer.parameters
    names = ("gamma", "beta") if its.computeMeanVar else ("gamma", "beta", "mean", "variance")
    return dict.fromkeys(names, (its.channels,))


def _scale(layer: Layer) -> Shapes:
    its = layer.parameters
    return {"scale": tuple(its.shapeScale)} | ({"bias": tuple(its.shapeBias)} if its.hasBias else {})


SHAPES: Mapping[str, Callable[[Layer], Shapes]] = {
    "convolution": _convolution,
    "innerProduct": _product,
    "batchedMatmul": _matmul,
    "embedding": _embedding,
    "embeddingND": _embedding_nd,
    "batchnorm": _batchnorm,
    "scale": _scale,
    "bias": lambda layer: {"bias": tuple(layer.parameters.shape)},
    "loadConstant": lambda layer: {"data": tuple(layer.parameters.shape)},
    "loadConstantND": lambda layer: {"data": tuple(layer.parameters.shape)},
}
"""Kind of layer -> the shape of each of its weights."""


def _stored(layer: str, name: str, weights: Any, shape: tuple[int, ...]) -> Problems:
    filled = [field for field in FIELDS if len(getattr(weights, field))]
    size = prod(shape)
    if size > MOST_WEIGHTS:
        yield unreadable(f"The {name} of layer {layer!r} would be more numbers than any file holds.", layer)
    elif len(filled) > 1:
        yield unreadable(f"Layer {layer!r} stores its {name} more than once: {' and '.join(filled)}.", layer)
    elif size and not filled:
        yield unreadable(f"Layer {layer!r} has no {name}.", layer)
    elif filled:
        packed = filled[0] in ("rawValue", "int8RawValue")
        problem = _packed(layer, name, weights, shape) if packed else None
        held, wanted = len(getattr(weights, filled[0])), _held(weights, filled[0], size)
        if problem is None and held != wanted:
            unit = "numbers" if filled[0] == "floatValue" else "bytes"
            sentence = f"The {name} of layer {layer!r} hold {held} {unit}, but their shape {shape} needs {wanted}."
            problem = unreadable(sentence, layer)
        if problem:
            yield problem


def _held(weights: Any, field: str, size: int) -> int:
    """How many numbers or bytes `field` must hold for `size` numbers."""
    if field == "rawValue":
        return -(-size * int(weights.quantization.numberOfBits) // 8)
    return 2 * size if field == "float16Value" else size


def _packed(layer: str, name: str, weights: Any, shape: tuple[int, ...]) -> Problem | None:
    """Quantised weights: 1 to 8 bits, a table of 2^bits numbers, or a scale and bias for all or one a row."""
    what = f"The {name} of layer {layer!r}"
    quantization = weights.quantization
    bits, rows = quantization.numberOfBits, shape[0] if shape else 1
    if not 1 <= bits <= 8:
        return unreadable(f"{what} are quantised to {bits} bits, but the format allows 1 to 8.", layer)
    which = quantization.WhichOneof("QuantizationType")
    if which is None:
        return unreadable(f"{what} are quantised, but nothing says how.", layer)
    if which == "lookupTableQuantization":
        table = len(quantization.lookupTableQuantization.floatValue)
        sentence = f"{what} have a lookup table of {table} numbers; {bits} bits need {2**bits}."
        return None if table == 2**bits else unreadable(sentence, layer)
    scales, biases = (len(getattr(quantization.linearQuantization, each)) for each in ("scale", "bias"))
    if scales in (1, rows) and biases in (0, 1, rows):
        return None
    return unreadable(f"{what} have {scales} scales and {biases} biases for {rows} rows.", layer)
