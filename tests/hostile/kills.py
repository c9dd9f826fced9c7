"""Kill Catflap at random moments and look what is lost: `python -m tests.hostile.kills [--kills 500]`."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import psutil

from engine import keeping
from engine.journal import Journal
from engine.workspace import Workspace
from tests.conftest import picture, small_model
from tests.hostile import kill_app
from tests.hostile.kill_checks import faults
from tests.hostile.kill_engine import KINDS, work
from tests.hostile.record import RECORDS, Line, write
from tests.pseudo_terminal import CATFLAP, ROOT

PICTURES = 24
RENEWED = 10
"""Kills after which a folder is begun again."""
LONGEST_S = 0.5
"""After the engine is ready: the latest moment of a kill."""
Kill = Callable[[int], list[str]]
"""The number of a kill to what is wrong after it."""


class Harness:
    """Folders to kill in."""

    def __init__(self, base: Path, seed: int) -> None:
        self._base, self._chance = base, random.Random(seed)
        self._spoilt: set[str] = set()
        self._fork = get_context("forkserver")
        self._fork.set_forkserver_preload(["engine.workspace", "engine.trainers", "tests.hostile.kill_engine"])
        self._template = base / "template"
        folder = self._template / "pictures"
        folder.mkdir(parents=True)
        for index in range(PICTURES):
            picture(index % 2, index).save(folder / f"{'cd'[index % 2]}{index:02d}.png")
        model = self._template / "small.mlmodel"
        model.write_bytes(small_model(seed=1).SerializeToString())
        with Workspace(folder, model) as workspace:
            list(workspace.scan())
        with (self._template / "labels.csv").open("w") as file:
            file.write("path,label\n" + "".join(f"pictures/c{at:02d}.png,Cat\n" for at in range(0, PICTURES, 2)))

    def kinds(self, only: str) -> dict[str, Kill]:
        """By what is going on, as far as `only` is a part of its name: how to kill it."""
        make: dict[str, Callable[[], Kill]] = {
            **{f"the app: {name}": partial(self._labelling, keys) for name, keys in kill_app.KEYS.items()},
            "the app: retraining, saving": self._retraining,
            **{f"the engine: {name}": partial(self._engine, name) for name in KINDS},
            "catflap retrain": partial(self._command, lambda at: ["retrain", at / "pictures"]),
            "catflap import": partial(self._command, lambda at: ["import", at / "pictures", at / "labels.csv"]),
        }
        return {name: begin() for name, begin in make.items() if only in name}

    def _fresh(self, name: str) -> tuple[Path, Path]:
        folder, model = kill_app.copied(self._template, self._base / name)
        with Workspace(folder, model):
            # The folder remembers where its model lies.
            return folder, model

    def _labelling(self, keys: str) -> Kill:
        folder, model = self._fresh("dry")
        expected = kill_app.undisturbed(folder, model, keys)

        def kill(number: int) -> list[str]:
            return kill_app.kill_while_labelling(*self._fresh("app"), keys, expected, self._chance)

        return kill

    def _retraining(self) -> Kill:
        takes_s = kill_app.retrain_s(*self._fresh("dry"))
        return lambda number: kill_app.kill_while_retraining(*self._fresh("app"), takes_s, self._chance)

    def _engine(self, kind: str) -> Kill:
        place = kind.split()[0].strip(",")

        def kill(number: int) -> list[str]:
            # What one kill leaves is what the next one meets.
            fresh = number % RENEWED == 0 or kind in self._spoilt
            folder, model = (
                self._fresh(place) if fresh else (self._base / place / "pictures", self._base / place / "small.mlmodel")
            )
            if fresh and kind == "restoring":
                self._with_versions(folder, model)
            promised = self._killed(kind, folder, model)
            with patch.object(keeping, "LEAST_BYTES", 0):
                found = faults(folder, model, promised)
            found += ["it ended by itself"] * promised.get("ended", 0)
            (self._spoilt.add if found else self._spoilt.discard)(kind)
            return found

        return kill

    def _killed(self, kind: str, folder: Path, model: Path) -> dict[str, int]:
        """What the process announced before it was killed, the most of each kind."""
        pipe, theirs = self._fork.Pipe(duplex=False)
        process = self._fork.Process(target=work, args=(kind, folder, model, self._chance.randrange(10**6), theirs))
        process.start()
        theirs.close()
        promised: Counter[str] = Counter()
        end = time.monotonic() + 60
        with suppress(EOFError, OSError):
            while True:
                if not pipe.poll(max(0.0, end - time.monotonic())):
                    process.kill()
                    end = time.monotonic() + 5
                    continue
                what, number = pipe.recv_bytes().decode().split()
                promised[what] = max(promised[what], int(number))
                if what == "ready":
                    end = time.monotonic() + self._chance.uniform(0, LONGEST_S)
                elif time.monotonic() >= end:
                    process.kill()
        process.join()
        return dict(promised) | {"ended": int(process.exitcode != -signal.SIGKILL)}

    def _with_versions(self, folder: Path, model: Path) -> None:
        with Journal(folder / ".catflap" / "journal.db"):
            pass
        self._killed("training, saving, promoting", folder, model)

    def _command(self, arguments: Callable[[Path], list[object]]) -> Kill:
        self._fresh("command")
        place = self._base / "command"
        self._give_verdicts(place)
        began = time.monotonic()
        subprocess.run([*CATFLAP, *map(str, arguments(place))], cwd=ROOT, check=True, capture_output=True)
        takes_s = time.monotonic() - began
        whole = self._steps(place)

        def kill(number: int) -> list[str]:
            folder, model = self._fresh("command")
            before = self._give_verdicts(place)
            process = subprocess.Popen(
                [*CATFLAP, *map(str, arguments(place))], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            # Most of the time goes into starting; what matters comes in the end.
            time.sleep(takes_s * self._chance.uniform(0.5, 1.05))
            with suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()
            # A step is there, or it is not.
            found = [] if self._steps(place) in (whole, whole[:before]) else ["steps are lost, or there in part"]
            return found + faults(folder, model, {})

        return kill

    def _steps(self, place: Path) -> list[int]:
        """How many verdicts each step in the journal holds."""
        with Journal(place / "pictures" / ".catflap" / "journal.db", read_only=True) as journal:
            return [len(entry.verdicts) for entry in journal.entries()]

    def _give_verdicts(self, place: Path) -> int:
        """Some verdicts that are there before; how many entries."""
        from engine.journal import Verdict

        with Workspace(place / "pictures") as workspace:
            list(workspace.scan())
            contents = [content for _, content, _ in workspace._shown]
        with Journal(place / "pictures" / ".catflap" / "journal.db") as journal:
            for at, content in enumerate(contents[:7]):
                journal.append([Verdict(content, ("Cat", "Dog")[at % 2], "Cat", 0)], 1.0)
        return 7


def run(kills: int, seed: int, only: str = "") -> Iterator[tuple[str, list[str]]]:
    """What was killed, and what was wrong after it, kill by kill."""
    with tempfile.TemporaryDirectory() as base:
        harness = Harness(Path(base), seed)
        kinds = harness.kinds(only)
        for number in range(kills):
            name = list(kinds)[number % len(kinds)]
            yield name, kinds[name](number // len(kinds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="what is killed: a part of its name")
    given = parser.parse_args()
    times: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for name, found in run(given.kills, given.seed, given.only):
        times[name] += 1
        wrong[name] += bool(found)
        sys.stdout.write(f"{sum(times.values())} {name}: {'; '.join(found) or 'nothing lost'}\n")
        sys.stdout.flush()
    lines = [
        Line(f"SIGKILL during {name}", times[name], f"{wrong[name]} times" if wrong[name] else "nothing") for name in times
    ]
    if not given.only:
        write("kills", "Kills", f"python -m tests.hostile.kills --kills {given.kills}", lines, RECORDS)
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
