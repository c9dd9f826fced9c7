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

Check = Callable[..., None]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def lists(kind: str, **fields: Any) -> Callable[[Any], None]:
    """Fill a layer of `kind`: tuples into lists, the rest as it is."""

    def fill(layer: Any) -> None:
        its = getattr(layer, kind)
        its.SetInParent()
        for name, value in fields.items():
            if isinstance(value, tuple):
                getattr(its, name).extend(value)
            else:
                setattr(its, name, value)

    return fill


def slices(begin: tuple[int, ...], end: tuple[int, ...], steps: tuple[int, ...], **masks: tuple[int, ...]) -> Any:
    """`masks` name the axes of which a bound is ignored, or which are dropped."""
    flags = {name: tuple(at in axes for at in range(len(begin))) for name, axes in masks.items()}
    return lists("sliceStatic", beginIds=begin, endIds=end, strides=steps, **flags)


X = floats(1, 4, 7, 6)
"""One image as newer networks have it: the batch is its first axis."""
NEWER: dict[str, tuple[Any, list[np.ndarray], list[np.ndarray]]] = {
    "reshape with a batch of 1": (lists("reshapeStatic", targetShape=(1, 14, 12)), [X], [X.reshape(1, 14, 12)]),
    "reshape with 1 and -1": (lists("reshapeStatic", targetShape=(1, -1)), [X], [X.reshape(1, -1)]),
    "reshape with -1 first": (lists("reshapeStatic", targetShape=(-1, 12, 14)), [X], [X.reshape(1, 12, 14)]),
    "reshape in the same rank": (
        lists("rankPreservingReshape", targetShape=(1, 0, 6, -1)), [X], [X.reshape(1, 4, 6, 7)]
    ),
    "transpose": (lists("transpose", axes=(0, 2, 3, 1)), [X], [X.transpose(0, 2, 3, 1)]),
    "expand": (lists("expandDims", axes=(1, -1)), [X], [X[:, None, ..., None]]),
    "squeeze": (lists("squeeze", axes=(-1, 1)), [floats(1, 1, 5, 1)], [floats(1, 1, 5, 1)[:, 0, :, 0]]),
    "slice": (slices((0, 3, 1, -1), (1, 0, 7, 0), (1, -2, 3, -1), endMasks=(1, 3)), [X], [X[:, 3::-2, 1:7:3, ::-1]]),
    "slice with masks": (
        slices((5, 2, 9, 2), (9, 9, 9, 9), (1, 1, 2, 1), beginMasks=(0, 2), endMasks=(0, 1), squeezeMasks=(3,)),
        [X], [X[:, 2:, :9:2, 2]],
    ),
    "slice of the last": (slices((0, 0, -1, 0), (1, 4, 0, 6), (1,) * 4, squeezeMasks=(2,)), [X], [X[:, :, -1]]),
    "split": (lists("splitND", axis=-1, splitSizes=(1, 5)), [X], [X[..., :1], X[..., 1:]]),
    "split along the channels": (lists("split", nOutputs=2), [X], [X[:, :2], X[:, 2:]]),
    "concat": (lists("concatND", axis=2), [X, floats(1, 4, 3, 6)], [np.concatenate([X, floats(1, 4, 3, 6)], 2)]),
    "concat of the channels": (lists("concat"), [X, floats(1, 3, 7, 6)], [np.concatenate([X, floats(1, 3, 7, 6)], 1)]),
    "concat, interleaved": (
        lists("concatND", axis=-3, interleave=True), [X, X * 2], [np.stack([X, X * 2], 2).reshape(1, 8, 7, 6)]
    ),
    "mean of height and width": (lists("reduceMean", axes=(2, 3)), [X], [X.mean(axis=(2, 3))]),
    "maximum, axes kept": (lists("reduceMax", axes=(-3,), keepDims=True), [X], [X.max(axis=1, keepdims=True)]),
    "pad": (
        lists("constantPad", padAmounts=(0, 0, 1, 0, 0, 2, 3, 1), value=0.5), [X],
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
    "reshape to three": (lists("reshape", targetShape=(2, 12, 7)), [Y], [Y.reshape(2, 12, 7)]),
    "reshape to a sequence of one": (lists("reshape", targetShape=(1, 14, 3, 4)), [Y], [Y.reshape(14, 3, 4)]),
    "permute in the order that is there": (lists("permute"), [Y], [Y]),
    "reshape of all axes": (lists("reshapeStatic", targetShape=(1, 1, 6, 14, 2)), [Y], [Y.reshape(6, 14, 2)]),
    "reshape in the same rank": (
        lists("rankPreservingReshape", targetShape=(1, 1, 0, 6, -1)), [Y], [Y.reshape(4, 6, 7)]
    ),
    "transpose": (lists("transpose", axes=(0, 1, 3, 4, 2)), [Y], [Y.transpose(1, 2, 0)]),
    "slice": (slices((0, 0, 1, 0, 2), (1, 1, 4, 7, 6), (1, 1, 2, 3, 1)), [Y], [Y[1:4:2, ::3, 2:]]),
    "split": (lists("splitND", axis=3, splitSizes=(2, 5)), [Y], [Y[:, :2], Y[:, 2:]]),
    "concat": (lists("concatND", axis=-1), [Y, floats(4, 7, 5)], [np.concatenate([Y, floats(4, 7, 5)], 2)]),
    "mean, axes kept": (lists("reduceMean", axes=(-1, 3), keepDims=True), [Y], [Y.mean(axis=(1, 2), keepdims=True)]),
    "pad": (lists("constantPad", padAmounts=(0,) * 6 + (1, 2, 0, 3)), [Y], [np.pad(Y, ((0, 0), (1, 2), (0, 3)))]),
}  # fmt: skip


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_networks(name: str, check: Check) -> None:
    fill, arrays, expected = LEGACY[name]
    check(fill, arrays, expected)


def hwc(x: np.ndarray) -> np.ndarray:
    return x.transpose(1, 2, 0)


SEQUENCES: dict[str, tuple[Any, list[np.ndarray], np.ndarray]] = {
    "made": (lists("reshape", targetShape=(2, 3, 7, 4)), [Y], Y.reshape(2, 1, 3, 7, 4)),
    "made, channels last": (
        lists("reshape", targetShape=(2, 3, 7, 4), mode=1), [Y],
        hwc(Y).reshape(2, 1, 7, 4, 3).transpose(0, 1, 4, 2, 3),
    ),
    "moved": (lists("permute", axis=(3, 0, 2, 1)), [Y], Y[None, None].transpose(4, 1, 0, 3, 2)),
    "joined": (lists("concat", sequenceConcat=True), [Y, -Y, Y * 2], np.stack([Y, -Y, Y * 2])[:, None]),
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
        (lists("splitND", axis=0, numSplits=1), "splits the batch", False),
        (lists("splitND", axis=1, numSplits=1), "splits the batch", True),
        (lists("reshape", targetShape=(2, 3, 7, 4)), "makes a sequence of 2", False),
        (lists("reshape", targetShape=(2, 3, 7, 4)), "makes a sequence of 2", True),
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
