"""A Keras model as plain values: every call of a layer, nested models laid out flat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Weights = Mapping[str, NDArray[Any]]
"""Weights of one layer by the name that Keras 2 gives them: kernel, bias, gamma, moving_mean, ..."""


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One call of a layer; a layer that is called twice is two of these, with the same weights."""

    name: str
    """Unique; a layer of a nested model is called `outer/inner`."""
    kind: str
    """Its class, by the name that Keras 2 and 3 have for it."""
    config: Mapping[str, Any]
    """Its settings, by the names of Keras 2 and 3."""
    inputs: tuple[str, ...] = ()
    """The names of the calls whose results it takes."""
    weights: Weights = field(default_factory=dict[str, NDArray[Any]])
    arguments: tuple[Any, ...] = ()
    """What an operation (`x * 0.5`) is called with: an `Input` for a tensor, else a plain value."""
    keywords: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Plain values that the call gives by name."""


@dataclass(frozen=True)
class Input:
    """The place of a tensor among an operation's arguments: an index of `KerasLayer.inputs`."""

    index: int


@dataclass(frozen=True, eq=False)
class KerasModel:
    """What a Keras file holds."""

    layers: tuple[KerasLayer, ...]
    """In topological order; the first is the InputLayer, the last gives the output."""
    version: int
    """1, 2 or 3: the Keras that wrote the file."""
    flipped: bool = False
    """Whether convolutions turn their kernels round, as Theano's do."""
