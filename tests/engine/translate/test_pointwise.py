"""Rounding, trigonometry, comparisons and logic, number by number, against PyTorch and Python's own operators."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedModel
from tests.engine.conftest import filled

torch = pytest.importorskip("torch")

Check = Callable[..., None]


def floats(*shape: int, scale: float = 1.5, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


X = floats(4, 7, 6)
"""One legacy image."""
HALVES = np.float32([-2.5, -1.5, -0.5, -0.25, 0, 0.5, 1.5, 2.5, 3.75, 7]).reshape(1, 2, 5)
"""Where roundings part, and a whole number."""
INSIDE = np.tanh(X) * 0.9
"""Between -1 and 1, where sines and tangents have an inverse."""

ONE: dict[str, tuple[str, np.ndarray]] = {
    "ceil": ("ceil", HALVES),
    "floor": ("floor", HALVES),
    "sign": ("sign", HALVES),
    "round": ("round", HALVES),
    "exp2": ("exp2", X),
    "sin": ("sin", X),
    "cos": ("cos", X),
    "tan": ("tan", INSIDE),
    "asin": ("asin", INSIDE),
    "acos": ("acos", INSIDE),
    "atan": ("atan", X),
    "sinh": ("sinh", X),
    "cosh": ("cosh", X),
    "tanh": ("tanh", X),
    "asinh": ("asinh", X),
    "acosh": ("acosh", np.abs(X) + 1),
    "atanh": ("atanh", INSIDE),
}
"""Kind: what PyTorch calls it, and numbers that it is defined for."""


@pytest.mark.parametrize("kind", ONE)
def test_a_function_of_each_number(kind: str, check: Check) -> None:
    name, x = ONE[kind]
    wanted = getattr(torch, name)(torch.from_numpy(x)).numpy()
    # A batch's other examples are these, halved, and these, moved: not all functions are defined there.
    check(filled(kind), [x], [wanted], batch=kind not in ("asin", "acos", "acosh", "atanh"))
    check(filled(kind), [x[None, :, None]], [wanted[None, :, None]], legacy=False, batch=False)


@pytest.mark.parametrize("legacy", [True, False])
def test_halves_are_rounded_to_even_numbers(legacy: bool, check: Check) -> None:
    wanted = np.float32([-2, -2, 0, 0, 0, 0, 2, 2, 4, 7]).reshape(HALVES.shape)
    check(filled("round"), [HALVES], [wanted], legacy=legacy)


COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "equal": operator.eq,
    "notEqual": operator.ne,
    "lessThan": operator.lt,
    "lessEqual": operator.le,
    "greaterThan": operator.gt,
    "greaterEqual": operator.ge,
}

WHOLE = np.random.default_rng(2).integers(-1, 2, (4, 7, 6)).astype(np.float32)
OTHER = np.random.default_rng(3).integers(-1, 2, (4, 7, 6)).astype(np.float32)


def each(how: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """1 where it holds, number by number, and 0 where not."""
    together = np.broadcast_arrays(*arrays)
    flat = [float(bool(how(*numbers))) for numbers in zip(*(map(float, a.ravel()) for a in together), strict=True)]
    return np.array(flat).reshape(together[0].shape)


@pytest.mark.parametrize("kind", COMPARED)
def test_two_blobs_are_compared(kind: str, check: Check) -> None:
    wanted = each(COMPARED[kind], WHOLE, OTHER)
    assert 0 < wanted.sum() < wanted.size
    check(filled(kind), [WHOLE, OTHER], [wanted])
    check(filled(kind), [WHOLE, OTHER[2, :, :1]], [each(COMPARED[kind], WHOLE, OTHER[2, :, :1])], legacy=False)


@pytest.mark.parametrize("kind", COMPARED)
def test_one_blob_is_compared_with_the_layers_number(kind: str, check: Check) -> None:
    for alpha in (0, -1):
        check(filled(kind, alpha=alpha), [WHOLE], [each(COMPARED[kind], WHOLE, np.float32(alpha))])
        check(
            filled(kind, alpha=alpha), [WHOLE[None]], [each(COMPARED[kind], WHOLE, np.float32(alpha))[None]], legacy=False
        )


@pytest.mark.parametrize("kind", COMPARED)
def test_what_is_no_number_equals_nothing(kind: str, check: Check) -> None:
    x, y = np.float32([[np.nan, 1, np.inf]]), np.float32([[np.nan, np.nan, np.inf]])
    check(filled(kind), [x, y], [each(COMPARED[kind], x, y)], legacy=False, batch=False)


LOGICAL: dict[str, Callable[..., bool]] = {
    "logicalAnd": lambda a, b: bool(a and b),
    "logicalOr": lambda a, b: bool(a or b),
    "logicalXor": lambda a, b: bool(a) is not bool(b),
    "logicalNot": lambda a: not a,
}


@pytest.mark.parametrize("kind", LOGICAL)
def test_whatever_is_not_0_is_true(kind: str, check: Check) -> None:
    how = LOGICAL[kind]
    first, second = WHOLE * np.float32(0.25), OTHER * 8
    blobs = [first, second][: 1 if kind == "logicalNot" else 2]
    check(filled(kind), blobs, [each(how, *blobs)], batch=False)
    narrow = [first, second[:, 3:4]][: len(blobs)]
    check(filled(kind), narrow, [each(how, *narrow)], legacy=False)


DIVIDED: dict[str, Callable[[Any, Any], Any]] = {
    "floorDivBroadcastable": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "modBroadcastable": torch.remainder,
}


@pytest.mark.parametrize("kind", DIVIDED)
def test_divisions_are_rounded_down(kind: str, check: Check) -> None:
    """With all four pairs of signs, and by numbers that are broadcast."""
    x, y = floats(4, 7, 6, scale=9), floats(4, 7, 6, scale=2, seed=6)
    for left, right in ((x, y), (np.round(x), np.float32(-2) + 0 * y)):
        wanted = DIVIDED[kind](torch.from_numpy(left), torch.from_numpy(right)).numpy()
        check(filled(kind), [left, right], [wanted], batch=False, tolerance=1e-4)
    narrow = y[1, :, :1]
    wanted = DIVIDED[kind](torch.from_numpy(x), torch.from_numpy(narrow)).numpy()
    check(filled(kind), [x, narrow], [wanted], legacy=False, tolerance=1e-4)


@pytest.mark.parametrize("kind", DIVIDED)
@pytest.mark.parametrize("count", [1, 3])
def test_a_division_has_two_sides(kind: str, count: int, refuse: Callable[..., Any]) -> None:
    assert f"'one' divides {count} blobs" in str(refuse(filled(kind), [X] * count, UnsupportedModel))


def test_where(check: Check) -> None:
    condition, yes, no = WHOLE * np.float32(0.5), floats(4, 7, 6), floats(4, 7, 6, seed=8)
    wanted = torch.where(torch.from_numpy(condition) != 0, torch.from_numpy(yes), torch.from_numpy(no)).numpy()
    check(filled("whereBroadcastable"), [condition, yes, no], [wanted], batch=False)
    row, column = condition[0, :1], no[2, :, :1]
    wanted = torch.where(torch.from_numpy(row) != 0, torch.from_numpy(yes), torch.from_numpy(column)).numpy()
    check(filled("whereBroadcastable"), [row, yes, column], [wanted], legacy=False)


def test_where_needs_both_answers(refuse: Callable[..., Any]) -> None:
    refuse(filled("whereBroadcastable"), [X, X], UnsupportedModel)


@pytest.mark.parametrize("kind", ["equal", "logicalAnd", "modBroadcastable", "whereBroadcastable"])
def test_shapes_that_do_not_broadcast_are_refused(kind: str, refuse: Callable[..., Any]) -> None:
    blobs = [floats(4, 7), floats(4, 6), *([floats(4, 1)] if kind == "whereBroadcastable" else [])]
    refuse(filled(kind), blobs, UnsupportedModel, legacy=False)
