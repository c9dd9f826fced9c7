"""Padding, cropping, enlarging, stored arrays: by loops over the output, by NumPy, and the format's own examples."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedLayer, UnsupportedModel

Check = Callable[..., None]
Fill = Callable[[Any], None]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


X = floats(4, 7, 6)
"""One legacy image; layers see (1, 1, 4, 7, 6)."""
DEEP = floats(1, 2, 4, 7, 6)
"""One image with an axis between batch and channels."""


def borders(amounts: Any, top: int, bottom: int, left: int, right: int) -> None:
    for start, end in ((top, bottom), (left, right)):
        each = amounts.borderAmounts.add()
        each.startEdgeSize, each.endEdgeSize = start, end


def padding(kind: str, *sides: int, value: float = 0) -> Fill:
    def fill(layer: Any) -> None:
        getattr(layer.padding, kind).SetInParent()
        if value:
            layer.padding.constant.value = value
        if sides:
            borders(layer.padding.paddingAmounts, *sides)

    return fill


def padded(x: np.ndarray, kind: str, top: int, bottom: int, left: int, right: int, value: float = 0) -> np.ndarray:
    """Pixel by pixel: where an output pixel lies outside, the value, the mirrored pixel or the nearest one."""
    height, width = x.shape[-2:]
    out = np.full((*x.shape[:-2], height + top + bottom, width + left + right), value, np.float32)
    for i in range(out.shape[-2]):
        for j in range(out.shape[-1]):
            place = []
            for at, size in ((i - top, height), (j - left, width)):
                mirrored = -at if at < 0 else 2 * (size - 1) - at if at >= size else at
                place.append({"reflection": mirrored, "replication": min(max(at, 0), size - 1), "constant": at}[kind])
            if 0 <= place[0] < height and 0 <= place[1] < width:
                out[..., i, j] = x[..., place[0], place[1]]
    return out


@pytest.mark.parametrize("kind", ["constant", "reflection", "replication"])
@pytest.mark.parametrize("sides", [(1, 2, 0, 3), (6, 0, 5, 4), (0, 0, 0, 0)])
def test_padding(kind: str, sides: tuple[int, int, int, int], check: Check) -> None:
    value = 1.5 if kind == "constant" else 0
    check(padding(kind, *sides, value=value), [X], [padded(X, kind, *sides, value=value)])
    check(padding(kind, *sides, value=value), [DEEP], [padded(DEEP, kind, *sides, value=value)], legacy=False)


def test_padding_of_no_kind_is_of_zeros_and_without_amounts_of_none(check: Check) -> None:
    check(lambda layer: borders(layer.padding.paddingAmounts, 1, 0, 2, 0), [X], [padded(X, "constant", 1, 0, 2, 0)])
    check(padding("replication"), [X], [X])


@pytest.mark.parametrize("sides", [(7, 0, 0, 0), (0, 7, 0, 0), (0, 0, 6, 0), (0, 0, 0, 6)])
def test_a_mirror_has_no_more_rows_than_the_image_but_one(sides: tuple[int, ...], refuse: Callable[..., Any]) -> None:
    assert "mirrors more" in str(refuse(padding("reflection", *sides), [X], UnsupportedModel))


def constant_pad(*amounts: int, to_size: bool = False, value: float = 0) -> Fill:
    def fill(layer: Any) -> None:
        layer.constantPad.padAmounts.extend(amounts)
        layer.constantPad.padToGivenOutputSizeMode = to_size
        layer.constantPad.value = value

    return fill


@pytest.mark.parametrize(
    ("shape", "amounts", "to_size", "expected"),
    [
        ((20, 10), (0, 1, 4, 0), False, ((0, 1), (4, 0))),
        ((20, 10, 5), (0, 0, 3, 4, 0, 9), False, ((0, 0), (3, 4), (0, 9))),
        ((20, 10), (0, 21, 14, 0), True, ((0, 1), (4, 0))),
        ((20, 10, 5), (0, 0, 17, 0, 0, 14), True, ((0, 0), (7, 0), (0, 9))),
        ((20, 10), (18, 0, 0, 9), True, ((0, 0), (0, 0))),
    ],
)
def test_the_formats_examples_of_constant_padding(
    shape: tuple[int, ...], amounts: tuple[int, ...], to_size: bool, expected: Any, check: Check
) -> None:
    x = floats(*shape)
    wanted = np.pad(x, expected, constant_values=-2.5)
    check(constant_pad(*amounts, to_size=to_size, value=-2.5), [x], [wanted], legacy=False)


def test_padding_to_a_size_keeps_the_batch(check: Check) -> None:
    x = floats(1, 4, 7)
    wanted = np.pad(x, ((0, 0), (0, 2), (4, 0)))
    check(constant_pad(0, 1, 0, 6, 11, 0, to_size=True), [x], [wanted], legacy=False)


def test_amounts_from_another_layer_are_refused(refuse: Callable[..., Any]) -> None:
    error = refuse(constant_pad(0, 1), [floats(5), floats(2)], UnsupportedLayer, legacy=False)
    assert "come from another layer" in str(error)


def crop(*sides: int) -> Fill:
    return lambda layer: borders(layer.crop.cropAmounts, *sides)


def crop_like(*offset: int) -> Fill:
    def fill(layer: Any) -> None:
        layer.crop.SetInParent()
        layer.crop.offset.extend(offset)

    return fill


def test_crop(check: Check) -> None:
    check(crop(1, 2, 0, 3), [X], [X[:, 1:5, :3]])
    check(crop(0, 6, 5, 0), [X], [X[:, :1, 5:]])
    check(crop(1, 2, 0, 3), [DEEP], [DEEP[..., 1:5, :3]], legacy=False)
    check(lambda layer: layer.crop.SetInParent(), [X], [X])


def test_crop_to_the_size_of_another_blob(check: Check) -> None:
    check(crop_like(1, 2), [X, floats(2, 5, 3)], [X[:, 1:6, 2:5]])
    check(crop_like(2, 3), [X, floats(2, 5, 3)], [X[:, 2:, 3:]])
    check(crop_like(), [X, floats(2, 5, 3)], [X[:, :5, :3]])


@pytest.mark.parametrize("sides", [(0, 8, 0, 0), (3, 4, 0, 0), (0, 0, 9, 0), (0, 0, 1, 6)])
def test_more_than_there_is_cannot_be_cropped(sides: tuple[int, ...], refuse: Callable[..., Any]) -> None:
    assert "crops beyond the 7 x 6" in str(refuse(crop(*sides), [X], UnsupportedModel))


@pytest.mark.parametrize("offset", [(3, 0), (0, 4), (8, 0)])
def test_a_crop_that_hangs_over_is_refused(offset: tuple[int, ...], refuse: Callable[..., Any]) -> None:
    assert "crops beyond the 7 x 6" in str(refuse(crop_like(*offset), [X, floats(2, 5, 3)], UnsupportedModel))


def upsample(factors: Sequence[float], mode: int = 0, linear: int = 0) -> Fill:
    def fill(layer: Any) -> None:
        its = layer.upsample
        its.mode, its.linearUpsampleMode = mode, linear
        whole = all(isinstance(each, int) for each in factors)
        (its.scalingFactor if whole else its.fractionalScalingFactor).extend(factors)

    return fill


def place(i: int, size: int, wanted: int, linear: int) -> float:
    """Where output pixel i lies among the input's."""
    spacing = {0: (size - size / wanted) / max(1, wanted - 1), 1: (size - 1) / max(1, wanted - 1), 2: size / wanted}[linear]
    at = i * spacing + (0.5 * size / wanted - 0.5 if linear == 2 else 0)
    return min(max(at, 0), size - 1)


def bilinear(x: np.ndarray, height: int, width: int, linear: int) -> np.ndarray:
    out = np.zeros((*x.shape[:-2], height, width))
    for i in range(height):
        for j in range(width):
            r, s = place(i, x.shape[-2], height, linear), place(j, x.shape[-1], width, linear)
            for row, a in ((math.floor(r), 1 - r % 1), (math.ceil(r), r % 1)):
                for column, b in ((math.floor(s), 1 - s % 1), (math.ceil(s), s % 1)):
                    out[..., i, j] += a * b * x[..., row, column]
    return out


def nearest(x: np.ndarray, height: int, width: int, factors: Sequence[float]) -> np.ndarray:
    out = np.zeros((*x.shape[:-2], height, width))
    for i in range(height):
        for j in range(width):
            out[..., i, j] = x[..., math.floor(i / factors[0]), math.floor(j / factors[1])]
    return out


SIZES = [((2, 3), (14, 18)), ((1, 4), (7, 24)), ((1.5, 2.25), (10, 13)), ((0.75, 1.5), (5, 9))]


@pytest.mark.parametrize(("factors", "sizes"), SIZES)
def test_nearest_pixel(factors: tuple[float, float], sizes: tuple[int, int], check: Check) -> None:
    check(upsample(factors), [X], [nearest(X, *sizes, factors)])
    check(upsample(factors), [DEEP], [nearest(DEEP, *sizes, factors)], legacy=False)


@pytest.mark.parametrize("linear", [0, 1, 2])
@pytest.mark.parametrize(("factors", "sizes"), SIZES)
def test_bilinear(factors: tuple[float, float], sizes: tuple[int, int], linear: int, check: Check) -> None:
    check(upsample(factors, 1, linear), [X], [bilinear(X, *sizes, linear)])


@pytest.mark.parametrize("linear", [0, 1, 2])
def test_bilinear_from_and_to_a_single_pixel(linear: int, check: Check) -> None:
    x = floats(4, 1, 5)
    check(upsample((3, 2), 1, linear), [x], [bilinear(x, 3, 10, linear)])
    check(upsample((0.5, 0.25), 1, linear), [X[:, :2, :4]], [bilinear(X[:, :2, :4], 1, 1, linear)])


@pytest.mark.parametrize(("linear", "corners"), [(1, True), (2, False)])
def test_bilinear_as_torch(linear: int, corners: bool, check: Check) -> None:
    torch = pytest.importorskip("torch")
    wanted = torch.nn.functional.interpolate(
        torch.tensor(X)[None], scale_factor=(2, 3), mode="bilinear", align_corners=corners
    )
    check(upsample((2, 3), 1, linear), [X], [wanted[0].numpy()])


def test_sizes_are_those_that_the_factors_were_written_for(check: Check) -> None:
    """7 tenths in single precision are less than 7 tenths; 7 of 10 rows are meant."""
    x = floats(3, 10, 20)
    factors = (0.7, 0.45)
    check(upsample(factors), [x], [nearest(x, 7, 9, factors)])
    check(upsample(factors, 1), [x], [bilinear(x, 7, 9, 0)])


def test_no_factors_leave_the_image(check: Check) -> None:
    check(upsample(()), [X], [X])
    check(upsample((), 1, 2), [X], [X])


def test_a_third_factor_is_refused(refuse: Callable[..., Any]) -> None:
    refuse(upsample((2, 3, 4)), [X], UnsupportedModel)


def constant(kind: str, values: np.ndarray) -> Fill:
    def fill(layer: Any) -> None:
        getattr(layer, kind).shape.extend(values.shape)
        getattr(layer, kind).data.floatValue.extend(values.reshape(-1).tolist())

    return fill


def test_stored_arrays(check: Check) -> None:
    check(constant("loadConstant", X), [], [X], tolerance=0)
    check(constant("loadConstantND", floats(2, 3, 5, 4)), [], [floats(2, 3, 5, 4)], legacy=False, tolerance=0)


def test_a_stored_image_has_three_axes(refuse: Callable[..., Any]) -> None:
    assert "holds 2 axes" in str(refuse(constant("loadConstant", floats(4, 3)), [], UnsupportedModel))
