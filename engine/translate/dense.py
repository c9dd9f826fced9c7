"""Matrix products."""

from math import prod

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Graph


def inner_product(layer: Layer, graph: Graph) -> None:
    """`x W' + b`; with four axes or more, the last three are taken as one, and come back as (outputs, 1, 1)."""
    its = layer.parameters
    blob = graph.take(layer)
    what = f"Layer {layer.name!r}"
    weights = array(its.weights, (its.outputChannels, its.inputChannels), what)
    bias = [graph.constant(array(its.bias, (its.outputChannels,), what))] if its.hasBias else []
    if blob.rank >= 4:
        lead = len(blob.shape) - 3
        flat = graph.reshape(blob.tensor, (*[0] * lead, prod(map(int, blob.shape[lead:]))))
    else:
        flat = blob.tensor
    if graph.shape(flat)[-1] != its.inputChannels:
        given = graph.shape(flat)[-1]
        raise UnsupportedModel(f"{what} multiplies {its.inputChannels} numbers, but is given {given}.")
    if len(graph.shape(flat)) == 2:
        result = graph.node("Gemm", flat, graph.constant(weights), *bias, transB=1)
    else:
        result = graph.node("MatMul", flat, graph.constant(weights.T))
        result = graph.node("Add", result, *bias) if bias else result
    if blob.rank >= 4:
        result = graph.node("Unsqueeze", result, graph.integers(-2, -1))
    graph.give(layer, graph.blob(result, blob))


def batched_matmul(layer: Layer, graph: Graph) -> None:
    """NumPy's matmul of two blobs, or of one with stored weights and bias."""
    its = layer.parameters
    blob = graph.take(layer)
    if len(layer.inputs) > 1:
        left, right = (graph.unfolded(graph.take(layer, index)) for index in (0, 1))
        # A vector on the left is a row, on the right a column; the result keeps both axes.
        left = graph.node("Unsqueeze", left, graph.integers(0)) if len(graph.shape(left)) == 1 else left
        right = graph.node("Unsqueeze", right, graph.integers(1)) if len(graph.shape(right)) == 1 else right
        left = _turned(graph, left) if its.transposeA else left
        right = _turned(graph, right) if its.transposeB else right
        graph.give(layer, graph.like(blob, graph.node("MatMul", left, right)))
        return
    what = f"Layer {layer.name!r}"
    # Stored column by column: the flat list is the transpose, row by row.
    weights = array(its.weights, (its.weightMatrixSecondDimension, its.weightMatrixFirstDimension), what).T
    result = graph.node("MatMul", graph.unfolded(blob), graph.constant(weights))
    if its.hasBias:
        bias = array(its.bias, (its.weightMatrixSecondDimension,), what)
        result = graph.node("Add", result, graph.constant(bias))
    graph.give(layer, graph.like(blob, result))


def _turned(graph: Graph, tensor: str) -> str:
    axes = list(range(len(graph.shape(tensor))))
    return graph.node("Transpose", tensor, perm=[*axes[:-2], axes[-1], axes[-2]])
