"""Layers that copy numbers to other places, or repeat them, by sizes that are known beforehand."""

import numpy as np

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
    values = np.full(shape, its.value, np.float32)
    graph.give(layer, graph.blob(graph.constant(values)))


def embedding(layer: Layer, graph: Graph) -> None:
    """A column of the weights, and the bias, for every number; (.., 1, 1, 1) to (.., outputs, 1, 1)."""
    its = layer.parameters
    blob = graph.take(layer, axes=4)
    what = f"Layer {layer.name!r}"
    rows = graph.constant(array(its.weights, (its.outputChannels, its.inputDim), what).T)
    lead = len(blob.shape) - 3
    if any(size != 1 for size in blob.shape[lead:]):
        raise UnsupportedModel(f"{what} takes single numbers, but is given {blob.shape[lead:]} of them at once.")
    places = graph.node("Squeeze", _whole(graph, blob.tensor), graph.integers(-3, -2, -1))
    found = graph.node("Gather", rows, places, axis=0)
    if its.hasBias:
        found = graph.node("Add", found, graph.constant(array(its.bias, (its.outputChannels,), what)))
    graph.give(layer, graph.blob(graph.node("Unsqueeze", found, graph.integers(-2, -1)), blob))


def embedding_nd(layer: Layer, graph: Graph) -> None:
    """A column of the weights, and the bias, for every number of a last axis of size 1."""
    its = layer.parameters
    blob = graph.take(layer)
    what = f"Layer {layer.name!r}"
    rows = graph.constant(array(its.weights, (its.embeddingSize, its.vocabSize), what).T)
    tensor = graph.unfolded(blob)
    if graph.shape(tensor)[-1] != 1:
        raise UnsupportedModel(f"{what} takes single numbers, but the last axis has size {graph.shape(tensor)[-1]}.")
    found = graph.node("Gather", rows, graph.node("Squeeze", _whole(graph, tensor), graph.integers(-1)), axis=0)
    if its.hasBias:
        found = graph.node("Add", found, graph.constant(array(its.bias, (its.embeddingSize,), what)))
    graph.give(layer, graph.like(blob, found))


def _whole(graph: Graph, tensor: str) -> str:
    """Numbers as integers, which ONNX picks by."""
    return graph.node("Cast", tensor, to=7)


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
