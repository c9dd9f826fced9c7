"""How quickly a person gives verdicts, from the times in the journal. No Textual here."""

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from engine.journal import Entry, Journal

LAST = 50
"""Verdicts that the pace is of: a few minutes' work."""
ENTRIES = 4 * LAST
"""Entries at the journal's end that are looked at: some of them undo and redo."""


def verdicts_a_minute(entries: Iterable[Entry]) -> float | None:
    """The median pace of the last verdicts; None where there are too few to tell.

    What was given at once, for a range or for all that was shown, counts as one. A break counts as one long step, which a
    median does not mind; where the clock was set back, or stood still, there is no step to count.
    """
    times = deque((entry.at for entry in entries if entry.action == "give"), LAST + 1)
    steps = [after - before for before, after in pairwise(times) if after > before]
    return 60 / median(steps) if steps else None


def pace(journal: Journal) -> float | None:
    """The same of a journal, of which only the end is read."""
    return verdicts_a_minute(journal.entries(max(0, journal.last - ENTRIES)))
