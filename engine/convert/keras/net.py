"""The Core ML network that a Keras model becomes, and where Keras' axes lie in its blobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.convert.build import Layers
from engine.convert.keras.model import KerasLayer
from engine.convert.keras.plain import Names, sequence, two
from engine.errors import UnreadableModel, UnsupportedLayer

Sizes = tuple[int, int, int]
"""Channels, height, width."""
CHANNEL = 0
FIRST: Mapping[int, tuple[int, ...]] = {1: (0,), 2: (0, 1), 3: (0, 1, 2)}
"""Places of one, two or three axes where channels come first."""
LAST: Mapping[int, tuple[int, ...]] = {1: (0,), 2: (1, 0), 3: (1, 2, 0)}
"""The same where channels come last, as Keras has them unless told otherwise."""


@dataclass(frozen=True)
class Value:
    """What a Keras layer gives: its shape there, without the batch, and the blob (channel, height, width) that holds it."""

    blob: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    """For each axis of the shape, its place in the blob: 0 channel, 1 height, 2 width."""

    @property
    def sizes(self) -> Sizes:
        """The blob's; places without an axis have size 1."""
        found = [1, 1, 1]
        for size, place in zip(self.shape, self.axes, strict=True):
            found[place] = size
        return found[0], found[1], found[2]

    def resized(self, blob: str, sizes: Sizes) -> "Value":
        """Another blob of other sizes, with the axes in the same places. Raises ValueError for sizes below 1."""
        if min(sizes) < 1:
            raise ValueError(f"the result would be {sizes[1]} pixels high and {sizes[2]} wide")
        return Value(blob, tuple(sizes[place] for place in self.axes), self.axes)

    def held(self, blob: str) -> "Value":
        """Another blob of the same sizes."""
        return replace(self, blob=blob)


class Net:
    """Adds layers to a network, each under a name of its own."""

    def __init__(self, network: Any, version: int, flipped: bool, channels_first: bool, taken: Sequence[str]) -> None:
        self.layers = Layers(network)
        self.version = version
        """The Keras that wrote the file: some functions differ."""
        self.flipped = flipped
        self.places = FIRST if channels_first else LAST
        """Where the model has its axes, as far as a layer does not say."""
        self.mode = 0 if channels_first else 1
        """The flattening order of the format that goes with it."""
        self.upsamples = False
        """Whether a layer asks for a sampling grid that the format has had since version 5."""
        self._names = Names(taken)

    def add(self, kind: str, name: str, inputs: str | Sequence[str], **fields: Any) -> str:
        """Add a layer; gives back its blob, which is called as the layer."""
        return self.layers.add(kind, self._names.unique(name), inputs, **fields)

    def linear(self, name: str, blob: str, scale: float = 1.0, shift: float = 0.0) -> str:
        """`scale * x + shift`."""
        return self.add("activation", name, blob, linear={"alpha": float(scale), "beta": float(shift)})

    def arranged(self, value: Value, axes: tuple[int, ...]) -> Value:
        """The same value with its axes in these places; adds a `permute` only where it is needed."""
        if value.axes == axes:
            return value
        source = dict(zip(axes, value.axes, strict=True))
        free = iter([place for place in range(3) if place not in value.axes])
        order = [source[place] if place in source else next(free) for place in range(3)]
        moved = Value(value.blob, value.shape, axes)
        wide = [place for place in order if value.sizes[place] > 1]
        if moved.sizes == value.sizes and wide == sorted(wide):
            return moved
        axis = [0, *(place + 1 for place in order)]
        return moved.held(self.add("permute", f"{value.blob}_permuted", value.blob, axis=axis))

    def with_channel(self, value: Value, axis: int) -> Value:
        """The same value with an axis of Keras, the batch not counted, as the blob's channels."""
        axes = list(value.axes)
        at = axes.index(CHANNEL)
        axes[at], axes[axis] = axes[axis], CHANNEL
        return self.arranged(value, tuple(axes))

    def picture(self, layer: KerasLayer, value: Value) -> Value:
        """The same value, with channels, height and width where the layer's `data_format` has them."""
        if len(value.shape) != 3:
            raise ValueError(f"it takes pictures, not {len(value.shape)} axes")
        named = {"channels_first": FIRST, "channels_last": LAST}
        return self.arranged(value, named.get(str(layer.config.get("data_format")), self.places)[3])


def axis_of(config: Mapping[str, Any], rank: int, default: int = -1) -> int:
    """The `axis` of a layer, which counts the batch, as one of `rank` axes without it. Raises ValueError for the batch."""
    said: Any = config.get("axis", default)
    listed = sequence(said)
    if listed is not None:
        (said,) = listed
    axis = int(said) - 1 if int(said) > 0 else int(said) + rank
    if said == 0 or not 0 <= axis < rank:
        raise ValueError(f"axis {said} is not one of its {rank}, the batch not counted")
    return axis


def pair(value: Any) -> tuple[int, int]:
    """Two positive numbers, or one for both."""
    rows, columns = (int(each) for each in two(value))
    if rows < 1 or columns < 1:
        raise ValueError(f"{rows} x {columns} is not a size")
    return rows, columns


def stored(layer: KerasLayer, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A weight of the layer. Raises UnreadableModel where it has another shape than the settings say."""
    values = layer.weights.get(name)
    if values is None or values.shape != shape:
        given = "missing" if values is None else f"of shape {values.shape}"
        raise UnreadableModel(f"Layer {layer.name!r} of kind {layer.kind!r}: {name!r} is {given}, where {shape} is needed.")
    return np.asarray(values, np.float32)


def refused(layer: KerasLayer, why: str) -> UnsupportedLayer:
    """A layer that the format cannot say."""
    return UnsupportedLayer(layer.name, layer.kind, why=why)
