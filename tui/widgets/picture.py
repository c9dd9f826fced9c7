"""The preview: half blocks in every terminal, Kitty's graphics or Sixel where the person says that they work."""

import fcntl
import struct
import sys
import termios

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics import kitty, kitty_clear, sixel
from tui.text import fit, safe

Pixels = NDArray[np.uint8]
IMAGE = 7301
"""The number of the one image that is ever on the screen under Kitty's protocol."""
KITTY_CELL = (10, 20)
"""Pixels sent for a cell; the terminal scales them to its own."""
SIXEL_CELL = (8, 16)
"""Pixels of a cell where the terminal's driver does not tell: a small picture rather than one that overflows."""
RAMP = " .:-=+*#%@"
"""From dark to light, for terminals without colour."""


def cell_pixels() -> tuple[int, int]:
    """Width and height of a cell as the kernel knows them; nothing is asked of the terminal itself."""
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(sys.__stderr__, termios.TIOCGWINSZ, b"\0" * 8))
    except (OSError, AttributeError, ValueError):
        return SIXEL_CELL
    return (width // columns, height // rows) if width and height and rows and columns else SIXEL_CELL


class Picture(Widget):
    """One picture, or a line that says why there is none."""

    DEFAULT_CSS = """
    Picture { background: $background; color: $text-muted; }
    """

    def __init__(self, mode: str = "blocks", id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._mode = mode
        self._pixels: Pixels | None = None
        self._note = ""
        self._lines: list[Strip] | None = None

    @property
    def wanted(self) -> tuple[int, int]:
        """Width and height, in pixels, of the picture that fits; (0, 0) where none is to be shown."""
        cells = self.content_size
        if self._mode == "off" or not cells.area:
            return 0, 0
        across, down = {"blocks": (1, 2), "kitty": KITTY_CELL}.get(self._mode) or cell_pixels()
        return cells.width * across, cells.height * down

    def show(self, pixels: Pixels | None, note: str = "") -> None:
        """Show (height, width, 3), or `note` where there is no picture."""
        self._pixels, self._note, self._lines = pixels, note, None
        self.refresh()

    def on_resize(self) -> None:
        """The lines depend on the size."""
        self._lines = None

    def render_line(self, y: int) -> Strip:
        """One line, from a picture that is laid out once."""
        if self._lines is None:
            self._lines = self._laid_out(self.content_size)
        return self._lines[y] if y < len(self._lines) else self._blank(self.content_size.width)

    def _laid_out(self, cells: Size) -> list[Strip]:
        if self._pixels is None or self._mode == "off":
            lines = [self._blank(cells.width) for _ in range(cells.height)]
            if self._note and lines:
                note = fit(safe(self._note), cells.width)
                lines[cells.height // 2 if cells.height > 2 else 0] = Strip(
                    [Segment(note, self.rich_style)], cells.width
                )
            return self._with_control(lines, kitty_clear(IMAGE)) if self._mode == "kitty" else lines
        if self._mode == "blocks":
            return self._blocks(self._pixels, cells)
        return self._graphics(self._pixels, cells)

    def _blank(self, cells: int) -> Strip:
        return Strip([Segment(" " * cells, self.rich_style)], cells)

    def _blocks(self, pixels: Pixels, cells: Size) -> list[Strip]:
        """Two pixels a cell, the upper one as the block's colour, the lower one as its background."""
        height, width = min(len(pixels), 2 * cells.height), min(pixels.shape[1], cells.width)
        left, top = (cells.width - width) // 2, (cells.height - (height + 1) // 2) // 2
        lines = [self._blank(cells.width) for _ in range(cells.height)]
        draw = self._ramp if self.app.no_color else self._half_blocks
        for row in range(0, height, 2):
            upper, lower = pixels[row, :width], pixels[min(row + 1, height - 1), :width]
            margins = [
                Segment(" " * left, self.rich_style),
                Segment(" " * (cells.width - left - width), self.rich_style),
            ]
            lines[top + row // 2] = Strip([margins[0], *draw(upper, lower), margins[1]], cells.width)
        return lines

    def _half_blocks(self, upper: Pixels, lower: Pixels) -> list[Segment]:
        """Equal neighbours share a segment, which saves their colours' bytes."""
        pairs = np.concatenate([upper, lower], axis=1).astype(np.int64)
        edges = np.flatnonzero(np.any(np.diff(pairs, axis=0), axis=1)) + 1
        starts = [0, *edges.tolist(), len(pairs)]
        return [
            Segment("▀" * (b - a), Style(color=Color.from_rgb(*pairs[a][:3]), bgcolor=Color.from_rgb(*pairs[a][3:])))
            for a, b in zip(starts, starts[1:], strict=False)
        ]

    def _ramp(self, upper: Pixels, lower: Pixels) -> list[Segment]:
        light = (upper.astype(float) + lower) @ np.array([0.2126, 0.7152, 0.0722]) / 2 / 256
        return [Segment("".join(RAMP[int(each * len(RAMP))] for each in light), self.rich_style)]

    def _graphics(self, pixels: Pixels, cells: Size) -> list[Strip]:
        lines = [self._blank(cells.width) for _ in range(cells.height)]
        if self._mode == "sixel":
            return self._with_control(lines, sixel(pixels), last=True)
        across, down = KITTY_CELL
        columns = max(1, min(cells.width, round(pixels.shape[1] / across)))
        rows = max(1, min(cells.height, round(len(pixels) / down)))
        return self._with_control(lines, kitty_clear(IMAGE) + kitty(pixels, columns, rows, IMAGE))

    def _with_control(self, lines: list[Strip], escape: str, last: bool = False) -> list[Strip]:
        """Put an escape sequence, which takes no cells, before the first line, or, from there, behind the last.

        Sixel is drawn after all blanks, since text that is printed later wipes it out.
        """
        if not lines:
            return lines
        if last:
            up = Control.move(-lines[0].cell_length, 1 - len(lines)).segment.text
            escape = f"\x1b7{up}{escape}\x1b8"
        segment = Segment(escape, None, ((ControlType.CURSOR_FORWARD, 0),))
        at = -1 if last else 0
        parts = [*lines[at], segment] if last else [segment, *lines[at]]
        lines[at] = Strip(parts, lines[at].cell_length)
        return lines
