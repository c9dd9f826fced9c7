"""A label by typing a part of it; a new one, where the model learns labels."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from tui.label_search import search
from tui.text import fit, safe, width

WIDEST = 46
"""Cells of a label; the note on it stands beside."""


class PickLabel(ModalScreen[str | None]):
    """Closes with the label chosen; None where the person thinks better of it."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        ("escape", "dismiss(None)", "Cancel"),
        ("down,ctrl+n", "move('cursor_down')", "Down"),
        ("up,ctrl+p", "move('cursor_up')", "Up"),
        ("pagedown", "move('page_down')", "Page down"),
        ("pageup", "move('page_up')", "Page up"),
    ]
    DEFAULT_CSS = """
    PickLabel {
        align: center middle;
        & Vertical { width: 64; max-width: 100%; height: auto; background: $surface; border: round $accent; padding: 0 2; }
        & Static { width: 1fr; }
        & Input { padding: 0; margin: 0 0 1 0; }
        & OptionList {
            height: auto; max-height: 12; padding: 0; border: none; background: $surface;
            &:focus { border: none; }
        }
    }
    """

    def __init__(self, question: str, labels: Sequence[str], notes: Sequence[str], new: bool = False) -> None:
        """`labels` with a note on each, in the order shown while nothing is typed; `new`: others can be given."""
        super().__init__()
        self._question, self._labels, self._notes, self._new = question, labels, notes, new
        self._found: list[str] = []
        self._early = ""
        """What was typed before there was a line."""

    def compose(self) -> ComposeResult:
        """The question; a line to type in; the labels that may be meant; what keys do."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(compact=True)
            yield OptionList(compact=True)
            yield Static("Type a part of it; ↑ ↓ Enter give it, Esc none.", markup=False)

    def on_mount(self) -> None:
        """Nothing blinks: that would send bytes for ever."""
        field, listed = self.query_one(Input), self.query_one(OptionList)
        field.cursor_blink, listed.can_focus = False, False
        field.value, self._early = self._early, ""
        field.focus()
        self._list()

    def take(self, character: str) -> None:
        """A character that was typed before the line was there to take it."""
        if self.is_mounted:
            self.query_one(Input).insert_text_at_cursor(character)
        else:
            self._early += character

    def on_input_changed(self) -> None:
        """Other labels may be meant."""
        self._list()

    def _list(self) -> None:
        name = self.query_one(Input).value.strip()
        found = search(name, self._labels)
        self._found = [self._labels[at] for at in found]
        wide = min(WIDEST, max((width(safe(label)) for label in self._found), default=0))
        lines = [Content(f"{fit(safe(self._labels[at]), wide)}  {self._notes[at]}".rstrip()) for at in found]
        if self._new and name and name not in self._labels:
            self._found.append(name)
            lines.append(Content(f"{safe(name)}  a new label"))
        listed = self.query_one(OptionList)
        listed.set_options(lines or [Content("There is no such label.")])
        listed.highlighted = 0

    def action_move(self, action: str) -> None:
        """Up and down the list, while the line keeps what is typed."""
        getattr(self.query_one(OptionList), f"action_{action}")()

    def on_input_submitted(self) -> None:
        """The label that is marked."""
        self._chosen(self.query_one(OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click on a label."""
        self._chosen(event.option_index)

    def _chosen(self, at: int | None) -> None:
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])
