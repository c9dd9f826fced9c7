"""The table of images: lines rendered from columns, only those on the screen, only when they change."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from engine.journal import EXCLUDED, IMPORTED
from tui.layout import PERCENT, header, layout, thumb
from tui.status import SIGNS, status
from tui.table_rows import CHANGED, DIFFERS, SKIPPED, WAITING, Line, TableRows
from tui.text import bar, fit, percent, safe, width

COLOURS = {SKIPPED: "table--wrong", CHANGED: "table--changed", DIFFERS: "table--changed"}
"""By a row's state; all others are dim."""
VERDICTS = {EXCLUDED: "–", IMPORTED: "?"}
"""By the kind of a verdict, a sign in the place of right or wrong."""
HANDLE = "▐"
"""Of the scrollbar, which is drawn as the last character of the lines: a widget beside them would cost 35 bytes a line."""
WHEEL = 3
"""Rows that the wheel of a mouse moves."""
KEPT = 256
"""Lines that are kept as they were drawn; a few screenfuls."""

Drawn = tuple[Line, bool, bool]
"""What a line says, whether the cursor is on it, and the scrollbar's handle."""


class Table(Widget, can_focus=True):
    """Rows of images with their prediction, verdict and status.

    It has no keys of its own, and scrolls by itself: Textual's would lay the screen out anew for each row that comes.
    """

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

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The position in the order shown, from 0."""

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: "Table", position: int) -> None:
            super().__init__()
            self.table, self.position = table, position

        @property
        def control(self) -> "Table":
            """The table."""
            return self.table

        def can_replace(self, message: Message) -> bool:
            """Only the last of a burst counts."""
            return isinstance(message, Table.Moved)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows = TableRows()
        self._on_screen: dict[int, Strip] = {}
        """By line of the screen, what was drawn there last."""
        self._strips: dict[Drawn, Strip] = {}
        self._looks: dict[tuple[str, bool], Style] = {}
        self._labels: tuple[str, ...] = ()
        self._plan, self._planned_for = layout(0, 0), (0, self._labels)
        self._room = Size(0, 0)
        """The widget's size, which Textual works out anew whenever it is asked."""
        self.top = 0
        """The position that is seen first."""

    @property
    def visible_rows(self) -> int:
        """Rows that fit on the screen, the header not counted."""
        return max(1, self._room.height - 1)

    @property
    def row(self) -> int:
        """The number of the row under the cursor; -1 in an empty table."""
        return int(self._rows.order[self.cursor]) if len(self._rows) else -1

    def show(self, rows: TableRows, cursor: int) -> None:
        """Show other columns, with the cursor at a position; its line on the screen stays where it was.

        Only lines that look different are sent.
        """
        line, top = self.cursor - self.top, self.top
        moved = cursor != self.cursor
        self._rows = rows
        self._share_out()
        before = self._on_screen
        with self.prevent(Table.Moved):
            self.set_reactive(Table.cursor, max(0, min(cursor, len(rows) - 1)))
        self._put_on_top(self.cursor - line if moved else top)
        self._keep_in_view()
        if self.top != top:
            return
        for y in range(self._room.height):
            if y not in before or self._line(y) != before[y]:
                self._refresh_line(y)

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint the two lines that look different, and tell of the move."""
        for position in (before, now):
            y = position - self.top + 1
            if 1 <= y < self._room.height:
                self._refresh_line(y)
        self._keep_in_view()
        self.post_message(self.Moved(self, now))

    def _refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self._room.width, 1))

    def validate_cursor(self, cursor: int) -> int:
        """Stay inside the table."""
        return max(0, min(cursor, len(self._rows) - 1))

    def page(self, pages: int) -> None:
        """Move by a screenful; the cursor keeps its line."""
        self._put_on_top(self.top + pages * self.visible_rows)
        self.cursor += pages * self.visible_rows

    def on_resize(self) -> None:
        """What is seen depends on the table's size."""
        self._share_out()
        self._put_on_top(self.top)
        self._keep_in_view()

    def on_click(self, event: events.Click) -> None:
        """A click on a row moves there."""
        position = event.y - 1 + self.top
        if event.y >= 1 and position < len(self._rows) and not self._on_scrollbar(event.x):
            self.cursor = position

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the view; a cursor that would leave it goes along."""
        self._put_on_top(self.top + WHEEL)
        self.cursor = max(self.cursor, self.top)

    def on_mouse_scroll_up(self) -> None:
        """The other way."""
        self._put_on_top(self.top - WHEEL)
        self.cursor = min(self.cursor, self.top + self.visible_rows - 1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scrollbar's handle is where the mouse is."""
        if self._on_scrollbar(event.x):
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """It follows the mouse."""
        if self.app.mouse_captured is self:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        """It stays where it is."""
        self.release_mouse()

    def _on_scrollbar(self, x: int) -> bool:
        return x == self._room.width - 1 and len(self._rows) > self.visible_rows

    def _drag(self, y: int) -> None:
        share = max(0, y - 1) / max(1, self.visible_rows - 1)
        self.cursor = round(share * (len(self._rows) - 1))

    def _keep_in_view(self) -> None:
        """A cursor that leaves the view comes to its middle: to scroll by single lines would repaint all at every key."""
        if not self.top <= self.cursor < self.top + self.visible_rows:
            self._put_on_top(self.cursor - self.visible_rows // 2)

    def _put_on_top(self, position: int) -> None:
        """Nothing is seen above the first row, nor below the last one but where all have room."""
        top = max(0, min(position, len(self._rows) - self.visible_rows))
        if top != self.top:
            self.top = top
            self._on_screen = {}
            self.refresh()

    def notify_style_update(self) -> None:
        """The lines depend on the colours."""
        self._looks.clear()
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; the first is the header."""
        strip = self._on_screen[y] = self._line(y)
        return strip

    def _share_out(self) -> None:
        """The columns' widths hang on the labels, on the table's cells, and on whether one of them is the scrollbar's."""
        self._room = self.size
        labels, cells = self._rows.session.labels, self._room.width - (len(self._rows) > self.visible_rows)
        if (cells, labels) != self._planned_for:
            self._planned_for = cells, labels
            self._labels = tuple(safe(label) for label in labels)
            self._plan = layout(cells, max((width(label) for label in self._labels), default=5))
            self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines within a region of the widget."""
        self._share_out()
        return super().render_lines(crop)

    def _line(self, y: int) -> Strip:
        position = y - 1 + self.top
        if y == 0:
            return self._header()
        if position >= len(self._rows):
            return Strip.blank(self._room.width, self._look("", False))
        handle = y - 1 in thumb(len(self._rows), self.visible_rows, self.top)
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
        share = percent(line.share) if says else ""
        parts = [
            (self._mark(under_cursor, line, judged if given else ""), judged),
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

    def _mark(self, under_cursor: bool, line: Line, judged: str) -> str:
        """Cursor or mark; verdict; and where there is no column for it, the state: each is told without colour."""
        cursor = "▸" if under_cursor else "┃" if line.marked else " "
        verdict = VERDICTS.get(line.kind, {"table--wrong": "✗", "table--right": "✓"}.get(judged, " "))
        return f"{cursor}{verdict} " if self._plan.status else f"{cursor}{verdict}{SIGNS.get(line.state, ' ')} "

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
