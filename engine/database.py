"""SQLite as Catflap uses it: files of a known layout, transactions that are all or nothing, failures in words."""

import os
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.database_problems import Damaged, OtherSchema, damaged, problems_of, result_code
from engine.errors import FolderError
from engine.filesystem import is_network
from engine.whole_file import sync_folder
from engine.write_ahead import has_hole

__all__ = [
    "BUSY_TIMEOUT_S",
    "DURABLE",
    "QUICK",
    "Damaged",
    "Layout",
    "OtherSchema",
    "damaged",
    "identity",
    "let_go",
    "log_of",
    "mended",
    "open_database",
    "problems_of",
    "transaction",
]

BUSY_TIMEOUT_S = 5.0
"""How long a lock that another process holds is waited for."""

DURABLE = ("synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1")
"""A commit returns when it is on the disk; macOS empties the disk's own cache only when asked by `fullfsync`."""

QUICK = ("synchronous = NORMAL",)
"""What was committed survives the end of the process; a power cut may take the last commits, never the order."""

_VERSIONS = slice(18, 20)
"""Of a header: 1 without a log, 2 with one (https://www.sqlite.org/fileformat2.html, section 1.3.3)."""
_SCHEMAS = 1000
"""No layout has had so many."""

SHARED = ("synchronous = EXTRA",)
"""Besides, where there is no log but a file to go back with: its end, too, is on the disk before a commit returns."""

_EFFECTIVE = os.access in os.supports_effective_ids


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
    examined: bool = False
    """Whether every page is looked at whenever it is opened to be written: 0.1 to 0.2 s for 100,000 images or verdicts."""
    logged: bool = False
    """Whether its log is, too: of one with a hole, SQLite takes what lies before, and says nothing."""


def open_database(
    path: Path, layout: Layout, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> sqlite3.Connection:
    """A connection to tables of `layout`; made where there are none, in memory alone if `read_only`.

    It commits by `transaction` alone, and may pass from thread to thread but serves one at a time. Raises Damaged,
    OtherSchema, or FolderError for a file that is locked or may not be written. No file is deleted or replaced.
    """
    _refuse_unsafe(path, layout, read_only)
    with problems_of(path):
        if read_only and not path.exists():
            return _in_memory(layout)
        if layout.examined and not read_only:
            _examine(path, busy_timeout_s)
        shared = not read_only and is_network(path.parent)
        connection = _connect(path, read_only, busy_timeout_s, shared)
        try:
            empty = _check(connection, path, layout, read_only)
            if not read_only:
                _settle(connection, layout, shared)
                _create(connection, layout)
            if not (empty and read_only):
                _require_columns(connection, path, layout)
        except BaseException:
            let_go(connection, path)
            raise
        if read_only and empty:
            connection.close()
            return _in_memory(layout)
        return connection


def let_go(connection: sqlite3.Connection, path: Path) -> None:
    """Close, and leave the files as they are: the last to close would take the log into a database that is damaged."""
    with suppress(sqlite3.Error), closing(_connect(path, True, 0.0)):
        connection.close()
    connection.close()


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


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    # SQLite flushes the folder that a database lies in, but not the one above, which tells that the folder is there.
    sync_folder(folder.parent)


def identity(path: Path) -> tuple[int, int] | None:
    """Tells a file from another one in its place; None if there is none."""
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None


def log_of(path: Path) -> Path:
    """Where SQLite keeps what is not in the database yet."""
    return path.with_name(path.name + "-wal")


def mended(path: Path) -> Path:
    """Where what was read back of a damaged database lies until it takes its place; see `recovery`."""
    return path.with_name(f"{path.stem}.mended{path.suffix}")


def _refuse_unsafe(path: Path, layout: Layout, read_only: bool) -> None:
    """Raise FolderError where SQLite would throw a log away, or open a file and only later fail to write it."""
    log = log_of(path)
    try:
        if not read_only:
            _make_folder(path.parent)
        size_bytes = path.stat().st_size if path.exists() else 0
        # SQLite deletes the log of an empty database; but a log is never begun before the database has a page.
        if not size_bytes and log.exists() and log.stat().st_size:
            raise damaged(path)
        # A file system that crashed may leave nothing of it.
        if not (size_bytes or read_only) and layout.examined and path.exists():
            raise damaged(path)
        if mended(path).exists() or (layout.logged and has_hole(log)):
            raise damaged(path)
    except OSError as error:
        raise FolderError(f"{str(path)!r} cannot be opened: {error.strerror}.", "Check its folder.") from error
    if not read_only and path.exists() and not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
        raise FolderError(f"{str(path)!r} is read-only.", "Allow writing to it, or copy its folder elsewhere.")


def _connect(path: Path, read_only: bool, busy_timeout_s: float, shared: bool = False) -> sqlite3.Connection:
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
            if shared and not read_only:
                # A log that is there is read without memory shared with others.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            if mode == modes[-1] or result_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        else:
            return connection
    raise AssertionError("the last mode either returns or raises")


def _examine(path: Path, busy_timeout_s: float) -> None:
    """Raise Damaged where a page is not as SQLite made it; by a connection that cannot write, not even at its end."""
    # What an end in the middle of a commit left is put right first, by one that can.
    unfinished = path.with_name(path.name + "-journal").exists()
    if not path.exists():
        return
    with path.open("rb") as file:
        header = file.read(_VERSIONS.stop)
    # One that says that a later SQLite wrote it would be read, and not written any more.
    if not set(header[_VERSIONS]) <= {1, 2}:
        raise damaged(path)
    with closing(_connect(path, not unfinished, busy_timeout_s)) as connection:
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise damaged(path)


def _settle(connection: sqlite3.Connection, layout: Layout, shared: bool) -> None:
    """Choose how commits are made: by a log, which all who have the file open share in memory, or without."""
    mode, wanted = connection.execute("PRAGMA journal_mode").fetchone()[0], "delete" if shared else "wal"
    if mode != wanted:
        # While others have it open, it may stay without a log, but never with one.
        with suppress(*(() if shared else (sqlite3.OperationalError,))):
            connection.execute(f"PRAGMA journal_mode = {wanted}")
    for setting in (*layout.settings, *(SHARED if shared else ())):
        connection.execute(f"PRAGMA {setting}")
    if shared:
        connection.execute("PRAGMA locking_mode = NORMAL")


def _require_columns(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    """Raise Damaged where tables are not those of `layout`."""
    with closing(_in_memory(layout)) as model:
        if not _columns(model) <= _columns(connection):
            raise damaged(path)


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    names = "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    return set(connection.execute(names))


def _in_memory(layout: Layout) -> sqlite3.Connection:
    return _create(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False), layout)


def _check(connection: sqlite3.Connection, path: Path, layout: Layout, read_only: bool) -> bool:
    """Whether the file has no tables yet; FolderError if it has others than those of `layout`, or than can be made them."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if connection.execute("PRAGMA application_id").fetchone()[0] != layout.application:
        raise Damaged(f"{str(path)!r} is not a {layout.kind}.", "Move it away to begin a new one.")
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if not 0 < schema < _SCHEMAS:
        raise damaged(path)
    if schema != layout.schema and (read_only or schema not in layout.changes):
        newer = schema > layout.schema
        writer, hint = ("a newer", "Update Catflap.") if newer else ("an older", "Open it with that one.")
        if schema in layout.changes:
            hint = "Open its folder in the app once: that brings it up to date."
        known = f"schema {schema}; this one knows {layout.schema}"
        raise OtherSchema(f"{str(path)!r} was written by {writer} Catflap ({known}).", hint)
    return False


def _create(connection: sqlite3.Connection, layout: Layout) -> sqlite3.Connection:
    if connection.execute("PRAGMA user_version").fetchone()[0] == layout.schema:
        # Without a log, to begin to write waits for all who read.
        return connection
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
