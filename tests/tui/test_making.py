"""The commands that make models: what they write opens, learns, and is what they say; what is there is not written over."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import UnreadableModel
from tests.conftest import small_model
from tui import making

h5py = pytest.importorskip("h5py")


def keras_file(path: Path) -> Path:
    """A Keras 2 file by hand: flatten 4 x 6 pixels, one dense layer to two labels."""
    rng = np.random.default_rng(2)
    layers = [
        {"class_name": "Flatten", "config": {"name": "flat", "batch_input_shape": [None, 4, 6, 3]}},
        {"class_name": "Dense", "config": {"name": "out", "units": 2, "activation": "softmax", "use_bias": True}},
    ]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.3.1"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"flat", b"out"]
        weights.create_group("flat").attrs["weight_names"] = np.array([], "S1")
        group = weights.create_group("out")
        group.attrs["weight_names"] = [b"out/kernel:0", b"out/bias:0"]
        group["out/kernel:0"] = rng.normal(0, 0.01, (72, 2)).astype(np.float32)
        group["out/bias:0"] = np.array([0.5, -0.25], np.float32)
    return path


def test_new(catflap, tmp_path):
    out = tmp_path / "pets.mlmodel"
    code, lines, _ = catflap("new", out, "--labels", "Cat, Dog,Hare", "--json")
    assert (code, json.loads(lines[0])["labels"]) == (0, ["Cat", "Dog", "Hare"])
    model = engine.open_model(out)
    assert (model.labels, model.cut.why_not, out.stat().st_size > 2**23) == (("Cat", "Dog", "Hare"), "", True)
    before = out.read_bytes()
    code, lines, words = catflap("new", out, "--labels", "A,B")
    assert (code, lines) == (2, []) and "already" in words
    assert out.read_bytes() == before
    assert catflap("new", out, "--labels", "A,B", "--force")[0] == 0
    assert engine.open_model(out).labels == ("A", "B")
    for labels in ("Cat", "Cat,Cat", "Cat,,Dog"):
        assert catflap("new", tmp_path / "x.mlmodel", "--labels", labels)[0] == 2
    assert catflap("new", tmp_path / "x.h5", "--labels", "A,B")[0] == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["pets.mlmodel"]


def test_convert(catflap, tmp_path):
    source, out = keras_file(tmp_path / "net.h5"), tmp_path / "net.mlmodel"
    code, lines, words = catflap(
        "convert", source, "--labels", "Cat,Dog", "--out", out, "--scale", "0.5", "--bias", "1", "2", "3"
    )
    assert code == 0, words
    assert "'out' can be updated" in "\n".join(lines)
    model = engine.open_model(out)
    pixels = np.random.default_rng(1).integers(0, 256, (4, 6, 3), np.uint8)
    with h5py.File(source) as file:
        group = file["model_weights"]["out"]
        logits = (pixels * 0.5 + [1, 2, 3]).reshape(-1) @ group["out/kernel:0"][:] + group["out/bias:0"][:]
    wanted = np.exp(logits) / np.exp(logits).sum()
    assert list(model.predict({"image": pixels})["labelProbability"].values()) == pytest.approx(wanted, abs=1e-5)
    model.require_trainable()


def test_a_label_too_many_and_a_damaged_file_are_refused(catflap, tmp_path):
    source, out = keras_file(tmp_path / "net.h5"), tmp_path / "net.mlmodel"
    code, _, words = catflap("convert", source, "--labels", "Cat,Dog,Hare", "--out", out)
    assert code == 2 and "3" in words and "2" in words
    source.write_bytes(source.read_bytes()[:900])
    code, _, words = catflap("convert", source, "--labels", "Cat,Dog", "--out", out)
    assert code == 2 and "net.h5" in words
    assert not out.exists()


def breaking_down(file, *choices):
    os.abort()


def test_a_reader_that_breaks_down_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "_from_keras", breaking_down)
    source, out = keras_file(tmp_path / "net.h5"), tmp_path / "net.mlmodel"
    with pytest.raises(UnreadableModel, match=r"'net.h5' is damaged"):
        making.convert(source, labels="Cat,Dog", out=out)
    assert not out.exists()


def never_ending(answer, *choices):
    time.sleep(3600)


def test_a_reader_that_goes_on_and_on_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "_from_keras", never_ending)
    monkeypatch.setattr(making, "SECONDS", 0.5)
    source, out = keras_file(tmp_path / "net.h5"), tmp_path / "net.mlmodel"
    with pytest.raises(UnreadableModel, match=r"'net.h5' was not read"):
        making.convert(source, labels="Cat,Dog", out=out)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(catflap, tmp_path):
    """A dataset that was never written is all zeros, and takes no room in the file."""
    source, out = keras_file(tmp_path / "net.h5"), tmp_path / "net.mlmodel"
    with h5py.File(source, "r+") as file:
        group = file["model_weights"]["out"]
        del group["out/kernel:0"]
        del group["out/bias:0"]
        units = 2**31 // 72 // 4
        group.create_dataset("out/kernel:0", (72, units), "f4", chunks=(72, 1024))
        group.create_dataset("out/bias:0", (units,), "f4", chunks=(1024,))
        settings = json.loads(file.attrs["model_config"])
        settings["config"]["layers"][1]["config"]["units"] = units
        file.attrs["model_config"] = json.dumps(settings)
    assert source.stat().st_size < 100_000
    code, _, words = catflap("convert", source, "--labels", "Cat,Dog", "--out", out)
    assert code == 2 and "'net.h5' would take more memory" in words
    assert not out.exists()


def test_prepare(catflap, tmp_path):
    frozen, out = tmp_path / "frozen.mlmodel", tmp_path / "new.mlmodel"
    frozen.write_bytes(small_model(updatable=False).SerializeToString())
    before = frozen.read_bytes()
    code, lines, _ = catflap(
        "prepare", frozen, "--out", out, "--layers", "last", "--optimizer", "adam", "--epochs", "7", "--json"
    )
    assert (code, json.loads(lines[0])["changes"]) == (0, ["Layer 'last' can be updated."])
    model = engine.open_model(out)
    assert (model.network.training.optimizer, model.network.training.numbers["epochs"].default) == ("adam", 7)
    assert [layer.name for layer in model.head.layers if layer.updatable] == ["last"]
    assert frozen.read_bytes() == before
    code, _, words = catflap("prepare", frozen, "--out", tmp_path / "x.mlmodel", "--layers", "nowhere")
    assert code == 2 and "nowhere" in words


def test_inspect_of_all_that_can_be_made(catflap, shared_models):
    for path in sorted(shared_models.glob("*.mlmodel")):
        code, lines, _ = catflap("inspect", path)
        assert code == 0 and lines
        facts = json.loads(catflap("inspect", path, "--json")[1][0])
        assert (facts["runs_here"], facts["why_not"]) == (True, "")
