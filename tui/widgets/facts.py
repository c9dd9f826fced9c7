"""Lines of words below the picture."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.widgets.still import Still


class Facts(Still):
    """As high as it has lines; only those that change are sent."""

    DEFAULT_CSS = """
    Facts { height: auto; width: 1fr; }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._words: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Its lines."""
        return self._words

    def show(self, words: Sequence[str]) -> None:
        """Show other lines, which fit already."""
        before, self._words = self._words, tuple(words)
        if len(before) != len(self._words):
            self.refresh(layout=True)
            return
        for y, (was, now) in enumerate(zip(before, self._words, strict=True)):
            if was != now:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line each."""
        return len(self._words)

    def render_line(self, y: int) -> Strip:
        """One of them."""
        cells = self.size.width
        words = self._words[y] if y < len(self._words) else ""
        return Strip([Segment(words, self.visual_style.rich_style)]).adjust_cell_length(cells, self.visual_style.rich_style)
