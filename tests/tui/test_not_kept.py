"""In the app: a verdict that cannot be written is said not to be kept, and is not shown; what was damaged is told once."""

import shutil
import sqlite3
from contextlib import closing

from engine.journal import Journal
from engine.journal_recovery import open_journal
from engine.workspace import Workspace
from tests.hostile.damage import verdict
from tests.pseudo_terminal import CATFLAP, PseudoTerminal
from tests.tui.test_main import cursor_name, key, opened, until
from tui.surroundings import told_once
from tui.widgets.lines import Notice

__all__ = ["opened"]


def notice(pilot):
    return pilot.app._main.query_one(Notice).content


def test_a_verdict_that_cannot_be_written_is_not_shown_as_kept(opened, tmp_path):
    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("a")
        assert set(journal.in_force()) == set(main.session.verdicts) == {key(1)}
        at = cursor_name(pilot)
        journal._connection.execute("PRAGMA query_only = 1")
        for pressed in ("a", "2", "u"):
            await pilot.press(pressed)
            assert "Not kept." in notice(pilot) and "cannot be opened or written" in notice(pilot)
            assert set(main.session.verdicts) == {key(1)} and cursor_name(pilot) == at
        journal._connection.execute("PRAGMA query_only = 0")
        await pilot.press("a")
        assert len(main.session.verdicts) == 2 and "Not kept" not in notice(pilot)

    opened(story)


def test_a_folder_that_is_gone_and_comes_back(opened, tmp_path):
    async def story(pilot, said, journal):
        main, away = pilot.app._main, tmp_path.with_name(f"{tmp_path.name}-away")
        await pilot.press("a")
        tmp_path.rename(away)
        await pilot.press("a")
        assert "is gone: no verdict can be kept" in notice(pilot) and len(main.session.verdicts) == 1
        main._heard_at = 0.0
        await until(pilot, lambda: main._unheard)
        away.rename(tmp_path)
        main._heard_at = 0.0
        await until(pilot, lambda: "there again" in notice(pilot))
        await pilot.press("a")
        assert len(main.session.verdicts) == len(journal.in_force()) == 2

    opened(story)


def test_a_locked_journal(opened, tmp_path):
    async def story(pilot, said, journal):
        journal._connection.execute("PRAGMA busy_timeout = 10")
        with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await pilot.press("a")
            assert "in use by another program" in notice(pilot) and not pilot.app._main.session.verdicts
            other.execute("ROLLBACK")
        await pilot.press("a")
        assert len(pilot.app._main.session.verdicts) == 1

    opened(story)


def test_what_is_said_of_a_place_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.filesystem.mounts", lambda: [("/", "smb3")])
    (tmp_path / ".stfolder").mkdir()
    kept = tmp_path / "photos" / ".catflap"
    words = told_once(kept)
    assert "network drive (smb3)" in words and "Syncthing copies this folder" in words and "--keep-in DIR" in words
    assert told_once(kept) == ""
    shutil.rmtree(tmp_path / ".stfolder")
    monkeypatch.setattr("engine.filesystem.mounts", lambda: [("/", "ext4")])
    assert told_once(kept) == ""


def test_a_damaged_journal_in_commands_and_in_the_app(catflap, pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
    path = pictures / ".catflap" / "journal.db"
    with Journal(path) as journal:
        journal.append([verdict(3 * number) for number in range(300)], 1.0)
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    for command in ("status", "labels"):
        code, _, said = catflap(command, pictures)
        assert code == 2 and "is damaged" in said and "open the folder in the app" in said
    with PseudoTerminal([*CATFLAP, pictures, "--preview", "off"], 200) as app:
        app.wait_for("The journal was damaged; 300 verdicts were read back")
        app.send("q")
        assert app.wait() == 0
    journal, words = open_journal(path)
    with journal:
        assert len(journal.in_force()) == 300 and words == ""
    assert catflap("status", pictures)[0] == 0
