"""The commands without the app: the same engine, its events as lines of words or of JSON."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.aside import shared_out
from engine.augment import views_of
from engine.catalogue import Catalogue
from engine.decoders import Decoders
from engine.elsewhere import hold
from engine.errors import BadSetting
from engine.events import CatalogueRecovered, Event, ImageSkipped, ImagesPredicted, Retrained
from engine.folder import scan
from engine.journal_recovery import open_journal
from engine.labels import read_labels
from engine.limits import Limits
from engine.lock import refuse_if_held
from engine.model import Model, open_model
from engine.once import Predicted, probe_features, save
from engine.once import predict as predict_files
from engine.once import train as train_once
from engine.places import home, opened_before
from engine.spec.file import read
from engine.trainers import TRAINERS, Settings
from engine.versions import present_version
from engine.workspace import Workspace
from tui import history as past
from tui import inspection
from tui.event_lines import event_json, event_words
from tui.inspection_words import described
from tui.messages import Opening
from tui.text import held_words, percent, safe


@dataclass(frozen=True)
class Printer:
    """Where results and words go."""

    json: bool
    out: Callable[[str], None]
    say: Callable[[str], None]

    def give(self, value: Mapping[str, Any], words: str) -> None:
        """One result: a line of JSON, or of words."""
        self.out(json.dumps(value, ensure_ascii=True, allow_nan=False) if self.json else words)

    def event(self, event: Event) -> None:
        """What a long call says: a line of JSON, or, where it is worth one, a line of words to the person."""
        if isinstance(event, ImagesPredicted):
            return
        if self.json:
            self.out(json.dumps(event_json(event), ensure_ascii=True, allow_nan=False))
        elif words := event_words(event):
            self.say(words)


def chosen(
    trainer: str,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    momentum: float | None = None,
    seed: int | None = None,
    shuffle: bool | None = None,
    max_epochs: int | None = None,
    seconds: float | None = None,
    augment: str = "none",
) -> Settings:
    """The settings of a training. Raises BadSetting for what there is not, and a number that the trainer does not take."""
    if trainer not in TRAINERS:
        raise BadSetting(f"There is no trainer {trainer!r}.", f"There are {', '.join(TRAINERS)}.")
    numbers = {"epochs": epochs, "learning-rate": learning_rate, "batch-size": batch_size, "momentum": momentum}
    budget = {"max-epochs": max_epochs, "seconds": seconds}
    refused = budget if trainer == "plain" else {} if trainer == "sgd" else numbers
    for name, value in refused.items():
        if value is not None:
            others = "sgd and plain" if refused is numbers else "all trainers but plain"
            raise BadSetting(f"The trainer {trainer!r} does not take --{name}.", f"It is for {others}.")
    if trainer in ("edit", "fit") and (seed is not None or shuffle is not None):
        raise BadSetting(f"The trainer {trainer!r} sees all samples at once: it takes no --seed and no --shuffle.")
    for name, value in budget.items():
        if value is not None and value <= 0:
            raise BadSetting(f"--{name} {value} leaves no room to train.")
    end = time.monotonic() + seconds if seconds is not None else None
    views_of(augment)
    settings = Settings(epochs, learning_rate, batch_size, momentum, shuffle, seed, max_epochs, augment)
    if end is None:
        return settings
    return replace(settings, out_of_time=lambda: time.monotonic() > end)


def predict(printer: Printer, model_path: Path, paths: Sequence[Path], limits: Limits, follow_links: bool) -> int:
    """`catflap predict`: a line for every image; files that are named are read wherever they lie."""
    if not follow_links:
        places = {os.path.realpath(path) if path.is_dir() else os.path.dirname(os.path.realpath(path)) for path in paths}
        limits = replace(limits, inside=tuple(places))
    # A process for pictures starts while the model is loaded.
    with Decoders(limits).warm() as decoders:
        model = open_model(model_path)
        skipped = 0
        for found in predict_files(model, _files(paths), decoders):
            printer.give(*_predicted(model, found))
            skipped += bool(found.problem)
    return int(skipped > 0)


def _predicted(model: Model, found: Predicted) -> tuple[dict[str, Any], str]:
    """What is said of a file, as facts and as words."""
    name = safe(found.name)
    if found.problem:
        return {"path": found.name, "error": found.problem}, f"{name}: {safe(found.problem)}"
    if not model.classifies:
        numbers = [float(each) for each in found.probabilities]
        return {"path": found.name, "outputs": numbers}, f"{name}: {' '.join(f'{n:g}' for n in numbers)}"
    shares = {label: float(p) for label, p in zip(model.labels, found.probabilities, strict=True)}
    best = max(shares, key=lambda label: shares[label])
    said = f"{name}: {safe(best)} {percent(shares[best])}"
    return {"path": found.name, "label": best, "probabilities": shares}, said


def train(
    printer: Printer,
    model_path: Path,
    labels: Path,
    out: Path,
    anchors: Path | None,
    trainer: str,
    settings: Settings,
    force: bool,
    limits: Limits,
) -> int:
    """`catflap train`: events, and the new model at `out`."""
    if out.suffix.lower() != ".mlmodel":
        raise BadSetting(f"{str(out)!r} does not end in .mlmodel.", "New models are written as one file.")
    for place in (labels if labels.is_dir() else labels.parent, anchors):
        if place is not None and place.is_dir():
            refuse_if_held(home(place), place)
    model = open_model(model_path)
    known = None if model.learns_labels or not model.classifies else model.labels
    labelled = read_labels(labels, known)
    others = {} if trainer == "plain" or (anchors is None and labels.is_dir()) else _files([anchors or labels.parent])
    named = {each.file.resolve() for each in labelled.values()}
    others = {name: file for name, file in others.items() if file.resolve() not in named}
    events = train_once(model, labelled, others, trainer, settings, limits)
    skipped, result = _follow(printer, events)
    assert result is not None
    if not result.better and not force:
        _refuse(printer, result)
        return 1
    probes = probe_features(model, {name: each.file for name, each in labelled.items()}, limits)
    printer.event(save(model, result, out, probes, trainer, time.time()))
    return int(skipped > 0)


def retrain(printer: Printer, opening: Opening, trainer: str, settings: Settings, force: bool) -> int:
    """`catflap retrain`: what r does."""
    with hold(opening.folder, "is being retrained", time.time(), opening.keep_in), opening.workspace() as workspace:
        skipped, _ = _follow(printer, workspace.scan())
        journal, recovered = open_journal(workspace.home / "journal.db", read_only=True)
        with journal:
            verdicts, aside = shared_out(journal.in_force())
        if recovered:
            printer.say(safe(recovered))
        more, result = _follow(printer, workspace.retrain(verdicts, trainer, settings, time.time(), force, aside))
    if result is not None and not result.better and not force:
        _refuse(printer, result)
        return 1
    return int(skipped + more > 0)


def inspect(printer: Printer, model_path: Path) -> int:
    """`catflap inspect`: what a model says of itself."""
    facts = inspection.facts(read(model_path))
    printer.give(facts, described(facts))
    return 0


def history(printer: Printer, folder: Path) -> int:
    """`catflap history`: a line for every version."""
    kept = opened_before(folder)
    with Catalogue(kept / "catalogue.db", read_only=True) as catalogue:
        versions, (_, present) = catalogue.versions(), present_version(kept, catalogue)
    if not versions and not printer.json:
        printer.say(past.ORIGINAL)
    for each in versions:
        here = each.version == present
        printer.give(
            {**vars(each), "verdicts": past.verdicts(each), "present": here, "kept": not each.let_go},
            past.summary(each, here),
        )
    return 0


def restore(printer: Printer, folder: Path, version: int) -> int:
    """`catflap restore`: an older version becomes the present one."""
    opened_before(folder)
    with hold(folder, "is being restored", time.time()), Workspace(folder) as workspace:
        for event in workspace.scan():
            if isinstance(event, ImageSkipped | CatalogueRecovered):
                printer.event(event)
        _follow(printer, workspace.restore(version, time.time()))
    return 0


def _follow(printer: Printer, events: Iterable[Event]) -> tuple[int, Retrained | None]:
    """Print events; gives how many images were skipped, and what training came to."""
    skipped, result = 0, None
    for event in events:
        printer.event(event)
        skipped += isinstance(event, ImageSkipped)
        result = event if isinstance(event, Retrained) else result
    return skipped, result


def _refuse(printer: Printer, result: Retrained) -> None:
    measured = held_words(result.held.of, result.held.before, result.held.after)
    printer.say(
        f"Not saved: right on {result.after.correct} of {result.after.of}, before on {result.before.correct}"
        f"{measured and f'; {measured}'}. "
        "--force saves it all the same."
    )


def _files(paths: Sequence[Path]) -> dict[str, Path]:
    """Images by the name that a person gave, folders looked through."""
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            found |= {str(path / name): path / name for name in sorted(scan(path))}
        else:
            found[str(path)] = path
    return found
