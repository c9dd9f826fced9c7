"""A curve of numbers, in bars of one colour: a colour for each of them would cost forty times the bytes."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"


class Curve(Widget):
    """The numbers from left to right, squeezed into the width there is; sent again only where it looks different."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._numbers: Sequence[float] = ()
        self._drawn: list[str] = []

    def show(self, numbers: Sequence[float]) -> None:
        """Show these."""
        self._numbers = numbers
        if bars(numbers, self.size.width, self.size.height) != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the bars."""
        cells, height = self.size
        self._drawn = bars(self._numbers, cells, height)
        return Strip([Segment(self._drawn[y], self.visual_style.rich_style)], cells)


def bars(numbers: Sequence[float], cells: int, height: int) -> list[str]:
    """Lines of a bar for each cell, the lowest number an eighth high; a bar is the highest of the numbers it stands for."""
    numbers = [number for number in numbers if isfinite(number)]
    columns = min(cells, len(numbers))
    edges = [len(numbers) * at // columns for at in range(columns + 1)] if columns else [0]
    highest = [max(numbers[first:end]) for first, end in pairwise(edges)]
    low, high = min(highest, default=0.0), max(highest, default=0.0)
    steps = 8 * height - 1
    eighths = [1 + round(steps * (each - low) / (high - low)) if high > low else 1 for each in highest]
    return [
        "".join(EIGHTHS[max(0, min(8, each - 8 * below))] for each in eighths).ljust(cells)
        for below in reversed(range(height))
    ]
