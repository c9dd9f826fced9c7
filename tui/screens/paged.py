"""A screen of lines above the main one, whose session it follows."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.reactive import reactive
from textual.screen import Screen

from tui.screens.labelling import Labelling
from tui.session import Session
from tui.widgets.page import Page, Piece

Outcome = TypeVar("Outcome")


class Paged(Screen[Outcome | None], Generic[Outcome]):
    """Closes with what the main screen is to do, or with None."""

    BLANK = True
    """Its page covers it."""
    session: reactive[Session] = reactive(Session, repaint=False, init=False)

    def __init__(self, main: Labelling) -> None:
        super().__init__()
        self._main = main
        self.set_reactive(Paged.session, main.session)

    def compose(self) -> ComposeResult:
        """Nothing but lines."""
        yield Page(id="page")

    def on_mount(self) -> None:
        """Follow the session: the engine goes on meanwhile."""
        self.query_one(Page).focus()
        self.watch(self._main, "session", self._follow, init=False)

    def _follow(self, session: Session) -> None:
        self.session = session

    def watch_session(self, before: Session, now: Session) -> None:
        """What is shown may be other by now."""
        self.draw()

    def on_page_resized(self) -> None:
        """There is another room."""
        self.draw()

    def draw(self) -> None:
        """Show the lines as they are now."""
        page = self.query_one(Page)
        if all(page.size):
            page.show(self.lines(*page.size))

    def lines(self, cells: int, rows: int) -> Sequence[Sequence[Piece]]:
        """All lines, for a page of that size."""
        raise NotImplementedError

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss(None)
