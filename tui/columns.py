"""Columns of the table's rows that NumPy alone does not keep well: names, content keys, probabilities. No Textual here.

All are values: a change gives another one, which shares with the one before whatever is large and stays.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[Any]
"""Row numbers."""

KEY_BYTES = 16
UNREAD = b"\xff" * KEY_BYTES
"""Stands for no key at all: as unlikely to be one as any other."""
NO_HALF = np.uint64(2**64 - 1)
BLOCK = 1024
"""Rows whose probabilities are copied together when one of them changes."""


@dataclass(frozen=True, eq=False)
class Names:
    """The images by name, all of them different, in the order in which they came.

    A name is found by bisection: a dictionary would take twice the memory of all other columns together.
    """

    all: tuple[str, ...] = ()
    sorted: Places = field(default_factory=lambda: np.zeros(0, np.int32))
    """The rows by name."""

    def __len__(self) -> int:
        return len(self.all)

    def __contains__(self, name: str) -> bool:
        return self.find(name) >= 0

    def __getitem__(self, name: str) -> int:
        row = self.find(name)
        if row < 0:
            raise KeyError(name)
        return row

    def find(self, name: str) -> int:
        """The row of this name; -1 if it has none."""
        at = bisect_left(self.sorted, name, key=self.all.__getitem__)
        row = int(self.sorted[at]) if at < len(self) else -1
        return row if row >= 0 and self.all[row] == name else -1

    def places(self, names: Sequence[str]) -> Places:
        """The row of each of these names, -1 for one that has none; at once if they follow each other as they do here."""
        first = self.find(names[0]) if names else -1
        if first >= 0 and self.all[first : first + len(names)] == tuple(names):
            return np.arange(first, first + len(names))
        found, row = np.empty(len(names), np.intp), first
        for at, name in enumerate(names):
            follows = 0 <= row < len(self) and self.all[row] == name
            found[at] = here = row if follows else self.find(name)
            row = here + 1 if here >= 0 else row
        return found

    def below(self, folder: str) -> Places:
        """The rows of the images in a folder and below it, by name; none if `folder` is empty."""
        if not folder:
            return self.sorted[:0]
        # What comes after the slash is the character 0.
        first, end = (bisect_left(self.sorted, folder + mark, key=self.all.__getitem__) for mark in "/0")
        return self.sorted[first:end]

    def plus(self, names: Sequence[str]) -> "Names":
        """With these behind the others."""
        every = (*self.all, *names)
        came = sorted(range(len(self), len(every)), key=every.__getitem__)
        before = [bisect_left(self.sorted, every[row], key=every.__getitem__) for row in came] if self.all else 0
        return Names(every, np.insert(self.sorted, before, came))

    def only(self, rows: Places) -> "Names":
        """Only those of these rows, which are in order."""
        stay: list[int] = rows.tolist()
        number = np.full(len(self), -1, np.int32)
        number[rows] = np.arange(len(rows))
        kept = number[self.sorted]
        return Names(tuple(self.all[row] for row in stay), kept[kept >= 0])


@dataclass(frozen=True, eq=False)
class Keys:
    """Content keys, 16 bytes each; empty where there is none. An array takes a quarter of what objects would."""

    halves: NDArray[Any] = field(default_factory=lambda: _halves([]))
    """(rows, 2)"""

    def __len__(self) -> int:
        return len(self.halves)

    def __getitem__(self, row: int) -> bytes:
        key = self.halves[row].tobytes()
        return b"" if key == UNREAD else key

    def find(self, keys: Collection[bytes]) -> Places:
        """The rows with one of these keys, from the first to the last."""
        wanted = frozenset(keys)
        alike = np.flatnonzero(np.isin(self.halves[:, 0], _halves(wanted)[:, 0]))
        return np.array([row for row in alike.tolist() if self[row] in wanted], np.intp)

    def repeated(self) -> NDArray[np.bool_]:
        """(rows,): whose key another row has as well."""
        order = np.lexsort(self.halves.T)
        ranked = self.halves[order]
        same = (ranked[1:] == ranked[:-1]).all(axis=1) & (ranked[1:] != NO_HALF).any(axis=1)
        found = np.zeros(len(self), np.bool_)
        found[order[1:][same]] = found[order[:-1][same]] = True
        return found

    def put(self, rows: Places, keys: Collection[bytes]) -> "Keys":
        """With these keys in these rows."""
        halves = self.halves.copy()
        halves[rows] = _halves(keys)
        return Keys(halves)

    def plus(self, rows: int) -> "Keys":
        """With so many rows without a key behind the others."""
        return Keys(np.concatenate([self.halves, np.full((rows, 2), NO_HALF)]))

    def only(self, rows: Places) -> "Keys":
        """Only these rows."""
        return Keys(self.halves[rows])


def _halves(keys: Collection[bytes]) -> NDArray[Any]:
    return np.frombuffer(b"".join(key or UNREAD for key in keys), np.uint64).reshape(-1, 2)


def keys(contents: Collection[bytes]) -> Keys:
    """A column of these keys."""
    return Keys(_halves(contents))


@dataclass(frozen=True, eq=False)
class Shares:
    """Probabilities, (rows, labels), in blocks: a change copies the blocks that it touches; not a number where unknown."""

    labels: int = 0
    blocks: tuple[Floats, ...] = ()
    """BLOCK rows each, the last one fewer. Rows without any prediction are one number, looked at many times."""

    def __len__(self) -> int:
        return BLOCK * max(0, len(self.blocks) - 1) + sum(len(block) for block in self.blocks[-1:])

    def __getitem__(self, row: int) -> Floats:
        """(labels,)"""
        return self.blocks[row // BLOCK][row % BLOCK]

    def put(self, rows: Places, values: Floats) -> "Shares":
        """With these values, (rows, labels), in these rows."""
        blocks, block = list(self.blocks), rows // BLOCK
        order = np.argsort(block, kind="stable")
        edges = [0, *(np.flatnonzero(np.diff(block[order])) + 1).tolist(), len(order)]
        for first, end in pairwise(edges):
            chosen = order[first:end]
            if len(chosen):
                number = int(block[chosen[0]])
                changed = np.array(blocks[number])
                changed[rows[chosen] % BLOCK] = values[chosen]
                blocks[number] = changed
        return Shares(self.labels, tuple(blocks))

    def plus(self, rows: int) -> "Shares":
        """With so many rows without a prediction behind the others."""
        last = self.blocks[-1] if self.blocks and len(self.blocks[-1]) < BLOCK else None
        if last is None:
            return Shares(self.labels, self.blocks + unknown(rows, self.labels).blocks)
        filled = min(rows, BLOCK - len(last))
        grown = np.concatenate([last, _nothing(filled, self.labels)])
        return Shares(self.labels, (*self.blocks[:-1], grown, *unknown(rows - filled, self.labels).blocks))

    def only(self, rows: Places) -> "Shares":
        """Only these rows, which are in order."""
        return Shares(self.labels, tuple(self._gathered(rows[at : at + BLOCK]) for at in range(0, len(rows), BLOCK)))

    def _gathered(self, rows: Places) -> Floats:
        """One block of these rows; block by block, so that all of a large table is never there twice."""
        block = rows // BLOCK
        numbers: list[int] = np.unique(block).tolist()
        return np.concatenate([self.blocks[number][rows[block == number] % BLOCK] for number in numbers])


def _nothing(rows: int, labels: int) -> Floats:
    return np.broadcast_to(np.float32(np.nan), (rows, labels))


def unknown(rows: int, labels: int) -> Shares:
    """So many rows without a prediction."""
    full, rest = divmod(rows, BLOCK)
    sizes = [BLOCK] * full + [rest] * bool(rest)
    return Shares(labels, tuple(_nothing(size, labels) for size in sizes))


def shares(values: Floats) -> Shares:
    """A column of these probabilities, (rows, labels)."""
    return Shares(values.shape[1], tuple(values[at : at + BLOCK].copy() for at in range(0, len(values), BLOCK)))
