"""What the keys do to the cursor and to verdicts."""

import time

from textual.reactive import reactive
from textual.screen import Screen

from engine.journal import Journal, Verdict
from tui.order import ORDERS, arranged
from tui.screens.new_label import NewLabel
from tui.session import Session
from tui.text import safe
from tui.widgets.table import Table


class Labelling(Screen[None]):
    """A screen with a table of images, a session, and a journal that keeps what is said."""

    BLANK = True
    """Its widgets cover it: there is nothing of it to draw at every key."""
    session: reactive[Session] = reactive(Session, repaint=False)

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._order_name = next(iter(ORDERS))
        self._order = arranged(Session().rows, self._order_name)
        self._touched = False
        """Whether the person has begun to work: from then on no row moves by itself."""

    @property
    def table(self) -> Table:
        """The table of images."""
        return self.query_one(Table)

    def become(self, session: Session, sort: bool = False) -> None:
        """Show another session."""
        raise NotImplementedError

    def verdicts_changed(self) -> None:
        """Verdicts were given or taken back."""

    # Moving.

    def action_move(self, rows: int) -> None:
        """Up and down."""
        self._touched = True
        self.table.cursor += rows

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
        table, rows = self.table, self.session.rows
        at = table.cursor + step
        while 0 <= at < len(self._order):
            row = int(self._order[at])
            if rows.verdict[row] < 0 and rows.names[row] not in rows.problems:
                table.cursor = at
                return
            at += step
        self._tell("No image without a verdict is left that way.")

    # Verdicts.

    def action_accept(self) -> None:
        """The predicted label is right."""
        predicted = self._predicted()
        if predicted is not None:
            self._judge(self.session.labels[predicted])

    def action_flip(self) -> None:
        """The predicted label is wrong; pressed again, the label after the present verdict in likelihood."""
        predicted = self._predicted()
        if predicted is None:
            return
        rows, row = self.session.rows, self.table.row
        likely = [int(label) for label in (-rows.probabilities[row]).argsort(kind="stable") if label != predicted]
        given = int(rows.verdict[row])
        if not likely:
            self._tell("There is no other label yet: 2 makes one.")
            return
        chosen = likely[(likely.index(given) + 1) % len(likely)] if given in likely else likely[0]
        self._judge(self.session.labels[chosen])

    def action_label(self, label: int) -> None:
        """The label of that number."""
        session = self.session
        if label < len(session.labels):
            if self._predicted() is not None:
                self._judge(session.labels[label])
        elif label == len(session.labels) and session.learns_labels:
            if self._predicted() is not None:
                self.app.push_screen(NewLabel(session.labels), self._named)
        else:
            self._tell(f"There is no label {label + 1}: the model has {len(session.labels)}.")

    def _named(self, label: str | None) -> None:
        """A label that the model does not have yet, on the image that is still under the cursor."""
        if label:
            self._judge(label)

    def action_pass_over(self) -> None:
        """On, without a verdict."""
        self.action_move(1)

    def action_undo(self) -> None:
        """The last verdict is taken back."""
        self._changed(self._journal.undo(time.time()), "There is nothing to take back.")

    def action_redo(self) -> None:
        """The verdict that was taken back is given again."""
        self._changed(self._journal.redo(time.time()), "There is nothing to give again.")

    def _predicted(self) -> int | None:
        """The label predicted for the row under the cursor; None, and a word about it, where there is none."""
        table, rows = self.table, self.session.rows
        if table.row < 0:
            self._tell("There is no image here.")
            return None
        name = rows.names[table.row]
        if name in rows.problems:
            self._tell(f"{safe(name)}: {rows.problems[name]}")
            return None
        predicted = int(rows.predicted_labels[table.row])
        if predicted < 0:
            self._tell("This image is not predicted yet.")
            return None
        return predicted

    def _judge(self, label: str) -> None:
        """Keep the verdict, then show it, then go on."""
        self._touched = True
        table, session = self.table, self.session
        row = table.row
        image, shown = session.rows.contents[row], session.labels[int(session.rows.predicted_labels[row])]
        self._journal.append([Verdict(image, label, shown, session.version)], time.time())
        self.become(session.judged(self._journal.in_force(), [image]))
        table.cursor += 1
        self.verdicts_changed()

    def _changed(self, images: tuple[bytes, ...], nothing: str) -> None:
        if not images:
            self._tell(nothing)
            return
        self.become(self.session.judged(self._journal.in_force(), images))
        self.verdicts_changed()
        rows = self.session.rows.showing(images)
        if len(rows):
            self._touched = True
            self.table.cursor = int((self._order == rows[0]).argmax())

    def _tell(self, words: str) -> None:
        self.become(self.session.told(words))
