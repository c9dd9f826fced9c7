"""What one process knows of a feature store's rows: arrays with one entry a row, and a row for each key."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.store_index import Record

FREE, UNREAD, SOUND, BAD = range(4)
"""What a row is: without a name, not yet held against its checksum, as it was written, or damaged."""

_ROW = np.dtype(
    [
        ("state", "u1"),
        ("noted", "?"),  # whether the index knows of the last use
        ("checksum", "i8"),
        ("used", "i8"),  # the turn of the last use
        ("named", "i8"),  # the turn at which this process learned of the present name
    ],
    align=True,
)


class Rows:
    """Rows by number, `len` of them in the file's order, free ones included.

    Turns count uses, appends and what comes from the index; they go on where those in the index end.
    """

    def __init__(self, turn: int = 0) -> None:
        self.row_of: dict[bytes, int] = {}
        """Row of each key, but for damaged ones."""
        self.turn = turn
        self.named_at = turn
        """The turn at which a row was last given a name."""
        self._keys: list[bytes] = []
        self._table = np.zeros(0, _ROW)

    def __len__(self) -> int:
        return len(self._table)

    def name(self, records: Sequence[Record]) -> None:
        """Learn whose these rows are, the highest last; a key that has a row gives that one up."""
        if not records:
            return
        rows, keys, checksums, used = zip(*records, strict=True)
        self._grow(rows[-1] + 1)
        self._table["state"][[self.row_of[key] for key in keys if key in self.row_of]] = FREE
        self.turn = max(self.turn, max(used)) + 1
        self.named_at = self.turn
        at = np.array(rows, np.int64)
        self._table["state"][at] = UNREAD
        self._table["checksum"][at] = checksums
        self._table["used"][at] = used
        self._table["noted"][at] = True
        self._table["named"][at] = self.turn
        self.row_of.update(zip(keys, rows, strict=True))
        for row, key in zip(rows, keys, strict=True):
            self._keys[row] = key

    def _grow(self, rows: int) -> None:
        more = rows - len(self)
        if more > 0:
            # In place, for all else would copy every row at each append. No view of the table is ever kept.
            self._table.resize(rows, refcheck=False)
            self._keys += [b""] * more

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Make rows free."""
        for row in rows.tolist():
            self._lose(row)
        self._table["state"][rows] = FREE

    def _lose(self, row: int) -> None:
        if self.row_of.get(self._keys[row]) == row:
            del self.row_of[self._keys[row]]

    def unread(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `rows` that wait for their checksum, each once, ascending."""
        inside = rows[(rows >= 0) & (rows < len(self))]
        return np.unique(inside[self._table["state"][inside] == UNREAD])

    def judge(self, rows: NDArray[np.int64], checksums: Sequence[int]) -> None:
        """Note which unread `rows` have the checksums that they should; a key whose row has another loses it."""
        right = self._table["checksum"][rows] == np.array(checksums, np.int64)
        self._table["state"][rows] = np.where(right, SOUND, BAD)
        for row in rows[~right].tolist():
            self._lose(row)

    def sound(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(len(rows),): which of them are known to be as they were written; those that are not there are not."""
        inside = (rows >= 0) & (rows < len(self))
        return inside & (self._table["state"][np.where(inside, rows, 0)] == SOUND) if len(self) else inside

    def as_of(self, rows: NDArray[np.int64], turn: int) -> NDArray[np.bool_]:
        """(len(rows),): which of these sound rows had their present name at `turn`."""
        return self._table["named"][rows] <= turn

    def free(self) -> NDArray[np.int64]:
        """Rows without a name, ascending."""
        return np.flatnonzero(self._table["state"] == FREE)

    def least_used(self, count: int) -> NDArray[np.int64]:
        """`count` rows that have a name, or all: damaged ones first, then those whose last use is longest ago."""
        named = np.flatnonzero(self._table["state"] != FREE)
        used = np.where(self._table["state"][named] == BAD, -1, self._table["used"][named])
        return np.sort(named[np.argsort(used, kind="stable")[:count]])

    def use(self, rows: NDArray[np.int64]) -> None:
        """Note that rows are used now, one after the other."""
        self._table["used"][rows] = np.arange(self.turn + 1, self.turn + 1 + len(rows))
        self.turn += len(rows)
        self._table["noted"][rows] = False

    def uses(self) -> list[tuple[int, int]]:
        """(turn, row) of uses that the index does not know of; it is told once."""
        rows = np.flatnonzero(~self._table["noted"] & (self._table["state"] != FREE))
        self._table["noted"][rows] = True
        return list(zip(self._table["used"][rows].tolist(), rows.tolist(), strict=True))
