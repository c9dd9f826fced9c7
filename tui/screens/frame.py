"""What is painted first, while most of the program is still loaded: the frame of the table, without anything in it."""

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.layout import header, layout
from tui.text import fit
from tui.widgets.still import Beside


class Words(Widget):
    """One line of words, and lines without any."""

    DEFAULT_CSS = """
    Words { height: 1; width: 1fr; }
    """

    def __init__(self, words: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._words = words

    def words(self, cells: int) -> str:
        """What the first line says."""
        return self._words

    def render_line(self, y: int) -> Strip:
        """The words, then nothing."""
        cells = self.size.width
        return Strip([Segment(fit(self.words(cells) if y == 0 else "", cells), self.visual_style.rich_style)], cells)


class Header(Words):
    """The table's first line, and the place for the others."""

    DEFAULT_CSS = """
    Header { height: 1fr; }
    """

    def words(self, cells: int) -> str:
        """The names of the columns."""
        return header(layout(cells, 0))


class Frame(Screen[None]):
    """Looks as the main screen does at first. It has no keys: they wait for the main screen, which takes its place."""

    BLANK = True

    class Painted(Message):
        """It can be seen."""

    def __init__(self, title: str, side: bool) -> None:
        super().__init__()
        self._title_words, self._side = title, side

    def compose(self) -> ComposeResult:
        """Title, table, side; of what lies below, the place."""
        yield Words(self._title_words, "title")
        with Beside(id="middle"):
            yield Header("", "table")
            if self._side:
                yield Vertical(id="side")
        for name in ("counts", "notice", "keys"):
            yield Words("", name)

    def on_mount(self) -> None:
        """Say when it is painted."""
        self.call_after_refresh(self.post_message, self.Painted())
