"""What became of the app when its terminal was gone: noted beside the verdicts, and told once, at the next opening."""

from __future__ import annotations

import json
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.whole_file import replace

if TYPE_CHECKING:
    # The app paints its first frame before it loads them.
    from engine.events import Retrained

FILE = "left.json"
UNKNOWN = "the history tells what became of the retrain"
WHY: dict[int, str] = {signal.SIGHUP: "Line dropped", signal.SIGTERM: "Told to end"}


@dataclass(frozen=True)
class Left:
    """The app lost its terminal, or was told to end."""

    at: float
    """Unix seconds."""
    signum: int
    became: str = ""
    """Of what was under way; empty as long as that is not known."""

    def keep(self, home: Path) -> None:
        """Note it, whole or not at all. Raises OSError."""
        replace(home / FILE, json.dumps(asdict(self)).encode())

    def words(self, now: float) -> str:
        """`Line dropped at 14:03; retrain went on: version 3, 18 of 20 flips learned.`"""
        day, today = (time.strftime("%Y-%m-%d", time.localtime(each)) for each in (self.at, now))
        when = time.strftime("at %H:%M" if day == today else "%d %b %H:%M", time.localtime(self.at))
        return f"{WHY[self.signum]} {when}; {self.became or UNKNOWN}."


def take(home: Path, now: float) -> str:
    """What is to be told, in words, and no second time; empty if nothing is."""
    try:
        said = json.loads((home / FILE).read_text(encoding="utf-8"))
        words = Left(float(said["at"]), int(said["signum"]), str(said["became"])).words(now)
    except (OSError, ValueError, LookupError, TypeError, OverflowError):
        words = ""
    with suppress(OSError):
        (home / FILE).unlink(missing_ok=True)
    return words


def saved(version: int, result: Retrained) -> str:
    """The retrain came to its end, and is kept."""
    return f"retrain went on: version {version}, {result.learned} of {result.flips} flips learned"


def not_better(result: Retrained) -> str:
    """It came to its end, and is not kept without being asked for."""
    return f"retrain not kept: right on {result.after.correct}, the present model on {result.before.correct}"


def stopped() -> str:
    """It did not come to its end."""
    return "the retrain was stopped, nothing was saved"


def failed(problem: str) -> str:
    """It came to nothing."""
    return f"the retrain failed: {problem.rstrip('.') or 'the engine ended'}"


def nothing_lost(live: bool) -> str:
    """No retrain was under way."""
    return "what live showed was not saved" if live else "every verdict is kept"
