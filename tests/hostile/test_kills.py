"""Forty kills; hundreds by `python -m tests.hostile.kills`. And the harness itself notices what is lost."""

import sqlite3

import pytest

from engine.journal import Entry, Journal, Verdict
from engine.workspace import Workspace
from tests.hostile.kill_checks import faults, numbers, verdict_faults
from tests.hostile.kills import run


@pytest.mark.parametrize(
    ("only", "kills"), [("the app: bulk", 3), ("the app: retr", 3), ("the engine", 28), ("catflap", 6)]
)
def test_whatever_is_killed_nothing_is_lost(only, kills):
    found = list(run(kills, seed=kills, only=only))
    assert len(found) == kills
    assert [each for each in found if each[1]] == []


def given(number, at, label="Cat"):
    return Entry(number, 1.0, "give", (Verdict(b"%016d" % at, label, "Dog", 0),))


ENTRIES = [given(1, 5), given(2, 6), Entry(3, 1.0, "undo"), given(4, 7), Entry(5, 1.0, "undo"), Entry(6, 1.0, "redo")]


def test_how_many_verdicts_are_in_force_after_each_entry():
    assert numbers(ENTRIES) == [0, 1, 2, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("kept", "shown", "lost"),
    [
        (6, [0, 1, 2, 1, 2, 1, 2], ""),
        (6, [0], ""),
        (4, [0, 1, 2, 1, 2], ""),
        (3, [0, 1, 2, 1, 2], "1 steps that the screen had shown"),
        (1, [0, 2], "1 steps"),
        (0, [0, 1, 2, 1, 2, 1, 2], "6 steps"),
    ],
)
def test_verdicts_that_were_shown_and_are_gone_are_noticed(tmp_path, kept, shown, lost):
    with Journal(tmp_path / ".catflap" / "journal.db") as journal:
        for entry in ENTRIES[:kept]:
            {
                "give": lambda e: journal.append(e.verdicts, 1.0),
                "undo": lambda e: journal.undo(1.0),
                "redo": lambda e: journal.redo(1.0),
            }[entry.action](entry)
    found = verdict_faults(tmp_path, ENTRIES, shown)
    assert [lost] == [each[: len(lost)] for each in found] if lost else not found


def test_another_verdict_than_was_given_is_noticed(tmp_path):
    with Journal(tmp_path / ".catflap" / "journal.db") as journal:
        journal.append(given(1, 5, "Dog").verdicts, 1.0)
    assert verdict_faults(tmp_path, ENTRIES, [0]) == ["entry 1 is not what was said"]


def test_what_a_kill_might_have_spoilt_is_noticed(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        workspace.versions.keep_champion(workspace.model.file, 1.0)
        home = workspace.home
    assert faults(pictures, model_path, {"version": 0, "features": 24}) == []
    assert faults(pictures, model_path, {"version": 1}) == ["version 1 was announced and is lost"]
    assert faults(pictures, model_path, {"features": 24 + 17}) == ["17 features are lost, more than one batch"]
    original = model_path.read_bytes()
    model_path.write_bytes(original[:-9])
    assert "it does not open" in faults(pictures, model_path, {})[0]
    model_path.write_bytes(original + b"")
    kept = home / "versions" / "0000.mlmodel"
    kept.write_bytes(original + original[-3:])
    assert faults(pictures, model_path, {}) == ["version 0 is not what was saved"]
    kept.unlink()
    assert faults(pictures, model_path, {}) == ["version 0 is lost"]
    kept.write_bytes(original)
    with sqlite3.connect(home / "catalogue.db") as catalogue:
        catalogue.execute("UPDATE versions SET digest = 'another'")
    catalogue.close()
    assert "the model is none of the versions" in faults(pictures, model_path, {})
