"""The engine's work, over and over, in a process that is killed; what it announces comes through a pipe."""

import os
import random
import time
from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

Say = Callable[[str, int], None]


def work(kind: str, folder: Path, model: Path, seed: int, pipe: Connection) -> None:
    """Until the kill."""
    os.environ["CATFLAP_SETTINGS"] = os.devnull
    KINDS[kind](folder, model, random.Random(seed), lambda what, number: pipe.send_bytes(f"{what} {number}".encode()))


def _scan(folder: Path, model: Path, chance: random.Random, say: Say) -> None:
    from engine.events import FeaturesRead
    from engine.workspace import Workspace

    with Workspace(folder, model) as workspace:
        say("ready", 0)
        for turn in count():
            for event in workspace.scan():
                if isinstance(event, FeaturesRead):
                    say("features", len(workspace._store))
            _add_pictures(folder, chance, 40, f"n{os.getpid()}-{turn}")


def _add_pictures(folder: Path, chance: random.Random, number: int, name: str) -> None:
    """Copies with other bytes behind the picture's end: other contents, the same pixels."""
    some = sorted(folder.glob("*.png"))[:24]
    for index in range(number):
        data = chance.choice(some).read_bytes() + chance.randbytes(8)
        (folder / f"{name}-{index}.png").write_bytes(data)


def _train(folder: Path, model: Path, chance: random.Random, say: Say) -> None:
    from engine.events import ModelSaved
    from engine.trainers import Settings
    from engine.workspace import Workspace

    with Workspace(folder, model) as workspace:
        list(workspace.scan())
        contents = [content for _, content, _ in workspace._shown]
        say("ready", 0)
        while True:
            some = chance.sample(contents, 9)
            verdicts = {content: ("Cat", "Dog")[index % 2] for index, content in enumerate(some)}
            for event in workspace.retrain(verdicts, "edit", Settings(), time.time(), force=True):
                if isinstance(event, ModelSaved):
                    say("version", event.version)


def _restore(folder: Path, model: Path, chance: random.Random, say: Say) -> None:
    from engine.workspace import Workspace

    with Workspace(folder, model) as workspace:
        list(workspace.scan())
        versions = [each.version for each in workspace.versions.all()]
        say("ready", 0)
        while True:
            list(workspace.restore(chance.choice(versions), time.time()))


def _evict(folder: Path, model: Path, chance: random.Random, say: Say) -> None:
    from engine import keeping
    from engine.trainers import Settings
    from engine.workspace import Workspace

    # So small a store as nobody may ask for: each block throws another one out.
    keeping.LEAST_BYTES = 0
    with Workspace(folder, model, keeping=keeping.Keeping("full", "20kB")) as workspace:
        say("ready", 0)
        for turn in count():
            _add_pictures(folder, chance, 20, f"e{os.getpid()}-{turn}")
            list(workspace.scan())
            some = [content for _, content, _ in workspace._shown][:7]
            verdicts = {content: ("Cat", "Dog")[index % 2] for index, content in enumerate(some)}
            list(workspace.retrain(verdicts, "edit", Settings(), time.time(), force=True))


KINDS: dict[str, Callable[[Path, Path, random.Random, Say], None]] = {
    "a scan": _scan,
    "training, saving, promoting": _train,
    "restoring": _restore,
    "eviction of features": _evict,
}
