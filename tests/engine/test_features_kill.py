"""Whatever moment an end comes at, every row that is named holds what was appended for its key."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.features import FeatureStore
from tests.engine.test_features import ROW_BYTES, SHAPE, folder, key

__all__ = ["folder"]

ROOT = Path(__file__).resolve().parents[2]
BATCH, LIMIT = 7, 23


def exact(*numbers: int) -> NDArray[np.float32]:
    """A row for each number that float16 holds exactly."""
    rows = [np.random.default_rng(number).integers(-2000, 2000, SHAPE) for number in numbers]
    return np.array(rows, np.float32).reshape(-1, *SHAPE)


def put(store: FeatureStore, *numbers: int) -> None:
    store.append([key(number) for number in numbers], exact(*numbers))


def kept(store: FeatureStore, numbers: range) -> list[int]:
    """Which of `numbers` the store names; every one of them has its own features, undamaged."""
    keys = [key(number) for number in numbers]
    named = [number for number, name in zip(numbers, keys, strict=True) if name in store]
    rows = store.find([key(number) for number in named])
    assert len(named) == len(store) and store.verify(rows).all()
    assert np.array_equal(store.read(rows), exact(*named))
    return named


WRITER = """
import sys
from pathlib import Path
from engine.features import FeatureStore
from tests.engine.test_features_kill import BATCH, put
folder, start, half, limit, flip = Path(sys.argv[1]), *map(int, sys.argv[2:])
store = FeatureStore(folder, (3, 2, 5), bool(half), limit or None)
for batch in range(10**9):
    put(store, *range(start + BATCH * batch, start + BATCH * (batch + 1)))
    sys.stdout.write(f"{start + BATCH * (batch + 1)}\\n")
    sys.stdout.flush()
    if flip:
        store.close()
        half = not half
        store = FeatureStore(folder, (3, 2, 5), half, limit or None)
"""


def killed(folder: Path, *settings: int, after_s: float) -> int:
    """Let a process append until it is killed; the number behind the last one that it said was kept."""
    command = [sys.executable, "-c", WRITER, folder, *map(str, settings)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        return int([said, *(line for line in process.stdout if line.endswith("\n"))][-1])


@pytest.mark.parametrize(
    ("half", "limit_bytes", "flip"),
    [(0, LIMIT * ROW_BYTES, 0), (1, LIMIT * ROW_BYTES // 2, 0), (0, 0, 1)],
    ids=["limited", "limited and half", "converted again and again"],
)
def test_a_kill_at_any_moment_leaves_no_wrong_row(folder: Path, half: int, limit_bytes: int, flip: int) -> None:
    moments, number = random.Random(7 + 2 * half + flip), 0
    for _ in range(5):
        said = killed(folder, number, half, limit_bytes, flip, after_s=moments.uniform(0, 0.04))
        with FeatureStore(folder, SHAPE, bool(half), limit_bytes or None) as store:
            named = kept(store, range(said + BATCH))
        # The batch that was under way is there as a whole or not at all, and only that many older rows may be gone.
        assert named[-1] + 1 in (said, said + BATCH)
        oldest = max(0, said - (LIMIT - BATCH)) if limit_bytes else 0
        assert set(range(oldest, said)) <= set(named)
        assert not limit_bytes or len(named) <= LIMIT
        number = named[-1] + 1


def every_moment(folder: Path, into: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> list[Path]:
    """Copies of the folder as an end during `work` would leave it: before and within each write, flush and removal."""
    moments: list[Path] = []
    untouched = {name: getattr(os, name) for name in ("pwrite", "fsync", "ftruncate", "unlink", "utime")}

    def seen() -> None:
        moments.append(into / str(len(moments)))
        with monkeypatch.context() as patch:
            for name, function in untouched.items():
                patch.setattr(os, name, function)
            # The file of shared memory goes with the process.
            shutil.copytree(folder, moments[-1], ignore=shutil.ignore_patterns("*-shm"))

    def half_written(descriptor: int, content: memoryview, offset: int) -> int:
        seen()
        return untouched["pwrite"](descriptor, content[: (len(content) + 1) // 2], offset)

    def first(function: Callable[..., None]) -> Callable[..., None]:
        def looked(*given: object, **named: object) -> None:
            seen()
            function(*given, **named)

        return looked

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half_written)
        for name in ("fsync", "ftruncate", "unlink", "utime"):
            patch.setattr(os, name, first(untouched[name]))
        work()
        seen()
    return moments


@pytest.mark.parametrize("half", [False, True])
def test_at_every_moment_of_giving_rows_up_all_named_rows_are_right(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    limit_bytes = 5 * ROW_BYTES // (1 + half)

    def work() -> None:
        put(store, 5, 6, 7)

    with FeatureStore(folder, SHAPE, half, limit_bytes) as store:
        put(store, *range(5))
        store.touch([key(1)])
        moments = every_moment(folder, tmp_path / "moments", monkeypatch, work)
    found = set[tuple[int, ...]]()
    for moment in moments:
        with FeatureStore(moment, SHAPE, half, limit_bytes) as store:
            found.add(tuple(kept(store, range(8))))
            put(store, 8, 9)
            assert {8, 9} <= set(kept(store, range(10)))
    assert found == {(1, 4), (1, 4, 5, 6, 7)} and len(moments) > 8


@pytest.mark.parametrize("half", [False, True])
def test_at_every_moment_of_converting_the_old_store_or_the_new_one_is_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    monkeypatch.setattr("engine.store_rewrite.BLOCK_BYTES", 2 * ROW_BYTES)
    with FeatureStore(folder, SHAPE, not half) as store:
        put(store, *range(5))
    moments = every_moment(folder, tmp_path / "moments", monkeypatch, lambda: FeatureStore(folder, SHAPE, half).close())
    assert len(moments) > 8
    for moment in moments:
        for kind in random.Random(len(moment.name)).sample([False, True], 2):
            with FeatureStore(moment, SHAPE, kind) as store:
                assert kept(store, range(6)) == [0, 1, 2, 3, 4]
                assert len(list(moment.glob("features*"))) == 1
