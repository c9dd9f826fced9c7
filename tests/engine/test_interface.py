"""What goes into a network and what comes out, as Core ML has it: images, arrays of any size, five axes, numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from engine.backbone import Backbone
from engine.errors import BadInput
from engine.spec.describe import describe
from engine.spec.schema import Model
from tests.engine.conftest import layer

torch = pytest.importorskip("torch")
functional = torch.nn.functional

FLOAT32, INT32, FLOAT16, DOUBLE = 65568, 131104, 65552, 65600
GREY, RGB, BGR, GREY16 = 10, 20, 30, 40
WIDTH, HEIGHT = 5, 4
PIXELS = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def network_of(legacy: bool = False) -> tuple[Any, Any]:
    model = Model()
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    return model, network


def put_image(features: Any, name: str, color: int = RGB) -> Any:
    its = features.add(name=name).type.imageType
    its.width, its.height, its.colorSpace = WIDTH, HEIGHT, color
    return its


def put_array(features: Any, name: str, *shape: int, dtype: int = FLOAT32) -> Any:
    its = features.add(name=name).type.multiArrayType
    its.shape.extend(shape)
    its.dataType = dtype
    return its


def answer(model: Any, **data: Any) -> dict[str, Any]:
    return engine.open_model(model).predict(data)


def pictured() -> Any:
    """An image, preprocessed, is summed along its width by NumPy, and made larger by ONNX."""
    model, network = network_of()
    put_image(model.description.input, "picture")
    scaler = network.preprocessing.add().scaler
    scaler.channelScale, scaler.redBias, scaler.blueBias = 0.125, 3, -2
    layer(network, "cumSum", "picture -> sums", axis=3)
    layer(network, "addBroadcastable", "sums picture -> both")
    for name in ("sums", "both"):
        put_array(model.description.output, name)
    return model


def preprocessed(pixels: np.ndarray) -> np.ndarray:
    bias = np.float32([3, 0, -2])[:, None, None]
    return pixels.astype(np.float32).transpose(2, 0, 1)[None] * np.float32(0.125) + bias


def test_an_image_is_preprocessed_for_every_layer() -> None:
    found, x = answer(pictured(), picture=Image.fromarray(PIXELS)), preprocessed(PIXELS)
    np.testing.assert_allclose(found["sums"], np.cumsum(x, axis=3), rtol=1e-5)
    np.testing.assert_allclose(found["both"], np.cumsum(x, axis=3) + x, rtol=1e-5)


def test_features_of_layers_that_numpy_computes() -> None:
    described = describe(pictured())
    assert described.network is not None
    backbone = Backbone(described.network, described.inputs, described.network.layers, ("both",))
    many = np.random.default_rng(5).integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8)
    wanted = [np.cumsum(x, axis=3)[0] + x[0] for x in map(preprocessed, many)]
    assert backbone.shape == (3, HEIGHT, WIDTH)
    np.testing.assert_allclose(backbone.features(many), wanted, rtol=1e-5)
    assert backbone.features(many[:0]).shape == (0, 3, HEIGHT, WIDTH)


def flexible() -> tuple[Any, Any]:
    """Arrays, (3, 4) where nothing else is said, and the sums of their rows."""
    model, network = network_of()
    its = put_array(model.description.input, "x", 3, 4)
    put_array(model.description.output, "y")
    layer(network, "reduceSum", "x -> y", axes=(1,))
    return model, its


def sums_or_refusal(model: Any, *shape: int) -> bool:
    """Whether an array is taken; its sums are right then, and the refusal names the sizes if not."""
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    try:
        np.testing.assert_allclose(answer(model, x=x)["y"], x.sum(axis=1), rtol=1e-5, atol=1e-6)
    except BadInput as error:
        assert "'x' is " + " x ".join(map(str, shape)) in error.sentence
        return False
    return True


def test_one_size_alone() -> None:
    model, _ = flexible()
    assert sums_or_refusal(model, 3, 4)
    assert not sums_or_refusal(model, 3, 5)
    assert not sums_or_refusal(model, 1, 3, 4)


def test_sizes_that_are_listed() -> None:
    model, its = flexible()
    for shape in ((3, 4), (6, 2)):
        its.enumeratedShapes.shapes.add().shape.extend(shape)
    assert sums_or_refusal(model, 3, 4)
    assert sums_or_refusal(model, 6, 2)
    assert not sums_or_refusal(model, 6, 4)


def test_sizes_in_a_range_or_without_an_end() -> None:
    model, its = flexible()
    for low, high in ((2, 5), (1, -1)):
        its.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    taken = [sums_or_refusal(model, *shape) for shape in ((2, 1), (5, 99), (3, 4), (1, 4), (6, 4))]
    assert taken == [True, True, True, False, False]


@pytest.mark.parametrize("ranged", [True, False])
def test_images_of_several_sizes(ranged: bool) -> None:
    model, network = network_of(legacy=True)
    its = put_image(model.description.input, "picture")
    if ranged:
        its.imageSizeRange.widthRange.lowerBound, its.imageSizeRange.widthRange.upperBound = 2, 9
        its.imageSizeRange.heightRange.lowerBound, its.imageSizeRange.heightRange.upperBound = 3, -1
    else:
        its.enumeratedSizes.sizes.add(width=9, height=6)
    put_array(model.description.output, "y")
    layer(network, "pooling", "picture -> y", type=1, globalPooling=True)
    for width, height, taken in ((WIDTH, HEIGHT, True), (9, 6, True), (9, 33, ranged), (6, 9, ranged), (10, 6, False)):
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        if taken:
            found = answer(model, picture=Image.fromarray(pixels))["y"]
            np.testing.assert_allclose(found.reshape(3), pixels.mean(axis=(0, 1)), rtol=1e-5)
        else:
            with pytest.raises(BadInput, match="'picture'"):
                answer(model, picture=Image.fromarray(pixels))


def test_an_optional_input_has_its_default() -> None:
    model, network = network_of()
    put_array(model.description.input, "x", 3)
    its = put_array(model.description.input, "more", 3)
    model.description.input[1].type.isOptional = True
    its.floatDefaultValue = 2.5
    put_array(model.description.output, "y")
    layer(network, "addBroadcastable", "x more -> y")
    x = np.float32([1, 2, 4])
    np.testing.assert_array_equal(answer(model, x=x)["y"], x + 2.5)
    np.testing.assert_array_equal(answer(model, x=x, more=x * 3)["y"], x * 4)
    with pytest.raises(BadInput, match="'x' is missing"):
        answer(model, more=x)


def test_an_optional_image_is_black() -> None:
    model, network = network_of()
    put_array(model.description.input, "x", 3)
    image = model.description.input.add(name="picture").type
    image.isOptional = True
    image.imageType.width, image.imageType.height, image.imageType.colorSpace = 5, 4, 20
    put_array(model.description.output, "y")
    layer(network, "pooling", "picture -> means", type=1, globalPooling=True)
    layer(network, "squeeze", "means -> flat", squeezeAll=True)
    layer(network, "addBroadcastable", "x flat -> y")
    x = np.float32([1, 2, 4])
    white = Image.fromarray(np.full((4, 5, 3), 255, np.uint8))
    np.testing.assert_array_equal(answer(model, x=x)["y"].reshape(3), x)
    np.testing.assert_array_equal(answer(model, x=x, picture=white)["y"].reshape(3), x + 255)


SEQUENCE, BATCH = 3, 2
WEIGHTS = np.random.default_rng(6).normal(size=(5, 4, 2, 3)).astype(np.float32)
DENSE = np.random.default_rng(7).normal(size=(8, 4 * 6 * 7)).astype(np.float32)
X = np.random.default_rng(8).normal(size=(SEQUENCE, BATCH, 4, 6, 7)).astype(np.float32)


def convolution(network: Any) -> None:
    its = layer(network, "convolution", "x -> y", outputChannels=5, kernelChannels=4, kernelSize=(2, 3))
    its.valid.SetInParent()
    its.weights.floatValue.extend(WEIGHTS.ravel().tolist())


def dense(network: Any) -> None:
    its = layer(network, "innerProduct", "x -> y", outputChannels=8, inputChannels=DENSE.shape[1])
    its.weights.floatValue.extend(DENSE.ravel().tolist())


def by_image(function: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """The same for all images, of all steps and all of the batch."""

    def all_of(x: np.ndarray) -> np.ndarray:
        found = function(torch.from_numpy(x.reshape(-1, *x.shape[2:]))).numpy()
        return found.reshape(*x.shape[:2], *found.shape[1:])

    return all_of


FIVE: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "convolution": (convolution, by_image(lambda x: functional.conv2d(x, torch.from_numpy(WEIGHTS)))),
    "dense": (dense, by_image(lambda x: (x.flatten(1) @ torch.from_numpy(DENSE.T.copy()))[..., None, None])),
    "pooling": (
        lambda network: layer(network, "pooling", "x -> y", kernelSize=(2, 3), stride=(2, 3)).valid.SetInParent(),
        by_image(lambda x: functional.max_pool2d(x, (2, 3))),
    ),
    "permute": (
        lambda network: layer(network, "permute", "x -> y", axis=(2, 1, 0, 3)),
        lambda x: x.transpose(3, 1, 2, 0, 4),
    ),
    "concat of sequences": (
        lambda network: layer(network, "concat", "x x -> y", sequenceConcat=True),
        lambda x: np.concatenate([x, x]),
    ),
    "repeated sequence": (
        lambda network: layer(network, "sequenceRepeat", "x -> y", nRepetitions=2),
        lambda x: np.tile(x, (2, 1, 1, 1, 1)),
    ),
    "softmax": (lambda network: layer(network, "softmax", "x -> y"), by_image(lambda x: x.softmax(1))),
}


@pytest.mark.parametrize("name", FIVE)
def test_sequences_and_batches_of_legacy_arrays(name: str) -> None:
    fill, expected = FIVE[name]
    model, network = network_of(legacy=True)
    put_array(model.description.input, "x", 4, 6, 7)
    put_array(model.description.output, "y")
    fill(network)
    opened = engine.open_model(model)
    for x in (X, X[:1], X[:, :1], X[:1, :1]):
        found = opened.predict({"x": x})["y"]
        assert found.shape == expected(x).shape
        np.testing.assert_allclose(found, expected(x), rtol=1e-4, atol=1e-5)


def test_a_recurrent_layer_runs_along_the_sequence() -> None:
    cell = torch.nn.LSTM(4, 6)
    model, network = network_of(legacy=True)
    put_array(model.description.input, "x", 4)
    put_array(model.description.output, "y")
    its = layer(network, "uniDirectionalLSTM", "x -> y", inputVectorSize=4, outputVectorSize=6)
    its.params.sequenceOutput = its.params.hasBiasVectors = True
    for name in ("sigmoid", "tanh", "tanh"):
        getattr(its.activations.add(), name).SetInParent()
    with torch.no_grad():
        parts = [each.chunk(4) for each in (cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0 + cell.bias_hh_l0)]
        wanted = cell(torch.from_numpy(X[..., 0, 0].copy()))[0].numpy()
    for at, gate in enumerate(("input", "forget", "blockInput", "output")):
        for part, what in zip(parts, ("WeightMatrix", "RecursionMatrix", "BiasVector"), strict=True):
            getattr(its.weightParams, f"{gate}Gate{what}".replace("blockInputGate", "blockInput")).floatValue.extend(
                part[at].ravel().tolist()
            )
    found = answer(model, x=X[..., :1, :1])["y"]
    assert found.shape == (SEQUENCE, BATCH, 6, 1, 1)
    np.testing.assert_allclose(found[..., 0, 0], wanted, rtol=1e-4, atol=1e-5)


def test_arrays_come_in_the_type_that_the_model_says() -> None:
    model, network = network_of()
    put_array(model.description.input, "x", 3)
    kinds = {FLOAT32: np.float32, DOUBLE: np.float64, INT32: np.int32, FLOAT16: np.float32}
    for dtype in kinds:
        put_array(model.description.output, str(dtype), 3, dtype=dtype)
        layer(network, "multiply", f"x -> {dtype}", alpha=2)
    x = np.float32([1, -2, 3])
    found = answer(model, x=x)
    assert {int(name): each.dtype for name, each in found.items()} == {d: np.dtype(kind) for d, kind in kinds.items()}
    for each in found.values():
        np.testing.assert_array_equal(each, [2, -4, 6])


IMAGES = {GREY: "L", RGB: "RGBA", BGR: "RGBA", GREY16: "F"}


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("color", IMAGES)
def test_images_come_back_as_images(color: int, legacy: bool) -> None:
    model, network = network_of(legacy)
    put_image(model.description.input, "picture", color)
    put_image(model.description.output, "y", color)
    layer(network, "add", "picture -> y", alpha=40)
    grey = color in (GREY, GREY16)
    given = PIXELS[..., 0] if grey else PIXELS
    found = answer(model, picture=Image.fromarray(given.astype(np.float32) if color == GREY16 else given))["y"]
    assert (found.mode, found.size) == (IMAGES[color], (WIDTH, HEIGHT))
    wanted = given.astype(int) + 40 if color == GREY16 else np.minimum(given.astype(int) + 40, 255)
    np.testing.assert_array_equal(np.asarray(found) if grey else np.asarray(found)[..., :3], wanted)
    if not grey:
        assert (np.asarray(found)[..., 3] == 255).all()


def test_a_regressor_gives_a_number() -> None:
    model = Model()
    network = model.neuralNetworkRegressor
    network.arrayInputShapeMapping = 1
    put_array(model.description.input, "x", 3)
    model.description.output.add(name="y").type.doubleType.SetInParent()
    layer(network, "reduceSum", "x -> y", reduceAll=True)
    found = answer(model, x=[1, 2, 4.5])["y"]
    assert type(found) is float and found == 7.5
