"""A good model passes; broken in each way that the format forbids, it is refused by a sentence that names the fault."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import open_model
from engine.errors import CannotTrain, ModelError, UnreadableModel
from engine.spec.schema import Model
from engine.spec.validate import problems, validate

Mutate = Callable[[Any], None]


@pytest.fixture
def good(make_model: Callable[..., Any]) -> Any:
    """An updatable classifier that keeps all rules."""
    model = make_model(labels=("Cat", "Dog", "Owl"))
    said = model.description
    if not said.trainingInput:
        said.trainingInput.extend(said.input)
        said.trainingInput.add(name="label").type.stringType.SetInParent()
    return model


def layer(model: Any, name: str) -> Any:
    return next(each for each in model.neuralNetworkClassifier.layers if each.name == name)


def update(model: Any) -> Any:
    return model.neuralNetworkClassifier.updateParams


def become(model: Any, name: str, kind: str, **fields: Any) -> None:
    """Another kind of layer in the same place."""
    parameters = getattr(layer(model, name), kind)
    parameters.SetInParent()
    for field, value in fields.items():
        setattr(parameters, field, value)


def halve(weights: Any) -> None:
    values = np.array(weights.floatValue, "<f2")
    del weights.floatValue[:]
    weights.float16Value = values.tobytes()


def pack(weights: Any, bits: int = 8, scales: int = 1) -> None:
    size = len(weights.floatValue)
    del weights.floatValue[:]
    weights.rawValue = bytes(-(-size * bits // 8))
    weights.quantization.numberOfBits = bits
    weights.quantization.linearQuantization.scale.extend([0.5] * scales)


def lstm(model: Any) -> None:
    layer(model, "relu_2").uniDirectionalLSTM.inputVectorSize = 6


def second_loss(model: Any) -> None:
    update(model).lossLayers.add(name="other").CopyFrom(update(model).lossLayers[0])
    update(model).lossLayers[1].name = "other"


def one_unit(model: Any) -> None:
    its = layer(model, "last").innerProduct
    its.outputChannels = 1
    del its.weights.floatValue[6:], its.bias.floatValue[1:]


def scores_read(model: Any) -> None:
    model.neuralNetworkClassifier.labelProbabilityLayerName = "last"


def stray(model: Any) -> None:
    """An updatable layer that nothing reads."""
    new = model.neuralNetworkClassifier.layers.add()
    new.CopyFrom(layer(model, "last"))
    new.name = "stray"
    new.output[:] = ["stray"]


def twice(model: Any) -> None:
    layer(model, "relu").output[:] = ["convolution"]
    layer(model, "pool").input[:] = ["convolution"]


def other_type(model: Any) -> None:
    model.description.trainingInput[0].type.imageType.width += 1


TRAINING: dict[str, tuple[Mutate, str]] = {
    "version": (lambda m: setattr(m, "specificationVersion", 3), "version 3"),
    "no updatable layer": (
        lambda m: [setattr(layer(m, n), "isUpdatable", False) for n in ("dense", "last")],
        "none of its",
    ),
    "no training input": (lambda m: m.description.ClearField("trainingInput"), "example"),
    "input missing": (lambda m: setattr(m.description.trainingInput[0], "name", "photo"), "'photo'"),
    "input of another type": (other_type, "'image' is of another type"),
    "label missing": (lambda m: setattr(m.description.trainingInput[1], "name", "truth"), "lack the label: 'label'"),
    "label of another type": (lambda m: m.description.trainingInput[1].type.int64Type.SetInParent(), "int64Type"),
    "no loss": (lambda m: update(m).ClearField("lossLayers"), "no loss layer"),
    "two losses": (second_loss, "2 loss layers"),
    "loss of no kind": (lambda m: update(m).lossLayers[0].ClearField("LossLayerType"), "'loss' is of no kind"),
    "loss of nothing": (
        lambda m: setattr(update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "input", "nowhere"),
        "'nowhere', which no layer",
    ),
    "loss of scores": (
        lambda m: setattr(update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "input", "last"),
        "'last' of kind 'innerProduct'",
    ),
    "loss beside the probabilities": (scores_read, "predicts from 'last'"),
    "target made": (
        lambda m: setattr(update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "target", "relu"),
        "layer 'relu'",
    ),
    "softmaxND": (lambda m: become(m, "softmax", "softmaxND", axis=1), "cross entropy looks at layer 'softmax'"),
    "one unit": (one_unit, "'last' of one unit"),
    "float16 in the head": (lambda m: halve(layer(m, "dense").innerProduct.weights), "'dense' stores"),
    "float16 before it": (lambda m: halve(layer(m, "convolution").convolution.bias), "'convolution' stores"),
    "quantised": (lambda m: pack(layer(m, "dense").innerProduct.weights), "'dense' are quantised"),
    "bias frozen": (lambda m: setattr(layer(m, "last").innerProduct.bias, "isUpdatable", False), "bias of layer 'last'"),
    "weights frozen": (
        lambda m: setattr(layer(m, "last").innerProduct.weights, "isUpdatable", False),
        "weights of layer 'last'",
    ),
    "nan": (lambda m: layer(m, "last").innerProduct.bias.floatValue.__setitem__(1, float("nan")), "bias of layer 'last'"),
    "updatable relu": (lambda m: setattr(layer(m, "relu_2"), "isUpdatable", True), "'relu_2' of kind 'activation.ReLU'"),
    "leaky": (lambda m: layer(m, "relu_2").activation.leakyReLU.SetInParent(), "'relu_2' stands"),
    "lstm": (lstm, "'relu_2' stands between the loss and an updatable layer"),
    "softmax inside": (lambda m: become(m, "relu_2", "softmax"), "'relu_2' stands"),
    "stray": (stray, "'stray' does not lead"),
    "same names": (lambda m: setattr(layer(m, "relu"), "name", "dense"), "2 layers named 'dense'"),
    "named as the loss": (lambda m: setattr(update(m).lossLayers[0], "name", "pool"), "named 'pool'"),
    "no name": (lambda m: setattr(layer(m, "relu"), "name", ""), "no name"),
    "blob written twice": (twice, "'convolution' is written by 2"),
    "label twice": (
        lambda m: m.neuralNetworkClassifier.stringClassLabels.vector.__setitem__(2, "Cat"),
        "'Cat' is listed twice",
    ),
    "no optimizer": (lambda m: update(m).ClearField("optimizer"), "no optimizer"),
    "no learning rate": (lambda m: update(m).optimizer.sgdOptimizer.ClearField("learningRate"), "no learning rate"),
    "no batch size": (lambda m: update(m).optimizer.sgdOptimizer.ClearField("miniBatchSize"), "no batch size"),
    "no epochs": (lambda m: update(m).ClearField("epochs"), "no number of epochs"),
    "no eps": (lambda m: update(m).optimizer.adamOptimizer.beta1.SetInParent(), "no eps"),
    "batch of none": (lambda m: setattr(update(m).optimizer.sgdOptimizer.miniBatchSize, "defaultValue", 0), "batch size"),
    "epochs below one": (lambda m: update(m).epochs.set.values.append(0), "as low as 0"),
    "epochs out of their set": (lambda m: setattr(update(m).epochs, "defaultValue", 4), "allows 1, 3, 5"),
    "epochs of an empty set": (lambda m: update(m).epochs.set.ClearField("values"), "is empty"),
    "momentum out of its range": (
        lambda m: setattr(update(m).optimizer.sgdOptimizer.momentum, "defaultValue", 1.5),
        "momentum is 1.5",
    ),
    "infinite range": (
        lambda m: setattr(update(m).optimizer.sgdOptimizer.learningRate.range, "maxValue", float("inf")),
        "learning rate",
    ),
    "nan default": (
        lambda m: setattr(update(m).optimizer.sgdOptimizer.learningRate, "defaultValue", float("nan")),
        "learning rate",
    ),
    "range upside down": (
        lambda m: setattr(update(m).optimizer.sgdOptimizer.learningRate.range, "minValue", 2.0),
        "ends before it starts",
    ),
    "seed out of its set": (lambda m: update(m).seed.set.values.append(7), "seed is 0"),
}

PREDICTION: dict[str, tuple[Mutate, str]] = {
    "no input": (lambda m: m.description.ClearField("input"), "no input"),
    "no output": (lambda m: m.description.ClearField("output"), "no output"),
    "input without type": (lambda m: m.description.input[0].ClearField("type"), "'image' has no type"),
    "empty image": (lambda m: setattr(m.description.input[0].type.imageType, "width", 0), "0 x 11"),
    "inputs of one name": (lambda m: m.description.input.add().CopyFrom(m.description.input[0]), "2 inputs named 'image'"),
    "all optional": (lambda m: setattr(m.description.input[0].type, "isOptional", True), "optional"),
    "no layers": (lambda m: m.neuralNetworkClassifier.ClearField("layers"), "no layers"),
    "no labels": (lambda m: m.neuralNetworkClassifier.ClearField("ClassLabels"), "no labels"),
    "labels of nothing": (
        lambda m: setattr(m.neuralNetworkClassifier, "labelProbabilityLayerName", "nowhere"),
        "labels belong to 'nowhere'",
    ),
    "output of nothing": (lambda m: m.description.output.add(name="extra").type.doubleType.SetInParent(), "'extra'"),
    "blob of nobody": (lambda m: layer(m, "relu").input.__setitem__(0, "ghost"), "'relu' reads 'ghost'"),
    "layer without output": (lambda m: layer(m, "softmax").ClearField("output"), "'softmax' has no output"),
    "weights missing": (
        lambda m: layer(m, "dense").innerProduct.weights.ClearField("floatValue"),
        "'dense' has no weights",
    ),
    "weights too few": (lambda m: layer(m, "dense").innerProduct.weights.floatValue.pop(), "hold 719 numbers"),
    "bias too long": (
        lambda m: layer(m, "convolution").convolution.bias.floatValue.append(0),
        "bias of layer 'convolution'",
    ),
    "stored twice": (lambda m: setattr(layer(m, "dense").innerProduct.weights, "float16Value", b"ab"), "more than once"),
    "9 bits": (lambda m: pack(layer(m, "convolution").convolution.weights, bits=9), "to 9 bits"),
    "scales": (lambda m: pack(layer(m, "convolution").convolution.weights, scales=2), "2 scales"),
}


@pytest.mark.parametrize("name", TRAINING)
def test_a_rule_of_training_broken_is_named_and_the_model_still_predicts(good: Any, name: str) -> None:
    mutate, words = TRAINING[name]
    mutate(good)
    found = [each for each in problems(good) if words in each.sentence]
    assert found, problems(good)
    assert all(each.stops == "training" and each.hint for each in found)
    with pytest.raises(CannotTrain):
        validate(good)
    good.isUpdatable = False
    assert problems(good) == ()


@pytest.mark.parametrize("name", PREDICTION)
def test_a_rule_of_prediction_broken_is_named(good: Any, name: str) -> None:
    mutate, words = PREDICTION[name]
    mutate(good)
    found = [each for each in problems(good) if words in each.sentence]
    assert found, problems(good)
    assert all(each.stops == "prediction" and each.hint for each in found)
    with pytest.raises(UnreadableModel):
        validate(good)


def test_a_good_model_passes_frozen_or_updatable(good: Any, make_model: Callable[..., Any]) -> None:
    before = good.SerializeToString(deterministic=True)
    assert problems(good) == () == problems(make_model(updatable=False))
    assert good.SerializeToString(deterministic=True) == before
    assert open_model(good).cut.why_not == ""


def test_quantised_and_tabled_weights_before_the_head_pass(good: Any) -> None:
    pack(layer(good, "convolution").convolution.weights, bits=3, scales=5)
    assert problems(good) == ()
    quantization = layer(good, "convolution").convolution.weights.quantization
    quantization.lookupTableQuantization.floatValue.extend([0.0] * 8)
    assert problems(good) == ()
    quantization.lookupTableQuantization.floatValue.append(0.0)
    assert "lookup table of 9" in problems(good)[0].sentence


def test_a_problem_of_one_layer_names_it(good: Any) -> None:
    lstm(good)
    assert {each.layer for each in problems(good)} == {"relu_2"}


def test_what_stops_prediction_is_raised_first(good: Any) -> None:
    good.specificationVersion = 3
    layer(good, "relu").input[0] = "ghost"
    with pytest.raises(UnreadableModel, match="ghost"):
        validate(good)


def test_all_that_training_refuses_is_refused_here(good: Any) -> None:
    """What the head's reader refuses is refused here too: a model that passes can be trained."""
    for name, (mutate, _) in TRAINING.items():
        model = Model()
        model.CopyFrom(good)
        mutate(model)
        refused = bool(problems(model))
        try:
            refused_there = bool(open_model(model).cut.why_not)
        except (ModelError, IndexError):
            refused_there = True
        assert refused or not refused_there, name


def test_a_blob_written_in_a_branch_is_known_behind_it(good: Any) -> None:
    network = good.neuralNetworkClassifier
    good.isUpdatable = False
    branch = network.layers.add(name="branch")
    branch.input.append("last")
    inner = branch.branch.ifBranch.layers.add(name="inner")
    inner.input.append("dense")
    inner.output.append("made")
    inner.activation.ReLU.SetInParent()
    after = network.layers.add(name="after")
    after.input.append("made")
    after.output.append("end")
    after.activation.ReLU.SetInParent()
    assert problems(good) == ()
    inner.input[0] = "ghost"
    assert "'inner' reads 'ghost'" in problems(good)[0].sentence
