"""Models that no change makes updatable, and choices that a model does not offer: each refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.convert.prepare import Preparation, prepare
from engine.errors import BadSetting, CannotTrain, UnreadableModel
from engine.spec.schema import Model


@pytest.fixture
def frozen(make_model: Callable[..., Any]) -> Any:
    return make_model(labels=("Cat", "Dog", "Owl"), updatable=False)


def layer(model: Any, name: str) -> Any:
    return next(each for each in model.neuralNetworkClassifier.layers if each.name == name)


def test_layers_that_there_are_not_or_that_have_no_weights(frozen: Any) -> None:
    with pytest.raises(BadSetting, match=r"no layer 'third'.*'convolution', 'dense', 'last'"):
        prepare(frozen, Preparation(layers=("third",)))
    with pytest.raises(CannotTrain, match=r"'relu_2'.*nothing to learn"):
        prepare(frozen, Preparation(layers=("last", "relu_2")))


def test_nothing_to_learn(frozen: Any) -> None:
    layer(frozen, "softmax").clip.maxVal = 1.0
    with pytest.raises(CannotTrain, match="'softmax' of kind 'clip'"):
        prepare(frozen)


@pytest.mark.parametrize("labels", [("Cat", "Dog"), ("Cat",), ("Cat", "Dog", "Owl", "Fox", "Hen")])
def test_another_number_of_labels_than_of_probabilities(frozen: Any, labels: tuple[str, ...]) -> None:
    frozen.neuralNetworkClassifier.stringClassLabels.vector[:] = labels
    with pytest.raises(CannotTrain, match=f"'softmax' gives 3 numbers, and the model has {len(labels)} labels"):
        prepare(frozen)


def test_one_number(frozen: Any) -> None:
    its = layer(frozen, "last").innerProduct
    its.outputChannels = 1
    del its.weights.floatValue[6:], its.bias.floatValue[1:]
    frozen.neuralNetworkClassifier.stringClassLabels.vector[:] = ["Cat"]
    with pytest.raises(CannotTrain, match="gives 1 numbers"):
        prepare(frozen)


def test_numbers_in_another_order(frozen: Any) -> None:
    layer(frozen, "flatten").transpose.axes.extend([0, 1, 2, 4, 3])
    with pytest.raises(CannotTrain, match="'flatten' of kind 'transpose' changes the order"):
        prepare(frozen, Preparation(layers=("convolution", "last")))
    prepare(frozen, Preparation(layers=("dense", "last")))


def test_a_softmax_over_another_axis(frozen: Any) -> None:
    layer(frozen, "softmax").softmaxND.axis = -1
    with pytest.raises(CannotTrain, match="'softmax' of kind 'softmaxND' works on"):
        prepare(frozen)


def test_other_kinds_of_models_and_damaged_ones(frozen: Any) -> None:
    pipeline = Model(specificationVersion=4)
    pipeline.pipelineClassifier.pipeline.models.append(frozen)
    with pytest.raises(CannotTrain, match="'pipelineClassifier'"):
        prepare(pipeline)
    layer(frozen, "relu").input[0] = "ghost"
    with pytest.raises(UnreadableModel, match="ghost"):
        prepare(frozen)
