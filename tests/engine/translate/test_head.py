"""The layers that training changes are written twice, for the head and for ONNX: both must say the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine.head.kinds import KINDS
from engine.head.layers import HeadLayer
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.spec.split import READERS
from engine.translate import translate

Sizes = tuple[int, int, int]
Rng = np.random.Generator


def put(weights: Any, rng: Rng, *shape: int) -> None:
    weights.floatValue.extend(rng.normal(size=int(np.prod(shape))).tolist())


def borders(valid: Any, rng: Rng) -> None:
    for start, end in rng.integers(0, 3, (2, 2)):
        edge = valid.paddingAmounts.borderAmounts.add()
        edge.startEdgeSize, edge.endEdgeSize = start, end


def pair(rng: Rng, low: int, high: int) -> list[int]:
    return [int(each) for each in rng.permutation(np.arange(low, high))[:2]]


def dense(layer: Any, sizes: Sizes, rng: Rng) -> None:
    its = layer.innerProduct
    its.inputChannels, its.outputChannels, its.hasBias = int(np.prod(sizes)), 5, bool(rng.integers(2))
    put(its.weights, rng, 5, its.inputChannels)
    put(its.bias, rng, 5)


def convolution(layer: Any, sizes: Sizes, rng: Rng) -> None:
    its = layer.convolution
    its.nGroups = int(rng.choice([1, 2]))
    its.kernelChannels, its.outputChannels, its.hasBias = sizes[0] // its.nGroups, 6, bool(rng.integers(2))
    its.kernelSize.extend(pair(rng, 1, 4))
    its.stride.extend(pair(rng, 1, 4))
    its.dilationFactor.extend(pair(rng, 1, 3))
    put(its.weights, rng, 6, its.kernelChannels, *its.kernelSize)
    put(its.bias, rng, 6)
    if rng.integers(2):
        its.same.asymmetryMode = int(rng.integers(2))
    else:
        its.valid.SetInParent()
        borders(its.valid, rng)


def pooling(layer: Any, sizes: Sizes, rng: Rng) -> None:
    its = layer.pooling
    its.type, its.avgPoolExcludePadding = int(rng.integers(2)), bool(rng.integers(2))
    its.globalPooling = bool(rng.integers(4) == 0)
    its.kernelSize.extend(pair(rng, 3, 6))
    its.stride.extend(pair(rng, 1, 4))
    padding = rng.choice(["valid", "same", "last"])
    if padding == "same":
        its.same.asymmetryMode = int(rng.integers(2))
    elif padding == "last":
        its.includeLastPixel.paddingAmounts.extend(pair(rng, 0, 3))
    else:
        its.valid.SetInParent()
        borders(its.valid, rng)


def batchnorm(layer: Any, sizes: Sizes, rng: Rng) -> None:
    its = layer.batchnorm
    its.channels = sizes[0]
    for weights in (its.gamma, its.beta, its.mean):
        put(weights, rng, sizes[0])
    its.variance.floatValue.extend(rng.uniform(0.1, 2, sizes[0]).tolist())


def flatten(layer: Any, sizes: Sizes, rng: Rng) -> None:
    layer.flatten.mode = int(rng.integers(2))


def plain(path: str) -> Callable[[Any, Sizes, Rng], None]:
    def fill(layer: Any, sizes: Sizes, rng: Rng) -> None:
        for part in path.split("."):
            layer = getattr(layer, part)
        layer.SetInParent()

    return fill


FILLS: dict[str, Callable[[Any, Sizes, Rng], None]] = {
    "innerProduct": dense,
    "convolution": convolution,
    "pooling": pooling,
    "flatten": flatten,
    "batchnorm": batchnorm,
    "activation.ReLU": plain("activation.ReLU"),
    "activation.sigmoid": plain("activation.sigmoid"),
    "activation.tanh": plain("activation.tanh"),
    "softmax": plain("softmax"),
}


def test_every_kind_of_the_head_is_compared() -> None:
    assert set(FILLS) == set(KINDS)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", FILLS)
def test_head_and_translation_agree(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batch, height, width = (int(each) for each in rng.permutation([7, 8, 9, 10, 11])[:3])
    sizes = (4, height, width)
    model = Model()
    message = model.neuralNetwork.layers.add()
    message.name = "one"
    message.input.append("x")
    message.output.append("y")
    FILLS[kind](message, sizes, rng)
    network = describe(model).network
    assert network is not None
    (layer,) = network.layers
    assert layer.full_kind == kind
    x = rng.normal(size=(batch, *sizes)).astype(np.float32)
    weights, settings = READERS[kind](layer)
    expected = KINDS[kind].forward(HeadLayer("one", kind, weights, settings), x)
    translation = translate(network, (), network.layers, ("y",), given={"x": sizes})
    session = onnxruntime.InferenceSession(translation.model, providers=["CPUExecutionProvider"])
    (found,) = session.run([translation.outputs["y"].tensor], {translation.inputs["x"]: x})
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
