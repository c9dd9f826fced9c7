"""Layers that copy numbers to other places, or repeat them, by sizes that are known beforehand."""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import BATCH, Graph, require_size

SPACE_TO_DEPTH, DEPTH_TO_SPACE, PIXEL_SHUFFLE = range(3)


def reorganize_data(layer: Layer, graph: Graph) -> None:
    """Blocks of pixels to channels, or back; the pixel shuffle counts the channel first, then the place in the block."""
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    block = int(its.blockSize)
    pictures = graph.pictures(blob)
    if its.mode == SPACE_TO_DEPTH:
        result = graph.node("SpaceToDepth", pictures, blocksize=block)
    else:
        order = "CRD" if its.mode == PIXEL_SHUFFLE else "DCR"
        result = graph.node("DepthToSpace", pictures, blocksize=block, mode=order)
    graph.give(layer, graph.from_pictures(result, blob))


def sequence_repeat(layer: Layer, graph: Graph) -> None:
    """The whole sequence, so many times, one after the other."""
    tensor = graph.unfolded(graph.take(layer))
    times = int(layer.parameters.nRepetitions) or 1
    rank = len(graph.shape(tensor))
    if rank < 5:
        raise UnsupportedModel(f"Layer {layer.name!r} repeats a sequence, but is given {rank} axes.")
    counts = [times if at == rank - 5 else 1 for at in range(rank)]
    graph.give(layer, graph.blob(graph.node("Tile", tensor, graph.integers(*counts))))


def stack(layer: Layer, graph: Graph) -> None:
    """Blobs of one shape along a new axis."""
    tensors = [graph.unfolded(graph.take(layer, index)) for index in range(len(layer.inputs))]
    axis = int(layer.parameters.axis)
    joined = (graph.node("Unsqueeze", each, graph.integers(axis)) for each in tensors)
    graph.give(layer, graph.blob(graph.node("Concat", *joined, axis=axis)))


def broadcast_to_static(layer: Layer, graph: Graph) -> None:
    """To the sizes that the layer holds."""
    _broadcast(layer, graph, [int(each) for each in layer.parameters.targetShape])


def broadcast_to_like(layer: Layer, graph: Graph) -> None:
    """To the sizes of the second blob."""
    _broadcast(layer, graph, [*graph.shape(graph.unfolded(graph.take(layer, 1)))])


def _broadcast(layer: Layer, graph: Graph, sizes: list[int | str]) -> None:
    if BATCH in sizes:
        raise UnsupportedModel(f"Layer {layer.name!r} broadcasts over the batch.")
    tensor = graph.unfolded(graph.take(layer))
    graph.give(layer, graph.blob(graph.node("Expand", tensor, graph.integers(*map(int, sizes)))))


def fill_like(layer: Layer, graph: Graph) -> None:
    """One number, everywhere in the shape of the blob."""
    blob = graph.take(layer)
    nothing = graph.node("Mul", blob.tensor, graph.constant(np.float32(0)))
    # A number times 0 is no 0 where it is infinite or none.
    nothing = graph.node("Where", graph.node("IsNaN", nothing), graph.constant(np.float32(0)), nothing)
    graph.give(layer, graph.blob(graph.node("Add", nothing, graph.constant(np.float32(layer.parameters.value))), blob))


def fill_static(layer: Layer, graph: Graph) -> None:
    """One number, everywhere in the shape that the layer holds."""
    its = layer.parameters
    shape = [int(each) for each in its.targetShape]
    require_size("fill", shape)
    # Not a constant, which the graph would hold as many times as it is written and read.
    graph.give(layer, graph.blob(graph.node("Expand", graph.constant(np.float32(its.value)), graph.integers(*shape))))


def embedding(layer: Layer, graph: Graph) -> None:
    """A column of the weights, and the bias, for every number; (.., 1, 1, 1) to (.., outputs, 1, 1)."""
    its = layer.parameters
    blob = graph.take(layer, axes=4)
    lead = len(blob.shape) - 3
    if any(size != 1 for size in blob.shape[lead:]):
        given = blob.shape[lead:]
        raise UnsupportedModel(f"Layer {layer.name!r} takes single numbers, but is given {given} of them at once.")
    found = _embedded(layer, graph, blob.tensor, (-3, -2, -1), (its.outputChannels, its.inputDim))
    graph.give(layer, graph.blob(graph.node("Unsqueeze", found, graph.integers(-2, -1)), blob))


def embedding_nd(layer: Layer, graph: Graph) -> None:
    """A column of the weights, and the bias, for every number of a last axis of size 1."""
    its = layer.parameters
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    last = graph.shape(tensor)[-1]
    if last != 1:
        raise UnsupportedModel(f"Layer {layer.name!r} takes single numbers, but the last axis has size {last}.")
    found = _embedded(layer, graph, tensor, (-1,), (its.embeddingSize, its.vocabSize))
    graph.give(layer, graph.like(blob, found))


def _embedded(layer: Layer, graph: Graph, tensor: str, ones: Sequence[int], shape: tuple[int, int]) -> str:
    """A column of the weights, of (outputs, inputs) `shape`, and the bias, for every number; the axes `ones` go."""
    its, what = layer.parameters, f"Layer {layer.name!r}"
    columns = graph.constant(array(its.weights, shape, what).T)
    whole = graph.node("Cast", tensor, to=TensorProto.INT64)
    found = graph.node("Gather", columns, graph.node("Squeeze", whole, graph.integers(*ones)), axis=0)
    return graph.node("Add", found, graph.constant(array(its.bias, shape[:1], what))) if its.hasBias else found


def flatten_to_2d(layer: Layer, graph: Graph) -> None:
    """All axes before `axis` as one, all from it on as another."""
    tensor = graph.unfolded(graph.take(layer))
    graph.give(layer, graph.blob(graph.node("Flatten", tensor, axis=int(layer.parameters.axis))))


def reshape_like(layer: Layer, graph: Graph) -> None:
    """To the sizes of the second blob."""
    sizes = graph.shape(graph.unfolded(graph.take(layer, 1)))
    if BATCH in sizes:
        raise UnsupportedModel(f"Layer {layer.name!r} reshapes the batch.")
    tensor = graph.unfolded(graph.take(layer))
    graph.give(layer, graph.blob(graph.reshape(tensor, [int(each) for each in sizes])))


def reverse(layer: Layer, graph: Graph) -> None:
    """Backwards along each axis that the layer says."""
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    axes = [at for at, turned in enumerate(layer.parameters.reverseDim) if turned]
    if axes:
        numbers = ([-1] * len(axes), [-(2**31)] * len(axes), axes, [-1] * len(axes))
        tensor = graph.node("Slice", tensor, *(graph.integers(*each) for each in numbers))
    graph.give(layer, graph.like(blob, tensor))
