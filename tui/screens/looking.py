"""The picture under the cursor."""

from pathlib import Path

from textual import events

from engine.journal import Journal
from tui.notices import hint
from tui.pictures import Pictures
from tui.screens.questions import Questions
from tui.widgets.picture import Picture
from tui.widgets.table import Table
from tui.work import Work

LOOK_S = 0.03
"""How often a picture under way is asked for; the timer rests while there is none."""


class Looking(Questions):
    """A screen with a picture beside its table."""

    def __init__(self, journal: Journal, work: Work, folder: Path) -> None:
        super().__init__(journal, work)
        self._folder, self._pictures = folder, Pictures()
        self._pictured: tuple[Path, tuple[int, int]] | None = None

    def begin_to_look(self) -> None:
        """Start to ask for pictures, whenever one was asked for."""
        self._looking = self.set_interval(LOOK_S, self._look, pause=True)

    def show_picture(self) -> None:
        """Ask for the picture under the cursor, unless it is shown or on its way."""
        size, row = self.query_one(Picture).wanted, self.table.row
        if row < 0 and self._pictured is not None:
            self._pictured = None
            self.query_one(Picture).show(None)
        if row < 0 or not all(size) or self._pictured == (self._path(row), size):
            return
        self._pictured = self._path(row), size
        self._pictures.ask(self._path(row), *size)
        self._looking.resume()

    def _path(self, row: int) -> Path:
        return self._folder / self.session.rows.names[row]

    def _look(self) -> None:
        """A picture that is no longer under the cursor is never sent."""
        done = self._pictures.poll()
        table = self.table
        if done is not None and table.row >= 0 and done[0] == self._path(table.row):
            found = done[1]
            self.query_one(Picture).show(*((None, found) if isinstance(found, str) else (found, "")))
        if not self._pictures.busy:
            self._looking.pause()

    def on_resize(self) -> None:
        """The picture is made for the pane's size."""
        self.call_after_refresh(self.show_picture)

    def action_picture(self) -> None:
        """Beside the table, large, or off."""
        now = [name for name in ("-large", "-no-picture") if self.has_class(name)]
        following = {"": "-large", "-large": "-no-picture", "-no-picture": ""}[now[0] if now else ""]
        self.remove_class("-large", "-no-picture")
        if following:
            self.add_class(following)
        self.call_after_refresh(self.show_picture)

    def on_click(self, event: events.Click) -> None:
        """Twice on a row, or on the picture: the picture large, or not."""
        self.hint_read()
        if isinstance(event.widget, Picture) or (isinstance(event.widget, Table) and event.chain == 2):
            self.toggle_class("-large")
            self.call_after_refresh(self.show_picture)

    def hint_read(self) -> None:
        """A first key, or click: the hint goes."""
        if self.session.notice == hint(self.session.keys):
            self._tell("")
