"""Layers that sort, rank and sum in order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute.room import require_room
from engine.errors import UnsupportedModel
from engine.spec.describe import Layer

Array = NDArray[Any]


def _ranked(data: Array, axis: int, descending: bool) -> NDArray[np.int64]:
    """Places from first to last; equal numbers in NumPy's order, as the format leaves it open."""
    return np.argsort(-data if descending else data, axis=axis)


def top_k(layer: Layer, data: Array, *count: Array) -> tuple[Array, Array]:
    """The largest K numbers along an axis, or the smallest, in order, and their places; a second input says K."""
    its = layer.parameters
    axis = int(its.axis)
    many = int(count[0].reshape(-1)[0]) if count else int(its.K)
    if many < 1:
        raise UnsupportedModel(f"Layer {layer.name!r} is asked for its first {many} numbers.")
    places = np.take(_ranked(data, axis, not its.useBottomK), np.arange(min(many, data.shape[axis])), axis=axis)
    return np.take_along_axis(data, places, axis=axis), places


def arg_sort(layer: Layer, data: Array) -> Array:
    """The places of the numbers along an axis, in the order of the numbers."""
    return _ranked(data, int(layer.parameters.axis), layer.parameters.descending)


def cum_sum(layer: Layer, data: Array, *axis: Array) -> Array:
    """Running sums along an axis, which a second input may say; without the number itself, or from the end."""
    its = layer.parameters
    along = int(axis[0].reshape(-1)[0]) if axis else int(its.axis)
    turned = np.moveaxis(data, along, 0)[:: -1 if its.reverse else 1]
    found = np.cumsum(turned, axis=0, dtype=np.float64)
    if its.excludeFinalSum:
        found = np.concatenate([np.zeros_like(found[:1]), found[:-1]])
    return np.moveaxis(found[:: -1 if its.reverse else 1], 0, along)


def matrix_band_part(layer: Layer, data: Array) -> Array:
    """The last two axes with 0 outside a band; a width below 0 sets no limit."""
    lower, upper = int(layer.parameters.numLower), int(layer.parameters.numUpper)
    below = _below(data)
    inside = np.ones(below.shape, bool)
    if lower >= 0:
        inside &= below <= lower
    if upper >= 0:
        inside &= -below <= upper
    return np.where(inside, data, 0)


def _below(data: Array) -> NDArray[np.int64]:
    """(rows, columns): by how many rows a number lies below the diagonal."""
    rows, columns = map(int, data.shape[-2:])
    return np.arange(rows)[:, None] - np.arange(columns)


def lower_triangular(layer: Layer, data: Array) -> Array:
    """The last two axes with 0 above the diagonal number k."""
    return np.where(_below(data) >= -int(layer.parameters.k), data, 0)


def upper_triangular(layer: Layer, data: Array) -> Array:
    """The last two axes with 0 below the diagonal number k."""
    return np.where(_below(data) <= -int(layer.parameters.k), data, 0)


def sliding_windows(layer: Layer, data: Array) -> Array:
    """(.., length, ..) to (.., windows, window size, ..)."""
    its = layer.parameters
    axis = range(data.ndim)[int(its.axis)]
    every = np.lib.stride_tricks.sliding_window_view(data, int(its.windowSize), axis=axis)
    found = every[(*[slice(None)] * axis, slice(None, None, int(its.step)))]
    require_room(layer, found.shape)
    return np.moveaxis(found, -1, axis + 1)
