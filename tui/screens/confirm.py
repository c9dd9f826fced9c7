"""A question that is answered by one key."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static


class Confirm(ModalScreen[bool]):
    """True for y; False for n and Esc. Enter does nothing, so that a key pressed in haste decides nothing."""

    BINDINGS = [("y", "dismiss(True)", "Yes"), ("n,escape", "dismiss(False)", "No")]  # noqa: RUF012
    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        & Vertical { width: 64; max-width: 100%; height: auto; background: $surface; border: round $warning; padding: 0 2; }
        & Static { width: 1fr; }
    }
    """

    def __init__(self, question: str, yes: str, no: str) -> None:
        super().__init__()
        self._lines = (question, "", f"y  {yes}", f"n  {no}")

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical():
            yield Static("\n".join(self._lines), markup=False)
