"""Convolution and pooling in three dimensions, over (.., C, depth, height, width)."""

from math import ceil
from typing import Any

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph

Triple = tuple[int, int, int]
CUSTOM, VALID, SAME = range(3)


def _triple(its: Any, what: str, default: int = 0) -> Triple:
    depth, height, width = (int(getattr(its, what + axis)) or default for axis in ("Depth", "Height", "Width"))
    return depth, height, width


def _pads(its: Any, size: Triple, reach: Triple, stride: Triple) -> list[int]:
    """Starts, then ends, by axis; SAME puts the odd voxel at the end."""
    if its.paddingType == CUSTOM:
        starts = [its.customPaddingFront, its.customPaddingTop, its.customPaddingLeft]
        return [*map(int, starts), *map(int, (its.customPaddingBack, its.customPaddingBottom, its.customPaddingRight))]
    if its.paddingType == VALID:
        return [0] * 6
    totals = [max(0, (ceil(n / s) - 1) * s + k - n) for n, k, s in zip(size, reach, stride, strict=True)]
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]


def _sizes(layer: Layer, blob: Blob) -> Triple:
    if len(blob.shape) != 5:
        raise UnsupportedModel(
            f"Layer {layer.name!r} needs five axes, but is given {len(blob.shape)} by {layer.inputs[0]!r}."
        )
    depth, height, width = map(int, blob.shape[2:])
    return depth, height, width


def _plain(graph: Graph, blob: Blob) -> Blob:
    return graph.blob(graph.unfolded(blob))


def convolution3d(layer: Layer, graph: Graph) -> None:
    """Cross-correlation, or its transpose; weights are (C out, C in / groups, depth, height, width)."""
    its = layer.parameters
    blob = _plain(graph, graph.take(layer))
    kernel, stride, dilation = _triple(its, "kernel"), _triple(its, "stride", 1), _triple(its, "dilation", 1)
    reach: Triple = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))  # type: ignore[assignment]
    groups = int(its.nGroups) or 1
    first, second = its.outputChannels, its.inputChannels // groups
    if its.isDeconvolution:
        first, second = its.inputChannels, its.outputChannels // groups
    what = f"Layer {layer.name!r}"
    operands = [graph.constant(array(its.weights, (first, second, *kernel), what))]
    if its.hasBias:
        operands.append(graph.constant(array(its.bias, (its.outputChannels,), what)))
    common = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "group": groups}
    if its.isDeconvolution:
        pads, more = _cropping(its, _sizes(layer, blob), reach, stride)
        result = graph.node("ConvTranspose", blob.tensor, *operands, pads=pads, output_padding=more, **common)
    else:
        pads = _pads(its, _sizes(layer, blob), reach, stride)
        result = graph.node("Conv", blob.tensor, *operands, pads=pads, **common)
    graph.give(layer, graph.blob(result))


def _cropping(its: Any, size: Triple, reach: Triple, stride: Triple) -> tuple[list[int], list[int]]:
    """What is taken off the full result `(size - 1) stride + reach`, and what is added at its end, by axis."""
    full = [(n - 1) * s + k for n, k, s in zip(size, reach, stride, strict=True)]
    if its.paddingType == SAME:
        totals = [whole - n * s for whole, n, s in zip(full, size, stride, strict=True)]
        starts = [max(0, total) // 2 for total in totals]
        ends = [total - start for total, start in zip(totals, starts, strict=True)]
    else:
        pads = _pads(its, size, reach, stride)
        starts, ends = pads[:3], pads[3:]
    if len(its.outputShape) == 3:
        wanted = zip(full, starts, map(int, its.outputShape), strict=True)
        ends = [whole - start - size for whole, start, size in wanted]
    return [*starts, *(max(0, end) for end in ends)], [max(0, -end) for end in ends]


def pooling3d(layer: Layer, graph: Graph) -> None:
    """The largest, or the mean, of every window."""
    its = layer.parameters
    blob = _plain(graph, graph.take(layer))
    kernel, stride = _triple(its, "kernel"), _triple(its, "stride", 1)
    settings: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
    settings["pads"] = _pads(its, _sizes(layer, blob), kernel, stride)
    if its.type == 0:
        graph.give(layer, graph.blob(graph.node("MaxPool", blob.tensor, **settings)))
        return
    counted = int(not its.countExcludePadding)
    graph.give(layer, graph.blob(graph.node("AveragePool", blob.tensor, count_include_pad=counted, **settings)))


def global_pooling3d(layer: Layer, graph: Graph) -> None:
    """The largest, or the mean, of everything in a channel."""
    blob = _plain(graph, graph.take(layer))
    _sizes(layer, blob)
    kind = "ReduceMax" if layer.parameters.type == 0 else "ReduceMean"
    graph.give(layer, graph.blob(graph.node(kind, blob.tensor, graph.integers(-3, -2, -1))))
