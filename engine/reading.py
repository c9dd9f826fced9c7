"""Picture files to features, several batches at a time, ahead of whoever uses them.

Each worker takes a batch all the way, from files through decoding to the backbone, on one core: nobody waits for anybody,
as a backbone that runs on all cores at once waits for its slowest part while others decode. How much is under way is
bounded, whatever the folder's size.
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
from engine.errors import UnreadableImage
from engine.images import content_key, pixels, read
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
    files: Mapping[str, Path], size: ImageFeature, run: Run, known: Container[bytes] = ()
) -> Iterator[list[Reading]]:
    """Read files by name, in batches and in order; contents in `known` are neither decoded nor run.

    While one batch is in use, the next ones are read. To stop is to close the generator.
    """
    names = list(files)
    batches = ([(name, files[name]) for name in names[at : at + BATCH]] for at in range(0, len(names), BATCH))
    return in_order(batches, lambda batch: _read_all(batch, size, run, known))


def under_way() -> int:
    """Images that are in work at the same time, at most: those of one batch more than are read ahead."""
    return (_ahead() + 1) * BATCH


def _ahead() -> int:
    return cores() + 1


def in_order(batches: Iterable[Given], work: Callable[[Given], Made]) -> Iterator[Made]:
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
            pool.shutdown(wait=True, cancel_futures=True)


def _read_all(files: Sequence[tuple[str, Path]], size: ImageFeature, run: Run, known: Container[bytes]) -> list[Reading]:
    read_ones = [_read(name, file, size, known) for name, file in files]
    decoded = [found for _, found in read_ones if found is not None]
    rows = iter(run(np.stack(decoded)) if decoded else ())
    return [each if found is None else Reading(each.name, each.content, next(rows)) for each, found in read_ones]


def _read(name: str, file: Path, size: ImageFeature, known: Container[bytes]) -> tuple[Reading, NDArray[np.uint8] | None]:
    content = b""
    try:
        data = read(file)
        content = content_key(data)
        found = None if content in known else pixels(data, size.width, size.height, size.color)
    except UnreadableImage as error:
        return Reading(name, content, problem=error.sentence), None
    return Reading(name, content), found
