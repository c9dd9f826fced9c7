"""A label that the model does not have yet."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.text import safe


class NewLabel(ModalScreen[str | None]):
    """The name of a new label; None where the person thinks better of it."""

    BINDINGS = [("escape", "dismiss(None)", "Cancel")]  # noqa: RUF012
    DEFAULT_CSS = """
    NewLabel {
        align: center middle;
        & Vertical { width: 64; max-width: 100%; height: auto; background: $surface; border: round $accent; padding: 0 2; }
        & Static { width: 1fr; }
        & Input { padding: 0; margin: 1 0; }
    }
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._labels = labels

    def compose(self) -> ComposeResult:
        """A question, a line to type in, and what is known already."""
        with Vertical():
            yield Static("A new label for this image:", markup=False)
            yield Input(compact=True)
            yield Static(f"Enter keeps it, Esc does not. Known: {safe(', '.join(self._labels))}", markup=False)

    def on_mount(self) -> None:
        """Nothing blinks: that would send bytes for ever."""
        self.query_one(Input).cursor_blink = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Nothing typed is nothing said."""
        self.dismiss(event.value.strip() or None)
