"""How images and arrays enter the graph."""

from typing import Any

import numpy as np
import pytest

from engine.backbone import Backbone
from engine.errors import BadInput, UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model

GRAYSCALE, RGB, BGR, GRAYSCALE_FLOAT16 = 10, 20, 30, 40


def one_image(color: int, legacy: bool = True) -> Any:
    """A network that gives its image, 5 wide and 4 high, as it is."""
    model = Model()
    feature = model.description.input.add()
    feature.name = "picture"
    image = feature.type.imageType
    image.width, image.height, image.colorSpace = 5, 4, color
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    layer = network.layers.add()
    layer.name = "same"
    layer.input.append("picture")
    layer.output.append("y")
    layer.activation.linear.alpha = 1
    return model


def backbone_of(model: Any) -> Backbone:
    described = describe(model)
    assert described.network is not None
    return Backbone(described.network, described.inputs, described.network.layers, ("y",))


def pixels(channels: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 4, 5, channels), np.uint8)


@pytest.mark.parametrize(("color", "channels"), [(GRAYSCALE, 1), (RGB, 3), (BGR, 3), (GRAYSCALE_FLOAT16, 1)])
def test_pixels_come_channel_first_and_unchanged(color: int, channels: int) -> None:
    x = pixels(channels)
    found = backbone_of(one_image(color)).features(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("color", "bias"), [(RGB, [10, 20, 30]), (BGR, [30, 20, 10]), (GRAYSCALE, [40]), (GRAYSCALE_FLOAT16, [40])]
)
def test_scale_then_bias_by_colour_then_mean(color: int, bias: list[int]) -> None:
    model = one_image(color)
    scaler = model.neuralNetwork.preprocessing.add()
    scaler.featureName = "picture"
    scaler.scaler.channelScale = 0.5
    scaler.scaler.redBias, scaler.scaler.greenBias, scaler.scaler.blueBias, scaler.scaler.grayBias = 10, 20, 30, 40
    x = pixels(len(bias))
    expected = x.transpose(0, 3, 1, 2) * 0.5 + np.array(bias)[:, None, None]
    np.testing.assert_allclose(backbone_of(model).features(x), expected, rtol=1e-6)
    mean = np.random.default_rng(2).normal(size=(len(bias), 4, 5)).astype(np.float32)
    model.neuralNetwork.preprocessing.add().meanImage.meanImage.extend(mean.reshape(-1).tolist())
    np.testing.assert_allclose(backbone_of(model).features(x), expected - mean, rtol=1e-5)


@pytest.mark.parametrize(("legacy", "shape"), [(True, (3, 4, 5)), (False, (1, 3, 4, 5))])
def test_one_image_has_the_rank_that_the_network_says(legacy: bool, shape: tuple[int, ...]) -> None:
    x = pixels(3)[0]
    found = backbone_of(one_image(RGB, legacy)).run({"picture": x})["y"]
    np.testing.assert_array_equal(found, x.transpose(2, 0, 1).reshape(shape))


def test_floating_point_grey_is_not_rounded() -> None:
    x = np.random.default_rng(3).uniform(0, 255, (4, 5, 1)).astype(np.float32)
    found = backbone_of(one_image(GRAYSCALE_FLOAT16)).run({"picture": x})["y"]
    np.testing.assert_array_equal(found[0], x[:, :, 0])


def test_pixels_that_are_no_bytes_are_refused() -> None:
    with pytest.raises(BadInput, match="'picture' is of float64, but pixels are bytes"):
        backbone_of(one_image(RGB)).run({"picture": pixels(3)[0] / 255})


def test_pixels_of_another_size_are_refused() -> None:
    backbone = backbone_of(one_image(RGB))
    with pytest.raises(BadInput, match="'picture' is 5 x 4 x 3, but the model takes 4 x 5 x 3"):
        backbone.run({"picture": pixels(3)[0].swapaxes(0, 1)})
    with pytest.raises(BadInput, match="5 x 4 x 3, but the model takes 4 x 5 x 3"):
        backbone.features(pixels(3).swapaxes(1, 2))


def array_input(shape: tuple[int, ...], legacy: bool = True) -> Any:
    model = one_image(RGB, legacy)
    multi = model.description.input[0].type.multiArrayType
    multi.shape.extend(shape)
    multi.dataType = 65600
    return model


@pytest.mark.parametrize(
    ("shape", "given"),
    [((3,), (3,)), ((3, 4, 5), (3, 4, 5)), ((3,), (1, 1, 3, 1, 1)), ((3, 4, 5), (1, 1, 3, 4, 5))],
)
def test_legacy_arrays_come_back_in_the_rank_that_was_given(shape: tuple[int, ...], given: tuple[int, ...]) -> None:
    x = np.random.default_rng(4).normal(size=given).astype(np.float32)
    np.testing.assert_array_equal(backbone_of(array_input(shape)).run({"picture": x})["y"], x)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3, 4, 5, 6)])
def test_exact_arrays_keep_their_shape(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(5).normal(size=shape)
    found = backbone_of(array_input(shape, legacy=False)).run({"picture": x})["y"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x, rtol=1e-6)


def test_a_legacy_array_of_two_axes_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="'picture' has 2 axes"):
        backbone_of(array_input((3, 4)))


def test_an_array_of_another_shape_is_refused() -> None:
    with pytest.raises(BadInput, match="'picture' is 4 x 3, but the model takes 3 x 4"):
        backbone_of(array_input((3, 4), legacy=False)).run({"picture": np.zeros((4, 3))})


def test_other_inputs_are_refused() -> None:
    model = one_image(RGB)
    model.description.input[0].type.stringType.SetInParent()
    with pytest.raises(UnsupportedModel, match="'picture' is a string"):
        backbone_of(model)


def test_an_input_may_be_an_output_too() -> None:
    described = describe(array_input((2, 3), legacy=False))
    assert described.network is not None
    backbone = Backbone(described.network, described.inputs, described.network.layers, ("picture", "y"))
    x = np.random.default_rng(6).normal(size=(2, 3)).astype(np.float32)
    found = backbone.run({"picture": x})
    np.testing.assert_array_equal(found["picture"], x)
    np.testing.assert_array_equal(found["y"], x)
