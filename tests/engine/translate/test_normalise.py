"""Normalisation against PyTorch where it has the same, else against the formula written out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnreadableModel, UnsupportedModel

torch = pytest.importorskip("torch")
functional = torch.nn.functional

EXACT = [True, False]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(13).normal(0.3, 1.2, shape).astype(np.float32)


X = floats(5, 4, 3)
GAMMA, BETA, MEAN = floats(5) + 1, floats(5) * 2, floats(5) - 1
VARIANCE = np.array([0.5, 2.0, 1.25, 0.01, 0.0], np.float32)


def fill_batchnorm(layer: Any, epsilon: float, stored: bool) -> Any:
    its = layer.batchnorm
    its.channels, its.epsilon = 5, epsilon
    its.gamma.floatValue.extend(GAMMA.tolist())
    its.beta.floatValue.extend(BETA.tolist())
    if stored:
        its.mean.floatValue.extend(MEAN.tolist())
        its.variance.floatValue.extend(VARIANCE.tolist())
    else:
        its.computeMeanVar = its.instanceNormalization = True
    return its


@pytest.mark.parametrize("epsilon", [0.0, 0.01])
def test_batchnorm(epsilon: float, check: Callable[..., None]) -> None:
    mean, variance, gamma, beta = map(torch.from_numpy, (MEAN, VARIANCE, GAMMA, BETA))
    x = torch.from_numpy(X[None])
    expected = functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon or 1e-5).numpy()
    # A variance of 0 multiplies by 316: the numbers are large.
    check(lambda layer: fill_batchnorm(layer, epsilon, True), [X], [expected[0]], tolerance=1e-4)
    check(lambda layer: fill_batchnorm(layer, epsilon, True), [X[None]], [expected], legacy=False, tolerance=1e-4)
    check(lambda layer: fill_batchnorm(layer, epsilon, True), [X[None, None]], [expected[None]], legacy=False)


@pytest.mark.parametrize("epsilon", [0.0, 0.01])
def test_instance_normalisation(epsilon: float, check: Callable[..., None]) -> None:
    gamma, beta = map(torch.from_numpy, (GAMMA, BETA))
    expected = functional.instance_norm(torch.from_numpy(X[None]), None, None, gamma, beta, eps=epsilon or 1e-5)
    check(lambda layer: fill_batchnorm(layer, epsilon, False), [X], [expected.numpy()[0]])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("k", [0.0, 1.5])
def test_lrn(size: int, k: float, check: Callable[..., None]) -> None:
    expected = functional.local_response_norm(torch.from_numpy(X[None]), size, 0.7, 0.6, k or 1.0).numpy()

    def fill(layer: Any) -> None:
        its = layer.lrn
        its.localSize, its.alpha, its.beta, its.k = size, 0.7, 0.6, k

    check(fill, [X], [expected[0]])
    check(fill, [X[None, None]], [expected[None]], legacy=False)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("epsilon", [0.0, 0.5])
def test_mvn(across: bool, variance: bool, epsilon: float, check: Callable[..., None]) -> None:
    axes = (0, 1, 2) if across else (1, 2)
    x = X.astype(np.float64)
    apart = x - x.mean(axes, keepdims=True)
    expected = apart / np.sqrt((apart**2).mean(axes, keepdims=True) + (epsilon or 1e-6)) if variance else apart

    def fill(layer: Any) -> None:
        its = layer.mvn
        its.acrossChannels, its.normalizeVariance, its.epsilon = across, variance, epsilon

    check(fill, [X], [expected])


@pytest.mark.parametrize("epsilon", [0.0, 0.5])
def test_l2normalize(epsilon: float, check: Callable[..., None]) -> None:
    def fill(layer: Any) -> None:
        layer.l2normalize.epsilon = epsilon

    check(fill, [X], [X / np.sqrt((X.astype(np.float64) ** 2).sum() + (epsilon or 1e-6))])
    zeros = np.zeros((2, 3, 4))
    check(fill, [zeros], [zeros], batch=False)


@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 4, 3), 0), ((1, 5, 4, 3), 1), ((2, 1, 5, 4, 3), 2), ((1, 5), 1), ((5,), 0)]
)
def test_softmax_is_over_the_channels(shape: tuple[int, ...], axis: int, check: Callable[..., None]) -> None:
    x = floats(*shape) * 3
    expected = functional.softmax(torch.from_numpy(x), dim=axis).numpy()
    check(lambda layer: layer.softmax.SetInParent(), [x], [expected], legacy=False)


def test_legacy_softmax(check: Callable[..., None]) -> None:
    check(lambda layer: layer.softmax.SetInParent(), [X], [functional.softmax(torch.from_numpy(X), dim=0).numpy()])
    column = X[:, :1, :1]
    expected = functional.softmax(torch.from_numpy(column), dim=0).numpy()
    check(lambda layer: layer.softmax.SetInParent(), [column], [expected])
    check(lambda layer: layer.softmax.SetInParent(), [column.ravel()], [expected.ravel()], batch=False)


@pytest.mark.parametrize("axis", [-1, -2, -3, 1, 3])
def test_softmax_nd(axis: int, check: Callable[..., None]) -> None:
    x = X[None]

    def fill(layer: Any) -> None:
        layer.softmaxND.axis = axis

    check(fill, [x], [functional.softmax(torch.from_numpy(x), dim=axis).numpy()], legacy=False)


@pytest.mark.parametrize("axis", [-1, -3, 2])
def test_legacy_softmax_nd_counts_five_axes(axis: int, check: Callable[..., None]) -> None:
    def fill(layer: Any) -> None:
        layer.softmaxND.axis = axis

    expected = functional.softmax(torch.from_numpy(X[None, None]), dim=axis).numpy()[0, 0]
    check(fill, [X], [expected])


def fill_layer_normalization(layer: Any, shape: tuple[int, ...], numbers: tuple[int, ...]) -> Any:
    its = layer.layerNormalization
    its.normalizedShape.extend(shape)
    its.eps = 0.25
    its.gamma.floatValue.extend((floats(*numbers) + 1).ravel().tolist())
    its.beta.floatValue.extend((floats(*numbers) * 2).ravel().tolist())


@pytest.mark.parametrize("shape", [(3,), (4, 3), (5, 4, 3)])
def test_layer_normalization(shape: tuple[int, ...], check: Callable[..., None]) -> None:
    x = floats(1, 5, 4, 3)
    gamma, beta = torch.from_numpy(floats(*shape) + 1), torch.from_numpy(floats(*shape) * 2)
    expected = functional.layer_norm(torch.from_numpy(x), shape, gamma, beta, 0.25).numpy()
    check(lambda layer: fill_layer_normalization(layer, shape, shape), [x], [expected], legacy=False)
    check(lambda layer: fill_layer_normalization(layer, shape, shape), [x[0]], [expected[0]])


def test_other_axes_than_the_last_are_not_normalised(refuse: Callable[..., Any]) -> None:
    def error(shape: tuple[int, ...], numbers: tuple[int, ...], kind: type[Exception]) -> str:
        return str(refuse(lambda layer: fill_layer_normalization(layer, shape, numbers), [X], kind, legacy=False))

    assert "(4,)" in error((4,), (4,), UnsupportedModel)
    assert "()" in error((), (1,), UnsupportedModel)
    assert "holds 3 numbers" in error((4, 3), (3,), UnreadableModel)
    error((2, 5, 4, 3), (2, 5, 4, 3), UnsupportedModel)
