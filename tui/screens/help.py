"""All keys, from the table of commands."""

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import COMMANDS, Command, groups, shown
from tui.text import fit

LABELS = [command for command in COMMANDS if command.action.startswith("label(")]
"""Ten keys that do the same, and need but one line, unless somebody chose others."""


class Help(ModalScreen[None]):
    """Any key of leaving leaves."""

    BINDINGS = [("escape,q,enter", "dismiss", "Close"), ("j", "down", "Down"), ("k", "up", "Up")]  # noqa: RUF012
    DEFAULT_CSS = """
    Help {
        align: center middle;
        & VerticalScroll { width: 80; max-width: 100%; height: auto; max-height: 100%; background: $surface; padding: 0 2; }
        & Static { width: 1fr; }
    }
    """

    def __init__(self, commands: tuple[Command, ...]) -> None:
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        """A table of keys by group."""
        with VerticalScroll():
            yield Static(help_text(self._commands), markup=False)

    def on_click(self) -> None:
        """A click leaves as well."""
        self.dismiss()

    def on_key(self, event: events.Key) -> None:
        """So does the key that opened it."""
        if any(event.key in command.keys for command in self._commands if command.action == "help"):
            event.stop()
            self.dismiss()

    def action_down(self) -> None:
        """Scroll on."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Scroll back."""
        self.query_one(VerticalScroll).scroll_up(animate=False)


def help_text(commands: tuple[Command, ...] = COMMANDS) -> str:
    """Every command: its keys, and what it does."""
    lines: list[str] = []
    usual = LABELS if all(label in commands for label in LABELS) else []
    for group, those in groups(commands):
        lines += ["", group]
        lines += [f"  {fit(shown(command) or '(palette)', 12)} {command.help}" for command in those if command not in usual]
        if usual and usual[0] in those:
            lines.append(f"  {fit('1 ... 9, 0', 12)} Give that label, 0 the tenth; the next one may add a label.")
    return "\n".join([*lines, "", "Esc closes this."]).lstrip("\n")
