"""Layers whose sizes are numbers of a blob."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute.room import require_room
from engine.errors import UnsupportedModel
from engine.spec.describe import Layer

Array = NDArray[Any]


def _sizes(layer: Layer, values: Array) -> list[int]:
    """The numbers of a blob as sizes. Raises UnsupportedModel where they are too large."""
    found = [int(each) for each in values.reshape(-1)]
    require_room(layer, found)
    return found


def get_shape(layer: Layer, data: Array) -> Array:
    """(rank,): the sizes of a blob."""
    return np.array(data.shape, np.float32)


def _range(layer: Layer, end: float, start: float, step: float) -> Array:
    require_room(layer, [math.ceil(abs((end - start) / step))])
    return np.arange(start, end, step)


def range_static(layer: Layer, *unused: Array) -> Array:
    """From start to before end, by steps that the layer holds."""
    its = layer.parameters
    return _range(layer, its.endValue, its.startValue, its.stepSizeValue)


def range_dynamic(layer: Layer, *given: Array) -> Array:
    """From start to before end, by steps; inputs are end, start and step, and the layer says what is not given."""
    its = layer.parameters
    said = [float(each.reshape(-1)[0]) for each in given]
    end, start, step = (said + [0.0, its.startValue, its.stepSizeValue][len(said) :])[:3]
    return _range(layer, end, start, step)


def fill_dynamic(layer: Layer, shape: Array) -> Array:
    """One number, everywhere in a shape that a blob says."""
    return np.full(_sizes(layer, shape), layer.parameters.value, np.float32)


def broadcast_to_dynamic(layer: Layer, data: Array, shape: Array) -> Array:
    """To the sizes that the second blob says."""
    return np.broadcast_to(data, _sizes(layer, shape))


def reshape_dynamic(layer: Layer, data: Array, shape: Array) -> Array:
    """To the sizes that the second blob says, of which one may be -1, to be worked out."""
    return data.reshape(_sizes(layer, shape))


def tile(layer: Layer, data: Array, *counts: Array) -> Array:
    """Repeated along each axis, so many times as the layer says, or the second blob."""
    many = [int(each) for each in (counts[0].reshape(-1) if counts else layer.parameters.reps)]
    require_room(layer, [data.size, *many])
    return np.tile(data, many)


def slice_by_size(layer: Layer, data: Array, start: Array) -> Array:
    """So many as the layer says along an axis, from where the second blob says."""
    its = layer.parameters
    axis = range(data.ndim)[int(its.axis)]
    first = range(data.shape[axis])[int(start.reshape(-1)[0])]
    if not 0 < its.size <= data.shape[axis] - first:
        raise UnsupportedModel(f"Layer {layer.name!r} takes {its.size} from place {first}, of {data.shape[axis]}.")
    return data[(slice(None),) * axis + (slice(first, first + its.size),)]


def slice_dynamic(layer: Layer, data: Array, begin: Array, *more: Array) -> Array:
    """NumPy's slice; inputs are begins, ends, strides, masks of begins, of ends, and of axes to drop.

    What is not given, the layer says. A mask ignores a bound, or takes the axis away.
    """
    its = layer.parameters
    said = (its.endIds, its.strides, its.beginMasks, its.endMasks, its.squeezeMasks)
    given = [[*map(int, each.reshape(-1))] for each in more]
    ends, strides, *masks = given + [[*map(int, each)] for each in said[len(given) :]]
    rank = data.ndim
    strides = strides or [1] * rank
    no_begin, no_end, dropped = (mask or [0] * rank for mask in masks)
    picks: list[int | slice] = []
    for at, first in enumerate(map(int, begin.reshape(-1))):
        if dropped[at]:
            picks.append(first)
        else:
            start, end = None if no_begin[at] else first, None if no_end[at] else ends[at]
            picks.append(slice(start, end, strides[at]))
    return data[tuple(picks)]
