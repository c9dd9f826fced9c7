"""An engine that ended without a word: why, in words, and whether another one is started. No Textual here."""

import signal
from collections.abc import Mapping

from tui.notices import Keys

AT_MOST = 3
"""Engines that end in a row without getting anywhere before no other one is started by itself."""
WELL_S = 600.0
"""An engine that ran for so many seconds was none of a row."""
LOG = "see engine.log"
CAUSES: Mapping[int | None, str] = {
    None: "stuck, and was ended",
    0: "gone (it ended by itself)",
    1: f"failed ({LOG})",
    -signal.SIGKILL: f"killed (signal {signal.SIGKILL:d}, out of memory?)",
}
"""By exit code; a signal's is negative. Linux ends what takes the most memory by signal 9 when there is none left."""


def cause(code: int | None) -> str:
    """`killed (signal 9, out of memory?)`: what became of a process with this exit code."""
    if code is not None and code not in CAUSES:
        return f"crashed (signal {-code}; {LOG})" if code < 0 else f"ended (code {code}; {LOG})"
    return CAUSES[code]


def started_again(code: int | None, training: bool, live: bool, keys: Keys) -> str:
    """Another engine opens the folder; what it was asked for is not asked for again."""
    then = f"press {keys['retrain']} again" if training else f"{keys['live']}: live" if live else "nothing is lost"
    return f"Engine {cause(code)} and started again; {then}."


def given_up(code: int | None, keys: Keys) -> str:
    """No other engine is started by itself."""
    return f"Engine {cause(code)} repeatedly. Label on, {keys['retrain']} starts it."


def not_opened(why: str, keys: Keys) -> str:
    """Another engine could not open the folder or the model."""
    return f"The engine could not start again ({keys['retrain']} tries): {why}"


def not_running(keys: Keys) -> str:
    """Something was asked for that only the engine can do."""
    return f"The engine is not running: {keys['retrain']} starts it. Verdicts are kept all the same."


class Restarts:
    """Engines that ended, as far as they are of a row."""

    def __init__(self) -> None:
        self._row, self._known, self._at = 0, -1, float("-inf")

    def another(self, now: float, known: int) -> bool:
        """Whether one more is started by itself; `now` in seconds, `known` images that were read or set aside by then."""
        got_on = known > self._known or now - self._at >= WELL_S
        self._row = 1 if got_on else self._row + 1
        self._known, self._at = known, now
        return self._row < AT_MOST

    def anew(self) -> None:
        """A person starts it."""
        self._row = 0
