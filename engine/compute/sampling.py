"""Layers that sample pictures between their points: resizeBilinear and cropResize."""

from collections.abc import Callable, Mapping

import numpy as np

from engine.compute.room import require_room
from engine.errors import UnsupportedModel
from engine.room import LARGEST
from engine.spec.describe import Array, Layer


def resize_bilinear(layer: Layer, blob: Array) -> Array:
    """The last two axes in another size: (..., C, H, W) to (..., C, target height, target width)."""
    if blob.ndim < 3:
        raise UnsupportedModel(f"Layer {layer.name!r} is given a blob of shape {blob.shape}; it needs (..., C, H, W).")
    bottom, right = blob.shape[-2] - 1, blob.shape[-1] - 1
    height, width = _target(layer)
    require_room(layer, [*blob.shape[:-2], max(height, bottom + 1), max(width, right + 1)])
    return _sampled(blob, _places(layer, 0, bottom, height, bottom), _places(layer, 0, right, width, right))


def crop_resize(layer: Layer, blob: Array, boxes: Array) -> Array:
    """One patch a box, (boxes, batch, C, target height, target width); where a box names its picture, batch is 1.

    `blob` is (1, batch, C, H, W), `boxes` (boxes, 1, 4, 1, 1), or (boxes, 1, 5, 1, 1), where the first of the five
    numbers is a position in the batch.
    """
    if blob.ndim != 5 or len(blob) != 1 or boxes.shape[1:] not in ((1, 4, 1, 1), (1, 5, 1, 1)):
        why = f"Layer {layer.name!r} is given pictures of shape {blob.shape} and boxes of shape {boxes.shape}."
        raise UnsupportedModel(why, "It needs (1, batch, C, H, W), and (boxes, 1, 4, 1, 1) or (boxes, 1, 5, 1, 1).")
    numbers = boxes.reshape(len(boxes), -1)
    end = np.array(blob.shape[-2:]) - 1
    starts, ends = _corners(layer, numbers[:, -4:], end)
    target = _target(layer)
    require_room(layer, [len(boxes), *blob.shape[1:3], *np.maximum(target, end + 1)])
    patches: list[Array] = []
    for pictures, first, last in zip(_pictures(layer, numbers, blob[0]), starts, ends, strict=True):
        rows, columns = (_places(layer, first[axis], last[axis], target[axis], end[axis]) for axis in (0, 1))
        patches.append(_sampled(pictures, rows, columns))
    return np.stack(patches)


def _target(layer: Layer) -> tuple[int, int]:
    """Height and width, 1 where the file says nothing."""
    height, width = layer.parameters.targetSize or (1, 1)
    if not 1 <= height * width <= LARGEST:
        raise UnsupportedModel(f"Layer {layer.name!r} has the target size {height} x {width}.")
    return height, width


def _pictures(layer: Layer, numbers: Array, batch: Array) -> list[Array]:
    """For each box the pictures that it cuts: all, or the one that it names."""
    if numbers.shape[1] == 4:
        return [batch] * len(numbers)
    which = numbers[:, 0]
    wrong = which[~((which >= 0) & (which < len(batch)))]
    if wrong.size:
        raise UnsupportedModel(f"Layer {layer.name!r} is asked to crop picture {wrong[0]:g} of a batch of {len(batch)}.")
    return [batch[each : each + 1] for each in which.astype(int)]


def _corners(layer: Layer, boxes: Array, end: Array) -> tuple[Array, Array]:
    """First row and column, and last, each (boxes, 2), in pixels, doubles; `end` is the picture's last row and column."""
    its = layer.parameters
    centred, width_first = divmod(its.boxIndicesMode.boxMode, 2)
    pairs = boxes.astype(np.float64).reshape(-1, 2, 2) * (its.spatialScale or 1)
    if width_first:
        pairs = pairs[..., ::-1]
    if its.normalizedCoordinates:
        pairs = pairs * end
    if centred:
        centre, size = pairs[:, 0], pairs[:, 1]
        return centre - size / 2, centre + size / 2
    return pairs[:, 0], pairs[:, 1]


def _strict(first: float, last: float, points: int) -> tuple[float, float]:
    return first, last


def _align(first: float, last: float, points: int) -> tuple[float, float]:
    return ((first + last) / 2, last) if points == 1 else (first, last)


def _upsample(first: float, last: float, points: int) -> tuple[float, float]:
    pixels = last - first + 1
    return first, first + pixels - pixels / points


def _roi_align(first: float, last: float, points: int) -> tuple[float, float]:
    spacing = max(1, last - first) / points
    start = first + spacing / 2
    return start, start + (points - 1) * spacing


SPANS: Mapping[int, Callable[[float, float, int], tuple[float, float]]] = {
    0: _strict,
    1: _align,
    2: _upsample,
    3: _roi_align,
}
"""By `SamplingMode`: from where to where a stretch of pixels is sampled at evenly spaced points."""


def _places(layer: Layer, first: float, last: float, points: int, end: float) -> Array:
    """Where to sample one axis, none of it outside the picture, whose last pixel is `end`."""
    span = SPANS[layer.parameters.mode.samplingMethod]
    return np.linspace(*span(first, last, points), points).clip(0, end)


def _sampled(blob: Array, rows: Array, columns: Array) -> Array:
    """The blob (..., H, W) at every row and column, between the four pixels around."""
    return _between(_between(blob, rows, -2), columns, -1)


def _between(blob: Array, places: Array, axis: int) -> Array:
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, blob.shape[axis] - 1)
    share = (places - low).astype(np.float32)
    if axis == -2:
        share = share[:, None]
    return np.take(blob, low, axis) * (1 - share) + np.take(blob, high, axis) * share
