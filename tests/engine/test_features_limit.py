"""A store with a limit gives up the rows that were unused for longest, and nothing that another process has open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.errors import FolderError
from engine.features import INDEX, FeatureStore
from tests.engine.test_features import ROW_BYTES, SHAPE, add, data_of, features, folder, holds, key

__all__ = ["folder"]


def limited(folder: Path, rows: int, half: bool = False) -> FeatureStore:
    """A store with room for `rows`, and all but one byte of another."""
    row_bytes = ROW_BYTES // (2 if half else 1)
    return FeatureStore(folder, SHAPE, half, rows * row_bytes + row_bytes - 1)


def named(store: FeatureStore, *numbers: int) -> bool:
    """Whether the store names exactly `numbers`; other than `holds`, no use of them."""
    return len(store) == len(numbers) and all(key(number) in store for number in numbers)


def size(folder: Path) -> int:
    """Rows' worth of the data file."""
    rows, rest = divmod(data_of(folder).stat().st_size, ROW_BYTES)
    assert rest == 0
    return rows


def test_the_rows_that_were_appended_first_go_first(folder: Path) -> None:
    with limited(folder, 5) as store:
        add(store, 1, 2, 3)
        add(store, 4)
        assert named(store, 1, 2, 3, 4) and size(folder) == 4
        add(store, 5)
        assert named(store, 1, 2, 3, 4, 5)
        add(store, 6, 7)
        assert named(store, 3, 4, 5, 6, 7) and size(folder) == 5
        assert store.find([key(6), key(7), key(1)]).tolist() == [0, 1, -1]
        add(store, 8, 9, 10)
        assert holds(store, 6, 7, 8, 9, 10) and size(folder) == 5
    with limited(folder, 5) as store:
        assert holds(store, 10, 6, 8, 7, 9)
    with closing(sqlite3.connect(folder / INDEX)) as index:
        assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("way", ["touch", "read", "blocks", "append"])
def test_use_keeps_a_row(folder: Path, way: str, reopened: bool) -> None:
    store = limited(folder, 6)
    add(store, *range(6))
    for number in (3, 0):
        rows = store.find([key(number)])
        if way == "touch":
            store.touch([key(number), key(77)])
        elif way == "read":
            store.read(rows)
        elif way == "blocks":
            list(store.blocks(rows, 9))
        else:
            add(store, number)
    if reopened:
        store.close()
        store = limited(folder, 6)
    with store:
        add(store, 6, 7, 8)
        assert named(store, 0, 3, 5, 6, 7, 8)
        add(store, 9, 10)
        assert holds(store, 0, 6, 7, 8, 9, 10)


@pytest.mark.parametrize("reopened", [False, True])
def test_rows_of_one_read_are_used_in_its_order(folder: Path, reopened: bool) -> None:
    store = limited(folder, 6)
    add(store, *range(6))
    store.read(store.find([key(n) for n in (4, 2, 5, 0, 3, 1)]))
    if reopened:
        store.close()
        store = limited(folder, 6)
    with store:
        add(store, 6, 7)
        assert named(store, 0, 1, 3, 5, 6, 7)
        add(store, 8)
        assert named(store, 0, 1, 3, 6, 7, 8)


def test_looking_for_a_row_or_at_its_checksum_is_no_use(folder: Path) -> None:
    with limited(folder, 3) as store:
        add(store, 1, 2, 3)
        assert store.sound([key(1)]).all() and store.verify(store.find([key(1)])).all()
        add(store, 4)
        assert holds(store, 2, 3, 4)


def test_of_more_rows_than_the_limit_the_last_are_kept(folder: Path) -> None:
    with limited(folder, 4) as store:
        add(store, 1, 2)
        add(store, *range(10, 17))
        assert holds(store, 13, 14, 15, 16) and size(folder) == 4
        add(store, 14, 20, 15, 21, 22, 23, 20)
        assert holds(store, 15, 21, 22, 23) and size(folder) == 4


def test_rows_of_one_append_do_not_push_each_other_out(folder: Path) -> None:
    with limited(folder, 5) as store:
        add(store, *range(5))
        add(store, 0, 10, 1, 11)
        assert holds(store, 0, 1, 4, 10, 11)


@pytest.mark.parametrize("limit_bytes", [0, 1, ROW_BYTES - 1, ROW_BYTES])
def test_there_is_always_room_for_one_row(folder: Path, limit_bytes: int) -> None:
    with FeatureStore(folder, SHAPE, limit_bytes=limit_bytes) as store:
        add(store, 1)
        assert holds(store, 1)
        add(store, 2, 3)
        assert holds(store, 3) and size(folder) == 1


def test_a_damaged_row_goes_before_all_others(folder: Path) -> None:
    with limited(folder, 4) as store:
        add(store, 1, 2, 3, 4)
    content = bytearray(data_of(folder).read_bytes())
    content[2 * ROW_BYTES] ^= 1
    data_of(folder).write_bytes(content)
    with limited(folder, 4) as store:
        assert store.sound([key(n) for n in (1, 2, 3, 4)]).tolist() == [True, True, False, True]
        add(store, 5)
        assert holds(store, 1, 2, 4, 5) and size(folder) == 4


def test_a_limit_of_float16_counts_its_narrower_rows(folder: Path) -> None:
    with limited(folder, 7, half=True) as store:
        add(store, *range(9))
        assert len(store) == 7 and data_of(folder).stat().st_size == 7 * ROW_BYTES // 2
    with limited(folder, 5) as store:
        assert len(store) == 5 and size(folder) == 5
        assert store.find([key(n) for n in range(9)]).tolist() == [-1, -1, -1, -1, 0, 1, 2, 3, 4]


def test_a_lower_limit_holds_once_the_store_is_opened(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(9))
        store.touch([key(1), key(6)])
        view = store.matrix()
    with limited(folder, 4) as store:
        assert named(store, 1, 6, 7, 8) and size(folder) == 4
        assert np.array_equal(view, features(*range(9)))
        add(store, 20)
        assert holds(store, 1, 6, 8, 20) and size(folder) == 4


def test_without_a_limit_nothing_goes_and_holes_are_filled(folder: Path) -> None:
    with limited(folder, 4) as store:
        add(store, 1, 2, 3, 4)
    with closing(sqlite3.connect(folder / INDEX, isolation_level=None)) as index:
        index.execute("DELETE FROM features WHERE row IN (0, 2)")
    with FeatureStore(folder, SHAPE) as store:
        add(store, 5, 6, 7)
        assert holds(store, 2, 4, 5, 6, 7) and size(folder) == 5
        assert store.find([key(5), key(6), key(7)]).tolist() == [0, 2, 4]


def test_nothing_that_another_process_has_open_is_written_over(folder: Path) -> None:
    with limited(folder, 4) as one, limited(folder, 4) as other:
        add(one, 1, 2, 3)
        add(other, 4)
        add(one, 5, 6)
        view, rows = other.matrix(), other.find([key(4)])
        add(one, 7)
        assert np.array_equal(view, features(1, 2, 3, 4)) and np.array_equal(other.read(rows), features(4))
        assert holds(one, 1, 2, 3, 4, 5, 6, 7)
        add(other, 8)
        assert holds(other, *range(1, 9)) and size(folder) == 8
        other.close()
        add(one, 9)
        assert size(folder) == 9 and np.array_equal(view, features(1, 2, 3, 4))
        del view
        one.touch([key(1)])
        add(one, 10, 11)
        assert size(folder) == 9 and named(one, 1, *range(4, 12))
    with limited(folder, 4) as store:
        assert size(folder) == 4 and holds(store, 1, 9, 10, 11)


def test_rows_that_lost_their_names_stay_while_another_process_knows_them(folder: Path) -> None:
    with limited(folder, 4) as one:
        add(one, 1, 2, 3, 4)
        with limited(folder, 4) as other:
            with closing(sqlite3.connect(folder / INDEX, isolation_level=None)) as index:
                index.execute("DELETE FROM features WHERE row >= 1")
            with limited(folder, 4) as third:
                add(third, 5, 6)
                assert third.find([key(1), key(5), key(6)]).tolist() == [0, 4, 5]
            for store in (one, other):
                assert np.array_equal(store.read(np.arange(4)), features(1, 2, 3, 4))


def test_where_there_are_no_locks_nothing_is_written_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.flock", refused)
    with limited(folder, 3) as store:
        add(store, 1, 2, 3)
        add(store, 4, 5)
        assert holds(store, 1, 2, 3, 4, 5) and size(folder) == 5
    with limited(folder, 3) as store:
        assert holds(store, 3, 4, 5) and size(folder) == 3


def test_uses_are_told_to_the_index_once(folder: Path) -> None:
    with limited(folder, 9) as store:
        add(store, 1, 2, 3, 4)
        said: list[str] = []
        store.touch([key(2), key(4)])
        store._index._db.set_trace_callback(said.append)
        add(store, 5)
        add(store, 6)
        assert sum("UPDATE" in statement for statement in said) == 2


def test_a_store_whose_index_cannot_take_the_last_uses_closes_all_the_same(folder: Path) -> None:
    store = limited(folder, 9)
    add(store, 1, 2)
    store._index._db.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(folder / INDEX, isolation_level=None)) as index:
        index.execute("BEGIN IMMEDIATE")
        store.touch([key(1)])
        with pytest.raises(FolderError, match="in use"):
            add(store, 3)
        store.close()
        store.close()
