"""Pictures that were made to do harm, and thousands that were changed: `python -m tests.hostile.pictures [--files 20000]`.

Each goes through the processes that read pictures; none may end the one that asks, or keep it longer than the limit. Those
that end their reader are counted: they cost themselves alone.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.decoders import ENDS, Decoders, Found
from engine.files import NO_ROOM
from engine.reading import in_order
from engine.spec.interface import ImageFeature
from tests.hostile.corpus import HARMFUL, KINDS, READ, cut, saved, waves
from tests.hostile.record import Line, write

SIZE = ImageFeature("image", 15, 11, "RGB")
BATCH = 50


def mutated(rng: np.random.Generator, count: int) -> Iterator[tuple[str, bytes]]:
    """Pictures of every kind in which something is changed: bytes, a piece that is cut, doubled, or another file's."""
    whole = {kind: saved(kind, waves((23, 17)), **options) for kind, options in KINDS.items()}
    kinds = list(whole)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = bytearray(whole[kind])
        for _ in range(int(rng.integers(1, 6))):
            CHANGES[int(rng.integers(len(CHANGES)))](rng, data, whole[kinds[int(rng.integers(len(kinds)))]])
        yield kind, bytes(data)


def _bytes(rng: np.random.Generator, data: bytearray, other: bytes) -> None:
    """Some bytes, the head's more often than others."""
    for _ in range(int(rng.integers(1, 8))):
        if data:
            data[int(rng.integers(min(len(data), rng.choice([64, 400, len(data)])) or 1))] = int(rng.integers(256))


def _extremes(rng: np.random.Generator, data: bytearray, other: bytes) -> None:
    """A number that is as large, or as small, as can be."""
    at, width = int(rng.integers(len(data) + 1)), int(rng.choice([2, 4]))
    data[at : at + width] = rng.choice([b"\xff", b"\x00", b"\x7f", b"\x80"]).tobytes() * width


def _cut(rng: np.random.Generator, data: bytearray, other: bytes) -> None:
    """A piece is gone."""
    at = int(rng.integers(len(data) + 1))
    del data[at : at + int(rng.integers(1, 40))]


def _doubled(rng: np.random.Generator, data: bytearray, other: bytes) -> None:
    """A piece comes twice."""
    at = int(rng.integers(len(data) + 1))
    data[at:at] = data[at : at + int(rng.integers(1, 60))]


def _spliced(rng: np.random.Generator, data: bytearray, other: bytes) -> None:
    """The rest is another file's."""
    at = int(rng.integers(len(data) + 1))
    data[at:] = other[at:]


CHANGES = (_bytes, _bytes, _extremes, _cut, _doubled, _spliced)


def _said(files: list[tuple[str, bytes]], folder: Path, decoders: Decoders) -> list[tuple[str, Found, float]]:
    found: list[tuple[str, Found, float]] = []
    for name, data in files:
        path = folder / name
        path.write_bytes(data)
        begun = time.monotonic()
        found.append((name, decoders.read(path, SIZE, lambda _: True), time.monotonic() - begun))
        path.unlink()
    return found


def _tried(what: str, batches: Iterator[list[tuple[str, bytes]]], folder: Path) -> Line:
    """What came of these files; `what` they are."""
    decoders = Decoders()
    times, counts, slowest, wrong = 0, Counter[str](), 0.0, list[str]()
    for batch in in_order(batches, lambda each: _said(each, folder, decoders), decoders):
        for name, found, seconds in batch:
            times, slowest = times + 1, max(slowest, seconds)
            counts["read" if not found.problem else "refused"] += 1
            for problem, words in ((ENDS, "ended their reader"), (NO_ROOM, "had no memory")):
                counts[words] += found.problem == problem
            counts["took too long"] += "seconds" in found.problem
            if name in HARMFUL and not any(each in found.problem and bool(each) == bool(found.problem)
                                           for each in (*HARMFUL[name][1], ENDS)):  # fmt: skip
                wrong.append(f"{name}: {found.problem or READ}")
    said = ", ".join(f"{number:,} {words}" for words, number in counts.items() if number)
    sys.stderr.write(f"{what}: {times:,}; {said}; the slowest {slowest:.1f} s; {wrong or 'nothing'} wrong\n")
    return Line(f"{what} ({said})", times, "; ".join(wrong) or "nothing")


def _batches(files: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    held: list[tuple[str, bytes]] = []
    for each in files:
        held.append(each)
        if len(held) == BATCH:
            yield held
            held = []
    yield held


def main() -> None:
    """Try them all, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    changed = ((f"{n}.{kind.lower()}", data) for n, (kind, data) in enumerate(mutated(rng, given.files)))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lines = [
            _tried("pictures made to do harm", ([(name, make())] for name, (make, _) in HARMFUL.items()), folder),
            _tried("pictures that end at every tenth", _batches(cut()), folder),
            _tried("pictures in which bytes are changed, cut, doubled or another's", _batches(changed), folder),
        ]
    write("pictures", "Pictures", "python -m tests.hostile.pictures", lines)


if __name__ == "__main__":
    main()
