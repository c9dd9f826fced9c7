"""Convolution and pooling in three dimensions, against PyTorch, and TensorFlow's padding written out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnreadableModel, UnsupportedModel

torch = pytest.importorskip("torch")
functional = torch.nn.functional

Check = Callable[..., None]
Fill = Callable[[Any], None]
CUSTOM, VALID, SAME = range(3)
AXES = ("Depth", "Height", "Width")
SIDES = ("Front", "Back", "Top", "Bottom", "Left", "Right")


def floats(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = floats(2, 4, 7, 9, 8)
"""(batch, C, depth, height, width)"""
KERNEL, STRIDE, DILATION = (3, 2, 4), (2, 3, 1), (1, 3, 2)
PADS = (1, 0, 2, 1, 0, 3)
"""Front, back, top, bottom, left, right."""
WEIGHTS, BIAS = floats(6, 4, *KERNEL), floats(6)


def layer_of(kind: str, weights: np.ndarray | None = None, bias: np.ndarray | None = None, **settings: Any) -> Fill:
    """A tuple of three goes to depth, height and width; `pads` to the six sides."""

    def fill(layer: Any) -> None:
        its = getattr(layer, kind)
        its.SetInParent()
        for name, value in settings.items():
            if name == "pads":
                for side, size in zip(SIDES, value, strict=True):
                    setattr(its, f"customPadding{side}", size)
            elif name == "outputShape":
                its.outputShape.extend(value)
            elif isinstance(value, tuple):
                for axis, size in zip(AXES, value, strict=True):
                    setattr(its, name + axis, size)
            else:
                setattr(its, name, value)
        if weights is not None:
            its.weights.floatValue.extend(weights.ravel().tolist())
        if bias is not None:
            its.hasBias = True
            its.bias.floatValue.extend(bias.tolist())

    return fill


def convolution(channels: tuple[int, int] = (4, 6), bias: np.ndarray | None = BIAS, **settings: Any) -> Fill:
    common = {"inputChannels": channels[0], "outputChannels": channels[1], "kernel": KERNEL, "weights": WEIGHTS}
    return layer_of("convolution3d", **{**common, "bias": bias, **settings})


def padded(x: np.ndarray, pads: tuple[int, ...], value: float = 0) -> Any:
    front, back, top, bottom, left, right = pads
    return functional.pad(torch.from_numpy(x), (left, right, top, bottom, front, back), value=value)


def same(reach: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """TensorFlow's rule: as many results as steps; the odd voxel at the end."""
    pads: list[int] = []
    for size, k, s in zip(X.shape[2:], reach, stride, strict=True):
        total = max(0, (math.ceil(size / s) - 1) * s + k - size)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


def convolved(pads: tuple[int, ...], stride: tuple[int, ...] | int = 1, dilation: tuple[int, ...] | int = 1) -> np.ndarray:
    weights, bias = torch.from_numpy(WEIGHTS), torch.from_numpy(BIAS)
    return functional.conv3d(padded(X, pads), weights, bias, stride, 0, dilation).numpy()


REACH = tuple((k - 1) * d + 1 for k, d in zip(KERNEL, DILATION, strict=True))
PLACES: dict[str, tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]]] = {
    "custom": ({"paddingType": CUSTOM, "pads": PADS, "stride": STRIDE}, PADS, (1, 1, 1)),
    "valid": ({"paddingType": VALID, "pads": PADS, "stride": STRIDE, "dilation": DILATION}, (0,) * 6, DILATION),
    "same": ({"paddingType": SAME, "pads": PADS, "stride": STRIDE}, same(KERNEL, STRIDE), (1, 1, 1)),
    "same, dilated": (
        {"paddingType": SAME, "stride": STRIDE, "dilation": DILATION},
        same(REACH, STRIDE),
        DILATION,
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_convolution(place: str, check: Check) -> None:
    settings, pads, dilation = PLACES[place]
    check(convolution(**settings), [X], [convolved(pads, STRIDE, dilation)], legacy=False)


def test_what_the_file_leaves_out_is_1(check: Check) -> None:
    check(convolution(paddingType=VALID), [X[:1]], [convolved((0,) * 6)[:1]], legacy=False)


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_of_channels(groups: int, check: Check) -> None:
    weights = floats(8, 4 // groups, *KERNEL)
    wanted = functional.conv3d(torch.from_numpy(X), torch.from_numpy(weights), groups=groups).numpy()
    fill = convolution((4, 8), None, weights=weights, nGroups=groups, paddingType=VALID)
    check(fill, [X], [wanted], legacy=False)


BACK, SHIFT = floats(4, 3, *KERNEL), floats(3)


def transposed(**settings: Any) -> Fill:
    return convolution((4, 3), SHIFT, weights=BACK, isDeconvolution=True, stride=STRIDE, **settings)


def uncut(**settings: Any) -> np.ndarray:
    back, shift = torch.from_numpy(BACK), torch.from_numpy(SHIFT)
    return functional.conv_transpose3d(torch.from_numpy(X), back, shift, STRIDE, **settings).numpy()


def test_a_transposed_convolution_is_cut_by_its_padding(check: Check) -> None:
    check(transposed(paddingType=VALID), [X], [uncut()], legacy=False)
    wanted = uncut()[:, :, 1:, 2:-1, 0:-3]
    check(transposed(paddingType=CUSTOM, pads=PADS), [X], [wanted], legacy=False)
    wanted = uncut(dilation=DILATION)
    check(transposed(paddingType=VALID, dilation=DILATION), [X], [wanted], legacy=False)


def test_a_transposed_convolution_of_a_given_size(check: Check) -> None:
    """Cut at the end, or, one voxel further than any window reaches, the bias alone."""
    whole = uncut()
    size = (whole.shape[2] + 1, whole.shape[3] - 2, whole.shape[4])
    wanted = uncut(output_padding=(1, 0, 0))[:, :, :, :-2]
    check(transposed(paddingType=VALID, outputShape=size), [X], [wanted], legacy=False)


def test_a_transposed_convolution_that_keeps_the_size_times_the_stride(check: Check) -> None:
    # 2 7 = 14 of 15 and 8 of 11, cut by 1 and 3; 3 9 = 27 where the windows reach 26.
    wanted = uncut(output_padding=(0, 1, 0))[:, :, :14, :, 1:9]
    check(transposed(paddingType=SAME), [X], [wanted], legacy=False)


@pytest.mark.parametrize("groups", [2])
def test_a_transposed_convolution_in_groups(groups: int, check: Check) -> None:
    weights = floats(4, 3, *KERNEL)
    wanted = functional.conv_transpose3d(torch.from_numpy(X), torch.from_numpy(weights), groups=groups).numpy()
    fill = convolution((4, 6), None, weights=weights, nGroups=groups, paddingType=VALID, isDeconvolution=True)
    check(fill, [X], [wanted], legacy=False)


MAX, MEAN = range(2)


def pooling(mode: int, **settings: Any) -> Fill:
    return layer_of("pooling3d", type=mode, kernel=KERNEL, **settings)


POOLED: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "custom": ({"paddingType": CUSTOM, "pads": (1, 0, 1, 1, 0, 3)}, (1, 0, 1, 1, 0, 3)),
    "valid": ({"paddingType": VALID, "pads": (1, 0, 1, 1, 0, 3)}, (0,) * 6),
    "same": ({"paddingType": SAME}, same(KERNEL, STRIDE)),
}


@pytest.mark.parametrize("place", POOLED)
def test_the_largest_of_each_window(place: str, check: Check) -> None:
    settings, pads = POOLED[place]
    x = X - 5
    wanted = functional.max_pool3d(padded(x, pads, -np.inf), KERNEL, STRIDE).numpy()
    check(pooling(MAX, stride=STRIDE, **settings), [x], [wanted], legacy=False)


@pytest.mark.parametrize("excluded", [True, False])
@pytest.mark.parametrize("place", POOLED)
def test_the_mean_of_each_window_with_its_padding_or_without(place: str, excluded: bool, check: Check) -> None:
    settings, pads = POOLED[place]
    wanted = functional.avg_pool3d(padded(X, pads), KERNEL, STRIDE)
    if excluded:
        wanted = wanted / functional.avg_pool3d(padded(np.ones_like(X), pads), KERNEL, STRIDE)
    check(pooling(MEAN, stride=STRIDE, countExcludePadding=excluded, **settings), [X], [wanted.numpy()], legacy=False)


def test_windows_move_by_one_voxel_where_the_file_says_nothing(check: Check) -> None:
    wanted = functional.max_pool3d(torch.from_numpy(X[:1]), KERNEL, 1).numpy()
    check(pooling(MAX, paddingType=VALID), [X[:1]], [wanted], legacy=False)


def test_everything_in_a_channel(check: Check) -> None:
    x = torch.from_numpy(X)
    check(layer_of("globalPooling3d", type=MAX), [X], [functional.adaptive_max_pool3d(x, 1).numpy()], legacy=False)
    check(layer_of("globalPooling3d", type=MEAN), [X], [functional.adaptive_avg_pool3d(x, 1).numpy()], legacy=False)


@pytest.mark.parametrize("fill", [convolution(), pooling(MAX), layer_of("globalPooling3d")])
def test_five_axes_are_needed(fill: Fill, refuse: Callable[..., Any]) -> None:
    assert "needs five axes" in str(refuse(fill, [X[0]], UnsupportedModel, legacy=False))
    refuse(fill, [floats(1, *X.shape)], UnsupportedModel, legacy=False)


def test_a_legacy_array_has_its_channels_as_depth(check: Check) -> None:
    x = floats(4, 5, 6)
    wanted = functional.max_pool3d(torch.from_numpy(x[None, None]), KERNEL, 1).numpy()[0, 0]
    check(pooling(MAX, paddingType=VALID), [x], [wanted], batch=False)


def test_what_does_not_fit_is_refused(refuse: Callable[..., Any]) -> None:
    refuse(convolution(weights=WEIGHTS[:5], paddingType=VALID), [X], UnreadableModel, legacy=False)
    refuse(convolution(paddingType=VALID), [X[:, :3]], UnsupportedModel, legacy=False)
    refuse(convolution(paddingType=VALID), [X[:, :, :2]], UnsupportedModel, legacy=False)
    refuse(transposed(paddingType=VALID, outputShape=(99, 27, 11)), [X], UnsupportedModel, legacy=False)
    refuse(layer_of("pooling3d", paddingType=VALID), [X], UnsupportedModel, legacy=False)
    refuse(pooling(MEAN, paddingType=CUSTOM, pads=(2**30,) * 6), [X], UnsupportedModel, legacy=False)
