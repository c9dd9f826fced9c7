"""The terminal that the app draws on: it may be gone from one moment to the next, or be taken away and given back.

Textual's driver, as of 8.2.8, knows nothing of SIGHUP and SIGTERM, whose default is to end the app as it stands. A terminal
that is gone ends its writing thread with EIO, after which the app waits for ever for room in that thread's queue, and its
reading thread finds an end of file again and again. SIGCONT without a SIGTSTP before it, which comes with every SIGHUP of a
terminal, would start both threads a second time.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from typing import IO, Any

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.escapes import Unsplit

ENDS = (signal.SIGHUP, signal.SIGTERM)
"""The terminal is gone; somebody wants the app to end."""
LOOK_S = 1.0
"""Between two looks whether the terminal is still there: whoever is not in its foreground gets no signal (termios(3))."""
BY_SIGNAL = 128
"""Added to a signal's number in the exit code, as shells do (POSIX.1-2017, 2.8.2)."""


class Dropped(Message):
    """The terminal is gone, or the app was told to end."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


class _Lenient:
    """A file that takes everything: what was to be written to a terminal that is gone, nobody misses."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._gone = file, False

    def write(self, text: str) -> None:
        self._try(lambda: self._file.write(text))

    def flush(self) -> None:
        self._try(self._file.flush)

    def fileno(self) -> int:
        return self._file.fileno()

    def _try(self, act: Any) -> None:
        if not self._gone:
            try:
                act()
            except OSError:
                self._gone = True


class Terminal(LinuxDriver):
    """Textual's driver, for a terminal that may be gone."""

    def __init__(self, app: Any, *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = _Lenient(sys.__stderr__ or sys.stderr)
        self._gone = False
        for each in ENDS:
            signal.signal(each, lambda signum, frame: self._tell(signum))
        self._look()

    def leave(self) -> None:
        """Give the terminal back, as far as it is there, and do without one from now on."""
        if self._gone:
            return
        self.suspend_application_mode()
        self._gone = True
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)

    def write(self, data: str) -> None:
        """Write, unless there is no terminal any more."""
        if not self._gone:
            super().write(data)

    def stop_application_mode(self) -> None:
        """Give the terminal back, if that has not been done."""
        if not self._gone:
            super().stop_application_mode()

    def run_input_thread(self) -> None:
        """Read; a terminal that cannot be read is gone."""
        try:
            super().run_input_thread()
        except OSError:
            self._tell(signal.SIGHUP)

    def _tell(self, signum: int) -> None:
        # The app may just have ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._app.post_message, Dropped(signum))

    def _look(self) -> None:
        """Find out that the terminal is gone where no signal tells."""
        if self._gone:
            return
        poll = select.poll()
        poll.register(self.fileno, 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            self._tell(signal.SIGHUP)
        else:
            self._loop.call_later(LOOK_S, self._look)

    def _sigtstp_application(self, *_: object) -> None:
        if not self._gone:
            super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again; where it was not given back, as by SIGSTOP, that first."""
        if self._gone or not self._auto_restart:
            return
        if not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        self.resume_application_mode()


class Attached(Unsplit):
    """An app whose terminal may be gone."""

    def get_driver_class(self) -> type[Driver]:
        """Ours, in the place of the one for terminals."""
        found = super().get_driver_class()
        return Terminal if found is LinuxDriver else found

    def on_mount(self) -> None:
        """After a stop, everything is drawn again."""
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_dropped(self, message: Dropped) -> None:
        """Nothing is drawn any more; what is under way may go on."""
        if isinstance(self._driver, Terminal):
            self._driver.leave()
        self.told_to_end(message.signum)

    def told_to_end(self, signum: int) -> None:
        """End."""
        self.exit(return_code=BY_SIGNAL + signum)
