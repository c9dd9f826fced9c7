"""The confusion matrix in lines of a terminal: as many labels as fit, and each label's balance. No Textual here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tui.matrix import Matrix
from tui.text import bar, count, fit, percent, safe, width

LEAST_CELL, MOST_CELL = 6, 12
"""Cells of a column with its margins: a number of three digits and its mark fit into the least, a short label into the
most."""
LEAST_LABEL = 6
GIVEN, SHARE, PRECISION = 9, 8, 11
"""Cells of the columns behind the counts: verdicts, recall, precision."""
LEAST_BAR, MOST_BAR = 6, 40
ROOMY = 76
"""Cells of a terminal in which there is always room for a bar; in a narrower one it is left out before columns are."""
NAMED = 3
"""So many labels with few verdicts are named; the others are counted."""


@dataclass(frozen=True)
class Plan:
    """How a line's cells are shared out."""

    label: int
    cell: int
    columns: int
    """Labels whose columns fit."""
    bar: int
    names: tuple[str, ...]
    """Of the columns; numbers where too little of the labels is left to tell one from another."""
    rows: tuple[str, ...]
    """Of the rows: the labels, behind the number where columns have numbers."""


def plan(cells: int, labels: Sequence[str], largest: int) -> Plan:
    """Share out so many cells, for counts up to `largest`."""
    named = _shared_out(cells, labels, labels, largest)
    if len(set(named.names)) == len(labels):
        return named
    digits = len(str(len(labels)))
    numbers = [f"{number:>{digits}}" for number in range(1, len(labels) + 1)]
    return _shared_out(cells, numbers, [f"{n} {each}" for n, each in zip(numbers, labels, strict=True)], largest)


def _shared_out(cells: int, names: Sequence[str], rows: Sequence[str], largest: int) -> Plan:
    """Labels are cut to a fifth; a column is as wide as its name, where that leaves room for all; the rest is the bar's."""
    label = max(LEAST_LABEL, min(max(map(width, rows), default=0), cells // 5))
    room = cells - label - 3 - GIVEN - SHARE - PRECISION - (LEAST_BAR + 2) * (cells >= ROOMY)
    least = max(LEAST_CELL, len(str(largest)) + 3)
    cell = max(least, min(max(map(width, names), default=0) + 2, MOST_CELL, room // max(1, len(names))))
    columns = max(1, min(len(names), room // cell))
    left = room - columns * cell + (LEAST_BAR if cells >= ROOMY else -2)
    bar_cells = min(left, MOST_BAR) if left >= LEAST_BAR else 0
    return Plan(label, cell, columns, bar_cells, tuple(_right(each, cell - 2) for each in names), tuple(rows))


def head(plan: Plan, first: int, column: int) -> str:
    """The names of the columns from `first` on; the cursor's in brackets."""
    corner = fit("you ↓ says →" if plan.label >= LEAST_LABEL + 6 else "you", plan.label + 3)
    names = (_boxed(plan.names[at], at == column) for at in range(first, first + plan.columns))
    last = f"{'verdicts':>{GIVEN}}{'recall':>{SHARE}}{'precision':>{PRECISION}}{'  balance' if plan.bar else ''}"
    return corner + "".join(names) + last


def cells_of(plan: Plan, matrix: Matrix, row: int, first: int) -> list[tuple[str, bool]]:
    """Of a row, the counts from column `first` on, and whether they are of mistakes; right ones and mistakes are marked."""
    found: list[tuple[str, bool]] = []
    for column in range(first, first + plan.columns):
        number = int(matrix.counts[row, column])
        mark = "✓" if row == column else "✗"
        found.append((f"{f'{number}{mark}' if number else '·':>{plan.cell - 2}}", number > 0 and row != column))
    return found


def label_of(plan: Plan, row: int, under_cursor: bool) -> str:
    """A row's begin."""
    return f"{'▸' if under_cursor else ' '} {fit(plan.rows[row], plan.label)} "


def balance(plan: Plan, matrix: Matrix, row: int) -> tuple[str, str]:
    """A row's end: verdicts, with a mark where they are few, recall and precision; and the bar."""
    given = matrix.given
    few = "!" if matrix.few[row] else " "
    numbers = f"{int(given[row]):>{GIVEN - 1},}{few}{percent(float(matrix.recall[row])):>{SHARE}}"
    share = float(given[row] / max(1, given.max(initial=0)))
    return f"{numbers}{percent(float(matrix.precision[row])):>{PRECISION}}", f"  {bar(share, plan.bar)}" * (plan.bar > 0)


def cell_words(matrix: Matrix, row: int, column: int) -> str:
    """What the cell under the cursor is."""
    verdict, predicted = safe(matrix.labels[row]), safe(matrix.labels[column])
    number = int(matrix.counts[row, column])
    pictures = f"{count(number, 'picture')}; Enter shows {'it' if number == 1 else 'them'}." if number else "No picture."
    if row == column:
        return f"{pictures} You and the model say {verdict}."
    return f"{pictures} You say {verdict}, the model says {predicted}."


def few_words(matrix: Matrix) -> str:
    """Which labels have few verdicts; empty where none has."""
    few: list[int] = np.flatnonzero(matrix.few).tolist()
    if not few:
        return ""
    given: Any = matrix.given
    most = int(given.argmax())
    few.sort(key=lambda at: int(given[at]))
    named = ", ".join(f"{safe(matrix.labels[at])} {int(given[at])}" for at in few[:NAMED])
    more = f" and {count(len(few) - NAMED, 'other')}" if len(few) > NAMED else ""
    return f"! Few verdicts beside {safe(matrix.labels[most])} {int(given[most]):,}: {named}{more}."


def total_words(matrix: Matrix, pace: float | None) -> str:
    """All verdicts, on how many the model is right, and how quickly they come."""
    of, right = int(matrix.counts.sum()), int(matrix.counts.diagonal().sum())
    speed = "" if pace is None else f" {pace_words(pace)}"
    return (
        f"The model is right on {right:,} of {count(of, 'verdict')}, {percent(right / of)}.{speed}" if of else speed.strip()
    )


def pace_words(pace: float) -> str:
    """`Your pace: 24 verdicts a minute.`"""
    number = f"{pace:,.0f}" if pace >= 10 else f"{pace:.1f}"
    return f"Your pace: {number} verdicts a minute."


def _right(words: str, cells: int) -> str:
    return " " * (cells - width(words)) + words if width(words) <= cells else fit(words, cells)


def _boxed(words: str, chosen: bool) -> str:
    return f"[{words}]" if chosen else f" {words} "
