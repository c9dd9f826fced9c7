"""Frozen classifiers, written layer by layer: what Core ML cannot train through is said otherwise, with the same result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import open_model
from engine.convert.build import Layers, Picture, classifier
from engine.convert.prepare import Preparation, prepare
from engine.errors import CannotTrain
from engine.spec.validate import problems

HEIGHT, WIDTH, LABELS = 9, 13, ("Cat", "Dog", "Owl")
FEATURES = 4 * 3 * 5
"""3 x 3 with stride 2 makes 4 x 4 x 6 of the image, 2 x 2 pooling with stride 1 makes 4 x 3 x 5 of that."""


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)


def started(legacy: bool = False) -> tuple[Any, Layers]:
    """Image, convolution, ReLU, max pooling: a blob `pool` of (4, 3, 5)."""
    model = classifier(Picture("image", WIDTH, HEIGHT, scale=1 / 255), LABELS, "probabilities")
    network = model.neuralNetworkClassifier
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    layers = Layers(network)
    layers.add(
        "convolution",
        "conv",
        "image",
        outputChannels=4,
        kernelChannels=3,
        kernelSize=[3, 3],
        stride=[2, 2],
        valid={},
        hasBias=True,
        weights=numbers(0, 4, 3, 3, 3),
        bias=numbers(1, 4),
    )
    layers.add("activation", "relu", "conv", ReLU={})
    layers.add("pooling", "pool", "relu", kernelSize=[2, 2], stride=[1, 1], valid={})
    return model, layers


def dense(layers: Layers, name: str, before: str, given: int, made: int, output: str = "", bias: bool = True) -> str:
    fields = {"bias": numbers(3, made)} if bias else {}
    return layers.add(
        "innerProduct",
        name,
        before,
        output,
        inputChannels=given,
        outputChannels=made,
        hasBias=bias,
        weights=numbers(2, made, given),
        **fields,
    )


def probabilities(model: Any, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return np.array(list(open_model(model).predict({"image": pixels})["probabilities"].values()))


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def same(model: Any, choice: Preparation | None = None, then: Callable[..., np.ndarray] = np.asarray) -> tuple[Any, str]:
    """The prepared model and what was said of it, after all that must hold for any."""
    before = model.SerializeToString(deterministic=True)
    made, said = prepare(model, choice or Preparation())
    assert model.SerializeToString(deterministic=True) == before
    assert problems(made) == ()
    opened = open_model(made)
    assert opened.cut.why_not == ""
    names = tuple(each.name for each in opened.network.layers if each.updatable)
    assert not choice or not choice.layers or set(names) == set(choice.layers)
    answers = [probabilities(made, seed) for seed in range(3)]
    for seed, answer in enumerate(answers):
        np.testing.assert_allclose(answer, then(probabilities(model, seed)), atol=1e-5)
    assert np.ptp(answers, axis=0).max() > 1e-3  # the comparison could have failed
    return made, " ".join(said)


def kinds(model: Any) -> list[str]:
    return [each.WhichOneof("layer") for each in model.neuralNetworkClassifier.layers]


def reshaped(layers: Layers) -> str:
    return layers.add("reshapeStatic", "row", "pool", targetShape=[1, FEATURES])


def test_reshape_and_softmax_nd_become_flatten_and_softmax() -> None:
    model, layers = started()
    dense(layers, "first", reshaped(layers), FEATURES, 7)
    layers.add("activation", "tanh", "first", tanh={})
    layers.add("softmaxND", "end", dense(layers, "second", "tanh", 7, 3), "probabilities", axis=-1)
    made, said = same(model)
    assert kinds(made) == [
        "convolution",
        "activation",
        "pooling",
        "flatten",
        "innerProduct",
        "activation",
        "innerProduct",
        "softmax",
    ]
    assert "'row' of kind 'reshapeStatic' became 'flatten'" in said
    assert "'end' of kind 'softmaxND' became 'softmax'" in said
    assert "Layers 'first' and 'second' can be updated." in said


def test_blobs_keep_channel_height_and_width_up_to_the_loss() -> None:
    """A `softmax` over a blob of rank 2 has no meaning in the format."""
    model, layers = started()
    layers.add("softmaxND", "end", dense(layers, "last", reshaped(layers), FEATURES, 3), "probabilities", axis=1)
    made, _ = same(model)
    made.description.output.add(name="last").type.multiArrayType.dataType = 65568
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert open_model(made).predict({"image": pixels})["last"].shape == (1, 3, 1, 1)


@pytest.mark.parametrize("legacy", [False, True])
def test_scores_get_a_softmax(legacy: bool) -> None:
    model, layers = started(legacy)
    layers.add("flatten", "row", "pool")
    dense(layers, "last", "row", FEATURES, 3, "probabilities")
    made, said = same(model, then=softmax)
    assert "a softmax was added" in said
    assert made.neuralNetworkClassifier.labelProbabilityLayerName == "probabilities"


def test_logarithms_behind_the_softmax_go() -> None:
    model, layers = started()
    layers.add("softmaxND", "soft", dense(layers, "last", reshaped(layers), FEATURES, 3), axis=1)
    layers.add("unary", "log", "soft", "probabilities", type=5, scale=1.0)
    _, said = same(model, then=np.exp)
    assert "'log' gave logarithms" in said


def test_a_product_with_stored_weights_becomes_an_inner_product() -> None:
    model, layers = started()
    for name, before, given, made in (("first", reshaped(layers), FEATURES, 7), ("second", "first", 7, 3)):
        layers.add(
            "batchedMatmul",
            name,
            before,
            weightMatrixFirstDimension=given,
            weightMatrixSecondDimension=made,
            hasBias=name == "second",
            weights=numbers(4, made, given),
            **({"bias": numbers(5, made)} if name == "second" else {}),
        )
    layers.add("softmaxND", "end", "second", "probabilities", axis=-1)
    made, said = same(model)
    assert "'first' of kind 'batchedMatmul' became 'innerProduct'" in said
    assert "'first' got a bias of zeros" in said
    assert "'second' got" not in said
    first = next(each for each in made.neuralNetworkClassifier.layers if each.name == "first").innerProduct
    assert (first.inputChannels, first.outputChannels, list(first.bias.floatValue)) == (FEATURES, 7, [0.0] * 7)


def test_a_mean_over_height_and_width_becomes_a_pooling() -> None:
    model, layers = started()
    layers.add("reduceMean", "mean", "pool", axes=[-1, 2], keepDims=False)
    layers.add("softmaxND", "end", dense(layers, "last", "mean", 4, 3), "probabilities", axis=1)
    made, said = same(model, Preparation(layers=("conv", "last")))
    assert "'mean' of kind 'reduceMean' became 'pooling'" in said
    assert "reduceMean" not in kinds(made)
    kept, said = same(model)
    assert "reduceMean" in kinds(kept)
    assert "'last' is given height and width" in said


def test_a_convolution_head_is_taken_where_there_is_no_inner_product() -> None:
    model, layers = started()
    layers.add(
        "convolution",
        "head",
        "pool",
        outputChannels=3,
        kernelChannels=4,
        kernelSize=[1, 1],
        valid={},
        weights=numbers(6, 3, 4),
    )
    layers.add("pooling", "mean", "head", type=1, globalPooling=True, valid={})
    layers.add("squeeze", "squeezed", "mean", axes=[-1, -2])
    layers.add("expandDims", "expanded", "squeezed", axes=[0])
    layers.add("softmaxND", "end", "expanded", "soft", axis=2)
    layers.add("squeeze", "flat", "soft", "probabilities", axes=[0])
    made, said = same(model)
    assert kinds(made)[3:] == ["convolution", "pooling", "softmax"]
    assert "'squeezed' of kind 'squeeze' was taken away" in said
    assert "Layer 'head' can be updated." in said


def test_layers_that_others_read_keep_their_shapes() -> None:
    model, layers = started()
    dense(layers, "first", reshaped(layers), FEATURES, 7)
    dense(layers, "second", "first", 7, 3, "probabilities")
    layers.add("addBroadcastable", "sum", ["row", "row"])
    for name in ("first", "sum"):
        model.description.output.add(name=name).type.multiArrayType.dataType = 65568
    made, _ = same(model, then=softmax)
    pixels = np.random.default_rng(8).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    old, new = (open_model(each).predict({"image": pixels}) for each in (model, made))
    for name, shape in (("first", (1, 7)), ("sum", (1, FEATURES))):
        assert new[name].shape == shape == old[name].shape
        np.testing.assert_allclose(new[name], old[name], rtol=1e-5)


def test_scores_that_are_an_output_stay_one() -> None:
    model, layers = started()
    dense(layers, "last", reshaped(layers), FEATURES, 3, "probabilities")
    layers.add("activation", "other", "probabilities", ReLU={})
    model.description.output.add(name="other").type.multiArrayType.dataType = 65568
    made, _ = same(model, then=softmax)
    pixels = np.random.default_rng(9).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    old, new = (open_model(each).predict({"image": pixels}) for each in (model, made))
    np.testing.assert_allclose(new["other"], old["other"], rtol=1e-5)


def test_float16_and_quantised_weights_become_float32() -> None:
    model, layers = started()
    layers.add("softmaxND", "end", dense(layers, "last", reshaped(layers), FEATURES, 3), "probabilities", axis=1)
    network = model.neuralNetworkClassifier
    conv, last = network.layers[0].convolution, network.layers[4].innerProduct
    for weights in (conv.weights, conv.bias):
        halves = np.array(weights.floatValue, "<f2").tobytes()
        weights.Clear()
        weights.float16Value = halves
    levels = np.random.default_rng(7).integers(0, 64, 3 * FEATURES)
    bits = np.unpackbits(levels.astype(np.uint8)[:, None], axis=1)[:, 2:].reshape(-1)
    last.weights.Clear()
    last.weights.rawValue = np.packbits(bits).tobytes()
    last.weights.quantization.numberOfBits = 6
    last.weights.quantization.linearQuantization.scale.extend([0.01, 0.02, 0.03])
    last.weights.quantization.linearQuantization.bias.extend([-0.3, -0.6, -0.9])
    made, said = same(model)
    assert "1 layer are float32 now; they were float16" in said
    assert "they were quantised" in said
    stored = made.neuralNetworkClassifier.layers[4].innerProduct.weights
    expected = levels.reshape(3, -1) * np.array([[0.01], [0.02], [0.03]]) + np.array([[-0.3], [-0.6], [-0.9]])
    np.testing.assert_allclose(np.array(stored.floatValue).reshape(3, -1), expected, atol=1e-6)
    assert not stored.HasField("quantization")


def test_layers_of_one_name_get_names_of_their_own() -> None:
    model, layers = started()
    model.neuralNetworkClassifier.layers[1].name = "pool"
    dense(layers, "last", reshaped(layers), FEATURES, 3, "scores")
    layers.add("softmaxND", "", "scores", "probabilities", axis=1)
    made, said = same(model)
    assert len({each.name for each in made.neuralNetworkClassifier.layers}) == 6
    assert "2 layers had no name" in said


def ended(kind: str, **fields: Any) -> Any:
    """A model with one layer of `kind` between its two inner products."""
    model, layers = started()
    dense(layers, "first", reshaped(layers), FEATURES, 7)
    layers.add(kind, "between", "first", **fields)
    layers.add("softmaxND", "end", dense(layers, "second", "between", 7, 3), "probabilities", axis=1)
    return model


def test_where_gradients_stop_the_head_begins_behind() -> None:
    model = ended("activation", leakyReLU={"alpha": 0.1})
    _, said = same(model)
    assert "Layer 'second' can be updated." in said
    with pytest.raises(CannotTrain, match=r"'first' cannot learn.*'between' of kind 'activation.leakyReLU'"):
        prepare(model, Preparation(layers=("first",)))


def test_layers_that_cannot_be_written_again_are_named() -> None:
    model, layers = started()
    layers.add("reshapeStatic", "rows", "pool", targetShape=[4, 15])
    dense(layers, "last", "rows", 15, 3)
    layers.add("reduceMean", "mean", "last", axes=[0], keepDims=True)
    layers.add("softmaxND", "end", "mean", "probabilities", axis=1)
    with pytest.raises(CannotTrain, match=r"'last' .*more than one row"):
        prepare(model)
