"""The journal's file is moved, deleted, put back or replaced while it is open; and the clock goes backwards."""

import os
import shutil
from pathlib import Path

import pytest

from engine.errors import FolderError
from engine.journal import Journal
from tests.hostile.damage import verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photos" / ".catflap" / "journal.db"


def numbers(journal: Journal) -> list[int]:
    return [int.from_bytes(one.image, "big") for entry in journal.entries() for one in entry.verdicts]


def test_a_verdict_on_a_journal_that_is_gone_is_refused(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        shutil.rmtree(path.parent)
        for say in (lambda: journal.append([verdict(3)], 2.0), lambda: journal.undo(2.0), journal.news):
            with pytest.raises(FolderError, match="is gone: no verdict can be kept") as caught:
                say()
            assert caught.value.hint
        assert journal.in_force() == {verdict(1).image: verdict(1)}
    assert not path.parent.exists()


def test_a_folder_that_is_unmounted_and_put_back_goes_on(path: Path, tmp_path: Path) -> None:
    folder, away = path.parent.parent, tmp_path / "away"
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        folder.rename(away)
        with pytest.raises(FolderError, match="is gone"):
            journal.append([verdict(3)], 2.0)
        folder.mkdir()
        with pytest.raises(FolderError, match="is gone"):
            journal.append([verdict(3)], 2.0)
        folder.rmdir()
        away.rename(folder)
        assert journal.news() == set()
        assert journal.append([verdict(4)], 3.0) == 2
    with Journal(path) as journal:
        assert numbers(journal) == [1, 4]


def test_another_journal_in_its_place_is_gone_on_with(path: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    with Journal(path) as journal:
        journal.append([verdict(1), verdict(3)], 1.0)
    shutil.copyfile(path, backup)
    with Journal(path) as journal:
        journal.append([verdict(4), verdict(3)], 2.0)
        # As a network drive that comes back under another number, or a copy that somebody puts back.
        for each in path.parent.iterdir():
            each.unlink()
        os.replace(backup, path)
        assert journal.news() == {verdict(4).image}
        assert set(journal.in_force()) == {verdict(1).image, verdict(3).image}
        journal.append([verdict(6)], 3.0)
        assert journal.undo(4.0) and journal.undo(5.0) and not journal.undo(6.0)
    with Journal(path) as journal:
        assert numbers(journal) == [1, 3, 6] and journal.in_force() == {}


def test_a_damaged_one_in_its_place_is_refused_until_there_is_a_sound_one(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        for each in path.parent.iterdir():
            each.unlink()
        path.write_bytes(b"no database, " * 400)
        for _ in range(2):
            with pytest.raises(FolderError, match="is damaged"):
                journal.append([verdict(3)], 2.0)
        path.unlink()
        Journal(path).close()
        journal.append([verdict(4)], 3.0)
    with Journal(path) as journal:
        assert numbers(journal) == [4]


def test_a_clock_that_goes_backwards_changes_no_order(path: Path) -> None:
    with Journal(path) as journal:
        for at, number in ((5e9, 1), (3.0, 3), (4e9, 4), (0.0, 6), (-7.0, 7)):
            journal.append([verdict(number)], at)
        assert journal.undo(1.0) == (verdict(7).image,)
        assert journal.undo(-9.0) == (verdict(6).image,)
        assert journal.redo(2e9) == (verdict(6).image,)
        before = journal.in_force()
    with Journal(path) as journal:
        assert numbers(journal) == [1, 3, 4, 6, 7] and journal.in_force() == before
        assert [entry.id for entry in journal.entries()] == list(range(1, 9))
