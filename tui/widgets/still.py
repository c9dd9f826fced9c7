"""A widget that seldom changes: Textual asks every widget on the screen for its lines at every key."""

from typing import Self

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Still(Widget):
    """Hands out the lines that it drew last, until something of it changes."""

    _drawn: tuple[Region, list[Strip]] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines within a region of the widget."""
        if self._drawn is None or self._drawn[0] != crop:
            self._drawn = crop, super().render_lines(crop)
        return self._drawn[1]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew."""
        self._drawn = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """The lines depend on the colours."""
        self._drawn = None
        super().notify_style_update()


class Beside(Still):
    """Widgets side by side."""

    DEFAULT_CSS = """
    Beside { layout: horizontal; width: 1fr; height: 1fr; overflow: hidden hidden; }
    """
