"""The only place where the engine's work is started, stopped and listened to: one niced child process.

The app asks; the child answers with events, in batches, through a pipe. The child ends when the pipe does, so it never
outlives the app.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING

from engine.places import IN_WORK

if TYPE_CHECKING:
    # The app paints its first frame before it loads them.
    from tui.messages import Opening, Request, Said, Stop


def prepare() -> None:
    """Call before the app takes the terminal: later, starting a child fails on the app's own descriptors."""
    with undisturbed():
        resource_tracker.ensure_running()


@contextmanager
def undisturbed() -> Generator[None, None, None]:
    """A process that is started meanwhile, and all that it starts, does not hear that the terminal is gone.

    What it is to do then is the app's to say. A blocked signal stays blocked in what is started (sigprocmask(2)). With a
    child, multiprocessing may start its tracker again, for which it wants a standard error with a descriptor.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        with redirect_stderr(sys.__stderr__), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hang_up(pipe: Connection) -> None:
    """End a pipe at once, at both ends: a mere close would wait for the thread that reads it (close(2), shutdown(2))."""
    with socket.socket(fileno=os.dup(pipe.fileno())) as ours, suppress(OSError):
        ours.shutdown(socket.SHUT_RDWR)


def _serve(pipe: Connection, opening: Opening, log: Path) -> None:
    """The child's first step; only here is the engine imported, never in the app's process."""
    from tui.child import serve

    serve(pipe, opening, log)


class Work:
    """The engine's process, seen from the app's."""

    def __init__(self, opening: Callable[[], Opening], log: Path) -> None:
        """`opening` tells what to open, at the start; `log` gets what libraries print in the child, never the screen."""
        self._opening, self._log = opening, log
        self._heard: deque[bytes | Said] = deque()
        """As it came: events as objects take five times the room."""
        self._pipe: Connection | None = None
        self._closing = False
        self.running = False
        """Whether there is a child, as far as is known."""

    def start(self, again: bool = False) -> None:
        """Start the child; `again` if another one had the folder open before."""
        context = get_context("spawn")
        opening = self._opening().again() if again else self._opening()
        if self._pipe is not None:
            self._pipe.close()
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, opening, self._log), daemon=True)
        with undisturbed():
            self._child.start()
        theirs.close()
        self.running = True
        threading.Thread(target=self._listen, args=(self._pipe, self._child), daemon=True).start()

    def ask(self, request: Request | Stop) -> None:
        """Send a request; the answer comes as events."""
        if self._pipe is None or not self.running:
            from tui.messages import NotRunning

            self._heard.append(NotRunning())
            return
        # Of a child that is gone, whoever listens to it tells.
        with suppress(OSError):
            self._pipe.send(request)

    def heard(self) -> Iterator[Said]:
        """What the child said since the last call, in order; a message is opened only when it is its turn."""
        for _ in range(len(self._heard)):
            message = self._heard.popleft()
            if isinstance(message, bytes):
                yield from ForkingPickler.loads(message)  # pyright: ignore[reportAttributeAccessIssue]
            else:
                yield message

    def close(self) -> None:
        """End the child; what it is doing is not half done, since every write is whole or not at all."""
        self._closing, self.running = True, False
        if self._pipe is None:
            return
        _hang_up(self._pipe)
        self._child.join(2)
        if self._child.is_alive():
            self._child.terminate()
            self._child.join(1)
            # No image is to blame.
            (self._log.parent / IN_WORK).unlink(missing_ok=True)

    def _listen(self, pipe: Connection, child: SpawnProcess) -> None:
        try:
            while True:
                self._heard.append(pipe.recv_bytes())
        except (EOFError, OSError):
            if not self._closing:
                self._lost(child)

    def _lost(self, child: SpawnProcess) -> None:
        """The child does not speak any more. Before another one opens the folder, it must be gone."""
        from tui.messages import Crashed

        child.join(1)
        code = child.exitcode
        if code is None:
            child.kill()
            child.join()
        self.running = False
        self._heard.append(Crashed(code))
