"""Previews are decoded by a second small process: the app never waits for a picture, and a bad one ends only that.

One picture is decoded at a time, always the most urgent of those that are wanted now; what was decoded is kept for a while.
"""

import asyncio
import os
import signal
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.limits import USUAL, Limits
from tui.work import undisturbed
from tui.zoom import WHOLE, Part

NICE = 5
MOST_BYTES = 32_000_000
"""What is kept of pictures: some hundred previews of half blocks and all thumbnails of some thousand images, or about ten
previews that are sent as graphics."""
ENDING_S = 0.5
"""Until it is known how a child ended, whose pipe has ended already."""
LEAST_BYTES = 1_000
"""What keeping one takes at least."""

Pixels = NDArray[np.uint8]


class Wanted(NamedTuple):
    """A picture's file, the width and height in pixels that it is to fit into, and which part of it."""

    path: Path
    width: int
    height: int
    part: Part = WHOLE


@dataclass(frozen=True, eq=False)
class Answer:
    """What there is to see, or why there is nothing; and what is known of the file."""

    pixels: Pixels | None = None
    """(height, width, 3), RGB."""
    why: str = ""
    width: int = 0
    """Of the whole picture, upright, in its own pixels; 0 where it cannot be read."""
    height: int = 0
    taken: str = ""
    """`2024-05-01 12:33`, by the camera's clock; empty where the file does not say."""
    size_bytes: int = 0
    modified_s: float = 0.0
    """Unix seconds; 0 where the file is gone."""


LOST = Answer(why="The picture could not be drawn.")
TOO_LONG = Answer(why="The picture takes too long to read.")


def _answer(wanted: Wanted) -> Answer:
    from engine.errors import UnreadableImage
    from engine.previews import preview

    try:
        status = os.stat(wanted.path)
        size_bytes, modified_s = status.st_size, status.st_mtime
    except (OSError, ValueError):
        size_bytes, modified_s = 0, 0.0
    try:
        found = preview(wanted.path, wanted.width, wanted.height, wanted.part)
    except UnreadableImage as error:
        return Answer(None, error.sentence, size_bytes=size_bytes, modified_s=modified_s)
    return Answer(found.pixels, "", found.width, found.height, found.taken, size_bytes, modified_s)


def _decode(pipe: Connection, limits: Limits) -> None:
    """The child: one picture after the other, until the pipe closes; the system ends it at one that takes too long."""
    from engine.decoding import confine

    os.nice(NICE)
    confine(limits)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        while True:
            wanted = pipe.recv()
            signal.alarm(limits.seconds)
            pipe.send(_answer(wanted))
            signal.alarm(0)
    except (EOFError, OSError):
        return


class Pictures:
    """Asks for previews, collects them, and keeps those that were looked for last."""

    def __init__(
        self, answered: Callable[[], None] | None = None, most_bytes: int = MOST_BYTES, limits: Limits = USUAL
    ) -> None:
        """`answered` is called by the running event loop whenever there may be something to poll for."""
        self._answered, self._most_bytes, self._limits = answered, most_bytes, limits
        self._child: Any = None
        self._running: Wanted | None = None
        self._waiting = deque[Wanted]()
        self._outdated = False
        """Whether the file of what is being decoded was replaced meanwhile."""
        self._kept = OrderedDict[Wanted, Answer]()
        self._kept_bytes = 0

    def want(self, wanted: Iterable[Wanted]) -> None:
        """Want these, the most urgent first; whatever else was wanted before is not any more."""
        self._waiting = deque(each for each in wanted if each not in self._kept and each != self._running)
        self._send()

    def found(self, wanted: Wanted) -> Answer | None:
        """What came of it; None where it is not there yet, or not any more."""
        answer = self._kept.get(wanted)
        if answer is not None:
            self._kept.move_to_end(wanted)
        return answer

    def forget(self, paths: Collection[Path]) -> None:
        """These files were replaced or are gone."""
        self._outdated |= self._running is not None and self._running.path in paths
        for each in [each for each in self._kept if each.path in paths]:
            self._kept_bytes -= _bytes(self._kept.pop(each))

    def poll(self) -> Wanted | None:
        """What was just answered, if anything was; the next one is sent."""
        if self._child is None:
            return None
        try:
            if not self._pipe.poll():
                return None
            answer: Answer = self._pipe.recv()
        except (EOFError, OSError):
            answer = self._lost()
        done, self._running = self._running, None
        if done is not None and self._outdated:
            self._waiting.appendleft(done)
            done = None
        elif done is not None:
            self._keep(done, answer)
        self._outdated = False
        self._send()
        return done

    @property
    def busy(self) -> bool:
        """Whether a picture is under way."""
        return self._running is not None

    @property
    def kept_bytes(self) -> int:
        """What the pictures that are kept take."""
        return self._kept_bytes

    def close(self) -> None:
        """End the child."""
        child = self._child
        if child is not None:
            self._drop_child()
            child.join(ENDING_S)
            if child.is_alive():
                child.terminate()

    def _keep(self, wanted: Wanted, answer: Answer) -> None:
        self._kept[wanted] = answer
        self._kept_bytes += _bytes(answer)
        while self._kept_bytes > self._most_bytes and len(self._kept) > 1:
            self._kept_bytes -= _bytes(self._kept.popitem(last=False)[1])

    def _send(self) -> None:
        if self._running is not None or not self._waiting:
            return
        for _ in range(2):
            if self._child is None or not self._child.is_alive():
                self._drop_child()
                self._start()
            try:
                self._pipe.send(self._waiting[0])
            except OSError:
                self._drop_child()
                continue
            self._running = self._waiting.popleft()
            return

    def _lost(self) -> Answer:
        """The child ended in the midst of a picture."""
        child = self._child
        self._drop_child()
        child.join(ENDING_S)
        return TOO_LONG if child.exitcode == -signal.SIGALRM else LOST

    def _start(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_decode, args=(theirs, self._limits), daemon=True)
        with undisturbed():
            self._child.start()
        theirs.close()
        if self._answered is not None:
            asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._answered)

    def _drop_child(self) -> None:
        if self._child is not None:
            if self._answered is not None:
                asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self._pipe.close()
            self._child = None


def _bytes(answer: Answer) -> int:
    return LEAST_BYTES + (answer.pixels.nbytes if answer.pixels is not None else 0)
