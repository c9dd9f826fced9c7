"""Convolution and its transpose against PyTorch; SAME padding against a slow loop."""

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest

from engine.errors import UnreadableModel, UnsupportedModel

torch = pytest.importorskip("torch")
functional = torch.nn.functional

GROUPS = {"plain": (4, 6, 1), "grouped": (4, 6, 2), "depthwise": (3, 6, 3)}
"""channels in, channels out, groups"""


def fill_convolution(
    layer: Any, weights: np.ndarray, bias: np.ndarray | None, groups: int = 1, **settings: tuple[int, ...]
) -> Any:
    """VALID without padding, until `borders` or `same` say otherwise."""
    its = layer.convolution
    its.outputChannels, its.kernelChannels, its.nGroups = weights.shape[0], weights.shape[1], groups
    its.kernelSize.extend(weights.shape[2:])
    for name, values in settings.items():
        getattr(its, name).extend(values)
    its.weights.floatValue.extend(weights.reshape(-1).tolist())
    if bias is not None:
        its.hasBias = True
        its.bias.floatValue.extend(bias.tolist())
    its.valid.SetInParent()
    return its


def fill_borders(amounts: Any, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    for start, end in (rows, columns):
        edge = amounts.borderAmounts.add()
        edge.startEdgeSize, edge.endEdgeSize = start, end


def torch_convolution(x: np.ndarray, weights: np.ndarray, bias: np.ndarray | None, **settings: Any) -> np.ndarray:
    b = None if bias is None else torch.from_numpy(bias)
    return functional.conv2d(torch.from_numpy(x), torch.from_numpy(weights), b, **settings).numpy()


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("with_bias", [True, False])
def test_convolution_strided_and_dilated(
    kind: str, with_bias: bool, check: Callable[..., None], rng: np.random.Generator
) -> None:
    channels, filters, groups = GROUPS[kind]
    x, weights = floats(rng, channels, 13, 11), floats(rng, filters, channels // groups, 3, 2)
    bias = floats(rng, filters) if with_bias else None

    def fill(layer: Any) -> None:
        its = fill_convolution(layer, weights, bias, groups, stride=(2, 3), dilationFactor=(1, 2))
        fill_borders(its.valid.paddingAmounts, (1, 2), (3, 0))

    padded = np.pad(x, ((0, 0), (1, 2), (3, 0)))
    expected = torch_convolution(padded[None], weights, bias, stride=(2, 3), dilation=(1, 2), groups=groups)
    check(fill, [x], [expected[0]])


def test_defaults_are_one_group_and_stride_one(check: Callable[..., None], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 2, 7, 6), floats(rng, 5, 2, 3, 3)

    def fill(layer: Any) -> None:
        its = fill_convolution(layer, weights, None, groups=0)
        del its.kernelSize[:]

    check(fill, [x], [torch_convolution(x[None], weights, None)[0]])


def same(x: np.ndarray, reach: tuple[int, int], stride: tuple[int, int], top_left: bool) -> np.ndarray:
    """`x` padded so that ceil(size / stride) windows fit; the odd pixel at the end, or at the start."""
    amounts = [(0, 0)]
    for size, k, s in zip(x.shape[1:], reach, stride, strict=True):
        total = max(0, (ceil(size / s) - 1) * s + k - size)
        small, large = total // 2, total - total // 2
        amounts.append((large, small) if top_left else (small, large))
    return np.pad(x, amounts)


@pytest.mark.parametrize("top_left", [False, True])
@pytest.mark.parametrize(("stride", "dilation"), [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 2), (2, 1))])
def test_same_padding(
    top_left: bool,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    check: Callable[..., None],
    rng: np.random.Generator,
) -> None:
    x, weights, bias = floats(rng, 3, 10, 7), floats(rng, 5, 3, 4, 2), floats(rng, 5)

    def fill(layer: Any) -> None:
        its = fill_convolution(layer, weights, bias, stride=stride, dilationFactor=dilation)
        its.same.asymmetryMode = int(top_left)

    reach = ((4 - 1) * dilation[0] + 1, (2 - 1) * dilation[1] + 1)
    expected = torch_convolution(same(x, reach, stride, top_left)[None], weights, bias, stride=stride, dilation=dilation)
    assert expected.shape[2:] == (ceil(10 / stride[0]), ceil(7 / stride[1]))
    check(fill, [x], [expected[0]])


def test_axes_before_the_channels_are_batch(check: Callable[..., None], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 2, 4, 3, 8, 7), floats(rng, 5, 3, 3, 2)
    expected = torch_convolution(x.reshape(8, 3, 8, 7), weights, None).reshape(2, 4, 5, 6, 6)
    check(lambda layer: fill_convolution(layer, weights, None), [x], [expected], legacy=False)
    check(lambda layer: fill_convolution(layer, weights, None), [x[:1]], [expected[:1]], legacy=False)


def test_weights_as_a_second_input(check: Callable[..., None], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 1, 3, 8, 7), floats(rng, 5, 3, 3, 2)

    def fill(layer: Any) -> None:
        del fill_convolution(layer, weights, None).weights.floatValue[:]

    check(fill, [x, weights], [torch_convolution(x, weights, None)], legacy=False)


DECONVOLUTIONS: dict[str, dict[str, Any]] = {
    "stride and groups": {"stride": (2, 3), "groups": 2},
    "dilation": {"stride": (1, 2), "dilation": (2, 1)},
    "cropped": {"stride": (2, 2), "padding": (1, 2)},
    "output padding": {"stride": (3, 2), "padding": (2, 1), "output_padding": (2, 1)},
}


@pytest.mark.parametrize("kind", DECONVOLUTIONS)
def test_deconvolution(kind: str, check: Callable[..., None], rng: np.random.Generator) -> None:
    settings = dict(DECONVOLUTIONS[kind])
    x, weights, bias = floats(rng, 4, 5, 7), floats(rng, 4, 6 // settings.get("groups", 1), 5, 3), floats(rng, 6)
    expected = functional.conv_transpose2d(*map(torch.from_numpy, (x[None], weights, bias)), **settings).numpy()

    def fill(layer: Any) -> None:
        stride, dilation = settings["stride"], settings.get("dilation", (1, 1))
        its = fill_convolution(layer, weights, bias, settings.get("groups", 1), stride=stride, dilationFactor=dilation)
        its.isDeconvolution, its.outputChannels, its.kernelChannels = True, 6, 4
        rows, columns = settings.get("padding", (0, 0))
        fill_borders(its.valid.paddingAmounts, (rows, rows), (columns, columns))
        if "output_padding" in settings:
            its.outputShape.extend(expected.shape[2:])

    check(fill, [x], [expected[0]])


@pytest.mark.parametrize("top_left", [False, True])
@pytest.mark.parametrize("size", [(4, 3), (1, 2)])
def test_deconvolution_with_same_padding_gives_size_times_stride(
    top_left: bool, size: tuple[int, int], check: Callable[..., None], rng: np.random.Generator
) -> None:
    x, weights = floats(rng, 3, 5, 7), floats(rng, 3, 4, *size)

    def fill(layer: Any) -> None:
        its = fill_convolution(layer, weights, None, stride=(1, 3))
        its.isDeconvolution, its.outputChannels, its.kernelChannels = True, 4, 3
        its.same.asymmetryMode = int(top_left)

    full = functional.conv_transpose2d(*map(torch.from_numpy, (x[None], weights)), stride=(1, 3)).numpy()[0]
    full = np.pad(full, ((0, 0), (0, 0), (0, max(0, 21 - full.shape[2]))))
    total = full.shape[1] - 5
    start = total - total // 2 if top_left else total // 2
    check(fill, [x], [full[:, start : start + 5, :21]])


def test_too_few_weights_are_named(refuse: Callable[..., Exception], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 3, 8, 7), floats(rng, 5, 3, 3, 2)

    def fill(layer: Any) -> None:
        fill_convolution(layer, weights, None).weights.floatValue.pop()

    assert "'one' holds 89 numbers" in str(refuse(fill, [x], UnreadableModel))


def test_other_channels_than_the_weights_have_are_refused(
    refuse: Callable[..., Exception], rng: np.random.Generator
) -> None:
    x, weights = floats(rng, 3, 8, 7), floats(rng, 5, 2, 3, 2)
    error = refuse(lambda layer: fill_convolution(layer, weights, None), [x], UnsupportedModel)
    assert "'one' convolves 2 channels, but is given 3" in str(error)


def test_a_kernel_larger_than_the_image_is_refused(refuse: Callable[..., Exception], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 3, 4, 7), floats(rng, 5, 3, 6, 2)
    refuse(lambda layer: fill_convolution(layer, weights, None), [x], UnsupportedModel)


def test_a_vector_is_refused(refuse: Callable[..., Exception], rng: np.random.Generator) -> None:
    x, weights = floats(rng, 3, 4), floats(rng, 5, 2, 3, 2)
    refuse(lambda layer: fill_convolution(layer, weights, None), [x], UnsupportedModel, legacy=False)
