"""A question with several answers, each by one key."""

import time
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

HASTE_S = 0.5
"""A key that comes sooner was meant for the table."""
NOT_NOW = ("n", "escape")
Answer = TypeVar("Answer")


class Choice(NamedTuple, Generic[Answer]):
    """One answer."""

    key: str
    words: str
    answer: Answer


class Choose(ModalScreen[Answer | None], Generic[Answer]):
    """The answer chosen; None for n and Esc. Enter does nothing, so that a key pressed in haste decides nothing."""

    DEFAULT_CSS = """
    Choose {
        align: center middle;
        & Vertical { width: 72; max-width: 100%; height: auto; background: $surface; border: round $warning; padding: 0 2; }
        & Static { width: 1fr; }
    }
    """

    def __init__(self, question: str, choices: Sequence[Choice[Answer]], none: str) -> None:
        super().__init__()
        self._shown_at = float("inf")
        self._choices = {each.key: each.answer for each in choices}
        self._lines = (question, "", *(f"{each.key}  {each.words}" for each in choices), f"n  {none}")

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical():
            yield Static("\n".join(self._lines), markup=False)

    def on_key(self, event: events.Key) -> None:
        """One of the answers; a key that was meant for the table, pressed before the question was there, is none."""
        event.stop()
        if time.monotonic() < self._shown_at + HASTE_S:
            return
        if event.key in self._choices:
            self.dismiss(self._choices[event.key])
        elif event.key in NOT_NOW:
            self.dismiss(None)

    def on_mount(self) -> None:
        """The person begins to read."""
        self._shown_at = time.monotonic()
