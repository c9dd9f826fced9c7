"""The versions of a folder's model, in words and columns. No Textual here."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.catalogue import Catalogue, Version
from engine.places import home
from tui.comparison import Comparison, Right
from tui.evaluation import gained
from tui.text import count, fit, learned, safe, width

ORIGINAL = "Nothing was promoted yet: the model is the untouched original."
LET_GO = "Its model is not kept any more (keep_versions and versions_limit in the settings say how many are)."
KINDS = 3
"""So many kinds of differences are named; the others are counted."""


def read_versions(folder: Path) -> list[Version]:
    """All that were kept, oldest first; the engine's process writes them. Raises FolderError."""
    with Catalogue(home(folder) / "catalogue.db", read_only=True) as catalogue:
        return catalogue.versions()


def shown(kept: Sequence[Version], present: int) -> list[Version]:
    """Newest first, with the present one, which is kept only once another one takes its place."""
    origin = "changed outside" if kept else "original"
    unkept = [] if any(each.version == present for each in kept) else [Version(present, "", "", 0.0, origin)]
    return [*unkept, *reversed(kept)]


def when(at: float) -> str:
    """`2026-08-24 14:02`, local time; empty for 0, which is never."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else ""


def origin(version: Version) -> str:
    """`original`, `retrained (edit)`."""
    return version.origin + (f" ({safe(version.trainer)})" if version.trainer else "")


def verdicts(version: Version) -> int:
    """How many it was trained on."""
    return version.flips + version.accepted


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else ""


def _before_and_after(before: int, after: int, of: int) -> str:
    """`31→40 of 40`"""
    return f"{before}→{after} of {of}" if of else ""


def right(version: Version) -> str:
    """On how many of its verdicts the model before was right, and this one is."""
    return _before_and_after(version.correct_before, version.correct_after, verdicts(version))


def held(version: Version) -> str:
    """The same of the pictures that are held out."""
    return _before_and_after(version.held_before, version.held_after, version.held_of)


COLUMNS: tuple[tuple[str, Callable[[Version], str]], ...] = (
    ("date", lambda each: when(each.at)),
    ("from", origin),
    ("right", right),
    ("verdicts", lambda each: f"{verdicts(each):,}" if verdicts(each) else ""),
    ("learned", lambda each: _of(each.learned, each.flips)),
    ("broken", lambda each: _of(each.broken, each.accepted)),
    ("held out", held),
    ("restored", lambda each: when(each.restored_at)),
)
"""Name and words of each, the most telling first."""
ROOMY = 72
"""Cells from which on there are two blanks between columns."""


def table(versions: Sequence[Version], cells: int) -> list[str]:
    """The names of the columns, and a line for each version: as many columns as fit, each as wide as its longest words."""
    found = [[name, *map(words, versions)] for name, words in COLUMNS]
    gap = " " * (2 if cells >= ROOMY else 1)
    chosen: list[list[str]] = []
    for column in found:
        wide = max(map(width, column))
        if sum(width(each[0]) + len(gap) for each in chosen) + wide > cells:
            break
        chosen.append([fit(words, wide) for words in column])
    return [gap.join(line) for line in zip(*chosen, strict=True)] or [""] * (len(versions) + 1)


def told(version: Version, present: bool) -> list[str]:
    """All there is to say of one version, in sentences."""
    what = f"Version {version.version}{', the present one' * present}: {origin(version)}"
    lines = [" · ".join(filter(None, (what, when(version.at))))]
    if verdicts(version):
        lines.append(f"Trained on {count(verdicts(version), 'verdict')}: {_figures(version)}.")
        lines.append(f"{_sentence('Right on', version.correct_before, version.correct_after, verdicts(version))}.")
    if version.held_of:
        lines.append(f"Of what is held out, {_held(version)}.")
    if version.restored_at:
        lines.append(f"Restored {when(version.restored_at)}.")
    return [*lines, LET_GO] if version.let_go else lines


def summary(version: Version, present: bool) -> str:
    """One line for the command line."""
    said = [origin(version) + ", the present one" * present]
    if verdicts(version):
        said.append(_figures(version))
        said.append(_sentence("right on", version.correct_before, version.correct_after, verdicts(version)))
    if version.held_of:
        said.append(f"of what is held out, {_held(version)}")
    if version.restored_at:
        said.append(f"restored {when(version.restored_at)}")
    if version.let_go:
        said.append("its model is not kept any more")
    return f"{version.version:4d}  {when(version.at)}  {'; '.join(said)}"


def _figures(version: Version) -> str:
    return learned(version.flips, version.learned, version.accepted, version.broken)


def _held(version: Version) -> str:
    return _sentence("right on", version.held_before, version.held_after, version.held_of)


def _sentence(what: str, before: int, after: int, of: int) -> str:
    return f"{what} {before} of {of} before, {after} of {of} after"


def waiting(comparison: Comparison) -> str:
    """How far a comparison is."""
    names = f"{comparison.first} and {comparison.second}"
    return f"Comparing versions {names}: {comparison.done:,} of {count(comparison.total, 'picture')} ..."


def outcome(comparison: Comparison) -> list[str]:
    """What came of a comparison."""
    if comparison.why_not:
        return [safe(comparison.why_not)]
    names = f"Versions {comparison.first} and {comparison.second}"
    differing = len(comparison.differing)
    if not differing:
        lines = [f"{names} give each of {count(comparison.compared, 'picture')} the same label."]
    else:
        kinds = "; ".join(differences(comparison))
        lines = [f"{names} differ on {differing:,} of {count(comparison.compared, 'picture')}: {kinds}."]
    return [*lines, *scores(comparison)]


def differences(comparison: Comparison) -> Iterator[str]:
    """`9 Cat → Dog`, the most frequent first."""
    kinds = sorted(Counter(comparison.differing.values()).items(), key=lambda each: (-each[1], each[0]))
    for (first, second), number in kinds[:KINDS]:
        yield f"{number:,} {safe(first)} → {safe(second)}"
    if kinds[KINDS:]:
        yield f"{sum(number for _, number in kinds[KINDS:]):,} others"


def scores(comparison: Comparison) -> Iterator[str]:
    """On how many verdicts each of the two is right."""

    def words(right: Right) -> str:
        one, other = f"{right.first} of {right.of}", f"{right.second} of {right.of}"
        lost = right.first + right.won - right.second
        rise = gained(right.won, lost, right.of)
        return f"version {comparison.first} on {one}, version {comparison.second} on {other}: {rise}"

    if comparison.right.of:
        yield f"Right on verdicts, learned or not: {words(comparison.right)}."
    if comparison.held.of:
        yield f"Of what is held out: {words(comparison.held)}."
    if not comparison.right.of and not comparison.held.of:
        yield "No verdict says yet which of them is right."
