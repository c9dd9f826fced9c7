"""All stores of a folder share a limit: those that were unused for longest are removed, and nothing else ever is."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.features import INDEX, FeatureStore, backbone_key, make_room
from tests.engine.test_features import SHAPE, add, data_of, features, holds, key


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    return tmp_path / ".catflap" / "features"


def name(number: int) -> str:
    return backbone_key(bytes([number]))


def filled(parent: Path, number: int, rows: int, age: int) -> int:
    """Make a store of so many rows, last used `age` seconds ago; its size in bytes."""
    with FeatureStore(parent / name(number), SHAPE) as store:
        add(store, *range(rows))
    aged(parent / name(number), age)
    return sum(path.stat().st_size for path in (parent / name(number)).iterdir())


def aged(folder: Path, age: int) -> None:
    os.utime(folder / INDEX, (1_700_000_000 - age, 1_700_000_000 - age))


def left(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir()}


def test_the_stores_unused_for_longest_go_until_the_rest_fits(parent: Path) -> None:
    sizes = [filled(parent, n, 20 + 70 * n, age) for n, age in enumerate((50, 90, 20, 70, 10))]
    assert len(set(sizes)) == 5
    everything = sum(sizes)
    assert make_room(parent, name(2), everything) == []
    assert make_room(parent, name(2), everything - 1) == [name(1)]
    assert left(parent) == {name(0), name(2), name(3), name(4)}
    assert make_room(parent, name(2), sizes[2] + sizes[4] + sizes[0] - 1) == [name(3), name(0)]
    assert make_room(parent, name(2), 1) == [name(4)]
    assert make_room(parent, name(2), 1) == [] and left(parent) == {name(2)}
    with FeatureStore(parent / name(2), SHAPE) as store:
        assert holds(store, *range(160))


def test_the_present_store_stays_however_old_and_large(parent: Path) -> None:
    filled(parent, 1, 300, age=99)
    filled(parent, 2, 3, age=1)
    assert make_room(parent, name(1), 0) == [name(2)] and left(parent) == {name(1)}


def test_opening_and_appending_are_use(parent: Path) -> None:
    for number, age in ((1, 90), (2, 50), (3, 70)):
        filled(parent, number, 4, age)
    with FeatureStore(parent / name(1), SHAPE):
        assert make_room(parent, name(9), 0)[-1] == name(1)
    for number, age in ((1, 90), (2, 50), (3, 70)):
        filled(parent, number, 4, age)
    with FeatureStore(parent / name(3), SHAPE) as store:
        aged(parent / name(3), 999)
        add(store, 9)
        assert make_room(parent, name(9), 0)[-1] == name(3)
    filled(parent, 4, 4, 0)
    store = FeatureStore(parent / name(5), SHAPE)
    aged(parent / name(5), 999)
    store.close()
    assert make_room(parent, name(9), 0) == [name(4), name(5)]


def test_no_folder_no_stores_nothing_removed(parent: Path) -> None:
    assert make_room(parent, name(1), 0) == []
    parent.mkdir(parents=True)
    assert make_room(parent, name(1), 0) == []


def other_database(folder: Path) -> None:
    (folder / INDEX).unlink()
    with closing(sqlite3.connect(folder / INDEX)) as index:
        index.execute("CREATE TABLE holidays (day TEXT)")
        index.commit()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "notes.txt").write_bytes(b""),
        lambda folder: (folder / "features-1.f32.orig").write_bytes(b""),
        lambda folder: (folder / "pictures").mkdir(),
        lambda folder: (folder / "features-9.f32").mkdir(),
        lambda folder: (folder / "features-9.f16").symlink_to(folder.parent),
        lambda folder: (folder / "features-8.f16").symlink_to(folder.parent / "readme"),
        lambda folder: (folder / INDEX).unlink(),
        lambda folder: (folder / INDEX).write_bytes(b""),
        lambda folder: (folder / INDEX).write_bytes(b"a table of contents"),
        other_database,
        lambda folder: folder.rename(folder.with_name("mine")),
        lambda folder: folder.rename(folder.with_name(folder.name.upper())),
        lambda folder: folder.rename(folder.with_name(folder.name + "0")),
    ],
    ids=[
        "notes", "nearly", "folder", "folder named as data", "link", "link to a file", "no index", "empty index",
        "other index", "other database", "other name", "upper case", "longer name",
    ],
)  # fmt: skip
def test_what_is_not_only_a_feature_store_is_never_removed(parent: Path, change) -> None:
    filled(parent, 1, 4, age=99)
    change(parent / name(1))
    (parent / "readme").write_bytes(b"x" * 10)
    before = {path: path.is_dir() or path.read_bytes() for path in parent.rglob("*")}
    filled(parent, 2, 7, age=5)
    assert make_room(parent, name(3), 0) == [name(2)]
    assert {path: path.is_dir() or path.read_bytes() for path in parent.rglob("*")} == before


def test_a_link_to_a_store_is_not_followed(parent: Path, tmp_path: Path) -> None:
    filled(tmp_path / "elsewhere", 1, 4, age=99)
    parent.mkdir(parents=True)
    (parent / name(1)).symlink_to(tmp_path / "elsewhere" / name(1))
    assert make_room(parent, name(2), 0) == []
    assert data_of(tmp_path / "elsewhere" / name(1)).stat().st_size


def test_a_store_of_an_older_format_is_removed_too(parent: Path) -> None:
    filled(parent, 1, 4, age=9)
    data_of(parent / name(1)).rename(parent / name(1) / "features.f32")
    with closing(sqlite3.connect(parent / name(1) / INDEX, isolation_level=None)) as index:
        index.execute("PRAGMA user_version = 1")
    assert make_room(parent, name(2), 0) == [name(1)] and not left(parent)


def test_a_store_that_ended_without_being_closed_is_removed_with_its_log(parent: Path) -> None:
    store = FeatureStore(parent / name(1), SHAPE)
    add(store, 1, 2)
    assert {path.name for path in (parent / name(1)).iterdir()} >= {f"{INDEX}-wal", f"{INDEX}-shm"}
    assert make_room(parent, name(2), 0) == [name(1)] and not left(parent)
    store.close()
    assert not left(parent)


def test_who_has_a_removed_store_open_keeps_its_rows_and_begins_anew(parent: Path) -> None:
    with FeatureStore(parent / name(1), SHAPE) as store:
        add(store, 1, 2, 3)
        view = store.matrix()
        assert make_room(parent, name(2), 0) == [name(1)]
        assert holds(store, 3, 1, 2) and np.array_equal(view, features(1, 2, 3))
        add(store, 5)
        assert holds(store, 5)
    with FeatureStore(parent / name(1), SHAPE) as store:
        assert holds(store, 5) and key(1) not in store


def test_a_removal_that_was_cut_short_is_finished(parent: Path) -> None:
    filled(parent, 1, 4, age=9)
    filled(parent, 2, 5, age=1)
    going = parent / f"going-{name(1)}"
    (parent / name(1)).rename(going)
    data_of(going).unlink()
    (parent / "going-away").mkdir()
    assert make_room(parent, name(2), 10**9) == []
    assert left(parent) == {name(2), "going-away"}


def test_a_removal_that_fails_at_any_file_is_finished_later(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink
    for files in range(4):
        store = FeatureStore(parent / name(1), SHAPE)
        add(store, 1, 2)
        allowed = iter(range(files))

        def refusing(path: Path, missing_ok: bool = False, allowed: Iterator[int] = allowed) -> None:
            if next(allowed, None) is None:
                raise PermissionError
            unlink(path, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refusing)
            assert make_room(parent, name(2), 0) == [name(1)]
            assert left(parent) == {f"going-{name(1)}"}
        assert make_room(parent, name(2), 0) == [] and not left(parent)
        store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_a_store_that_may_not_be_removed_stays(parent: Path) -> None:
    filled(parent, 1, 4, age=9)
    parent.chmod(0o555)
    try:
        assert make_room(parent, name(2), 0) == []
    finally:
        parent.chmod(0o755)
    with FeatureStore(parent / name(1), SHAPE) as store:
        assert holds(store, 0, 1, 2, 3)
