"""Verdicts: what a person said about pictures, appended and never changed; the present is a fold over them.

A verdict belongs to a picture's content, not to its path. An entry is a *step* (verdicts given at once) or the undo
or redo of one, so that going back is appended, too. Entries are in the order of their ids; their times are told, never
compared.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

from engine.database import (
    BUSY_TIMEOUT_S,
    DURABLE,
    Layout,
    damaged,
    identity,
    let_go,
    open_database,
    problems_of,
    transaction,
)
from engine.errors import FolderError
from engine.verdicts import (
    ACTIONS,
    EXCLUDED,
    HELD,
    IMPORTED,
    KEY_BYTES,
    KINDS,
    LABEL,
    Change,
    Counts,
    Entry,
    Standing,
    Verdict,
    fold,
    step_checksum,
    verdict_checksum,
)

__all__ = [
    "ACTIONS",
    "EXCLUDED",
    "HELD",
    "IMPORTED",
    "KEY_BYTES",
    "KINDS",
    "LABEL",
    "LAYOUT",
    "Change",
    "Counts",
    "Entry",
    "Journal",
    "Standing",
    "Verdict",
    "fold",
]

_TABLES = (
    """
    CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('give', 'undo', 'redo')),
        given INTEGER,
        checksum INTEGER
    )
    """,
    f"""
    CREATE TABLE verdicts (
        step INTEGER NOT NULL REFERENCES steps (id),
        position INTEGER NOT NULL,
        image BLOB NOT NULL CHECK (length(image) = {KEY_BYTES}),
        label TEXT,
        shown TEXT NOT NULL,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL DEFAULT 'label',
        checksum INTEGER,
        PRIMARY KEY (step, position)
    ) WITHOUT ROWID
    """,
)
"""A step tells how many verdicts it gives. Checksums are of all that a row says; NULL in rows of the first schema."""

_CHECKED = (
    *(f"ALTER TABLE steps ADD COLUMN {name} INTEGER" for name in ("given", "checksum")),
    "ALTER TABLE verdicts ADD COLUMN checksum INTEGER",
)

LAYOUT = Layout(
    "journal of verdicts", int.from_bytes(b"ctfl", "big"), 2, _TABLES, DURABLE, {1: _CHECKED}, examined=True, logged=True
)
"""The file's mark, the number of its schema, its tables, that they are durable, and looked through at every opening."""

_ENTRIES = """
SELECT id, at, action, given, steps.checksum, position, image, label, shown, version, kind, verdicts.checksum
FROM steps LEFT JOIN verdicts ON step = id WHERE id > ? ORDER BY id, position
"""
_GIVE = "INSERT INTO steps VALUES (?, ?, ?, ?, ?)"
_SAY = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """The verdicts of one folder, in a file that is only added to; a call returns with its entry on the disk.

    Entries that another process appends are read before the next own one, or on `refresh`. Raises FolderError where
    the file is locked, may not be written, is damaged, or is of a newer Catflap; it is never deleted or overwritten.
    Calls may come from any thread, one at a time. With `read_only`, a missing file is an empty journal.
    """

    def __init__(self, path: Path, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path, self._read_only = path, read_only
        self._busy_timeout_s = busy_timeout_s
        self._open()

    def _open(self) -> None:
        """Open what lies at the path, and take in all entries."""
        self._standing, self._last = Standing(), 0
        self._seen, self._news = -1, set[bytes]()
        self._identity: tuple[int, int] | None = None
        """Of the file that is open; None while none is."""
        self._connection = open_database(self._path, LAYOUT, read_only=self._read_only, busy_timeout_s=self._busy_timeout_s)
        try:
            self._heard()
        except BaseException:
            let_go(self._connection, self._path)
            raise
        self._identity, self._news = identity(self._path), set[bytes]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with problems_of(self._path):
            self._connection.close()

    def append(self, verdicts: Sequence[Verdict], at: float) -> int:
        """Append one step, all of it or nothing, at Unix seconds `at`; its id, or the last entry's if it is empty."""
        if any(len(verdict.image) != KEY_BYTES for verdict in verdicts):
            raise ValueError(f"a content key has {KEY_BYTES} bytes")
        if verdicts:
            self._write("give", tuple(verdicts), at)
        return self._last

    def undo(self, at: float) -> tuple[bytes, ...]:
        """Take back the last step that is not undone; its images, none if there is no such step."""
        return self._write("undo", (), at)

    def redo(self, at: float) -> tuple[bytes, ...]:
        """Do again the step undone last, unless one was appended since; its images, none if there is no such step."""
        return self._write("redo", (), at)

    def refresh(self) -> int:
        """Take in what other processes appended; how many entries."""
        before = self._last
        with problems_of(self._path):
            for entry in self.entries(after=before):
                self._news.update(self._apply(entry))
        return self._last - before

    def news(self) -> set[bytes]:
        """The images on which other processes' entries changed something since the last call; quick if there are none.

        Where another journal was put in the place of this one, all that differs. Raises FolderError where it is gone.
        """
        self._keep_to_the_path()
        self._heard()
        news, self._news = self._news, set[bytes]()
        return news

    def _heard(self) -> None:
        with problems_of(self._path):
            # The number changes when another connection commits.
            seen, self._seen = self._seen, self._connection.execute("PRAGMA data_version").fetchone()[0]
        if seen != self._seen:
            self.refresh()

    def _keep_to_the_path(self) -> None:
        """What SQLite has open stays open when it is moved or deleted, and what is written into it then is lost."""
        if self._read_only or self._in_place():
            return
        before, kept = self._standing, self._news
        self.close()
        self._open()
        after = self._standing.in_force
        touched = before.in_force.keys() | after.keys()
        self._news = kept | {image for image in touched if before.in_force.get(image) != after.get(image)}

    def _in_place(self) -> bool:
        """Whether the journal that is open is the one at its path. Raises FolderError where there is none."""
        now = identity(self._path)
        if now is None:
            hint = "Put its folder back, or leave and open the folder again."
            raise FolderError(f"{str(self._path)!r} is gone: no verdict can be kept.", hint)
        return now == self._identity

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Everything that was ever appended, with ids above `after`, in order."""
        with problems_of(self._path), closing(self._connection.execute(_ENTRIES, (after,))) as rows:
            for step, group in groupby(rows, itemgetter(0, 1, 2, 3, 4)):
                yield self._entry(step, [row[5:] for row in group if row[5] is not None])

    def _entry(self, step: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Entry:
        """What one step's rows say; Damaged where they are not what was written."""
        number, at, action, given, said = step
        if said is not None and (said != step_checksum(number, at, action, given) or given != len(rows)):
            raise damaged(self._path)
        if any(row[-1] is not None and row[-1] != verdict_checksum(number, *row[:-1]) for row in rows):
            raise damaged(self._path)
        return Entry(number, at, action, tuple(Verdict(*row[1:-1]) for row in rows))

    @property
    def last(self) -> int:
        """The id of the newest entry that was taken in; 0 if there is none."""
        return self._last

    def in_force(self) -> dict[bytes, Verdict]:
        """The verdict of each image that has one; a copy."""
        return dict(self._standing.in_force)

    def verdict(self, image: bytes) -> Verdict | None:
        """The verdict in force for one image."""
        return self._standing.in_force.get(image)

    @property
    def counts(self) -> Counts:
        """How many verdicts are in force."""
        kinds = {kind: number for kind, number in (+self._standing.kinds).items() if kind != LABEL}
        return Counts(dict(+self._standing.labels), self._standing.flips, kinds)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._standing.done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._standing.undone)

    def _write(self, action: str, verdicts: tuple[Verdict, ...], at: float) -> tuple[bytes, ...]:
        """Commit one entry, then let it hold; the images it touches."""
        if self._read_only:
            raise ValueError("the journal was opened for reading only")
        self._keep_to_the_path()
        with problems_of(self._path), transaction(self._connection):
            self.refresh()
            possible = {"give": True, "undo": self.can_undo, "redo": self.can_redo}
            if not possible[action]:
                return ()
            number, at = self._last + 1, float(at)
            add_entry(self._connection, Entry(number, at, action, verdicts))
            if not self._in_place():
                raise FolderError(f"{str(self._path)!r} was replaced just now.", "Try again.")
        return self._apply(Entry(number, at, action, verdicts))

    def _apply(self, entry: Entry) -> tuple[bytes, ...]:
        try:
            change = ACTIONS[entry.action](self._standing, entry)
        except (KeyError, IndexError) as error:
            raise damaged(self._path) from error
        self._last = entry.id
        return tuple(change)


def add_entry(connection: sqlite3.Connection, entry: Entry) -> None:
    """Insert an entry's rows; inside a transaction. Raises sqlite3.Error."""
    step = entry.id, entry.at, entry.action, len(entry.verdicts)
    connection.execute(_GIVE, (*step, step_checksum(*step)))
    rows = (
        (entry.id, at, *(getattr(verdict, name) for name in Verdict.__slots__)) for at, verdict in enumerate(entry.verdicts)
    )
    connection.executemany(_SAY, ((*row, verdict_checksum(*row)) for row in rows))
