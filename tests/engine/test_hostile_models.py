"""Small models of the kinds that the fuzzer of models broke something with: refused by name, or answered."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine.state
from engine.room import LAYERS, TURNS
from engine.spec.schema import Model
from tests.engine.conftest import layer
from tests.hostile.model_bases import BASES, SAMPLE, Files
from tests.hostile.model_trial import trial
from tests.hostile.models import laid_out

PICTURE = next((SAMPLE.parent / "images").glob("*.png"))
HUGE, ENDLESS = 2**40, 2**63 - 1


def layers_of(model: Any) -> Any:
    kind = model.WhichOneof("Type")
    its = model.pipelineClassifier.pipeline.models[-1] if kind == "pipelineClassifier" else model
    return getattr(its, its.WhichOneof("Type")).layers


def of_kind(model: Any, kind: str, number: int = 0) -> Any:
    return getattr([each for each in layers_of(model) if each.WhichOneof("layer") == kind][number], kind)


def image(model: Any) -> Any:
    return model.description.input[0].type.imageType


def sized(width: int, height: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        image(model).width, image(model).height = width, height

    return change


def shaped(*shape: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        its = model.description.input[0].type.multiArrayType.shape
        del its[:]
        its.extend(shape)

    return change


def far_padding(model: Any) -> None:
    """On the last layer, which trains."""
    chosen = layers_of(model)[-2]
    chosen.convolution.outputChannels, chosen.convolution.kernelChannels = 2, 48
    chosen.convolution.kernelSize.extend((1, 1))
    for _ in range(2):
        chosen.convolution.valid.paddingAmounts.borderAmounts.add().startEdgeSize = 2**20
    chosen.convolution.weights.floatValue.extend([0.5] * 96)
    chosen.isUpdatable = chosen.convolution.weights.isUpdatable = True


def absurd(field: str, *values: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        its = getattr(of_kind(model, "convolution"), field)
        del its[:]
        its.extend(values)

    return change


def beyond_float32(model: Any) -> None:
    its = of_kind(model, "convolution").weights.floatValue
    for at in range(len(its)):
        its[at] *= 1e38


def not_a_number(model: Any) -> None:
    of_kind(model, "convolution").weights.floatValue[5] = float("nan")


def endless(model: Any) -> None:
    """All layers in a loop whose condition holds."""
    network = model.neuralNetworkClassifier
    inner = Model().neuralNetwork
    inner.layers.extend(network.layers)
    del network.layers[:]
    loop = network.layers.add(name="round and round").loop
    loop.maxLoopIterations, loop.conditionVar = ENDLESS, "true"
    layer(loop.conditionNetwork, "loadConstantND", "-> true", shape=(1,), data={"floatValue": (1.0,)})
    loop.bodyNetwork.layers.extend(inner.layers)


def quick_loop(model: Any) -> None:
    """Nothing but turns."""
    loop = model.neuralNetwork.layers.add(name="round and round").loop
    loop.maxLoopIterations = ENDLESS
    layer(loop.bodyNetwork, "add", "x -> x+", alpha=1)
    layer(loop.bodyNetwork, "copy", "x+ -> x")


def deeper(model: Any) -> None:
    """Features of six axes, which the head takes as they are in no other way than ONNX Runtime does."""
    relu = layers_of(model)[5]
    relu.expandDims.axes.append(0)


def cyclic(model: Any) -> None:
    layers_of(model)[0].input[0] = layers_of(model)[4].output[0]


def knotted(model: Any) -> None:
    """The layer that trains writes over what it reads, so a way back from the loss has no end."""
    dense, softmax = layers_of(model)
    dense.output[0] = softmax.input[0] = dense.input[0]


def crowded(model: Any) -> None:
    layers = layers_of(model)
    for _ in range(LAYERS):
        layers.add()


def wide_pool(model: Any) -> None:
    """Each of the numbers from a window of all."""
    its = of_kind(model, "pooling")
    its.same.SetInParent()
    del its.kernelSize[:], its.stride[:]
    its.kernelSize.extend((8191, 8191))
    its.stride.extend((1, 1))


def many_copies(model: Any) -> None:
    """Each of moderate size, all of them kept for the end."""
    network = model.neuralNetwork
    names = [f"part {at}" for at in range(12)]
    for name in names:
        layer(network, "fillStatic", "->", value=1.0, targetShape=(4096, 4096))
        network.layers[-1].output.append(name)
    layer(network, "addBroadcastable", "->")
    network.layers[-1].input.extend(names)
    network.layers[-1].output.append("y+")


def learning_rate(value: float) -> Callable[[Any], None]:
    return lambda model: setattr(
        model.neuralNetworkClassifier.updateParams.optimizer.sgdOptimizer.learningRate, "defaultValue", value
    )


def of_lists(values: Any, new: list[Any]) -> None:
    del values[:]
    values.extend(new)


def labels(*new: str) -> Callable[[Any], None]:
    return lambda model: of_lists(getattr(model, model.WhichOneof("Type")).stringClassLabels.vector, [*new])


def epochs(model: Any) -> None:
    its = model.neuralNetworkClassifier.updateParams.epochs
    its.ClearField("AllowedValues") if its.WhichOneof("AllowedValues") else None
    its.defaultValue, its.range.minValue, its.range.maxValue = 2**62, 1, ENDLESS


CASES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "an image of exabytes": ("sample", sized(HUGE, HUGE), "'image' is 1099511627776 x 1099511627776 x 3 large"),
    "an image of negative sides": ("sample", sized(-5, -7), "-5 x -7 pixels"),
    "an image in no colours": ("sample", lambda m: setattr(image(m), "colorSpace", 0), "no colours"),
    "an array of terabytes": ("recurrent", shaped(2**20, 2**20, 1, 1, 1), "'x' is 1048576 x 1048576"),
    "an array of a thousand axes": ("recurrent", shaped(*[1] * 1000), "'x' is 1 x 1"),
    "padding beyond measure where it trains": ("sample", far_padding, "does not fit what it is given"),
    "absurd strides": ("sample", absurd("stride", HUGE, 1), "of kind 'convolution' does not fit"),
    "absurd dilation": ("sample", absurd("dilationFactor", 2**31, 2**31), "'conv_1' of kind 'convolution' does not fit"),
    "no stride": ("sample", absurd("stride", 0, 0), "'conv_1' of kind 'convolution' does not fit"),
    "a kernel of exabytes": ("sample", absurd("kernelSize", HUGE, HUGE), "'conv_1' would be more numbers"),
    "a kernel whose size no text holds": ("sample", absurd("kernelSize", *[ENDLESS] * 900), "would be more numbers"),
    "groups that do not divide": ("sample", lambda m: setattr(of_kind(m, "convolution", 1), "nGroups", 7), "'conv_2'"),
    "windows beyond measure": ("sample", wide_pool, "multiplications"),
    "too much at once": ("control flow", many_copies, "numbers would be held at once"),
    "a cycle": ("sample", cyclic, "'conv_1' reads 'conv_2_relu', which no layer before it writes"),
    "a layer that writes over what it reads": ("dense", knotted, ""),
    "more layers than any network has": ("dense", crowded, "10,002 layers"),
    "a loop without an end": ("sample", endless, "multiplications|goes on and on"),
    "a quick loop without an end": ("control flow", quick_loop, f"'round and round' .* goes on and on.*{TURNS:,}"),
    "a head that does not fit": ("sample", deeper, "'dense_1'"),
    "labels too few": ("sample", labels("Cat"), "1 labels, but gives 2 numbers"),
    "labels too many": ("sample", labels(*map(str, range(5000))), "5000 labels, but gives 2 numbers"),
    "labels too few of a linear model": ("linear classifier", labels(), "0 labels, but gives 2 numbers"),
    "no outputs": ("network", lambda m: [each.ClearField("output") for each in layers_of(m)], "has no output"),
    "a mean image of another size": (
        "network",
        lambda m: m.neuralNetwork.preprocessing[0].meanImage.meanImage.append(1),
        "mean image of 'image' holds 1",
    ),
    "frozen weights that are no numbers": ("sample", not_a_number, "weights of layer 'conv_1' are not all finite"),
    "features beyond float32": ("sample", beyond_float32, "ran away|no finite numbers|no answer"),
    "an infinite learning rate": ("sample", learning_rate(float("inf")), "learning rate.*not a finite number"),
    "epochs without an end": ("sample", epochs, "are the most"),
    "a linear model beyond measure": ("linear classifier", lambda m: of_lists(m.glmClassifier.offset, [1e308]), ""),
    "a name of megabytes": ("sample", lambda m: of_lists(layers_of(m)[0].input, ["é" * 2**20]), "reads 'é{1900,1999} … "),
}  # fmt: skip
"""Name: base, what is changed in it, and words of the refusal; none where it is answered."""


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop ends after fewer multiplications."""
    monkeypatch.setattr(engine.state, "WORK", 2**32)


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_by_name_or_answered(name: str, tmp_path: Path) -> None:
    base, change, words = CASES[name]
    files: Files = dict(BASES[base]())
    first = next(iter(files))
    model = Model.FromString(files[first])
    change(model)
    said: list[str] = []
    came = trial(laid_out({**files, first: model.SerializeToString()}, tmp_path), PICTURE, refusals=said.append)
    assert any(re.search(words, each) for each in said) if words else "answered" in came, (came, said)


def test_weights_of_a_frozen_part_that_are_no_numbers_stop_the_training_of_a_pipeline(tmp_path: Path) -> None:
    model = Model.FromString(BASES["pipeline"]()["model.mlmodel"])
    filters = model.pipelineClassifier.pipeline.models[0].neuralNetwork.layers[0]
    filters.convolution.weights.floatValue[3] = float("inf")
    said: list[str] = []
    came = trial(laid_out({"model.mlmodel": model.SerializeToString()}, tmp_path), PICTURE, refusals=said.append)
    assert any("weights of layer 'filters' are not all finite" in each for each in said)
    assert "auto" not in came and "opened" in came


def test_constants_may_be_infinite(tmp_path: Path) -> None:
    """As those that a mask adds are."""
    model = Model.FromString(SAMPLE.read_bytes())
    network = model.neuralNetworkClassifier
    data = {"floatValue": (float("-inf"),)}
    layer(network, "loadConstantND", "-> mask", shape=(1,), data=data)
    network.layers.insert(0, network.layers.pop())
    came = trial(laid_out({"model.mlmodel": model.SerializeToString()}, tmp_path), PICTURE)
    assert "auto" in came and np.isneginf(network.layers[0].loadConstantND.data.floatValue[0])
