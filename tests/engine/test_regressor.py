"""A network that gives numbers learns numbers: from a CSV file, with a batch of its own outputs as the measure."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.convert.build import Layers
from engine.errors import BadLabels
from engine.labels import read_labels
from engine.once import predict, save, train
from engine.spec.schema import Model
from engine.trainers import Settings
from tests.conftest import picture


def regressor() -> Any:
    """Image 14 x 11 to the means of its colours, and from these, updatable, to two numbers."""
    model = Model(specificationVersion=4, isUpdatable=True)
    image = model.description.input.add(name="image").type.imageType
    image.width, image.height, image.colorSpace = 14, 11, 20
    output = model.description.output.add(name="numbers").type.multiArrayType
    output.shape.append(2)
    output.dataType = 65568
    model.description.predictedFeatureName = "numbers"
    network = model.neuralNetworkRegressor
    network.preprocessing.add(featureName="image").scaler.channelScale = 1 / 255
    layers = Layers(network)
    layers.add("pooling", "means", "image", type=1, globalPooling=True, valid={})
    weights = np.random.default_rng(1).normal(0, 1, (2, 3))
    fields: dict[str, Any] = {"inputChannels": 3, "outputChannels": 2, "hasBias": True}
    layers.add("innerProduct", "last", "means", "numbers", weights=weights, bias=np.zeros(2), **fields)
    layer = network.layers[1]
    layer.isUpdatable = layer.innerProduct.weights.isUpdatable = layer.innerProduct.bias.isUpdatable = True
    loss = network.updateParams.lossLayers.add(name="loss").meanSquaredErrorLossLayer
    loss.input, loss.target = "numbers", "numbers_true"
    update = network.updateParams
    numbers = ((update.optimizer.sgdOptimizer.learningRate, 0.1), (update.optimizer.sgdOptimizer.miniBatchSize, 4))
    for number, value in (*numbers, (update.epochs, 300)):
        number.defaultValue = value
    target = model.description.trainingInput
    target.add().CopyFrom(model.description.input[0])
    wanted = target.add(name="numbers_true").type.multiArrayType
    wanted.shape.append(2)
    wanted.dataType = 65600
    return model


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Twelve pictures; the numbers wanted are how red and how blue they are."""
    lines = ["path,label"]
    for number in range(12):
        made = picture(number % 3, number)
        made.save(tmp_path / f"{number}.png")
        red, _, blue = np.asarray(made).reshape(-1, 3).mean(axis=0) / 255
        lines.append(f"{number}.png,{red:.4f} {blue:.4f}")
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize("trainer", ["auto", "sgd", "plain"])
def test_numbers_are_learned_and_written(labelled: Path, tmp_path: Path, trainer: str) -> None:
    model = engine.open_model(regressor())
    found = read_labels(labelled, None)
    *_, result = train(model, found, {}, trainer, Settings(seed=3))
    assert result.after.loss < result.before.loss / (5 if trainer == "sgd" else 20)
    out = tmp_path / "better.mlmodel"
    files = {name: each.file for name, each in found.items()}
    save(model, result, out, np.zeros((0, 3, 1, 1), np.float32), trainer, 5.0)
    better = list(predict(engine.open_model(out), files))
    wanted = np.array([list(map(float, each.label.split())) for each in found.values()])
    apart = np.abs(np.stack([each.probabilities for each in better]) - wanted)
    assert apart.mean() < (0.2 if trainer == "sgd" else 0.05)
    changed = engine.open_model(out).file.message.neuralNetworkRegressor.layers[1].innerProduct
    assert changed != model.file.message.neuralNetworkRegressor.layers[1].innerProduct


def test_a_regressor_answers_with_its_numbers() -> None:
    model = engine.open_model(regressor())
    said = model.predict({"image": picture(1, 4, (14, 11))})["numbers"]
    means = np.asarray(picture(1, 4, (14, 11))).reshape(-1, 3).mean(axis=0) / 255
    weights = np.reshape(model.file.message.neuralNetworkRegressor.layers[1].innerProduct.weights.floatValue, (2, 3))
    np.testing.assert_allclose(said, weights @ means, rtol=1e-5)
    assert said.shape == (2,)


@pytest.mark.parametrize("label", ["Cat", "1 two", "1", "", "1 2 3"])
def test_what_is_no_pair_of_numbers_is_refused(label: str) -> None:
    model = engine.open_model(regressor())
    with pytest.raises(BadLabels):
        model.lesson(np.zeros((2, 3, 1, 1), np.float32), ["1 2", label])
    with pytest.raises(BadLabels):
        model.lesson(np.zeros((1, 3, 1, 1), np.float32), [label])
