"""Databases that cannot be used are refused in words, and left as they are; seen through the journal."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import FolderError
from engine.journal import Journal, Verdict


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def verdict(number: int) -> Verdict:
    return Verdict(key(number), "Cat", "Dog", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".catflap" / "journal.db"


def unchanged_by_failing(path: Path, match: str, **options: bool | float) -> FolderError:
    """The error of opening `path`, whose bytes must be the same afterwards."""
    before = path.read_bytes()
    with pytest.raises(FolderError, match=match) as caught:
        Journal(path, **options)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert repr(str(path)) in caught.value.sentence and caught.value.hint
    return caught.value


def test_a_locked_journal_is_named_and_nothing_is_kept(path: Path) -> None:
    with Journal(path, busy_timeout_s=0.01) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FolderError, match="in use by another program") as caught:
            journal.append([verdict(1)], 1.0)
        assert caught.value.hint and journal.in_force() == {}
        other.execute("ROLLBACK")
        journal.append([verdict(1)], 1.0)
        assert len(list(journal.entries())) == 1


def test_a_full_disk_loses_nothing_that_was_kept(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        journal._connection.execute("PRAGMA max_page_count = 7")
        with pytest.raises(FolderError, match="disk is full"):
            journal.append([verdict(number) for number in range(2, 1000)], 2.0)
        assert journal.in_force() == {key(1): verdict(1)}
        journal._connection.execute("PRAGMA max_page_count = 1000")
        assert journal.append([verdict(2)], 3.0) == 2
    with Journal(path) as journal:
        assert journal.in_force() == {key(1): verdict(1), key(2): verdict(2)}


def test_a_damaged_journal_is_left_as_it_is(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(n) for n in range(1000)], 1.0)
    whole = path.read_bytes()
    for spoiled in (b"not a database, " * 300, whole[:1000], whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(spoiled)
        for options in ({}, {"read_only": True}):
            unchanged_by_failing(path, "is damaged", **options)


def test_a_log_without_its_database_is_kept(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        log = path.with_name("journal.db-wal").read_bytes()
    path.write_bytes(b"")
    path.with_name("journal.db-wal").write_bytes(log)
    unchanged_by_failing(path, "is damaged")
    assert path.with_name("journal.db-wal").read_bytes() == log


def test_other_databases_are_refused(path: Path) -> None:
    Journal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA user_version = 3")
    assert unchanged_by_failing(path, "newer Catflap").hint == "Update Catflap."
    unchanged_by_failing(path, "newer Catflap", read_only=True)
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE songs (name)")
    unchanged_by_failing(path, "is not a journal of verdicts")


def test_reading_only(path: Path) -> None:
    with Journal(path, read_only=True) as journal:
        assert (journal.in_force(), journal.counts.verdicts, journal.can_undo) == ({}, 0, False)
        with pytest.raises(ValueError, match="reading only"):
            journal.append([verdict(1)], 1.0)
    assert not path.parent.exists()
    with Journal(path) as app:
        app.append([verdict(1)], 1.0)
        with Journal(path, read_only=True) as status:
            assert status.in_force() == {key(1): verdict(1)}
            app.append([verdict(2)], 2.0)
            assert status.refresh() == 1
    with Journal(path, read_only=True) as status:
        assert status.counts.labels == {"Cat": 2}
    path.write_bytes(b"")
    with Journal(path, read_only=True) as status:
        assert status.in_force() == {}
    assert path.read_bytes() == b""


def test_where_nothing_may_be_written(open_folder: Path) -> None:
    path = open_folder / "journal.db"
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
    path.chmod(0o400)
    with pytest.raises(FolderError, match="is read-only"):
        Journal(path)
    path.chmod(0o600)
    open_folder.chmod(0o500)
    with pytest.raises(FolderError, match="cannot be opened or written"):
        Journal(path)
    with pytest.raises(FolderError, match="Permission denied"):
        Journal(open_folder / "deeper" / "journal.db")
    with Journal(path, read_only=True) as journal:
        assert journal.in_force() == {key(1): verdict(1)}
