"""Picture files to features, several batches at a time, ahead of whoever uses them.

Each thread takes a batch all the way, from files through decoding, in a process of its own, to the backbone, on one core:
nobody waits for anybody, as a backbone that runs on all cores at once waits for its slowest part while others decode. How
much is under way is bounded, whatever the folder's size.
"""

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.cores import cores
from engine.decoders import Decoders
from engine.spec.describe import ImageFeature

BATCH = 16
"""Images that go through the backbone together."""

Given = TypeVar("Given")
Made = TypeVar("Made")
Run = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Pixels (n, height, width, channels) to features (n, ...); called by several threads."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One file as it was read."""

    name: str
    content: bytes
    """Empty where the file could not be read at all."""
    features: NDArray[np.float32] | None = None
    """None where they are known already, or the image cannot be used."""
    problem: str = ""
    """Why the image cannot be used; empty if it can."""


def readings(
    files: Mapping[str, Path], size: ImageFeature, run: Run, decoders: Decoders, known: Container[bytes] = ()
) -> Iterator[list[Reading]]:
    """Read files by name, in batches and in order; contents in `known` are neither decoded nor run.

    While one batch is in use, the next ones are read. To stop is to close the generator; the decoders end with it.
    """
    names = list(files)
    batches = ([(name, files[name]) for name in names[at : at + BATCH]] for at in range(0, len(names), BATCH))
    return in_order(batches, lambda batch: _read_all(batch, size, run, decoders, known), decoders)


def under_way() -> int:
    """Images that are in work at the same time, at most: those of one batch more than are read ahead."""
    return (_ahead() + 1) * BATCH


def _ahead() -> int:
    return cores() + 1


def in_order(batches: Iterable[Given], work: Callable[[Given], Made], decoders: Decoders) -> Iterator[Made]:
    """What comes of each batch, worked on by as many threads as there are cores, some batches ahead."""
    ahead = _ahead()
    with ThreadPoolExecutor(cores()) as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for batch in batches:
                waiting.append(pool.submit(work, batch))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # First, so that no thread goes on with a picture that nobody waits for.
            decoders.close()
            pool.shutdown(wait=True, cancel_futures=True)


def _read_all(
    files: Sequence[tuple[str, Path]], size: ImageFeature, run: Run, decoders: Decoders, known: Container[bytes]
) -> list[Reading]:
    read_ones = [(name, decoders.read(file, size, lambda content: content not in known)) for name, file in files]
    decoded = [found.pixels for _, found in read_ones if found.pixels is not None]
    rows = iter(run(np.stack(decoded)) if decoded else ())
    return [
        Reading(name, found.content, None if found.pixels is None else next(rows), found.problem)
        for name, found in read_ones
    ]
