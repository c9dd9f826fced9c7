"""The picture under the cursor, those that will be wanted next, and the thumbnails of the contact sheet."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.events import Event, FolderChanged
from engine.journal import Journal
from tui.facts import Subject, fact_lines
from tui.notices import PANS
from tui.pictures import Answer, Pictures, Wanted
from tui.screens.questions import Questions
from tui.settings import Choices
from tui.widgets.facts import Facts
from tui.widgets.picture import Picture
from tui.widgets.sheet import Sheet
from tui.work import Work
from tui.zoom import WHOLE, Part, Zoom

AHEAD = 2
"""Pictures that are decoded before the cursor is on them."""


class Pictured(Questions):
    """A screen with a picture beside its table, or beside a contact sheet."""

    def __init__(self, journal: Journal, work: Work, folder: Path, choices: Choices) -> None:
        super().__init__(journal, work)
        self._folder, self._choices = folder, choices
        self._pictures = Pictures(self._answered, limits=choices.limits)
        self._drawn: Wanted | None = None
        """What the picture shows."""
        self._name, self._at, self._heading = "", 0, 1
        """The image that is looked at; where the cursor was last, and which way it went."""
        self._answer: Answer | None = None
        """Of that image; None while it is under way."""
        self._zoom = Zoom()

    def new_sheet(self) -> Sheet:
        """A contact sheet; where pictures cost too much, of words alone."""
        pictures = self._choices.drawn != "off" and not self._choices.slow_link
        return Sheet(pictures, self._thumbnail, id="sheet")

    def show_picture(self) -> None:
        """Show what is under the cursor, and ask for what is not there yet: that first, then what will be wanted."""
        if not self._there:
            return
        self._turn()
        self._draw()
        self._pictures.want(self._wanted())

    @property
    def _there(self) -> bool:
        """Whether there is anything to show a picture in: when the app ends, its widgets end before the screen."""
        return bool(self.query(Picture))

    def forget_pictures(self, events: Sequence[Event]) -> None:
        """Files that were replaced look different now."""
        changes = [event for event in events if isinstance(event, FolderChanged)]
        paths = {self._folder / name for event in changes for name in (*event.changed, *event.removed)}
        if paths:
            self._pictures.forget(paths)
            if self._drawn is not None and self._drawn.path in paths:
                self._drawn = self._answer = None

    def _turn(self) -> None:
        """Note where the cursor goes; another image is seen as a whole."""
        at, row = self.table.cursor, self.table.row
        if at != self._at:
            self._heading, self._at = (1 if at > self._at else -1), at
        name = self.session.rows.names[row] if row >= 0 else ""
        if name != self._name:
            self._name, self._zoom, self._answer = name, Zoom(), None

    def _draw(self) -> None:
        """Show the picture under the cursor, if it is there; until then the one before stays."""
        picture, wanted = self.query_one(Picture), self._under_cursor()
        answer = self._found(self._name, wanted) if wanted is not None else None
        if answer is not None:
            self._answer = answer
            if wanted != self._drawn:
                picture.show(answer.pixels, answer.why)
        if wanted is None and self._drawn is not None:
            picture.show(None)
        if wanted is None or answer is not None:
            self._drawn = wanted
        self._show_facts()

    def _show_facts(self) -> None:
        facts, pane = self.query_one(Facts), self.query_one(Picture).size
        if self._name and pane.width and not self.has_class("-no-picture"):
            line, session = self.rows_of(self.session).line(self.table.cursor), self.session
            shares, keys = session.rows.probabilities[self.table.row], tuple(session.keys[name] for name in PANS)
            subject = Subject(line, session.labels, shares, self._answer, self._zoom.times, self._part, keys)
            facts.show(fact_lines(subject, pane.width, self.query_one("#middle").size.height, self.has_class("-large")))
        else:
            facts.show(())

    @property
    def _part(self) -> Part:
        """What is seen of the picture."""
        answer = self._answer
        if answer is None or not answer.width:
            return WHOLE
        return self._zoom.part((answer.width, answer.height), self.query_one(Picture).wanted)

    def _under_cursor(self) -> Wanted | None:
        """None where no picture is to be seen."""
        size = self.query_one(Picture).wanted
        hidden = not self._name or not all(size) or self.has_class("-no-picture")
        return None if hidden else Wanted(self._folder / self._name, *size, self._part)

    def _wanted(self) -> Iterator[Wanted]:
        """The most urgent first: what is seen before what is ahead, the picture before thumbnails."""
        sheet, picture, at = self.query_one(Sheet), self._under_cursor(), self.table.cursor
        small = sheet.grid.picture if self.table is sheet and not self.has_class("-large") else (0, 0)
        if picture is not None and self._may_be_read(self._name):
            yield picture
        yield from self._of_size(small, sheet.shown)
        if picture is not None:
            ahead = range(at + self._heading, at + self._heading * (AHEAD + 1), self._heading)
            yield from self._of_size((picture.width, picture.height), ahead)
        first = sheet.top + self._heading * sheet.seen
        yield from self._of_size(small, range(first, first + sheet.seen))

    def _of_size(self, size: tuple[int, int], positions: Iterable[int]) -> Iterator[Wanted]:
        names, order = self.session.rows.names, self._order
        if all(size):
            near = (names[order[at]] for at in positions if 0 <= at < len(order))
            yield from (Wanted(self._folder / name, *size) for name in near if self._may_be_read(name))

    def _may_be_read(self, name: str) -> bool:
        """Not what the engine refused; nor, before it has spoken, what a link leads to, which may lie anywhere."""
        rows = self.session.rows
        return name not in rows.problems and (
            rows.predicted_labels[rows.at[name]] >= 0 or not (self._folder / name).is_symlink()
        )

    def _found(self, name: str, wanted: Wanted) -> Answer | None:
        why = self.session.rows.problems.get(name)
        return Answer(why=why) if why else self._pictures.found(wanted)

    def _thumbnail(self, name: str, size: tuple[int, int]) -> Answer | None:
        return self._found(name, Wanted(self._folder / name, *size))

    def _answered(self) -> None:
        """The child has something to say; what is no longer under the cursor is kept, and not sent."""
        if self._pictures.poll() is not None:
            self.call_next(self._arrived)

    def _arrived(self) -> None:
        if not self._there:
            return
        self._draw()
        if self.table is self.query_one(Sheet):
            self.table.paint_changed()

    def on_resize(self) -> None:
        """The picture is made for the pane's size."""
        self.call_after_refresh(self.show_picture)

    def on_picture_resized(self) -> None:
        """The pane's size depends on what else is beside it."""
        self.show_picture()

    def on_sheet_scrolled(self) -> None:
        """Other thumbnails are seen."""
        self.show_picture()
