"""Frozen layers run together as one by one; whole networks as PyTorch runs them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import engine.translate.session
from engine.backbone import AT_ONCE, Backbone
from engine.errors import UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate.session import Session

HEIGHT, WIDTH = 6, 5


def network_of(*fills: Callable[[Any], Any], legacy: bool = False) -> Any:
    """An RGB image, 5 wide and 6 high, through layers that `fills` write; blobs are named picture, 0, 1, ..."""
    model = Model()
    feature = model.description.input.add()
    feature.name = "picture"
    image = feature.type.imageType
    image.width, image.height, image.colorSpace = WIDTH, HEIGHT, 20
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    network.preprocessing.add().scaler.channelScale = 1 / 64
    for index, fill in enumerate(fills):
        layer = network.layers.add()
        layer.name = f"layer {index}"
        layer.input.append(str(index - 1) if index else "picture")
        layer.output.append(str(index))
        fill(layer)
    return model


def backbone_of(model: Any, *outputs: str, batch: bool = True) -> Backbone:
    described = describe(model)
    assert described.network is not None
    return Backbone(described.network, described.inputs, described.network.layers, outputs, batch)


def pixels(count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


def tanh(layer: Any) -> None:
    layer.activation.tanh.SetInParent()


def softmax_over_first(layer: Any) -> None:
    layer.softmaxND.axis = 0


def swapped(layer: Any) -> None:
    layer.transpose.axes.extend((1, 0, 2, 3))


def squeezed(layer: Any) -> None:
    layer.squeeze.axes.append(0)


def split(layer: Any) -> None:
    layer.splitND.axis, layer.splitND.numSplits = 0, 1


def written_out(layer: Any) -> None:
    layer.reshapeStatic.targetShape.extend((1, 3 * HEIGHT * WIDTH))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each run had."""
    sizes: list[int] = []
    plain: Callable[..., Any] = Session.run

    def noted(session: Session, data: Any) -> Any:
        sizes.append(len(next(iter(data.values()))))
        return plain(session, data)

    monkeypatch.setattr(Session, "run", noted)
    return sizes


def test_the_shape_is_known_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(onnxruntime, "InferenceSession")
    assert backbone_of(network_of(tanh), "0").shape == (3, HEIGHT, WIDTH)
    assert backbone_of(network_of(tanh, legacy=True), "0").shape == (3, HEIGHT, WIDTH)
    assert backbone_of(network_of(tanh, written_out), "1").shape == (3 * HEIGHT * WIDTH,)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("count", [1, 2, AT_ONCE, 2 * AT_ONCE + 3])
def test_features_of_many(legacy: bool, count: int, runs: list[int]) -> None:
    backbone, x = backbone_of(network_of(tanh, legacy=legacy), "0"), pixels(count)
    found = backbone.features(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.tanh(x.transpose(0, 3, 1, 2) / 64), rtol=1e-5, atol=1e-6)
    parts = [AT_ONCE] * (count // AT_ONCE) + [count % AT_ONCE] * (count % AT_ONCE > 0)
    assert runs == [2, 1, 1, *parts]


def test_the_shape_behind_a_layer_that_numpy_computes() -> None:
    def shrunk(layer: Any) -> None:
        layer.resizeBilinear.targetSize.extend((3, 2))

    for legacy in (True, False):
        backbone, x = backbone_of(network_of(tanh, shrunk, legacy=legacy), "1"), pixels(3)
        assert backbone.shape == (3, 3, 2)
        assert backbone.features(x).shape == (3, 3, 3, 2)


def test_no_images_have_no_features() -> None:
    assert backbone_of(network_of(tanh), "0").features(pixels(0)).shape == (0, 3, HEIGHT, WIDTH)


def test_without_layers_the_features_are_the_preprocessed_pixels() -> None:
    x = pixels(3)
    np.testing.assert_allclose(backbone_of(network_of(), "picture").features(x), x.transpose(0, 3, 1, 2) / 64, rtol=1e-6)


@pytest.mark.parametrize("fill", [softmax_over_first, swapped, squeezed, split])
def test_a_network_that_mixes_the_batch_runs_one_by_one(fill: Callable[[Any], Any], runs: list[int]) -> None:
    backbone, x = backbone_of(network_of(tanh, fill), "1"), pixels(3)
    found = backbone.features(x)
    assert runs[-3:] == [1, 1, 1]
    inner = np.tanh(x.transpose(0, 3, 1, 2) / 64)
    expected = {
        softmax_over_first: lambda: np.ones_like(inner),
        swapped: lambda: inner[:, :, None],
        squeezed: lambda: inner,
        split: lambda: inner,
    }[fill]()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_batch_of_one_written_into_the_network_is_carried_on(runs: list[int]) -> None:
    x = pixels(5)
    found = backbone_of(network_of(tanh, written_out), "1").features(x)
    assert runs[-1] == 5
    np.testing.assert_allclose(found, np.tanh(x.transpose(0, 3, 1, 2) / 64).reshape(5, -1), rtol=1e-5, atol=1e-6)


def test_one_by_one_where_asked(runs: list[int]) -> None:
    backbone_of(network_of(tanh), "0", batch=False).features(pixels(3))
    assert runs == [1, 1, 1]


def test_several_outputs() -> None:
    x = pixels(1)[0]
    found = backbone_of(network_of(tanh, written_out), "1", "picture", "0", batch=False).run({"picture": x})
    scaled = x.transpose(2, 0, 1)[None] / 64
    assert list(found) == ["1", "picture", "0"]
    np.testing.assert_allclose(found["picture"], scaled, rtol=1e-6)
    np.testing.assert_allclose(found["0"], np.tanh(scaled), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["1"], found["0"].reshape(1, -1))


def test_a_blob_and_its_copy_are_both_outputs() -> None:
    backbone = backbone_of(network_of(tanh, lambda layer: layer.copy.SetInParent()), "0", "1", batch=False)
    found = backbone.run({"picture": pixels(1)[0]})
    np.testing.assert_array_equal(found["1"], found["0"])


def test_features_need_exactly_one_image() -> None:
    model = network_of(tanh)
    second = model.description.input.add(name="mask").type.multiArrayType
    second.shape.extend((1, 3, HEIGHT, WIDTH))
    with pytest.raises(UnsupportedModel, match="exactly one image"):
        backbone_of(model, "0").features(pixels(2))


def test_what_the_runtime_refuses_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: Any, **__: Any) -> None:
        raise engine.translate.session.REFUSALS[0]("no such kernel")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refusing)
    with pytest.raises(UnsupportedModel, match="ONNX Runtime cannot run the model's layers: no such kernel"):
        backbone_of(network_of(tanh), "0").features(pixels(2))


def in_torch(torch: Any, model: Any, x: np.ndarray) -> np.ndarray:
    """A legacy chain of layers, as PyTorch runs it: a slow reader of its own."""
    functional, network = torch.nn.functional, model.neuralNetworkClassifier
    scaler = network.preprocessing[0].scaler
    bias = np.array([scaler.redBias, scaler.greenBias, scaler.blueBias], np.float32)[:, None, None]
    y = torch.from_numpy(x.transpose(0, 3, 1, 2) * np.float32(scaler.channelScale) + bias)
    for layer in network.layers:
        kind = layer.WhichOneof("layer")
        its = getattr(layer, kind)
        if kind in ("convolution", "innerProduct"):
            bias = torch.tensor(list(its.bias.floatValue)) if its.hasBias else None
            weights = torch.tensor(list(its.weights.floatValue))
        if kind == "convolution":
            assert its.WhichOneof("ConvolutionPaddingType") == "valid"
            weights = weights.reshape(its.outputChannels, its.kernelChannels, *its.kernelSize)
            y = functional.conv2d(y, weights, bias, tuple(its.stride) or 1)
        elif kind == "innerProduct":
            y = functional.linear(y.flatten(1), weights.reshape(its.outputChannels, -1), bias)
        elif kind == "pooling":
            assert its.type == 0
            y = functional.max_pool2d(y, tuple(its.kernelSize), tuple(its.stride))
        else:
            step = {"activation": torch.relu, "flatten": lambda y: y.flatten(1), "softmax": lambda y: y.softmax(1)}
            y = step[kind](y)
    return y.numpy()


def test_a_small_classifier_as_torch_runs_it(make_model: Callable[..., Any]) -> None:
    torch = pytest.importorskip("torch")
    model, x = make_model(("Cat", "Dog", "Bird")), pixels(AT_ONCE + 1, 11, 14)
    found = backbone_of(model, "softmax").features(x)
    assert found.shape == (AT_ONCE + 1, 3, 1, 1)
    np.testing.assert_allclose(found[:, :, 0, 0], in_torch(torch, model, x), atol=1e-6)


def test_cats_and_dogs_as_torch_runs_them(shared_models: Path) -> None:
    torch = pytest.importorskip("torch")
    model = Model.FromString((shared_models / "CatDogUpdatable.mlmodel").read_bytes())
    x = pixels(3, 150, 150)
    found = backbone_of(model, model.neuralNetworkClassifier.layers[-1].output[0]).features(x)
    np.testing.assert_allclose(found.reshape(3, 2), in_torch(torch, model, x), atol=1e-5)
