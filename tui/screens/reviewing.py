"""Screens that look back: the model's history, and the confusion matrix; and what comes of them in the table."""

import time

from engine.errors import CatflapError
from tui.history import read_versions
from tui.matrix import cell_filter, matrix
from tui.messages import Restore
from tui.pace import pace
from tui.screens.history import History
from tui.screens.matrix import Cell, Confusion
from tui.screens.sorting import Sorting


class Reviewing(Sorting):
    """A screen from which others are opened that show what came of the work."""

    _cell: Cell | None = None
    """Of the matrix, the one that was looked at last."""

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
        # What live shows is of the model that goes; the engine forgets it by itself.
        session = self.session.lived(False) if self.session.live else self.session
        self.become(session.told(f"Version {version} is being restored ..."))
        self._work.ask(Restore(version, time.time()))

    def action_matrix(self) -> None:
        """Verdicts against predictions."""
        if not matrix(self.session).counts.any():
            self._tell("Give some verdicts first: a accepts, x flips.")
            return
        self._tell("")
        self.app.push_screen(Confusion(self, pace(self._journal), self._cell), self._matrix_closed)

    def _matrix_closed(self, cell: Cell | None) -> None:
        if cell is not None:
            self._cell = cell
            self._filtered(cell_filter(*cell), None)
