"""What the tests share: small models, made field by field from the format, and folders of small pictures."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import decoders
from engine.spec.schema import Model

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
"""Models and photographs that are not part of the project; tests that use them are skipped where they are absent."""

os.environ["CATFLAP_SETTINGS"] = os.devnull
"""Nobody's own settings have a say in what is tested."""

decoders.SPARES = 8
"""Starting them takes longer than what most tests have them do."""


def _weights(message: Any, values: np.ndarray, updatable: bool) -> None:
    message.floatValue.extend(values.astype(np.float32).reshape(-1).tolist())
    message.isUpdatable = updatable


def _layer(network: Any, name: str, before: str, updatable: bool = False) -> Any:
    layer = network.layers.add()
    layer.name, layer.isUpdatable = name, updatable
    layer.input.append(before)
    layer.output.append(name)
    return layer


def _dense(network: Any, name: str, before: str, weights: np.ndarray, bias: np.ndarray) -> None:
    inner = _layer(network, name, before, updatable=True).innerProduct
    inner.outputChannels, inner.inputChannels = weights.shape
    inner.hasBias = True
    _weights(inner.weights, weights, True)
    _weights(inner.bias, bias, True)


def _number(parameter: Any, default: float, values: tuple[int, ...] = ()) -> None:
    parameter.defaultValue = default
    if values:
        parameter.set.values.extend(values)
    else:
        parameter.range.minValue, parameter.range.maxValue = 0, 1


def _training(network: Any) -> None:
    update = network.updateParams
    loss = update.lossLayers.add()
    loss.name = "loss"
    loss.categoricalCrossEntropyLossLayer.input = "softmax"
    loss.categoricalCrossEntropyLossLayer.target = "softmax_true"
    sgd = update.optimizer.sgdOptimizer
    _number(sgd.learningRate, 0.05)
    _number(sgd.miniBatchSize, 4, (4, 8))
    _number(sgd.momentum, 0.0)
    _number(update.epochs, 3, (1, 3, 5))
    update.shuffle.defaultValue = True


def small_model(labels: tuple[str, ...] = ("Cat", "Dog"), seed: int = 0, updatable: bool = True) -> Any:
    """Image 14 x 11 RGB, convolution 5 filters, ReLU, max pooling, flatten, dense 6, ReLU, dense, softmax."""
    rng = np.random.default_rng(seed)
    model = Model()
    model.specificationVersion, model.isUpdatable = 4, updatable
    picture = model.description.input.add()
    picture.name = "image"
    picture.type.imageType.width, picture.type.imageType.height, picture.type.imageType.colorSpace = 14, 11, 20
    shares, label = model.description.output.add(), model.description.output.add()
    shares.name, label.name = "softmax", "label"
    shares.type.dictionaryType.stringKeyType.SetInParent()
    label.type.stringType.SetInParent()
    model.description.predictedFeatureName, model.description.predictedProbabilitiesName = "label", "softmax"
    for key in ("one", "two", "three", "four"):
        model.description.metadata.userDefined[key] = key * 3
    network = model.neuralNetworkClassifier
    network.stringClassLabels.vector.extend(labels)
    scaler = network.preprocessing.add()
    scaler.featureName, scaler.scaler.channelScale = "image", 1 / 255
    convolution = _layer(network, "convolution", "image").convolution
    convolution.outputChannels, convolution.kernelChannels, convolution.hasBias = 5, 3, True
    convolution.kernelSize.extend((3, 2))
    convolution.valid.SetInParent()
    _weights(convolution.weights, rng.normal(0, 0.4, (5, 3, 3, 2)), False)
    _weights(convolution.bias, rng.normal(0, 0.1, 5), False)
    _layer(network, "relu", "convolution").activation.ReLU.SetInParent()
    pool = _layer(network, "pool", "relu").pooling
    pool.kernelSize.extend((2, 2))
    pool.stride.extend((2, 2))
    pool.valid.SetInParent()
    _layer(network, "flatten", "pool").flatten.mode = 0
    _dense(network, "dense", "flatten", rng.normal(0, 0.2, (6, 5 * 4 * 6)), rng.normal(0, 0.1, 6))
    _layer(network, "relu_2", "dense").activation.ReLU.SetInParent()
    _dense(network, "last", "relu_2", rng.normal(0, 0.5, (len(labels), 6)), np.zeros(len(labels)))
    _layer(network, "softmax", "last").softmax.SetInParent()
    if updatable:
        _training(network)
        for each in (picture, label):
            model.description.trainingInput.add().CopyFrom(each)
    else:
        for layer in network.layers:
            layer.isUpdatable = False
    return model


def picture(kind: int, seed: int, size: tuple[int, int] = (28, 22)) -> Image.Image:
    """A small picture whose colour and stripes tell its kind, with noise."""
    rng = np.random.default_rng(seed)
    width, height = size
    x = np.arange(width)[None, :, None] + np.arange(height)[:, None, None] * (kind % 2)
    stripes = 60 * np.sin(x * (0.5 + 0.4 * kind))
    colour = np.array([[170, 90, 60], [60, 90, 170], [90, 170, 80]][kind % 3])
    noise = rng.normal(0, 25, (height, width, 3))
    return Image.fromarray(np.clip(colour + stripes + noise, 0, 255).astype(np.uint8))


@pytest.fixture
def make_model() -> Callable[..., Any]:
    """`small_model`."""
    return small_model


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """A small updatable classifier on disk, outside any folder of pictures."""
    path = tmp_path / "models" / "small.mlmodel"
    path.parent.mkdir()
    path.write_bytes(small_model(seed=1).SerializeToString())  # says Cat to everything: 12 of 24 are wrong
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of 24 pictures of two kinds, some below a sub-folder; the name's first letter tells the kind."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for index in range(24):
        name = f"{'cd'[index % 2]}{index:02d}.png"
        picture(index % 2, index).save(folder / ("more" if index > 17 else ".") / name)
    return folder


@pytest.fixture
def shared_models() -> Path:
    """The folder of models outside the project."""
    folder = SHARED / "models"
    if not folder.is_dir():
        pytest.skip("no models beside the project")
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The folder of photographs outside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("no photographs beside the project")
    return folder
