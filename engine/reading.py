"""Picture files to pixels, several at a time, ahead of whoever uses them."""

from collections.abc import Container, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.images import content_key, pixels, read
from engine.spec.describe import ImageFeature

BATCH = 16
"""Images that go through the backbone together; also what is decoded ahead of it."""
READERS = 2
"""Threads that decode while the backbone runs."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One file as it was read."""

    name: str
    content: bytes
    """Empty where the file could not be read at all."""
    pixels: NDArray[np.uint8] | None
    """(height, width, channels); None where they are not needed, or the image cannot be used."""
    problem: str = ""
    """Why the image cannot be used; empty if it can."""


def readings(files: Mapping[str, Path], size: ImageFeature, known: Container[bytes] = ()) -> Iterator[list[Reading]]:
    """Read files by name, in batches and in order; contents in `known` are not decoded.

    While one batch is in use, the next one is decoded. To stop is to close the generator.
    """
    names = list(files)
    with ThreadPoolExecutor(READERS) as pool:
        waiting: list[list[Future[Reading]]] = []
        try:
            for at in range(0, len(names), BATCH):
                waiting.append([pool.submit(_read, n, files[n], size, known) for n in names[at : at + BATCH]])
                if len(waiting) > 1:
                    yield [each.result() for each in waiting.pop(0)]
            for batch in waiting:
                yield [each.result() for each in batch]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _read(name: str, file: Path, size: ImageFeature, known: Container[bytes]) -> Reading:
    content = b""
    try:
        data = read(file)
        content = content_key(data)
        found = None if content in known else pixels(data, size.width, size.height, size.color)
    except UnreadableImage as error:
        return Reading(name, content, None, error.sentence)
    return Reading(name, content, found)
