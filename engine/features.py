"""The feature store: what the backbone made of each picture, on disk; it may be deleted at any time.

One data file of fixed-width float32 rows, and an index in SQLite that tells each row's picture and checksum. A row is
written and flushed before the index names it, so an end at any moment leaves whole rows only: what lies behind the last
named row is a torn tail, and dropped. A row whose checksum does not fit counts as absent.
"""

import hashlib
import json
import math
import mmap
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.database import QUICK, Damaged, Layout, OtherSchema, open_database, problems_of, transaction
from engine.errors import FolderError

KEY_BYTES = 16
"""Length of a content key."""

_TABLES = (
    "CREATE TABLE store (shape TEXT NOT NULL)",
    f"""
    CREATE TABLE features (
        row INTEGER PRIMARY KEY,
        image BLOB NOT NULL UNIQUE CHECK (length(image) = {KEY_BYTES}),
        checksum INTEGER NOT NULL
    )
    """,
)

LAYOUT = Layout("feature index", int.from_bytes(b"ctff", "big"), 1, _TABLES, QUICK)
"""The index's mark, the number of the store's format, and its tables."""

INDEX, DATA = "index.db", "features.f32"


def backbone_key(*parts: bytes) -> str:
    """Name for everything that features depend on: 32 hex digits, other ones for other parts or other cuts of them."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


class FeatureStore:
    """Features of pictures by content key, each an array of `shape`; a store of another shape or format is emptied.

    Several processes may use one store; what another one appends is seen from the next `append` on. Raises FolderError
    where the folder cannot be written, or the disk is full: then the store is as it was before.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        if math.prod(shape) < 1:
            raise ValueError(f"features of shape {shape} hold nothing")
        self._folder = folder
        self._shape = shape
        self._row_bytes = 4 * math.prod(shape)
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: bytes) -> bool:
        return key in self._row_of

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def size_bytes(self) -> int:
        """Room on disk that the store takes, its index included."""
        return sum(path.stat().st_size for path in self._folder.glob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the files; arrays that were given out stay as they are."""
        self._mapped = np.empty((0, *self._shape), np.float32)
        with suppress(OSError):
            os.close(self._data)
        self._data = -1
        with problems_of(self._folder / INDEX):
            self._index.close()

    def append(self, keys: Sequence[bytes], features: NDArray[np.float32]) -> None:
        """Keep float32 `features` (len(keys), *shape); a key that is there already, or comes again, is passed over."""
        if features.dtype != np.float32 or features.shape != (len(keys), *self._shape):
            raise ValueError(f"{len(keys)} rows of {self._shape} expected, not {features.dtype} {features.shape}")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a content key has {KEY_BYTES} bytes")
        if not self._present():
            self.close()
            self._start()
        with problems_of(self._folder / INDEX), transaction(self._index):
            self._catch_up()
            first_of = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._row_of}
            chosen = sorted(first_of.values())
            if chosen:
                self._write([keys[i] for i in chosen], np.ascontiguousarray(features[chosen], "<f4"))
        with problems_of(self._folder / INDEX):
            self._catch_up()

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Row of each key, -1 if absent; (len(keys),)."""
        return np.array([self._row_of.get(key, -1) for key in keys], np.int64)

    def verify(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `rows` hold what was appended, (len(rows),); a key whose row does not is absent from now on.

        A row's checksum is computed once, when it is first asked for; -1 holds nothing.
        """
        whole = self.matrix()
        for row in set(rows.tolist()) & self._unread.keys():
            key, checksum = self._unread[row]
            if zlib.crc32(whole[row : row + 1].data) == checksum:
                self._sound.add(row)
            elif self._row_of.get(key) == row:
                del self._row_of[key]
            del self._unread[row]
        return np.array([row in self._sound for row in rows.tolist()], np.bool_)

    def sound(self, keys: Sequence[bytes]) -> NDArray[np.bool_]:
        """(n,): which of these pictures have features that are as they were written; damaged ones count as absent."""
        return self.verify(self.find(keys))

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features of `rows`, (len(rows), *shape), a copy; FolderError if `verify` is false of one."""
        bad = int((~self.verify(rows)).sum())
        if bad:
            sentence = f"Features of {bad} of {len(rows)} images in {str(self._folder)!r} are missing or damaged."
            raise FolderError(sentence, "They can be made again from the images.")
        return self.matrix()[rows]

    def matrix(self) -> NDArray[np.float32]:
        """All rows in the file's order, (rows, *shape), mapped and not writable; `verify` tells which of them hold."""
        if len(self._mapped) < self._named:
            size_bytes = self._named * self._row_bytes
            # Reading a mapping behind the end of its file ends the process.
            if os.fstat(self._data).st_size < size_bytes:
                raise FolderError(f"{str(self._folder / DATA)!r} was cut short.", "Open the folder again.")
            mapping = mmap.mmap(self._data, size_bytes, access=mmap.ACCESS_READ)
            self._mapped = np.frombuffer(mapping, "<f4").reshape(-1, *self._shape)
        return self._mapped

    def _start(self) -> None:
        """Open the store; an index that is damaged or of another format is removed with all that it names."""
        self._row_of: dict[bytes, int] = {}
        self._unread: dict[int, tuple[bytes, int]] = {}
        self._sound: set[int] = set()
        self._named = 0
        self._mapped: NDArray[np.float32] = np.empty((0, *self._shape), np.float32)
        try:
            self._open()
        except (Damaged, OtherSchema):
            for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm", DATA):
                (self._folder / name).unlink(missing_ok=True)
            self._open()

    def _open(self) -> None:
        self._index = open_database(self._folder / INDEX, LAYOUT)
        self._data = -1
        try:
            self._data = os.open(self._folder / DATA, os.O_RDWR | os.O_CREAT, 0o666)
            with problems_of(self._folder / INDEX), transaction(self._index):
                self._settle()
                self._catch_up()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise _unusable(self._folder / DATA, error) from error
            raise

    def _settle(self) -> None:
        """Make both files speak of the same whole rows of this shape."""
        shape = json.dumps(self._shape)
        if self._index.execute("SELECT shape FROM store").fetchall() != [(shape,)]:
            self._index.execute("DELETE FROM store")
            self._index.execute("DELETE FROM features")
            self._index.execute("INSERT INTO store VALUES (?)", (shape,))
        whole = os.fstat(self._data).st_size // self._row_bytes
        self._index.execute("DELETE FROM features WHERE row >= ?", (whole,))
        (named,) = self._index.execute("SELECT coalesce(max(row) + 1, 0) FROM features").fetchone()
        os.ftruncate(self._data, named * self._row_bytes)

    def _catch_up(self) -> None:
        """Learn of the rows that the index names and this process does not know."""
        query = "SELECT row, image, checksum FROM features WHERE row >= ? ORDER BY row"
        for row, key, checksum in self._index.execute(query, (self._named,)):
            self._row_of[key] = row
            self._unread[row] = (key, checksum)
            self._named = row + 1

    def _present(self) -> bool:
        """Whether the files that are open still lie in the folder."""
        with suppress(FileNotFoundError):
            same = os.path.samestat(os.stat(self._folder / DATA), os.fstat(self._data))
            return same and (self._folder / INDEX).exists()
        return False

    def _write(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Put rows behind the last one that is named, then name them; inside a transaction."""
        start, left = self._named * self._row_bytes, memoryview(rows.tobytes())
        try:
            offset = start
            while left:
                written = os.pwrite(self._data, left, offset)
                offset, left = offset + written, left[written:]
            os.fsync(self._data)
            self._index.executemany(
                # A key whose row is damaged gives that row up.
                "INSERT OR REPLACE INTO features (row, image, checksum) VALUES (?, ?, ?)",
                ((self._named + n, key, zlib.crc32(rows[n : n + 1].data)) for n, key in enumerate(keys)),
            )
        except BaseException as error:
            os.ftruncate(self._data, start)
            if isinstance(error, OSError):
                raise _unusable(self._folder / DATA, error) from error
            raise


def _unusable(path: Path, error: OSError) -> FolderError:
    return FolderError(f"{str(path)!r} cannot be written: {error.strerror}.", "Free some space, or check its folder.")
