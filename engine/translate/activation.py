"""Activations: one function a kind of nonlinearity."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.errors import UnsupportedLayer
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph

Nonlinearity = Callable[[Graph, Blob, Any, str], str]


def activation(layer: Layer, graph: Graph) -> None:
    """The nonlinearity that the layer names."""
    if layer.variant not in NONLINEARITIES:
        raise UnsupportedLayer(layer.name, layer.full_kind, NONLINEARITIES)
    blob = graph.take(layer)
    its = getattr(layer.parameters, layer.variant)
    result = NONLINEARITIES[layer.variant](graph, blob, its, f"Layer {layer.name!r}")
    graph.give(layer, graph.blob(result, blob))


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.float32(value))


def _linear(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    scaled = graph.node("Mul", blob.tensor, _number(graph, its.alpha))
    return graph.node("Add", scaled, _number(graph, its.beta))


def _plain(kind: str) -> Nonlinearity:
    return lambda graph, blob, its, what: graph.node(kind, blob.tensor)


def _leaky(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    return graph.node("LeakyRelu", blob.tensor, alpha=its.alpha)


def _thresholded(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    """`x if x >= alpha else 0`; ONNX's ThresholdedRelu leaves the border out."""
    above = graph.node("GreaterOrEqual", blob.tensor, _number(graph, its.alpha))
    return graph.node("Where", above, blob.tensor, _number(graph, 0))


def _by_channel(graph: Graph, blob: Blob, weights: Any, what: str) -> str:
    """One number, or one a channel, to be broadcast over height and width; below rank 3 the channels come last."""
    deep = len(blob.shape) > 2
    channels = int(blob.shape[-3 if deep else -1])
    size = 1 if max(len(weights.floatValue), len(weights.float16Value) // 2) == 1 else channels
    values = array(weights, (size,), what)
    return graph.constant(values[:, None, None] if deep else values)


def _prelu(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    return graph.node("PRelu", blob.tensor, _by_channel(graph, blob, its.alpha, what))


def _scaled_tanh(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    inner = graph.node("Tanh", graph.node("Mul", blob.tensor, _number(graph, its.beta)))
    return graph.node("Mul", inner, _number(graph, its.alpha))


def _hard(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    return graph.node("HardSigmoid", blob.tensor, alpha=its.alpha, beta=its.beta)


def _elu(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    return graph.node("Elu", blob.tensor, alpha=its.alpha)


def _parametric_softplus(graph: Graph, blob: Blob, its: Any, what: str) -> str:
    """`alpha * log(1 + exp(beta * x))`."""
    inner = graph.node("Mul", blob.tensor, _by_channel(graph, blob, its.beta, what))
    return graph.node("Mul", graph.node("Softplus", inner), _by_channel(graph, blob, its.alpha, what))


NONLINEARITIES: Mapping[str, Nonlinearity] = {
    "linear": _linear,
    "ReLU": _plain("Relu"),
    "leakyReLU": _leaky,
    "thresholdedReLU": _thresholded,
    "PReLU": _prelu,
    "tanh": _plain("Tanh"),
    "scaledTanh": _scaled_tanh,
    "sigmoid": _plain("Sigmoid"),
    "sigmoidHard": _hard,
    "ELU": _elu,
    "softsign": _plain("Softsign"),
    "softplus": _plain("Softplus"),
    "parametricSoftplus": _parametric_softplus,
}
