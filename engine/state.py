"""What is known while a network runs: its blobs, held to what one answer may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from engine.errors import UnsupportedModel, fitting
from engine.room import TOGETHER, TURNS, WORK
from engine.spec.describe import Layer

Array = NDArray[Any]

TRUE = 1e-6
"""A branch is taken, and a loop goes on, where a number is larger than this in size (the format's own comment)."""


@dataclass
class State:
    """What is known while a network runs."""

    pixels: dict[str, Array]
    """Image inputs as they were given: (1, height, width, channels)."""
    blobs: dict[str, Array] = field(default_factory=dict[str, Array])
    """In the rank that Core ML sees."""
    turns: int = 0
    """Of all loops so far."""
    work: int = 0
    """Multiplications so far."""

    def write(self, layer: Layer, found: Mapping[str, Array]) -> None:
        """Take in what came of `layer`, or of layers up to it. Raises UnsupportedModel where all would be too much."""
        self.blobs |= found
        held = sum(each.size for each in self.blobs.values())
        if held > TOGETHER:
            why = f"Up to layer {layer.name!r}, {held:,} numbers are held at once."
            raise UnsupportedModel(why, f"{TOGETHER:,} are the most.")

    def spend(self, layer: Layer, work: int) -> None:
        """Count multiplications. Raises UnsupportedModel for too many."""
        self.work += work
        if self.work > WORK:
            why = f"Up to layer {layer.name!r}, one image takes {self.work:,} multiplications."
            raise UnsupportedModel(why, f"{WORK:,} are the most.")

    def turn(self, layer: Layer) -> None:
        """Count a turn of a loop. Raises UnsupportedModel for too many."""
        self.turns += 1
        if self.turns > TURNS:
            raise UnsupportedModel(f"Layer {layer.name!r} of kind 'loop' goes on and on.", f"{TURNS:,} turns are the most.")

    def blob(self, layer: Layer, name: str) -> Array:
        """Raises UnsupportedModel where nothing has written `name`."""
        if name not in self.blobs:
            raise UnsupportedModel(f"Layer {layer.name!r} reads {name!r}, which no layer before it writes.")
        return self.blobs[name]

    def number(self, layer: Layer, name: str) -> float:
        """The single number in `name`. Raises UnsupportedModel where there is none."""
        with fitting(layer.name, layer.kind):
            return float(self.blob(layer, name).reshape(-1)[0])

    def true(self, layer: Layer, name: str) -> bool:
        """Whether the single number in `name` counts as true."""
        return abs(self.number(layer, name)) > TRUE
