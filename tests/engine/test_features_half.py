"""Features kept as float16, and stores that pass from one precision to the other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import FolderError
from engine.features import INDEX, FeatureStore
from tests.engine.test_features import ROW_BYTES, SHAPE, add, data_of, features, folder, key
from tests.engine.test_features_damage import files_no_larger_than

__all__ = ["folder"]

HALF_BYTES = ROW_BYTES // 2


def halved(*numbers: int) -> NDArray[np.float32]:
    return features(*numbers).astype(np.float16).astype(np.float32)


def given(store: FeatureStore, *numbers: int) -> NDArray[np.float32]:
    return store.read(store.find([key(number) for number in numbers]))


def test_rows_are_half_as_wide_and_come_back_as_float32(folder: Path) -> None:
    with FeatureStore(folder, SHAPE, half=True) as store:
        add(store, 1, 2, 3, 4, 5)
        add(store, 6, 7)
        assert data_of(folder).name.endswith(".f16") and data_of(folder).stat().st_size == 7 * HALF_BYTES
        assert np.array_equal(np.fromfile(data_of(folder), "<f2").reshape(-1, *SHAPE), halved(*range(1, 8)))
    with FeatureStore(folder, SHAPE, half=True) as store:
        assert store.matrix().dtype == np.float16 and np.array_equal(store.matrix(), halved(*range(1, 8)))
        assert given(store, 7, 2, 3).dtype == np.float32 and np.array_equal(given(store, 7, 2, 3), halved(7, 2, 3))
        blocks = [block for _, block in store.blocks(np.arange(7), 3)]
        assert {block.dtype for block in blocks} == {np.dtype(np.float32)}
        assert np.array_equal(np.concatenate(blocks), halved(*range(1, 8)))


def test_numbers_beyond_float16_become_its_ends(folder: Path) -> None:
    wide = np.array([[1e5, -1e30, np.inf, -np.inf, 65519.9, 1e-9, np.nan]], np.float32)
    with FeatureStore(folder, (7,), half=True) as store:
        store.append([key(1)], wide)
        assert np.array_equal(store.read(np.array([0]))[0, :6], [65504, -65504, 65504, -65504, 65504, 0])
        assert np.isnan(store.read(np.array([0]))[0, 6])


def test_a_store_of_the_other_precision_is_converted(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3, 4, 5)
    with FeatureStore(folder, SHAPE, half=True) as store:
        assert len(store) == 5 and np.array_equal(given(store, 4, 1, 5, 2, 3), halved(4, 1, 5, 2, 3))
        assert data_of(folder).stat().st_size == 5 * HALF_BYTES
        add(store, 6)
    with FeatureStore(folder, SHAPE) as store:
        assert len(store) == 6 and np.array_equal(given(store, *range(1, 7)), halved(*range(1, 7)))
        assert data_of(folder).stat().st_size == 6 * ROW_BYTES
        add(store, 7)
        assert np.array_equal(given(store, 7, 6), np.concatenate([features(7), halved(6)]))
    with closing(sqlite3.connect(folder / INDEX)) as index:
        assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_an_empty_store_is_converted(folder: Path) -> None:
    FeatureStore(folder, SHAPE).close()
    with FeatureStore(folder, SHAPE, half=True) as store:
        add(store, 3)
        assert np.array_equal(given(store, 3), halved(3))


@pytest.fixture
def blocks_of_two_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("engine.store_rewrite.BLOCK_BYTES", 2 * ROW_BYTES + 1)
    yield


@pytest.mark.usefixtures("blocks_of_two_rows")
def test_a_damaged_row_is_not_made_good_by_converting(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(9))
    content = bytearray(data_of(folder).read_bytes())
    for row in (2, 3, 8):
        content[row * ROW_BYTES + 1] ^= 0x40
    data_of(folder).write_bytes(content)
    sound = (0, 1, 4, 5, 6, 7)
    with FeatureStore(folder, SHAPE, half=True) as store:
        assert store.find([key(n) for n in range(9)]).tolist() == [0, 1, -1, -1, 2, 3, 4, 5, -1]
        assert np.array_equal(given(store, *sound), halved(*sound))
        assert data_of(folder).stat().st_size == 6 * HALF_BYTES


def test_who_has_the_old_file_open_keeps_it_and_changes_over_at_the_next_append(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as old:
        add(old, 1, 2, 3)
        view = old.matrix()
        with FeatureStore(folder, SHAPE, half=True) as new:
            assert np.array_equal(given(new, 1, 2, 3), halved(1, 2, 3))
        assert np.array_equal(given(old, 2, 3), features(2, 3))
        add(old, 4)
        assert np.array_equal(given(old, 1, 2, 3, 4), np.concatenate([halved(1, 2, 3), features(4)]))
        assert np.array_equal(view, features(1, 2, 3)) and len(old) == 4


def test_a_full_disk_leaves_the_store_in_its_old_precision(folder: Path) -> None:
    with FeatureStore(folder, SHAPE, half=True) as store:
        add(store, *range(1000))
    with files_no_larger_than(70_000), pytest.raises(FolderError, match="cannot be written"):
        FeatureStore(folder, SHAPE)
    assert data_of(folder).stat().st_size == 1000 * HALF_BYTES
    with FeatureStore(folder, SHAPE, half=True) as store:
        assert np.array_equal(given(store, *range(1000)), halved(*range(1000)))


def test_files_that_the_index_does_not_name_are_removed(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2)
    present = data_of(folder)
    for name in ("features-2.f16", "features-7.f32", "features.f32"):
        (folder / name).write_bytes(b"left behind")
    (folder / "notes.txt").write_bytes(b"a person's")
    with FeatureStore(folder, SHAPE) as store:
        assert np.array_equal(given(store, 2, 1), features(2, 1))
        assert data_of(folder) == present and (folder / "notes.txt").exists()
