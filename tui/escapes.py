"""Esc, and the escape sequences of other keys that a slow line takes apart.

A terminal sends Esc as one byte, and an arrow as that byte and two more. Textual takes the byte for Esc where nothing
follows for a tenth of a second; over a slow line the rest comes later, and would be keys of their own: that of Home is
`[H`, and `H` holds an image out.
"""

import re
import time
from collections.abc import Callable, Iterable

from textual._parser import Read1
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.events import Event, Key, Paste
from textual.message import Message

from tui.text import visible

HOLD_S = 0.5
"""How long Esc, where it would stop something, and `[` after it wait for a rest; a packet that was lost is sent again after
0.2 s or more (TCP_RTO_MIN of Linux)."""
LATE_S = 3.0
"""How long after Esc a rest may come; and between what is no Esc any more and its rest."""
ESC = "\x1b"
WHOLE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O[@-~])")
"""The sequences that keys and mice send: control sequences and single shifts of ECMA-48, 5.4 and 8.3.143."""
BEGUN = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)")


class Patient(XTermParser):
    """Textual's parser, but that it waits for the rest of what can only be a sequence."""

    _sequence = ""

    def read1(self, timeout: float | None = None) -> Read1:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Wait for a character; with a timeout, for one that would belong to a sequence."""
        if timeout is None:
            self._sequence = ""
        return Read1(LATE_S if BEGUN.fullmatch(self._sequence) else timeout)

    def feed(self, data: str) -> Iterable[Message]:
        """What a terminal sent, as events."""
        for character in data:
            self._sequence = ESC if character == ESC else self._sequence + character
            yield from super().feed(character)
        if not data:
            yield from super().feed(data)


class Escapes:
    """Keys as they come; what was one sequence comes out as one event."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._text, self._at = clock, "", 0.0
        self._held: list[Key] = []
        """Of the sequence begun, what comes out as it came if it is none."""

    def take(self, event: Key, hold: bool) -> list[Message]:
        """The events that are to be dealt with now; `hold` if Esc would stop something."""
        out, now = self.late(), self._clock()
        if now - self._at > LATE_S:
            self._text = ""
        begun = self._text + (event.character or "")
        if WHOLE.fullmatch(begun):
            self._text, self._held = "", []
            return [*out, *XTermParser().feed(begun)]
        if self._text and BEGUN.fullmatch(begun):
            self._text, self._at = begun, now
            self._held.append(event)
            return out
        out += self._let_go()
        if event.key == "escape":
            self._text, self._at = ESC, now
            self._held = [event] if hold else []
        return out if self._held else [*out, event]

    @property
    def wait_s(self) -> float | None:
        """After how many seconds `late` has something to say; None if it will not."""
        return max(0.0, self._at + HOLD_S - self._clock()) if self._held else None

    def late(self) -> list[Message]:
        """What was held long enough: it was no sequence."""
        return self._let_go(self._text if self._text == ESC else "") if self.wait_s == 0.0 else []

    def _let_go(self, text: str = "") -> list[Message]:
        held, self._held, self._text = self._held, [], text
        return [*held]


class Unsplit(App[None]):
    """An app whose keys come out whole."""

    def __init__(self, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        linux_driver.XTermParser = Patient  # pyright: ignore[reportPrivateImportUsage]
        self._escapes = Escapes()

    @property
    def esc_stops(self) -> bool:
        """Whether Esc would stop something now, so that it must not come by mistake."""
        return False

    async def on_event(self, event: Event) -> None:
        """Everything that happens comes through here; keys and what is pasted before they go to whom they are for."""
        if isinstance(event, Paste) and not event.is_forwarded:
            # A line to type in sends back what it was given.
            event.text = visible(event.text)
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
            return
        await self._deal_with(self._escapes.take(event, self.esc_stops))
        if self._escapes.wait_s is not None:
            self.set_timer(self._escapes.wait_s, self._late)

    async def _late(self) -> None:
        await self._deal_with(self._escapes.late())

    async def _deal_with(self, said: Iterable[Message]) -> None:
        for each in said:
            if isinstance(each, Event):
                await super().on_event(each)
