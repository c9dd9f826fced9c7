"""Small pipelines: a frozen network that makes five numbers of an image, and behind it something that learns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.convert.build import Layers
from engine.spec.schema import Model

WIDTH, HEIGHT, NUMBERS = 14, 11, 5


def image_input(model: Any, name: str = "image") -> None:
    image = model.description.input.add(name=name).type.imageType
    image.width, image.height, image.colorSpace = WIDTH, HEIGHT, 20


def array(feature: Any, size: int = NUMBERS) -> None:
    feature.type.multiArrayType.shape.append(size)
    feature.type.multiArrayType.dataType = 65568


def embedding() -> Any:
    """Image to the means of five filters."""
    model = Model(specificationVersion=4)
    image_input(model)
    array(model.description.output.add(name="numbers"))
    network = model.neuralNetwork
    network.preprocessing.add(featureName="image").scaler.channelScale = 1 / 255
    layers = Layers(network)
    rng = np.random.default_rng(3)
    fields = {"outputChannels": NUMBERS, "kernelChannels": 3, "kernelSize": (3, 2), "valid": {}, "hasBias": True}
    layers.add(
        "convolution", "filters", "image",
        weights=rng.normal(0, 1, (NUMBERS, 3, 3, 2)), bias=rng.normal(0, 0.1, NUMBERS), **fields,
    )  # fmt: skip
    layers.add("activation", "relu", "filters", ReLU={})
    layers.add("pooling", "means", "relu", "numbers", type=1, globalPooling=True, valid={})
    return model


def dense(labels: Sequence[str] = ("Cat", "Dog")) -> Any:
    """Five numbers to labels, by one updatable layer."""
    model = Model(specificationVersion=4, isUpdatable=True)
    array(model.description.input.add(name="numbers"))
    answer(model, "shares")
    network = model.neuralNetworkClassifier
    network.stringClassLabels.vector.extend(labels)
    layers = Layers(network)
    rng = np.random.default_rng(5)
    fields = {"inputChannels": NUMBERS, "outputChannels": len(labels), "hasBias": True}
    weights, bias = rng.normal(0, 1, (len(labels), NUMBERS)), rng.normal(0, 0.1, len(labels))
    layers.add("innerProduct", "last", "numbers", weights=weights, bias=bias, **fields)
    layers.add("softmax", "softmax", "last", "shares")
    layer = network.layers[0]
    layer.isUpdatable = layer.innerProduct.weights.isUpdatable = layer.innerProduct.bias.isUpdatable = True
    update = network.updateParams
    loss = update.lossLayers.add(name="loss").categoricalCrossEntropyLossLayer
    loss.input, loss.target = "shares", "shares_true"
    sgd = update.optimizer.sgdOptimizer
    for number, value in ((sgd.learningRate, 0.1), (sgd.miniBatchSize, 4), (update.epochs, 20)):
        number.defaultValue = value
    model.description.trainingInput.add().CopyFrom(model.description.input[0])
    model.description.trainingInput.add(name="label").type.stringType.SetInParent()
    return model


def neighbors(samples: Sequence[Sequence[float]] = (), labels: Sequence[str] = (), k: int = 3) -> Any:
    """Five numbers to the labels of the nearest samples."""
    model = Model(specificationVersion=4, isUpdatable=True)
    array(model.description.input.add(name="numbers"))
    answer(model, "shares")
    its = model.kNearestNeighborsClassifier
    its.nearestNeighborsIndex.numberOfDimensions = NUMBERS
    its.nearestNeighborsIndex.linearIndex.SetInParent()
    its.nearestNeighborsIndex.squaredEuclideanDistance.SetInParent()
    for sample in samples:
        its.nearestNeighborsIndex.floatSamples.add().vector.extend(sample)
    its.stringClassLabels.vector.extend(labels)
    its.numberOfNeighbors.defaultValue = k
    its.numberOfNeighbors.range.minValue, its.numberOfNeighbors.range.maxValue = 1, 50
    its.uniformWeighting.SetInParent()
    its.defaultStringLabel = "nothing"
    model.description.trainingInput.add().CopyFrom(model.description.input[0])
    model.description.trainingInput.add(name="label").type.stringType.SetInParent()
    return model


def answer(model: Any, shares: str) -> None:
    model.description.output.add(name=shares).type.dictionaryType.stringKeyType.SetInParent()
    model.description.output.add(name="label").type.stringType.SetInParent()
    model.description.predictedFeatureName, model.description.predictedProbabilitiesName = "label", shares


def linked(name: str, like: Any, search: str = "") -> Any:
    """A link to a model with the inputs and outputs of `like`."""
    model = Model(specificationVersion=4)
    model.description.CopyFrom(like.description)
    model.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = name
    model.linkedModel.linkedModelFile.linkedModelSearchPath.defaultValue = search
    return model


def pipeline(*parts: Any, updatable: bool = True) -> Any:
    """Models one behind the other, from the first one's inputs to the last one's outputs."""
    model = Model(specificationVersion=4, isUpdatable=updatable)
    model.description.input.extend(parts[0].description.input)
    model.description.output.extend(parts[-1].description.output)
    last = parts[-1].description
    model.description.predictedFeatureName = last.predictedFeatureName
    model.description.predictedProbabilitiesName = last.predictedProbabilitiesName
    model.pipelineClassifier.pipeline.models.extend(parts)
    model.pipelineClassifier.pipeline.names.extend(f"part {at}" for at in range(len(parts)))
    if updatable:
        model.description.trainingInput.extend(model.description.input)
        model.description.trainingInput.add(name="label").type.stringType.SetInParent()
    return model
