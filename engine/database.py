"""SQLite as Catflap uses it: files of a known layout, transactions that are all or nothing, failures in words."""

import os
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import FolderError

BUSY_TIMEOUT_S = 5.0
"""How long a lock that another process holds is waited for."""

DURABLE = ("journal_mode = WAL", "synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1")
"""A commit returns when the log is on the disk; macOS empties the disk's own cache only when asked by `fullfsync`."""

QUICK = ("journal_mode = WAL", "synchronous = NORMAL")
"""What was committed survives the end of the process; a power cut may take the last commits, never the order."""

_IN_USE = ("{path} is in use by another program.", "Close the other program and try again.")
_NOT_OURS = ("{path} cannot be opened or written.", "Check that its folder exists and that you may write to it.")
_SPOILT = ("{path} is damaged.", "It is left as it is. Put back a copy of it, or move it away to begin a new one.")

_EFFECTIVE = os.access in os.supports_effective_ids

PROBLEMS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_PROTOCOL: _IN_USE,
    sqlite3.SQLITE_READONLY: _NOT_OURS,
    sqlite3.SQLITE_PERM: _NOT_OURS,
    sqlite3.SQLITE_AUTH: _NOT_OURS,
    sqlite3.SQLITE_CANTOPEN: _NOT_OURS,
    sqlite3.SQLITE_FULL: ("{path} cannot grow: the disk is full.", "Free some space and try again."),
    sqlite3.SQLITE_IOERR: ("{path} cannot be read or written: the disk failed.", "Check the disk, then try again."),
    sqlite3.SQLITE_NOTADB: _SPOILT,
    sqlite3.SQLITE_CORRUPT: _SPOILT,
}
"""A sentence and a hint for each primary result code (https://www.sqlite.org/rescode.html) that is not a bug."""


@dataclass(frozen=True)
class Layout:
    """What tells one kind of database from all others."""

    kind: str
    """As a person would call it: `is not a {kind}`."""
    application: int
    """SQLite's `application_id`."""
    schema: int
    """Number of the tables' layout, from 1, kept as SQLite's `user_version`."""
    tables: tuple[str, ...]
    """The statements that make the tables."""
    settings: tuple[str, ...]
    """DURABLE or QUICK."""
    changes: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    """By an older schema: the statements that make the next one of it."""


class Damaged(FolderError):
    """A database whose content is not what was written, or not of the layout asked for."""


class OtherSchema(FolderError):
    """A database of an older or a newer Catflap."""


def open_database(
    path: Path, layout: Layout, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> sqlite3.Connection:
    """A connection to tables of `layout`; made where there are none, in memory alone if `read_only`.

    It commits by `transaction` alone, and may pass from thread to thread but serves one at a time. Raises Damaged,
    OtherSchema, or FolderError for a file that is locked or may not be written. No file is deleted or replaced.
    """
    _refuse_unsafe(path, read_only)
    with problems_of(path):
        if read_only and not path.exists():
            return _in_memory(layout)
        connection = _connect(path, read_only, busy_timeout_s)
        try:
            empty = _check(connection, path, layout, read_only)
            if not read_only:
                _create(connection, layout)
        except BaseException:
            connection.close()
            raise
        if read_only and empty:
            connection.close()
            return _in_memory(layout)
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """Everything inside the block, or nothing; no other process writes meanwhile. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some failures, a full disk among them, have rolled back already.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def problems_of(path: Path) -> Generator[None, None, None]:
    """Turn SQLite's failures inside the block into a FolderError that names `path`; bugs pass as they are."""
    try:
        yield
    except sqlite3.Error as error:
        problem = PROBLEMS.get(_code(error))
        if problem is None:
            raise
        if problem is _SPOILT:
            raise damaged(path) from error
        sentence, hint = problem
        raise FolderError(sentence.format(path=repr(str(path))), hint) from error


def damaged(path: Path) -> Damaged:
    """The error for a database whose content is not what was written."""
    sentence, hint = _SPOILT
    return Damaged(sentence.format(path=repr(str(path))), hint)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 where the error is not SQLite's own but the caller's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    # SQLite flushes the folder that a database lies in, but not the one above, which tells that the folder is there.
    above = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _refuse_unsafe(path: Path, read_only: bool) -> None:
    """Raise FolderError where SQLite would throw a log away, or open a file and only later fail to write it."""
    log = path.with_name(path.name + "-wal")
    try:
        if not read_only:
            _make_folder(path.parent)
        size_bytes = path.stat().st_size if path.exists() else 0
        # SQLite deletes the log of an empty database; but a log is never begun before the database has a page.
        if not size_bytes and log.exists() and log.stat().st_size:
            raise damaged(path)
    except OSError as error:
        raise FolderError(f"{str(path)!r} cannot be opened: {error.strerror}.", "Check its folder.") from error
    if not read_only and path.exists() and not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
        raise FolderError(f"{str(path)!r} is read-only.", "Allow writing to it, or copy its folder elsewhere.")


def _connect(path: Path, read_only: bool, busy_timeout_s: float) -> sqlite3.Connection:
    modes = ["mode=ro" if read_only else "mode=rwc"]
    # A database in WAL mode is read with two files beside it; where they cannot be made, SQLite must be told that
    # nobody writes. That holds if no log is there, for a log would be passed over.
    if read_only and not path.with_name(path.name + "-wal").exists():
        modes.append("mode=ro&immutable=1")
    for mode in modes:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            if mode == modes[-1] or _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        else:
            return connection
    raise AssertionError("the last mode either returns or raises")


def _in_memory(layout: Layout) -> sqlite3.Connection:
    return _create(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False), layout)


def _check(connection: sqlite3.Connection, path: Path, layout: Layout, read_only: bool) -> bool:
    """Whether the file has no tables yet; FolderError if it has others than those of `layout`, or than can be made them."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if connection.execute("PRAGMA application_id").fetchone()[0] != layout.application:
        raise Damaged(f"{str(path)!r} is not a {layout.kind}.", "Move it away to begin a new one.")
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if schema != layout.schema and (read_only or schema not in layout.changes):
        newer = schema > layout.schema
        writer, hint = ("a newer", "Update Catflap.") if newer else ("an older", "Open it with that one.")
        if schema in layout.changes:
            hint = "Open its folder in the app once: that brings it up to date."
        known = f"schema {schema}; this one knows {layout.schema}"
        raise OtherSchema(f"{str(path)!r} was written by {writer} Catflap ({known}).", hint)
    return False


def _create(connection: sqlite3.Connection, layout: Layout) -> sqlite3.Connection:
    for setting in layout.settings:
        connection.execute(f"PRAGMA {setting}")
    marks = (f"PRAGMA application_id = {layout.application}", f"PRAGMA user_version = {layout.schema}")
    with transaction(connection):
        # Another process may have made the tables in the meantime.
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in (*layout.tables, *marks):
                connection.execute(statement)
        for schema in range(connection.execute("PRAGMA user_version").fetchone()[0], layout.schema):
            for statement in (*layout.changes[schema], f"PRAGMA user_version = {schema + 1}"):
                connection.execute(statement)
    return connection
