"""What the table and the contact sheet have in common: rows in their order, a cursor, and how they move."""

from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.table_rows import TableRows

WHEEL = 3
"""Lines that the wheel of a mouse moves."""


class View(Widget):
    """Shows `across` images on a line, `down` lines at a time.

    It has no keys of its own, and scrolls by itself: Textual's would lay the screen out anew for each row that comes.
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The position in the order shown, from 0."""
    HEAD = 0
    """Lines of the screen above the first image."""
    LINE = 1
    """Lines of the wheel that one line of images counts."""

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, view: "View", position: int) -> None:
            super().__init__()
            self.view, self.position = view, position

        @property
        def control(self) -> "View":
            """The view."""
            return self.view

        def can_replace(self, message: Message) -> bool:
            """Only the last of a burst counts."""
            return isinstance(message, View.Moved)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows = TableRows()
        self._room = Size(0, 0)
        """The widget's size, which Textual works out anew whenever it is asked."""
        self.top = 0
        """The position that is seen first."""

    @property
    def across(self) -> int:
        """Images on a line."""
        return 1

    @property
    def down(self) -> int:
        """Lines of images that fit on the screen."""
        return max(1, self._room.height - self.HEAD)

    @property
    def seen(self) -> int:
        """Images that fit on the screen."""
        return self.across * self.down

    @property
    def row(self) -> int:
        """The number of the row under the cursor; -1 where there is none."""
        return int(self._rows.order[self.cursor]) if len(self._rows) else -1

    def paint(self, position: int) -> None:
        """Paint what the cursor changes at a position that may be seen."""
        raise NotImplementedError

    def paint_changed(self) -> None:
        """Paint what looks different from what is on the screen."""
        raise NotImplementedError

    def scrolled(self) -> None:
        """Other images are seen: all of them are painted."""
        self.refresh()

    def measure(self) -> None:
        """Share out the room."""
        self._room = self.size

    def show(self, rows: TableRows, cursor: int) -> None:
        """Show other rows, with the cursor at a position; its line on the screen stays where it was.

        Only what looks different is sent.
        """
        line, top = self.cursor - self.top, self.top
        moved = cursor != self.cursor
        self._rows = rows
        self.measure()
        with self.prevent(View.Moved):
            self.set_reactive(View.cursor, max(0, min(cursor, len(rows) - 1)))
        self._put_on_top(self.cursor - line if moved else top)
        self._keep_in_view()
        if self.top == top:
            self.paint_changed()

    def watch_cursor(self, before: int, now: int) -> None:
        """Paint the two places that look different, and tell of the move."""
        self.paint(before)
        self.paint(now)
        self._keep_in_view()
        self.post_message(self.Moved(self, now))

    def validate_cursor(self, cursor: int) -> int:
        """Stay inside the rows."""
        return max(0, min(cursor, len(self._rows) - 1))

    def move(self, lines: int) -> None:
        """Move by lines; where the last one is short, to its end."""
        at, last = self.cursor + lines * self.across, len(self._rows) - 1
        if at >= 0 and at // self.across <= last // self.across:
            self.cursor = at

    def page(self, pages: int) -> None:
        """Move by a screenful; the cursor keeps its place on the screen."""
        self._put_on_top(self.top + pages * self.seen)
        self.cursor += pages * self.seen

    def on_resize(self) -> None:
        """What is seen depends on the size."""
        self.measure()
        self._put_on_top(self.top)
        self._keep_in_view()

    def position_at(self, place: Offset) -> int:
        """What is shown at a place of the widget, which may be beyond all rows; -1 where there is never a row."""
        return place.y - self.HEAD + self.top if place.y >= self.HEAD else -1

    def on_click(self, event: events.Click) -> None:
        """A click on an image moves there."""
        place = event.screen_offset - self.region.offset
        position = self.position_at(place)
        if 0 <= position < len(self._rows) and not self._on_scrollbar(place):
            self.cursor = position

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the view; a cursor that would leave it goes along."""
        self._put_on_top(self.top + WHEEL * self.across // self.LINE)
        self.cursor = max(self.cursor, self.top)

    def on_mouse_scroll_up(self) -> None:
        """The other way."""
        self._put_on_top(self.top - WHEEL * self.across // self.LINE)
        self.cursor = min(self.cursor, self.top + self.seen - 1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scrollbar's handle is where the mouse is."""
        place = event.screen_offset - self.region.offset
        if self._on_scrollbar(place):
            self.capture_mouse()
            self._drag(place.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """It follows the mouse."""
        if self.app.mouse_captured is self:
            self._drag(event.screen_y - self.region.y)

    def on_mouse_up(self) -> None:
        """It stays where it is."""
        self.release_mouse()

    def _on_scrollbar(self, place: Offset) -> bool:
        return place.x == self._room.width - 1 and len(self._rows) > self.seen

    def _drag(self, y: int) -> None:
        share = max(0, y - self.HEAD) / max(1, self._room.height - self.HEAD - 1)
        self.cursor = round(share * (len(self._rows) - 1))

    def top_for(self, cursor: int) -> int:
        """What is seen first once a cursor has left the view."""
        raise NotImplementedError

    def _keep_in_view(self) -> None:
        if not self.top <= self.cursor < self.top + self.seen:
            self._put_on_top(self.top_for(self.cursor))

    def _put_on_top(self, position: int) -> None:
        """Nothing is seen above the first row, nor below the last line but where all have room."""
        lines = -(-len(self._rows) // self.across)
        top = max(0, min(position // self.across, lines - self.down)) * self.across
        if top != self.top:
            self.top = top
            self.scrolled()
