"""In which order the rows are looked at, and which of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tui.order import ORDERS
from tui.screens.pictured import Pictured
from tui.widgets.lines import Title

ENDS = ("enter", "escape")
"""Enter keeps a filter, Esc shows all."""
EDITS: Mapping[str, Callable[[str], str]] = {"backspace": lambda text: text[:-1], "ctrl+u": lambda text: ""}
"""What a key does to the filter that is typed."""


class Looking(Pictured):
    """A screen whose rows can be put in order and filtered."""

    def action_next_order(self) -> None:
        """The next of the orders."""
        names = list(ORDERS)
        self._touched = True
        self._order_name = names[(names.index(self._order_name) + 1) % len(names)]
        self.query_one(Title).order = self._order_name
        self.become(self.session, sort=True)

    def action_filter(self) -> None:
        """Begin to type what is to be shown."""
        self.become(replace(self.session, typing=self.session.filter))

    def typed(self, key: str, character: str | None) -> bool:
        """Take a key for the filter; False where nobody types one, or the key is for the table all the same."""
        typing = self.session.typing
        if typing is None:
            return False
        if key in ENDS:
            self._filtered(typing if key == "enter" else "", None)
        elif key in EDITS or (character is not None and character.isprintable()):
            now = EDITS[key](typing) if key in EDITS else typing + (character or "")
            self._filtered(now, now)
        else:
            return False
        return True

    def _filtered(self, text: str, typing: str | None) -> None:
        self._touched = True
        self.become(replace(self.session, filter=text.strip(), typing=typing), sort=True)
