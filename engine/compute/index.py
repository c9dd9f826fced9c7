"""Layers that pick numbers, or put them, by indices that are numbers themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute.room import require_room
from engine.spec.describe import Layer

Array = NDArray[Any]
Put = Callable[[Array, Any, Array], None]


def _set(into: Array, where: Any, values: Array) -> None:
    into[where] = values


SCATTER: tuple[Put, ...] = (
    _set,
    np.add.at,
    np.subtract.at,
    np.multiply.at,
    np.divide.at,
    np.maximum.at,
    np.minimum.at,
)
"""In the order of the format's enumeration."""


def _whole(indices: Array) -> NDArray[np.int64]:
    """Indices arrive as numbers; what is not one yields an IndexError later, not an arbitrary place."""
    return np.nan_to_num(indices, nan=2.0**31).astype(np.int64)


def gather(layer: Layer, data: Array, indices: Array) -> Array:
    """Slices along an axis; negative indices count from the end."""
    axis = int(layer.parameters.axis)
    along = data.shape[axis]
    require_room(layer, [indices.size, data.size // max(1, along)])
    return np.take(data, _whole(indices), axis=axis)


def gather_nd(layer: Layer, data: Array, indices: Array) -> Array:
    """The last axis of `indices` holds a place in the first axes of `data`."""
    require_room(layer, [*indices.shape[:-1], *data.shape[indices.shape[-1] :]])
    return data[tuple(np.moveaxis(_whole(indices), -1, 0))]


def gather_along_axis(layer: Layer, data: Array, indices: Array) -> Array:
    """NumPy's `take_along_axis`, the other axes broadcast."""
    return np.take_along_axis(data, _whole(indices), axis=int(layer.parameters.axis))


def scatter(layer: Layer, container: Array, indices: Array, slices: Array) -> Array:
    """Slices put along an axis of the container, by the layer's mode."""
    axis = range(container.ndim)[int(layer.parameters.axis)]
    found = np.moveaxis(container.copy(), axis, 0)
    places = _whole(indices)
    parts = np.moveaxis(slices, range(axis, axis + places.ndim), range(places.ndim))
    SCATTER[layer.parameters.mode](found, places, parts)
    return np.moveaxis(found, 0, axis)


def scatter_nd(layer: Layer, container: Array, indices: Array, slices: Array) -> Array:
    """Slices put at the places that the last axis of `indices` holds."""
    found = container.copy()
    SCATTER[layer.parameters.mode](found, tuple(np.moveaxis(_whole(indices), -1, 0)), slices)
    return found


def scatter_along_axis(layer: Layer, container: Array, indices: Array, values: Array) -> Array:
    """NumPy's `put_along_axis`, by the layer's mode."""
    found = container.copy()
    axis = range(container.ndim)[int(layer.parameters.axis)]
    places: list[Array] = list(np.indices(indices.shape, sparse=True))
    places[axis] = _whole(indices)
    SCATTER[layer.parameters.mode](found, tuple(places), values)
    return found


def where_non_zero(layer: Layer, data: Array) -> Array:
    """(found, rank): the places of all numbers but 0, in order."""
    return np.argwhere(data)


def one_hot(layer: Layer, indices: Array, *size: Array) -> Array:
    """A new axis, `onValue` at each index and `offValue` elsewhere; a second input says how long it is."""
    its = layer.parameters
    many = int(size[0].reshape(-1)[0]) if size else int(its.oneHotVectorSize)
    require_room(layer, [indices.size, many])
    places = _whole(indices)
    places = np.where(places < 0, places + many, places)
    found = np.where(places[..., None] == np.arange(many), np.float32(its.onValue), np.float32(its.offValue))
    return np.moveaxis(found, -1, int(its.axis))


def reverse_seq(layer: Layer, data: Array, lengths: Array) -> Array:
    """Along the sequence axis, the first numbers of each item backwards, as many as its length says."""
    its = layer.parameters
    axes = range(data.ndim)
    batch, sequence = axes[int(its.batchAxis)], axes[int(its.sequenceAxis)]
    at = np.arange(int(data.shape[sequence]))
    length = _whole(lengths).reshape(-1, 1)
    order = np.where(at < length, length - 1 - at, at)
    shape = [1] * data.ndim
    shape[batch], shape[sequence] = order.shape
    order = order if batch < sequence else order.T
    return np.take_along_axis(data, order.reshape(shape), axis=sequence)
