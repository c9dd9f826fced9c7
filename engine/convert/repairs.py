"""Layers that gradients cannot pass, said again in layers that they can, with the same numbers in the same order.

New converters keep vectors in blobs of rank 2, `(1, n)`; the layers that Core ML trains through want channel, height and
width. So the chain from the first updatable layer to the loss is written again with blobs `(.., C, H, W)`, a vector being
`(.., n, 1, 1)`: that is its *form*. Rows of numbers never change their order on the way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from engine.convert.build import fill
from engine.errors import CannotTrain
from engine.spec.describe import Layer

Shape = tuple[int, ...]
HINT = "Choose layers behind it, or another model."


@dataclass(frozen=True)
class Step:
    """One layer of the chain, and what is known where it stands."""

    layer: Layer
    given: Shape
    """The shape that the layer is given in the old network."""
    made: Shape
    """The shape that it makes there."""
    form: Shape
    """(C, H, W) of the blob that it is given in the new one."""


@dataclass(frozen=True)
class Repair:
    """What becomes of a layer."""

    form: Shape
    kind: str = ""
    """The layer's new kind; empty where it goes."""
    fields: Mapping[str, Any] | None = None
    """The new layer's fields; None keeps the layer's own message."""


def refused(layer: Layer, why: str) -> CannotTrain:
    """Why a layer cannot be written again."""
    return CannotTrain(f"Layer {layer.name!r} of kind {layer.full_kind!r} {why}.", HINT)


def _row(step: Step) -> int:
    """How many numbers a layer is given that works along the last axis. Raises CannotTrain if they are no single row."""
    if prod(step.given) != step.given[-1]:
        raise refused(step.layer, f"works on {step.given}, which is more than one row of numbers")
    return step.given[-1]


def _kept(step: Step) -> Repair:
    return Repair(step.form, step.layer.kind)


def _dense(step: Step) -> Repair:
    if len(step.given) < 4:
        _row(step)
    return Repair((step.layer.parameters.outputChannels, 1, 1), step.layer.kind)


def _matmul(step: Step) -> Repair:
    """Stored weights lie as those of an `innerProduct` do."""
    its, _ = step.layer.parameters, _row(step)
    outputs = its.weightMatrixSecondDimension
    fields = {"inputChannels": its.weightMatrixFirstDimension, "outputChannels": outputs, "hasBias": its.hasBias}
    return Repair((outputs, 1, 1), "innerProduct", fields)


def _spatial(step: Step) -> Repair:
    """A layer that works on channel, height and width: they must be what they were."""
    if len(step.given) < 3 or step.given[-3:] != step.form:
        raise refused(step.layer, f"works on {step.given}, which cannot be kept as channel, height and width")
    return Repair(step.made[-3:], step.layer.kind)


def _flatten(step: Step) -> Repair:
    if step.layer.parameters.mode:
        _spatial(step)
    return Repair((prod(step.form), 1, 1), step.layer.kind)


def _reshape(step: Step) -> Repair:
    """Numbers keep their order: nothing to do, or to flatten."""
    row = (prod(step.made), 1, 1)
    wanted = step.made[-3:] if len(step.made) >= 4 and prod(step.made) == prod(step.made[-3:]) else row
    if step.form in (wanted, row):
        return Repair(step.form)
    if max(step.made) == row[0] or wanted == row:
        return Repair(row, "flatten", {"mode": 0})
    raise refused(step.layer, f"makes {step.made} of {step.given}, which gradients do not pass")


def _turn(step: Step) -> Repair:
    if sum(size > 1 for size in step.given) > 1:
        raise refused(step.layer, "changes the order of numbers, which gradients do not pass")
    return _reshape(step)


def _mean(step: Step) -> Repair:
    """The mean over height and width is a pooling."""
    its, rank = step.layer.parameters, len(step.given)
    axes = {axis % rank for axis in its.axes}
    if its.reduceAll or axes != {rank - 2, rank - 1} or rank < 4:
        raise refused(step.layer, f"takes the mean of {step.given} over other axes than height and width")
    return _pooled(step)


def _pooled(step: Step) -> Repair:
    _spatial(step)
    return Repair((step.form[0], 1, 1), "pooling", {"type": 1, "globalPooling": True, "valid": {}})


def _softmax(step: Step) -> Repair:
    """Over the one axis that has all numbers."""
    rank, its = len(step.given), step.layer.parameters
    axis = its.axis if step.layer.kind == "softmaxND" else -3 if rank > 2 else -1
    if not -rank <= axis < rank or prod(step.given) != step.given[axis]:
        raise refused(step.layer, f"works on {step.given}, not on one row of numbers")
    return Repair((prod(step.given), 1, 1), "softmax", None if step.layer.kind == "softmax" else {})


def _gone(step: Step) -> Repair:
    return Repair(step.form)


REPAIRS: Mapping[str, Callable[[Step], Repair]] = {
    "innerProduct": _dense,
    "batchedMatmul": _matmul,
    "convolution": _spatial,
    "pooling": _spatial,
    "batchnorm": _spatial,
    "activation.ReLU": _kept,
    "activation.sigmoid": _kept,
    "activation.tanh": _kept,
    "flatten": _flatten,
    "reshapeStatic": _reshape,
    "rankPreservingReshape": _reshape,
    "flattenTo2D": _reshape,
    "squeeze": _reshape,
    "expandDims": _reshape,
    "copy": _reshape,
    "transpose": _turn,
    "reduceMean": _mean,
    "softmax": _softmax,
    "softmaxND": _softmax,
    "unary": _gone,
}
"""What becomes of each kind of layer between the first updatable one and the loss."""


def repaired(message: Any, step: Step) -> tuple[Any | None, Shape]:
    """The new layer, a protobuf `NeuralNetworkLayer` or None where it goes, and the form of what it makes."""
    repair = REPAIRS[step.layer.full_kind](step)
    if not repair.kind:
        return None, repair.form
    new = type(message)()
    new.CopyFrom(message)
    new.ClearField("inputTensor")
    new.ClearField("outputTensor")
    if repair.fields is not None:
        parameters = getattr(new, repair.kind)
        parameters.SetInParent()
        fill(parameters, repair.fields)
        if step.layer.kind == "batchedMatmul":
            parameters.weights.CopyFrom(step.layer.parameters.weights)
            parameters.bias.CopyFrom(step.layer.parameters.bias)
    return new, repair.form
