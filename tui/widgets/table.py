"""The table of images: lines rendered from columns, only those on the screen, only when they change."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from tui.layout import PERCENT, header, layout, thumb
from tui.status import marks, status
from tui.table_rows import CHANGED, DIFFERS, SKIPPED, WAITING, Line
from tui.text import bar, fit, percent, safe, width
from tui.widgets.view import View

COLOURS = {SKIPPED: "table--wrong", CHANGED: "table--changed", DIFFERS: "table--changed"}
"""By a row's state; all others are dim."""
HANDLE = "▐"
"""Of the scrollbar, which is drawn as the last character of the lines: a widget beside them would cost 35 bytes a line."""
KEPT = 256
"""Lines that are kept as they were drawn; a few screenfuls."""

Drawn = tuple[Line, bool, bool]
"""What a line says, whether the cursor is on it, and the scrollbar's handle."""


class Table(View):
    """Rows of images with their prediction, verdict and status."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header", "table--cursor", "table--dim", "table--wrong", "table--right", "table--changed", "table--bar"
    }  # fmt: skip
    DEFAULT_CSS = """
    Table {
        height: 1fr; background: $background;
        & > .table--header { color: $text-muted; text-style: bold; background: $surface; }
        & > .table--cursor { background: $primary-darken-1; color: $text; text-style: bold; }
        & > .table--dim { color: $text-muted; }
        & > .table--wrong { color: $text-error; text-style: bold; }
        & > .table--right { color: $text-success; }
        & > .table--changed { color: $text-warning; }
        & > .table--bar { color: $primary; }
    }
    """

    HEAD = 1

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._on_screen: dict[int, Strip] = {}
        """By line of the screen, what was drawn there last."""
        self._strips: dict[Drawn, Strip] = {}
        self._looks: dict[tuple[str, bool], Style] = {}
        self._labels: tuple[str, ...] = ()
        self._plan, self._planned_for = layout(0, 0), (0, self._labels)

    def paint(self, position: int) -> None:
        """Its line, if it is seen."""
        y = position - self.top + self.HEAD
        if self.HEAD <= y < self._room.height:
            self._refresh_line(y)

    def paint_changed(self) -> None:
        """Line by line."""
        before = self._on_screen
        for y in range(self._room.height):
            if y not in before or self._line(y) != before[y]:
                self._refresh_line(y)

    def scrolled(self) -> None:
        """All lines are others."""
        self._on_screen = {}
        super().scrolled()

    def top_for(self, cursor: int) -> int:
        """A cursor that leaves the view comes to its middle: to scroll by single lines would repaint all at every key."""
        return cursor - self.down // 2

    def _refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self._room.width, 1))

    def notify_style_update(self) -> None:
        """The lines depend on the colours."""
        self._looks.clear()
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; the first is the header."""
        strip = self._on_screen[y] = self._line(y)
        return strip

    def measure(self) -> None:
        """The columns' widths hang on the labels, on the table's cells, and on whether one of them is the scrollbar's."""
        super().measure()
        labels, cells = self._rows.session.labels, self._room.width - (len(self._rows) > self.down)
        if (cells, labels) != self._planned_for:
            self._planned_for = cells, labels
            self._labels = tuple(safe(label) for label in labels)
            self._plan = layout(cells, max((width(label) for label in self._labels), default=5))
            self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines within a region of the widget."""
        self.measure()
        return super().render_lines(crop)

    def _line(self, y: int) -> Strip:
        position = y - 1 + self.top
        if y == 0:
            return self._header()
        if position >= len(self._rows):
            return Strip.blank(self._room.width, self._look("", False))
        handle = y - 1 in thumb(len(self._rows), self.down, self.top)
        drawn = self._rows.line(position), position == self.cursor, handle
        strip = self._strips.get(drawn)
        if strip is None:
            if len(self._strips) >= KEPT:
                self._strips.clear()
            strip = self._strips[drawn] = self._draw(*drawn)
        return strip

    def _header(self) -> Strip:
        cells = self._room.width
        return Strip([Segment(fit(header(self._plan), cells), self.get_component_rich_style("table--header"))], cells)

    def _draw(self, line: Line, under_cursor: bool, handle: bool) -> Strip:
        plan, state = self._plan, line.state
        says = self._labels[line.predicted] if line.predicted >= 0 else ""
        given = self._labels[line.verdict] if line.verdict >= 0 else ""
        judged = "table--wrong" if given and line.verdict != line.predicted >= 0 else "table--right"
        share, signs = percent(line.share) if says else "", marks(line, under_cursor)
        parts = [
            (f"{signs[:2] if plan.status else signs} ", judged),
            (fit(safe(line.name), plan.name, middle=True) + " ", "table--dim" if state in (WAITING, SKIPPED) else ""),
            (fit(says, plan.label) + " ", "table--changed" if state == CHANGED else ""),
            (bar(line.share, plan.bar) + " " * (plan.bar > 0), "table--bar"),
            (f"{share:>{PERCENT}} ", ""),
            (fit(given, plan.label), judged),
        ]
        if plan.status:
            colour = COLOURS.get(state, "table--dim")
            parts.append((" " + fit(status(line, self._labels, plan.status), plan.status), colour))
        parts.append((HANDLE if handle else " ", "table--dim"))
        return self._joined(parts, under_cursor).adjust_cell_length(self._room.width, self._look("", under_cursor))

    def _joined(self, parts: list[tuple[str, str]], under_cursor: bool) -> Strip:
        """One segment where neighbours look the same, and blanks look like what stands before: a style costs 40 bytes."""
        segments: list[Segment] = []
        text, look = "", self._look("", under_cursor)
        for more, component in parts:
            other = self._look(component, under_cursor) if more and not more.isspace() else look
            if other is not look and text:
                segments.append(Segment(text, look))
                text = ""
            text, look = text + more, other
        return Strip([*segments, Segment(text, look)])

    def _look(self, component: str, under_cursor: bool) -> Style:
        """The style of a component class; the cursor's lies under all of them."""
        look = self._looks.get((component, under_cursor))
        if look is None:
            if under_cursor:
                look = self.get_component_rich_style("table--cursor")
            elif component:
                look = self.rich_style + self.get_component_rich_style(component)
            else:
                look = self.rich_style
            self._looks[component, under_cursor] = look
        return look
