"""The engine's process where another Catflap holds the folder: it follows what that one keeps, and writes nothing."""

import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import CatflapError
from engine.onlooker import Onlooker
from tui.messages import Ended, Failed, Said

EVERY_S = 0.5
"""Between two looks; ten times as long as one takes, where that is longer."""
BEGINS_S = 10.0
"""How long one that has just begun may take until there is something to look at."""
REFUSED = Failed("Looking only: this needs the engine, which the other Catflap has.", "")


def look(pipe: Connection, folder: Path) -> None:
    """Tell what another process makes of the folder, until the pipe closes."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        found = _opened(pipe, folder)
        if found is None:
            return
        with found:
            while True:
                began = time.monotonic()
                said: list[Said] = []
                try:
                    said += found.news()
                except CatflapError as error:
                    said.append(Failed(error.sentence, error.hint))
                if said:
                    pipe.send([*said, Ended()])
                _wait(pipe, max(EVERY_S, 10 * (time.monotonic() - began)))


def _opened(pipe: Connection, folder: Path) -> Onlooker | None:
    """None, and a word about it, where there is nothing to look at."""
    end = time.monotonic() + BEGINS_S
    while True:
        try:
            return Onlooker(folder)
        except CatflapError as error:
            if time.monotonic() > end:
                pipe.send([Failed(error.sentence, error.hint, fatal=True)])
                return None
        _wait(pipe, EVERY_S)


def _wait(pipe: Connection, seconds: float) -> None:
    """Whatever is asked for meanwhile is refused, in words."""
    end = time.monotonic() + seconds
    while pipe.poll(max(0.0, end - time.monotonic())):
        pipe.recv()
        pipe.send([REFUSED])
