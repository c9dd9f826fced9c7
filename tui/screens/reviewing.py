"""Screens that look back: the model's history, and the confusion matrix; and what comes of them in the table."""

import time
from dataclasses import replace
from pathlib import Path

from engine.errors import CatflapError, FolderError
from engine.journal import Journal
from tui.history import read_versions
from tui.matrix import cell_filter, matrix
from tui.messages import Curve, Restore
from tui.notices import none_given
from tui.pace import pace
from tui.running import Record
from tui.screens.history import History
from tui.screens.matrix import Cell, Confusion
from tui.screens.sorting import Sorting
from tui.settings import Choices
from tui.work import Work


class Reviewing(Sorting):
    """A screen from which others are opened that show what came of the work."""

    _cell: Cell | None = None
    """Of the matrix, the one that was looked at last."""

    def __init__(self, journal: Journal, work: Work, folder: Path, choices: Choices) -> None:
        super().__init__(journal, work, folder, choices)
        self._record = Record()

    def action_history(self) -> None:
        """Every version of the model."""
        if not self.session.model:
            self._tell("The model is being opened.")
            return
        try:
            kept = read_versions(self._folder)
        except CatflapError as error:
            self._tell(f"{error.sentence} {error.hint}")
            return
        self._tell("")
        self.app.push_screen(History(self, self._work, self._folder, kept), self._history_closed)

    def _history_closed(self, outcome: int | str | None) -> None:
        if isinstance(outcome, int):
            self._restore(outcome)
        elif outcome is not None:
            self._filtered(outcome, None)

    def _restore(self, version: int) -> None:
        if not self.may_write():
            return
        # What live shows is of the model that goes; the engine forgets it by itself.
        session = self.session.lived(False) if self.session.live else self.session
        self.become(session.told(f"Version {version} is being restored ..."))
        self._work.ask(Restore(version, time.time()))

    def action_matrix(self) -> None:
        """Verdicts against predictions, and how right the model is on what it has not learned."""
        if not matrix(self.session).counts.any():
            self._tell(none_given(self.session.keys))
            return
        self._tell("")
        try:
            work = pace(self._journal), self._record.running(self._journal)
        except FolderError as error:
            self._tell(str(error))
            return
        self.app.push_screen(Confusion(self, self.evaluate, *work, self._cell), self._matrix_closed)

    def evaluate(self) -> str:
        """Have it worked out how right the model is; or why that cannot be."""
        self.become(replace(self.session, insight=replace(self.session.insight, review=None, curve=None)))
        why = self.review()
        if not why:
            self._work.ask(Curve(*self.session.taught()))
        return why

    def _matrix_closed(self, cell: Cell | None) -> None:
        if cell is not None:
            self._cell = cell
            self._filtered(cell_filter(*cell), None)
