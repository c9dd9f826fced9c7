"""innerProduct and batchedMatmul against sums written out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedModel


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(11).normal(size=shape).astype(np.float32)


def fill_inner(layer: Any, weights: np.ndarray, bias: np.ndarray | None) -> Any:
    its = layer.innerProduct
    its.outputChannels, its.inputChannels = weights.shape
    its.weights.floatValue.extend(weights.reshape(-1).tolist())
    if bias is not None:
        its.hasBias = True
        its.bias.floatValue.extend(bias.tolist())
    return its


def products(x: np.ndarray, weights: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Over the last axis, one sum at a time."""
    rows = x.reshape(-1, x.shape[-1])
    found = [[float(np.sum(row.astype(np.float64) * w)) for w in weights] for row in rows]
    result = np.array(found) + (0 if bias is None else bias)
    return result.reshape(*x.shape[:-1], len(weights))


BIASES = {"with bias": floats(5), "without": None}


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("shape", [(6,), (1, 6), (4, 6), (2, 4, 6)])
def test_inner_product_of_the_last_axis(bias: str, shape: tuple[int, ...], check: Callable[..., None]) -> None:
    x, weights = floats(*shape), floats(5, 6)
    expected = products(x, weights, BIASES[bias])
    check(lambda layer: fill_inner(layer, weights, BIASES[bias]), [x], [expected], legacy=False)


@pytest.mark.parametrize("shape", [(1, 6, 1, 1), (2, 3, 4, 7), (2, 4, 3, 7, 1), (1, 4, 3, 7, 2)])
def test_inner_product_takes_three_axes_as_one(shape: tuple[int, ...], check: Callable[..., None]) -> None:
    lead = shape[:-3]
    x, weights, bias = floats(*shape), floats(5, int(np.prod(shape[-3:]))), floats(5)
    expected = products(x.reshape(*lead, -1), weights, bias).reshape(*lead, 5, 1, 1)
    check(lambda layer: fill_inner(layer, weights, bias), [x], [expected], legacy=False)


def test_legacy_inner_product(check: Callable[..., None]) -> None:
    x, weights, bias = floats(2, 3, 4), floats(5, 24), floats(5)
    flat = products(x.reshape(-1), weights, bias)
    check(lambda layer: fill_inner(layer, weights, bias), [x], [flat.reshape(5, 1, 1)])
    check(lambda layer: fill_inner(layer, weights, bias), [x.reshape(-1)], [flat], batch=False)


def test_other_sizes_than_the_weights_have_are_refused(refuse: Callable[..., Exception]) -> None:
    error = refuse(lambda layer: fill_inner(layer, floats(5, 7), None), [floats(2, 3, 4)], UnsupportedModel)
    assert "'one' multiplies 7 numbers, but is given 24" in str(error)


def test_weights_quantised_at_run_time(check: Callable[..., None]) -> None:
    x, levels = floats(4, 6), np.random.default_rng(2).integers(-127, 128, (5, 6)).astype(np.int8)

    def fill(layer: Any) -> None:
        its = fill_inner(layer, floats(5, 6), None)
        del its.weights.floatValue[:]
        its.int8DynamicQuantize = True
        its.weights.int8RawValue = levels.tobytes()
        its.weights.quantization.numberOfBits = 8
        its.weights.quantization.linearQuantization.scale.append(0.03)

    check(fill, [x], [products(x, levels * np.float32(0.03), None)], legacy=False)


def fill_stored(layer: Any, matrix: np.ndarray, bias: np.ndarray | None) -> None:
    its = layer.batchedMatmul
    its.weightMatrixFirstDimension, its.weightMatrixSecondDimension = matrix.shape
    its.weights.floatValue.extend(matrix.T.reshape(-1).tolist())
    if bias is not None:
        its.hasBias = True
        its.bias.floatValue.extend(bias.tolist())


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("shape", [(4, 6), (1, 3, 6), (2, 3, 4, 6)])
def test_matmul_with_a_stored_matrix(bias: str, shape: tuple[int, ...], check: Callable[..., None]) -> None:
    x, matrix = floats(*shape), floats(6, 5)
    expected = products(x, matrix.T, BIASES[bias])
    check(lambda layer: fill_stored(layer, matrix, BIASES[bias]), [x], [expected], legacy=False)


def test_matmul_of_a_legacy_blob(check: Callable[..., None]) -> None:
    x, matrix = floats(2, 4, 6), floats(6, 5)
    check(lambda layer: fill_stored(layer, matrix, None), [x], [products(x, matrix.T, None)])


@pytest.mark.parametrize("turn", ["neither", "first", "second", "both"])
def test_matmul_of_two_blobs(turn: str, check: Callable[..., None]) -> None:
    left, right = floats(1, 3, 4, 6), floats(1, 3, 6, 5)
    expected = np.einsum("abij,abjk->abik", left.astype(np.float64), right.astype(np.float64))
    first, second = turn in ("first", "both"), turn in ("second", "both")

    def fill(layer: Any) -> None:
        layer.batchedMatmul.transposeA, layer.batchedMatmul.transposeB = first, second

    arrays = [left.swapaxes(2, 3) if first else left, right.swapaxes(2, 3) if second else right]
    check(fill, arrays, [expected], legacy=False)


def test_matmul_broadcasts(check: Callable[..., None]) -> None:
    left, right = floats(2, 1, 4, 6), floats(3, 6, 5)
    expected = np.einsum("aij,bjk->abik", left[:, 0].astype(np.float64), right.astype(np.float64))
    check(lambda layer: layer.batchedMatmul.SetInParent(), [left, right], [expected], legacy=False)
