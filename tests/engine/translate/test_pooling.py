"""Pooling against a slow loop written from the format's text, and against PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pytest

MAX, AVERAGE, L2 = range(3)


@dataclass(frozen=True)
class Windows:
    """Kernel, stride, and padding as (start, end) of height and width; `beyond` is what lies past the padding."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    rows: tuple[int, int] = (0, 0)
    columns: tuple[int, int] = (0, 0)
    beyond: tuple[int, int] = (0, 0)


def slow(x: np.ndarray, kind: int, at: Windows, exclude_padding: bool = False) -> np.ndarray:
    """Each window on its own: what is inside the image, inside the padding, or beyond both."""
    channels, height, width = x.shape
    steps = []
    for size, (start, end), kernel, stride, far in zip(
        (height, width), (at.rows, at.columns), at.kernel, at.stride, at.beyond, strict=True
    ):
        out = (size + start + end + far - kernel) // stride + 1
        steps.append([(i * stride - start, i * stride - start + kernel, size, end) for i in range(out)])
    result = np.zeros((channels, len(steps[0]), len(steps[1])), np.float32)
    for i, (top, bottom, _, low) in enumerate(steps[0]):
        for j, (left, right, _, far) in enumerate(steps[1]):
            inside = x[:, max(0, top) : bottom, max(0, left) : right].reshape(channels, -1)
            padded = (min(bottom, height + low) - top) * (min(right, width + far) - left)
            counted = inside.shape[1] if exclude_padding else padded
            result[:, i, j] = {
                MAX: lambda inside=inside: inside.max(axis=1),
                AVERAGE: lambda inside=inside, counted=counted: inside.sum(axis=1) / counted,
                L2: lambda inside=inside: np.sqrt((inside**2).sum(axis=1)),
            }[kind]()
    return result


def fill_pooling(layer: Any, kind: int, at: Windows, exclude_padding: bool = False) -> Any:
    its = layer.pooling
    its.type, its.avgPoolExcludePadding = kind, exclude_padding
    its.kernelSize.extend(at.kernel)
    its.stride.extend(at.stride)
    its.valid.SetInParent()
    for start, end in (at.rows, at.columns):
        edge = its.valid.paddingAmounts.borderAmounts.add()
        edge.startEdgeSize, edge.endEdgeSize = start, end
    return its


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


VALID = {
    "no padding": Windows((3, 2), (2, 1)),
    "padding": Windows((4, 3), (3, 2), (1, 2), (2, 1)),
    "gaps": Windows((1, 2), (3, 5), (0, 0), (1, 0)),
}


@pytest.mark.parametrize("kind", [MAX, AVERAGE, L2])
@pytest.mark.parametrize("name", VALID)
def test_valid(kind: int, name: str, check: Callable[..., None]) -> None:
    x, at = floats(3, 11, 8), VALID[name]
    check(lambda layer: fill_pooling(layer, kind, at), [x], [slow(x, kind, at)])


@pytest.mark.parametrize("name", VALID)
def test_average_of_what_is_no_padding(name: str, check: Callable[..., None]) -> None:
    x, at = floats(3, 11, 8), VALID[name]
    check(lambda layer: fill_pooling(layer, AVERAGE, at, True), [x], [slow(x, AVERAGE, at, True)])


def test_padding_as_wide_as_the_window(check: Callable[..., None]) -> None:
    x, at = floats(3, 7, 5), Windows((2, 3), (1, 1), (2, 0), (0, 0))
    expected = np.concatenate([np.full((3, 1, 3), -np.inf, np.float32), slow(x, MAX, Windows((2, 3), (1, 1), (1, 0)))], 1)
    check(lambda layer: fill_pooling(layer, MAX, at), [x], [expected])


@pytest.mark.parametrize("kind", [MAX, AVERAGE, L2])
@pytest.mark.parametrize("top_left", [False, True])
@pytest.mark.parametrize("exclude_padding", [False, True])
def test_same(kind: int, top_left: bool, exclude_padding: bool, check: Callable[..., None]) -> None:
    x, kernel, stride = floats(3, 10, 7), (4, 3), (3, 2)
    sides = []
    for size, k, s in zip((10, 7), kernel, stride, strict=True):
        total = max(0, (ceil(size / s) - 1) * s + k - size)
        sides.append((total - total // 2, total // 2) if top_left else (total // 2, total - total // 2))
    at = Windows(kernel, stride, *sides)

    def fill(layer: Any) -> None:
        fill_pooling(layer, kind, at, exclude_padding).same.asymmetryMode = int(top_left)

    expected = slow(x, kind, at, exclude_padding)
    assert expected.shape == (3, 4, 4)
    check(fill, [x], [expected])


LAST: dict[str, tuple[tuple[int, int], Windows]] = {
    "unpadded": ((10, 8), Windows((3, 3), (2, 2), beyond=(1, 1))),
    "padded": ((9, 8), Windows((4, 3), (3, 2), (1, 1), (1, 1), beyond=(2, 1))),
    "fits": ((9, 7), Windows((3, 3), (2, 2))),
    "a window that begins in the padding is dropped": ((5, 11), Windows((2, 3), (2, 3), (1, 1), (0, 0), beyond=(0, 1))),
}
"""Sizes of the image, and the windows that Caffe's rule gives: ceil((H + 2p - k) / s) + 1, worked out by hand."""


@pytest.mark.parametrize("kind", [MAX, AVERAGE, L2])
@pytest.mark.parametrize("name", LAST)
def test_include_last_pixel(kind: int, name: str, check: Callable[..., None]) -> None:
    size, at = LAST[name]
    x = floats(3, *size)

    def fill(layer: Any) -> None:
        its = fill_pooling(layer, kind, at)
        its.includeLastPixel.paddingAmounts.extend((at.rows[0], at.columns[0]))

    expected = slow(x, kind, at)
    for n, k, s, p, out in zip(size, at.kernel, at.stride, (at.rows[0], at.columns[0]), expected.shape[1:], strict=True):
        counted = ceil((n + 2 * p - k) / s) + 1
        assert out == counted - ((at.rows[0] or at.columns[0]) > 0 and (counted - 1) * s >= n + p)
    check(fill, [x], [expected])


@pytest.mark.parametrize("kind", [MAX, AVERAGE, L2])
def test_global(kind: int, check: Callable[..., None]) -> None:
    x = floats(4, 6, 5)

    def fill(layer: Any) -> None:
        fill_pooling(layer, kind, Windows((2, 2), (2, 2))).globalPooling = True

    check(fill, [x], [slow(x, kind, Windows((6, 5), (1, 1)))])


def test_defaults_are_three_and_one(check: Callable[..., None]) -> None:
    x = floats(2, 6, 5)

    def fill(layer: Any) -> None:
        layer.pooling.valid.SetInParent()

    check(fill, [x], [slow(x, MAX, Windows((3, 3), (1, 1)))])


def test_axes_before_the_channels_are_batch(check: Callable[..., None]) -> None:
    x, at = floats(2, 4, 3, 7, 6), Windows((3, 2), (2, 1))
    expected = np.array([[slow(image, AVERAGE, at) for image in images] for images in x])
    check(lambda layer: fill_pooling(layer, AVERAGE, at), [x], [expected], legacy=False)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_average_like_torch(ceil_mode: bool, check: Callable[..., None]) -> None:
    torch = pytest.importorskip("torch")
    x, at = floats(3, 10, 8), Windows((3, 3), (2, 2), (1, 1), (1, 1))
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(x), 3, 2, 1, ceil_mode=ceil_mode).numpy()

    def fill(layer: Any) -> None:
        its = fill_pooling(layer, AVERAGE, at)
        if ceil_mode:
            its.includeLastPixel.paddingAmounts.extend((1, 1))

    check(fill, [x], [expected])


def test_a_last_window_outside_of_an_unpadded_image_averages_nothing(check: Callable[..., None]) -> None:
    x, at = floats(3, 5, 4), Windows((1, 1), (3, 1))

    def fill(layer: Any) -> None:
        fill_pooling(layer, AVERAGE, at).includeLastPixel.paddingAmounts.extend((0, 0))

    check(fill, [x], [np.concatenate([x[:, ::3], np.zeros((3, 1, 4))], axis=1)])
