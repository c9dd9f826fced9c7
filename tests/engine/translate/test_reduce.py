"""Sums, means and extremes: every mode over every set of axes, by loops over what is left, and by NumPy."""

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import translate

Check = Callable[..., None]
Fill = Callable[[Any], None]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


X = floats(4, 7, 6)
"""One legacy image; layers see (1, 1, 4, 7, 6)."""
Y = floats(1, 4, 7, 6)
"""One image as newer networks have it."""

MODES: tuple[Callable[[list[float]], float], ...] = (
    sum,
    lambda numbers: sum(numbers) / len(numbers),
    math.prod,
    lambda numbers: sum(math.log(each + 0.25) for each in numbers),
    lambda numbers: sum(each**2 for each in numbers),
    lambda numbers: sum(abs(each) for each in numbers),
    lambda numbers: math.sqrt(sum(each**2 for each in numbers)),
    max,
    min,
    lambda numbers: numbers.index(max(numbers)),
)
"""In the order of the format's enumeration."""
LOGSUM, ARGMAX = 3, 9
AXES = ((-3, -2, -1), (-2, -1), (-3,), (-2,), (-1,))


def over(x: np.ndarray, axes: Iterable[int], how: Callable[[list[float]], float]) -> np.ndarray:
    """The axes stay, with size 1."""
    places = {axis % x.ndim for axis in axes}
    out = np.zeros([1 if at in places else size for at, size in enumerate(x.shape)])
    for index in np.ndindex(*out.shape):
        ranges = [range(size) if at in places else [index[at]] for at, size in enumerate(x.shape)]
        out[index] = how([float(x[each]) for each in product(*ranges)])
    return out


def reduction(mode: int, axis: int, epsilon: float = 0) -> Fill:
    def fill(layer: Any) -> None:
        layer.reduce.mode, layer.reduce.axis, layer.reduce.epsilon = mode, axis, epsilon

    return fill


@pytest.mark.parametrize("axis", range(len(AXES)))
@pytest.mark.parametrize("mode", range(len(MODES)))
def test_every_mode_over_every_set_of_axes(mode: int, axis: int, check: Check, refuse: Callable[..., Any]) -> None:
    x = np.abs(X) if mode == LOGSUM else X
    if mode == ARGMAX and len(AXES[axis]) > 1:
        assert "over several axes" in str(refuse(reduction(mode, axis), [x], UnsupportedModel))
        return
    wanted = over(x, AXES[axis], MODES[mode])
    check(reduction(mode, axis, 0.25), [x], [wanted])
    check(reduction(mode, axis, 0.25), [x[None]], [wanted[None]], legacy=False)


def test_the_logarithm_of_nothing_is_that_of_a_millionth(check: Check) -> None:
    x = np.zeros((4, 1, 3), np.float32)
    check(reduction(LOGSUM, 2), [x], [np.full((1, 1, 3), 4 * math.log(1e-6))], batch=False)


def test_the_first_of_equal_maxima_counts(check: Check) -> None:
    x = np.float32([[[1, 5, 5, 2]], [[3, 3, 0, 3]], [[-1, -1, -1, -1]]])
    check(reduction(ARGMAX, 4), [x], [np.float32([[[1]], [[0]], [[0]]])])


@pytest.mark.parametrize(("axis", "shape"), [(3, (5, 4)), (4, (5, 4)), (4, (5,)), (1, (5, 4))])
def test_fewer_axes_will_do_where_those_named_are_there(axis: int, shape: tuple[int, ...], check: Check) -> None:
    x = floats(*shape)
    check(reduction(0, axis), [x], [over(x, AXES[axis], sum)], legacy=False)


@pytest.mark.parametrize("axis", [0, 2])
def test_two_axes_have_no_channels(axis: int, refuse: Callable[..., Any]) -> None:
    refuse(reduction(0, axis), [floats(5, 4)], UnsupportedModel, legacy=False)


def _of(how: Callable[[np.ndarray], np.ndarray], after: Callable[..., Any] = lambda x: x) -> Callable[..., np.ndarray]:
    """A sum of what `how` makes of each number, and what `after` makes of the sum."""
    return lambda x, **axes: after(np.sum(how(np.float64(x)), **axes))


KINDS: dict[str, Callable[..., np.ndarray]] = {
    "reduceMean": np.mean,
    "reduceSum": np.sum,
    "reduceMax": np.max,
    "reduceMin": np.min,
    "reduceProd": np.prod,
    "reduceL1": _of(np.abs),
    "reduceL2": _of(np.square, np.sqrt),
    "reduceSumSquare": _of(np.square),
    "reduceLogSum": lambda x, **axes: np.log(np.sum(x, **axes)),
    "reduceLogSumExp": _of(np.exp, np.log),
}


def fit_for(kind: str, x: np.ndarray) -> np.ndarray:
    """Numbers that the reduction is defined for."""
    return np.abs(x) if kind == "reduceLogSum" else x


def along(kind: str, *axes: int, keep: bool = False, everything: bool = False) -> Fill:
    def fill(layer: Any) -> None:
        its = getattr(layer, kind)
        its.axes.extend(axes)
        its.keepDims, its.reduceAll = keep, everything

    return fill


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("axes", [(1,), (-1,), (2, 3), (-1, 1), (1, 2, 3), (-3, -2)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_axes_of_newer_networks(kind: str, axes: tuple[int, ...], keep: bool, check: Check) -> None:
    y = fit_for(kind, Y)
    check(along(kind, *axes, keep=keep), [y], [KINDS[kind](y, axis=axes, keepdims=keep)], legacy=False)


@pytest.mark.parametrize("axes", [(2,), (-1, -2), (2, 3, 4), (-3,)])
@pytest.mark.parametrize("kind", KINDS)
def test_axes_of_legacy_networks_count_sequence_and_batch(kind: str, axes: tuple[int, ...], check: Check) -> None:
    x = fit_for(kind, X)
    check(along(kind, *axes, keep=True), [x], [KINDS[kind](x[None, None], axis=axes, keepdims=True)[0, 0]])


@pytest.mark.parametrize("kind", KINDS)
def test_all_axes(kind: str, check: Check) -> None:
    """Whatever axes are named beside it; a result without axes keeps one."""
    x = fit_for(kind, floats(5, 4, 3))
    wanted = np.asarray(KINDS[kind](x))
    check(along(kind, 1, everything=True), [x], [wanted.reshape(1)], legacy=False)
    check(along(kind, 1, everything=True, keep=True), [x], [wanted.reshape(1, 1, 1)], legacy=False)
    check(along(kind, 0, -1, 1), [x], [wanted.reshape(1)], legacy=False)
    check(along(kind, 0), [x[:, 0, 0]], [np.asarray(KINDS[kind](x[:, 0, 0])).reshape(1)], legacy=False)
    check(lambda layer: getattr(layer, kind).SetInParent(), [x], [wanted.reshape(1)], legacy=False)


@pytest.mark.parametrize("fill", [along("reduceMax", 0, 1), along("reduceMax"), along("reduceMax", 1, everything=True)])
def test_a_result_without_axes_keeps_one(fill: Fill) -> None:
    """Inside the network too, where the next layer may ask for its first axis."""
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = 1
    feature = model.description.input.add()
    feature.name = "x"
    feature.type.multiArrayType.shape.extend((5, 4))
    layer = model.neuralNetwork.layers.add()
    layer.input.append("x")
    layer.output.append("y")
    fill(layer)
    described = describe(model)
    assert described.network is not None
    made = translate(described.network, described.inputs, described.network.layers, ("y",), batch=False)
    assert made.outputs["y"].shape == (1,)


@pytest.mark.parametrize("axes", [(4,), (-5,), (1, 9)])
def test_an_axis_that_is_not_there_is_refused(axes: tuple[int, ...], refuse: Callable[..., Any]) -> None:
    refuse(along("reduceSum", *axes), [Y], UnsupportedModel, legacy=False)


PLACES = {"argMax": np.argmax, "argMin": np.argmin}


def place(kind: str, axis: int, removed: bool) -> Fill:
    def fill(layer: Any) -> None:
        its = getattr(layer, kind)
        its.axis, its.removeDim = axis, removed

    return fill


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("axis", [1, 2, -1, -2])
@pytest.mark.parametrize("kind", PLACES)
def test_the_place_of_an_extreme(kind: str, axis: int, removed: bool, check: Check) -> None:
    wanted = PLACES[kind](Y, axis=axis, keepdims=not removed)
    check(place(kind, axis, removed), [Y], [wanted], legacy=False)
    check(place(kind, 0, removed), [X], [PLACES[kind](X, axis=0, keepdims=not removed)], legacy=False, batch=False)


@pytest.mark.parametrize("kind", PLACES)
def test_the_place_in_a_list_keeps_its_axis(kind: str, check: Check) -> None:
    x = floats(9)
    for removed in (True, False):
        check(place(kind, 0, removed), [x], [PLACES[kind](x).reshape(1)], legacy=False)


@pytest.mark.parametrize("kind", PLACES)
def test_the_place_in_a_legacy_array(kind: str, check: Check) -> None:
    check(place(kind, -3, False), [X], [PLACES[kind](X, axis=0, keepdims=True)])


@pytest.mark.parametrize("kind", PLACES)
def test_the_first_of_equal_extremes(kind: str, check: Check) -> None:
    x = np.float32([[2, 5, 5, 2], [3, 3, 3, 3]])
    check(place(kind, 1, True), [x], [PLACES[kind](x, axis=1)], legacy=False)


@pytest.mark.parametrize("kind", PLACES)
def test_a_place_along_an_axis_that_is_not_there_is_refused(kind: str, refuse: Callable[..., Any]) -> None:
    refuse(place(kind, 4, False), [Y], UnsupportedModel, legacy=False)
