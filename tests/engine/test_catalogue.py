"""The catalogue: what is put is there, now and after opening again; an older file is brought up to date."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from engine.catalogue import LAYOUT, Catalogue, Known, Version
from engine.database import OtherSchema, open_database
from engine.listing import Stamp


def key(number):
    return bytes([number]) * 16


def known(number, problem=""):
    return Known(Stamp(100 + number, 10**18 + number, number), key(number), problem)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalogue.db"


def test_images_are_the_same_when_opened_again(path):
    odd = b"\xff\xe9.jpg".decode("utf-8", "surrogateescape")
    with Catalogue(path) as catalogue:
        catalogue.put_images({"a.jpg": known(1), odd: known(2)})
        assert set(catalogue.images()) == {"a.jpg", odd}
        catalogue.put_images(
            {"a.jpg": known(3, "The file is empty."), "b/c.jpg": known(4), "d.jpg": Known(Stamp(1, 2, 3), None)}
        )
        catalogue.drop_images(["b/c.jpg", "nowhere.jpg"])
        before = dict(catalogue.images())
    assert before == {odd: known(2), "a.jpg": known(3, "The file is empty."), "d.jpg": Known(Stamp(1, 2, 3), None)}
    with Catalogue(path) as again:
        again.read_through()
        assert again.images() == before


def test_the_last_prediction_of_an_image_counts(path):
    rng = np.random.default_rng(0)
    first, later = rng.random((5, 3), np.float32), rng.random((2, 3), np.float32)
    with Catalogue(path) as catalogue:
        catalogue.put_predictions("one", [key(n) for n in range(5)], first)
        catalogue.put_predictions("one", [key(9), key(3)], later)
        catalogue.put_predictions("one", [], np.zeros((0, 0), np.float32))
    with Catalogue(path) as again:
        found = again.predictions("one")
        assert key(4) in found and key(7) not in found
        np.testing.assert_array_equal(found.of([key(3), key(0), key(9)]), [later[1], first[0], later[0]])
        assert key(4) not in again.predictions("two")


def test_predictions_of_another_model_go(path):
    with Catalogue(path) as catalogue:
        catalogue.put_predictions("one", [key(1), key(2)], np.ones((2, 3), np.float32))
        catalogue.put_predictions("two", [key(1)], np.full((1, 4), 0.25, np.float32))
        assert not catalogue.predictions("one").row_of
        np.testing.assert_array_equal(catalogue.predictions("two").of([key(1)]), np.full((1, 4), 0.25))


def test_keys_and_rows_fit(path):
    with Catalogue(path) as catalogue:
        for keys, rows in (([b"short"], 1), ([key(1)], 2)):
            with pytest.raises(ValueError, match="rows expected"):
                catalogue.put_predictions("one", keys, np.ones((rows, 2), np.float32))


FIRST_TABLES = (
    LAYOUT.tables[0],
    "CREATE TABLE predictions (content BLOB PRIMARY KEY, model TEXT NOT NULL, probabilities BLOB NOT NULL)",
    """CREATE TABLE versions (
        version INTEGER PRIMARY KEY, digest TEXT NOT NULL, file TEXT NOT NULL, at REAL NOT NULL, origin TEXT NOT NULL,
        trainer TEXT NOT NULL DEFAULT '', flips INTEGER NOT NULL DEFAULT 0, learned INTEGER NOT NULL DEFAULT 0,
        accepted INTEGER NOT NULL DEFAULT 0, broken INTEGER NOT NULL DEFAULT 0,
        correct_before INTEGER NOT NULL DEFAULT 0, correct_after INTEGER NOT NULL DEFAULT 0
    )""",
    LAYOUT.tables[3],
)


def first_schema(path):
    """A catalogue as it was before predictions were kept many a row."""
    database = open_database(path, replace(LAYOUT, schema=1, tables=FIRST_TABLES, changes={}))
    database.execute("INSERT INTO predictions VALUES (?, 'one', ?)", (key(1), np.ones(2, "<f4").tobytes()))
    database.execute("INSERT INTO versions (version, digest, file, at, origin) VALUES (0, 'd', 'f', 1.5, 'original')")
    database.close()


def test_an_older_catalogue_is_brought_up_to_date(path):
    first_schema(path)
    for _ in range(2):
        with Catalogue(path) as catalogue:
            assert catalogue.versions() == [Version(0, "d", "f", 1.5, "original")]
            catalogue.put_restored(0, 8.5)
            assert catalogue.versions()[0].restored_at == 8.5
            catalogue.put_restored(0, 0.0)
            assert not catalogue.predictions("other").row_of
            catalogue.put_predictions("one", [key(2)], np.ones((1, 2), np.float32))
            assert list(catalogue.predictions("one").row_of) == [key(2)]
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (LAYOUT.schema,)
    raw.close()


def test_an_older_catalogue_that_may_not_be_written_is_refused(path):
    first_schema(path)
    before = path.read_bytes()
    with pytest.raises(OtherSchema, match="an older Catflap"):
        Catalogue(path, read_only=True)
    assert path.read_bytes() == before
