"""A question with several answers, each by one key."""

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.keeping import Keeping


class Choice(NamedTuple):
    """One answer."""

    key: str
    words: str
    answer: Keeping


class Choose(ModalScreen[Keeping | None]):
    """The answer chosen; None for n and Esc. Enter does nothing, so that a key pressed in haste decides nothing."""

    BINDINGS = [("n,escape", "dismiss(None)", "Not now")]  # noqa: RUF012
    DEFAULT_CSS = """
    Choose {
        align: center middle;
        & Vertical { width: 72; max-width: 100%; height: auto; background: $surface; border: round $warning; padding: 0 2; }
        & Static { width: 1fr; }
    }
    """

    def __init__(self, question: str, choices: Sequence[Choice], none: str) -> None:
        super().__init__()
        self._choices = {each.key: each.answer for each in choices}
        self._lines = (question, "", *(f"{each.key}  {each.words}" for each in choices), f"n  {none}")

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical():
            yield Static("\n".join(self._lines), markup=False)

    def on_key(self, event: events.Key) -> None:
        """One of the answers."""
        if event.key in self._choices:
            event.stop()
            self.dismiss(self._choices[event.key])
