"""Layers that slide a window over height and width: convolution and pooling, as `layers.py` has the others.

Settings, all pairs in the order height, width: `kernel`, `stride`, `dilation`, and `padding`, a function from the input's
height and width to ((top, bottom), (left, right)).
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.head.layers import HeadLayer, Weights

Array = NDArray[Any]
Pads = tuple[tuple[int, int], tuple[int, int]]


def _pads(layer: HeadLayer, x: Array) -> Pads:
    if layer.settings.get("whole"):
        return (0, 0), (0, 0)
    return layer.settings["padding"](x.shape[2], x.shape[3])


def _padded(x: Array, pads: Pads, value: float) -> Array:
    if pads == ((0, 0), (0, 0)):
        return x
    return np.pad(x, ((0, 0), (0, 0), *pads), constant_values=value)


def _kernel(layer: HeadLayer, x: Array) -> tuple[int, int]:
    return (x.shape[2], x.shape[3]) if layer.settings.get("whole") else layer.settings["kernel"]


def _windows(layer: HeadLayer, padded: Array, x: Array) -> Array:
    """(n, C, H out, W out, kernel height, kernel width): a view, nothing is copied."""
    (kh, kw), (dh, dw) = _kernel(layer, x), layer.settings.get("dilation", (1, 1))
    sh, sw = (1, 1) if layer.settings.get("whole") else layer.settings["stride"]
    reach = ((kh - 1) * dh + 1, (kw - 1) * dw + 1)
    views = sliding_window_view(padded, reach, axis=(2, 3))  # type: ignore[call-overload]
    return views[:, :, ::sh, ::sw, ::dh, ::dw]


def _spread(layer: HeadLayer, x: Array, windows: Array, pads: Pads) -> Array:
    """The transpose of `_windows`: every window's numbers are added where they were read."""
    (top, bottom), (left, right) = pads
    n, c, h, w = x.shape
    total = np.zeros((n, c, h + top + bottom, w + left + right), windows.dtype)
    (kh, kw), (dh, dw) = _kernel(layer, x), layer.settings.get("dilation", (1, 1))
    sh, sw = (1, 1) if layer.settings.get("whole") else layer.settings["stride"]
    rows, columns = windows.shape[2], windows.shape[3]
    for i in range(kh):
        for j in range(kw):
            down = slice(i * dh, i * dh + (rows - 1) * sh + 1, sh)
            across = slice(j * dw, j * dw + (columns - 1) * sw + 1, sw)
            total[:, :, down, across] += windows[..., i, j]
    return total[:, :, top : top + h, left : left + w]


# convolution: a matrix product of every window with the filters, group by group.


def _grouped(windows: Array, groups: int) -> Array:
    """(groups, n H W, C / groups * kh * kw)"""
    n, c, h, w, kh, kw = windows.shape
    parts = windows.reshape(n, groups, c // groups, h, w, kh, kw).transpose(1, 0, 3, 4, 2, 5, 6)
    return parts.reshape(groups, n * h * w, -1)


def _filters(weights: Array, groups: int) -> Array:
    """(groups, outputs / groups, C / groups * kh * kw)"""
    return weights.reshape(groups, weights.shape[0] // groups, -1)


def _as_rows(y: Array, groups: int) -> Array:
    """(n, outputs, H, W) to (groups, n H W, outputs / groups)"""
    n, o, h, w = y.shape
    return y.reshape(n, groups, o // groups, h, w).transpose(1, 0, 3, 4, 2).reshape(groups, n * h * w, -1)


def _as_image(rows: Array, n: int, h: int, w: int) -> Array:
    groups, _, each = rows.shape
    return rows.reshape(groups, n, h, w, each).transpose(1, 0, 4, 2, 3).reshape(n, groups * each, h, w)


def _convolved(layer: HeadLayer, x: Array, weights: Array) -> Array:
    groups = layer.settings["groups"]
    windows = _windows(layer, _padded(x, _pads(layer, x), 0.0), x)
    rows = _grouped(windows, groups) @ _filters(weights, groups).transpose(0, 2, 1)
    return _as_image(rows, x.shape[0], windows.shape[2], windows.shape[3])


def convolution(layer: HeadLayer, x: Array) -> Array:
    """Cross-correlation with zero padding, plus bias."""
    y = _convolved(layer, x, layer.weights["weights"])
    return y + layer.weights["bias"][:, None, None] if "bias" in layer.weights else y


def convolution_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """`dx` = dy spread through the filters."""
    groups, pads = layer.settings["groups"], _pads(layer, x)
    (kh, kw), (n, c), (h, w) = _kernel(layer, x), x.shape[:2], dy.shape[2:]
    rows = _as_rows(dy, groups) @ _filters(layer.weights["weights"], groups)
    back = rows.reshape(groups, n, h, w, c // groups, kh, kw)
    return _spread(layer, x, back.transpose(1, 0, 4, 2, 3, 5, 6).reshape(n, c, h, w, kh, kw), pads)


def convolution_gradient(layer: HeadLayer, x: Array, dy: Array, into: Weights) -> None:
    """`dW` = windows' dy; `db` = the sum of dy."""
    groups = layer.settings["groups"]
    windows = _grouped(_windows(layer, _padded(x, _pads(layer, x), 0.0), x), groups)
    np.matmul(_as_rows(dy, groups).transpose(0, 2, 1), windows, out=_filters(into["weights"], groups))
    if "bias" in into:
        np.add.reduce(dy, axis=(0, 2, 3), out=into["bias"])


def convolution_inner(layer: HeadLayer, x: Array, dys: Array) -> Array:
    """Each sample's gradient is formed: windows' dy of that sample alone."""
    groups, (n, k, o, h, w) = layer.settings["groups"], dys.shape
    windows = _windows(layer, _padded(x, _pads(layer, x), 0.0), x)
    parts = windows.reshape(n, groups, x.shape[1] // groups, h, w, -1).transpose(0, 1, 3, 4, 2, 5)
    slopes = dys.reshape(n, k, groups, o // groups, h * w).transpose(0, 2, 1, 3, 4)
    gradients = slopes.reshape(n, groups, k * (o // groups), h * w) @ parts.reshape(n, groups, h * w, -1)
    rows = gradients.reshape(n, groups, k, -1).transpose(0, 2, 1, 3).reshape(n * k, -1)
    total = rows @ rows.T
    if "bias" in layer.weights:
        sums = dys.sum(axis=(3, 4)).reshape(n * k, o)
        total += sums @ sums.T
    return total


def convolution_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """`dy = dx * W + x * dW + db`."""
    dy = _convolved(layer, dx, layer.weights["weights"])
    if "weights" in dw:
        dy = dy + _convolved(layer, x, dw["weights"])
    return dy + dw["bias"][:, None, None] if "bias" in dw else dy


# pooling: the largest, or the mean, of every window.


def _is_max(layer: HeadLayer) -> bool:
    return layer.settings["type"] == "max"


def _flat_windows(layer: HeadLayer, x: Array, fill: float) -> Array:
    """(n, C, H out, W out, kernel size)"""
    windows = _windows(layer, _padded(x, _pads(layer, x), fill), x)
    return windows.reshape(*windows.shape[:4], -1)


def _shares(layer: HeadLayer, x: Array) -> Array:
    """One divided by what each window's sum is divided by: its size, or only its pixels inside the picture.

    Rows and columns beyond the padding proper, which a last, incomplete window reaches, are never counted (as in Caffe).
    """
    (top, bottom), (left, right) = _pads(layer, x)
    h, w = x.shape[2:]
    counted = np.ones((1, 1, h + top + bottom, w + left + right), x.dtype)
    low, far = layer.settings["beyond"](h, w)
    if layer.settings["exclude_padding"]:
        counted[:, :, :top] = counted[:, :, :, :left] = 0
        low, far = bottom, right
    counted[:, :, counted.shape[2] - low :] = counted[:, :, :, counted.shape[3] - far :] = 0
    windows = _windows(layer, counted, x)
    return 1 / np.maximum(windows.reshape(*windows.shape[:4], -1).sum(axis=-1), 1)


def _chosen(layer: HeadLayer, x: Array) -> Array:
    """Which number of each window is the largest; of equal ones the first, as torch has it."""
    return _flat_windows(layer, x, -np.inf).argmax(axis=-1)[..., None]


def pooling(layer: HeadLayer, x: Array) -> Array:
    """Max pools ignore the padding; means count it unless the layer says otherwise."""
    if _is_max(layer):
        return _flat_windows(layer, x, -np.inf).max(axis=-1)
    return _flat_windows(layer, x, 0.0).sum(axis=-1) * _shares(layer, x)


def pooling_back(layer: HeadLayer, x: Array, y: Array, dy: Array) -> Array:
    """dy goes to the largest of each window, or to all of them in equal parts."""
    (kh, kw), pads = _kernel(layer, x), _pads(layer, x)
    if _is_max(layer):
        parts = np.zeros((*dy.shape, kh * kw), dy.dtype)
        np.put_along_axis(parts, _chosen(layer, x), dy[..., None], axis=-1)
    else:
        parts = np.broadcast_to((dy * _shares(layer, x))[..., None], (*dy.shape, kh * kw))
    return _spread(layer, x, parts.reshape(*dy.shape, kh, kw), pads)


def pooling_tangent(layer: HeadLayer, x: Array, y: Array, dx: Array, dw: Weights) -> Array:
    """dx where the largest stood, or the mean of dx."""
    windows = _flat_windows(layer, dx, 0.0)
    if _is_max(layer):
        return np.take_along_axis(windows, _chosen(layer, x), axis=-1)[..., 0]
    return windows.sum(axis=-1) * _shares(layer, x)
