"""The confusion matrix: verdicts against what the present model says; and how right it is on what it has not learned."""

from collections.abc import Callable

from tui import evaluation, matrix_lines
from tui.matrix import matrix
from tui.running import Running
from tui.screens.labelling import Labelling
from tui.screens.paged import Paged
from tui.session import Session
from tui.text import fit, safe, width, window, wrap
from tui.widgets.page import Lines, Piece

Cell = tuple[str, str]
"""The verdict, and what the model says."""
LOW = 20
"""Lines of a terminal in which the labels of the cell under the cursor get two lines at most."""
FIGURES = 16
"""Lines of the figures, once they are known; more than that are seldom."""
WORKING = "How right it is on what it has not learned: working it out ..."
CURVE_WORKING = "Whether more verdicts would help: working it out ..."
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
        ("tab,shift+tab", "other_page", "Other page"),
    ]

    def __init__(
        self,
        main: Labelling,
        evaluate: Callable[[], str],
        pace: float | None,
        running: Running,
        cell: Cell | None = None,
    ) -> None:
        """`evaluate` has figures worked out, which come with the session, or says why they do not.

        `pace` in verdicts a minute; at first the cursor is on `cell`, or on the largest mistake.
        """
        super().__init__(main)
        self._evaluate, self._pace, self._went = evaluate, pace, running
        self._why = ""
        """Why nothing can be worked out."""
        self._second, self._scrolled = False, 0
        """Whether the page of figures is seen, where there is no room for them below the matrix; and from which line on."""
        self._matrix = matrix(self.session)
        self._labels = tuple(map(safe, self._matrix.labels))
        known = self._matrix.labels
        found = cell is not None and all(label in known for label in cell)
        there = [(known.index(cell[0]), known.index(cell[1]))] if cell is not None and found else []
        self._row, self._column = (there or self._matrix.mistakes() or [(0, 0)])[0]
        self._top = self._left = 0

    def on_mount(self) -> None:
        """Ask for what the engine has to work out."""
        super().on_mount()
        self._why = self._evaluate()
        self.draw()

    def watch_session(self, before: Session, now: Session) -> None:
        """Other predictions, labels or figures."""
        if now.version != before.version:
            self._why = self._evaluate()
        if now.insight is not before.insight:
            self.draw()
        if now.rows is not before.rows or now.labels != before.labels:
            self._matrix = matrix(now)
            self._labels = tuple(map(safe, self._matrix.labels))
            self.action_move(0, 0)

    # What the keys do.

    def action_move(self, down: int, right: int) -> None:
        """From cell to cell; of figures, from line to line."""
        if self._second:
            self._scrolled = max(0, self._scrolled + down)
            self.draw()
            return
        last = max(0, len(self._labels) - 1)
        self._row = max(0, min(self._row + down, last))
        self._column = max(0, min(self._column + right, last))
        self.draw()

    def action_other_page(self) -> None:
        """Matrix or figures."""
        self._second, self._scrolled = not self._second, 0
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
        if not self._second and self._matrix.counts[self._row, self._column]:
            labels = self._matrix.labels
            self.dismiss((labels[self._row], labels[self._column]))

    # What is shown.

    def lines(self, cells: int, rows: int) -> Lines:
        """The matrix with all figures below it; where there is no room for these, one of two pages."""
        if not self._labels:
            return []
        body, figures = self._matrix_lines(cells, rows), self._figures(cells)
        fits = len(body) + 1 + (FIGURES if self._waiting else len(figures)) < rows
        self._second &= not fits
        keys = f"arrows · n mistake ·{' Tab how right ·' * (not fits)} Enter shows"
        if self._second:
            self._scrolled = max(0, min(self._scrolled, len(figures) + 2 - rows))
            title = f" How right · {safe(self.session.model)} version {self.session.version}"
            body, keys = [[(fit(title, cells), "title")], *figures[self._scrolled :]], "j k move · Tab matrix"
        elif fits:
            body = [*body, [], *figures]
        body = body[: rows - 1]
        return [*body, *([[]] * (rows - 1 - len(body))), [(fit(f" {keys} · Esc back", cells), "head")]]

    @property
    def _why_none(self) -> str:
        return self._why or self.session.insight.not_reviewed

    @property
    def _waiting(self) -> bool:
        """Whether the engine still works for the figures."""
        insight = self.session.insight
        return not self._why_none and (insight.review is None or insight.curve is None)

    def _figures(self, cells: int) -> Lines:
        """How right the model is, and whether more verdicts would help."""
        insight, curve = self.session.insight, self.session.insight.curve
        told = evaluation.words(insight.review, self._went, safe(self._why_none) or WORKING)
        lines = [line for words in told for line in wrap(words, cells - 2)]
        if curve is not None:
            drawn = list(evaluation.curve_lines(curve, cells - 2)) if curve.sizes else []
            lines += [*drawn, *wrap(evaluation.curve_words(curve), cells - 2)]
        elif not self._why_none:
            lines += wrap(CURVE_WORKING, cells - 2)
        return [[(f" {line}", "")] for line in lines]

    def _matrix_lines(self, cells: int, rows: int) -> Lines:
        """Title, columns, rows; the cell in words; what is few; the pace."""
        labels = self._labels
        plan = matrix_lines.plan(cells, labels, int(self._matrix.counts.max()))
        below = self._below(cells, rows)
        seen = min(len(labels), max(FEWEST, rows - 3 - len(below)))
        self._top = window(self._row, self._top, seen, len(labels))
        self._left = window(self._column, self._left, plan.columns, len(labels))
        listed = [self._line(row, plan) for row in range(self._top, self._top + seen)]
        title = f" Confusion matrix{self._part(plan, seen)} · {safe(self.session.model)} version {self.session.version}"
        head = fit(matrix_lines.head(plan, self._left, self._column), cells)
        return [[(fit(title, cells), "title")], [(head, "head")], *listed, *below]

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
