"""Processes that read pictures, and the watch over them: one that dies or takes too long costs one picture.

Each is started when it is first needed, with nothing but Pillow and NumPy in it, and gives way as much as this one; but
for one, they end with the pictures that they were started for. When this process is gone, so are their pipes, and they.
"""

import atexit
import json
import math
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from engine.decoding import BAD, ENOUGH, GOOD, HELLO, LONGEST_SENTENCE, PROGRAM, WANTED
from engine.errors import CatflapError, UnreadableImage
from engine.images import NO_ROOM
from engine.limits import USUAL, Limits
from engine.spec.describe import ImageFeature
from engine.store_index import KEY_BYTES

ENDS = "The picture ends the program that reads it."
TICK_S = 0.1
"""Time is counted in steps of this: where all processes were stopped for a while, as by Ctrl+Z, that is one step."""
STARTS_S = 120.0
"""It takes a fifth of a second; on a machine that is busy with everything else, long."""
SPARES = 1
"""Processes that wait for whatever comes next, as single pictures do that are put into an open folder; of 25 MB each."""
_ENDING_S = 1.0
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""They multiply no matrices, and threads that might would take room."""


class Found(NamedTuple):
    """What came of one file."""

    content: bytes
    """Its content key; empty where the file could not be read at all."""
    pixels: NDArray[np.uint8] | None = None
    """(height, width, channels); None where they were not wanted, or cannot be had."""
    problem: str = ""
    """Why there are no pixels, although they were wanted."""


class Decoders:
    """As many processes as threads ask at the same time."""

    def __init__(self, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._idle: deque[_Decoder] = deque()
        self._busy: set[_Decoder] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm(self) -> Self:
        """Start one already."""
        self._idle.append(self._waiting() or _Decoder(self._limits))
        return self

    def close(self) -> None:
        """End all processes but SPARES; what those that are at work were asked for comes to nothing."""
        self._closed = True
        for each in list(self._busy):
            each.kill()
        while self._idle:
            each = self._idle.pop()
            if len(_SPARE) < SPARES:
                _SPARE.append(each)
            else:
                each.end()

    def read(self, file: Path, size: ImageFeature, wanted: Callable[[bytes], bool]) -> Found:
        """The file's content key, and its pixels in the model's size if `wanted` says so of the key.

        What ends a process, or finds no memory in it, is tried once more in a fresh one. Raises CatflapError where none
        can be started.
        """
        found = self._tried(self._waiting() or _Decoder(self._limits), file, size, wanted)
        if found.problem in (ENDS, NO_ROOM) and not self._closed:
            found = self._tried(_Decoder(self._limits), file, size, wanted)
        return found

    def _waiting(self) -> "_Decoder | None":
        with suppress(IndexError):
            return self._idle.pop()
        with suppress(IndexError):
            spare = _SPARE.pop()
            if spare.serves(self._limits):
                return spare
            spare.end()
        return None

    def _tried(self, decoder: "_Decoder", file: Path, size: ImageFeature, wanted: Callable[[bytes], bool]) -> Found:
        self._busy.add(decoder)
        try:
            if self._closed:
                return Found(b"", None, ENDS)
            return decoder.read(file, size, wanted, self._limits.inside)
        except CatflapError:
            if self._closed:
                return Found(b"", None, ENDS)
            raise
        finally:
            self._busy.discard(decoder)
            if decoder.spent or self._closed:
                decoder.end()
            else:
                self._idle.append(decoder)


class _Decoder:
    """One process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.spent = True
        """Whether it is of no more use: it is gone, may answer late, or is full of what a large picture left behind."""
        self._greeted = False
        self._pipe, theirs = Pipe()
        with theirs:
            given = str(theirs.fileno()), str(limits.max_pixels), str(limits.seconds)
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this very program
                    [sys.executable, "-P", "-c", PROGRAM, *given, *sys.path],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, **_ONE_THREAD},
                )
            except OSError as error:
                self._pipe.close()
                raise _not_started(error.strerror or "no reason given") from error
        _STARTED.add(self)

    def serves(self, limits: Limits) -> bool:
        """Whether it is held to these limits; what a file must lie in is said with each."""
        return (limits.max_pixels, limits.seconds) == (self._limits.max_pixels, self._limits.seconds)

    def read(self, file: Path, size: ImageFeature, wanted: Callable[[bytes], bool], inside: Sequence[str] = ()) -> Found:
        """What comes of a file."""
        content, self.spent = b"", True
        self._greet()
        try:
            self._ask(file, size, inside)
            content = self._answer(KEY_BYTES)
            found = self._pixels(size) if wanted(content) else self._pipe.send_bytes(ENOUGH)
        except UnreadableImage as refused:
            self.spent = refused.sentence == NO_ROOM
            return Found(content, None, refused.sentence)
        except TimeoutError:
            return Found(content, None, f"The picture takes more than {self._limits.seconds} seconds to read.")
        except (EOFError, OSError):
            return Found(content, None, ENDS)
        self.spent = False
        return Found(content, found)

    def kill(self) -> None:
        """Have it end, whatever it is doing."""
        self._process.kill()

    def end(self) -> None:
        """End it, and give back what it held."""
        _STARTED.discard(self)
        self.kill()
        self._pipe.close()
        # One that waits for a drive that is gone cannot be ended before that answers.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)

    def _greet(self) -> None:
        if self._greeted:
            return
        try:
            self._greeted = self._hear(len(HELLO), STARTS_S) == HELLO
        except (EOFError, OSError) as error:
            raise _not_started("it ended at once") from error

    def _ask(self, file: Path, size: ImageFeature, inside: Sequence[str]) -> None:
        asked = {"path": str(file), "inside": inside, "size": [size.width, size.height, size.color]}
        self._pipe.send_bytes(json.dumps(asked).encode())

    def _pixels(self, size: ImageFeature) -> NDArray[np.uint8]:
        shape = size.height, size.width, size.channels
        self._pipe.send_bytes(WANTED)
        return np.frombuffer(self._answer(math.prod(shape)), np.uint8).reshape(shape)

    def _answer(self, count: int) -> bytes:
        """So many bytes. Raises UnreadableImage where a sentence came; OSError where neither did, or no answer at all."""
        said = self._hear(1 + max(count, LONGEST_SENTENCE), self._limits.seconds)
        if said[:1] == BAD:
            raise UnreadableImage(said[1:].decode("utf-8", "replace"))
        if said[:1] != GOOD or len(said) != 1 + count:
            raise OSError("neither an answer nor a reason")
        return said[1:]

    def _hear(self, most: int, seconds: float) -> bytes:
        """The next message, of so many bytes at most. Raises TimeoutError, EOFError or OSError."""
        for _ in range(round(seconds / TICK_S)):
            if self._pipe.poll(TICK_S):
                return self._pipe.recv_bytes(most)
        raise TimeoutError


def _not_started(why: str) -> CatflapError:
    return CatflapError(f"The process that reads pictures does not start: {why}.", "Is there memory left? Try it again.")


_SPARE: deque[_Decoder] = deque()
_STARTED: set[_Decoder] = set()
"""Until they are ended. Python may collect what nobody refers to in any order, and a pipe that is closed before its process
is ended would be closed twice: by then its descriptor may be another file's."""


def end_spares() -> None:
    """End the processes that wait."""
    while _SPARE:
        _SPARE.pop().end()


@atexit.register
def _end_all() -> None:
    for each in list(_STARTED):
        each.end()
