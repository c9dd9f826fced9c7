"""What must hold after a kill, whatever moment it came at."""

import sqlite3
from pathlib import Path

from engine.errors import CatflapError
from engine.events import ImageSkipped, ImagesPredicted
from engine.journal import Entry, Journal
from engine.model import Model
from engine.spec.file import read
from engine.workspace import Workspace

BATCH = 16
"""Features that go to the disk together: what a kill may cost."""


def faults(folder: Path, model: Path, promised: dict[str, int]) -> list[str]:
    """What is wrong with a folder after a kill; empty if nothing is.

    `promised` is what the killed process had announced: the newest `version` that it saved, how many `features` it kept.
    """
    found: list[str] = []
    for name in ("journal.db", "catalogue.db"):
        if (folder / ".catflap" / name).exists():
            found += _database(folder / ".catflap" / name)
    # What only a kill came to is no damage.
    found += [f"{each.name} was set aside" for each in (folder / ".catflap").glob("*.damaged-*")]
    try:
        return found + _workspace(folder, model, promised)
    except CatflapError as error:
        return [*found, f"it does not open: {error}"]


def _workspace(folder: Path, model: Path, promised: dict[str, int]) -> list[str]:
    found: list[str] = []
    with Workspace(folder, model) as workspace:
        kept = len(workspace._store)
        events = list(workspace.scan())
        # A kill may have cut a picture that was just being put there.
        told = {event.image for event in events if isinstance(event, ImageSkipped)}
        told |= {path for event in events if isinstance(event, ImagesPredicted) for path in event.paths}
        if told != set(workspace.images):
            found.append(f"of {len(workspace.images) - len(told)} images nothing is told")
        if kept < promised.get("features", 0) - BATCH:
            found.append(f"{promised['features'] - kept} features are lost, more than one batch")
        found += _versions(workspace, model, promised)
    return found


def _database(path: Path) -> list[str]:
    """Held against SQLite's own check."""
    connection = sqlite3.connect(path)
    try:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        return [] if said == ["ok"] else [f"{path.name}: {said[0]}"]
    except sqlite3.Error as error:
        return [f"{path.name}: {error}"]
    finally:
        connection.close()


def _versions(workspace: Workspace, model: Path, promised: dict[str, int]) -> list[str]:
    found: list[str] = []
    known = workspace.versions.all()
    digests = {each.digest for each in known}
    present = read(model)
    Model(present).require_classifier()
    if known and present.digest not in digests:
        found.append("the model is none of the versions")
    if [each.version for each in known] != list(range(len(known))):
        found.append(f"versions {[each.version for each in known]}")
    for each in (each for each in known if not each.let_go):
        file = workspace.home / "versions" / each.file
        if file.exists() and read(file).digest != each.digest:
            found.append(f"version {each.version} is not what was saved")
        elif not file.exists() and each.version == 0:
            found.append("version 0 is lost")
    if len(known) <= promised.get("version", -1):
        found.append(f"version {promised['version']} was announced and is lost")
    return found


def verdict_faults(folder: Path, expected: list[Entry], shown: list[int]) -> list[str]:
    """The journal holds the first of `expected`, in order, at least as many as it takes to show `shown`.

    `shown` are the numbers of verdicts that the screen showed, one after another.
    """
    with Journal(folder / ".catflap" / "journal.db", read_only=True) as journal:
        entries = list(journal.entries())
    found = []
    for mine, theirs in zip(entries, expected, strict=False):
        if (mine.action, _said(mine)) != (theirs.action, _said(theirs)):
            found.append(f"entry {mine.id} is not what was said")
    if len(entries) > len(expected):
        found.append(f"{len(entries) - len(expected)} entries that nobody made")
    counts, at = numbers(expected), 0
    for number in shown:
        while at < len(counts) and counts[at] != number:
            at += 1
    if at > len(entries):
        found.append(f"{at - len(entries)} steps that the screen had shown are lost")
    return found


def _said(entry: Entry) -> list[tuple[bytes, str | None]]:
    return [(verdict.image, verdict.label) for verdict in entry.verdicts]


def numbers(entries: list[Entry]) -> list[int]:
    """How many verdicts are in force before the first entry, and after each."""
    done: list[frozenset[bytes]] = []
    undone: list[frozenset[bytes]] = []
    given: frozenset[bytes] = frozenset()
    counts = [0]
    for entry in entries:
        before = given
        if entry.action == "give":
            given |= {verdict.image for verdict in entry.verdicts}
            undone.clear()
        else:
            given = (done if entry.action == "undo" else undone).pop()
        (undone if entry.action == "undo" else done).append(before)
        counts.append(len(given))
    return counts
