"""Layers that make a blob larger or smaller, or bring one along: padding, crop, upsample, constants."""

from typing import Any

import numpy as np

from engine.errors import UnsupportedLayer, UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph, require_size
from engine.translate.windows import borders, sizes

PAD_MODES = {"constant": "constant", "reflection": "reflect", "replication": "edge"}


def padding(layer: Layer, graph: Graph) -> None:
    """Rows and columns around: of one value, mirrored without the edge, or the edge again."""
    its = layer.parameters
    blob = graph.take(layer)
    kind = its.WhichOneof("PaddingType") or "constant"
    top, left, bottom, right = borders(its.paddingAmounts)
    if kind == "reflection" and any(
        n <= max(ends) for n, ends in zip(sizes(blob), ((top, bottom), (left, right)), strict=True)
    ):
        raise UnsupportedModel(f"Layer {layer.name!r} mirrors more rows or columns than it is given.")
    lead = [0] * (len(blob.shape) - 2)
    amounts = graph.integers(*lead, top, left, *lead, bottom, right)
    value = [graph.constant(np.float32(its.constant.value))] if kind == "constant" else []
    graph.give(layer, graph.blob(graph.node("Pad", blob.tensor, amounts, *value, mode=PAD_MODES[kind]), blob))


def constant_pad(layer: Layer, graph: Graph) -> None:
    """One value around any axes: pairs of amounts before and behind, or, to a given size, behind."""
    its = layer.parameters
    if len(layer.inputs) > 1:
        raise UnsupportedLayer(layer.name, layer.kind, why="whose amounts come from another layer")
    blob = graph.take(layer)
    tensor = graph.unfolded(blob)
    shape = graph.shape(tensor)
    pairs = [(int(a), int(b)) for a, b in zip(its.padAmounts[::2], its.padAmounts[1::2], strict=True)]
    if its.padToGivenOutputSizeMode:
        pairs = [(before, after) if before == 0 == after else _to_size(before, after, size) for (before, after), size in
                 zip(pairs, shape, strict=True)]  # fmt: skip
    amounts = graph.integers(*(before for before, _ in pairs), *(after for _, after in pairs))
    value = graph.constant(np.float32(its.value))
    graph.give(layer, graph.like(blob, graph.node("Pad", tensor, amounts, value, mode="constant")))


def _to_size(before: int, after: int, size: int | str) -> tuple[int, int]:
    """One of the two is the size wanted, the other is 0: the missing rows go to its side."""
    if isinstance(size, str):
        return 0, 0
    return (max(0, before - size), 0) if before else (0, max(0, after - size))


def crop(layer: Layer, graph: Graph) -> None:
    """Amounts off each side; or, with a second blob, as much as it measures, from an offset on."""
    its = layer.parameters
    blob = graph.take(layer)
    height, width = sizes(blob)
    if len(layer.inputs) > 1:
        rows, columns = sizes(graph.take(layer, 1))
        down, across = (int(its.offset[0]), int(its.offset[1])) if len(its.offset) == 2 else (0, 0)
        bounds = (down, across, down + rows, across + columns)
    else:
        top, left, bottom, right = borders(its.cropAmounts)
        bounds = (top, left, height - bottom, width - right)
    # A bound outside would count from the other end, or be taken as the edge.
    if not (0 <= bounds[0] < bounds[2] <= height and 0 <= bounds[1] < bounds[3] <= width):
        raise UnsupportedModel(f"Layer {layer.name!r} crops beyond the {height} x {width} that it is given.")
    starts, ends = graph.integers(*bounds[:2]), graph.integers(*bounds[2:])
    axes = graph.integers(len(blob.shape) - 2, len(blob.shape) - 1)
    graph.give(layer, graph.blob(graph.node("Slice", blob.tensor, starts, ends, axes), blob))


def upsample(layer: Layer, graph: Graph) -> None:
    """Each pixel repeated, or bilinear between them."""
    its = layer.parameters
    blob = graph.take(layer)
    factors = [float(each) for each in its.fractionalScalingFactor] or [float(each) for each in its.scalingFactor] or [1, 1]
    # In single precision, in which 10 by 0.7 is 7: the format's factors are no nearer to what was meant.
    wanted = [int(np.floor(np.float32(n * f))) for n, f in zip(sizes(blob), factors, strict=True)]
    require_size("Resize", (*wanted, *sizes(blob)))
    if its.mode == 0:
        graph.give(layer, graph.blob(_nearest(graph, blob, factors, wanted), blob))
        return
    graph.give(layer, graph.blob(_bilinear(graph, blob, wanted, int(its.linearUpsampleMode)), blob))


def _nearest(graph: Graph, blob: Blob, factors: list[float], wanted: list[int]) -> str:
    """Output row i is input row `floor(i / factor)`, and so the columns."""
    result = blob.tensor
    for axis, size, factor, many in zip((-2, -1), sizes(blob), factors, wanted, strict=True):
        rows = np.minimum(np.floor(np.float32(np.arange(many) / factor)), size - 1)
        result = graph.node("Gather", result, graph.constant(rows, np.int64), axis=axis) if many != size else result
    return result


def _bilinear(graph: Graph, blob: Blob, wanted: list[int], mode: int) -> str:
    """One matrix for the rows and one for the columns: each output pixel is a mean of two input pixels.

    Where output pixel i lies among the inputs: DEFAULT `i (n - n/m) / (m - 1)`, ALIGN_CORNERS_TRUE `i (n - 1) / (m - 1)`,
    ALIGN_CORNERS_FALSE `(i + 0.5) n / m - 0.5`; clamped to 0 .. n - 1.
    """
    rows, columns = (_means(n, m, mode) for n, m in zip(sizes(blob), wanted, strict=True))
    tall = graph.node("MatMul", graph.constant(rows), blob.tensor)
    return graph.node("MatMul", tall, graph.constant(columns.T))


def _means(size: int, wanted: int, mode: int) -> Any:
    """(wanted, size) weights of a linear interpolation."""
    at = np.arange(wanted, dtype=np.float64)
    if mode == 2:
        at = (at + 0.5) * size / wanted - 0.5
    elif wanted > 1:
        at = at * ((size - 1) if mode == 1 else (size - size / wanted)) / (wanted - 1)
    at = np.clip(at, 0, size - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, size - 1)
    weights = np.zeros((wanted, size))
    weights[np.arange(wanted), low] += 1 - (at - low)
    weights[np.arange(wanted), high] += at - low
    return weights


def load_constant(layer: Layer, graph: Graph) -> None:
    """A stored (C, H, W) for every image."""
    its = layer.parameters
    shape = tuple(int(each) for each in its.shape)
    if len(shape) != 3:
        raise UnsupportedModel(f"Layer {layer.name!r} holds {len(shape)} axes, where the format has three.")
    tensor = graph.constant(array(its.data, shape, f"Layer {layer.name!r}")[None])
    graph.give(layer, Blob(tensor, graph.shape(tensor), folded=True))


def load_constant_nd(layer: Layer, graph: Graph) -> None:
    """A stored array of any shape."""
    its = layer.parameters
    shape = tuple(int(each) for each in its.shape)
    graph.give(layer, graph.blob(graph.constant(array(its.data, shape, f"Layer {layer.name!r}"))))
