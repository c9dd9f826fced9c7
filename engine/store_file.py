"""The feature store's data file: rows of fixed width, mapped for reading, written with plain calls.

Whoever has the file open holds a shared lock on it. A row that was named is written over only by a process that is alone
with the file, so what others have mapped stays as it is.
"""

import fcntl
import math
import mmap
import os
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import FolderError

Stored = NDArray[np.floating[Any]]
"""Features as they lie on disk, float32 or float16."""

DATA_NAMES = re.compile(r"features(-\d+)?\.f(32|16)")
"""What data files are called, those of an older format among them."""


@dataclass(frozen=True)
class Kind:
    """What a data file holds."""

    shape: tuple[int, ...]
    half: bool
    """Whether numbers are kept as float16, which has 11 significant bits and ends at 65504."""
    number: int
    """Counts the files of a store: one that is written anew gets another name, and the old one stays until then."""

    @property
    def name(self) -> str:
        """The file's name."""
        return f"features-{self.number}.{'f16' if self.half else 'f32'}"

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """Of the numbers on disk."""
        return np.dtype("<f2" if self.half else "<f4")

    @property
    def row_bytes(self) -> int:
        """Room that one row takes."""
        return self.dtype.itemsize * math.prod(self.shape)

    def stored(self, features: Stored) -> Stored:
        """Rows as they lie on disk, contiguous; what float16 cannot hold becomes its largest number."""
        if self.half and features.dtype != self.dtype:
            most = np.finfo(np.float16).max
            features = np.clip(features, -most, most)
        return np.ascontiguousarray(features, self.dtype)


def checksums(matrix: Stored, rows: Sequence[int] | range) -> list[int]:
    """CRC-32 of each of `rows` of a contiguous `matrix`, without a copy."""
    octets = matrix.reshape(len(matrix), math.prod(matrix.shape[1:])).view(np.uint8)
    return [zlib.crc32(octets[row]) for row in rows]


class DataFile:
    """An open data file of one kind, made where there is none. Raises OSError."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self.path = folder / kind.name
        self._mapped: Stored = np.empty((0, *kind.shape), kind.dtype)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        self._lock(fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go of the file. Its lock stays for as long as an array that `matrix` gave out, which has it open, too."""
        self._mapped = self._mapped[:0].copy()
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._descriptor < 0

    @property
    def size_bytes(self) -> int:
        """Length of the file."""
        return os.fstat(self._descriptor).st_size

    @property
    def whole(self) -> int:
        """Rows that are there to the last byte."""
        return self.size_bytes // self.kind.row_bytes

    @property
    def end(self) -> int:
        """The first row of which no byte is there."""
        return -(-self.size_bytes // self.kind.row_bytes)

    def present(self) -> bool:
        """Whether the open file is the one that lies in the folder."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        return False

    def alone(self) -> bool:
        """Whether nobody else has the file open; false where the file system knows no locks.

        Holds until the end of the index's transaction in which it is asked, for files are opened in one, too.
        """
        alone = self._lock(fcntl.LOCK_EX)
        self._lock(fcntl.LOCK_SH)
        return alone

    def _lock(self, how: int) -> bool:
        with suppress(OSError):
            fcntl.flock(self._descriptor, how | fcntl.LOCK_NB)
            return True
        return False

    def cut(self, rows: int) -> None:
        """Shorten the file to `rows`."""
        if self.size_bytes > rows * self.kind.row_bytes:
            os.ftruncate(self._descriptor, rows * self.kind.row_bytes)

    def put(self, rows: NDArray[np.int64], stored: Stored) -> None:
        """Write stored[i] at rows[i], ascending; kept for sure once `flush` returns."""
        runs = np.flatnonzero(np.diff(rows) != 1) + 1
        for at, part in zip(np.split(rows, runs), np.split(stored, runs), strict=True):
            if len(part):
                self._put(int(at[0]) * self.kind.row_bytes, part.reshape(-1).view(np.uint8).data)

    def _put(self, offset: int, left: memoryview) -> None:
        while left:
            written = os.pwrite(self._descriptor, left, offset)
            offset, left = offset + written, left[written:]

    def flush(self) -> None:
        """Return when all that was put is on the disk."""
        os.fsync(self._descriptor)

    def matrix(self, rows: int) -> Stored:
        """At least the first `rows`, mapped and not writable. Raises FolderError if they are not there."""
        if len(self._mapped) < rows:
            size_bytes = rows * self.kind.row_bytes
            # Reading a mapping behind the end of its file ends the process.
            if self.size_bytes < size_bytes:
                raise FolderError(f"{str(self.path)!r} was cut short.", "Open the folder again.")
            mapping = mmap.mmap(self._descriptor, size_bytes, access=mmap.ACCESS_READ)
            self._mapped = np.frombuffer(mapping, self.kind.dtype).reshape(-1, *self.kind.shape)
        return self._mapped
