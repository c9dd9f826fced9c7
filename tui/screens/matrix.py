"""The confusion matrix: verdicts against what the present model says, and how many verdicts each label has."""

from tui import matrix_lines
from tui.matrix import matrix
from tui.screens.labelling import Labelling
from tui.screens.paged import Paged
from tui.session import Session
from tui.text import fit, safe, width, window, wrap
from tui.widgets.page import Lines, Piece

Cell = tuple[str, str]
"""The verdict, and what the model says."""
LOW = 20
"""Lines of a terminal in which the labels of the cell under the cursor get two lines at most."""
FEWEST = 3
"""Rows of the matrix, however low the terminal is."""


class Confusion(Paged[Cell]):
    """Closes with the cell whose images are to be shown."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        ("escape,m,q", "close", "Close"),
        ("j,down", "move(1, 0)", "Down"),
        ("k,up", "move(-1, 0)", "Up"),
        ("l,right", "move(0, 1)", "Right"),
        ("h,left", "move(0, -1)", "Left"),
        ("pagedown", "move(10, 0)", "Page down"),
        ("pageup", "move(-10, 0)", "Page up"),
        ("g,home", "move(-1000000, 0)", "First"),
        ("G,end", "move(1000000, 0)", "Last"),
        ("n", "mistake(1)", "Next mistake"),
        ("N", "mistake(-1)", "Previous mistake"),
        ("enter", "open", "Open"),
    ]

    def __init__(self, main: Labelling, pace: float | None, cell: Cell | None = None) -> None:
        """`pace` in verdicts a minute; at first the cursor is on `cell`, or on the largest mistake."""
        super().__init__(main)
        self._pace = pace
        self._matrix = matrix(self.session)
        self._labels = tuple(map(safe, self._matrix.labels))
        known = self._matrix.labels
        found = cell is not None and all(label in known for label in cell)
        there = [(known.index(cell[0]), known.index(cell[1]))] if cell is not None and found else []
        self._row, self._column = (there or self._matrix.mistakes() or [(0, 0)])[0]
        self._top = self._left = 0

    def watch_session(self, before: Session, now: Session) -> None:
        """Other predictions, or labels."""
        if now.rows is not before.rows or now.labels != before.labels:
            self._matrix = matrix(now)
            self._labels = tuple(map(safe, self._matrix.labels))
            self.action_move(0, 0)

    # What the keys do.

    def action_move(self, down: int, right: int) -> None:
        """From cell to cell."""
        last = max(0, len(self._labels) - 1)
        self._row = max(0, min(self._row + down, last))
        self._column = max(0, min(self._column + right, last))
        self.draw()

    def action_mistake(self, step: int) -> None:
        """To the next smaller mistake, and from the smallest to the largest."""
        mistakes = self._matrix.mistakes()
        if mistakes:
            here = (self._row, self._column)
            at = mistakes.index(here) + step if here in mistakes else 0
            self._row, self._column = mistakes[at % len(mistakes)]
            self.draw()

    def action_open(self) -> None:
        """The images of the cell, where there are any."""
        if self._matrix.counts[self._row, self._column]:
            labels = self._matrix.labels
            self.dismiss((labels[self._row], labels[self._column]))

    # What is shown.

    def lines(self, cells: int, rows: int) -> Lines:
        """Title, columns, rows; the cell in words; what is few; the pace; the keys."""
        labels = self._labels
        if not labels:
            return []
        plan = matrix_lines.plan(cells, labels, int(self._matrix.counts.max()))
        below = self._below(cells, rows)
        seen = min(len(labels), max(FEWEST, rows - 3 - len(below)))
        self._top = window(self._row, self._top, seen, len(labels))
        self._left = window(self._column, self._left, plan.columns, len(labels))
        listed = [self._line(row, plan) for row in range(self._top, self._top + seen)]
        title = f" Confusion matrix{self._part(plan, seen)} · {safe(self.session.model)} version {self.session.version}"
        top: list[list[Piece]] = [
            [(fit(title, cells), "title")],
            [(fit(matrix_lines.head(plan, self._left, self._column), cells), "head")],
            *listed,
        ]
        body = [*top, *below][: rows - 1]
        keys = " arrows move · n next mistake · Enter shows · Esc back"
        return [*body, *([[]] * (rows - 1 - len(body))), [(fit(keys, cells), "head")]]

    def _part(self, plan: matrix_lines.Plan, seen: int) -> str:
        """Which labels are seen, where not all are."""
        if plan.columns == len(self._labels) == seen:
            return ""
        columns = f"{self._left + 1}-{self._left + plan.columns}"
        return f" · rows {self._top + 1}-{self._top + seen}, columns {columns} of {len(self._labels)}"

    def _below(self, cells: int, rows: int) -> list[list[Piece]]:
        """As many lines for every cell, so that the rows above stay where they are; blank ones where there is room."""
        matrix = self._matrix
        longest = 2 * max(map(width, self._labels)) + len("1,000 pictures; Enter shows them. You say , the model says .")
        reserved = min(-(-longest // (cells - 2)), 3 if rows > LOW else 2)
        words = wrap(matrix_lines.cell_words(matrix, self._row, self._column), cells - 2)[:reserved]
        words += [""] * (reserved - len(words))
        few = wrap(matrix_lines.few_words(matrix), cells - 2)[:2]
        total = wrap(matrix_lines.total_words(matrix, self._pace), cells - 2)
        blank: list[list[Piece]] = [[]] if rows - 4 - reserved - len(few) - len(total) >= len(self._labels) else []
        said = [*((line, "marked") for line in words), *((line, "wrong") for line in few), *((line, "") for line in total)]
        return [*blank, *([(f" {line}", look)] for line, look in said)]

    def _line(self, row: int, plan: matrix_lines.Plan) -> list[Piece]:
        """A verdict's row; the cell under the cursor in brackets."""
        pieces: list[Piece] = [(matrix_lines.label_of(plan, row, row == self._row), "")]
        for at, (words, wrong) in enumerate(matrix_lines.cells_of(plan, self._matrix, row, self._left), self._left):
            here = (row, at) == (self._row, self._column)
            look = "cursor" if here else "wrong" if wrong else "right" if row == at else "dim"
            pieces.append((f"[{words}]" if here else f" {words} ", look))
        numbers, bar = matrix_lines.balance(plan, self._matrix, row)
        return [*pieces, (numbers, ""), (bar, "bar")]
