"""The only place where the engine's work is started, stopped and listened to: one niced child process.

The app asks; the child answers with events, in batches, through a pipe. The child ends when the pipe does, so it never
outlives the app.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The app paints its first frame before it loads them.
    from tui.messages import Opening, Request, Said, Stop


def prepare() -> None:
    """Call before the app takes the terminal: later, starting a child fails on the app's own descriptors."""
    resource_tracker.ensure_running()


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
        self._closing = False

    def start(self) -> None:
        """Start the child."""
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, self._opening(), self._log), daemon=True)
        self._child.start()
        theirs.close()
        threading.Thread(target=self._listen, args=(self._pipe,), daemon=True).start()

    def ask(self, request: Request | Stop) -> None:
        """Send a request; the answer comes as events."""
        try:
            self._pipe.send(request)
        except OSError:
            self._crashed("The engine does not answer.")

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
        self._closing = True
        self._pipe.close()
        self._child.join(2)
        if self._child.is_alive():
            self._child.terminate()

    def _listen(self, pipe: Connection) -> None:
        try:
            while True:
                self._heard.append(pipe.recv_bytes())
        except (EOFError, OSError):
            if not self._closing:
                self._child.join(1)
                self._crashed(f"The engine ended with code {self._child.exitcode}.")

    def _crashed(self, why: str) -> None:
        from tui.messages import Crashed

        self._heard.append(Crashed(why))
