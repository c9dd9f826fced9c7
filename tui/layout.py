"""How the table shares out the cells of a line. No Textual here."""

from dataclasses import dataclass

from tui.text import fit


@dataclass(frozen=True)
class Layout:
    """How many cells each column takes, a space between them; 0 leaves a column out."""

    mark: int
    name: int
    label: int
    bar: int
    status: int

    @property
    def cells(self) -> int:
        """All that is taken; more than there is only where there is room for nothing."""
        columns = (self.name, self.label, self.bar, PERCENT, self.label, self.status)
        return self.mark + sum(columns) + sum(column > 0 for column in columns) - 1


PERCENT, LEAST_NAME = 5, 12
STEPS = (
    (20, 26, 16),
    (12, 22, 16),
    (8, 16, 16),
    (6, 12, 16),
    (4, 7, 16),
    (0, 7, 16),
    (0, 7, 10),
    (0, 7, 6),
    (0, 0, 6),
    (0, 0, 4),
)
"""From roomy to narrow: cells of the bar, of the status, and of a label at most."""


def layout(cells: int, longest_label: int) -> Layout:
    """Share out `cells`: the name gets what is left; where that is little, the bar shrinks, then labels and status."""
    plans = [_shared_out(cells, longest_label, *step) for step in STEPS]
    return next((plan for plan in plans if plan.name >= max(LEAST_NAME, cells // 3)), plans[-1])


def _shared_out(cells: int, longest_label: int, bar_cells: int, status: int, most_label: int) -> Layout:
    label = max(4, min(longest_label, most_label))
    mark = 3 if status else 4
    return Layout(mark, max(1, cells - Layout(mark, 1, label, bar_cells, status).cells + 1), label, bar_cells, status)


def header(plan: Layout) -> str:
    """The names of the columns."""
    confidence = fit("sure", plan.bar + (plan.bar > 0) + PERCENT)
    words = [" " * plan.mark + fit("image", plan.name), fit("says", plan.label), confidence, fit("you", plan.label)]
    return " ".join([*words, fit("status", plan.status)] if plan.status else words)


def thumb(rows: int, seen: int, first: int) -> range:
    """The lines, from 0, that the scrollbar's handle takes while so many rows from `first` on are seen; none if all are."""
    if rows <= seen:
        return range(0)
    size = max(1, round(seen * seen / rows))
    start = round((seen - size) * first / (rows - seen))
    return range(start, start + size)
