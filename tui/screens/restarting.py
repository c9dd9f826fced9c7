"""What becomes of the screen when the engine ends without a word."""

import time
from pathlib import Path

import numpy as np

from engine.journal import Journal
from tui.crashes import Restarts, given_up, not_opened, not_running, started_again
from tui.messages import Failed
from tui.screens.reviewing import Reviewing
from tui.session import Session
from tui.settings import Choices
from tui.work import Work


class Restarting(Reviewing):
    """A screen that starts the engine again, and goes on."""

    _refused = False
    """Whether the last word of the engine was that it cannot open the folder or the model."""

    def __init__(self, journal: Journal, work: Work, folder: Path, choices: Choices) -> None:
        super().__init__(journal, work, folder, choices)
        self._restarts = Restarts()

    def engine_failed(self, session: Session, failed: Failed) -> Session:
        """A task failed as a whole; or, where that was said, a folder that was open could not be opened again."""
        why = f"{failed.sentence} {failed.hint}".strip()
        self._refused = failed.fatal
        return session.without_engine(problem=not_opened(why, session.keys)) if failed.fatal else session.failed(why)

    def engine_ended(self, session: Session, code: int | None) -> Session:
        """Start another one, unless that came to nothing some times in a row; what was asked for is dropped."""
        self._awaited, self._explains, self._grouped = "", False, None
        if self._refused:
            self._refused = False
            return session
        known = len(session.rows.problems) + int(np.count_nonzero(session.rows.predicted_labels >= 0))
        if not self._restarts.another(time.monotonic(), known):
            return session.without_engine(problem=given_up(code, session.keys))
        self._work.start(again=bool(session.model))
        return session.without_engine(
            notice=started_again(code, session.busy or session.saving, session.live, session.keys)
        )

    def engine_missing(self, session: Session) -> Session:
        """Something was asked for that needs the engine, and there is none."""
        return session.without_engine(problem=not_running(session.keys))

    def start_engine(self) -> None:
        """The person wants it back."""
        self._restarts.anew()
        self._work.start(again=bool(self.session.model))
        keys = self.session.keys
        self._tell(f"The engine is started again; then {keys['retrain']} retrains.")
