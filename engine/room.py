"""How much a model's file may ask for: what is larger is refused before anything is reserved for it."""

from collections.abc import Sequence
from math import prod

LARGEST = 2**26
"""Numbers in one value for one image, 256 MiB of float32: 67 megapixels of one colour, or 64 channels of 1024 x 1024."""
AXES = 32
"""Of one value; NumPy's older versions have no more."""
TOGETHER = 2**27
"""Numbers that are held at once for one image, beside the weights: what is read, what is made, what is read later."""
BATCHES = 2**28
"""Numbers that all batches hold at once, on all cores."""
MOST_WEIGHTS = 2**34
"""Numbers in one layer's weights: as many as a file of 2 GiB holds with one bit each."""
WORK = 2**37
"""Multiplications for one image, those of a loop in every turn: seven times as many as VGG-19 takes, a few seconds."""
LAYERS = 10_000
"""Of one network; those of converters have a few thousand at most."""
TURNS = 2000
"""Turns of all loops in one answer."""
EPOCHS = 1_000_000
"""Of a training."""


def too_large(sizes: Sequence[int]) -> bool:
    """Whether a value of these sizes would hold no numbers, or more than `LARGEST`, or have more than `AXES`."""
    return len(sizes) > AXES or min(sizes, default=1) < 1 or prod(sizes) > LARGEST
