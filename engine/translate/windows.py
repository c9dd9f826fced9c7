"""Where windows lie: padding of convolutions and poolings, worked out from the sizes."""

from math import ceil
from typing import Any

from engine.errors import UnsupportedModel
from engine.translate.graph import Blob

Pads = tuple[int, int, int, int]
"""top, left, bottom, right, as ONNX has them"""


def pair(values: Any, default: int) -> tuple[int, int]:
    """Two numbers of the format, or the default twice."""
    return (int(values[0]), int(values[1])) if len(values) == 2 else (default, default)


def sizes(blob: Blob) -> tuple[int, int]:
    """Height and width, as numbers."""
    height, width = blob.shape[-2:]
    return int(height), int(width)


def borders(amounts: Any) -> Pads:
    """`BorderAmounts`, rows first; unset ones are 0. Raises UnsupportedModel where they are not two."""
    found = [(each.startEdgeSize, each.endEdgeSize) for each in amounts.borderAmounts] or [(0, 0), (0, 0)]
    if len(found) != 2:
        raise UnsupportedModel(f"A layer pads {len(found)} axes, where the format has height and width.")
    (top, bottom), (left, right) = found
    return int(top), int(left), int(bottom), int(right)


def padding(its: Any, size: tuple[int, int], reach: tuple[int, int], stride: tuple[int, int]) -> Pads:
    """VALID padding is said; SAME padding gives ceil(size / stride), the odd pixel at the end, or at the start."""
    if not its.HasField("same"):
        return borders(its.valid.paddingAmounts)
    totals = [max(0, (ceil(n / s) - 1) * s + k - n) for n, k, s in zip(size, reach, stride, strict=True)]
    small = [total // 2 for total in totals]
    large = [total - half for total, half in zip(totals, small, strict=True)]
    starts, ends = (large, small) if its.same.asymmetryMode == 1 else (small, large)
    return starts[0], starts[1], ends[0], ends[1]
