"""New weights change nothing but themselves; and a model is cut where it should be."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CannotTrain, UnreadableModel, UnsupportedModel
from engine.spec.file import ModelFile, read, write
from engine.spec.schema import Model
from engine.spec.split import split
from engine.spec.update import weight_spans, with_head
from engine.spec.wire import Span, fields


def opened(model):
    file = ModelFile(model.SerializeToString(), "model")
    network = file.description.network
    return file, split(network, file.description.updatable, ())


def changed(head, by=1.0):
    return head.moved([{n: np.full_like(w, by) for n, w in layer.items()} for layer in head.weights])


def test_the_same_head_gives_the_same_bytes(make_model):
    file, cut = opened(make_model())
    assert with_head(file, cut.head) == file.data


def test_only_the_updatable_weights_change(make_model):
    file, cut = opened(make_model())
    new = changed(cut.head)
    data = with_head(file, new)
    apart = np.flatnonzero(np.frombuffer(data, np.uint8) != np.frombuffer(file.data, np.uint8))
    inside = np.zeros(len(data), bool)
    for start, end in weight_spans(file, cut.head):
        inside[start:end] = True
    assert len(apart) > 100
    assert inside[apart].all()
    network = Model.FromString(data).neuralNetworkClassifier
    for name, layer in (("dense", 4), ("last", 6)):
        stored = network.layers[layer]
        assert stored.name == name
        (ours,) = [each for each in new.layers if each.name == name]
        assert list(stored.innerProduct.weights.floatValue) == ours.weights["weights"].reshape(-1).tolist()
        assert list(stored.innerProduct.bias.floatValue) == ours.weights["bias"].tolist()


def test_numbers_that_stand_in_pieces_are_written_in_pieces(make_model):
    # Two pieces of one message are one message, by the encoding's rules for merging.
    file, cut = opened(make_model())
    twice = Model.FromString(file.data)
    extra = Model()
    extra.neuralNetworkClassifier.updateParams.shuffle.defaultValue = False
    data = twice.SerializeToString() + extra.SerializeToString()
    pieces = ModelFile(data, "model")
    new = with_head(pieces, changed(cut.head))
    assert len(new) == len(data)
    assert new.endswith(extra.SerializeToString())
    stored = Model.FromString(new).neuralNetworkClassifier.layers[4].innerProduct.bias.floatValue
    np.testing.assert_array_equal(stored, changed(cut.head).layers[0].weights["bias"])


def test_unpacked_numbers_are_found_too(make_model):
    from engine.spec.update import _replace  # the encoder never writes them, but a reader must take them

    data = bytearray(b"\x0d\x00\x00\x80\x3f\x0d\x00\x00\x00\x40")
    spans = [Span(s.field, s.wire, s.start, s.end) for s in fields(bytes(data), 0, len(data))]
    _replace(data, spans, np.array([3, 4], "<f4").tobytes(), opened(make_model())[1].head.layers[0])
    assert bytes(data) == b"\x0d\x00\x00\x40\x40\x0d\x00\x00\x80\x40"


@pytest.mark.parametrize("cut_at", [1, 9, 300, -1])
def test_torn_bytes_are_refused(make_model, cut_at):
    data = make_model().SerializeToString()[:cut_at]
    with pytest.raises((UnreadableModel, IndexError)):
        list(fields(data, 0, len(data)))[99]
    with pytest.raises(UnreadableModel):
        _ = ModelFile(data, "torn").message


def test_weights_of_another_size_are_refused(make_model):
    file, _ = opened(make_model())
    _, other = opened(make_model(labels=("Cat", "Dog", "Bird")))
    with pytest.raises(UnsupportedModel, match="'last'"):
        with_head(file, other.head)


def test_two_layers_of_one_name_are_refused(make_model):
    model = make_model()
    model.neuralNetworkClassifier.layers[4].name = "last"
    file, cut = opened(model)
    with pytest.raises(UnsupportedModel, match="2 layers named 'last'"):
        with_head(file, cut.head)


def test_the_cut(make_model):
    _, cut = opened(make_model())
    assert cut.features == "flatten"
    assert [layer.name for layer in cut.backbone] == ["convolution", "relu", "pool", "flatten"]
    assert [(layer.name, layer.kind) for layer in cut.head.layers] == [
        ("dense", "innerProduct"), ("relu_2", "activation.ReLU"), ("last", "innerProduct"), ("softmax", "softmax")
    ]  # fmt: skip


def test_a_frozen_model_has_no_head_and_says_why(make_model):
    _, cut = opened(make_model(updatable=False))
    assert (cut.features, cut.head.layers) == ("softmax", ())
    assert "frozen" in cut.why_not


def leaky(network):
    network.layers[5].activation.leakyReLU.alpha = 0.1


def half(network):
    stored = network.layers[6].innerProduct.weights
    stored.float16Value = np.array(stored.floatValue, "<f2").tobytes()
    del stored.floatValue[:]


def infinite(network):
    network.layers[6].innerProduct.bias.floatValue[0] = np.inf


def no_loss(network):
    network.ClearField("updateParams")


def not_softmax(network):
    network.layers[7].softmaxND.axis = 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (leaky, "'relu_2'.*gradients do not pass"),
        (half, "'last'.*not stored as float32"),
        (infinite, "'last'.*not finite"),
        (no_loss, "no loss layer"),
        (not_softmax, "softmaxND"),
    ],
)
def test_what_cannot_be_trained_says_why(make_model, spoil, words):
    model = make_model()
    spoil(model.neuralNetworkClassifier)
    _, cut = opened(model)
    with pytest.raises(CannotTrain, match=words):
        raise CannotTrain(cut.why_not)


def test_every_shared_model(shared_models: Path):
    trained = 0
    for path in sorted(shared_models.glob("*.mlmodel")):
        file = read(path)
        if file.description.network is None:
            continue
        _, cut = file, split(file.description.network, True, tuple(o.name for o in file.description.outputs))
        data = with_head(file, changed(cut.head, 0.5))
        apart = np.flatnonzero(np.frombuffer(data, np.uint8) != np.frombuffer(file.data, np.uint8))
        inside = np.zeros(len(data), bool)
        for start, end in weight_spans(file, cut.head):
            inside[start:end] = True
        assert inside[apart].all() and len(apart), path.name
        again = split(ModelFile(data, "x").description.network, True, tuple(o.name for o in file.description.outputs))
        for ours, theirs in zip(changed(cut.head, 0.5).layers, again.head.layers, strict=True):
            assert all((ours.weights[n] == theirs.weights[n]).all() for n in ours.weights)
        trained += 1
    assert trained == 5


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "model.mlmodel"
    target.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    from engine.errors import FolderError

    with pytest.raises(FolderError, match="No space left"):
        write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_package_is_read_and_keeps_everything_else(tmp_path, make_model):
    import json

    package = tmp_path / "model.mlpackage"
    inner = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    inner.parent.mkdir(parents=True)
    inner.write_bytes(make_model().SerializeToString())
    entry = {"path": "com.apple.CoreML/model.mlmodel"}
    (package / "Manifest.json").write_text(json.dumps({"itemInfoEntries": {"A": entry}, "rootModelIdentifier": "A"}))
    (package / "Data" / "notes.txt").write_text("mine")
    file = read(package)
    assert file.description.network is not None
    write(package, file.data + b"")
    assert (package / "Data" / "notes.txt").read_text() == "mine"
    entry["path"] = "../../../elsewhere"
    (package / "Manifest.json").write_text(json.dumps({"itemInfoEntries": {"A": entry}, "rootModelIdentifier": "A"}))
    (tmp_path / "elsewhere").write_bytes(b"")
    with pytest.raises(UnreadableModel, match="outside"):
        read(package)
