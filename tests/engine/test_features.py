"""Stored features come back bit for bit."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import FolderError
from engine.features import INDEX, FeatureStore, backbone_key

SHAPE = (3, 2, 5)
ROW_BYTES = 3 * 2 * 5 * 4


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def features(*numbers: int) -> NDArray[np.float32]:
    """Rows that are all different, and the same for the same number."""
    rows = [np.random.default_rng(number).standard_normal(SHAPE, np.float32) for number in numbers]
    return np.array(rows, np.float32).reshape(-1, *SHAPE)


def add(store: FeatureStore, *numbers: int) -> None:
    store.append([key(number) for number in numbers], features(*numbers))


def holds(store: FeatureStore, *numbers: int) -> bool:
    """Whether the store holds exactly `numbers`, each with its own features."""
    rows = store.find([key(number) for number in numbers])
    sound = store.verify(rows)
    return bool(sound.all()) and len(store) == len(numbers) and np.array_equal(store.read(rows), features(*numbers))


def data_of(folder: Path) -> Path:
    """The one data file in a store's folder."""
    (path,) = folder.glob("features*")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".catflap" / "features" / backbone_key(b"layers")


def test_rows_come_back_in_any_order_and_after_reopening(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3, 4)
        add(store, 5, 6, 7)
        assert holds(store, 6, 1, 7, 3, 2, 5, 4)
    with FeatureStore(folder, SHAPE) as store:
        assert holds(store, 2, 7, 4, 5, 1, 6, 3)
        assert (key(4) in store, key(8) in store) == (True, False)
        rows = store.find([key(8), key(5), key(1)])
        assert rows.dtype == np.int64 and rows.tolist() == [-1, 4, 0]
        assert store.verify(rows).tolist() == [False, True, True]
        assert store.read(np.array([2, 2, 0])).dtype == np.float32


def test_the_data_file_is_plain_float32(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3, 4)
        assert np.array_equal(np.fromfile(data_of(folder), "<f4").reshape(-1, *SHAPE), features(1, 2, 3, 4))
        assert store.size_bytes > 4 * ROW_BYTES
    with FeatureStore(folder, SHAPE) as store, closing(sqlite3.connect(folder / INDEX)) as index:
        assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert index.execute("SELECT image FROM features ORDER BY row").fetchall() == [(key(n),) for n in (1, 2, 3, 4)]


def test_matrix_is_a_view_that_outlives_growth_and_closing(folder: Path) -> None:
    store = FeatureStore(folder, SHAPE)
    add(store, 1, 2)
    before = store.matrix()
    assert not before.flags.writeable and not before.flags.owndata
    add(store, 3)
    assert np.array_equal(store.matrix(), features(1, 2, 3))
    store.close()
    assert np.array_equal(before, features(1, 2))


def test_nothing_asked_nothing_given(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store)
        none = store.find([])
        assert none.shape == (0,) and none.dtype == np.int64
        assert store.read(none).shape == store.matrix().shape == (0, *SHAPE)
        assert (len(store), store.verify(none).shape, (data_of(folder)).stat().st_size) == (0, (0,), 0)
        add(store, 1)
        add(store)
        assert store.read(none).shape == (0, *SHAPE) and holds(store, 1)


def test_a_key_that_is_there_is_passed_over(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2)
        store.append([key(n) for n in (3, 2, 4, 3)], features(3, 9, 4, 8))
        assert holds(store, 1, 2, 3, 4)
        assert len(store.matrix()) == 4


def test_wrong_rows_are_refused(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        for wrong in (features(1, 2), features(1)[:, :, :, :4], features(1).astype(np.float64), features(1)[0]):
            with pytest.raises(ValueError, match="expected"):
                store.append([key(1)], wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="16 bytes"):
            store.append([b"short"], features(1))
        with pytest.raises(FolderError, match="2 of 3 images"):
            store.append([key(1)], features(1))
            store.read(np.array([-1, 0, 1]))
    with pytest.raises(ValueError, match="hold nothing"):
        FeatureStore(folder, (4, 0))


def test_any_memory_order_is_taken(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        store.append([key(1), key(2)], np.asfortranarray(features(1, 2)))
        store.append([key(3), key(4)], features(3, 9, 4)[::2])
        assert holds(store, 1, 2, 3, 4)


def test_another_shape_empties_the_store(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
    with FeatureStore(folder, (2, 3, 5)) as store:
        assert (len(store), store.matrix().shape) == (0, (0, 2, 3, 5))
        store.append([key(1)], features(1).reshape(1, 2, 3, 5))
    with FeatureStore(folder, (2, 3, 5)) as store:
        assert np.array_equal(store.read(store.find([key(1)])), features(1).reshape(1, 2, 3, 5))


def test_another_shape_leaves_alone_what_is_open(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3)
        view = store.matrix()
        with FeatureStore(folder, (2, 3, 5)) as other:
            other.append([key(4)], features(4).reshape(1, 2, 3, 5))
            assert data_of(folder).name == "features-2.f32"
        assert np.array_equal(view, features(1, 2, 3)) and holds(store, 1, 2, 3)
        add(store, 5)
        assert holds(store, 5)


def test_two_processes_share_a_store(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as one, FeatureStore(folder, SHAPE) as other:
        add(one, 1, 2)
        add(other, 3, 1)
        add(one, 4)
        assert holds(one, 1, 2, 3, 4)
        add(other, 4)
        assert holds(other, 1, 2, 3, 4)


def test_a_store_that_is_deleted_while_open_begins_anew(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2)
        shutil.rmtree(folder)
        assert holds(store, 1, 2)
        add(store, 3)
        assert holds(store, 3)
    with FeatureStore(folder, SHAPE) as store:
        assert holds(store, 3)


def test_a_backbone_key_tells_parts_apart() -> None:
    keys = {backbone_key(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"abd",), ())}
    assert len(keys) == 6 and all(len(name) == 32 and int(name, 16) >= 0 for name in keys)
    assert backbone_key(b"layers", b"299 x 299") == backbone_key(b"layers", b"299 x 299")
