"""What there is to say of a row, in a character or in a few words. No Textual here."""

from collections.abc import Sequence

from engine.journal import EXCLUDED, HELD, IMPORTED
from tui.table_rows import CHANGED, DIFFERS, NEW, SKIPPED, WAITING, Line
from tui.text import safe, width

SIGNS = {SKIPPED: "!", NEW: "+", CHANGED: "~", WAITING: "·", DIFFERS: "≠"}
"""A row's state in one character, where there is no room for words."""
MEASURES = "="
"""What is held out, likewise: a new model is measured by it."""
KINDS = {EXCLUDED: "excluded", HELD: "held out", IMPORTED: "imported"}
"""What there is to say of a verdict that is not simply a person's label."""
VERDICTS = {EXCLUDED: "–", IMPORTED: "?"}
"""By the kind of a verdict, a sign in the place of right or wrong."""
ROOMY = 16
"""Cells from which on there is room for a sentence."""


def verdict_sign(line: Line) -> str:
    """`✓` if the verdict is what is predicted, `✗` if it is another label; a blank where there is none."""
    judged = " " if line.verdict < 0 else "✗" if line.verdict != line.predicted >= 0 else "✓"
    return VERDICTS.get(line.kind, judged)


def marks(line: Line, under_cursor: bool) -> str:
    """Three cells: cursor, or that the next verdict is for it; verdict; state. Each is told without colour."""
    cursor = "▸" if under_cursor else "┃" if line.marked else " "
    return f"{cursor}{verdict_sign(line)}{SIGNS.get(line.state, MEASURES if line.kind == HELD else ' ')}"


def status(line: Line, labels: Sequence[str], cells: int) -> str:
    """The most telling of what there is to say, for so many cells; `labels` are safe to show."""
    if line.state == SKIPPED:
        return "skipped" if cells < ROOMY else safe(line.why)
    if line.telling and line.place:
        return line.place
    if line.state == CHANGED:
        was = labels[line.previous]
        outcome = {line.predicted: "learned", line.previous: "broke"}.get(line.verdict, "changed")
        return f"was {was}" if cells < ROOMY else f"{outcome}: was {was}"
    if line.state == NEW:
        return "new"
    if line.state == WAITING:
        return "waiting"
    if line.state == DIFFERS:
        return differing(line, cells)
    return KINDS.get(line.kind, line.place or ("flip" if line.flip else ""))


def differing(line: Line, cells: int) -> str:
    """`v0 Cat, v3 Dog`; where there is no room for it, `Cat→Dog`."""
    long = ", ".join(f"v{version} {safe(label)}" for version, label in line.versions)
    return long if width(long) <= cells else "→".join(safe(label) for _, label in line.versions)
