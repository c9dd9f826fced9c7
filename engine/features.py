"""The feature store: what the backbone made of each picture, on disk; it may be deleted at any time.

One data file of fixed-width rows, float32 or float16, and an index in SQLite that tells each row's picture and checksum.
A row is written and flushed before the index names it, and loses its name before it is written over, so an end at any
moment leaves whole rows only: what lies behind the last named row is a torn tail, and dropped. A row whose checksum does
not fit counts as absent.
"""

import hashlib
import math
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.database import Damaged, OtherSchema
from engine.errors import FolderError
from engine.store_file import DataFile, Kind, Stored, checksums
from engine.store_index import INDEX, KEY_BYTES, Index, Record
from engine.store_rewrite import settle
from engine.store_room import files_of, make_room
from engine.store_rows import Rows

__all__ = ["INDEX", "KEY_BYTES", "FeatureStore", "backbone_key", "make_room"]


def backbone_key(*parts: bytes) -> str:
    """Name for everything that features depend on: 32 hex digits, other ones for other parts or other cuts of them."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


class FeatureStore:
    """Features of pictures by content key, each an array of `shape`; a store of another shape or format is emptied.

    With `half` they are kept as float16; a store of the other precision is written anew when it is opened. With
    `limit_bytes` the data file grows no further than that, or than one row: those that were unused for longest go.

    A row number holds until the next `append`, and so do views of rows (`matrix`, `blocks`) in a store with a limit.

    Several processes may use one store; what another one appends is seen from the next `append` on. While they do, none
    gives up rows, and the file may outgrow its limit until it is opened again. Raises FolderError where the folder
    cannot be written, or the disk is full: then the store is as it was before.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], half: bool = False, limit_bytes: int | None = None) -> None:
        if math.prod(shape) < 1:
            raise ValueError(f"features of shape {shape} hold nothing")
        self._folder = folder
        self._wanted = Kind(tuple(shape), half, 1)
        self._limited = limit_bytes is not None
        self._most = sys.maxsize if limit_bytes is None else max(1, limit_bytes // self._wanted.row_bytes)
        """Rows that the data file may have."""
        self._rows = Rows()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows.row_of

    def __len__(self) -> int:
        return len(self._rows.row_of)

    @property
    def row_bytes(self) -> int:
        """Room that one picture's features take in the data file."""
        return self._wanted.row_bytes

    @property
    def size_bytes(self) -> int:
        """Room on disk that the store takes, its index included."""
        return sum(path.stat().st_size for path in self._folder.glob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the files; arrays that were given out stay as they are: while there are any, the file is in use."""
        if not self._data.closed and self._present():
            # When rows were last used is not worth an error.
            with suppress(FolderError), self._index.writing():
                if self._index.kind() == self._data.kind:
                    self._index.note_use(self._rows.uses())
            self._index.note_now()
        self._data.close()
        self._index.close()

    def append(self, keys: Sequence[bytes], features: NDArray[np.float32]) -> None:
        """Keep float32 `features` (len(keys), *shape); a key that is there already, or comes again, is passed over.

        Of more rows than the limit allows, the last ones are kept.
        """
        shape = self._wanted.shape
        if features.dtype != np.float32 or features.shape != (len(keys), *shape):
            raise ValueError(f"{len(keys)} rows of {shape} expected, not {features.dtype} {features.shape}")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a content key has {KEY_BYTES} bytes")
        self.touch(keys)
        if self._limited:
            self._give_up(keys)
        with self._writing():
            self._index.note_use(self._rows.uses())
            chosen = self._fresh(keys)
            room = min(self._room(), len(chosen))
            chosen = chosen[len(chosen) - room :]
            records = self._write([keys[i] for i in chosen], features[chosen]) if chosen else []
        self._rows.name(records)
        self._index.note_now()

    def has_room(self, count: int) -> bool:
        """Whether so many rows can be kept at once, when all others go."""
        return count <= self._most

    def as_kept(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, *shape) as `read` will give them."""
        return self._wanted.stored(features).astype(np.float32, copy=False)

    def touch(self, keys: Sequence[bytes]) -> None:
        """Count these pictures as used now, as `read` and `blocks` do; the index learns of it later."""
        rows = self.find(keys)
        self._rows.use(rows[rows >= 0])

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Row of each key, -1 if absent; (len(keys),)."""
        return np.array([self._rows.row_of.get(key, -1) for key in keys], np.int64)

    def verify(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `rows` hold what was appended, (len(rows),); a key whose row does not is absent from now on.

        A row's checksum is computed once, when it is first asked for; -1 holds nothing.
        """
        unread = self._rows.unread(rows)
        if len(unread):
            self._rows.judge(unread, checksums(self.matrix(), unread.tolist()))
        return self._rows.sound(rows)

    def sound(self, keys: Sequence[bytes]) -> NDArray[np.bool_]:
        """(n,): which of these pictures have features that are as they were written; damaged ones count as absent."""
        return self.verify(self.find(keys))

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features of `rows`, (len(rows), *shape), a copy; FolderError if `verify` is false of one."""
        self._require(self.verify(rows))
        self._rows.use(rows)
        return self.matrix()[rows].astype(np.float32, copy=False)

    def blocks(self, rows: NDArray[np.int64], size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Features of `rows`, at most `size` at a time: which of `rows`, and their features (length, *shape).

        A block whose rows follow each other in a float32 file is a view of it, any other a copy, so `np.sort(rows)` is
        read fastest. FolderError at the first block in which `verify` is false of a row, or whose row an `append` that
        came after this call has given to another picture.
        """
        return self._blocks(rows, size, self._rows.turn)

    def _blocks(self, rows: NDArray[np.int64], size: int, turn: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        follows, known = np.diff(rows) == 1, bool(self._rows.sound(rows).all())
        for at in range(0, len(rows), size):
            part = rows[at : at + size]
            if not known or self._rows.named_at > turn:
                sound = self.verify(part)
                sound[sound] = self._rows.as_of(part[sound], turn)
                self._require(sound)
            run = bool(follows[at : at + size - 1].all())
            found = self.matrix()[part[0] : part[-1] + 1] if run else self.matrix()[part]
            self._rows.use(part)
            yield slice(at, at + len(part)), found.astype(np.float32, copy=False)

    def matrix(self) -> Stored:
        """All rows in the file's order, (rows, *shape), float32, or float16 with `half`; mapped and not writable.

        `verify` tells which of them hold.
        """
        return self._data.matrix(len(self._rows))

    def _require(self, sound: NDArray[np.bool_]) -> None:
        bad = int((~sound).sum())
        if bad:
            sentence = f"Features of {bad} of {len(sound)} images in {str(self._folder)!r} are missing or damaged."
            raise FolderError(sentence, "They can be made again from the images.")

    def _start(self) -> None:
        """Open the store; an index that is damaged or of another format is removed with all that it names."""
        try:
            self._open()
        except (Damaged, OtherSchema):
            for path in files_of(self._folder):
                path.unlink(missing_ok=True)
            self._open()

    def _open(self) -> None:
        with ExitStack() as opened:
            index = Index(self._folder)
            opened.callback(index.close)
            # Turns go on, so that whoever is in the middle of `blocks` sees that the rows are others.
            rows = Rows(self._rows.turn)
            try:
                with index.writing():
                    before, kind = index.kind(), settle(index, self._folder, self._wanted, self._most)
                    data = DataFile(self._folder, kind)
                    opened.callback(data.close)
                    rows.name(index.records(0))
                if before is not None and before != kind:
                    (self._folder / before.name).unlink(missing_ok=True)
            except OSError as error:
                raise self._unusable(error) from error
            opened.pop_all()
        self._index, self._data, self._rows = index, data, rows
        index.note_now()

    @contextmanager
    def _writing(self) -> Generator[None, None, None]:
        """A transaction in which all rows are known, on files that lie in the folder; where they do not, on new ones."""
        while True:
            if self._present():
                with self._index.writing():
                    # Another process may have removed or rewritten the store until now, but not from now on.
                    if self._present() and self._index.kind() == self._data.kind:
                        self._rows.name(self._index.records(len(self._rows)))
                        yield
                        return
            self.close()
            self._start()

    def _present(self) -> bool:
        """Whether the files that are open still lie in the folder."""
        return self._data.present() and self._index.path.exists()

    def _fresh(self, keys: Sequence[bytes]) -> list[int]:
        """Where in `keys` each that is not there comes first, ascending."""
        first_of = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._rows.row_of}
        return sorted(first_of.values())

    def _room(self) -> int:
        """Rows that can be added within the limit; any number where it cannot be kept."""
        if not self._data.alone():
            return sys.maxsize
        return len(self._rows.free()) + max(0, self._most - len(self._rows))

    def _give_up(self, keys: Sequence[bytes]) -> None:
        """Take the names of the rows that were unused for longest, so that there is room for what is new in `keys`."""
        with self._writing():
            lacking = max(0, min(len(self._fresh(keys)), self._most) - self._room())
            rows = self._rows.least_used(lacking)
            self._index.forget(rows.tolist())
        self._rows.drop(rows)

    def _write(self, keys: Sequence[bytes], features: NDArray[np.float32]) -> list[Record]:
        """Put rows where no name is, or behind all others, then name them; inside a transaction."""
        rows = self._places(len(keys))
        stored, end = self._data.kind.stored(features), self._data.end
        try:
            self._data.put(rows, stored)
            self._data.flush()
            turns = range(self._rows.turn + 1, self._rows.turn + 1 + len(keys))
            found = checksums(stored, range(len(keys)))
            records = list(zip(rows.tolist(), keys, found, turns, strict=True))
            self._index.name(records)
        except BaseException as error:
            self._data.cut(end)
            if isinstance(error, OSError):
                raise self._unusable(error) from error
            raise
        return records

    def _places(self, count: int) -> NDArray[np.int64]:
        """Rows to be written, ascending. What others have open stays as it is, even if it has no name any more."""
        alone = self._data.alone()
        free = self._rows.free()[: count if alone else 0]
        start = len(self._rows) if alone else max(len(self._rows), self._data.end)
        return np.concatenate([free, np.arange(start, start + count - len(free))])

    def _unusable(self, error: OSError) -> FolderError:
        where = repr(str(self._folder))
        return FolderError(f"{where} cannot be written: {error.strerror}.", "Free some space, or check its folder.")
