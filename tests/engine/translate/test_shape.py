"""Shapes: what a layer gives for one image it gives for many, whichever axes it speaks of; NumPy says what that is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine.errors import UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import translate
from tests.engine.conftest import filled

Check = Callable[..., None]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def slices(begin: tuple[int, ...], end: tuple[int, ...], steps: tuple[int, ...], **masks: tuple[int, ...]) -> Any:
    """`masks` name the axes of which a bound is ignored, or which are dropped."""
    flags = {name: tuple(at in axes for at in range(len(begin))) for name, axes in masks.items()}
    return filled("sliceStatic", beginIds=begin, endIds=end, strides=steps, **flags)


X = floats(1, 4, 7, 6)
"""One image as newer networks have it: the batch is its first axis."""
NEWER: dict[str, tuple[Any, list[np.ndarray], list[np.ndarray]]] = {
    "reshape with a batch of 1": (filled("reshapeStatic", targetShape=(1, 14, 12)), [X], [X.reshape(1, 14, 12)]),
    "reshape with 1 and -1": (filled("reshapeStatic", targetShape=(1, -1)), [X], [X.reshape(1, -1)]),
    "reshape with -1 first": (filled("reshapeStatic", targetShape=(-1, 12, 14)), [X], [X.reshape(1, 12, 14)]),
    "reshape in the same rank": (
        filled("rankPreservingReshape", targetShape=(1, 0, 6, -1)), [X], [X.reshape(1, 4, 6, 7)]
    ),
    "transpose": (filled("transpose", axes=(0, 2, 3, 1)), [X], [X.transpose(0, 2, 3, 1)]),
    "transpose of the last": (filled("transpose", axes=(0, 2, 1)), [X], [X.transpose(0, 1, 3, 2)]),
    "expand": (filled("expandDims", axes=(1, -1)), [X], [X[:, None, ..., None]]),
    "squeeze": (filled("squeeze", axes=(-1, 1)), [floats(1, 1, 5, 1)], [floats(1, 1, 5, 1)[:, 0, :, 0]]),
    "slice": (slices((0, 3, 1, -1), (1, 0, 7, 0), (1, -2, 3, -1), endMasks=(1, 3)), [X], [X[:, 3::-2, 1:7:3, ::-1]]),
    "slice with masks": (
        slices((5, 2, 9, 2), (9, 9, 9, 9), (1, 1, 2, 1), beginMasks=(0, 2), endMasks=(0, 1), squeezeMasks=(3,)),
        [X], [X[:, 2:, :9:2, 2]],
    ),
    "slice with masks, backwards": (
        slices((0, 2, 3, 9), (1, 9, 9, 1), (1, -1, -2, -3), beginMasks=(3,), endMasks=(1, 2)),
        [X], [X[:, 2::-1, 3::-2, :1:-3]],
    ),
    "slice of the last": (slices((0, 0, -1, 0), (1, 4, 0, 6), (1,) * 4, squeezeMasks=(2,)), [X], [X[:, :, -1]]),
    "split": (filled("splitND", axis=-1, splitSizes=(1, 5)), [X], [X[..., :1], X[..., 1:]]),
    "split into uneven parts": (filled("splitND", axis=2), [X], np.array_split(X, 3, axis=2)),
    "split along the channels": (filled("split", nOutputs=2), [X], [X[:, :2], X[:, 2:]]),
    "split of the channels into uneven parts": (filled("split", nOutputs=3), [X], np.array_split(X, 3, axis=1)),
    "concat": (filled("concatND", axis=2), [X, floats(1, 4, 3, 6)], [np.concatenate([X, floats(1, 4, 3, 6)], 2)]),
    "concat of the channels": (filled("concat"), [X, floats(1, 3, 7, 6)], [np.concatenate([X, floats(1, 3, 7, 6)], 1)]),
    "concat, interleaved": (
        filled("concatND", axis=-3, interleave=True), [X, X * 2], [np.stack([X, X * 2], 2).reshape(1, 8, 7, 6)]
    ),
    "mean of height and width": (filled("reduceMean", axes=(2, 3)), [X], [X.mean(axis=(2, 3))]),
    "maximum, axes kept": (filled("reduceMax", axes=(-3,), keepDims=True), [X], [X.max(axis=1, keepdims=True)]),
    "pad": (
        filled("constantPad", padAmounts=(0, 0, 1, 0, 0, 2, 3, 1), value=0.5), [X],
        [np.pad(X, ((0, 0), (1, 0), (0, 2), (3, 1)), constant_values=0.5)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_newer_networks(name: str, check: Check) -> None:
    fill, arrays, expected = NEWER[name]
    check(fill, arrays, expected, legacy=False)


Y = floats(4, 7, 6)
"""One image as legacy networks have it; layers see (1, 1, 4, 7, 6)."""
LEGACY: dict[str, tuple[Any, list[np.ndarray], list[np.ndarray]]] = {
    "reshape to three": (filled("reshape", targetShape=(2, 12, 7)), [Y], [Y.reshape(2, 12, 7)]),
    "reshape to a sequence of one": (filled("reshape", targetShape=(1, 14, 3, 4)), [Y], [Y.reshape(14, 3, 4)]),
    "permute in the order that is there": (filled("permute"), [Y], [Y]),
    "reshape of all axes": (filled("reshapeStatic", targetShape=(1, 1, 6, 14, 2)), [Y], [Y.reshape(6, 14, 2)]),
    "reshape in the same rank": (
        filled("rankPreservingReshape", targetShape=(1, 1, 0, 6, -1)), [Y], [Y.reshape(4, 6, 7)]
    ),
    "transpose": (filled("transpose", axes=(0, 1, 3, 4, 2)), [Y], [Y.transpose(1, 2, 0)]),
    "slice": (slices((0, 0, 1, 0, 2), (1, 1, 4, 7, 6), (1, 1, 2, 3, 1)), [Y], [Y[1:4:2, ::3, 2:]]),
    "split": (filled("splitND", axis=3, splitSizes=(2, 5)), [Y], [Y[:, :2], Y[:, 2:]]),
    "concat": (filled("concatND", axis=-1), [Y, floats(4, 7, 5)], [np.concatenate([Y, floats(4, 7, 5)], 2)]),
    "mean, axes kept": (filled("reduceMean", axes=(-1, 3), keepDims=True), [Y], [Y.mean(axis=(1, 2), keepdims=True)]),
    "pad": (filled("constantPad", padAmounts=(0,) * 6 + (1, 2, 0, 3)), [Y], [np.pad(Y, ((0, 0), (1, 2), (0, 3)))]),
}  # fmt: skip


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_networks(name: str, check: Check) -> None:
    fill, arrays, expected = LEGACY[name]
    check(fill, arrays, expected)


def masks(*places: int) -> tuple[bool, ...]:
    return tuple(at in places for at in range(3))


CUBE, TALL = floats(5, 5, 5), floats(1, 10, 5, 1)
EXAMPLES: dict[str, tuple[Any, np.ndarray, np.ndarray]] = {
    "slice": (
        filled("sliceStatic", beginIds=(1, 2, 3), beginMasks=masks(0, 2), endIds=(3, -3, 2), endMasks=masks(1, 2),
              strides=(2, 2, 2), squeezeMasks=masks()), CUBE, CUBE[:3:2, 2::2, ::2],
    ),
    "slice and squeeze": (
        filled("sliceStatic", beginIds=(1, 2, 3), beginMasks=masks(0, 2), endIds=(3, -3, 2), endMasks=masks(1, 2),
              strides=(2, 2, 2), squeezeMasks=masks(1)), CUBE, CUBE[:3:2, 2, ::2],
    ),
    "slice of a single number": (
        filled("sliceStatic", beginIds=(1, -2, 3), endIds=(0, 0, 0), strides=(1, 1, 1), squeezeMasks=masks(0, 1, 2)),
        CUBE, CUBE[1, -2, 3].reshape(1),
    ),
    "reshape 20 x 10": (
        filled("rankPreservingReshape", targetShape=(5, -1)), floats(20, 10), floats(20, 10).reshape(5, 40)
    ),
    "reshape 10 x 3 x 5": (
        filled("rankPreservingReshape", targetShape=(25, 0, -1)), floats(10, 3, 5), floats(10, 3, 5).reshape(25, 3, 2)
    ),
    "expand in front": (filled("expandDims", axes=(0, 1)), floats(10, 5), floats(10, 5)[None, None]),
    "expand around": (filled("expandDims", axes=(0, 2)), floats(10, 5), floats(10, 5)[None, :, None]),
    "expand behind": (filled("expandDims", axes=(-2, -1)), floats(10, 5), floats(10, 5)[..., None, None]),
    "squeeze in front and behind": (filled("squeeze", axes=(0, 3)), TALL, TALL[0, ..., 0]),
    "squeeze behind": (filled("squeeze", axes=(-2, -1)), floats(10, 5, 1, 1), floats(10, 5, 1, 1)[..., 0, 0]),
    "squeeze of one axis": (filled("squeeze", axes=(0,)), floats(1), floats(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_formats_own_examples(name: str, check: Check) -> None:
    fill, array, expected = EXAMPLES[name]
    check(fill, [array], [expected], legacy=False, batch=False, tolerance=0)


@pytest.mark.parametrize(
    ("fill", "shapes"),
    [
        (filled("concat"), [(5, 4), (3, 4)]),
        (filled("concat"), [(2, 4, 7, 6), (2, 4, 7, 5)]),
        (filled("concat", sequenceConcat=True), [(2, 4, 7, 6), (3, 4, 7, 6)]),
        (filled("concatND", axis=4), [(2, 4, 7, 6), (2, 4, 7, 6)]),
        (filled("splitND", axis=-5), [(2, 4, 7, 6)]),
        (filled("squeeze", axes=(4,)), [(1, 4, 7, 6)]),
        (filled("transpose", axes=(0, 1, 2, 7)), [(2, 4, 7, 6)]),
        (filled("concatND", axis=1, interleave=True), [(2, 4, 7, 6), (2, 3, 7, 6)]),
        (filled("split", nOutputs=1), [(5, 4)]),
        (filled("transpose", axes=(0, 1, 1, 2)), [(2, 4, 7, 6)]),
        (filled("permute", axis=(0, 3, 1, 2)), [(2, 4, 7, 6)]),
        (filled("squeeze", axes=(1,)), [(2, 4, 7, 6)]),
        (filled("slice", axis=0, startIndex=1, endIndex=2), [(5, 4)]),
        (filled("slice", axis=1, startIndex=3, endIndex=3), [(5, 4)]),
    ],
)
def test_axes_that_are_not_there_or_do_not_meet_are_refused(
    fill: Any, shapes: list[tuple[int, ...]], refuse: Callable[..., Any]
) -> None:
    refuse(fill, [floats(*shape) for shape in shapes], UnsupportedModel, legacy=False)


def test_a_folded_blob_is_joined_with_one_written_out(check: Check) -> None:
    """The first of the two is reshaped to five axes of which the first is worked out, so that nothing says any more that
    it is a sequence of one."""
    model = Model()
    for kind, inputs, values in (("reshapeStatic", "x", (-1, 1, 4, 7, 6)), ("concat", "yx", ())):
        layer = model.neuralNetwork.layers.add()
        layer.input.extend(inputs)
        layer.output.append("yz"[len(inputs) - 1])
        getattr(layer, kind).SetInParent()
        if values:
            layer.reshapeStatic.targetShape.extend(values)
    network = describe(model).network
    assert network is not None
    x = floats(1, 4, 7, 6)
    made = translate(network, (), network.layers, ("z",), given={"x": x.shape[1:]}, batch=False)
    session = onnxruntime.InferenceSession(made.model, providers=["CPUExecutionProvider"])
    (found,) = session.run([made.outputs["z"].tensor], {made.inputs["x"]: x})
    np.testing.assert_array_equal(found, np.concatenate([x, x], 1)[None])


@pytest.mark.parametrize(
    ("fill", "shape"),
    [
        (slices((3,), (0,), (1,), squeezeMasks=(0,)), (5,)),
        (filled("squeeze", axes=(0,)), (1,)),
        (filled("squeeze", squeezeAll=True), (1, 1, 1)),
    ],
)
def test_a_result_without_axes_keeps_one(fill: Callable[[Any], None], shape: tuple[int, ...]) -> None:
    """Inside the network too, where the next layer may ask for its first axis."""
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = 1
    feature = model.description.input.add()
    feature.name = "x"
    feature.type.multiArrayType.shape.extend(shape)
    layer = model.neuralNetwork.layers.add()
    layer.input.append("x")
    layer.output.append("y")
    fill(layer)
    described = describe(model)
    assert described.network is not None
    made = translate(described.network, described.inputs, described.network.layers, ("y",), batch=False)
    assert made.outputs["y"].shape == (1,)


def hwc(x: np.ndarray) -> np.ndarray:
    return x.transpose(1, 2, 0)


SEQUENCES: dict[str, tuple[Any, list[np.ndarray], np.ndarray]] = {
    "made": (filled("reshape", targetShape=(2, 3, 7, 4)), [Y], Y.reshape(2, 1, 3, 7, 4)),
    "made, channels last": (
        filled("reshape", targetShape=(2, 3, 7, 4), mode=1), [Y],
        hwc(Y).reshape(2, 1, 7, 4, 3).transpose(0, 1, 4, 2, 3),
    ),
    "moved": (filled("permute", axis=(3, 0, 2, 1)), [Y], Y[None, None].transpose(4, 1, 0, 3, 2)),
    "joined": (filled("concat", sequenceConcat=True), [Y, -Y, Y * 2], np.stack([Y, -Y, Y * 2])[:, None]),
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_come_back_with_all_axes(name: str, check: Check) -> None:
    fill, arrays, expected = SEQUENCES[name]
    check(fill, arrays, [expected], batch=False)


def test_a_legacy_image_written_out_keeps_the_batch() -> None:
    x = floats(3, 4, 7, 6)
    model = Model()
    layer = model.neuralNetwork.layers.add()
    layer.input.append("x")
    layer.output.append("y")
    layer.reshapeStatic.targetShape.extend((1, 28, 6))
    network = describe(model).network
    assert network is not None
    made = translate(network, (), network.layers, ("y",), given={"x": (4, 7, 6)})
    session = onnxruntime.InferenceSession(made.model, providers=["CPUExecutionProvider"])
    (found,) = session.run([made.outputs["y"].tensor], {made.inputs["x"]: x})
    np.testing.assert_array_equal(found, x.reshape(3, 28, 6))


@pytest.mark.parametrize(
    ("fill", "why", "legacy"),
    [
        (filled("splitND", axis=0, numSplits=1), "splits the batch", False),
        (filled("splitND", axis=1, numSplits=1), "splits the batch", True),
        (filled("reshape", targetShape=(2, 3, 7, 4)), "makes a sequence of 2", False),
        (filled("reshape", targetShape=(2, 3, 7, 4)), "makes a sequence of 2", True),
    ],
)
def test_what_takes_a_batch_apart_is_refused(fill: Callable[[Any], None], why: str, legacy: bool) -> None:
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = model.neuralNetwork.imageInputShapeMapping = int(not legacy)
    layer = model.neuralNetwork.layers.add()
    layer.input.append("x")
    layer.output.append("y")
    fill(layer)
    network = describe(model).network
    assert network is not None
    with pytest.raises(UnsupportedModel, match=why):
        translate(network, (), network.layers, ("y",), given={"x": (4, 7, 6)})


def test_axes_of_one_in_front_do_not_keep_numbers_apart(check: Check) -> None:
    x, y = floats(3), floats(1, 1, 2)
    wanted = [np.concatenate([x, y.reshape(2), x])]
    check(filled("concatND", axis=0), [x, y, x], wanted, legacy=False, batch=False)
    check(filled("concatND", axis=-1), [y, x, y], [np.concatenate([y.ravel(), x, y.ravel()])], legacy=False, batch=False)
