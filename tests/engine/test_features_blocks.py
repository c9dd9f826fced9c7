"""Many rows at once: views where rows follow each other, every checksum computed once."""

import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from engine.errors import FolderError
from engine.features import FeatureStore
from tests.engine.test_features import ROW_BYTES, SHAPE, add, data_of, features, folder, key

__all__ = ["folder"]


def test_rows_that_follow_each_other_are_views_and_others_copies(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(11))
        rows = np.array([2, 3, 4, 9, 5, 6, 7, 8])
        blocks = list(store.blocks(rows, 3))
        assert [part for part, _ in blocks] == [slice(0, 3), slice(3, 6), slice(6, 8)]
        assert np.array_equal(np.concatenate([found for _, found in blocks]), features(2, 3, 4, 9, 5, 6, 7, 8))
        shared = [np.shares_memory(found, store.matrix()) for _, found in blocks]
        assert shared == [True, False, True] and not blocks[0][1].flags.writeable
        assert {found.dtype for _, found in blocks} == {np.dtype(np.float32)}


@pytest.mark.parametrize("size", [1, 4, 5, 13, 1000])
def test_blocks_of_any_size_give_every_row_once(folder: Path, size: int) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(13))
        rows = np.arange(13)
        found = np.empty((13, *SHAPE), np.float32)
        for part, block in store.blocks(rows, size):
            assert np.shares_memory(block, store.matrix()) and len(block) <= size
            found[part] = block
        assert np.array_equal(found, features(*range(13)))
        assert not list(store.blocks(rows[:0], size))


def test_a_row_that_comes_twice_or_backwards_is_no_run(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(7))
        for order in ([3, 3], [3, 4, 4, 6], [6, 5, 4], [2, 4, 4], [5]):
            found = np.concatenate([block for _, block in store.blocks(np.array(order), 4)])
            assert np.array_equal(found, features(*order))


def test_a_checksum_is_computed_once_for_each_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(9))
    computed: list[int] = []

    def counted(row: bytes) -> int:
        computed.append(len(memoryview(row)))
        return crc32(row)

    crc32 = zlib.crc32
    with FeatureStore(folder, SHAPE) as store:
        monkeypatch.setattr(zlib, "crc32", counted)
        assert store.verify(np.array([4, 4, 2, -1, 9, 10**6])).tolist() == [True, True, True, False, False, False]
        assert computed == [ROW_BYTES] * 2
        assert len(list(store.blocks(np.arange(9), 4))) == 3 and computed == [ROW_BYTES] * 9
        assert len(list(store.blocks(np.arange(9), 2))) == 5 and store.verify(np.arange(9)).all()
        store.read(np.array([8, 0]))
        assert computed == [ROW_BYTES] * 9


def test_blocks_end_before_a_row_that_is_damaged_or_missing(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(8))
    content = bytearray(data_of(folder).read_bytes())
    content[5 * ROW_BYTES + 7] ^= 4
    data_of(folder).write_bytes(content)
    with FeatureStore(folder, SHAPE) as store:
        blocks = store.blocks(np.arange(8), 3)
        assert np.array_equal(next(blocks)[1], features(0, 1, 2))
        with pytest.raises(FolderError, match="1 of 3 images"):
            next(blocks)
        assert key(5) not in store and len(store) == 7
        with pytest.raises(FolderError, match="2 of 4 images"):
            next(store.blocks(np.array([7, -1, 6, 8]), 5))


def test_blocks_notice_that_a_row_has_become_another_pictures(folder: Path) -> None:
    with FeatureStore(folder, SHAPE, limit_bytes=6 * ROW_BYTES) as store:
        add(store, *range(6))
        blocks = store.blocks(np.arange(6), 2)
        assert np.array_equal(next(blocks)[1], features(0, 1))
        add(store, 7)
        assert store.find([key(2), key(7)]).tolist() == [-1, 2]
        with pytest.raises(FolderError, match="1 of 2 images"):
            next(blocks)
        assert np.array_equal(next(store.blocks(np.array([4, 5, 2]), 9))[1], features(4, 5, 7))


def test_blocks_notice_that_the_store_was_made_anew(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, 1, 2, 3, 4)
        blocks = store.blocks(np.arange(4), 2)
        assert np.array_equal(next(blocks)[1], features(1, 2))
        shutil.rmtree(folder)
        add(store, 5, 6, 7, 8)
        with pytest.raises(FolderError, match="2 of 2 images"):
            next(blocks)
        assert np.array_equal(store.read(np.arange(4)), features(5, 6, 7, 8))


def test_blocks_go_on_while_a_store_without_limit_grows(folder: Path) -> None:
    with FeatureStore(folder, SHAPE) as store:
        add(store, *range(5))
        found = []
        for part, block in store.blocks(np.arange(5), 2):
            add(store, 10 + part.start, 20 + part.start)
            found.append(block)
        assert np.array_equal(np.concatenate(found), features(*range(5))) and len(store) == 11
