"""The bundled samples are found in a wheel and in a checkout, and copied without ever overwriting."""

from pathlib import Path

import pytest

from engine.errors import FolderError
from tui.samples import MODEL, copy_samples, samples_folder


def put(folder):
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.jpg").write_bytes(b"a")
    (folder / MODEL).write_bytes(b"model")
    return folder


def test_in_a_wheel_they_lie_inside_the_package(tmp_path):
    package = tmp_path / "site-packages" / "tui"
    inside = put(package / "samples")
    put(tmp_path / "site-packages" / "samples")
    assert samples_folder(package) == inside


def test_in_a_checkout_they_lie_beside_it(tmp_path):
    beside = put(tmp_path / "samples")
    assert samples_folder(tmp_path / "tui") == beside


def test_this_checkout_has_them():
    assert samples_folder() == Path(__file__).resolve().parents[2] / "samples"


def test_without_them_the_error_says_so(tmp_path):
    with pytest.raises(FolderError, match="samples are missing"):
        samples_folder(tmp_path / "tui")


def test_copies_keep_what_a_person_changed(tmp_path):
    images, model = copy_samples(tmp_path / "demo")
    assert len(list(images.iterdir())) == 120
    model.write_bytes(b"retrained")
    first = sorted(images.iterdir())[0]
    first.unlink()
    assert copy_samples(tmp_path / "demo") == (images, model)
    assert model.read_bytes() == b"retrained"
    assert first.exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FolderError, match="--dir"):
        copy_samples(tmp_path / "file" / "demo")
