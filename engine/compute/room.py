"""How large a blob may become."""

from collections.abc import Sequence
from math import prod

from engine.errors import UnsupportedModel
from engine.room import LARGEST
from engine.spec.describe import Layer


def require_room(layer: Layer, sizes: Sequence[int]) -> None:
    """Raise UnsupportedModel for more than `LARGEST` numbers; sizes below 1 count as 1."""
    if prod(max(1.0, float(each)) for each in sizes) > LARGEST:
        raise UnsupportedModel(f"Layer {layer.name!r} makes a blob of {' x '.join(map(str, sizes))} numbers.")
