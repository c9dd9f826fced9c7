"""What is refused, and that it says what is at fault."""

import random
import zipfile

import numpy as np
import pytest

from engine.convert.keras import convert, read_keras
from engine.errors import BadSetting, CatflapError, UnreadableModel, UnsupportedLayer, UnsupportedModel

h5py = pytest.importorskip("h5py")


@pytest.fixture
def small(tmp_path, layer, chain, write_h5, numbers):
    """A small model's file, with other layers between its input and its end."""

    def write(*middle, shape=(None, 9, 7, 3), units=2, name="m.h5", weights=None, **options):
        layers = [
            layer("InputLayer", "in", batch_input_shape=shape),
            *middle,
            layer("GlobalAveragePooling2D", "mean"),
            layer("Dense", "end", units=units, activation="softmax"),
        ]
        held = {"end": [("end/kernel:0", numbers(3, units)), ("end/bias:0", numbers(units))], **(weights or {})}
        config = {"class_name": "Model", "config": chain(layers)}
        return write_h5(tmp_path / name, config, held, **options)

    return write


@pytest.fixture
def archive(tmp_path, layer, write_keras, numbers):
    layers = [
        layer("InputLayer", "in", batch_shape=[None, 9, 7, 3]),
        layer("GlobalAveragePooling2D", "mean"),
        layer("Dense", "end", units=2, activation="softmax"),
    ]
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    arrays = {"layers/dense/vars/0": numbers(3, 2), "layers/dense/vars/1": numbers(2)}
    return write_keras(tmp_path / "m.keras", config, arrays)


def test_the_small_ones_convert(small, archive):
    assert convert(small(), ["cat", "dog"]).neuralNetworkClassifier.layers
    assert convert(archive, ["cat", "dog"]).neuralNetworkClassifier.layers


UNSUPPORTED = {
    "Lambda": ({"function": ["4wEAAAAA", None, None]}, "program"),
    "Custom>Blur": ({}, "program"),
    "LSTM": ({"units": 4}, "not supported"),
    "TFOpLambda": ({"function": "image.sobel_edges"}, "image.sobel_edges"),
    "Activation": ({"activation": "log_softmax"}, "log_softmax"),
    "ReLU": ({"activation": "relu"}, None),
    "Merge": ({"mode": "dot"}, "not supported"),
    "UpSampling2D": ({"size": [2, 2], "interpolation": "lanczos3"}, "lanczos3"),
    "Resizing": ({"height": 10, "width": 11, "interpolation": "bilinear"}, "9 x 7 to 10 x 11"),
    "Reshape": ({"target_shape": [3, 3, 7, 3]}, "4 axes"),
    "MaxPooling2D": ({"pool_size": 2, "padding": "causal"}, "causal"),
    "Normalization": ({"axis": 1, "mean": [0.0], "variance": [1.0]}, "[1]"),
    "BatchNormalization": ({"mode": 2, "axis": -1}, "mode 2"),
}


@pytest.mark.parametrize("kind", [each for each, (_, word) in UNSUPPORTED.items() if word])
def test_layers_that_cannot_be_said_are_named(kind, small, layer, numbers):
    config, word = UNSUPPORTED[kind]
    held = {"odd": [(f"w{index}", np.abs(numbers(3))) for index in range(4)]} if kind == "BatchNormalization" else {}
    with pytest.raises(UnsupportedLayer) as caught:
        convert(small(layer(kind, "odd", **config), weights=held), ["cat", "dog"])
    assert "'odd'" in str(caught.value) and repr(kind) in str(caught.value) and word in str(caught.value)


MISFITS = {
    "Conv2D": {"filters": 4, "kernel_size": [2, 3], "use_bias": False},
    "Reshape": {"target_shape": [-1, 4]},
    "Permute": {"dims": [1, 3]},
    "Cropping2D": {"cropping": [[4, 5], [0, 0]]},
    "MaxPooling2D": {"pool_size": 20},
    "Concatenate": {"axis": 5},
    "Rescaling": {"scale": [1.0, 2.0]},
    "Dense": {},
    "ZeroPadding2D": {"padding": -1},
    "AveragePooling2D": {"pool_size": 0},
    "Softmax": {"axis": 0},
}


@pytest.mark.parametrize("kind", MISFITS)
def test_settings_that_do_not_fit_name_their_layer(kind, small, layer, numbers):
    held = {"odd": [("kernel:0", numbers(2, 3, 4, 3)), ("bias:0", numbers(3))][: 2 if kind == "Dense" else 1]}
    with pytest.raises(UnreadableModel) as caught:
        convert(small(layer(kind, "odd", **MISFITS[kind]), weights=held), ["cat", "dog"])
    assert "'odd'" in str(caught.value) and repr(kind) in str(caught.value)


@pytest.mark.parametrize("labels", [["cat", "dog"], ["a", "b", "c", "d"]])
def test_labels_that_are_not_as_many_as_the_outputs(labels, small):
    with pytest.raises(BadSetting) as caught:
        convert(small(units=3), labels)
    assert "3 labels" in str(caught.value) and str(len(labels)) in str(caught.value)


def test_one_output_takes_two_labels(small):
    with pytest.raises(BadSetting, match="2 labels"):
        convert(small(units=1), ["a", "b", "c"])


def test_an_open_size_asks_for_the_option(small):
    with pytest.raises(BadSetting, match="--size"):
        convert(small(shape=(None, None, None, 3)), ["cat", "dog"])
    picture = convert(small(shape=(None, None, None, 3)), ["cat", "dog"], size=(5, 8)).description.input[0].type.imageType
    assert (picture.height, picture.width) == (5, 8)


def test_another_size_than_the_file_has(small):
    with pytest.raises(BadSetting, match="9 x 7"):
        convert(small(), ["cat", "dog"], size=(7, 9))


@pytest.mark.parametrize("shape", [None, (None, 12), (None, 9, 7, 4)])
def test_what_is_no_picture(shape, small):
    with pytest.raises(UnsupportedModel, match="takes"):
        convert(small(shape=shape), ["cat", "dog"])


def test_a_result_that_is_no_list(tmp_path, layer, chain, write_h5):
    config = chain([layer("InputLayer", "in", batch_input_shape=(None, 9, 7, 3)), layer("MaxPooling2D", "p")])
    with pytest.raises(UnsupportedModel, match="4 x 3 x 3"):
        convert(write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {}), ["a", "b", "c"])


@pytest.mark.parametrize("ends", ["input_layers", "output_layers"])
def test_two_inputs_or_outputs(ends, tmp_path, layer, chain, write_h5):
    config = chain([layer("InputLayer", "in", batch_input_shape=(None, 9, 7, 3)), layer("Flatten", "f")])
    config[ends] = [["in", 0, 0], ["f", 0, 0]]
    with pytest.raises(UnsupportedModel, match=f"2 {ends.split('_')[0]}s"):
        convert(write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {}), ["a", "b"])


def test_weights_alone_say_how_to_save_the_model(tmp_path, write_h5, numbers):
    with pytest.raises(UnreadableModel, match=r"model\.save\("):
        read_keras(write_h5(tmp_path / "m.h5", None, {"end": [("kernel:0", numbers(3, 2))]}))


def test_a_class_of_the_users_own(tmp_path, write_h5):
    with pytest.raises(UnsupportedModel, match="'MyNet'"):
        read_keras(write_h5(tmp_path / "m.h5", {"class_name": "MyNet", "config": {}}, {}))


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(UnreadableModel, match=r"no file 'gone\.h5'"):
        read_keras(tmp_path / "gone.h5")
    for content in (b"", b"no model", bytes(5000)):
        (tmp_path / "odd.h5").write_bytes(content)
        with pytest.raises(UnreadableModel, match=r"'odd\.h5'"):
            read_keras(tmp_path / "odd.h5")
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(UnreadableModel, match=r"'odd\.keras'"):
        read_keras(tmp_path / "odd.keras")


def test_too_few_weights_and_wrong_shapes(small, numbers):
    with pytest.raises(UnreadableModel, match="'end' holds 1 weights"):
        read_keras(small(weights={"end": [("kernel:0", numbers(3, 2))]}))
    with pytest.raises(UnreadableModel, match=r"'end' of kind 'Dense': 'kernel' is of shape \(4, 2\)"):
        convert(small(weights={"end": [("kernel:0", numbers(4, 2)), ("bias:0", numbers(2))]}), ["a", "b"])


@pytest.mark.parametrize("external", ["link", "soft", "storage", "virtual"])
def test_nothing_outside_the_file_is_read(external, small, tmp_path):
    path, other = small(), tmp_path / "secret.h5"
    secret = np.arange(6, dtype=np.float32).reshape(3, 2)
    with h5py.File(other, "w") as file:
        file["kernel"] = secret
    (tmp_path / "secret.bin").write_bytes(secret.tobytes())
    with h5py.File(path, "a") as file:
        group = file["model_weights/end/end"]
        del group["kernel:0"]
        if external == "link":
            group["kernel:0"] = h5py.ExternalLink(str(other), "kernel")
        elif external == "soft":
            group["kernel:0"] = h5py.SoftLink("/model_weights/end/end/bias:0")
        elif external == "storage":
            where = [(str(tmp_path / "secret.bin"), 0, h5py.h5f.UNLIMITED)]
            group.create_dataset("kernel:0", (3, 2), np.float32, external=where)
        else:
            layout = h5py.VirtualLayout((3, 2), np.float32)
            layout[:] = h5py.VirtualSource(str(other), "kernel", shape=(3, 2))
            group.create_virtual_dataset("kernel:0", layout)
    with pytest.raises(UnreadableModel, match="kernel:0"):
        read_keras(path)


def test_an_array_that_claims_to_be_huge(small):
    path = small()
    with h5py.File(path, "a") as file:
        group = file["model_weights/end/end"]
        del group["kernel:0"]
        group.create_dataset("kernel:0", (2**20, 2**20), np.float32, chunks=(1024, 1024))
    with pytest.raises(UnreadableModel, match="kernel:0"):
        read_keras(path)


def test_models_inside_models_that_grow_without_end(tmp_path, layer, write_h5):
    """Each calls the one inside it twice."""

    def around(inner, name):
        calls = [[[f"{name}_in", 0, 0, {}]], [[inner["config"]["name"], 0, 0, {}]]]
        entry = {**inner, "name": inner["config"]["name"], "inbound_nodes": calls}
        source = {**layer("InputLayer", f"{name}_in", batch_input_shape=(None, 9, 7, 3)), "name": f"{name}_in"}
        ends = {"input_layers": [[f"{name}_in", 0, 0]], "output_layers": [[inner["config"]["name"], 1, 0]]}
        return {"class_name": "Functional", "config": {"name": name, "layers": [source, entry], **ends}}

    model = layer("Activation", "a", activation="relu")
    for depth in range(40):
        model = around(model, f"m{depth}")
    with pytest.raises(UnsupportedModel, match="10000 times"):
        read_keras(write_h5(tmp_path / "m.h5", model, {}))


def test_layers_that_wait_for_each_other(tmp_path, layer, chain, write_h5):
    config = chain([layer("InputLayer", "in", batch_input_shape=(None, 9, 7, 3)), layer("ReLU", "a"), layer("ReLU", "b")])
    config["layers"][1]["inbound_nodes"] = [[["b", 0, 0, {}]]]
    with pytest.raises(UnreadableModel, match="'a' takes what no layer gives"):
        read_keras(write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {}))


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_files_that_are_cut_off_are_said_to_be_damaged(kind, small, archive, tmp_path):
    whole = (small() if kind == "h5" else archive).read_bytes()
    path = tmp_path / f"odd.{kind}"
    for share in range(0, 100, 3):
        path.write_bytes(whole[: len(whole) * share // 100])
        with pytest.raises(UnreadableModel):
            read_keras(path)


def test_an_archive_with_changed_bytes(archive, tmp_path):
    whole, rng, refused = archive.read_bytes(), random.Random(4), 0
    for _ in range(100):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (tmp_path / "odd.keras").write_bytes(content)
        try:
            convert(tmp_path / "odd.keras", ["cat", "dog"])
        except CatflapError:
            refused += 1
    assert refused > 50


ODD = (None, 3, "x", [], {}, [[]], -1, 1.5, [None])


@pytest.mark.parametrize("start", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, len(ODD)))])
def test_damaged_configurations_are_said_to_be_so(start, tmp_path, layer, chain, write_h5, numbers):
    """Every value of a configuration in turn is something else."""

    def places(node, path=()):
        yield path
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, each in items:
            yield from places(each, (*path, key))

    def changed(node, path, value):
        if not path:
            return value
        copy = dict(node) if isinstance(node, dict) else list(node)
        copy[path[0]] = changed(node[path[0]], path[1:], value)
        return copy

    layers = [
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Conv2D", "c", filters=3, kernel_size=[2, 2], strides=[2, 1], activation="relu"),
        layer("BatchNormalization", "n", axis=[3], epsilon=0.01),
        layer("Flatten", "f"),
        layer("Dense", "d", units=2, activation={"class_name": "LeakyReLU", "config": {"alpha": 0.2}}),
    ]
    config = {"class_name": "Model", "config": chain(layers)}
    weights = {
        "c": [("k", numbers(2, 2, 3, 3)), ("b", numbers(3))],
        "n": [(name, np.abs(numbers(3)) + 1) for name in "gbmv"],
        "d": [("k", numbers(4 * 6 * 3, 2)), ("b", numbers(2))],
    }
    refused = 0
    for index, path in enumerate(places(config)):
        odd = ODD[(start + index) % len(ODD)]
        file = write_h5(tmp_path / "m.h5", changed(config, path, odd), weights)
        try:
            convert(file, ["cat", "dog"])
        except CatflapError:
            refused += 1
    assert refused > 10
