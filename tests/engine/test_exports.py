"""Verdicts in files for other programs, and back."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cells import inert, taken_back
from engine.errors import BadSetting, FolderError
from engine.exports import COLUMNS, FORMATS, Row, as_csv, judged, placed, write_new
from engine.images import content_key
from engine.journal import EXCLUDED, HELD, IMPORTED, LABEL, Journal, Verdict
from engine.label_folders import write_folders
from engine.labels import read_labels

TRIGGERS = "=+-@\t\r\n＝＋－＠"
"""OWASP's characters; the wide ones are formulas to some spreadsheets as well."""
AWKWARD = (
    "=cmd.jpg",
    "+x.jpg",
    "-1",
    "@a",
    "\tb",
    "\rc",
    "'x",
    "''",
    "'=y",
    "''-2",
    "a;=b",
    'q"u,o',
    "line\n=break",
    "é",
    "\t=b;'-",
)


@pytest.mark.parametrize("cell", AWKWARD)
def test_cells_are_inert_and_come_back(cell):
    assert not inert(cell).startswith(tuple(TRIGGERS))
    assert taken_back(inert(cell)) == cell
    assert inert("plain.jpg") == "plain.jpg" == taken_back("plain.jpg")
    assert inert("'x") == "'x", "an apostrophe alone harms nobody"


@given(st.text(alphabet="'=-ab\t;\r", max_size=6))
def test_any_cell_comes_back(cell):
    assert not inert(cell).startswith(tuple(TRIGGERS))
    assert taken_back(inert(cell)) == cell


def test_a_csv_of_awkward_names_and_labels_is_read_as_it_was(tmp_path):
    names = [*AWKWARD, os.fsdecode(b"latin\xe9.jpg")]
    rows = [Row(name, name, LABEL, name, 0, "2026-08-24T14:02:07Z") for name in names]
    rows.append(Row("-gone.jpg", None, EXCLUDED, "=x", 3, "2026-08-24T14:02:07Z"))
    rows.append(Row("held.jpg", "-1", HELD, "=x", 12, "2026-08-24T14:02:07Z"))
    path = tmp_path / "labels.csv"
    path.write_bytes(as_csv(rows, lambda path: path))
    found = read_labels(path, None)
    assert {name: each.label for name, each in found.items()} == {row.path: row.label or "" for row in rows}
    assert {name: each.kind for name, each in found.items() if each.kind != LABEL} == {
        "-gone.jpg": EXCLUDED,
        "held.jpg": HELD,
    }
    with path.open(newline="", errors="surrogateescape") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) == (len(rows) + 1) * 6
    assert not [cell for cell in cells if cell.startswith(tuple(TRIGGERS))]
    with path.open(newline="", errors="surrogateescape") as file:
        apart = [cell for row in csv.reader(file, delimiter=";") for cell in row]
    assert not [cell for cell in apart if cell.startswith(tuple(TRIGGERS))], "nor where semicolons part cells"


@pytest.fixture
def folder(tmp_path):
    """Six images, two of them copies of others, and a journal by hand."""
    photos = tmp_path / "photos"
    for name, data in {
        "a.jpg": b"1",
        "b.jpg": b"2",
        "more/a.jpg": b"1",
        "test/c.jpg": b"3",
        "d.jpg": b"4",
        "e.jpg": b"5",
    }.items():
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(data)
    return photos


def key(data):
    return content_key(data)


@pytest.fixture
def entries(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        journal.append([Verdict(key(b"1"), "Cat", "Dog", 0), Verdict(key(b"2"), "Dog", "Dog", 0, IMPORTED)], 1000.0)
        journal.append([Verdict(key(b"3"), "Cat", "Cat", 1)], 2000.0)
        journal.append([Verdict(key(b"4"), None, "Cat", 1, EXCLUDED), Verdict(b"gone" * 4, "Cat", "Cat", 1)], 3000.0)
        journal.append([Verdict(key(b"1"), "Dog", "Dog", 2)], 4000.0)
        journal.undo(5000.0)
        return list(journal.entries())


def test_every_copy_and_what_holds_of_it(folder, entries):
    at = {1000.0: "1970-01-01T00:16:40Z", 2000.0: "1970-01-01T00:33:20Z", 3000.0: "1970-01-01T00:50:00Z"}
    rows = judged(folder, {}, entries, held_out="test")
    assert rows == [
        Row("a.jpg", "Cat", LABEL, "Dog", 0, at[1000.0]),
        Row("b.jpg", "Dog", IMPORTED, "Dog", 0, at[1000.0]),
        Row("d.jpg", None, EXCLUDED, "Cat", 1, at[3000.0]),
        Row("more/a.jpg", "Cat", LABEL, "Dog", 0, at[1000.0]),
        Row("test/c.jpg", "Cat", HELD, "Cat", 1, at[2000.0]),
    ]
    assert {row.path: row.kind for row in judged(folder, {}, entries)}["test/c.jpg"] == LABEL


def test_what_the_catalogue_knows_is_not_read_again(folder, entries):
    from engine.catalogue import Known
    from engine.listing import scan

    stamps = scan(folder)
    known = {"a.jpg": Known(stamps["a.jpg"], key(b"3")), "b.jpg": Known(stamps["a.jpg"], key(b"3"))}
    labels = {row.path: row.version for row in judged(folder, known, entries)}
    assert labels["a.jpg"] == 1, "known as it is now"
    assert labels["b.jpg"] == 0, "changed since: read"


def test_formats(folder, entries):
    rows = judged(folder, {}, entries)
    plain = {name: write(rows, placed(folder, None)) for name, write in FORMATS.items()}
    table = list(csv.DictReader(io.StringIO(plain["csv"].decode())))
    assert tuple(table[0]) == COLUMNS
    assert [(row["path"], row["label"]) for row in table][:3] == [("a.jpg", "Cat"), ("b.jpg", "Dog"), ("d.jpg", "")]
    objects = json.loads(plain["json"])
    assert objects[2] == {
        "path": "d.jpg", "label": None, "kind": "excluded", "shown": "Cat", "version": 1, "at": "1970-01-01T00:50:00Z",
    }  # fmt: skip
    assert json.loads(plain["createml"]) == [
        {"imagefilename": row.path, "annotation": row.label} for row in rows if row.label
    ]
    assert len(json.loads(plain["createml"])) == 4
    assert [json.loads(FORMATS[name]([], str)) for name in ("json", "createml")] == [[], []]


def test_paths_are_relative_to_the_file(folder, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    assert placed(folder, tmp_path / "deep" / "l.csv")("more/a.jpg") == "../photos/more/a.jpg"
    assert placed(folder, tmp_path / "link" / "l.csv")("a.jpg") == "../photos/a.jpg"
    assert placed(folder, folder / "l.csv")("more/a.jpg") == "more/a.jpg"


def test_a_file_that_is_there_stays(tmp_path):
    path = tmp_path / "l.csv"
    write_new(path, b"first")
    with pytest.raises(BadSetting, match="there already"):
        write_new(path, b"second")
    assert path.read_bytes() == b"first"
    with pytest.raises(FolderError, match="No such file"):
        write_new(tmp_path / "nowhere" / "l.csv", b"x")


def row(path, label):
    return Row(path, label, LABEL if label is not None else EXCLUDED, "Cat", 0, "")


def test_folders_of_links(folder, entries, tmp_path):
    rows = [*judged(folder, {}, entries), row("e.jpg", "Cat")]
    out = tmp_path / "deep" / "sorted"
    assert write_folders(rows, folder, out) == {"Cat": "Cat", "Dog": "Dog"}
    found = {str(path.relative_to(out)): os.readlink(path) for path in out.rglob("*.jpg")}
    assert found == {
        "Cat/a.jpg": "../../../photos/a.jpg",
        "Cat/a 2.jpg": "../../../photos/more/a.jpg",
        "Cat/c.jpg": "../../../photos/test/c.jpg",
        "Cat/e.jpg": "../../../photos/e.jpg",
        "Dog/b.jpg": "../../../photos/b.jpg",
    }
    again = read_labels(out, ("Cat", "Dog"))
    assert {each.file.read_bytes(): each.label for each in again.values()} == {
        b"1": "Cat", b"2": "Dog", b"3": "Cat", b"5": "Cat",
    }  # fmt: skip


def test_folders_of_copies(folder, entries, tmp_path):
    os.utime(folder / "b.jpg", ns=(10**18, 10**18))
    write_folders(judged(folder, {}, entries), folder, tmp_path / "sorted", copy=True)
    copied = tmp_path / "sorted" / "Dog" / "b.jpg"
    assert not copied.is_symlink() and copied.read_bytes() == b"2"
    assert copied.stat().st_mtime_ns == 10**18
    shutil.rmtree(folder)
    assert (tmp_path / "sorted" / "Cat" / "a.jpg").read_bytes() == b"1"


def test_labels_that_are_no_names_of_folders(folder, tmp_path):
    labels = ("..", ".", ".hidden", "", "a/b", "a_b", "Cat", "cat", "nul\0", "x" * 300, "é" * 200)
    out = tmp_path / "sorted"
    named = write_folders([row("a.jpg", label) for label in labels], folder, out)
    assert set(named) == set(labels)
    there = sorted(path.name for path in out.iterdir())
    assert there == sorted(named.values()) and len(there) == len(labels)
    assert not [name for name in there if name.startswith(".") or len(os.fsencode(name)) > 255]
    assert len({name.casefold() for name in there}) == len(labels), "where capitals do not count"
    assert (named["Cat"], named["a/b"], named["a_b"], named[".hidden"]) == ("Cat", "a_b", "a_b 2", "_hidden")
    assert all((path / "a.jpg").read_bytes() == b"1" for path in out.iterdir())
    assert {path.name for path in folder.iterdir()} == {"a.jpg", "b.jpg", "more", "test", "d.jpg", "e.jpg"}


def test_where_folders_are_not_written(folder, tmp_path):
    rows = [row("a.jpg", "Cat")]
    (tmp_path / "link").symlink_to(folder)
    for place in (folder, folder / "sorted", tmp_path / "link" / "sorted", folder / ".." / "photos" / "x"):
        with pytest.raises(BadSetting, match="photographs' folder"):
            write_folders(rows, folder, place)
    with pytest.raises(BadSetting, match="photographs' folder"):
        write_folders(rows, tmp_path / "link", folder / "sorted")
    full = tmp_path / "full"
    full.mkdir()
    write_folders(rows, folder, full)
    with pytest.raises(BadSetting, match="not empty"):
        write_folders(rows, folder, full)
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadSetting, match="not empty"):
        write_folders(rows, folder, tmp_path / "file")
    assert sorted(Path(full).rglob("*.jpg")) == [full / "Cat" / "a.jpg"]
