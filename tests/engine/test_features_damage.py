"""Stored features come back or count as absent, whatever ends the process or happens to the files."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.errors import FolderError
from engine.features import INDEX, FeatureStore
from tests.engine.test_features import ROW_BYTES, SHAPE, add, folder, holds, key

__all__ = ["folder"]

ROOT = Path(__file__).resolve().parents[2]
DATA = "features-1.f32"


def test_a_torn_tail_of_data_is_dropped_at_every_byte(folder: Path, tmp_path: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
    torn = tmp_path / "torn"
    for cut in range(ROW_BYTES + 1):
        shutil.copytree(folder, torn, dirs_exist_ok=True)
        os.truncate(torn / DATA, 2 * ROW_BYTES + cut)
        whole = (1, 2, 3)[: 2 + (cut == ROW_BYTES)]
        with FeatureStore(torn, SHAPE) as store:
            assert holds(store, *whole)
            add(store, 3, 4)
            assert holds(store, 1, 2, 3, 4)
        assert (torn / DATA).stat().st_size == 4 * ROW_BYTES


def test_data_that_no_index_names_is_dropped(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
    for extra in range(1, ROW_BYTES + 2):
        with (folder / DATA).open("ab") as file:
            file.write(b"\x7f" * extra)
        with FeatureStore(folder, SHAPE) as store:
            assert holds(store, 1, 2, 3)
        assert (folder / DATA).stat().st_size == 3 * ROW_BYTES


def test_a_torn_index_log_loses_its_tail_only(folder: Path, tmp_path: Path) -> None:
    log = folder / f"{INDEX}-wal"
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
        before = log.stat().st_size
        add(store, 4)
        kept = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    torn = tmp_path / "torn"
    torn.mkdir()
    for cut in (*range(before, len(kept[log.name]), 131), len(kept[log.name])):
        for name, content in (*kept.items(), (log.name, kept[log.name][:cut])):
            (torn / name).write_bytes(content)
        whole = (1, 2, 3, 4) if cut == len(kept[log.name]) else (1, 2, 3)
        with FeatureStore(torn, SHAPE) as store:
            assert holds(store, *whole)
            add(store, 4, 5)
            assert holds(store, 1, 2, 3, 4, 5)


def test_a_flipped_bit_makes_a_row_absent_until_it_is_appended_again(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3, 4)
    content = bytearray((folder / DATA).read_bytes())
    content[2 * ROW_BYTES - 1] ^= 0x10
    (folder / DATA).write_bytes(content)
    with FeatureStore(folder, SHAPE) as store:
        rows = store.find([key(n) for n in (4, 2, 1)])
        with pytest.raises(FolderError, match="1 of 3 images") as caught:
            store.read(rows)
        assert caught.value.hint
        assert store.find([key(2)]).tolist() == [-1] and key(2) not in store
        assert holds(store, 1, 3, 4)
        add(store, 1, 2)
        assert holds(store, 1, 2, 3, 4)
        assert store.verify(rows).tolist() == [True, False, True]
        assert len(store.matrix()) == 5
    with FeatureStore(folder, SHAPE) as store:
        assert store.verify(np.arange(6)).tolist() == [True, False, True, True, True, False]
        assert holds(store, 1, 2, 3, 4)


def test_a_row_that_another_process_replaced_is_not_mistaken_for_its_successor(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2)
    with (folder / DATA).open("r+b") as file:
        file.write(b"\x55")
    with FeatureStore(folder, SHAPE) as one, FeatureStore(folder, SHAPE) as other:
        assert other.verify(other.find([key(1)])).tolist() == [False]
        add(other, 1)
        add(one, 3)
        assert one.verify(np.arange(4)).tolist() == [False, True, True, True]
        assert holds(one, 1, 2, 3)


def test_a_row_that_another_process_replaced_is_free(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as one:
        add(one, 1, 2)
        with FeatureStore(folder, SHAPE) as other:
            with (folder / DATA).open("r+b") as file:
                file.write(b"\x55")
            assert other.sound([key(1), key(2)]).tolist() == [False, True]
            add(other, 1)
        add(one, 3, 4)
        assert one.find([key(1), key(2), key(3), key(4)]).tolist() == [2, 1, 0, 3]
        assert holds(one, 1, 2, 3, 4)


def test_data_that_was_cut_short_while_it_is_open_is_not_mapped(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
        os.truncate(folder / DATA, 3 * ROW_BYTES - 1)
        with pytest.raises(FolderError, match="cut short"):
            store.sound([key(1)])


def test_a_row_is_on_the_disk_before_the_index_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[int, int]] = []

    def seen(descriptor: int) -> None:
        with closing(sqlite3.connect(folder / INDEX)) as index:
            (named,) = index.execute("SELECT count(*) FROM features").fetchone()
        flushed.append((os.fstat(descriptor).st_size // ROW_BYTES, named))

    with FeatureStore(folder, SHAPE) as store:
        monkeypatch.setattr(os, "fsync", seen)
        add(store, 1, 2, 3)
        add(store, 4)
    assert flushed == [(3, 0), (4, 3)]


def mark(index: Path, name: str, number: int) -> None:
    with closing(sqlite3.connect(index, isolation_level=None)) as other:
        other.execute(f"PRAGMA {name} = {number}")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda index: index.write_bytes(b"not a database, " * 300),
        lambda index: index.write_bytes(index.read_bytes()[:5000]),
        lambda index: index.write_bytes(b""),
        lambda index: index.unlink(),
        lambda index: mark(index, "application_id", 77),
        lambda index: mark(index, "user_version", 3),
        lambda index: mark(index, "user_version", 0),
    ],
    ids=["garbage", "cut", "empty", "gone", "another", "newer", "older"],
)
def test_an_index_that_makes_no_sense_is_made_anew(folder: Path, spoil) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
    spoil(folder / INDEX)
    with FeatureStore(folder, SHAPE) as store:
        assert holds(store) and (folder / DATA).stat().st_size == 0
        add(store, 4, 5)
    with FeatureStore(folder, SHAPE) as store:
        assert holds(store, 4, 5)


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_store_as_it_was(folder: Path) -> None:
    many = range(1000, 2000)
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2)
        with files_no_larger_than(100_000), pytest.raises(FolderError, match="cannot be written") as caught:
            add(store, *many)
        assert caught.value.hint and (folder / DATA).stat().st_size == 2 * ROW_BYTES
        assert holds(store, 1, 2)
        add(store, 3)
        assert holds(store, 1, 2, 3)
    with FeatureStore(folder, SHAPE) as store:
        assert holds(store, 1, 2, 3)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from engine.features import FeatureStore
store = FeatureStore(Path(sys.argv[1]), (3, 2, 5))
for batch in range(10**9):
    numbers = range(7 * batch, 7 * batch + 7)
    rows = [np.random.default_rng(number).standard_normal((3, 2, 5), np.float32) for number in numbers]
    store.append([number.to_bytes(16, "big") for number in numbers], np.array(rows))
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("acknowledged", [1, 4, 23])
def test_a_kill_loses_at_most_the_last_batch(folder: Path, acknowledged: int) -> None:
    command = [sys.executable, "-c", WRITER, folder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.endswith("\n")]
    with FeatureStore(folder, SHAPE) as store:
        batches, rest = divmod(len(store), 7)
        assert rest == 0 and len(said) <= batches <= len(said) + 1
        assert holds(store, *range(7 * batches))
        add(store, 10**6)
        assert holds(store, *range(7 * batches), 10**6)
