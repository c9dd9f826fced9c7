"""Where things are kept, and which model is opened."""

import os
from pathlib import Path

import pytest

from engine.errors import FolderError, UnreadableModel
from engine.places import find_model, home


def test_beside_the_photographs(tmp_path):
    assert home(tmp_path) == tmp_path / ".catflap"


def test_elsewhere_if_the_folder_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.places.user_state_path", lambda name: Path("/state") / name)
    really = os.access
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK and really(path, mode))
    one, other = tmp_path / "a" / "photos", tmp_path / "b" / "photos"
    one.mkdir(parents=True)
    other.mkdir(parents=True)
    assert home(one).parent == Path("/state/catflap/folders")
    assert home(one).name.startswith("photos-")
    assert home(one) != home(other)
    assert home(one) == home(one)


def test_no_folder(tmp_path):
    with pytest.raises(FolderError, match="no folder"):
        home(tmp_path / "nowhere")


def test_the_given_model_wins_then_the_remembered_one_then_the_only_one(tmp_path):
    given, remembered, inside = tmp_path / "g.mlmodel", tmp_path / "r.mlmodel", tmp_path / "photos" / "i.mlmodel"
    inside.parent.mkdir()
    for path in (given, remembered, inside):
        path.write_bytes(b"")
    assert find_model(inside.parent, given, str(remembered)) == given
    assert find_model(inside.parent, None, str(remembered)) == remembered
    remembered.unlink()
    assert find_model(inside.parent, None, str(remembered)) == inside
    inside.unlink()
    with pytest.raises(UnreadableModel, match="holds no model"):
        find_model(inside.parent, None, "")
