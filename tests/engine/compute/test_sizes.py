"""Layers whose sizes are numbers of a blob, against PyTorch and Python's own ranges and slices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnsupportedModel
from tests.engine.conftest import filled

torch = pytest.importorskip("torch")

Check = Callable[..., None]
Refuse = Callable[..., Any]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).normal(size=shape).astype(np.float32)


def numbers(*values: float) -> np.ndarray:
    return np.float32(values)


X = floats(4, 7, 6)


@pytest.mark.parametrize("shape", [(5,), (4, 7, 6), (2, 1, 3, 1, 4)])
def test_the_sizes_of_a_blob(shape: tuple[int, ...], check: Check) -> None:
    check(filled("getShape"), [floats(*shape)], [numbers(*shape)], legacy=False)


def test_a_legacy_blob_has_five_sizes(check: Check) -> None:
    check(filled("getShape"), [X], [numbers(1, 1, 4, 7, 6)])


RANGES = [(2, 9, 3), (0, 5, 1), (7, 1, -2), (0.5, 2, 0.25), (-3, 4, 5)]


@pytest.mark.parametrize(("start", "end", "step"), RANGES)
def test_a_range(start: float, end: float, step: float, check: Check) -> None:
    wanted = torch.arange(start, end, step).numpy()
    if float(end - start) % step == 0:
        assert len(wanted) == (end - start) / step
    its = {"startValue": start, "endValue": end, "stepSizeValue": step}
    check(filled("rangeStatic", **its), [], [wanted], legacy=False)
    check(filled("rangeDynamic", startValue=start, stepSizeValue=step), [numbers(end)], [wanted], legacy=False)
    given = [numbers(each) for each in (end, start, step)]
    check(filled("rangeDynamic", startValue=99, stepSizeValue=step), given[:2], [wanted], legacy=False)
    check(filled("rangeDynamic", startValue=99, stepSizeValue=99), given, [wanted], legacy=False)


@pytest.mark.parametrize("step", [0, 1e-9, np.nan, np.inf])
def test_a_range_without_an_end_is_refused(step: float, refuse: Refuse) -> None:
    refuse(filled("rangeStatic", endValue=np.inf if np.isinf(step) else 5, stepSizeValue=step), [], UnsupportedModel, False)


HUGE = [(2**20, 2**20), (2.0**40,), (np.inf,), (np.nan,)]


def test_filled_to_a_shape(check: Check) -> None:
    check(filled("fillDynamic", value=2.5), [numbers(4, 1, 3)], [np.full((4, 1, 3), 2.5)], legacy=False)


def test_broadcast_to_a_shape(check: Check) -> None:
    x = floats(7, 1)
    wanted = torch.from_numpy(x).broadcast_to(4, 7, 6).numpy()
    check(filled("broadcastToDynamic"), [x, numbers(4, 7, 6)], [wanted], legacy=False)


@pytest.mark.parametrize("shape", [(6, 28), (2, 3, 4, 7), (168,), (-1, 12), (8, -1, 3)])
def test_reshaped_to_a_shape(shape: tuple[int, ...], check: Check) -> None:
    wanted = torch.from_numpy(X).reshape(shape).numpy()
    check(filled("reshapeDynamic"), [X, numbers(*shape)], [wanted], legacy=False)


@pytest.mark.parametrize("shape", HUGE)
@pytest.mark.parametrize("kind", ["fillDynamic", "broadcastToDynamic", "reshapeDynamic", "tile"])
def test_sizes_beyond_measure_are_refused(kind: str, shape: tuple[float, ...], refuse: Refuse) -> None:
    data = [] if kind == "fillDynamic" else [floats(1, 1)]
    refuse(filled(kind), [*data, numbers(*shape)], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("kind", ["fillDynamic", "broadcastToDynamic", "reshapeDynamic", "tile"])
def test_sizes_that_do_not_fit_are_refused(kind: str, refuse: Refuse) -> None:
    data = [] if kind == "fillDynamic" else [X]
    refuse(filled(kind), [*data, numbers(5, -3, 2)], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("counts", [(2, 3, 1), (1, 1, 5), (2,), (3, 1, 2, 1)])
def test_tiles(counts: tuple[int, ...], check: Check) -> None:
    wanted = torch.tile(torch.from_numpy(X), counts).numpy()
    check(filled("tile", reps=counts), [X], [wanted], legacy=False)
    check(filled("tile"), [X, numbers(*counts)], [wanted], legacy=False)


@pytest.mark.parametrize(("axis", "start", "size"), [(0, 1, 2), (1, 0, 7), (-1, 3, 3), (1, -5, 4), (2, -6, 1)])
def test_so_many_from_a_place(axis: int, start: int, size: int, check: Check) -> None:
    wanted = torch.narrow(torch.from_numpy(X), axis, start, size).numpy()
    check(filled("sliceBySize", axis=axis, size=size), [X, numbers(start)], [wanted], legacy=False)


@pytest.mark.parametrize(("start", "size"), [(5, 3), (-2, 3), (7, 1), (-8, 1), (0, 2**40), (0, -1)])
def test_more_than_there_are_from_a_place_is_refused(start: int, size: int, refuse: Refuse) -> None:
    refuse(filled("sliceBySize", axis=1, size=size), [X, numbers(start)], UnsupportedModel, legacy=False)


BEGIN, END, STEP = (1, -1, 2), (4, 0, -1), (2, -3, 1)
SLICED = X[1:4:2, -1:0:-3, 2:-1:1]


def masks(*places: int) -> tuple[bool, ...]:
    return tuple(at in places for at in range(3))


NONE = masks()


@pytest.mark.parametrize("given", range(1, 7))
def test_bounds_from_blobs_or_from_the_layer(given: int, check: Check) -> None:
    """What a blob says stands before what the layer does."""
    said = {"endIds": END, "strides": STEP, "beginMasks": NONE, "endMasks": NONE, "squeezeMasks": NONE}
    kept = dict(list(said.items())[given - 1 :])
    wrong = {name: tuple(1 + at for at in range(3)) if name == "endIds" else (1, 1, 1) for name in said}
    blobs = [numbers(*each) for each in (BEGIN, *said.values())][:given]
    check(filled("sliceDynamic", **{**wrong, **kept}), [X, *blobs], [SLICED], legacy=False)


def test_a_mask_ignores_a_bound_or_takes_an_axis_away(check: Check) -> None:
    its = {"endIds": (2, 6, 3), "strides": (1, 2, -1)}
    begin = numbers(1, 2, 4)
    fill = filled("sliceDynamic", **its, beginMasks=masks(0, 2))
    check(fill, [X, begin], [X[:2, 2:6:2, :3:-1]], legacy=False)
    fill = filled("sliceDynamic", **its, endMasks=masks(0, 2))
    check(fill, [X, begin], [X[1:, 2:6:2, 4::-1]], legacy=False)
    fill = filled("sliceDynamic", **its, squeezeMasks=masks(0, 2))
    check(fill, [X, begin], [X[1, 2:6:2, 4]], legacy=False)
    check(filled("sliceDynamic", endIds=(2, 6, 6)), [X, begin], [X[1:2, 2:6, 4:6]], legacy=False)


def test_what_is_left_without_axes_keeps_one(check: Check) -> None:
    its = {"endIds": (0, 0, 0), "squeezeMasks": masks(0, 1, 2)}
    check(filled("sliceDynamic", **its), [X, numbers(1, -2, 4)], [X[1, 5, 4].reshape(1)], legacy=False)


def test_bounds_that_do_not_fit_are_refused(refuse: Refuse) -> None:
    def error(*blobs: np.ndarray, **said: Any) -> Exception:
        return refuse(filled("sliceDynamic", **said), [X, *blobs], UnsupportedModel, legacy=False)

    error(numbers(0, 0, 0, 0), endIds=(1, 1, 1, 1))
    error(numbers(0, 0, 0), endIds=(1, 1))
    error(numbers(0, 0, 0), endIds=(1, 1, 1), strides=(1, 0, 1))
    error(numbers(9, 0, 0), endIds=(1, 1, 1), squeezeMasks=masks(0))
    error(numbers(np.nan, 0, 0), endIds=(1, 1, 1))
