"""The app: its screens, its looks, its palette. What the first paint does not need is loaded after it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.events import Key
from textual.screen import Screen

from tui.commands import explained, with_keys
from tui.screens.frame import Frame
from tui.settings import Choices
from tui.terminal import Attached
from tui.text import safe
from tui.themes import CONTRAST

if TYPE_CHECKING:
    from engine.journal import Journal
    from engine.lock import Holder
    from tui.screens.main import Main
    from tui.work import Work


class Catflap(Attached):
    """One folder, one model."""

    CSS_PATH = "app.tcss"
    TITLE = "Catflap"
    ENABLE_COMMAND_PALETTE = False
    """Textual's own key for it: it is one of the commands."""
    SCROLL_SENSITIVITY_Y = 1.0
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (50, "-wide")]  # noqa: RUF012 - Textual's own form

    def __init__(
        self, folder: Path, work: Work, journal: Journal, choices: Choices, holder: Holder | None = None, told: str = ""
    ) -> None:
        # Textual makes greys of colours for NO_COLOR; where it may leave them to the terminal, it takes them out.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"
        self.use_command_palette = True
        self.commands = with_keys(choices.keys)
        """Everything that a key does, with the keys that the person chose."""
        for theme in CONTRAST:
            self.register_theme(theme)
        self.theme = choices.colours
        self.set_class(choices.slow_link, "-slow-link")
        self.last_words = ""
        """What to tell the person after the app has left the terminal."""
        self._given, self._said = (folder, work, journal, choices), (holder, told)

    @cached_property
    def _main(self) -> Main:
        from tui.screens.main import bound

        return bound(self.commands)(*self._given, *self._said)

    @property
    def esc_stops(self) -> bool:
        """Whether Esc would stop something now."""
        main = self.__dict__.get("_main")
        return main is not None and self.screen is main and main.session.working

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
        """What is typed is taken here, in the order in which it came: many keys may come at once, before a line shows."""
        main = self.__dict__.get("_main")
        if main is not None and self.screen is main:
            main.hint_read()
            if main.typed(event.key, event.character):
                event.prevent_default()
        elif main is not None and event.is_printable:
            main.pick_typed(event.character or "")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the table but itself."""
        for command in self.commands:
            if command.action != "palette":
                yield SystemCommand(command.name, explained(command), partial(self._run_on_main, command.action))

    def on_main_refused(self, message: Main.Refused) -> None:
        """Leave, and say why outside."""
        self.last_words = message.words
        self.exit(return_code=2)

    def told_to_end(self, signum: int) -> None:
        """The main screen's work may end first."""
        main = self.__dict__.get("_main")
        (main if main is not None and main.is_running else super()).told_to_end(signum)

    async def _run_on_main(self, action: str) -> None:
        await self.run_action(action if "(" in action else f"{action}()", self._main)

    def action_command_palette(self) -> None:
        """Open the palette; its cursor does not blink, since that would send bytes for ever."""
        super().action_command_palette()
        self.call_after_refresh(self._stop_blinking)

    def _stop_blinking(self) -> None:
        from textual.widgets import Input

        for field in self.screen.query(Input):
            field.cursor_blink = False
