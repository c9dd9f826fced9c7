"""What converted files compute, against torch; the files are made by hand."""

import numpy as np
import pytest

from engine import open_model
from engine.convert.keras import convert

torch = pytest.importorskip("torch")
LABELS = ("ant", "bee", "cat", "dog")
SCALE, BIAS = 1 / 64, (-1.5, -2.0, -2.5)


def probabilities(path, picture, labels=LABELS, **options):
    model = convert(path, labels, SCALE, BIAS, **options)
    answer = open_model(model).predict({"image": picture})["labelProbability"]
    return np.array([answer[label] for label in labels])


def taken(picture):
    """What the Keras model is given, as torch has it: (1, C, H, W)."""
    return torch.from_numpy((picture * SCALE + np.array(BIAS)).astype(np.float32).transpose(2, 0, 1))[None]


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(each)) for each in arrays]


def same(found, logits):
    wanted = torch.softmax(logits, 1)[0].numpy()
    assert wanted.max() - wanted.min() > 0.05
    np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize("backend", ["theano", "tensorflow", ""])
@pytest.mark.parametrize("order", ["th", "tf"])
def test_keras_1(order, backend, tmp_path, layer, write_h5, numbers, picture):
    """Kernels are (out, in, rows, columns) in `th` order; Theano turns them round; Flatten keeps the order it finds."""
    kernel, bias = numbers(5, 3, 2, 4), numbers(5)
    dense, shift = numbers(5 * 4 * 4, 4), numbers(4)
    statistics = [numbers(5), numbers(5), numbers(5), np.abs(numbers(5)) + 0.5]
    shape = [None, 3, 9, 7] if order == "th" else [None, 9, 7, 3]
    size = {"nb_filter": 5, "nb_row": 2, "nb_col": 4, "subsample": [2, 1], "border_mode": "valid", "bias": True}
    config = [
        layer("Convolution2D", "c", **size, dim_ordering=order, activation="relu", batch_input_shape=shape),
        layer("BatchNormalization", "n", mode=0, axis=1 if order == "th" else -1, epsilon=0.01),
        layer("Flatten", "f"),
        layer("Dense", "d", output_dim=4, activation="softmax", bias=True),
    ]
    stored = kernel if order == "th" else kernel.transpose(2, 3, 1, 0)
    names = ("gamma", "beta", "running_mean", "running_std")
    weights = {
        "c": [("c_W", stored), ("c_b", bias)],
        "n": [(f"n_{name}", each) for name, each in zip(names, statistics, strict=True)],
        "f": [],
        "d": [("d_W", dense), ("d_b", shift)],
    }
    path = write_h5(tmp_path / "m.h5", {"class_name": "Sequential", "config": config}, weights, "1.2.2", backend)
    turned = kernel[:, :, ::-1, ::-1] if backend == "theano" else kernel
    x = torch.relu(torch.nn.functional.conv2d(taken(picture), *tensors(turned, bias), stride=(2, 1)))
    gamma, beta, mean, variance = tensors(*statistics)
    x = torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, eps=0.01)
    x = x.flatten(1) if order == "th" else x.permute(0, 2, 3, 1).flatten(1)
    same(probabilities(path, picture), x @ tensors(dense)[0] + tensors(shift)[0])


def test_keras_1_graph_with_merges(tmp_path, layer, chain, write_h5, numbers, picture):
    first, second, dense = numbers(3, 3, 3, 4), numbers(3, 3, 3, 4), numbers(12, 4)
    size = {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "dim_ordering": "tf", "border_mode": "same", "bias": False}
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Convolution2D", "a", **size),
        layer("AtrousConvolution2D", "b", **size, atrous_rate=[2, 2]),
        layer("Merge", "sum", mode="sum"),
        layer("Merge", "all", mode="concat", concat_axis=-1),
        layer("ZeroPadding2D", "pad", padding={"top_pad": 1, "left_pad": 2}, dim_ordering="tf"),
        layer("GlobalAveragePooling2D", "mean", dim_ordering="tf"),
        layer("Dense", "d", output_dim=4, bias=False, activation="linear"),
    ])  # fmt: skip
    for place, sources in ((2, ["in"]), (3, ["a", "b"]), (4, ["sum", "a", "b"])):
        config["layers"][place]["inbound_nodes"] = [[[name, 0, 0] for name in sources]]
    weights = {"a": [("W", first)], "b": [("W", second)], "d": [("W", dense)]}
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, weights, "1.1.0")
    one, two = tensors(first.transpose(3, 2, 0, 1), second.transpose(3, 2, 0, 1))
    a = torch.nn.functional.conv2d(taken(picture), one, padding=1)
    b = torch.nn.functional.conv2d(taken(picture), two, padding=2, dilation=2)
    means = torch.cat([a + b, a, b], 1).sum((2, 3)) / (10 * 9)
    same(probabilities(path, picture), means @ tensors(dense)[0])


def test_channels_first(tmp_path, layer, chain, write_h5, numbers, picture):
    """Flatten takes channels last since Keras 2; Reshape and Permute keep their meaning."""
    kernel, bias, deep, dense = numbers(2, 3, 3, 6), numbers(6), numbers(3, 1, 6, 2), numbers(12 * 2 * 5, 4)
    first = {"data_format": "channels_first"}
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 3, 9, 7]),
        layer("Rescaling", "s", scale=0.5, offset=0.25),
        layer("Conv2D", "c", filters=6, kernel_size=[2, 3], strides=[2, 1], activation="tanh", **first),
        layer("DepthwiseConv2D", "d", kernel_size=[3, 1], depth_multiplier=2, use_bias=False, **first),
        layer("Permute", "p", dims=[1, 3, 2]),
        layer("Reshape", "r", target_shape=[12, 2, -1]),
        layer("Flatten", "f", **first),
        layer("Dense", "o", units=4, use_bias=False),
    ])  # fmt: skip
    weights = {"c": [("k:0", kernel), ("b:0", bias)], "d": [("d:0", deep)], "o": [("k:0", dense)]}
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, weights)
    one, shift, two = tensors(kernel.transpose(3, 2, 0, 1), bias, deep.transpose(2, 3, 0, 1).reshape(12, 1, 3, 1))
    x = torch.tanh(torch.nn.functional.conv2d(taken(picture) * 0.5 + 0.25, one, shift, stride=(2, 1)))
    x = torch.nn.functional.conv2d(x, two, groups=6).permute(0, 1, 3, 2).reshape(1, 12, 2, 5)
    same(probabilities(path, picture), x.permute(0, 2, 3, 1).flatten(1) @ tensors(dense)[0])


@pytest.mark.parametrize("dims", [(3, 2, 1), (2, 1, 3), (3, 1, 2), (1, 3, 2), (2, 3, 1)])
def test_flatten_after_permute(dims, tmp_path, layer, chain, write_h5, numbers, picture):
    dense = numbers(9 * 7 * 3, 4) / 4
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Permute", "p", dims=dims),
        layer("Flatten", "f", data_format="channels_last"),
        layer("Dense", "d", units=4, use_bias=False),
    ])  # fmt: skip
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {"d": [("k", dense)]})
    given = taken(picture).permute(0, 2, 3, 1).permute(0, *dims)
    same(probabilities(path, picture), given.flatten(1) @ tensors(dense)[0])


def test_archive_with_a_shared_layer_and_operations(tmp_path, layer, write_keras, numbers, picture):
    kernel, bias, dense, shift = numbers(1, 1, 3, 3), numbers(3), numbers(3, 4), numbers(4)

    def tensor(name, call=0):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0]}}

    def called(entry, *calls, module="keras.layers"):
        nodes = [{"args": list(args), "kwargs": {}} for args in calls]
        known = {"module": module, "registered_name": None if module == "keras.layers" else entry["class_name"]}
        return {**entry, **known, "name": entry["config"]["name"], "inbound_nodes": nodes}

    numpy = "keras.src.ops.numpy"
    layers = [
        called(layer("InputLayer", "in", batch_shape=[None, 9, 7, 3])),
        called(layer("Conv2D", "c", filters=3, kernel_size=[1, 1], padding="same"), [tensor("in")], [tensor("double")]),
        called(layer("Multiply", "double"), [tensor("c"), 2.0], module=numpy),
        called(layer("Subtract", "less"), [1.0, tensor("c", 1)], module=numpy),
        called(layer("Add", "sum"), [[tensor("less"), tensor("in")]]),
        called(layer("GlobalMaxPooling2D", "max"), [tensor("sum")]),
        called(layer("Dense", "d", units=4, activation="softmax"), [tensor("max")]),
    ]
    ends = {"input_layers": ["in", 0, 0], "output_layers": ["d", 0, 0]}
    whole = {"module": "keras.src.models.functional", "registered_name": "Functional"}
    config = {"class_name": "Functional", "config": {"name": "m", "layers": layers, **ends}, **whole}
    arrays = {"conv2d/vars/0": kernel, "conv2d/vars/1": bias, "dense/vars/0": dense, "dense/vars/1": shift}
    path = write_keras(tmp_path / "m.keras", config, {f"layers/{name}": each for name, each in arrays.items()})
    one, more, head, last = tensors(kernel.transpose(3, 2, 0, 1), bias, dense, shift)
    given = taken(picture)
    twice = torch.nn.functional.conv2d(2 * torch.nn.functional.conv2d(given, one, more), one, more)
    same(probabilities(path, picture), (1 - twice + given).amax((2, 3)) @ head + last)


@pytest.mark.parametrize(("kernel", "stride", "extra"), [((3, 4), (2, 3), 1), ((2, 2), (2, 2), 0), ((4, 5), (3, 2), 1)])
def test_transposed_convolution(kernel, stride, extra, tmp_path, layer, chain, write_h5, numbers, picture):
    weights, bias, dense = numbers(*kernel, 5, 3), numbers(5), numbers(5, 4)
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Conv2DTranspose", "t", filters=5, kernel_size=kernel, strides=stride, output_padding=extra or None),
        layer("GlobalMaxPooling2D", "g"),
        layer("Dense", "d", units=4, use_bias=False),
    ])  # fmt: skip
    held = {"t": [("kernel:0", weights), ("bias:0", bias)], "d": [("kernel:0", dense)]}
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, held)
    one, shift, head = tensors(weights.transpose(3, 2, 0, 1), bias, dense)
    x = torch.nn.functional.conv_transpose2d(taken(picture), one, shift, stride=stride, output_padding=extra)
    same(probabilities(path, picture), x.amax((2, 3)) @ head)


@pytest.mark.parametrize("version", ["2.3.1", "3.5.0"])
def test_hard_sigmoid_is_of_its_keras(version, tmp_path, layer, chain, write_h5, numbers, picture):
    dense = numbers(9 * 7 * 3, 4)
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Activation", "a", activation="hard_sigmoid"),
        layer("Flatten", "f", data_format="channels_last"),
        layer("Dense", "d", units=4, use_bias=False),
    ])  # fmt: skip
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {"d": [("k", dense)]}, version)
    given = taken(picture).permute(0, 2, 3, 1)
    slope = 0.2 if version < "3" else 1 / 6
    same(probabilities(path, picture), torch.clamp(given * slope + 0.5, 0, 1).flatten(1) @ tensors(dense)[0])


@pytest.mark.parametrize(("approximate", "form"), [(True, "tanh"), (False, "none")])
def test_gelu(approximate, form, tmp_path, layer, chain, write_h5, numbers, picture):
    dense = numbers(9 * 7 * 3, 4)
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("TFOpLambda", "g", function="nn.gelu"),
        layer("Flatten", "f", data_format="channels_last"),
        layer("Dense", "d", units=4, use_bias=False),
    ])  # fmt: skip
    config["layers"][1]["inbound_nodes"] = [["in", 0, 0, {"approximate": approximate, "name": None}]]
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {"d": [("k", dense)]})
    given = taken(picture).permute(0, 2, 3, 1)
    same(probabilities(path, picture), torch.nn.functional.gelu(given, approximate=form).flatten(1) @ tensors(dense)[0])


@pytest.mark.parametrize("bgr", [False, True])
def test_a_rescaling_at_the_start_becomes_preprocessing(bgr, tmp_path, layer, chain, write_h5, numbers, picture):
    dense = numbers(3, 4)
    offset = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0, 3.0], "dtype": "float32"}}
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("Dropout", "x", rate=0.5),
        layer("Rescaling", "r", scale=0.5, offset=offset),
        layer("RandomFlip", "y", mode="horizontal"),
        layer("Rescaling", "s", scale=[1.0, 2.0, 3.0], offset=0.0),
        layer("GlobalAveragePooling2D", "g"),
        layer("Dense", "d", units=4, use_bias=False, activation="softmax"),
    ])  # fmt: skip
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, {"d": [("k", dense)]}, "3.0.0")
    model = convert(path, LABELS, SCALE, BIAS, bgr)
    network = model.neuralNetworkClassifier
    assert [each.WhichOneof("layer") for each in network.layers] == ["scale", "pooling", "innerProduct", "softmax"]
    scaler = network.preprocessing[0].scaler
    assert scaler.channelScale == pytest.approx(SCALE / 2)
    shifts = (3.0, 2.0, 1.0) if bgr else (1.0, 2.0, 3.0)
    wanted = [each / 2 + shift for each, shift in zip(BIAS, shifts, strict=True)]
    assert (scaler.redBias, scaler.greenBias, scaler.blueBias) == pytest.approx(wanted)
    given = taken(picture).flip(1) if bgr else taken(picture)
    by, offset = (torch.tensor(each).reshape(1, 3, 1, 1) for each in ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]))
    same(probabilities(path, picture, bgr=bgr), ((given * 0.5 + offset) * by).mean((2, 3)) @ tensors(dense)[0])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
def test_one_output_is_the_second_label(activation, bias, tmp_path, layer, chain, write_h5, numbers, picture):
    dense, shift = numbers(3, 1), numbers(1) + 1
    config = chain([
        layer("InputLayer", "in", batch_input_shape=[None, 9, 7, 3]),
        layer("GlobalAveragePooling2D", "g"),
        layer("Dense", "d", units=1, use_bias=bias, activation=activation),
    ])  # fmt: skip
    held = {"d": [("k", dense), ("b", shift)][: 1 + bias]}
    path = write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, held)
    found = probabilities(path, picture, ("cat", "dog"))
    logit = taken(picture).mean((2, 3)) @ tensors(dense)[0] + (tensors(shift)[0] if bias else 0)
    share = float(torch.sigmoid(logit))
    assert 0.02 < min(share, 1 - share) < 0.49
    np.testing.assert_allclose(found, [1 - share, share], atol=1e-6)
    layers = convert(path, ("cat", "dog")).neuralNetworkClassifier.layers
    assert [each.WhichOneof("layer") for each in layers] == ["pooling", "innerProduct", "softmax"]
