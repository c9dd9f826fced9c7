"""Labels from a CSV file and from folders."""

import pytest

from engine.errors import BadLabels
from engine.labels import read_labels, refuse_contradictions

KNOWN = ("Cat", "Dog")


def csv(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_is_read_by_its_header(tmp_path):
    found = read_labels(csv(tmp_path, "note,label,path\nx,Cat,a.jpg\ny,Dog,sub/b.jpg\n"), KNOWN)
    assert {name: (each.label, each.file, each.where) for name, each in found.items()} == {
        "a.jpg": ("Cat", tmp_path / "a.jpg", "line 2"),
        "sub/b.jpg": ("Dog", tmp_path / "sub" / "b.jpg", "line 3"),
    }


def test_a_byte_order_mark_and_quoted_names_are_no_trouble(tmp_path):
    found = read_labels(csv(tmp_path, '\ufeffpath,label\n"a, b.jpg",Cat\n'), KNOWN)
    assert list(found) == ["a, b.jpg"]


def test_folders_are_labels(tmp_path):
    for name in ("Cat/a.jpg", "Dog/deep/b.jpg", "loose.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = read_labels(tmp_path, KNOWN)
    assert {name: each.label for name, each in found.items()} == {"Cat/a.jpg": "Cat", "Dog/deep/b.jpg": "Dog"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks the header"),
        ("path,label\n", "holds no labelled image"),
        ("path,what\na,b\n", "lacks the header"),
        ("path,label\na.jpg,Hare\n", "line 2: 'a.jpg' has the label 'Hare'"),
        ("path,label\na.jpg\n", "line 2, lacks"),
        ("path,label\na.jpg,Cat\nb.jpg,Dog\na.jpg,Dog\n", r"'Cat' \(line 2\) and 'Dog' \(line 4\)"),
    ],
)
def test_what_is_refused(tmp_path, text, words):
    with pytest.raises(BadLabels, match=words):
        read_labels(csv(tmp_path, text), KNOWN)


def test_no_file(tmp_path):
    with pytest.raises(BadLabels, match="cannot be read"):
        read_labels(tmp_path / "nowhere.csv", KNOWN)


def test_one_content_with_two_labels_is_a_contradiction(tmp_path):
    found = read_labels(csv(tmp_path, "path,label\na.jpg,Cat\nb.jpg,Dog\nc.jpg,Cat\n"), KNOWN)
    refuse_contradictions(found, {"a.jpg": b"1", "b.jpg": b"2", "c.jpg": b"1"})
    with pytest.raises(BadLabels, match=r"line 2.*line 3"):
        refuse_contradictions(found, {"a.jpg": b"1", "b.jpg": b"1"})


def test_kinds_of_a_csv_that_was_exported(tmp_path):
    text = "path,label,kind,shown\na.jpg,Cat,label,Dog\nb.jpg,Dog,held,Dog\nc.jpg,,excluded,Cat\nd.jpg,Cat,tabby,Cat\n"
    found = read_labels(csv(tmp_path, text), KNOWN)
    assert {name: (each.label, each.kind) for name, each in found.items()} == {
        "a.jpg": ("Cat", "label"),
        "b.jpg": ("Dog", "held"),
        "c.jpg": ("", "excluded"),
        "d.jpg": ("Cat", "label"),
    }
    with pytest.raises(BadLabels, match="line 3, lacks"):
        read_labels(csv(tmp_path, "path,label,kind\na.jpg,Cat,\nb.jpg,,held\n"), KNOWN)
    with pytest.raises(BadLabels, match=r"'Cat' \(line 2\) and excluded \(line 3\)"):
        read_labels(csv(tmp_path, "path,label,kind\na.jpg,Cat,\na.jpg,,excluded\n"), KNOWN)
