"""Files that say what cannot be: every layer is refused by name, and nothing large is made first."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import CatflapError, UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import RULES, translate
from tests.engine.conftest import filled

Fill = Callable[[Any], None]


def bilinear(layer: Any) -> None:
    layer.upsample.mode = 1
    layer.upsample.scalingFactor.extend((2**40, 2))


def far_padding(layer: Any) -> None:
    layer.pooling.type = 1
    for _ in range(2):
        layer.pooling.valid.paddingAmounts.borderAmounts.add().startEdgeSize = 2**20


def cut_away(layer: Any) -> None:
    for start in (3, 9):
        layer.crop.cropAmounts.borderAmounts.add().startEdgeSize = start


def three_borders(layer: Any) -> None:
    for start in (1, 2, 3):
        layer.padding.paddingAmounts.borderAmounts.add().startEdgeSize = start


DAMAGED: dict[str, tuple[Fill, tuple[int, ...]]] = {
    "too few axes to flatten": (filled("flatten"), (7, 6)),
    "too few axes to normalise": (filled("mvn"), (7, 6)),
    "too few axes to reduce": (filled("reduce", axis=2), (7, 6)),
    "a maximum's place over three axes": (filled("reduce", mode=9, axis=0), (4, 7, 6)),
    "an axis that is not there": (filled("softmaxND", axis=5), (4, 7, 6)),
    "no shape": (filled("reshapeStatic"), (4, 7, 6)),
    "too few bounds": (filled("sliceStatic", beginIds=(1,), endIds=(2,), strides=(1,)), (4, 7, 6)),
    "an odd number of amounts": (filled("constantPad", padAmounts=(1, 2, 3)), (4, 7, 6)),
    "another number of numbers": (filled("reshapeStatic", targetShape=(4, 7, 5)), (4, 7, 6)),
    "parts of another size": (filled("splitND", axis=1, splitSizes=(8,)), (4, 7, 6)),
    "no width of normalisation": (filled("lrn", alpha=1.0), (4, 7, 6)),
    "nothing is left": (cut_away, (4, 7, 6)),
    "three borders": (three_borders, (4, 7, 6)),
    "an unknown pooling": (filled("pooling", type=7, kernelSize=(2, 2)), (4, 7, 6)),
    "no stride": (filled("pooling", type=1, stride=(0, 0)), (4, 7, 6)),
    "enlarged beyond measure": (bilinear, (4, 7, 6)),
    "repeated beyond measure": (filled("upsample", scalingFactor=(2**20, 2**20)), (4, 7, 6)),
    "padded beyond measure": (far_padding, (4, 7, 6)),
    "outputs beyond measure": (filled("innerProduct", outputChannels=2**40), (4, 7, 6)),
}


def translated(fill: Fill, *shapes: tuple[int, ...], outputs: int = 1, legacy: bool = False, batch: bool = False) -> None:
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = model.neuralNetwork.imageInputShapeMapping = int(not legacy)
    layer = model.neuralNetwork.layers.add()
    layer.name = "broken"
    layer.output.extend(f"y{index}" for index in range(outputs))
    for index, shape in enumerate(shapes):
        feature = model.description.input.add()
        feature.name = f"x{index}"
        feature.type.multiArrayType.shape.extend(shape)
        layer.input.append(feature.name)
    fill(layer)
    described = describe(model)
    assert described.network is not None
    translate(described.network, described.inputs, described.network.layers, layer.output[:1], batch=batch)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_layer_that_does_not_fit_is_refused(name: str) -> None:
    fill, shape = DAMAGED[name]
    with pytest.raises(UnsupportedModel):
        translated(fill, shape)


@pytest.mark.parametrize("kind", ["add", "average", "concat", "concatND", "copy", "unary", "dot"])
def test_a_layer_without_inputs_is_refused_by_name(kind: str) -> None:
    with pytest.raises(UnsupportedModel, match="Layer 'broken' reads 'number 0'"):
        translated(filled(kind))


def test_a_layer_without_outputs_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match="Layer 'broken' names 0 outputs"):
        translated(filled("copy"), (4, 7, 6), outputs=0)


def test_the_number_that_does_not_fit_is_named() -> None:
    with pytest.raises(UnsupportedModel, match="Layer 'broken' of kind 'convolution3d' does not fit") as caught:
        translated(filled("convolution3d", inputChannels=4, nGroups=-1), (1, 4, 7, 6, 5))
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("kind", RULES)
def test_scribbled_layers_are_translated_or_refused(kind: str, scribble: Callable[..., None]) -> None:
    rng = random.Random(kind)
    shapes = [(3,), (4, 7, 6), (1, 4, 7, 6), (2, 1, 4, 7, 6)]
    accepted = 0
    for legacy in (True, False) * 12:

        def fill(layer: Any) -> None:
            getattr(layer, kind).SetInParent()
            scribble(getattr(layer, kind), rng)

        inputs = [rng.choice(shapes[:2] if legacy else shapes) for _ in range(rng.choice([0, 1, 1, 2]))]
        try:
            translated(fill, *inputs, outputs=rng.choice([1, 1, 2]), legacy=legacy, batch=rng.random() < 0.5)
            accepted += 1
        except CatflapError as error:
            assert error.sentence
    assert accepted < 24
