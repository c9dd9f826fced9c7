"""Pictures as a terminal takes them: Kitty's graphics protocol and Sixel. No Textual here."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096
"""Bytes of base64 in one escape sequence of Kitty's protocol, at most."""
RED, GREEN, BLUE = 6, 7, 6
"""Levels of the Sixel palette: 252 colours, most steps in green, where the eye sees best."""
THRESHOLDS = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5) / 16 - 0.5
"""Bayer's 4 x 4 matrix for ordered dithering."""

Pixels = NDArray[np.uint8]


def kitty(pixels: Pixels, columns: int, rows: int, number: int) -> str:
    """Transmit (height, width, 3) as image `number` and show it, from the cursor on, in columns x rows cells.

    The terminal scales, the cursor stays (C=1), and the terminal does not answer (q=2), since an answer would arrive as
    keys. https://sw.kovidgoyal.net/kitty/graphics-protocol/
    """
    height, width, _ = pixels.shape
    data = base64.standard_b64encode(zlib.compress(pixels.tobytes())).decode()
    head = f"a=T,f=24,o=z,s={width},v={height},c={columns},r={rows},i={number},C=1,q=2"
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    last = len(parts) - 1
    return "".join(f"\x1b_G{head + ',' if at == 0 else ''}m={int(at < last)};{part}\x1b\\" for at, part in enumerate(parts))


def kitty_clear(number: int) -> str:
    """Take image `number` off the screen and out of the terminal's memory."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def sixel(pixels: Pixels) -> str:
    """(height, width, 3) as Sixel, dithered to a fixed palette of 252 colours.

    Six rows of pixels make a band; a band is drawn colour by colour, each a string of sixels with repeats shortened.
    https://vt100.net/docs/vt3xx-gp/chapter14.html
    """
    numbers = _dithered(pixels)
    height, width = numbers.shape
    palette = "".join(
        f"#{r * GREEN * BLUE + g * BLUE + b};2;{r * 100 // (RED - 1)};{g * 100 // (GREEN - 1)};{b * 100 // (BLUE - 1)}"
        for r in range(RED)
        for g in range(GREEN)
        for b in range(BLUE)
    )
    bands = "-".join(_band(numbers[at : at + 6]) for at in range(0, height, 6))
    # P2=1: pixels that are not drawn stay as they are. Raster attributes say square pixels and the size.
    return f'\x1bP0;1;0q"1;1;{width};{height}{palette}{bands}\x1b\\'


def _dithered(pixels: Pixels) -> NDArray[np.int64]:
    height, width, _ = pixels.shape
    shift = np.tile(THRESHOLDS, (height // 4 + 1, width // 4 + 1))[:height, :width]
    levels = [
        np.clip(np.rint(pixels[:, :, at] / 255 * (steps - 1) + shift * 0.9), 0, steps - 1).astype(np.int64)
        for at, steps in enumerate((RED, GREEN, BLUE))
    ]
    return (levels[0] * GREEN + levels[1]) * BLUE + levels[2]


def _band(numbers: NDArray[np.int64]) -> str:
    bits = (1 << np.arange(len(numbers)))[:, None]
    lines = (f"#{colour}{_shortened(((numbers == colour) * bits).sum(axis=0))}" for colour in np.unique(numbers))
    return "$".join(lines)


def _shortened(sixels: NDArray[Any]) -> str:
    """Runs of one sixel as `!count`."""
    edges = np.flatnonzero(np.diff(sixels)) + 1
    starts = np.concatenate([[0], edges])
    counts = np.diff(np.concatenate([starts, [len(sixels)]]))
    return "".join(
        f"!{n}{chr(63 + int(sixels[at]))}" if n > 3 else chr(63 + int(sixels[at])) * int(n)
        for at, n in zip(starts, counts, strict=True)
    )
