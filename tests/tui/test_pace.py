"""The pace of verdicts, from entries made by hand and from a real journal."""

from statistics import median

import pytest

from engine.journal import Entry, Journal, Verdict
from tui.pace import ENTRIES, LAST, pace, verdicts_a_minute


def given(*times, action="give"):
    return [Entry(number, at, action) for number, at in enumerate(times, 1)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], None),
        (given(5.0), None),
        (given(0.0, 3.0), 20.0),
        (given(0.0, 1.0, 3.0, 103.0), 30.0),  # a break is one long step
        (given(0.0, 2.0, 1.0, 3.0, 5.0), 30.0),  # the clock goes back once
        (given(9.0, 8.0, 7.0), None),
        (given(4.0, 4.0, 4.0), None),
    ],
)
def test_the_median_of_steps(entries, expected):
    assert verdicts_a_minute(entries) == expected


def test_undo_and_redo_are_no_verdicts():
    entries = [*given(0.0, 2.0), Entry(3, 2.1, "undo"), Entry(4, 2.2, "redo"), Entry(5, 6.0, "give")]
    assert verdicts_a_minute(entries) == 60 / 3.0


def test_only_the_last_ones_count():
    slow, quick = [10.0 * n for n in range(300)], [3000.0 + 1.5 * n for n in range(LAST + 1)]
    assert verdicts_a_minute(given(*slow, *quick)) == 40.0


def test_a_journal_is_read_from_its_end_and_bulk_counts_once(tmp_path, monkeypatch):
    with Journal(tmp_path / "journal.db") as journal:
        assert (journal.last, pace(journal)) == (0, None)
        at, steps = 100.0, []
        for number in range(ENTRIES + 7):
            images = [bytes([number % 250, n]) * 8 for n in range(1 + 29 * (number % 5 == 0))]
            journal.append([Verdict(image, "Cat", "Dog", 0) for image in images], at)
            steps.append(2.0 + number % 3)
            at += steps[-1]
        read = []
        entries = journal.entries
        monkeypatch.setattr(journal, "entries", lambda after: read.append(after) or entries(after))
        assert pace(journal) == 60 / median(steps[-LAST - 1 : -1])
        assert read == [7]
        assert journal.last == ENTRIES + 7
