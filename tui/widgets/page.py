"""A page of lines that a screen has worked out; only those that look different are sent again."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

Piece = tuple[str, str]
"""Words that are safe to show, and what they look like: one of LOOKS, or empty for plain."""
Lines = Sequence[Sequence[Piece]]
LOOKS = ("title", "head", "cursor", "dim", "wrong", "right", "bar", "marked")


class Page(Widget, can_focus=True):
    """Lines from top to bottom; it has no keys of its own, and wraps and scrolls nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"page--{look}" for look in LOOKS}
    DEFAULT_CSS = """
    Page {
        height: 1fr; background: $background;
        & > .page--title { background: $surface; color: $text; text-style: bold; }
        & > .page--head { color: $text-muted; text-style: bold; background: $surface; }
        & > .page--cursor { background: $primary; color: $text; text-style: bold; }
        & > .page--dim { color: $text-muted; }
        & > .page--wrong { color: $error; text-style: bold; }
        & > .page--right { color: $success; }
        & > .page--bar { color: $primary; }
        & > .page--marked { color: $warning; text-style: bold; }
    }
    """

    class Resized(Message):
        """There is another room for lines."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: Lines = ()

    @property
    def text(self) -> str:
        """All lines, without their looks."""
        return "\n".join("".join(words for words, _ in line) for line in self._lines)

    def show(self, lines: Lines) -> None:
        """Show other lines."""
        before, self._lines = self._lines, lines
        for y in range(max(len(before), len(lines))):
            if y >= len(before) or y >= len(lines) or list(before[y]) != list(lines[y]):
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        """The screen works them out anew."""
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        """One line; a look that its last words have goes on to the right edge where it has a background."""
        line = self._lines[y] if y < len(self._lines) else ()
        segments = [Segment(words, self._style(look)) for words, look in line]
        rest = line[-1][1] if line and line[-1][1] in ("title", "head") else ""
        return Strip(segments).adjust_cell_length(self.size.width, self._style(rest))

    def _style(self, look: str) -> Style:
        if not look:
            return self.rich_style
        return self.rich_style + self.get_component_rich_style(f"page--{look}", partial=True)
