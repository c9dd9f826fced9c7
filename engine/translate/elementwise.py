"""Layers that work number by number, on one blob or on several."""

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph

Rule = Callable[[Layer, Graph], None]
SMALL = 1e-6
"""epsilon where the file says 0"""


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.float32(value))


def tensors_of(layer: Layer, graph: Graph, axes: int = 0) -> tuple[list[str], Blob | None]:
    """All inputs as tensors that broadcast against each other, and the blob that the result is like."""
    blobs = [graph.take(layer, index, axes) for index in range(max(1, len(layer.inputs)))]
    folded = next((blob for blob in blobs if blob.folded), None)
    if folded is not None and all(blob.folded or len(blob.shape) <= 4 for blob in blobs):
        return [blob.tensor for blob in blobs], folded
    return [graph.unfolded(blob) for blob in blobs], None


def _several(kind: str, alpha: bool = False) -> Rule:
    """Two blobs or more, one after the other; a single one meets the number alpha."""

    def rule(layer: Layer, graph: Graph) -> None:
        tensors, like = tensors_of(layer, graph)
        if len(tensors) == 1 and alpha:
            tensors.append(_number(graph, layer.parameters.alpha))
        result = tensors[0]
        for tensor in tensors[1:]:
            result = graph.node(kind, result, tensor)
        graph.give(layer, graph.blob(result, like))

    return rule


add = _several("Add", alpha=True)
multiply = _several("Mul", alpha=True)
maximum = _several("Max")
minimum = _several("Min")
add_broadcastable = _several("Add")
multiply_broadcastable = _several("Mul")
subtract_broadcastable = _several("Sub")
divide_broadcastable = _several("Div")
max_broadcastable = _several("Max")
min_broadcastable = _several("Min")
pow_broadcastable = _several("Pow")


def average(layer: Layer, graph: Graph) -> None:
    """The mean of all inputs."""
    tensors, like = tensors_of(layer, graph)
    graph.give(layer, graph.blob(graph.node("Mean", *tensors), like))


def dot(layer: Layer, graph: Graph) -> None:
    """The sum of products over the channels; of vectors of length one where cosine similarity is asked for."""
    tensors, like = tensors_of(layer, graph, axes=3)
    if len(tensors) != 2:
        raise UnsupportedModel(f"Layer {layer.name!r} multiplies {len(tensors)} blobs, where the format has two.")
    left, right = (_unit(graph, each) if layer.parameters.cosineSimilarity else each for each in tensors)
    result = graph.node("ReduceSum", graph.node("Mul", left, right), graph.integers(-3))
    graph.give(layer, graph.blob(result, like))


def _unit(graph: Graph, tensor: str) -> str:
    return graph.node("Div", tensor, graph.node("ReduceL2", tensor, graph.integers(-3)))


def _stored(layer: Layer, graph: Graph, weights: Any, shape: Any, blob: Blob) -> str:
    """Numbers of the shapes [1], [C], [1, H, W] and [C, H, W], to be broadcast over (.., C, H, W)."""
    sizes = tuple(int(each) for each in shape)
    whole = sizes if len(sizes) != 1 else (*sizes, 1, 1)
    if len(whole) != 3 or any(own not in (1, size) for own, size in zip(whole, blob.shape[-3:], strict=True)):
        given = " x ".join(map(str, blob.shape[-3:]))
        raise UnsupportedModel(
            f"Layer {layer.name!r} holds numbers for {' x '.join(map(str, sizes))}, but is given {given}."
        )
    return graph.constant(array(weights, sizes, f"Layer {layer.name!r}").reshape(whole))


def scale(layer: Layer, graph: Graph) -> None:
    """`x * scale + bias`."""
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    result = graph.node("Mul", blob.tensor, _stored(layer, graph, its.scale, its.shapeScale, blob))
    if its.hasBias:
        result = graph.node("Add", result, _stored(layer, graph, its.bias, its.shapeBias, blob))
    graph.give(layer, graph.blob(result, blob))


def bias(layer: Layer, graph: Graph) -> None:
    """`x + bias`."""
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    added = _stored(layer, graph, its.bias, its.shape, blob)
    graph.give(layer, graph.blob(graph.node("Add", blob.tensor, added), blob))


def clip(layer: Layer, graph: Graph) -> None:
    """`min(max(x, minVal), maxVal)`."""
    its = layer.parameters
    blob = graph.take(layer)
    result = graph.node("Clip", blob.tensor, _number(graph, its.minVal), _number(graph, its.maxVal))
    graph.give(layer, graph.blob(result, blob))


def _shifted(graph: Graph, tensor: str, its: Any) -> str:
    """`scale * x + shift`; a scale of 0 stands for 1."""
    scaled = graph.node("Mul", tensor, _number(graph, its.scale)) if its.scale not in (0, 1) else tensor
    return graph.node("Add", scaled, _number(graph, its.shift)) if its.shift else scaled


def _one(kind: str) -> Callable[[Graph, str, Any], str]:
    return lambda graph, x, its: graph.node(kind, x)


def _inverse(graph: Graph, x: str, its: Any) -> str:
    return graph.node("Reciprocal", graph.node("Add", x, _number(graph, its.epsilon or SMALL)))


def _inverse_root(graph: Graph, x: str, its: Any) -> str:
    inside = graph.node("Add", x, _number(graph, its.epsilon or SMALL))
    return graph.node("Reciprocal", graph.node("Sqrt", inside))


def _log(graph: Graph, x: str, its: Any) -> str:
    """`log(x + epsilon)`"""
    return graph.node("Log", graph.node("Add", x, _number(graph, its.epsilon or SMALL)))


def _power(graph: Graph, x: str, its: Any) -> str:
    return graph.node("Pow", x, _number(graph, its.alpha))


def _threshold(graph: Graph, x: str, its: Any) -> str:
    return graph.node("Max", x, _number(graph, its.alpha))


UNARY: tuple[Callable[[Graph, str, Any], str], ...] = (
    _one("Sqrt"), _inverse_root, _inverse, _power, _one("Exp"), _log, _one("Abs"), _threshold
)  # fmt: skip
"""In the order of the format's enumeration."""


def unary(layer: Layer, graph: Graph) -> None:
    """A function of `scale * x + shift`."""
    its = layer.parameters
    blob = graph.take(layer)
    graph.give(layer, graph.blob(UNARY[int(its.type)](graph, _shifted(graph, blob.tensor, its), its), blob))


def clamped_relu(layer: Layer, graph: Graph) -> None:
    """`min(beta, x if x >= 0 else alpha * x)`."""
    its = layer.parameters
    blob = graph.take(layer)
    leaky = graph.node("LeakyRelu", blob.tensor, alpha=its.alpha)
    graph.give(layer, graph.blob(graph.node("Min", leaky, _number(graph, its.beta)), blob))


def erf(layer: Layer, graph: Graph) -> None:
    """The error function."""
    blob = graph.take(layer)
    graph.give(layer, graph.blob(graph.node("Erf", blob.tensor), blob))


def gelu(layer: Layer, graph: Graph) -> None:
    """Exact, or approximated by tanh or by the sigmoid."""
    blob = graph.take(layer)
    share = GELU[int(layer.parameters.mode)](graph, blob.tensor)
    graph.give(layer, graph.blob(graph.node("Mul", blob.tensor, share), blob))


def _half_plus(graph: Graph, value: str) -> str:
    return graph.node("Mul", graph.node("Add", value, _number(graph, 1)), _number(graph, 0.5))


def _gelu_exact(graph: Graph, x: str) -> str:
    return _half_plus(graph, graph.node("Erf", graph.node("Mul", x, _number(graph, 0.5**0.5))))


def _gelu_tanh(graph: Graph, x: str) -> str:
    cubed = graph.node("Mul", graph.node("Pow", x, _number(graph, 3)), _number(graph, 0.044715))
    inner = graph.node("Mul", graph.node("Add", x, cubed), _number(graph, (2 / np.pi) ** 0.5))
    return _half_plus(graph, graph.node("Tanh", inner))


def _gelu_sigmoid(graph: Graph, x: str) -> str:
    return graph.node("Sigmoid", graph.node("Mul", x, _number(graph, 1.702)))


GELU: tuple[Callable[[Graph, str], str], ...] = (_gelu_exact, _gelu_tanh, _gelu_sigmoid)
"""In the order of the format's enumeration."""
