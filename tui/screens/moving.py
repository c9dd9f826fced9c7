"""What the keys do to the cursor, and to what the next verdict is for."""

from textual.reactive import reactive
from textual.screen import Screen

from tui.order import ORDERS, arranged
from tui.rows import OPEN
from tui.session import Session
from tui.table_rows import TableRows
from tui.text import count
from tui.widgets.sheet import Sheet
from tui.widgets.table import Table
from tui.widgets.view import View


class Moving(Screen[None]):
    """A screen with a table of images and a session."""

    BLANK = True
    """Its widgets cover it: there is nothing of it to draw at every key."""
    session: reactive[Session] = reactive(Session, repaint=False)

    def __init__(self) -> None:
        super().__init__()
        self._order_name = next(iter(ORDERS))
        self._order = arranged(Session(), self._order_name)
        self._touched = False
        """Whether the person has begun to work: from then on no row moves by itself."""
        self._anchor: int | None = None
        """The position at which a range begins."""
        self._all_shown = False
        """Whether the next verdict is for everything that is shown."""

    @property
    def table(self) -> View:
        """The table of images, or the contact sheet in its place."""
        return self.query_one(Sheet if self.has_class("-sheet") else Table)

    def become(self, session: Session, sort: bool = False) -> None:
        """Show another session."""
        raise NotImplementedError

    # Moving.

    def action_move(self, lines: int) -> None:
        """Up and down."""
        self._touched = True
        self.table.move(lines)

    def action_step(self, images: int) -> None:
        """By single images, also where a line holds many."""
        self._touched = True
        self.table.cursor += images

    def action_page(self, pages: int) -> None:
        """By screenfuls."""
        self._touched = True
        self.table.page(pages)

    def action_top(self) -> None:
        """To the first row."""
        self._touched = True
        self.table.cursor = 0

    def action_bottom(self) -> None:
        """To the last row."""
        self._touched = True
        self.table.cursor = len(self._order) - 1

    def action_next_open(self, step: int) -> None:
        """To the next image without a verdict."""
        self._touched = True
        at = self._open_from(self.table.cursor + step, step)
        if at is None:
            self._tell("No image without a verdict is left that way.")
        else:
            self.table.cursor = at

    def _open_from(self, at: int, step: int) -> int | None:
        """The first position from there on of an image without a verdict."""
        rows = self.session.rows
        while 0 <= at < len(self._order):
            row = int(self._order[at])
            if rows.verdict[row] == OPEN and rows.names[row] not in rows.problems:
                return at
            at += step
        return None

    # What the next verdict is for.

    @property
    def marked(self) -> range:
        """The positions that the next verdict is for; none if it is for the cursor's alone."""
        if self._all_shown:
            return range(len(self._order))
        if self._anchor is None or not len(self._order):
            return range(0)
        ends = sorted((min(self._anchor, len(self._order) - 1), self.table.cursor))
        return range(ends[0], ends[1] + 1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or end it."""
        begins = self._anchor is None
        self._mark(self.range_begins() if begins else None, False)
        self._tell(f"Range: move, then give a verdict; {self.session.keys['stop']} ends it." if begins else "")

    def range_begins(self) -> int:
        """The position at which a range begins; the cursor may go to its end at once."""
        return self.table.cursor

    def action_all_shown(self) -> None:
        """Mark everything that is shown, or nothing."""
        self._mark(None, not self._all_shown)
        shown = count(len(self._order), "image")
        stop = self.session.keys["stop"]
        self._tell(f"The next verdict is for all that is shown, {shown}; {stop} ends it." if self._all_shown else "")

    def _mark(self, anchor: int | None, all_shown: bool) -> None:
        self._anchor, self._all_shown, self._touched = anchor, all_shown, True
        self.show_rows()

    def rows_of(self, session: Session) -> TableRows:
        """What the table shows of a session."""
        ordering = ORDERS[self._order_name]
        return TableRows(session, self._order, lambda row: ordering.why(session, row), ordering.telling, self.marked)

    def show_rows(self) -> None:
        """Paint the rows that look different."""
        self.table.show(self.rows_of(self.session), self.table.cursor)

    def _tell(self, words: str) -> None:
        self.become(self.session.told(words))
