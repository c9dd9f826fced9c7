"""The feature store's index: what its data file holds, and which picture's features lie in which row. SQLite."""

import json
import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.database import QUICK, Layout, open_database, problems_of, transaction
from engine.store_file import Kind

KEY_BYTES = 16
"""Length of a content key."""

INDEX = "index.db"

_TABLES = (
    "CREATE TABLE store (shape TEXT NOT NULL, half INTEGER NOT NULL, number INTEGER NOT NULL)",
    f"""
    CREATE TABLE features (
        row INTEGER PRIMARY KEY CHECK (row >= 0),
        image BLOB NOT NULL UNIQUE CHECK (length(image) = {KEY_BYTES}),
        checksum INTEGER NOT NULL,
        used INTEGER NOT NULL
    )
    """,
)

LAYOUT = Layout("feature index", int.from_bytes(b"ctff", "big"), 2, _TABLES, QUICK)
"""The index's mark, the number of the store's format, and its tables."""

Record = tuple[int, bytes, int, int]
"""Row, key, checksum, and the turn at which it was last used."""


class Index:
    """An open index. All but `writing`, `note_now` and `close` belong inside `writing`, and raise sqlite3.Error."""

    def __init__(self, folder: Path) -> None:
        """Raises Damaged, OtherSchema, or FolderError."""
        self.path = folder / INDEX
        self._db = open_database(self.path, LAYOUT)

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Everything inside the block, or nothing; no other process writes meanwhile. Raises FolderError."""
        with problems_of(self.path), transaction(self._db):
            yield

    def kind(self) -> Kind | None:
        """What the data file holds; None in an index that is new."""
        for shape, half, number in self._db.execute("SELECT shape, half, number FROM store"):
            return Kind(tuple(json.loads(shape)), bool(half), number)
        return None

    def describe(self, kind: Kind) -> None:
        """Say what the data file holds."""
        self._db.execute("DELETE FROM store")
        values = (json.dumps(kind.shape), kind.half, kind.number)
        self._db.execute("INSERT INTO store VALUES (?, ?, ?)", values)

    def records(self, start: int) -> list[Record]:
        """All from row `start` on, in order."""
        query = "SELECT row, image, checksum, used FROM features WHERE row >= ? ORDER BY row"
        return self._db.execute(query, (start,)).fetchall()

    def end(self) -> int:
        """One more than the highest row that has a name."""
        (end,) = self._db.execute("SELECT coalesce(max(row) + 1, 0) FROM features").fetchone()
        return end

    def name(self, records: Iterable[Record]) -> None:
        """Say whose these rows are; a key that has a row gives that one up."""
        self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", records)

    def forget(self, rows: Sequence[int]) -> None:
        """Take these rows' names away."""
        self._db.executemany("DELETE FROM features WHERE row = ?", ((row,) for row in rows))

    def forget_from(self, start: int) -> None:
        """Take away the names of all rows from `start` on."""
        self._db.execute("DELETE FROM features WHERE row >= ?", (start,))

    def note_use(self, uses: Iterable[tuple[int, int]]) -> None:
        """Keep (turn, row): when each row was last used."""
        self._db.executemany("UPDATE features SET used = ? WHERE row = ?", uses)

    def note_now(self) -> None:
        """Let the file's time say that the store is in use: among stores, the one unused for longest goes first."""
        with suppress(OSError):
            os.utime(self.path)

    def close(self) -> None:
        """Give the file back."""
        with problems_of(self.path):
            self._db.close()
