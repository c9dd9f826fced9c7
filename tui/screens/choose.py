"""A question with several answers, each by one key."""

import time
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
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
        & VerticalScroll {
            width: 72; max-width: 100%; height: auto; max-height: 100%;
            background: $surface; border: round $warning; padding: 0 2;
        }
        & Static { width: 1fr; }
    }
    """

    def __init__(self, question: str, choices: Sequence[Choice[Answer]], none: str) -> None:
        super().__init__()
        self._shown_at = float("inf")
        self._choices = {each.key: each.answer for each in choices}
        self._words = Text(f"{question}\n")
        for key, words in (*((each.key, each.words) for each in choices), (NOT_NOW[0], none)):
            self._words.append("\n").append(f"{key}  {words}", Style(meta={"key": key}))

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with VerticalScroll():
            yield Static(self._words)

    def on_key(self, event: events.Key) -> None:
        """One of the answers."""
        event.stop()
        self._answer(event.key)

    def on_click(self, event: events.Click) -> None:
        """A click on an answer is its key."""
        self._answer(event.style.meta.get("key", ""))

    def _answer(self, key: str) -> None:
        """What comes before the question was there to be read was meant for the table, and is none."""
        if time.monotonic() < self._shown_at + HASTE_S:
            return
        if key in self._choices:
            self.dismiss(self._choices[key])
        elif key in NOT_NOW:
            self.dismiss(None)

    def on_mount(self) -> None:
        """The person begins to read."""
        self._shown_at = time.monotonic()
