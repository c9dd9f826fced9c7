"""Every nonlinearity against its formula, and those that PyTorch has against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedLayer
from engine.translate.activation import NONLINEARITIES

ALPHAS = np.array([0.25, -0.5, 1.5], np.float32)
BETAS = np.array([0.75, 2.0, -1.0], np.float32)
COLUMN = (slice(None), None, None)

CASES: dict[str, tuple[dict[str, Any], Callable[[np.ndarray], np.ndarray]]] = {
    "linear": ({"alpha": 1.75, "beta": -0.5}, lambda x: 1.75 * x - 0.5),
    "ReLU": ({}, lambda x: np.maximum(x, 0)),
    "leakyReLU": ({"alpha": 0.125}, lambda x: np.where(x >= 0, x, 0.125 * x)),
    "thresholdedReLU": ({"alpha": 0.5}, lambda x: np.where(x >= 0.5, x, 0)),
    "PReLU": ({"alpha": ALPHAS}, lambda x: np.where(x >= 0, x, ALPHAS[COLUMN] * x)),
    "tanh": ({}, np.tanh),
    "scaledTanh": ({"alpha": 1.7, "beta": 0.6}, lambda x: 1.7 * np.tanh(0.6 * x)),
    "sigmoid": ({}, lambda x: 1 / (1 + np.exp(-x))),
    "sigmoidHard": ({"alpha": 0.4, "beta": 0.3}, lambda x: np.minimum(np.maximum(0.4 * x + 0.3, 0), 1)),
    "ELU": ({"alpha": 0.7}, lambda x: np.where(x >= 0, x, 0.7 * (np.exp(x) - 1))),
    "softsign": ({}, lambda x: x / (1 + np.abs(x))),
    "softplus": ({}, lambda x: np.log(1 + np.exp(x))),
    "parametricSoftplus": (
        {"alpha": ALPHAS, "beta": BETAS},
        lambda x: ALPHAS[COLUMN] * np.log(1 + np.exp(BETAS[COLUMN] * x)),
    ),
}
"""Parameters, and the formula of the format's text."""

TORCH: dict[str, Callable[[Any, Any], Any]] = {
    "leakyReLU": lambda f, x: f.leaky_relu(x, 0.125),
    "PReLU": lambda f, x: f.prelu(x[None], x.new_tensor(ALPHAS))[0],
    "ELU": lambda f, x: f.elu(x, 0.7),
    "softsign": lambda f, x: f.softsign(x),
    "softplus": lambda f, x: f.softplus(x),
}


def fill_activation(layer: Any, name: str, parameters: dict[str, Any]) -> None:
    its = getattr(layer.activation, name)
    its.SetInParent()
    for key, value in parameters.items():
        if isinstance(value, np.ndarray):
            getattr(its, key).floatValue.extend(value.tolist())
        else:
            setattr(its, key, value)


def numbers(*shape: int) -> np.ndarray:
    """Among them the borders: 0 and 0.5."""
    x = np.random.default_rng(5).normal(0, 1.5, shape).astype(np.float32)
    x.reshape(-1)[:3] = 0, 0.5, -0.5
    return x


def test_every_nonlinearity_has_a_case() -> None:
    assert set(CASES) == set(NONLINEARITIES)


@pytest.mark.parametrize("name", CASES)
def test_formula(name: str, check: Callable[..., None]) -> None:
    parameters, formula = CASES[name]
    x = numbers(3, 4, 5)
    check(lambda layer: fill_activation(layer, name, parameters), [x], [formula(x)])
    check(lambda layer: fill_activation(layer, name, parameters), [x[None]], [formula(x)[None]], legacy=False)


@pytest.mark.parametrize("name", TORCH)
def test_torch(name: str, check: Callable[..., None]) -> None:
    torch = pytest.importorskip("torch")
    x = numbers(3, 4, 5)
    expected = TORCH[name](torch.nn.functional, torch.from_numpy(x)).numpy()
    check(lambda layer: fill_activation(layer, name, CASES[name][0]), [x], [expected])


def test_one_alpha_for_all_channels(check: Callable[..., None]) -> None:
    x = numbers(3, 4, 5)
    for shape in ((3, 4, 5), (1, 4, 5)):
        y = x.reshape(-1)[: np.prod(shape)].reshape(shape)
        alpha = {"alpha": np.array([0.25], np.float32)}
        check(lambda layer, alpha=alpha: fill_activation(layer, "PReLU", alpha), [y], [np.where(y >= 0, y, 0.25 * y)])


@pytest.mark.parametrize("shape", [(3,), (1, 3)])
def test_vectors(shape: tuple[int, ...], check: Callable[..., None]) -> None:
    x = numbers(*shape)
    expected = np.where(x >= 0, x, ALPHAS * x)
    check(lambda layer: fill_activation(layer, "PReLU", {"alpha": ALPHAS}), [x], [expected], legacy=False)


def test_a_legacy_vector_has_its_channels_first(check: Callable[..., None]) -> None:
    x = numbers(3)
    check(
        lambda layer: fill_activation(layer, "PReLU", {"alpha": ALPHAS}),
        [x],
        [np.where(x >= 0, x, ALPHAS * x)],
        batch=False,
    )


def test_large_numbers_stay_finite(check: Callable[..., None]) -> None:
    x = np.array([[[-200.0, 200.0]]], np.float32)
    check(lambda layer: fill_activation(layer, "softplus", {}), [x], [np.array([[[0.0, 200.0]]])])
    check(lambda layer: fill_activation(layer, "sigmoid", {}), [x], [np.array([[[0.0, 1.0]]])])


def test_none_is_refused(refuse: Callable[..., Exception]) -> None:
    error = refuse(lambda layer: layer.activation.SetInParent(), [numbers(3, 4, 5)], UnsupportedLayer)
    assert "'one'" in str(error)
