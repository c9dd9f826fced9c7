"""The table of images: lines rendered from columns, only those on the screen, only when they change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.table_rows import CHANGED, NEW, SKIPPED, WAITING, TableRows
from tui.text import bar, fit, percent, safe, width


@dataclass(frozen=True)
class Layout:
    """How many cells each column takes, a space between them; 0 leaves a column out."""

    mark: int
    name: int
    label: int
    bar: int
    status: int


PERCENT, LEAST_NAME = 5, 12
STEPS = (
    (20, 26, 16),
    (12, 22, 16),
    (8, 16, 16),
    (6, 12, 16),
    (4, 7, 16),
    (0, 7, 16),
    (0, 7, 10),
    (0, 7, 6),
    (0, 0, 6),
    (0, 0, 4),
)
"""From roomy to narrow: cells of the bar, of the status, and of a label at most."""
SIGNS = {SKIPPED: "!", NEW: "+", CHANGED: "~", WAITING: "·"}
"""A row's state in one character, where there is no room for words."""


def layout(cells: int, longest_label: int) -> Layout:
    """Share out `cells`: the name gets what is left; where that is little, the bar shrinks, then labels and status."""
    plans = [_shared_out(cells, longest_label, *step) for step in STEPS]
    return next((plan for plan in plans if plan.name >= max(LEAST_NAME, cells // 3)), plans[-1])


def _shared_out(cells: int, longest_label: int, bar_cells: int, status: int, most_label: int) -> Layout:
    label = max(4, min(longest_label, most_label))
    mark = 3 if status else 4
    used = mark + label + PERCENT + label + status + bar_cells + 3 + (bar_cells > 0) + (status > 0)
    return Layout(mark, max(1, cells - used), label, bar_cells, status)


def _joined(segments: list[Segment], look: Style) -> Strip:
    """One segment where neighbours look the same, and blanks look like what stands before: a style costs 40 bytes."""
    joined = []
    for segment in segments:
        if segment.text.strip():
            look = segment.style or look
        joined.append(Segment(segment.text, look))
    return Strip(joined).simplify()


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of images with their prediction, verdict and status.

    It has no keys of its own: a scrolling widget's arrows would move the view and leave the cursor behind.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header", "table--cursor", "table--dim", "table--wrong", "table--right", "table--changed", "table--bar"
    }  # fmt: skip
    DEFAULT_CSS = """
    Table {
        height: 1fr; scrollbar-size: 0 1; overflow-x: hidden; background: $background;
        & > .table--header { color: $text-muted; text-style: bold; background: $surface; }
        & > .table--cursor { background: $primary; color: $text; text-style: bold; }
        & > .table--dim { color: $text-muted; }
        & > .table--wrong { color: $error; text-style: bold; }
        & > .table--right { color: $success; }
        & > .table--changed { color: $warning; }
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
        self._drawn: dict[int, Strip] = {}
        self._labels: tuple[str, ...] = ()
        self._plan, self._planned_for = layout(0, 0), 0

    @property
    def visible_rows(self) -> int:
        """Rows that fit on the screen, the header not counted."""
        return max(1, self.scrollable_content_region.height - 1)

    @property
    def row(self) -> int:
        """The number of the row under the cursor; -1 in an empty table."""
        return int(self._rows.order[self.cursor]) if len(self._rows) else -1

    def show(self, rows: TableRows, cursor: int) -> None:
        """Show other columns, with the cursor at a position; its line on the screen stays where it was.

        Only lines that look different are sent.
        """
        line = self.cursor - self.scroll_offset.y
        moved = cursor != self.cursor
        self._rows = rows
        self._share_out(self._cells)
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        before = dict(self._drawn)
        top = self.scroll_offset.y
        with self.prevent(Table.Moved):
            self.set_reactive(Table.cursor, max(0, min(cursor, len(rows) - 1)))
        if moved:
            self._put_on_top(max(0, self.cursor - line))
        self._keep_in_view()
        if self.scroll_offset.y != top:
            self.refresh()
            return
        for y in range(self.size.height):
            if y not in before or self._line(y) != before[y]:
                self.refresh(Region(0, y, self._cells, 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint the two lines that look different, and tell of the move."""
        for position in (before, now):
            y = position - self.scroll_offset.y + 1
            if 1 <= y < self.size.height:
                self.refresh(Region(0, y, self._cells, 1))
        self._keep_in_view()
        self.post_message(self.Moved(self, now))

    def validate_cursor(self, cursor: int) -> int:
        """Stay inside the table."""
        return max(0, min(cursor, len(self._rows) - 1))

    def page(self, pages: int) -> None:
        """Move by a screenful; the cursor keeps its line."""
        self._put_on_top(self.scroll_offset.y + pages * self.visible_rows)
        self.cursor += pages * self.visible_rows

    def on_resize(self, event: events.Resize) -> None:
        """The columns' widths depend on the table's."""
        self.virtual_size = Size(event.size.width, len(self._rows) + 1)
        self._drawn.clear()
        self._keep_in_view()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click on a row moves there."""
        position = event.y - 1 + self.scroll_offset.y
        if event.y >= 1 and position < len(self._rows):
            self.cursor = position

    def _keep_in_view(self) -> None:
        """A cursor that leaves the view comes to its middle: to scroll by single lines would repaint all at every key."""
        top, height = self.scroll_offset.y, self.visible_rows
        if not top <= self.cursor < top + height:
            self._put_on_top(self.cursor - height // 2)

    def _put_on_top(self, y: int) -> None:
        """By force: before the next layout there is no scrollbar yet, and Textual would not scroll without one."""
        top = max(0, min(y, len(self._rows) - self.visible_rows))
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What stood on a line is no longer known."""
        super().watch_scroll_y(old_value, new_value)
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; the first is the header."""
        strip = self._line(y)
        self._drawn[y] = strip
        return strip

    def _share_out(self, cells: int) -> None:
        """The columns' widths hang on the labels and on the cells beside the scrollbar alone."""
        self._planned_for = cells
        self._labels = tuple(safe(label) for label in self._rows.session.labels)
        self._plan = layout(cells, max((width(label) for label in self._labels), default=5))

    @property
    def _cells(self) -> int:
        return self.scrollable_content_region.width or self.size.width

    def _line(self, y: int) -> Strip:
        cells = self._cells
        if cells != self._planned_for:
            self._share_out(cells)
        if y == 0:
            return self._header(cells)
        position = y - 1 + self.scroll_offset.y
        if position >= len(self._rows):
            return Strip([Segment(" " * cells, self.rich_style)], cells)
        return self._row(cells, position)

    def _header(self, cells: int) -> Strip:
        plan = self._plan
        confidence = fit("sure", plan.bar + (plan.bar > 0) + PERCENT)
        words = [" " * plan.mark + fit("image", plan.name), fit("says", plan.label), confidence, fit("you", plan.label)]
        words += [fit("status", plan.status)] if plan.status else []
        return Strip([Segment(fit(" ".join(words), cells), self.get_component_rich_style("table--header"))], cells)

    def _row(self, cells: int, position: int) -> Strip:
        rows, row, plan = self._rows, int(self._rows.order[position]), self._plan
        state, predicted, verdict = int(rows.state[row]), int(rows.predicted[row]), int(rows.verdict[row])
        share = float(rows.confidence[row])
        look = self._look(position == self.cursor)
        name = safe(rows.session.rows.names[row])
        says = self._labels[predicted] if predicted >= 0 else ""
        given = self._labels[verdict] if verdict >= 0 else ""
        judged = "table--wrong" if verdict >= 0 and verdict != predicted >= 0 else "table--right"
        segments = [
            Segment(self._mark(position, state, judged if given else ""), look(judged)),
            Segment(fit(name, plan.name, middle=True) + " ", look("table--dim" if state in (WAITING, SKIPPED) else "")),
            Segment(fit(says, plan.label) + " ", look("table--changed" if state == CHANGED else "")),
        ]
        if plan.bar:
            segments.append(Segment(bar(share, plan.bar) + " ", look("table--bar")))
        segments.append(Segment(f"{percent(share) if predicted >= 0 else '':>{PERCENT}} ", look("")))
        segments.append(Segment(fit(given, plan.label), look(judged)))
        if plan.status:
            colour = {SKIPPED: "table--wrong", CHANGED: "table--changed"}.get(state, "table--dim")
            segments.append(Segment(" " + fit(self._status(row, plan.status), plan.status), look(colour)))
        return _joined(segments, look("")).adjust_cell_length(cells, look(""))

    def _mark(self, position: int, state: int, judged: str) -> str:
        """Cursor; verdict; and where there is no column for it, the state: each is told without colour."""
        cursor = "▸" if position == self.cursor else " "
        verdict = {"table--wrong": "✗", "table--right": "✓"}.get(judged, " ")
        return f"{cursor}{verdict} " if self._plan.status else f"{cursor}{verdict}{SIGNS.get(state, ' ')} "

    def _look(self, under_cursor: bool) -> Callable[[str], Style]:
        """The style of a component class; the cursor's background lies under all of them."""
        base = self.get_component_rich_style("table--cursor") if under_cursor else self.rich_style

        def look(component: str) -> Style:
            if not component or under_cursor:
                return base
            return base + self.get_component_rich_style(component, partial=True)

        return look

    def _status(self, row: int, cells: int) -> str:
        rows, state = self._rows, int(self._rows.state[row])
        session = rows.session
        if state == SKIPPED:
            why = safe(session.rows.problems.get(session.rows.names[row], ""))
            return "skipped" if cells < 16 else why
        if state == CHANGED:
            was = self._labels[int(session.rows.previous[row])]
            return f"was {was}" if cells < 16 else f"changed: was {was}"
        if state == NEW:
            return "new"
        if state == WAITING:
            return "waiting"
        verdict = session.verdicts.get(session.rows.contents[row])
        return "flip" if verdict is not None and verdict.flip else ""
