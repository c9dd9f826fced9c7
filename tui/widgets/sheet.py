"""The contact sheet: a grid of thumbnails in the table's order, each with a line of what the table says of it."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip

from tui.blocks import characters, half_blocks
from tui.grid import BAR, MOST_COLUMNS, caption, grid
from tui.layout import thumb
from tui.pictures import Answer
from tui.rows import OPEN
from tui.table_rows import SKIPPED, Line
from tui.text import fit, safe
from tui.widgets.still import Still
from tui.widgets.view import View

HANDLE = "▐"
COLOURS = 4
"""Labels that have a colour of their own; their words tell them apart as well."""

REVERSED = Style(reverse=True)
"""Of the label, where it is a verdict."""

PictureOf = Callable[[str, tuple[int, int]], Answer | None]
"""An image's thumbnail, by the image's name and the thumbnail's width and height; None while it is not there."""


class Sheet(View):
    """Places in columns, each a widget: Textual sends a line from the left edge of the widget that it belongs to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sheet--cursor", "sheet--marked", "sheet--dim", "sheet--wrong", *(f"sheet--label{n}" for n in range(COLOURS))
    }  # fmt: skip
    DEFAULT_CSS = """
    Sheet {
        height: 1fr; background: $background; layout: horizontal; overflow: hidden hidden;
        & > .sheet--cursor { background: $primary-darken-1; color: $text; text-style: bold; }
        & > .sheet--marked { background: $primary-muted; color: $text; }
        & > .sheet--dim { color: $text-muted; }
        & > .sheet--wrong { color: $text-error; text-style: bold; }
        & > .sheet--label0 { color: $text-primary; }
        & > .sheet--label1 { color: $text-warning; }
        & > .sheet--label2 { color: $text-success; }
        & > .sheet--label3 { color: $text-secondary; }
    }
    """
    LINE = 3

    class Scrolled(Message):
        """Other images are seen."""

    def __init__(self, pictures: bool, picture_of: PictureOf, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._pictures, self._picture_of = pictures, picture_of
        self.grid = grid(0, 0, pictures)
        self._labels: tuple[str, ...] = ()
        self._named: tuple[str, ...] = ()
        self._captions: dict[int, tuple[Line, bool]] = {}
        """By place, what its words said when it was drawn last."""
        self._drawn: dict[int, tuple[str, Answer | None]] = {}
        """By place, the image and the thumbnail that were drawn there last."""
        self._thumbs: dict[str, tuple[Answer, list[Strip]]] = {}
        """By image, its thumbnail's lines."""
        self._looks: dict[str, Style] = {}
        self._columns = tuple(Column(self, number) for number in range(MOST_COLUMNS))
        self._bar = Bar()

    def compose(self) -> ComposeResult:
        """As many columns as there may ever be, and the scrollbar."""
        yield from self._columns
        yield self._bar

    @property
    def across(self) -> int:
        """Images on a line."""
        return self.grid.across

    @property
    def down(self) -> int:
        """Lines of images."""
        return self.grid.down

    @property
    def shown(self) -> range:
        """The positions that are seen."""
        return range(self.top, min(self.top + self.seen, len(self._rows)))

    def measure(self) -> None:
        """The columns' widths, and which of them there are."""
        super().measure()
        labels = self._rows.session.labels
        if labels != self._named:
            self._named, self._labels = labels, tuple(safe(label) for label in labels)
        new = grid(self._room.width, self._room.height, self._pictures)
        if new != self.grid:
            self.grid = new
            self.top -= self.top % new.across
            self._thumbs.clear()
            for number, column in enumerate(self._columns):
                column.display = number < new.across
                column.styles.width = new.cells
            self.scrolled()

    def paint(self, position: int) -> None:
        """The words below the thumbnail."""
        words = 1 + self.grid.named
        self._refresh(position, self.grid.lines - words, words)

    def paint_changed(self) -> None:
        """Place by place."""
        for place in range(self.seen):
            position = self.top + place
            if position >= len(self._rows):
                if place in self._drawn:
                    self._refresh(position, 0, self.grid.lines)
                continue
            line = self._rows.line(position)
            if self._drawn.get(place) != (line.name, self._answer(line.name)):
                self._refresh(position, 0, self.grid.lines)
            elif self._captions.get(place) != (line, position == self.cursor):
                self.paint(position)
        self._bar.show(self._handle())

    def scrolled(self) -> None:
        """All places are others."""
        self._drawn, self._captions = {}, {}
        for column in self._columns:
            column.refresh()
        self._bar.show(self._handle())
        self.post_message(self.Scrolled())

    def top_for(self, cursor: int) -> int:
        """A cursor that leaves the view downwards begins a page, and upwards it is on a page's last line."""
        return cursor if cursor >= self.top else cursor - (self.seen - self.across)

    def position_at(self, place: Offset) -> int:
        """The image at a place of the widget."""
        column = place.x // self.grid.cells
        return self.top + place.y // self.grid.lines * self.across + column if column < self.across else -1

    def notify_style_update(self) -> None:
        """The lines depend on the colours."""
        self._looks.clear()
        self._thumbs.clear()
        super().notify_style_update()

    def _answer(self, name: str) -> Answer | None:
        return self._picture_of(name, self.grid.picture) if self.grid.picture[0] else None

    def _refresh(self, position: int, first: int, lines: int) -> None:
        """Lines of an image, from one of them on, if it is seen."""
        place = position - self.top
        if 0 <= place < self.seen:
            y = place // self.across * self.grid.lines + first
            self._columns[place % self.across].refresh(Region(0, y, self.grid.cells, lines))

    def line_of(self, column: int, y: int) -> Strip:
        """A line of a column."""
        place, line = y // self.grid.lines * self.across + column, y % self.grid.lines
        position, cells = self.top + place, self.grid.cells
        if place >= self.seen or position >= len(self._rows):
            self._drawn.pop(place, None)
            return Strip.blank(cells, self._look(""))
        words = self.grid.lines - 1 - self.grid.named
        strip = self._thumb(place, position)[line] if line < words else self._words(place, position)[line - words]
        return strip.adjust_cell_length(cells, self._look(""))

    def _words(self, place: int, position: int) -> list[Strip]:
        """What is below the thumbnail: the name, where there is a line for it, and the caption."""
        line, under_cursor, cells = self._rows.line(position), position == self.cursor, self.grid.cells - 1
        self._captions[place] = line, under_cursor
        if not self.grid.picture[0]:
            self._drawn[place] = line.name, None
        name = fit(safe(line.name), cells, middle=True)
        label, rest = caption(line, self._labels, under_cursor, cells)
        if under_cursor or line.marked:
            look = self._look("sheet--cursor" if under_cursor else "sheet--marked")
            strips = [Strip([Segment(name, look)]), Strip([Segment(label + rest, look)])]
        else:
            dim, look = self._look("sheet--dim"), self._of_label(line)
            given = look + REVERSED if line.verdict >= 0 else look
            strips = [Strip([Segment(name, dim)]), Strip([Segment(label, given), Segment(rest, look)])]
        return strips if self.grid.named else strips[1:]

    def _of_label(self, line: Line) -> Style:
        """The colour of the label that is given, or else predicted."""
        if line.state == SKIPPED:
            return self._look("sheet--wrong")
        label = line.predicted if line.verdict == OPEN else line.verdict
        return self._look(f"sheet--label{label % COLOURS}" if label >= 0 else "sheet--dim")

    def _thumb(self, place: int, position: int) -> list[Strip]:
        name = self._rows.session.rows.names[int(self._rows.order[position])]
        answer = self._answer(name)
        self._drawn[place] = name, answer
        known = self._thumbs.get(name)
        if known is not None and known[0] is answer:
            return known[1]
        if answer is None:
            return [Strip([])] * self.grid.lines
        if len(self._thumbs) > 2 * self.seen:
            self._thumbs.clear()
        strips = self._drawn_lines(answer)
        self._thumbs[name] = answer, strips
        return strips

    def _drawn_lines(self, answer: Answer) -> list[Strip]:
        """In the middle of its place."""
        room, height = self.grid.picture[0], self.grid.picture[1] // 2
        blank = self._look("")
        lines = [Strip([])] * height
        pixels = answer.pixels
        if pixels is None:
            lines[height // 2] = Strip([Segment(fit(safe(answer.why), room), self._look("sheet--dim"))])
            return lines
        left, top = (room - pixels.shape[1]) // 2, (height - (len(pixels) + 1) // 2) // 2
        colourless, dark = self.app.no_color or self.app.console.color_system is None, self.app.current_theme.dark
        for row in range(0, len(pixels), 2):
            pair = pixels[row], pixels[min(row + 1, len(pixels) - 1)]
            drawn = characters(*pair, blank, dark) if colourless else half_blocks(*pair)
            lines[top + row // 2] = Strip([Segment(" " * left, blank), *drawn] if left else drawn)
        return lines

    def _look(self, component: str) -> Style:
        look = self._looks.get(component)
        if look is None:
            look = self.rich_style + self.get_component_rich_style(component) if component else self.rich_style
            self._looks[component] = look
        return look

    def _handle(self) -> range:
        """The lines of the screen that the scrollbar's handle takes."""
        lines = -(-len(self._rows) // self.across)
        return thumb(lines * self.grid.lines, self.down * self.grid.lines, self.top // self.across * self.grid.lines)


class Column(Still):
    """One column of the sheet."""

    DEFAULT_CSS = """
    Column { height: 1fr; }
    """

    def __init__(self, sheet: Sheet, number: int) -> None:
        super().__init__()
        self._sheet, self._number = sheet, number

    def render_line(self, y: int) -> Strip:
        """As the sheet draws it."""
        return self._sheet.line_of(self._number, y)


class Bar(Still):
    """The scrollbar, at the sheet's right edge."""

    DEFAULT_CSS = f"""
    Bar {{ height: 1fr; width: {BAR}; color: $text-muted; dock: right; }}
    """

    def __init__(self) -> None:
        super().__init__()
        self._handle = range(0)

    def show(self, handle: range) -> None:
        """Its handle on these lines."""
        if handle != self._handle:
            self._handle = handle
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A cell."""
        return Strip([Segment(HANDLE if y in self._handle else " ", self.visual_style.rich_style)], 1)
