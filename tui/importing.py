"""`catflap import`: labels from a file or from folders become verdicts in the folder's journal."""

import time
from pathlib import Path

from engine.events import CatalogueRecovered, FeaturesRead, ImageSkipped, ImagesPredicted, RoomAsked
from engine.imports import Imported, Shown, imported, path_inside
from engine.journal_recovery import open_journal
from engine.labels import Labelled, read_labels
from engine.workspace import Workspace
from tui.headless import Printer
from tui.text import count, safe


def import_labels(printer: Printer, folder: Path, labels: Path, model: Path | None, replace: bool, held_out: str) -> int:
    """Append one step; 1 where something in `labels` is no image that can be used, each of which is named."""
    with Workspace(folder, model, held_out=held_out) as workspace:
        labelled = read_labels(labels, None if workspace.model.learns_labels else workspace.model.labels)
        shown, problems = _scanned(printer, workspace)
        journal, recovered = open_journal(workspace.home / "journal.db")
        if recovered:
            printer.say(safe(recovered))
        with journal:
            step = imported(labelled, folder, shown, journal.in_force(), replace)
            journal.append(step.verdicts, time.time())
    for name in step.missing:
        why = problems.get(path_inside(folder, labelled[name].file), f"It is no image in {str(folder)!r}.")
        _report(printer, name, labelled[name], why)
    facts = {"imported": len(step.verdicts), "same": step.same, "kept": step.kept, "missing": len(step.missing)}
    printer.give({"event": "labels_imported", **facts}, _words(step))
    return int(bool(step.missing))


def _scanned(printer: Printer, workspace: Workspace) -> tuple[Shown, dict[str, str]]:
    """What the model says of every image, new ones as well; and why some cannot be used."""
    contents: dict[str, bytes] = {}
    labels: dict[bytes, str] = {}
    problems: dict[str, str] = {}
    names = workspace.model.labels
    for event in workspace.scan():
        if isinstance(event, ImagesPredicted):
            contents.update(zip(event.paths, event.contents, strict=True))
            labels.update(zip(event.contents, (names[at] for at in event.probabilities.argmax(axis=1)), strict=True))
        elif isinstance(event, ImageSkipped):
            problems[event.image] = event.reason
        elif isinstance(event, FeaturesRead | RoomAsked | CatalogueRecovered):
            printer.event(event)
    return Shown(contents, labels, workspace.version), problems


def _report(printer: Printer, name: str, each: Labelled, why: str) -> None:
    facts = {"path": name, "where": each.where, "error": why}
    printer.give(facts, f"{safe(each.where)}: {safe(name)}: {safe(why)}")


def _words(step: Imported) -> str:
    """`40 labels imported; 3 pictures said the same before; ...`"""
    others = {
        "said the same before": step.same,
        "kept what a person said (--replace overrides)": step.kept,
        "not found": len(step.missing),
    }
    said = [f"{number} {what}" for what, number in others.items() if number]
    return "; ".join([f"{count(len(step.verdicts), 'label')} imported", *said]) + "."
