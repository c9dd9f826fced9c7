"""Layers that give the same numbers another shape, or some of them.

A folded blob keeps its sequence axis of size 1 aside; rules that speak of all axes take it `unfolded` and fold the result
again where it still has five.
"""

from typing import Any

from engine.errors import UnsupportedLayer
from engine.spec.describe import Layer
from engine.translate.graph import BATCH, Blob, Graph

MASKED = 2**31 - 1


def _again(graph: Graph, tensor: str, like: Blob) -> Blob:
    """A result as a blob, folded if `like` was and it still has a sequence axis of size 1."""
    shape = graph.shape(tensor)
    if like.folded and len(shape) == 5 and shape[0] == 1:
        return graph.folded(tensor)
    return graph.blob(tensor)


def flatten(layer: Layer, graph: Graph) -> None:
    """(.., C, H, W) to (.., C H W, 1, 1); channel last turns it to (H, W, C) first."""
    blob = graph.take(layer)
    lead = len(blob.shape) - 3
    tensor = _channels_last(graph, blob.tensor, lead) if layer.parameters.mode == 1 else blob.tensor
    graph.give(layer, graph.blob(graph.reshape(tensor, (*[0] * lead, -1, 1, 1)), blob))


def _channels_last(graph: Graph, tensor: str, lead: int) -> str:
    return graph.node("Transpose", tensor, perm=[*range(lead), lead + 1, lead + 2, lead])


def reshape(layer: Layer, graph: Graph) -> None:
    """(.., C, H, W) to the three last of `targetShape`; channel last reads and fills them as (H, W, C)."""
    its = layer.parameters
    blob = graph.take(layer)
    channels, height, width = list(its.targetShape)[-3:]
    lead = len(blob.shape) - 3
    if its.mode == 0:
        graph.give(layer, graph.blob(graph.reshape(blob.tensor, (*[0] * lead, channels, height, width)), blob))
        return
    turned = graph.reshape(_channels_last(graph, blob.tensor, lead), (*[0] * lead, height, width, channels))
    back = graph.node("Transpose", turned, perm=[*range(lead), lead + 2, lead, lead + 1])
    graph.give(layer, graph.blob(back, blob))


def reshape_static(layer: Layer, graph: Graph) -> None:
    """To `targetShape`; a 1 written for the batch keeps the batch."""
    blob = graph.take(layer)
    target = [int(each) for each in layer.parameters.targetShape]
    if blob.folded and len(target) == 5 and target[0] == 1:
        sizes = [0 if target[1] == 1 and blob.shape[0] == BATCH else target[1], *target[2:]]
        graph.give(layer, graph.blob(graph.reshape(blob.tensor, sizes), blob))
        return
    if blob.shape[0] == BATCH and target[0] == 1:
        target[0] = 0
    graph.give(layer, graph.blob(graph.reshape(blob.tensor if not blob.folded else graph.unfolded(blob), target)))


def rank_preserving_reshape(layer: Layer, graph: Graph) -> None:
    """To `targetShape`, in which 0 keeps a size and one -1 is worked out."""
    blob = graph.take(layer)
    target = [int(each) for each in layer.parameters.targetShape]
    if blob.shape[0] == BATCH and target[0] == 1:
        target[0] = 0
    graph.give(layer, graph.blob(graph.reshape(graph.unfolded(blob), target)))


def copy(layer: Layer, graph: Graph) -> None:
    """The same blob under another name."""
    graph.give(layer, graph.take(layer))


def permute(layer: Layer, graph: Graph) -> None:
    """The four axes sequence, channel, height, width in another order; the batch stays."""
    blob = graph.take(layer)
    axes = [int(each) for each in layer.parameters.axis]
    if axes[0] == 0 and blob.folded:
        graph.give(layer, graph.blob(graph.node("Transpose", blob.tensor, perm=[0, *axes[1:]]), blob))
        return
    whole = [0, 2, 3, 4]
    order = [whole[axes[0]], 1, *(whole[each] for each in axes[1:])]
    graph.give(layer, _again(graph, graph.node("Transpose", graph.unfolded(blob), perm=order), blob))


def transpose(layer: Layer, graph: Graph) -> None:
    """All axes in another order, as NumPy's transpose."""
    blob = graph.take(layer)
    rank = blob.rank
    order = [int(each) % rank for each in layer.parameters.axes]
    graph.give(layer, graph.blob(graph.node("Transpose", graph.unfolded(blob), perm=order)))


def expand_dims(layer: Layer, graph: Graph) -> None:
    """New axes of size 1, counted in the result."""
    blob = graph.take(layer)
    axes = graph.integers(*layer.parameters.axes)
    graph.give(layer, graph.blob(graph.node("Unsqueeze", graph.unfolded(blob), axes)))


def squeeze(layer: Layer, graph: Graph) -> None:
    """Without these axes of size 1, or without all; a result without axes keeps one."""
    its = layer.parameters
    tensor = graph.unfolded(graph.take(layer))
    sizes = graph.shape(tensor)
    axes = [int(each) % len(sizes) for each in its.axes]
    if its.squeezeAll:
        axes = [at for at, size in enumerate(sizes) if size == 1]
    axes = axes[1:] if len(axes) == len(sizes) else axes
    graph.give(layer, graph.blob(graph.node("Squeeze", tensor, graph.integers(*axes)) if axes else tensor))


def slice_legacy(layer: Layer, graph: Graph) -> None:
    """From `startIndex` to before `endIndex`, which may count from the end, along channel, height or width."""
    its = layer.parameters
    blob = graph.take(layer)
    axis = len(blob.shape) - 3 + int(its.axis)
    numbers = (its.startIndex, its.endIndex, axis, its.stride or 1)
    starts, ends, axes, steps = (graph.integers(int(each)) for each in numbers)
    graph.give(layer, graph.blob(graph.node("Slice", blob.tensor, starts, ends, axes, steps), blob))


def slice_static(layer: Layer, graph: Graph) -> None:
    """NumPy's slice; a mask ignores a bound, or drops the axis."""
    its = layer.parameters
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    rank = len(graph.shape(tensor))
    masks = [_mask(values, rank) for values in (its.beginMasks, its.endMasks, its.squeezeMasks)]
    starts, ends, steps = (list(map(int, values)) for values in (its.beginIds, its.endIds, its.strides))
    for at in range(rank):
        forward = steps[at] > 0
        if masks[2][at]:
            starts[at], ends[at], steps[at] = _one(starts[at])
        elif masks[0][at]:
            starts[at] = 0 if forward else MASKED
        if masks[1][at] and not masks[2][at]:
            ends[at] = MASKED if forward else -MASKED
        # A batch of one that is taken whole is the whole batch.
        if graph.shape(tensor)[at] == BATCH and not masks[2][at] and starts[at] == 0 and ends[at] == 1:
            ends[at] = MASKED
    values = (starts, ends, list(range(rank)), steps)
    result = graph.node("Slice", tensor, *(graph.integers(*each) for each in values))
    dropped = [at for at in range(rank) if masks[2][at]]
    if dropped:
        result = graph.node("Squeeze", result, graph.integers(*dropped))
    graph.give(layer, graph.blob(result))


def _mask(values: Any, rank: int) -> list[bool]:
    return [bool(each) for each in values] or [False] * rank


def _one(start: int) -> tuple[int, int, int]:
    """The bounds of a single index, which may count from the end."""
    return start, MASKED if start == -1 else start + 1, 1


def split(layer: Layer, graph: Graph) -> None:
    """Equal parts along the channels."""
    blob = graph.take(layer)
    _split(layer, graph, blob.tensor, len(blob.shape) - 3, (), blob)


def split_nd(layer: Layer, graph: Graph) -> None:
    """Equal parts, or parts of the sizes given, along any axis."""
    its = layer.parameters
    tensor = graph.unfolded(graph.take(layer))
    _split(layer, graph, tensor, int(its.axis) % len(graph.shape(tensor)), tuple(map(int, its.splitSizes)), None)


def _split(layer: Layer, graph: Graph, tensor: str, axis: int, sizes: tuple[int, ...], like: Blob | None) -> None:
    parts = len(layer.outputs)
    whole = graph.shape(tensor)[axis]
    if isinstance(whole, str):
        raise UnsupportedLayer(layer.name, layer.kind, why="which splits the batch")
    sizes = sizes or (whole // parts,) * parts
    results = graph.nodes_out("Split", [tensor, graph.integers(*sizes)], parts, axis=axis)
    for index, result in enumerate(results):
        graph.give(layer, graph.blob(result, like), index)


def concat(layer: Layer, graph: Graph) -> None:
    """One after the other along the channels, or along the sequence."""
    blobs = [graph.take(layer, index) for index in range(len(layer.inputs))]
    if layer.parameters.sequenceConcat:
        tensors = [graph.unfolded(blob) for blob in blobs]
        graph.give(layer, graph.blob(graph.node("Concat", *tensors, axis=0)))
        return
    axis = len(blobs[0].shape) - 3 if len(blobs[0].shape) > 2 else -len(blobs[0].shape)
    graph.give(layer, graph.blob(graph.node("Concat", *(blob.tensor for blob in blobs), axis=axis), blobs[0]))


def concat_nd(layer: Layer, graph: Graph) -> None:
    """One after the other along any axis; interleaved, slice by slice in turn."""
    its = layer.parameters
    tensors = [graph.unfolded(graph.take(layer, index)) for index in range(len(layer.inputs))]
    rank = len(graph.shape(tensors[0]))
    axis = int(its.axis) % rank
    if not its.interleave:
        graph.give(layer, graph.blob(graph.node("Concat", *tensors, axis=axis)))
        return
    sizes = graph.shape(tensors[0])
    stacked = graph.node("Concat", *(graph.node("Unsqueeze", t, graph.integers(axis + 1)) for t in tensors), axis=axis + 1)
    merged = int(sizes[axis]) * len(tensors)
    shape = [0 if at < axis else merged if at == axis else int(sizes[at]) for at in range(rank)]
    graph.give(layer, graph.blob(graph.reshape(stacked, shape)))
