"""Normalisation: batchnorm, local response, mean and variance, softmax."""

import numpy as np

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph

EPSILON = 1e-5
"""Of batchnorm where the file says 0."""
SMALL = 1e-6
"""Of mvn and l2normalize where the file says 0."""


def batchnorm(layer: Layer, graph: Graph) -> None:
    """`gamma * (x - mean) / sqrt(variance + epsilon) + beta` by channel; mean and variance may be the instance's."""
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    what = f"Layer {layer.name!r}"
    gamma, beta = (array(each, (its.channels,), what) for each in (its.gamma, its.beta))
    epsilon = its.epsilon or EPSILON
    if its.computeMeanVar:
        normal = _standardised(graph, blob, (-2, -1), epsilon)
        scale, shift = gamma, beta
    else:
        mean, variance = (array(each, (its.channels,), what) for each in (its.mean, its.variance))
        scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
        scale, shift = scale, beta - mean * scale
        normal = blob.tensor
    scaled = graph.node("Mul", normal, graph.constant(scale[:, None, None]))
    graph.give(layer, graph.blob(graph.node("Add", scaled, graph.constant(shift[:, None, None])), blob))


def _standardised(graph: Graph, blob: Blob, axes: tuple[int, ...], epsilon: float, divide: bool = True) -> str:
    over = graph.integers(*axes)
    apart = graph.node("Sub", blob.tensor, graph.node("ReduceMean", blob.tensor, over))
    if not divide:
        return apart
    variance = graph.node("ReduceMean", graph.node("Mul", apart, apart), over)
    root = graph.node("Sqrt", graph.node("Add", variance, graph.constant(np.float32(epsilon))))
    return graph.node("Div", apart, root)


def mvn(layer: Layer, graph: Graph) -> None:
    """Mean taken off, divided by the standard deviation, over height and width, or over channels as well."""
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    axes = (-3, -2, -1) if its.acrossChannels else (-2, -1)
    result = _standardised(graph, blob, axes, its.epsilon or SMALL, its.normalizeVariance)
    graph.give(layer, graph.blob(result, blob))


def l2normalize(layer: Layer, graph: Graph) -> None:
    """`x / sqrt(sum of squares + epsilon)` over channel, height and width."""
    blob = graph.take(layer, axes=3)
    total = graph.node("ReduceSumSquare", blob.tensor, graph.integers(-3, -2, -1))
    epsilon = graph.constant(np.float32(layer.parameters.epsilon or SMALL))
    root = graph.node("Sqrt", graph.node("Add", total, epsilon))
    graph.give(layer, graph.blob(graph.node("Div", blob.tensor, root), blob))


def lrn(layer: Layer, graph: Graph) -> None:
    """`x / (k + alpha / size * sum of squares over size channels) ^ beta`."""
    its = layer.parameters
    blob = graph.take(layer)
    size = int(its.localSize)
    tensor = graph.pictures(blob)
    squared = graph.node("Mul", tensor, tensor)
    # As torch has it: channels c - size // 2 to c + (size - 1) // 2, clipped at the ends; the divisor stays.
    pads = graph.integers(0, size // 2, 0, 0, 0, (size - 1) // 2, 0, 0)
    padded = graph.node("Pad", squared, pads, graph.constant(np.float32(0)), mode="constant")
    stacked = graph.node("Unsqueeze", padded, graph.integers(1))
    pooled = graph.node("AveragePool", stacked, kernel_shape=(size, 1, 1), strides=(1, 1, 1))
    mean = graph.node("Squeeze", pooled, graph.integers(1))
    level = graph.node("Add", _times(graph, mean, its.alpha), graph.constant(np.float32(its.k or 1)))
    divisor = graph.node("Pow", level, graph.constant(np.float32(its.beta)))
    graph.give(layer, graph.from_pictures(graph.node("Div", tensor, divisor), blob))


def _times(graph: Graph, tensor: str, number: float) -> str:
    return graph.node("Mul", tensor, graph.constant(np.float32(number)))


def softmax(layer: Layer, graph: Graph) -> None:
    """Over the channels; a blob of rank 2 has them last."""
    blob = graph.take(layer)
    axis = 1 if blob.folded else max(-3, -len(blob.shape)) if len(blob.shape) > 2 else -1
    graph.give(layer, graph.blob(graph.node("Softmax", blob.tensor, axis=axis), blob))


def softmax_nd(layer: Layer, graph: Graph) -> None:
    """Over any axis."""
    blob = graph.take(layer)
    result = graph.node("Softmax", graph.unfolded(blob), axis=int(layer.parameters.axis))
    graph.give(layer, graph.like(blob, result))


def layer_normalization(layer: Layer, graph: Graph) -> None:
    """Over the last axes, those of `normalizedShape`: mean 0 and variance 1, then `gamma * x + beta`."""
    its = layer.parameters
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    shape = tuple(int(each) for each in its.normalizedShape)
    if not shape or tuple(graph.shape(tensor)[-len(shape) :]) != shape:
        raise UnsupportedModel(f"Layer {layer.name!r} normalises axes of {shape}, but is given {graph.shape(tensor)}.")
    what = f"Layer {layer.name!r}"
    scale, shift = (graph.constant(array(each, shape, what)) for each in (its.gamma, its.beta))
    result = graph.node("LayerNormalization", tensor, scale, shift, axis=-len(shape), epsilon=float(its.eps))
    graph.give(layer, graph.like(blob, result))
