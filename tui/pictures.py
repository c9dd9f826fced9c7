"""Previews are decoded by a second small process: the app never waits for a picture, and a bad one ends only that.

At most one picture is being decoded; of those asked for meanwhile only the last one follows.
"""

import os
import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NICE = 5

Pixels = NDArray[np.uint8]
Wanted = tuple[Path, int, int]
"""A picture's file, and the width and height in pixels that it is to fit into."""


def _decode(pipe: Connection) -> None:
    """The child: one picture after the other, until the pipe closes."""
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    from engine.errors import UnreadableImage
    from engine.images import preview

    try:
        while True:
            path, width, height = pipe.recv()
            try:
                pipe.send(preview(path, width, height))
            except UnreadableImage as error:
                pipe.send(error.sentence)
    except (EOFError, OSError):
        return


class Pictures:
    """Asks for previews and collects them."""

    def __init__(self) -> None:
        self._child: Any = None
        self._running: Wanted | None = None
        self._next: Wanted | None = None

    def ask(self, path: Path, width: int, height: int) -> None:
        """Want this picture; one that waits is forgotten."""
        self._next = (path, width, height)
        if self._running is None:
            self._send()

    def poll(self) -> tuple[Path, Pixels | str] | None:
        """A picture that is done, (height, width, 3), or why there is none; None where nothing is done."""
        if self._running is None:
            return None
        try:
            if not self._pipe.poll():
                return None
            answer: Pixels | str = self._pipe.recv()
        except (EOFError, OSError):
            self._child = None
            answer = "The picture could not be drawn."
        path, self._running = self._running[0], None
        if self._next is not None:
            self._send()
        return path, answer

    @property
    def busy(self) -> bool:
        """Whether a picture is under way."""
        return self._running is not None

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._pipe.close()
            self._child.join(0.5)
            if self._child.is_alive():
                self._child.terminate()
            self._child = None

    def _send(self) -> None:
        for _ in range(2):
            if self._child is None or not self._child.is_alive():
                self._start()
            try:
                self._pipe.send(self._next)
            except OSError:
                self._child = None
                continue
            self._running, self._next = self._next, None
            return

    def _start(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        child = context.Process(target=_decode, args=(theirs,), daemon=True)
        child.start()
        theirs.close()
        self._child = child
