"""Layers that give the same numbers another shape, or some of them.

A folded blob keeps its sequence axis of size 1 aside; rules that speak of all axes take it `unfolded` and fold the result
again where it still has five.
"""

from typing import Any

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.translate.graph import BATCH, Blob, Graph

MASKED = 2**31 - 1


def _place(axis: Any, rank: int) -> int:
    """An axis, which may count from the end, from the front. Raises IndexError if it is not there."""
    if not -rank <= int(axis) < rank:
        raise IndexError(f"axis {axis} is not one of {rank}")
    return int(axis) % rank


def flatten(layer: Layer, graph: Graph) -> None:
    """(.., C, H, W) to (.., C H W, 1, 1); channel last turns it to (H, W, C) first."""
    blob = graph.take(layer, axes=3)
    lead = len(blob.shape) - 3
    tensor = _channels_last(graph, blob.tensor, lead) if layer.parameters.mode == 1 else blob.tensor
    graph.give(layer, graph.blob(graph.reshape(tensor, (*[0] * lead, -1, 1, 1)), blob))


def _channels_last(graph: Graph, tensor: str, lead: int) -> str:
    return graph.node("Transpose", tensor, perm=[*range(lead), lead + 1, lead + 2, lead])


def reshape(layer: Layer, graph: Graph) -> None:
    """(sequence, batch, C, H, W) to the three or four sizes of `targetShape`, all but the batch.

    Channel last reads and fills (H, W, C). Three sizes, or a sequence of 1 that was 1, keep what comes before.
    """
    its = layer.parameters
    blob = graph.take(layer, axes=3)
    *sequence, channels, height, width = its.targetShape
    keeps = not sequence or (blob.folded and sequence == [1])
    tensor = blob.tensor if keeps else graph.unfolded(blob)
    lead = len(graph.shape(tensor)) - 3
    if not keeps and (lead != 2 or BATCH in graph.shape(tensor)):
        raise UnsupportedModel(f"Layer {layer.name!r} makes a sequence of {sequence[0]} out of what is none.")
    before = [0] * lead if keeps else [*sequence, 0]
    if its.mode == 0:
        graph.give(layer, _refolded(graph, graph.reshape(tensor, (*before, channels, height, width)), blob, keeps))
        return
    turned = graph.reshape(_channels_last(graph, tensor, lead), (*before, height, width, channels))
    back = graph.node("Transpose", turned, perm=[*range(lead), lead + 2, lead, lead + 1])
    graph.give(layer, _refolded(graph, back, blob, keeps))


def _refolded(graph: Graph, tensor: str, blob: Blob, keeps: bool) -> Blob:
    return graph.blob(tensor, blob) if keeps else graph.like(blob, tensor)


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
    # A folded blob has the batch first, and no other axis to say how many images there are.
    graph.give(layer, graph.blob(graph.reshape(blob.tensor, target)))


def rank_preserving_reshape(layer: Layer, graph: Graph) -> None:
    """To `targetShape`, in which 0 keeps a size and one -1 is worked out."""
    blob = graph.take(layer)
    target = [int(each) for each in layer.parameters.targetShape]
    at = int(blob.folded)
    if blob.shape[0] == BATCH and target[at] == 1:
        target[at] = 0
    graph.give(layer, graph.like(blob, graph.reshape(graph.unfolded(blob), target)))


def copy(layer: Layer, graph: Graph) -> None:
    """The same blob under another name."""
    graph.give(layer, graph.take(layer))


def permute(layer: Layer, graph: Graph) -> None:
    """The four axes sequence, channel, height, width in another order; the batch stays."""
    blob = graph.take(layer)
    axes = [int(each) for each in layer.parameters.axis] or [0, 1, 2, 3]
    if axes[0] == 0 and blob.folded:
        graph.give(layer, graph.blob(graph.node("Transpose", blob.tensor, perm=[0, *axes[1:]]), blob))
        return
    whole = [0, 2, 3, 4]
    order = [whole[axes[0]], 1, *(whole[each] for each in axes[1:])]
    graph.give(layer, graph.like(blob, graph.node("Transpose", graph.unfolded(blob), perm=order)))


def transpose(layer: Layer, graph: Graph) -> None:
    """All axes in another order, as NumPy's transpose; an order of fewer axes is one of the last."""
    blob = graph.take(layer)
    lead = max(0, blob.rank - len(layer.parameters.axes))
    order = [*range(lead), *(lead + _place(each, blob.rank - lead) for each in layer.parameters.axes)]
    graph.give(layer, graph.like(blob, graph.node("Transpose", graph.unfolded(blob), perm=order)))


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
    axes = [_place(each, len(sizes)) for each in its.axes]
    if its.squeezeAll:
        axes = [at for at, size in enumerate(sizes) if size == 1]
    axes = axes[1:] if len(axes) == len(sizes) else axes
    graph.give(layer, graph.blob(graph.node("Squeeze", tensor, graph.integers(*axes)) if axes else tensor))


def slice_legacy(layer: Layer, graph: Graph) -> None:
    """From `startIndex` to before `endIndex`, which may count from the end, along channel, height or width."""
    its = layer.parameters
    blob = graph.take(layer, axes=3 - int(its.axis))
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
    # A result without axes keeps one.
    dropped = [at for at in range(rank) if masks[2][at]][all(masks[2]) :]
    if dropped:
        result = graph.node("Squeeze", result, graph.integers(*dropped))
    graph.give(layer, graph.blob(result) if dropped else graph.like(blob, result))


def _mask(values: Any, rank: int) -> list[bool]:
    return [bool(each) for each in values] or [False] * rank


def _one(start: int) -> tuple[int, int, int]:
    """The bounds of a single index, which may count from the end."""
    return start, MASKED if start == -1 else start + 1, 1


def split(layer: Layer, graph: Graph) -> None:
    """Equal parts along the channels."""
    blob = graph.take(layer, axes=3)
    results = _split(layer, graph, blob.tensor, len(blob.shape) - 3, ())
    for index, result in enumerate(results):
        graph.give(layer, graph.blob(result, blob), index)


def split_nd(layer: Layer, graph: Graph) -> None:
    """Equal parts, or parts of the sizes given, along any axis."""
    its = layer.parameters
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    axis = _place(its.axis, len(graph.shape(tensor)))
    for index, result in enumerate(_split(layer, graph, tensor, axis, tuple(map(int, its.splitSizes)))):
        graph.give(layer, graph.like(blob, result), index)


def _split(layer: Layer, graph: Graph, tensor: str, axis: int, sizes: tuple[int, ...]) -> list[str]:
    parts = len(layer.outputs)
    whole = graph.shape(tensor)[axis]
    if isinstance(whole, str):
        raise UnsupportedModel(f"Layer {layer.name!r} splits the batch.")
    # What does not divide evenly goes to the first parts, one each.
    sizes = sizes or tuple(whole // parts + (index < whole % parts) for index in range(parts))
    return graph.nodes_out("Split", [tensor, graph.integers(*sizes)], parts, axis=axis)


def concat(layer: Layer, graph: Graph) -> None:
    """One after the other along the channels, or along the sequence."""
    blobs = [graph.take(layer, index, axes=3) for index in range(max(1, len(layer.inputs)))]
    folded = all(blob.folded for blob in blobs) and not layer.parameters.sequenceConcat
    tensors = [blob.tensor if folded else graph.unfolded(blob) for blob in blobs]
    joined = graph.node("Concat", *tensors, axis=-5 if layer.parameters.sequenceConcat else -3)
    graph.give(layer, graph.blob(joined, blobs[0] if folded else None))


def _of_rank(graph: Graph, tensor: str, rank: int) -> str:
    """Without axes of size 1 in front: converters write single numbers with one axis, or with two."""
    more = graph.shape(tensor)[: len(graph.shape(tensor)) - rank]
    spare = bool(more) and all(size == 1 for size in more)
    return graph.node("Squeeze", tensor, graph.integers(*range(len(more)))) if spare else tensor


def concat_nd(layer: Layer, graph: Graph) -> None:
    """One after the other along any axis; interleaved, slice by slice in turn."""
    its = layer.parameters
    first = graph.take(layer)
    tensors = [graph.unfolded(graph.take(layer, index)) for index in range(len(layer.inputs))]
    rank = min(len(graph.shape(tensor)) for tensor in tensors)
    tensors = [_of_rank(graph, tensor, rank) for tensor in tensors]
    axis = _place(its.axis, rank)
    if not its.interleave:
        graph.give(layer, graph.like(first, graph.node("Concat", *tensors, axis=axis)))
        return
    sizes = graph.shape(tensors[0])
    stacked = graph.node("Concat", *(graph.node("Unsqueeze", t, graph.integers(axis + 1)) for t in tensors), axis=axis + 1)
    merged = int(sizes[axis]) * len(tensors)
    shape = [0 if at < axis else merged if at == axis else int(sizes[at]) for at in range(rank)]
    graph.give(layer, graph.like(first, graph.reshape(stacked, shape)))
