"""What the keys do to verdicts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from engine.errors import FolderError
from engine.journal import EXCLUDED, HELD, LABEL, Journal, Verdict
from tui.notices import none_given
from tui.screens.onlooking import Onlooking
from tui.screens.pick_label import PickLabel
from tui.text import count, percent, safe

Answer = TypeVar("Answer")
NOT_KEPT = "Not kept."
NUMBERED = 10
"""Labels that have keys of their own."""
HEAR_S = 1.0
"""Between two looks at what other processes wrote into the journal."""


class Labelling(Onlooking):
    """A screen whose journal keeps what is said."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal, self._heard_at = journal, time.monotonic()
        self._unheard = ""
        """Why the journal could not be looked at last; empty if it could."""

    def verdicts_changed(self) -> None:
        """Verdicts were given or taken back."""

    def hear_of_others(self, folder: Path) -> None:
        """Show what other processes said in the journal since the last look."""
        now = time.monotonic()
        if now - self._heard_at < HEAR_S:
            return
        self._heard_at = now
        self.hear_of_holder(folder)
        before, self._unheard = self._unheard, ""
        try:
            news = self._journal.news()
        except FolderError as error:
            self._unheard = str(error)
            self.become(replace(self.session, problem=self._unheard))
            return
        if before and self.session.problem == before:
            self._tell("The journal is there again.")
        if news:
            session = self.session.judged(self._journal.in_force(), news)
            back = "" if session.onlooking else f"; {session.keys['undo']} takes it back"
            self.become(session.told(f"{count(len(news), 'verdict')} changed by another program{back}."))
            self.verdicts_changed()

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
                known = safe(", ".join(session.labels))
                self._pick(PickLabel(f"A new label for this image; known: {known}", (), (), new=True))
        else:
            self._tell(f"There is no label {label + 1}: the model has {len(session.labels)}.")

    def action_pick(self) -> None:
        """A label by typing a part of it: the likeliest of one image first; of several, in the model's order."""
        session, rows = self.session, self._to_judge()
        if not rows:
            return
        labels, chances = session.labels, session.rows.probabilities[rows[0]]
        order = [int(label) for label in (-chances).argsort(kind="stable")] if len(rows) == 1 else range(len(labels))
        keys = {label: session.keys[f"label_{label + 1}"] for label in range(min(NUMBERED, len(labels)))}
        notes = [f"{percent(chances[label]) if len(rows) == 1 else ''}  {keys.get(label, '')}".strip() for label in order]
        what = safe(session.rows.names[rows[0]]) if len(rows) == 1 else count(len(rows), "image")
        self._pick(PickLabel(f"A label for {what}:", [labels[label] for label in order], notes, session.learns_labels))

    def _pick(self, screen: PickLabel) -> None:
        def named(label: str | None) -> None:
            if label:
                self._judge(lambda row: label)

        self.app.push_screen(screen, named)

    def pick_typed(self, character: str) -> None:
        """Typed before the line for it was there."""
        if isinstance(self.app.screen, PickLabel):
            self.app.screen.take(character)

    def action_pass_over(self) -> None:
        """On, without a verdict."""
        self.action_step(1)

    def action_undo(self) -> None:
        """The last verdict is taken back."""
        if self.may_write():
            self._changed(self._written(lambda: self._journal.undo(time.time())), "There is nothing to take back.")

    def action_redo(self) -> None:
        """The verdict that was taken back is given again."""
        if self.may_write():
            self._changed(self._written(lambda: self._journal.redo(time.time())), "There is nothing to give again.")

    def _to_judge(self) -> list[int]:
        """The rows that a verdict would be for; none, and a word about it, where there is nothing to judge."""
        if not self.may_write():
            return []
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

    def action_exclude(self) -> None:
        """Blurred, or none of the labels: not to be trained on. Pressed again, that is taken back."""
        verdicts = [self._given(row) for row in self._to_judge()]
        again = all(each.kind == EXCLUDED for each in verdicts)
        self._keep([replace(each, label=None, kind=LABEL if again else EXCLUDED) for each in verdicts], on=not again)

    def action_hold_out(self) -> None:
        """Labels that every model is measured on, and none trained. Pressed again, they are learned like all others."""
        verdicts = [each for each in map(self._given, self._to_judge()) if each.label is not None]
        again = all(each.kind == HELD for each in verdicts)
        if verdicts:
            self._keep([replace(each, kind=LABEL if again else HELD) for each in verdicts])
        elif self.table.row >= 0 and self.may_write():
            self._tell("Give a label first: what is held out is measured by it.")

    def _given(self, row: int) -> Verdict:
        """The verdict in force, or one that says nothing yet."""
        session = self.session
        content, shown = session.rows.contents[row], session.labels[int(session.rows.predicted_labels[row])]
        return session.verdicts.get(content) or Verdict(content, None, shown, session.version)

    def _judge(self, label_of: Callable[[int], str | None]) -> None:
        """Give labels; what is held out stays so."""
        session, rows = self.session, self._to_judge()
        shown, contents = session.rows.predicted_labels, session.rows.contents
        given = [(contents[row], label_of(row), session.labels[int(shown[row])]) for row in rows]
        held = {image for image, _, _ in given if image in session.verdicts and session.verdicts[image].kind == HELD}
        verdicts = [
            Verdict(image, label, was, session.version, HELD if image in held else LABEL)
            for image, label, was in given
            if label is not None
        ]
        if rows and not verdicts:
            self._tell("There is no other label yet: 2 makes one.")
        self._keep(verdicts)

    def _keep(self, verdicts: Sequence[Verdict], on: bool = True) -> None:
        """Keep verdicts, as one step; then show them; then go on, but for a range."""
        if not verdicts:
            return
        marked, self._touched = self.marked, True
        if self._written(lambda: self._journal.append(verdicts, time.time())) is None:
            return
        self._anchor, self._all_shown = None, False
        judged = self.session.judged(self._journal.in_force(), [verdict.image for verdict in verdicts])
        if judged.notice == none_given(judged.keys):
            judged = judged.told("")
        given = f"{count(len(verdicts), 'verdict')} given; {self.session.keys['undo']} takes them back."
        self.become(judged.told(given) if marked else judged)
        if not marked and on:
            self._go_on()
        self.verdicts_changed()

    def _go_on(self) -> None:
        """To the next image without a verdict; where there is none, to the next."""
        at = self._open_from(self.table.cursor + 1, 1)
        self.table.cursor = self.table.cursor + 1 if at is None else at

    def _written(self, write: Callable[[], Answer]) -> Answer | None:
        """What the journal answers; None, and the reason shown, where it could not keep what was said."""
        try:
            answer = write()
        except FolderError as error:
            self.become(replace(self.session, problem=f"{NOT_KEPT} {error}"))
            return None
        if self.session.problem.startswith(NOT_KEPT):
            self.become(replace(self.session, problem=""))
        return answer

    def _changed(self, images: tuple[bytes, ...] | None, nothing: str) -> None:
        if images is None:
            return
        if not images:
            self._tell(nothing)
            return
        self.become(self.session.judged(self._journal.in_force(), images))
        self.verdicts_changed()
        seen = np.flatnonzero(np.isin(self._order, self.session.rows.showing(images)))
        if len(seen):
            self._touched = True
            self.table.cursor = int(seen[0])
