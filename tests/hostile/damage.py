"""Damage a journal and a catalogue in hundreds of places, and open them: `python -m tests.hostile.damage`."""

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from engine.catalogue import RETRAINED, Catalogue, Known, Version
from engine.catalogue_recovery import open_catalogue
from engine.journal import Journal, Verdict
from engine.journal_recovery import open_journal
from engine.listing import Stamp
from tests.hostile.record import Line, write

PAGE = 4096
TIMES = 400
"""Of each of the two."""


def _flip(data: bytearray, at: int, rng: random.Random) -> None:
    data[at] ^= 1 << rng.randrange(8)


def _zero(data: bytearray, at: int, rng: random.Random) -> None:
    begin = at // PAGE * PAGE
    data[begin : begin + PAGE] = bytes(len(data[begin : begin + PAGE]))


def _garbage(data: bytearray, at: int, rng: random.Random) -> None:
    data[at : at + PAGE] = rng.randbytes(len(data[at : at + PAGE]))


def _cut(data: bytearray, at: int, rng: random.Random) -> None:
    del data[at:]


def _head(data: bytearray, at: int, rng: random.Random) -> None:
    begin, length = rng.randrange(100), rng.choice([1, 2, 4, 16])
    data[begin : begin + length] = rng.randbytes(length)


DAMAGES: dict[str, Callable[[bytearray, int, random.Random], None]] = {
    "a bit flipped": _flip,
    "a page zeroed": _zero,
    "a page of garbage": _garbage,
    "cut off": _cut,
    "the header overwritten": _head,
}


def verdict(number: int) -> Verdict:
    """One of those that the journal is made of."""
    return Verdict(number.to_bytes(16, "big"), ("Cat", "Dog", None)[number % 3], "Dog", number % 5)


def make_journal(path: Path) -> tuple[list[bytes], set[tuple[int, Verdict]]]:
    """A database and a log that belong together, as after an end without a goodbye; and all verdicts in them, by step."""
    with Journal(path) as journal:
        for step in range(1, 60):
            if step % 17 in (5, 6):
                (journal.undo, journal.redo)[step % 17 - 5](float(step))
            else:
                journal.append([verdict(100 * step + n) for n in range(1 + step % 7 * 5)], step + 0.25)
    with Journal(path) as journal:
        for step in range(60, 66):
            journal.append([verdict(100 * step + n) for n in range(3)], float(step))
        said = {(entry.id, one) for entry in journal.entries() for one in entry.verdicts}
        return [path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()], said


def make_catalogue(path: Path) -> tuple[list[bytes], list[Version]]:
    """Likewise; and its versions."""
    rng = np.random.default_rng(0)
    versions = [Version(n, f"{n:032x}", f"{n:04d}.mlmodel", n + 0.5, RETRAINED, "edit", n, 1) for n in range(9)]
    with Catalogue(path) as catalogue:
        keys = [rng.bytes(16) for _ in range(700)]
        catalogue.put_images({f"{n:04d}.jpg": Known(Stamp(n, 10**18 + n, n), keys[n]) for n in range(700)})
        catalogue.put_predictions("m", keys, rng.random((700, 3), np.float32))
        for each in versions:
            catalogue.put_version(each)
        catalogue.remember("held_out", "test")
    with Catalogue(path) as catalogue:
        catalogue.put_images({"0003.jpg": Known(Stamp(1, 2, 3), keys[5])})
        return [path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()], versions


def sweep(times: int, seed: int, whole: list[bytes], name: str) -> Iterator[tuple[str, bool, Path]]:
    """Damage, whether it is in the log, and the database's path, whose folder is gone at the next step."""
    rng = random.Random(seed)
    for _ in range(times):
        files = [bytearray(each) for each in whole]
        which, (kind, damage) = rng.randrange(2), rng.choice(list(DAMAGES.items()))
        damage(files[which], rng.randrange(len(files[which])), rng)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            for end, data in zip(("", "-wal"), files, strict=True):
                path.with_name(name + end).write_bytes(data)
            yield kind, bool(which), path


def journal_right(path: Path, said: set[tuple[int, Verdict]], kind: str, in_log: bool) -> bool:
    """Whether nothing is silently lost or let in; of a log, the last step, or what is cut off, may be what an end tore."""
    before = path.read_bytes()
    journal, words = open_journal(path)
    with closing(journal):
        found = {(entry.id, one) for entry in journal.entries() for one in entry.verdicts}
        journal.append([verdict(1)], 1.0)
    Journal(path).close()
    kept = [each.read_bytes() for each in path.parent.glob("*.damaged-*.db")]
    if words:
        return found <= said and kept == [before]
    missing = {step for step, _ in said - found}
    torn = set(range(60, 66)) if kind == "cut off" else {65}
    return found <= said and not kept and missing <= (torn if in_log else set())


def catalogue_right(path: Path, versions: list[Version]) -> bool:
    """Whether it can be used, and has no version that there was not."""
    before = path.read_bytes()
    catalogue, words = open_catalogue(path.parent, path.parent)
    with closing(catalogue):
        catalogue.put_images({"new.jpg": Known(Stamp(1, 2, 3), bytes(16))})
        numbers = {each.version for each in catalogue.versions()}
    kept = [each.read_bytes() for each in path.parent.glob("*.damaged-*.db")]
    return kept == ([before] if words else []) and numbers <= {each.version for each in versions}


def main() -> int:
    """Both, and the record."""
    with tempfile.TemporaryDirectory() as folder:
        journal, said = make_journal(Path(folder) / "journal.db")
        catalogue, versions = make_catalogue(Path(folder) / "catalogue.db")
    wrong = {
        "journal": [
            kind
            for kind, in_log, path in sweep(TIMES, 1, journal, "journal.db")
            if not journal_right(path, said, kind, in_log)
        ],
        "catalogue": [
            kind for kind, _, path in sweep(TIMES, 2, catalogue, "catalogue.db") if not catalogue_right(path, versions)
        ],
    }
    lines = [
        Line(f"a {name} with a bit flipped, a page zeroed or of garbage, cut off", TIMES, ", ".join(found) or "nothing")
        for name, found in wrong.items()
    ]
    write("damage", "Damaged databases", "python -m tests.hostile.damage", lines)
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
