"""Pixels as text: two to a cell, as half blocks in colour, or as characters where there is none. No Textual here."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style

Pixels = NDArray[np.uint8]
RAMP = " .:-=+*#%@"
"""From dark to light, for terminals without colour."""
LUMA = np.array([0.2126, 0.7152, 0.0722])
"""What red, green and blue add to brightness (Rec. 709)."""


def half_blocks(upper: Pixels, lower: Pixels) -> list[Segment]:
    """A line of two rows of pixels, (width, 3) each; equal neighbours share a segment, which saves their colours' bytes."""
    pairs = np.concatenate([upper, lower], axis=1)
    edges = np.flatnonzero(np.any(pairs[1:] != pairs[:-1], axis=1)) + 1
    starts = [0, *edges.tolist(), len(pairs)]
    colours = pairs.tolist()
    return [Segment("▀" * (b - a), _style(colours[a])) for a, b in pairwise(starts)]


def _style(pair: list[int]) -> Style:
    """Colours are made without a name, and the style without reading words: a screenful needs thousands of them."""
    upper, lower = ColorTriplet(*pair[:3]), ColorTriplet(*pair[3:])
    return Style.from_color(Color("", ColorType.TRUECOLOR, None, upper), Color("", ColorType.TRUECOLOR, None, lower))


def characters(upper: Pixels, lower: Pixels, look: Style, dark: bool) -> list[Segment]:
    """The same by brightness alone; `dark` is whether the terminal's background is."""
    light = (upper.astype(float) + lower) @ LUMA / 2 / 256
    ramp = RAMP if dark else RAMP[::-1]
    return [Segment("".join(ramp[int(each * len(ramp))] for each in light), look)]
