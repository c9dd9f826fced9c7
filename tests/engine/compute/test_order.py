"""Layers that sort, rank and sum in order, against PyTorch and TensorFlow's definitions written out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedModel
from tests.engine.conftest import filled

torch = pytest.importorskip("torch")

Check = Callable[..., None]
Refuse = Callable[..., Any]


X = np.random.default_rng(8).permutation(4 * 7 * 6).reshape(4, 7, 6).astype(np.float32) - 80
"""All numbers differ, so that there is one order."""
AXES = [0, 1, 2, -1, -2]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("smallest", [True, False])
def test_the_first_k(smallest: bool, axis: int, check: Check) -> None:
    wanted = [each.numpy() for each in torch.topk(torch.from_numpy(X), 3, axis, largest=not smallest)]
    its = {"axis": axis, "useBottomK": smallest}
    check(filled("topK", K=3, **its), [X], wanted, legacy=False)
    check(filled("topK", K=1, **its), [X, np.float32([3])], wanted, legacy=False)


def test_no_more_than_there_are(check: Check) -> None:
    wanted = [each.numpy() for each in torch.sort(torch.from_numpy(X), 1, descending=True)]
    check(filled("topK", K=2**40, axis=1), [X], wanted, legacy=False)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("descending", [True, False])
def test_places_in_order(descending: bool, axis: int, check: Check) -> None:
    wanted = torch.argsort(torch.from_numpy(X), axis, descending=descending).numpy()
    check(filled("argSort", axis=axis, descending=descending), [X], [wanted], legacy=False)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize("exclusive", [True, False])
def test_running_sums(exclusive: bool, reverse: bool, axis: int, check: Check) -> None:
    """As tf.cumsum describes it: without its own number, a sum starts at 0."""
    x = np.moveaxis(X, axis, -1)[..., :: -1 if reverse else 1]
    wanted = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        wanted[at] = sum(map(float, x[at[:-1]][: at[-1] + (not exclusive)]))
    wanted = np.moveaxis(wanted[..., :: -1 if reverse else 1], -1, axis)
    its = {"reverse": reverse, "excludeFinalSum": exclusive}
    check(filled("cumSum", axis=axis, **its), [X], [wanted], legacy=False)
    check(filled("cumSum", axis=5, **its), [X, np.float32([axis])], [wanted], legacy=False)


def test_a_sum_before_infinity_is_finite(check: Check) -> None:
    x = np.float32([1, 2, np.inf, 3])
    check(filled("cumSum", excludeFinalSum=True), [x], [np.float32([0, 1, 3, np.inf])], legacy=False)


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 2), (-1, 1), (2, -1), (-1, -1), (0, 9)])
def test_a_band_of_a_matrix(lower: int, upper: int, check: Check) -> None:
    """The formula of tf.linalg.band_part, number by number."""
    wanted = np.zeros(X.shape)
    for at in np.ndindex(*X.shape):
        row, column = at[-2:]
        if (lower < 0 or row - column <= lower) and (upper < 0 or column - row <= upper):
            wanted[at] = X[at]
    check(filled("matrixBandPart", numLower=lower, numUpper=upper), [X], [wanted], legacy=False)


@pytest.mark.parametrize("k", [-3, -1, 0, 2, 9])
def test_triangles(k: int, check: Check) -> None:
    x = torch.from_numpy(X)
    check(filled("lowerTriangular", k=k), [X], [torch.tril(x, k).numpy()], legacy=False)
    check(filled("upperTriangular", k=k), [X], [torch.triu(x, k).numpy()], legacy=False)


@pytest.mark.parametrize("kind", ["lowerTriangular", "matrixBandPart"])
def test_what_is_outside_is_0_whatever_it_was(kind: str, check: Check) -> None:
    x = np.full((2, 3), np.nan, np.float32)
    x[0, 0] = x[1, :2] = 1
    numbers = {"lowerTriangular": {}, "matrixBandPart": {"numLower": -1}}[kind]
    check(filled(kind, **numbers), [x], [np.float32([[1, 0, 0], [1, 1, 0]])], legacy=False)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(("size", "step"), [(3, 1), (2, 2), (1, 3), (4, 5)])
def test_windows(size: int, step: int, axis: int, check: Check) -> None:
    unfolded = torch.from_numpy(X).unfold(axis, size, step)
    wanted = torch.movedim(unfolded, -1, axis % 3 + 1).numpy()
    check(filled("slidingWindows", axis=axis, windowSize=size, step=step), [X], [wanted], legacy=False)


@pytest.mark.parametrize(("size", "step"), [(8, 1), (2, 0), (0, 0), (2**40, 1)])
def test_windows_that_do_not_fit_are_refused(size: int, step: int, refuse: Refuse) -> None:
    refuse(filled("slidingWindows", axis=1, windowSize=size, step=step), [X], UnsupportedModel, legacy=False)


def test_windows_beyond_measure_are_refused(refuse: Refuse) -> None:
    x = np.zeros(2**16)
    fill = filled("slidingWindows", windowSize=2**15, step=1)
    assert "32769 x 32768 numbers" in str(refuse(fill, [x], UnsupportedModel, legacy=False))


@pytest.mark.parametrize("kind", ["topK", "argSort", "cumSum", "slidingWindows"])
def test_an_axis_that_is_not_there_is_refused(kind: str, refuse: Refuse) -> None:
    settings = {"topK": {"K": 2}, "slidingWindows": {"windowSize": 2, "step": 1}}.get(kind, {})
    for axis in (3, -4):
        refuse(filled(kind, axis=axis, **settings), [X], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("kind", ["matrixBandPart", "lowerTriangular", "upperTriangular"])
def test_a_matrix_has_two_axes(kind: str, refuse: Refuse) -> None:
    refuse(filled(kind), [X[0, 0]], UnsupportedModel, legacy=False)


def test_a_number_of_k_that_is_none_is_refused(refuse: Refuse) -> None:
    refuse(filled("topK"), [X, np.float32([np.nan])], UnsupportedModel, legacy=False)
    refuse(filled("topK"), [X, np.float32([-1])], UnsupportedModel, legacy=False)
