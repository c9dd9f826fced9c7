"""Pooling."""

from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.translate.graph import Blob, Graph, require_size
from engine.translate.windows import Pads, padding, pair, sizes

MAX, AVERAGE, L2 = range(3)
GLOBAL = {MAX: "GlobalMaxPool", AVERAGE: "GlobalAveragePool"}


def pooling(layer: Layer, graph: Graph) -> None:
    """Max, average or L2 (the root of the sum of squares) of each window."""
    its = layer.parameters
    if its.type not in (MAX, AVERAGE, L2):
        raise UnsupportedModel(f"Layer {layer.name!r} pools in a way of number {its.type}; the format has 0, 1 and 2.")
    blob = graph.take(layer)
    tensor = graph.pictures(blob)
    if its.globalPooling:
        result = _l2(graph, tensor, _whole(blob)) if its.type == L2 else graph.node(GLOBAL[its.type], tensor)
    else:
        result = _windows(its, graph, tensor, blob)
    graph.give(layer, graph.from_pictures(result, blob))


def _whole(blob: Blob) -> dict[str, Any]:
    return {"kernel_shape": sizes(blob), "strides": (1, 1), "pads": (0, 0, 0, 0)}


def _windows(its: Any, graph: Graph, tensor: str, blob: Blob) -> str:
    kernel, stride = pair(its.kernelSize, 3), pair(its.stride, 1)
    pads, beyond = _pads(its, blob, kernel, stride)
    window: dict[str, Any] = {"kernel_shape": kernel, "strides": stride, "pads": pads}
    if its.type == MAX:
        return _max(graph, tensor, window)
    if its.type == L2:
        return _l2(graph, tensor, window)
    counted = _counted(blob, window, None if its.avgPoolExcludePadding else beyond)
    return _average(graph, tensor, window, counted)


def _pads(its: Any, blob: Blob, kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[Pads, tuple[int, int]]:
    """Padding, and how much of it at the end lies beyond the padding proper (Caffe's last, incomplete windows)."""
    if its.WhichOneof("PoolingPaddingType") != "includeLastPixel":
        return padding(its, sizes(blob), kernel, stride), (0, 0)
    amounts = pair(its.includeLastPixel.paddingAmounts, 0)
    beyond = [_last(n, p, k, s, any(amounts)) for n, p, k, s in zip(sizes(blob), amounts, kernel, stride, strict=True)]
    (ph, pw), (low, far) = amounts, beyond
    return (ph, pw, ph + low, pw + far), (low, far)


def _last(size: int, pad: int, kernel: int, stride: int, padded: bool) -> int:
    out = ceil((size + 2 * pad - kernel) / stride) + 1
    if padded and (out - 1) * stride >= size + pad:
        out -= 1
    return max(0, (out - 1) * stride + kernel - size - 2 * pad)


def _padded(graph: Graph, tensor: str, pads: Pads, value: float) -> str:
    """ONNX's poolings take no padding as wide as their window; written out, any will do."""
    if not any(pads):
        return tensor
    top, left, bottom, right = pads
    amounts = graph.integers(0, 0, top, left, 0, 0, bottom, right)
    return graph.node("Pad", tensor, amounts, graph.constant(np.float32(value)), mode="constant")


def _max(graph: Graph, tensor: str, window: dict[str, Any]) -> str:
    if all(pad < k for pad, k in zip(window["pads"], window["kernel_shape"] * 2, strict=True)):
        return graph.node("MaxPool", tensor, **window)
    padded = _padded(graph, tensor, window["pads"], -np.inf)
    return graph.node("MaxPool", padded, kernel_shape=window["kernel_shape"], strides=window["strides"])


def _l2(graph: Graph, tensor: str, window: dict[str, Any]) -> str:
    mean = _mean(graph, graph.node("Mul", tensor, tensor), window)
    total = graph.node("Mul", mean, graph.constant(prod(window["kernel_shape"])))
    return graph.node("Sqrt", total)


def _mean(graph: Graph, tensor: str, window: dict[str, Any]) -> str:
    padded = _padded(graph, tensor, window["pads"], 0.0)
    return graph.node("AveragePool", padded, kernel_shape=window["kernel_shape"], strides=window["strides"])


def _average(graph: Graph, tensor: str, window: dict[str, Any], counted: NDArray[Any]) -> str:
    mean = _mean(graph, tensor, window)
    share = prod(window["kernel_shape"]) / counted
    return mean if np.all(share == 1) else graph.node("Mul", mean, graph.constant(share[None, None]))


def _counted(blob: Blob, window: dict[str, Any], beyond: tuple[int, int] | None) -> NDArray[Any]:
    """(H out, W out): by how many pixels each window is divided; padding counts, but what lies `beyond` it does not.

    With None for `beyond`, padding does not count either.
    """
    (height, width), (top, left, bottom, right) = sizes(blob), window["pads"]
    whole = (height + top + bottom, width + left + right)
    require_size("AveragePool", whole)
    ones = np.ones(whole)
    low, far = (bottom, right) if beyond is None else beyond
    if beyond is None:
        ones[:top] = ones[:, :left] = 0
    ones[ones.shape[0] - low :] = 0
    ones[:, ones.shape[1] - far :] = 0
    views = np.lib.stride_tricks.sliding_window_view(ones, window["kernel_shape"])
    down, across = window["strides"]
    return np.maximum(views[::down, ::across].sum(axis=(2, 3)), 1)
