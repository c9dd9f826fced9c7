"""Layers that pick numbers by indices, or put them, against PyTorch, ONNX's reference and loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.compute import FUNCTIONS
from engine.errors import UnsupportedModel
from tests.engine.conftest import describe_layer, filled

torch = pytest.importorskip("torch")

Check = Callable[..., None]
Refuse = Callable[..., Any]


def floats(*shape: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


DATA = floats(4, 7, 6)
AXES = [0, 1, 2, -1, -3]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("shape", [(3,), (2, 5)])
def test_gather(axis: int, shape: tuple[int, ...], check: Check) -> None:
    many = DATA.shape[axis]
    indices = np.random.default_rng(1).integers(-many, many, shape)
    wanted = torch.index_select(torch.from_numpy(DATA), axis, torch.from_numpy(indices.ravel() % many)).numpy()
    place = axis % 3
    wanted = wanted.reshape(*DATA.shape[:place], *shape, *DATA.shape[place + 1 :])
    check(filled("gather", axis=axis), [DATA, indices], [wanted], legacy=False)


@pytest.mark.parametrize("index", [4, -5, 1e30, -np.inf, np.nan])
@pytest.mark.parametrize("kind", ["gather", "gatherND", "gatherAlongAxis"])
def test_what_is_not_there_is_not_picked(kind: str, index: float, refuse: Refuse) -> None:
    refuse(filled(kind), [DATA, np.full((1, 1, 1), index)], UnsupportedModel, legacy=False)


AXIS = {"gather": 2, "gatherAlongAxis": 2, "scatter": 3, "scatterAlongAxis": 3, "reverseSeq": 2, "oneHot": 1}
"""Kinds along an axis, and how many blobs they take."""


@pytest.mark.parametrize("axis", [4, -5])
@pytest.mark.parametrize("kind", AXIS)
def test_an_axis_that_is_not_there_is_refused(kind: str, axis: int, refuse: Refuse) -> None:
    fill = filled(kind, **{"sequenceAxis" if kind == "reverseSeq" else "axis": axis})
    blobs = [DATA, np.ones((1, 1, 1)), DATA[:1, :1, :1]]
    refuse(fill, blobs[: AXIS[kind]], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("deep", [1, 2, 3])
def test_gather_by_places_in_several_axes(deep: int, check: Check) -> None:
    high = DATA.shape[:deep]
    indices = np.random.default_rng(1).integers([-size for size in high], high, (2, 5, deep))
    wanted = np.zeros((2, 5, *DATA.shape[deep:]))
    for at in np.ndindex(2, 5):
        wanted[at] = DATA[tuple(int(each) for each in indices[at])]
    check(filled("gatherND"), [DATA, indices], [wanted], legacy=False)


def test_a_single_number_keeps_an_axis(check: Check) -> None:
    check(filled("gatherND"), [DATA, np.float32([3, 6, -1])], [DATA[3, 6, 5].reshape(1)], legacy=False)


@pytest.mark.parametrize("axis", AXES)
def test_gather_along_an_axis(axis: int, check: Check) -> None:
    shape = list(DATA.shape)
    shape[axis] = 9
    many = DATA.shape[axis]
    indices = np.random.default_rng(1).integers(-many, many, shape)
    wanted = torch.gather(torch.from_numpy(DATA), axis, torch.from_numpy(indices % many)).numpy()
    check(filled("gatherAlongAxis", axis=axis), [DATA, indices], [wanted], legacy=False)


MODES: tuple[Callable[[float, float], float], ...] = (
    lambda old, new: new,
    lambda old, new: old + new,
    lambda old, new: old - new,
    lambda old, new: old * new,
    lambda old, new: old / new,
    max,
    min,
)
"""In the order of the format's enumeration."""


def distinct(rng: np.random.Generator, many: int, count: int, mode: int) -> np.ndarray:
    """Places, some more than once where their order does not matter, some counted from the end."""
    places = rng.permutation(many)[:count] if mode == 0 else rng.integers(0, many, count)
    return np.where(rng.random(count) < 0.5, places, places - many)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("mode", range(len(MODES)))
def test_scatter(mode: int, axis: int, check: Check) -> None:
    place, many = axis % 3, DATA.shape[axis]
    indices = distinct(np.random.default_rng(2), many, 3, mode)
    slices = floats(*DATA.shape[:place], 3, *DATA.shape[place + 1 :], seed=9) + 3
    wanted = np.moveaxis(DATA.astype(np.float64), axis, 0)
    for index, values in zip(indices, np.moveaxis(slices, axis, 0), strict=True):
        for at in np.ndindex(*values.shape):
            wanted[(index, *at)] = MODES[mode](wanted[(index, *at)], values[at])
    check(filled("scatter", axis=axis, mode=mode), [DATA, indices, slices], [np.moveaxis(wanted, 0, axis)], legacy=False)


def test_scatter_by_a_table_of_places(check: Check) -> None:
    indices = np.array([[0, 5], [6, -4], [2, 2]])
    slices = floats(4, 3, 2, 6)
    wanted = torch.from_numpy(DATA.copy())
    flat = torch.from_numpy(indices.ravel() % 7)
    wanted.index_add_(1, flat, torch.from_numpy(slices.reshape(4, 6, 6)))
    check(filled("scatter", axis=1, mode=1), [DATA, indices, slices], [wanted.numpy()], legacy=False)


@pytest.mark.parametrize("deep", [1, 2, 3])
@pytest.mark.parametrize("mode", range(len(MODES)))
def test_scatter_to_places_in_several_axes(mode: int, deep: int, check: Check) -> None:
    rng = np.random.default_rng(2)
    size = int(np.prod(DATA.shape[:deep]))
    flat = distinct(rng, size, 3, mode) % size
    indices = np.stack(np.unravel_index(flat, DATA.shape[:deep]), axis=-1)
    indices[1] -= DATA.shape[:deep]
    slices = floats(3, *DATA.shape[deep:], seed=9) + 3
    wanted = DATA.astype(np.float64)
    for index, values in zip(indices, slices, strict=True):
        for at in np.ndindex(*values.shape):
            here = (*index, *at)
            wanted[here] = MODES[mode](wanted[here], values[at])
    check(filled("scatterND", mode=mode), [DATA, indices, slices], [wanted], legacy=False)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("mode", range(len(MODES)))
def test_scatter_along_an_axis(mode: int, axis: int, check: Check) -> None:
    rng, place, many = np.random.default_rng(2), axis % 3, DATA.shape[axis]
    shape = list(DATA.shape)
    shape[axis] = 3
    indices = np.zeros(shape, int)
    for at in np.ndindex(*shape[:place], *shape[place + 1 :]):
        indices[(*at[:place], slice(None), *at[place:])] = distinct(rng, many, 3, mode)
    values = floats(*shape, seed=9) + 3
    wanted = DATA.astype(np.float64)
    for at in np.ndindex(*shape):
        here = (*at[:place], indices[at], *at[place + 1 :])
        wanted[here] = MODES[mode](wanted[here], values[at])
    check(filled("scatterAlongAxis", axis=axis, mode=mode), [DATA, indices, values], [wanted], legacy=False)


@pytest.mark.parametrize("kind", ["scatter", "scatterND", "scatterAlongAxis"])
@pytest.mark.parametrize("index", [4, -5, np.nan])
def test_what_is_not_there_is_not_written(kind: str, index: float, refuse: Refuse) -> None:
    indices = np.full({"scatter": (1,), "scatterND": (1, 1), "scatterAlongAxis": (1, 7, 6)}[kind], index)
    refuse(filled(kind), [DATA, indices, DATA[:1]], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("kind", ["scatter", "scatterND", "scatterAlongAxis"])
def test_the_container_stays_as_it_was(kind: str) -> None:
    """Another layer may read it."""
    indices = np.zeros({"scatter": (1,), "scatterND": (1, 1), "scatterAlongAxis": (1, 7, 6)}[kind], np.float32)
    described = describe_layer(filled(kind), [DATA, indices, DATA[:1]], legacy=False, outputs=1)
    assert described.network is not None
    container = DATA.copy()
    found = FUNCTIONS[kind](described.network.layers[0], container, indices, DATA[:1] + 1)
    assert (found != DATA).any()
    np.testing.assert_array_equal(container, DATA)


@pytest.mark.parametrize("shape", [(9,), (4, 5), (2, 3, 4)])
def test_places_of_what_is_not_0(shape: tuple[int, ...], check: Check) -> None:
    data = np.random.default_rng(0).integers(-1, 2, shape).astype(np.float32)
    check(filled("whereNonZero"), [data], [torch.nonzero(torch.from_numpy(data)).numpy()], legacy=False)


SIZE = 5


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_one_hot(axis: int, check: Check) -> None:
    indices = np.array([[0, 4, -1], [2, 7, -9]])
    wanted = np.full((2, 3, SIZE), -2.0)
    for at, place in {(0, 0): 0, (0, 1): 4, (0, 2): 4, (1, 0): 2}.items():
        wanted[(*at, place)] = 3
    wanted = np.moveaxis(wanted, -1, axis)
    its = {"axis": axis, "onValue": 3, "offValue": -2}
    check(filled("oneHot", oneHotVectorSize=SIZE, **its), [indices], [wanted], legacy=False)
    check(filled("oneHot", oneHotVectorSize=99, **its), [indices, np.float32([SIZE])], [wanted], legacy=False)


@pytest.mark.parametrize("size", [2**40, 1e30, np.inf, np.nan])
def test_one_hot_of_a_size_beyond_measure_is_refused(size: float, refuse: Refuse) -> None:
    refuse(filled("oneHot"), [np.zeros((2, 3)), np.array([size])], UnsupportedModel, legacy=False)


def test_slices_picked_beyond_measure_are_refused(refuse: Refuse) -> None:
    data, many = np.zeros((2, 2**11)), np.zeros(2**17 + 1)
    assert "131073 x 2048 numbers" in str(refuse(filled("gather"), [data, many], UnsupportedModel, legacy=False))
    refuse(filled("gatherND"), [data, many[:, None]], UnsupportedModel, legacy=False)


@pytest.mark.parametrize(("batch", "sequence"), [(0, 1), (1, 0), (0, 2), (2, 1), (-1, -3)])
def test_the_beginning_of_a_sequence_backwards(batch: int, sequence: int, check: Check) -> None:
    many = DATA.shape[sequence]
    lengths = np.random.default_rng(3).integers(0, many + 1, DATA.shape[batch])
    inner = np.moveaxis(DATA, (batch, sequence), (0, 1))
    turned = np.stack([np.concatenate([each[:n][::-1], each[n:]]) for each, n in zip(inner, lengths, strict=True)])
    wanted = np.moveaxis(turned, (0, 1), (batch, sequence))
    check(filled("reverseSeq", batchAxis=batch, sequenceAxis=sequence), [DATA, lengths], [wanted], legacy=False)


@pytest.mark.parametrize("lengths", [(1, 2, 3), (1, 2, 3, 8), (np.nan,) * 4])
def test_lengths_that_do_not_fit_are_refused(lengths: tuple[float, ...], refuse: Refuse) -> None:
    refuse(filled("reverseSeq", sequenceAxis=1), [DATA, np.array(lengths)], UnsupportedModel, legacy=False)
