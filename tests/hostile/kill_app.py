"""The real app in a pseudo-terminal, killed while keys are pressed."""

import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import psutil

from engine.journal import Entry, Journal
from tests.hostile.kill_checks import faults, verdict_faults
from tests.pseudo_terminal import CATFLAP, ESCAPES, PseudoTerminal

COUNT = re.compile(r"images? · ([\d,]+) verdicts?")
KEYS = {
    "single flips": "xaxxaxaaxxxaxaxxaaxx",
    "bulk actions": "xavjjxvjjjauVxvj1V2gvjjxu",
    "undo and redo": "xxauuUxxuuuUUxaauxUx",
}
"""By what is done: keys whose every verdict is for another image in the order of names."""
PACE_S = 0.04
ENDS_S = 10.0
"""How long children may take to find out that the app is gone."""


def app_on(folder: Path, model: Path) -> PseudoTerminal:
    """Open; nothing is sent before the pictures are predicted."""
    return PseudoTerminal([*CATFLAP, folder, "--model", model, "--preview", "off", "--order", "name"])


def shown(app: PseudoTerminal) -> list[int]:
    """The numbers of verdicts that the screen showed, one after another."""
    numbers = [
        int(each.replace(",", "")) for each in COUNT.findall(ESCAPES.sub(b"", bytes(app.said)).decode(errors="replace"))
    ]
    return [number for at, number in enumerate(numbers) if at == 0 or number != numbers[at - 1]]


def undisturbed(folder: Path, model: Path, keys: str) -> list[Entry]:
    """What the keys leave in the journal when nobody is killed."""
    with app_on(folder, model) as app:
        _opened(app)
        for key in keys:
            app.send(key)
            app.settle(quiet=PACE_S, seconds=1)
        app.send("q")
        app.wait()
    with Journal(folder / ".catflap" / "journal.db", read_only=True) as journal:
        return list(journal.entries())


def kill_while_labelling(folder: Path, model: Path, keys: str, expected: list[Entry], chance: random.Random) -> list[str]:
    """Kill at a random moment of the keys; then everything is held against what the screen showed."""
    with app_on(folder, model) as app:
        _opened(app)
        moment = time.monotonic() + chance.uniform(0, PACE_S * len(keys))
        for key in keys:
            if time.monotonic() >= moment:
                break
            app.send(key)
            app.read(PACE_S)
        left = _kill(app, chance)
        seen = shown(app)
    found = faults(folder, model, {}) + verdict_faults(folder, expected, seen)
    return found + [f"{left} processes outlive the app"] * bool(left)


def retrain_s(folder: Path, model: Path) -> float:
    """How long a retrain takes when nobody is killed."""
    with app_on(folder, model) as app:
        _judged(app)
        began = time.monotonic()
        app.send("r")
        app.wait_for("Saved as version 1")
        return time.monotonic() - began


def kill_while_retraining(folder: Path, model: Path, takes_s: float, chance: random.Random) -> list[str]:
    """Kill at a random moment after `r`; the versions that the screen announced are there."""
    with app_on(folder, model) as app:
        _judged(app)
        app.send("r")
        end = time.monotonic() + chance.uniform(0, 1.1 * takes_s)
        while time.monotonic() < end:
            app.read(0.02)
        left = _kill(app, chance)
        saved = re.findall(r"Saved as version (\d+)", app.text)
        seen = shown(app)
    found = faults(folder, model, {"version": int(saved[-1])} if saved else {})
    with Journal(folder / ".catflap" / "journal.db", read_only=True) as journal:
        held = len(journal.in_force())
    found += [f"{held} verdicts of 6 are kept"] * (held < max(seen))
    return found + [f"{left} processes outlive the app"] * bool(left)


def _judged(app: PseudoTerminal) -> None:
    _opened(app)
    app.send("xxaxax")
    app.wait_for("6 verdicts")


def _opened(app: PseudoTerminal) -> None:
    app.wait_for(" %")
    app.wait_for("images · 0 verdicts")
    app.settle()


def _kill(app: PseudoTerminal, chance: random.Random) -> int:
    """SIGKILL to the app, or to all of its processes at once; how many of them stay."""
    family = psutil.Process(app.pid).children(recursive=True)
    if chance.random() < 0.5:
        os.killpg(os.getpgid(app.pid), signal.SIGKILL)
    else:
        os.kill(app.pid, signal.SIGKILL)
    while app.read(0.05):
        pass
    app.wait()
    _, alive = psutil.wait_procs(family, ENDS_S)
    return len(alive)


def copied(template: Path, place: Path) -> tuple[Path, Path]:
    """A folder of pictures, opened before, and its model, of one's own."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)
    return place / "pictures", place / "small.mlmodel"
