"""What becomes of the screen's work when the terminal is gone, or the app is told to end."""

import signal
import time
from dataclasses import replace

from engine.places import home
from tui import left
from tui.left import Left
from tui.messages import Stop
from tui.screens.restarting import Restarting
from tui.session import Session
from tui.terminal import BY_SIGNAL

STOP_S = 5.0
"""How long the end of a training that is to stop is waited for."""


class Leaving(Restarting):
    """A screen that ends with its work: verdicts are kept anyway, a training may go on to its end."""

    _left: Left | None = None
    """Since when nobody looks on; None as long as somebody does."""
    _finishes = False
    """Whether a retrain that was under way then goes on."""
    _version_left: int | None = None
    """The present version then; None where no retrain was under way."""

    def told_to_end(self, signum: int) -> None:
        """End now, or, where the line dropped, with the training that is under way; told again to end, now."""
        if self._left is not None:
            if signum != signal.SIGHUP:
                self._finishes = False
                self._go()
            return
        session, self._left = self.session, Left(time.time(), signum)
        if session.settled:
            self._go()
            return
        self._version_left = session.version
        self._finishes = signum == signal.SIGHUP and self._choices.hangup == "finish"
        self._note()
        if not self._finishes:
            self._work.ask(Stop())
            self.become(replace(session, again=False))
            self.set_timer(STOP_S, self._go)

    def engine_ended(self, session: Session, code: int | None) -> Session:
        """Nobody is there to go on with another one."""
        return super().engine_ended(session, code) if self._left is None else session.without_engine()

    def leave_when_done(self) -> None:
        """End, if nothing else was waited for."""
        if self._left is not None and self.session.settled:
            self._go()

    def _go(self) -> None:
        assert self._left is not None
        self._left = replace(self._left, became=self._became())
        self._note()
        self.app.exit(return_code=BY_SIGNAL + self._left.signum)

    def _became(self) -> str:
        """Of what was under way."""
        session, result = self.session, self.session.came_of
        if self._version_left is None:
            return left.nothing_lost(session.live)
        if session.version != self._version_left and result is not None:
            return left.saved(session.version, result)
        if not self._finishes:
            return "" if session.saving else left.stopped()
        return left.not_better(result) if result is not None and not session.problem else left.failed(session.problem)

    def _note(self) -> None:
        assert self._left is not None
        if self.session.onlooking:
            return
        try:
            self._left.keep(home(self._folder))
        except OSError as error:
            # There is nobody to tell.
            self.log.error(f"{error}")
