"""The app: its screens, its looks, its palette. What the first paint does not need is loaded after it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.events import Key
from textual.screen import Screen

from tui.commands import COMMANDS, shown
from tui.screens.frame import Frame
from tui.settings import Choices
from tui.text import safe

if TYPE_CHECKING:
    from engine.journal import Journal
    from tui.screens.main import Main
    from tui.work import Work


SLOW_THEME = "ansi-dark"
"""Over a slow link: colours by number, which take a third fewer bytes."""


class Catflap(App[None]):
    """One folder, one model."""

    CSS_PATH = "app.tcss"
    TITLE = "Catflap"
    ENABLE_COMMAND_PALETTE = True
    SCROLL_SENSITIVITY_Y = 1.0

    def __init__(self, folder: Path, work: Work, journal: Journal, choices: Choices) -> None:
        super().__init__()
        self.animation_level = "none"
        if choices.slow_link:
            self.theme = SLOW_THEME
            self.add_class("-slow-link")
        self.last_words = ""
        """What to tell the person after the app has left the terminal."""
        self._given = folder, work, journal, choices

    @cached_property
    def _main(self) -> Main:
        from tui.screens.main import Main

        return Main(*self._given)

    def get_default_screen(self) -> Screen[None]:
        """What looks like the main screen until that is loaded; over a slow link it would only be more to send."""
        folder, work, _, choices = self._given
        if choices.slow_link:
            work.start()
            return self._main
        return Frame(f" Catflap · opening the model ... · {safe(folder.name)}", choices.drawn != "off")

    async def on_frame_painted(self) -> None:
        """Start the engine, which loads beside; load the main screen; keys that were pressed meanwhile go to it."""
        self._given[1].start()
        self.add_mode("main", lambda: self._main)
        await self.switch_mode("main")

    def on_key(self, event: Key) -> None:
        """A filter that is typed takes the keys here, in the order in which they came: they may come many at once."""
        main = self.__dict__.get("_main")
        if main is not None and self.screen is main and main.typed(event.key, event.character):
            event.prevent_default()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the table, and the themes."""
        for command in COMMANDS:
            action = command.action if "(" in command.action else f"{command.action}()"
            yield SystemCommand(
                command.name, f"{command.help} ({shown(command)})", lambda action=action: self._run_on_main(action)
            )
        yield SystemCommand(
            "Room", "Choose how much of new images is kept on the disk", lambda: self._run_on_main("room()")
        )
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def on_main_refused(self, message: Main.Refused) -> None:
        """Leave, and say why outside."""
        self.last_words = message.words
        self.exit(return_code=2)

    async def _run_on_main(self, action: str) -> None:
        await self.run_action(action, self._main)

    def action_command_palette(self) -> None:
        """Open the palette; its cursor does not blink, since that would send bytes for ever."""
        super().action_command_palette()
        self.call_after_refresh(self._stop_blinking)

    def _stop_blinking(self) -> None:
        from textual.widgets import Input

        for field in self.screen.query(Input):
            field.cursor_blink = False
