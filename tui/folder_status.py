"""`catflap status`: what is kept of a folder, in numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.aside import below, shared_out
from engine.catalogue import Catalogue
from engine.filesystem import kind
from engine.journal import EXCLUDED, IMPORTED, Journal
from engine.keeping import Keeping
from engine.places import opened_before
from engine.versions import present_version
from tui.headless import Printer
from tui.surroundings import warnings
from tui.text import count, safe, size

KINDS = {"imported": "imported", "held_out": "held out", "excluded": "excluded"}
"""Of the verdicts that are not simply a person's label: how they are called in facts, and in words."""


def status(printer: Printer, folder: Path) -> int:
    """`catflap status`: counts, without loading a model."""
    kept = opened_before(folder)
    with Catalogue(kept / "catalogue.db", read_only=True) as catalogue:
        images = catalogue.images()
        model, version = present_version(kept, catalogue)
        kept_versions = max(1, sum(not each.let_go for each in catalogue.versions()))
        keeping = Keeping(catalogue.setting("features"), catalogue.setting("store_limit"))
        held_folder = catalogue.setting("held_out")
    with Journal(kept / "journal.db", read_only=True) as journal:
        counts, in_force = journal.counts, journal.in_force()
    _, aside = shared_out(in_force, below(held_folder, ((path, each.content or b"") for path, each in images.items())))
    skipped = sum(bool(known.problem) for known in images.values())
    open_ones = sum(known.content not in in_force for known in images.values() if not known.problem)
    stores, models = (_room(kept / name) for name in ("features", "versions"))
    facts = {
        "images": len(images),
        "skipped": skipped,
        "predicted": len(images) - skipped,
        "verdicts": dict(sorted(counts.labels.items())),
        "flips": counts.flips,
        **{kind: counts.kinds.get(kind, 0) for kind in (IMPORTED, EXCLUDED)},
        "held_out": len(aside.held),
        "held_out_folder": held_folder or None,
        "open": open_ones,
        "model": model.name,
        "version": version,
        "versions": kept_versions,
        "versions_bytes": models,
        "features_bytes": stores,
        "features": keeping.precision or "full",
        "store_limit": keeping.limit_bytes,
        "kept_in": str(kept),
        "file_system": kind(kept) or None,
    }
    printer.give(facts, "\n".join([_status_words(facts), *map(safe, warnings(kept))]))
    return 0


def _room(folder: Path) -> int:
    """What all files below it take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _status_words(facts: Mapping[str, Any]) -> str:
    by_label = ", ".join(f"{number} {safe(label)}" for label, number in facts["verdicts"].items()) or "none"
    apart = "".join(f"{facts[kind]} {what}, " for kind, what in KINDS.items() if facts[kind])
    limit = facts["store_limit"]
    return (
        f"{count(facts['images'], 'image')}, {facts['skipped']} skipped; verdicts: {by_label}; "
        f"{count(facts['flips'], 'flip')}; {apart}{facts['open']} without a verdict\n"
        f"kept in {safe(facts['kept_in'])} ({facts['file_system'] or 'file system unknown'})\n"
        f"model {safe(facts['model'])}, version {facts['version']}, {count(facts['versions'], 'version')} kept "
        f"({size(facts['versions_bytes'])}); "
        f"features {size(facts['features_bytes'])} in {facts['features']} precision, "
        f"{'no limit' if limit is None else f'at most {size(limit)}'}"
    )
