"""What the keys do to the cursor and to verdicts."""

import time
from collections.abc import Callable

import numpy as np
from textual.reactive import reactive
from textual.screen import Screen

from engine.journal import Journal, Verdict
from tui.order import ORDERS, arranged
from tui.screens.new_label import NewLabel
from tui.session import Session
from tui.text import count, safe
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
        self._anchor: int | None = None
        """The position at which a range begins."""
        self._all_shown = False
        """Whether the next verdict is for everything that is shown."""

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
            if rows.verdict[row] < 0 and rows.names[row] not in rows.problems:
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
        self._mark(self.table.cursor if begins else None, False)
        self._tell(f"Range: move, then give a verdict; {self.session.keys['stop']} ends it." if begins else "")

    def action_all_shown(self) -> None:
        """Mark everything that is shown, or nothing."""
        self._mark(None, not self._all_shown)
        shown = count(len(self._order), "image")
        stop = self.session.keys["stop"]
        self._tell(f"The next verdict is for all that is shown, {shown}; {stop} ends it." if self._all_shown else "")

    def _mark(self, anchor: int | None, all_shown: bool) -> None:
        self._anchor, self._all_shown, self._touched = anchor, all_shown, True
        self.show_rows()

    def show_rows(self) -> None:
        """Paint the rows that look different."""
        raise NotImplementedError

    # Verdicts.

    def action_accept(self) -> None:
        """The predicted label is right."""
        self._judge(lambda row: self.session.labels[int(self.session.rows.predicted_labels[row])])

    def action_flip(self) -> None:
        """The predicted label is wrong; pressed again, the label after the present verdict in likelihood."""
        self._judge(self._other)

    def _other(self, row: int) -> str | None:
        rows, predicted = self.session.rows, int(self.session.rows.predicted_labels[row])
        likely = [int(label) for label in (-rows.probabilities[row]).argsort(kind="stable") if label != predicted]
        given = int(rows.verdict[row])
        if not likely:
            return None
        return self.session.labels[likely[(likely.index(given) + 1) % len(likely)] if given in likely else likely[0]]

    def action_label(self, label: int) -> None:
        """The label of that number."""
        session = self.session
        if label < len(session.labels):
            self._judge(lambda row: session.labels[label])
        elif label == len(session.labels) and session.learns_labels:
            if self._to_judge():
                self.app.push_screen(NewLabel(session.labels), self._named)
        else:
            self._tell(f"There is no label {label + 1}: the model has {len(session.labels)}.")

    def _named(self, label: str | None) -> None:
        """A label that the model does not have yet, on the image that is still under the cursor."""
        if label:
            self._judge(lambda row: label)

    def action_pass_over(self) -> None:
        """On, without a verdict."""
        self.action_move(1)

    def action_undo(self) -> None:
        """The last verdict is taken back."""
        self._changed(self._journal.undo(time.time()), "There is nothing to take back.")

    def action_redo(self) -> None:
        """The verdict that was taken back is given again."""
        self._changed(self._journal.redo(time.time()), "There is nothing to give again.")

    def _to_judge(self) -> list[int]:
        """The rows that a verdict would be for; none, and a word about it, where there is nothing to judge."""
        rows, marked = self.session.rows, self.marked
        chosen = self._order[marked.start : marked.stop].tolist() if marked else [self.table.row]
        found = [row for row in chosen if row >= 0 and rows.predicted_labels[row] >= 0]
        found = [row for row in found if rows.names[row] not in rows.problems]
        if not found:
            self._tell(self._why_none(chosen))
        return found

    def _why_none(self, chosen: list[int]) -> str:
        rows = self.session.rows
        if len(chosen) != 1:
            return "None of these images is predicted."
        if chosen[0] < 0:
            return "There is no image here."
        name = rows.names[chosen[0]]
        return f"{safe(name)}: {rows.problems[name]}" if name in rows.problems else "This image is not predicted yet."

    def _judge(self, label_of: Callable[[int], str | None]) -> None:
        """Keep the verdicts, as one step; then show them; then go on."""
        session, marked = self.session, self.marked
        rows = self._to_judge()
        if not rows:
            return
        shown, contents = session.rows.predicted_labels, session.rows.contents
        given = [(contents[row], label_of(row), session.labels[int(shown[row])]) for row in rows]
        verdicts = [Verdict(image, label, was, session.version) for image, label, was in given if label is not None]
        if not verdicts:
            self._tell(f"There is no other label yet: {session.keys['label_2']} makes one.")
            return
        self._touched = True
        self._journal.append(verdicts, time.time())
        self._anchor, self._all_shown = None, False
        judged = session.judged(self._journal.in_force(), [verdict.image for verdict in verdicts])
        self.become(
            judged.told(f"{count(len(verdicts), 'verdict')} given; {self.session.keys['undo']} takes them back.")
            if marked
            else judged
        )
        if not marked:
            self._go_on()
        self.verdicts_changed()

    def _go_on(self) -> None:
        """To the next image without a verdict; where there is none, to the next."""
        at = self._open_from(self.table.cursor + 1, 1)
        self.table.cursor = self.table.cursor + 1 if at is None else at

    def _changed(self, images: tuple[bytes, ...], nothing: str) -> None:
        if not images:
            self._tell(nothing)
            return
        self.become(self.session.judged(self._journal.in_force(), images))
        self.verdicts_changed()
        seen = np.flatnonzero(np.isin(self._order, self.session.rows.showing(images)))
        if len(seen):
            self._touched = True
            self.table.cursor = int(seen[0])

    def _tell(self, words: str) -> None:
        self.become(self.session.told(words))
