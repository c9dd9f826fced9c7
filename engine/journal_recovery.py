"""A damaged journal: which entries the rows that can be read come to, and a journal of these in its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.database import Damaged, open_database, problems_of, transaction
from engine.journal import LAYOUT, Journal, add_entry
from engine.recovery import finish, mend
from engine.salvage import Row, Value, rows
from engine.verdicts import ACTIONS, KEY_BYTES, KINDS, Entry, Standing, Verdict, step_checksum, verdict_checksum

LARGEST_GAP = 1_000_000
"""Entries that are missing one after the other; more are the work of a damaged number."""


def open_journal(path: Path, *, read_only: bool = False) -> tuple[Journal, str]:
    """The journal at `path`, and what became of a damaged one in its place, in words; empty where it was sound.

    For whoever holds the folder, also where it will only read. Raises FolderError.
    """
    finish(path)
    try:
        return Journal(path, read_only=read_only), ""
    except Damaged:
        said = mend(path, _journal_again)
    return Journal(path, read_only=read_only), f"The journal was damaged; {said}"


def _journal_again(kept: Path, draft: Path) -> str:
    found = entries(rows(kept))
    connection = open_database(draft, LAYOUT)
    try:
        with problems_of(draft), transaction(connection):
            for entry in found.entries:
                add_entry(connection, entry)
    finally:
        connection.close()
    lost = f", at least {found.lost} could not be" if found.lost else ""
    return f"{found.verdicts} {'verdict was' if found.verdicts == 1 else 'verdicts were'} read back{lost}"


class Step(NamedTuple):
    """A step's own row."""

    at: float
    action: str
    given: int | None
    """How many verdicts it gave, where that was kept."""


@dataclass
class Entries:
    """What was read back of a journal."""

    entries: list[Entry] = field(default_factory=list[Entry])
    """They fold. One that is missing is a step that gave nothing, so that what follows takes back what it took back."""
    verdicts: int = 0
    """Verdicts in them."""
    lost: int = 0
    """Verdicts and entries that are known to be missing."""


def entries(rows: Iterable[Row]) -> Entries:
    """A journal of the rows that are whole."""
    steps, verdicts = _sorted_out(rows)
    found, standing, last_at = Entries(), Standing(), 0.0
    for number in _numbers(steps.keys() | verdicts.keys()):
        given = [verdicts[number][position] for position in sorted(verdicts.get(number, {}))]
        step = steps.get(number) or Step(last_at, "give", None)
        missing = not given if step.given is None else step.given - len(given)
        last_at, held = step.at, {"undo": standing.done, "redo": standing.undone}
        if step.action != "give" and not held[step.action]:
            found.lost += 1
            continue
        entry = Entry(number, step.at, step.action, tuple(given) if step.action == "give" else ())
        ACTIONS[entry.action](standing, entry)
        found.entries.append(entry)
        found.verdicts += len(entry.verdicts)
        found.lost += int(missing) if entry.action == "give" else 0
    return found


def _sorted_out(rows: Iterable[Row]) -> tuple[dict[int, Step], dict[int, dict[int, Verdict]]]:
    """Steps by number; verdicts by step and position."""
    steps: dict[int, Step] = {}
    verdicts: dict[int, dict[int, Verdict]] = {}
    for rowid, values in rows:
        if rowid > 0 and (step := _step(rowid, values)):
            steps[rowid] = step
        elif rowid == 0 and (verdict := _verdict(values)):
            number, position = values[:2]
            assert isinstance(number, int) and isinstance(position, int)
            verdicts.setdefault(number, {})[position] = verdict
    return steps, verdicts


def _step(number: int, values: tuple[Value, ...]) -> Step | None:
    match values:
        case (None, int() | float() as at, str() as action) if action in ACTIONS:
            return Step(float(at), action, None)
        case (None, int() | float() as at, str() as action, int() as given, int() as said) if (
            step_checksum(number, float(at), action, given) == said
        ):
            return Step(float(at), action, given)
        case _:
            return None


def _verdict(values: tuple[Value, ...]) -> Verdict | None:
    """Rows of the first schema tell nothing by which to know them to be whole but what they look like."""
    match values[:7]:
        case (
            int() as step,
            int() as position,
            bytes() as image,
            label,
            str() as shown,
            int() as version,
            str() as kind,
        ) if step > 0 <= position and len(image) == KEY_BYTES and kind in KINDS and isinstance(label, str | None):
            whole = len(values) == 7 or verdict_checksum(step, position, image, label, shown, version, kind) == values[7]
            return Verdict(image, label, shown, version, kind) if whole and len(values) < 9 else None
        case _:
            return None


def _numbers(found: Iterable[int]) -> Iterator[int]:
    """Those found, in order, and those missing between them."""
    last = 0
    for number in sorted(found):
        if number - last <= LARGEST_GAP:
            yield from range(last + 1, number)
        yield number
        last = number
