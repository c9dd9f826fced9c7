"""The preview: half blocks in every terminal, Kitty's graphics or Sixel where the person says that they work.

Nothing is ever asked of the terminal: an answer that comes late would arrive as keys.
"""

import fcntl
import struct
import termios
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.blocks import characters, half_blocks
from tui.graphics import kitty, kitty_clear, sixel
from tui.text import fit, safe

Pixels = NDArray[np.uint8]
IMAGE = 73
"""The number of the one image under Kitty's protocol; below 256, since it is also the colour of its placeholders."""
PLACEHOLDER = "\U0010eeee"
"""Stands for a cell of an image; a mark on the first one of a line tells the line, the others count on from there."""
ROW_MARKS = "".join(
    map(
        chr,
        (
            0x0305, 0x030D, 0x030E, 0x0310, 0x0312, 0x033D, 0x033E, 0x033F, 0x0346, 0x034A, 0x034B, 0x034C, 0x0350, 0x0351,
            0x0352, 0x0357, 0x035B, *range(0x0363, 0x0370), *range(0x0483, 0x0488), 0x0592, 0x0593, 0x0594, 0x0595, 0x0597,
            0x0598, 0x0599, 0x059C, 0x059D, 0x059E, 0x059F, 0x05A0, 0x05A1, 0x05A8, 0x05A9, 0x05AB, 0x05AC, 0x05AF, 0x05C4,
            *range(0x0610, 0x0618), 0x0657, 0x0658, 0x0659, 0x065A, 0x065B, 0x065D, 0x065E, *range(0x06D6, 0x06DD), 0x06DF,
            0x06E0, 0x06E1, 0x06E2, 0x06E4, 0x06E7, 0x06E8, 0x06EB, 0x06EC,
        ),
    )
)  # fmt: skip
"""The first of Kitty's rowcolumn-diacritics.txt, by line of the image."""
KITTY_CELL = (10, 20)
"""Pixels sent for a cell; the terminal scales them to its own."""
SIXEL_CELL = (8, 16)
"""Pixels of a cell where the terminal's driver does not tell: a small picture rather than one that overflows."""
TEXTUAL_WRITES_TO = 2
"""Standard error."""


def cell_pixels() -> tuple[int, int]:
    """Width and height of a cell as the kernel knows them; nothing is asked of the terminal itself."""
    try:
        answer = fcntl.ioctl(TEXTUAL_WRITES_TO, termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return SIXEL_CELL
    rows, columns, width, height = struct.unpack("HHHH", answer)
    return (width // columns, height // rows) if width and height and rows and columns else SIXEL_CELL


class Carrier(Strip):
    """A line that brings an escape sequence along, which takes no cells.

    Where Textual cuts the line or changes its colours, a plain strip comes of it: the sequence is sent whole or not at all.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, strip: Strip, before: str = "", after: str = "") -> None:
        super().__init__(list(strip), strip.cell_length)
        self._before, self._after = before, after

    def render(self, console: Console) -> str:
        """The sequence, the line, the sequence."""
        return self._before + super().render(console) + self._after


class Picture(Widget):
    """One picture, or a line that says why there is none."""

    DEFAULT_CSS = """
    Picture { background: $background; color: $text-muted; }
    """

    class Resized(Message):
        """Pictures are wanted in another size."""

    def __init__(self, mode: str = "blocks", id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._mode = mode
        self._pixels: Pixels | None = None
        self._note = ""
        self._lines: list[Strip] | None = None
        self._placed: Region | None = None
        self._before = self._after = ""

    @property
    def wanted(self) -> tuple[int, int]:
        """Width and height, in pixels, of the picture that fits; (0, 0) where none is to be shown."""
        cells = self.content_size
        if self._mode == "off" or not cells.area:
            return 0, 0
        across, down = self._cell
        return cells.width * across, cells.height * down

    @property
    def _cell(self) -> tuple[int, int]:
        """Pixels of a cell, across and down."""
        if not self._graphical:
            return 1, 2
        return KITTY_CELL if self._mode == "kitty" else cell_pixels()

    def show(self, pixels: Pixels | None, note: str = "") -> None:
        """Show (height, width, 3), or `note` where there is no picture."""
        self._pixels, self._note, self._lines = pixels, note, None
        self.refresh()

    def on_resize(self) -> None:
        """The lines depend on the size."""
        self._lines = None
        self.post_message(self.Resized())

    def notify_style_update(self) -> None:
        """The lines depend on the colours."""
        self._lines = None
        super().notify_style_update()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """None where a picture is sent as graphics: its lines must come through as they are."""
        return [] if self._graphical else super().get_line_filters()

    @property
    def _graphical(self) -> bool:
        return self._mode in ("kitty", "sixel") and not self._colourless

    @property
    def _colourless(self) -> bool:
        return self.app.no_color or self.app.console.color_system is None

    def render_line(self, y: int) -> Strip:
        """One line, from a picture that is laid out once."""
        place = self.content_region
        if self._placed != place:
            # Sixel is drawn at a place on the screen, not where the line happens to be.
            self._lines, self._placed = None, place
        if self._lines is None:
            self._lines = self._laid_out(self.content_size)
        return self._lines[y] if y < len(self._lines) else self._blank(self.content_size.width)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines, the first or the last of which carries the picture where it is sent as graphics."""
        strips = super().render_lines(crop)
        first = self.gutter.top - crop.y
        last = first + self.content_size.height - 1
        if crop.width == self.size.width:
            if self._before and 0 <= first < len(strips):
                strips[first] = Carrier(strips[first], before=self._before)
            if self._after and 0 <= last < len(strips):
                strips[last] = Carrier(strips[last], after=self._after)
        return strips

    def _laid_out(self, cells: Size) -> list[Strip]:
        self._before = self._after = ""
        if self._pixels is None or self._mode == "off":
            return self._noted(cells)
        if not self._graphical:
            return self._blocks(self._pixels, cells)
        return self._kitty(self._pixels, cells) if self._mode == "kitty" else self._sixel(self._pixels, cells)

    def _noted(self, cells: Size) -> list[Strip]:
        lines = [self._blank(cells.width) for _ in range(cells.height)]
        if self._note and lines:
            note = Segment(fit(safe(self._note), cells.width), self.rich_style)
            lines[cells.height // 2 if cells.height > 2 else 0] = Strip([note], cells.width)
        if self._mode == "kitty":
            self._before = kitty_clear(IMAGE)
        return lines

    def _blank(self, cells: int) -> Strip:
        return Strip([Segment(" " * cells, self.rich_style)], cells)

    def _blocks(self, pixels: Pixels, cells: Size) -> list[Strip]:
        """Two pixels a cell, the upper one as the block's colour, the lower one as its background."""
        height, width = min(len(pixels), 2 * cells.height), min(pixels.shape[1], cells.width)
        left, top = (cells.width - width) // 2, (cells.height - (height + 1) // 2) // 2
        lines = [self._blank(cells.width) for _ in range(cells.height)]
        for row in range(0, height, 2):
            upper, lower = pixels[row, :width], pixels[min(row + 1, height - 1), :width]
            margins = [
                Segment(" " * left, self.rich_style),
                Segment(" " * (cells.width - left - width), self.rich_style),
            ]
            lines[top + row // 2] = Strip([margins[0], *self._drawn_line(upper, lower), margins[1]], cells.width)
        return lines

    def _drawn_line(self, upper: Pixels, lower: Pixels) -> list[Segment]:
        if self._colourless:
            return characters(upper, lower, self.rich_style, self.app.current_theme.dark)
        return half_blocks(upper, lower)

    def _kitty(self, pixels: Pixels, cells: Size) -> list[Strip]:
        """Placeholders in the image's colour: where other text takes their place, the image goes without a word.

        The image is placed, and that place given up for one that only placeholders show (U=1).
        https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
        """
        across, down = self._cell
        columns = max(1, min(cells.width, round(pixels.shape[1] / across)))
        rows = max(1, min(cells.height, len(ROW_MARKS), round(len(pixels) / down)))
        left, top = (cells.width - columns) // 2, (cells.height - rows) // 2
        look = self.rich_style + Style(color=Color.from_ansi(IMAGE))
        lines = [self._blank(cells.width) for _ in range(cells.height)]
        for row in range(rows):
            marked = PLACEHOLDER + ROW_MARKS[row] + ROW_MARKS[0] + PLACEHOLDER * (columns - 1)
            parts = [(" " * left, self.rich_style), (marked, look), (" " * (cells.width - left - columns), self.rich_style)]
            lines[top + row] = Strip([Segment(*part) for part in parts if part[0]], cells.width)
        placed = f"\x1b_Ga=d,d=i,i={IMAGE},q=2\x1b\\\x1b_Ga=p,U=1,i={IMAGE},c={columns},r={rows},q=2\x1b\\"
        self._before = kitty_clear(IMAGE) + kitty(pixels, columns, rows, IMAGE) + placed
        return lines

    def _sixel(self, pixels: Pixels, cells: Size) -> list[Strip]:
        """Drawn behind the last line, since text that is printed later wipes it out; the cursor comes back."""
        across, down = self._cell
        columns, rows = -(-pixels.shape[1] // across), -(-len(pixels) // down)
        left = self.content_region.x + max(0, cells.width - columns) // 2
        top = self.content_region.y + max(0, cells.height - rows) // 2
        self._after = f"\x1b7\x1b[{top + 1};{left + 1}H{sixel(pixels)}\x1b8"
        return [self._blank(cells.width) for _ in range(cells.height)]
