"""A damaged journal or catalogue is set aside, and what can be read of it is read back."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue import RETRAINED
from engine.catalogue_recovery import open_catalogue, versions
from engine.database import Damaged, mended
from engine.errors import FolderError
from engine.events import CatalogueRecovered, ImagesPredicted
from engine.journal import Entry, Journal, Verdict
from engine.journal_recovery import entries, open_journal
from engine.recovery import finish
from engine.salvage import Row, rows
from engine.spec.file import ModelFile
from engine.spec.metadata import with_metadata
from engine.verdicts import fold, step_checksum, verdict_checksum
from engine.workspace import Workspace
from tests.hostile.damage import catalogue_right, journal_right, make_catalogue, make_journal, sweep, verdict

SQLITE = shutil.which("sqlite3")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".catflap" / "journal.db"


@pytest.fixture
def large(path: Path) -> tuple[Path, list[Entry]]:
    """A journal of many pages, and what it says; one label goes on in other pages."""
    with Journal(path) as journal:
        for step in range(1, 60):
            journal.append([verdict(1000 * step + n) for n in range(step % 11 * 3 + 1)], step + 0.5)
        journal.append([Verdict(bytes(16), "x" * 30_000, "Dog", 1)], 7.0)
        journal.undo(8.0)
        return path, list(journal.entries())


def said_by(found: list[Entry]) -> set[tuple[int, Verdict]]:
    return {(entry.id, one) for entry in found for one in entry.verdicts}


def kept_of(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if ".damaged-" in each.name)


def images(found: list[tuple[object, ...]]) -> set[bytes]:
    return {value for row in found for value in row if isinstance(value, bytes) and len(value) == 16}


def test_all_rows_are_found_without_the_tables(large: tuple[Path, list[Entry]]) -> None:
    path, said = large
    found = entries(rows(path))
    assert found.entries == said
    assert (found.verdicts, found.lost) == (len(said_by(said)), 0)


def read_by_sqlite(path: Path) -> set[bytes]:
    """The images of all verdicts before the damage, and of all behind it."""
    found: set[bytes] = set()
    with closing(sqlite3.connect(path)) as database:
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.DatabaseError):
                for row in database.execute(f"SELECT image FROM verdicts ORDER BY step {order}, position {order}"):
                    found |= images([row])
    return found


def recovered_by_sqlite(path: Path) -> set[bytes]:
    """Likewise, by `.recover`; nothing where the command is not there, or was made without it."""
    if SQLITE is None:
        return set()
    script = subprocess.run([SQLITE, path, ".recover"], capture_output=True, text=True).stdout
    with closing(sqlite3.connect(":memory:")) as theirs:
        with suppress(sqlite3.Error):
            theirs.executescript(script)
        tables = [name for (name,) in theirs.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return images([row for name in tables for row in theirs.execute(f'SELECT * FROM "{name}"')])


@pytest.mark.parametrize("page", [5, 7, 9])
def test_what_sqlite_itself_can_read_is_read(large: tuple[Path, list[Entry]], page: int) -> None:
    path, said = large
    data = bytearray(path.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = bytes(4096)
    path.write_bytes(data)
    ours = images([row.values for row in rows(path)])
    read = read_by_sqlite(path)
    assert len(read) > 100
    assert read | recovered_by_sqlite(path) <= ours < {one.image for _, one in said_by(said)}


def test_a_damaged_journal_is_kept_and_what_can_be_read_is_read_back(large: tuple[Path, list[Entry]]) -> None:
    path, said = large
    data = bytearray(path.read_bytes())
    data[4096 * 7 : 4096 * 8] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(Damaged, match="is damaged") as caught:
        Journal(path, read_only=True)
    assert "open the folder in the app" in caught.value.hint
    journal, words = open_journal(path)
    with journal:
        found = list(journal.entries())
        assert said_by(found) < said_by(said) and len(said_by(found)) > 300
        lost = len(said_by(said)) - len(said_by(found))
        assert f"{len(said_by(found))} verdicts were read back, at least {lost} could not be" in words
        assert journal._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert journal.append([verdict(5)], 9.0) == found[-1].id + 1
    (kept,) = kept_of(path)
    assert kept.read_bytes() == data and kept.name in words
    again, words = open_journal(path)
    again.close()
    assert words == ""


@pytest.mark.parametrize("data", [b"", b"no database, " * 400, b"SQLite format 3\0" + bytes(84)])
def test_nothing_to_read_back(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    for time in (1, 2):
        path.write_bytes(data)
        journal, words = open_journal(path)
        assert "0 verdicts were read back" in words and journal.in_force() == {}
        journal.close()
        assert [each.read_bytes() for each in kept_of(path)] == [data] * time


def test_another_programs_database_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE songs (name)")
        other.execute("INSERT INTO songs VALUES ('give')")
    journal, words = open_journal(path)
    journal.close()
    with closing(sqlite3.connect(kept_of(path)[0])) as other:
        assert other.execute("SELECT name FROM songs").fetchall() == [("give",)]
    assert "0 verdicts" in words


@pytest.mark.parametrize("statement", ["DROP TABLE verdicts", "ALTER TABLE steps DROP COLUMN given"])
def test_other_tables_are_damage(large: tuple[Path, list[Entry]], statement: str) -> None:
    path, _ = large
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    journal, words = open_journal(path)
    journal.close()
    assert "verdicts were read back" in words and kept_of(path)


def test_a_label_of_which_a_letter_changed_is_not_believed(large: tuple[Path, list[Entry]]) -> None:
    path, said = large
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE verdicts SET label = 'Cow' WHERE step = 50 AND position = 3")
        other.execute("UPDATE steps SET action = 'undo' WHERE id = 51")
        other.execute("DELETE FROM verdicts WHERE step = 52 AND position > 1")
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    journal, words = open_journal(path)
    with journal:
        found = said_by(list(journal.entries()))
        assert [entry.action for entry in journal.entries(after=50)][:2] == ["give", "give"]
    # Of a step whose own row is not believed, the verdicts are; and SQLite leaves some bytes of what is deleted.
    assert (50, verdict(50_003)) in said_by(said) - found
    assert {step for step, _ in said_by(said) - found} <= {50, 52}
    assert found < said_by(said) and "at least" in words


def test_a_log_with_a_hole_is_noticed(path: Path) -> None:
    log = path.with_name("journal.db-wal")
    with Journal(path) as journal:
        for step in range(9):
            journal.append([verdict(step)], float(step))
        data, logged = path.read_bytes(), bytearray(log.read_bytes())
    logged[9 * 4120] ^= 1
    path.write_bytes(data)
    log.write_bytes(logged)
    with pytest.raises(Damaged):
        Journal(path)
    assert log.read_bytes() == logged
    journal, words = open_journal(path)
    with journal:
        assert {entry.id for entry in journal.entries()} == set(range(1, 10)) and "9 verdicts" in words
    assert [each.suffix for each in kept_of(path)] == [".db", ".db-wal"]
    assert kept_of(path)[1].read_bytes() == logged


def step_row(number: int, action: str, given: int) -> Row:
    said = float(number), action, given
    return Row(number, (None, *said, step_checksum(number, *said)))


def verdict_row(step: int, position: int, number: int) -> Row:
    one = verdict(number)
    said = step, position, one.image, one.label, one.shown, one.version, one.kind
    return Row(0, (*said, verdict_checksum(*said)))


def test_entries_hold_together_whatever_is_missing() -> None:
    found = entries([
        step_row(2, "undo", 0), step_row(3, "give", 2), verdict_row(3, 1, 31), step_row(4, "redo", 0),
        verdict_row(5, 0, 51), step_row(8, "undo", 0), step_row(9, "undo", 0), step_row(10, "redo", 0),
        step_row(11, "undo", 0),
    ])  # fmt: skip
    assert [(each.id, each.action, len(each.verdicts)) for each in found.entries] == [
        (1, "give", 0), (2, "undo", 0), (3, "give", 1), (5, "give", 1), (6, "give", 0), (7, "give", 0), (8, "undo", 0),
        (9, "undo", 0), (10, "redo", 0), (11, "undo", 0),
    ]  # fmt: skip
    # Entries 1, 6 and 7, one of two verdicts, and the redo for which nothing was undone.
    assert (found.lost, found.verdicts) == (5, 2)
    assert set(fold(found.entries).in_force.values()) == {verdict(31), verdict(51)}
    assert entries([]).entries == []
    assert len(entries([step_row(2**40, "give", 0)]).entries) == 1


class Ended(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("at", ["engine.journal_recovery.rows", "os.fsync", "engine.recovery.finish"])
def test_an_end_in_the_middle_of_it_loses_nothing(
    large: tuple[Path, list[Entry]], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    path, _ = large
    data = bytearray(path.read_bytes())
    data[4096 * 7 : 4096 * 8] = bytes(4096)
    path.write_bytes(data)

    def end(*_: object) -> None:
        raise Ended

    with monkeypatch.context() as patch:
        patch.setattr(at, end)
        with pytest.raises(Ended):
            open_journal(path)
    assert path.read_bytes() == data
    if at == "engine.recovery.finish":
        assert mended(path).exists()
        with pytest.raises(Damaged):
            Journal(path, read_only=True)
    journal, _ = open_journal(path)
    with journal:
        assert len(journal.in_force()) > 300
    assert kept_of(path) and all(each.read_bytes() == data for each in kept_of(path))
    assert not mended(path).exists()
    finish(path)


def test_no_room_to_read_it_back(large: tuple[Path, list[Entry]], monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = large
    path.write_bytes(path.read_bytes()[:9000])
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(FolderError, match="is damaged, and cannot be set aside: No space"):
            open_journal(path)
    assert path.read_bytes() == before and not kept_of(path)
    open_journal(path)[0].close()


def test_damage_anywhere_in_a_journal(tmp_path: Path) -> None:
    whole, said = make_journal(tmp_path / "journal.db")
    for kind, in_log, path in sweep(25, 3, whole, "journal.db"):
        assert journal_right(path, said, kind, in_log), kind


def test_damage_anywhere_in_a_catalogue(tmp_path: Path) -> None:
    whole, kept = make_catalogue(tmp_path / "catalogue.db")
    for kind, _, path in sweep(25, 4, whole, "catalogue.db"):
        assert catalogue_right(path, kept), kind


def test_a_lost_catalogue_is_made_again(pictures: Path, model_path: Path) -> None:
    def predicted(workspace: Workspace) -> dict[str, bytes]:
        batches = [event for event in workspace.scan() if isinstance(event, ImagesPredicted)]
        return {path: content for each in batches for path, content in zip(each.paths, each.contents, strict=True)}

    with Workspace(pictures, model_path) as workspace:
        before = predicted(workspace)
        workspace.versions.keep_champion(workspace.model.file, 5.0)
        digest = workspace.model.file.digest
    (pictures / ".catflap" / "catalogue.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    with Workspace(pictures, model_path) as workspace:
        first, *_ = workspace.scan()
        assert isinstance(first, CatalogueRecovered) and "with 1 of the model's versions" in first.words
        assert [(each.version, each.digest, each.origin) for each in workspace.versions.all()] == [(0, digest, "original")]
    with Workspace(pictures, model_path) as workspace:
        assert predicted(workspace) == before
        assert not workspace._recovered


def test_versions_are_found_where_the_catalogue_is_gone(tmp_path: Path, make_model: Callable[..., Any]) -> None:
    (tmp_path / "versions").mkdir()
    models = [make_model(seed=seed).SerializeToString() for seed in range(3)]
    models[1] = with_metadata(models[1], {"trainer": "edit", "verdicts": "11", "flips": "4", "learned": "3", "broken": "x"})
    for number, data in zip((0, 1, 7), models, strict=True):
        (tmp_path / "versions" / f"{number:04d}.mlmodel").write_bytes(data)
    (tmp_path / "versions" / "notes.mlmodel").write_bytes(b"")
    catalogue, words = open_catalogue(tmp_path, tmp_path)
    with catalogue:
        found = catalogue.versions()
        assert [(each.version, each.origin) for each in found] == [
            (0, "original"), (1, RETRAINED), (7, "changed outside"),
        ]  # fmt: skip
        assert [each.digest for each in found] == [ModelFile(data, "").digest for data in models]
        retrained = found[1]
        assert (retrained.trainer, retrained.flips, retrained.learned, retrained.accepted, retrained.broken) == (
            "edit",
            4,
            3,
            7,
            0,
        )
    assert "was gone; it was made again, with 3 of" in words
    again, words = open_catalogue(tmp_path, tmp_path)
    again.close()
    assert words == ""


def test_versions_and_settings_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    whole, kept = make_catalogue(tmp_path / "catalogue.db")
    (tmp_path / "catalogue.db").write_bytes(whole[0])
    assert versions(rows(tmp_path / "catalogue.db"), tmp_path / "versions") == kept
    with closing(sqlite3.connect(tmp_path / "catalogue.db", isolation_level=None)) as other:
        other.execute("UPDATE images SET content = 'text' WHERE path = '0007.jpg'")
    catalogue, words = open_catalogue(tmp_path, tmp_path)
    with catalogue:
        assert catalogue.versions() == kept and "with 9 of" in words
        assert catalogue.setting("held_out") == "test" and not catalogue.images()
