"""Labels that are brought along become verdicts, once each, and a person's stay."""

import shutil
from dataclasses import replace

import pytest

from engine.errors import BadLabels
from engine.images import content_key
from engine.imports import Shown, imported
from engine.journal import EXCLUDED, HELD, IMPORTED, LABEL, Verdict
from engine.labels import read_labels

PICTURES = {"a.jpg": b"1", "b.jpg": b"2", "c.jpg": b"3", "more/copy.jpg": b"1"}


def key(name):
    return content_key(PICTURES[name])


@pytest.fixture
def folder(tmp_path):
    photos = tmp_path / "photos"
    for name, data in PICTURES.items():
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(data)
    return photos


SHOWN = Shown(
    {name: content_key(data) for name, data in PICTURES.items()},
    {key("a.jpg"): "Dog", key("b.jpg"): "Dog", key("c.jpg"): "Cat"},
    7,
)


def labelled(tmp_path, text, name="labels.csv"):
    path = tmp_path / name
    path.write_text(text)
    return read_labels(path, ("Cat", "Dog"))


def said(name, label, kind, shown, version=7):
    return Verdict(key(name), label, shown, version, kind)


def test_paths_relative_to_the_file_or_to_the_folder(folder, tmp_path):
    rows = "path,label\nphotos/a.jpg,Cat\nb.jpg,Dog\nphotos/more/../c.jpg,Dog\nphotos/z.jpg,Cat\n"
    found = imported(labelled(tmp_path, rows), folder, SHOWN, {})
    assert found.verdicts == (
        said("a.jpg", "Cat", IMPORTED, "Dog"),
        said("b.jpg", "Dog", IMPORTED, "Dog"),
        said("c.jpg", "Dog", IMPORTED, "Cat"),
    )
    assert (found.kept, found.same, found.missing) == (0, 0, ("photos/z.jpg",))


def test_a_file_elsewhere_counts_for_what_it_shows(folder, tmp_path):
    """Copies and links, by content; a name that another picture has in the folder names nothing."""
    sorted_ones = tmp_path / "sorted"
    (sorted_ones / "Cat").mkdir(parents=True)
    (sorted_ones / "Dog").mkdir()
    shutil.copy(folder / "a.jpg", sorted_ones / "Cat" / "other name.jpg")
    (sorted_ones / "Dog" / "a.jpg").symlink_to(folder / "c.jpg")
    (sorted_ones / "Dog" / "b.jpg").write_bytes(b"new")
    found = imported(read_labels(sorted_ones, ("Cat", "Dog")), folder, SHOWN, {})
    assert {each.image: each.label for each in found.verdicts} == {key("a.jpg"): "Cat", key("c.jpg"): "Dog"}
    assert found.missing == ("Dog/b.jpg",)


def test_the_folder_itself_and_a_link_to_it(folder, tmp_path):
    (folder / "Cat").mkdir()
    shutil.move(folder / "b.jpg", folder / "Cat" / "b.jpg")
    shutil.rmtree(folder / "more")
    shown = replace(SHOWN, contents={"a.jpg": key("a.jpg"), "Cat/b.jpg": key("b.jpg"), "c.jpg": key("c.jpg")})
    (tmp_path / "link").symlink_to(folder)
    for source in (folder, tmp_path / "link"):
        (verdict,) = imported(read_labels(source, ("Cat", "Dog")), folder, shown, {}).verdicts
        assert verdict == said("b.jpg", "Cat", IMPORTED, "Dog")


IN_FORCE = {
    key("a.jpg"): Verdict(key("a.jpg"), "Cat", "Cat", 0),
    key("b.jpg"): Verdict(key("b.jpg"), "Cat", "Cat", 0, HELD),
    key("c.jpg"): Verdict(key("c.jpg"), "Cat", "Cat", 0, IMPORTED),
}


def test_what_a_person_said_stays(folder, tmp_path):
    rows = labelled(tmp_path, "path,label\na.jpg,Dog\nb.jpg,Dog\nc.jpg,Dog\n")
    found = imported(rows, folder, SHOWN, IN_FORCE)
    assert found.verdicts == (said("c.jpg", "Dog", IMPORTED, "Cat"),)
    assert (found.kept, found.same) == (2, 0)
    found = imported(rows, folder, SHOWN, IN_FORCE, replace=True)
    assert found.verdicts == (
        said("a.jpg", "Dog", IMPORTED, "Dog"),
        said("b.jpg", "Dog", HELD, "Dog"),
        said("c.jpg", "Dog", IMPORTED, "Cat"),
    )
    assert (found.kept, found.same) == (0, 0)


@pytest.mark.parametrize("override", [False, True])
def test_what_was_said_before_is_not_said_again(folder, tmp_path, override):
    rows = labelled(tmp_path, "path,label\na.jpg,Cat\nmore/copy.jpg,Cat\nb.jpg,Cat\nc.jpg,Cat\n")
    found = imported(rows, folder, SHOWN, IN_FORCE, override)
    assert (found.verdicts, found.kept, found.same) == ((), 0, 3)


def test_kinds_come_along(folder, tmp_path):
    text = "path,label,kind\na.jpg,Cat,held\nmore/copy.jpg,Cat,label\nb.jpg,,excluded\nc.jpg,Dog,imported\n"
    found = imported(labelled(tmp_path, text), folder, SHOWN, {})
    assert found.verdicts == (
        said("a.jpg", "Cat", HELD, "Dog"),
        said("b.jpg", None, EXCLUDED, "Dog"),
        said("c.jpg", "Dog", IMPORTED, "Cat"),
    )
    for verdict in found.verdicts:
        again = imported(labelled(tmp_path, text), folder, SHOWN, {each.image: each for each in found.verdicts})
        assert (again.verdicts, again.same) == ((), 3), verdict
    person = {key("b.jpg"): Verdict(key("b.jpg"), "Dog", "Dog", 0, LABEL)}
    assert imported(labelled(tmp_path, text), folder, SHOWN, person).kept == 1


def test_what_is_refused(folder, tmp_path):
    with pytest.raises(BadLabels, match=r"'Cat' \(line 2, 'a.jpg'\) and 'Dog' \(line 4, 'more/copy.jpg'\)"):
        imported(labelled(tmp_path, "path,label\na.jpg,Cat\nb.jpg,Cat\nmore/copy.jpg,Dog\n"), folder, SHOWN, {})
    with pytest.raises(BadLabels, match="None of the 2 labelled images"):
        imported(labelled(tmp_path, "path,label\nx.jpg,Cat\ny.jpg,Cat\n"), folder, SHOWN, {})
