"""Files that say what cannot be, and inputs that nobody foresaw: an answer or a refusal, and nothing beyond measure."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.backbone import Backbone
from engine.compute import FUNCTIONS
from engine.compute.room import LARGEST
from engine.errors import CatflapError, UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model

Scribble = Callable[[Any, random.Random], None]
SHAPES = [(1,), (3,), (7, 6), (4, 7, 6), (1, 4, 7, 6), (2, 1, 4, 7, 6), (5, 3, 4, 1, 1)]
LEGACY = [(1,), (3,), (4, 7, 6), (4, 1, 1)]
NUMBERS = [0, 1, 2, 3, -1, -2, 0.5, 2.0**33, 1e30, np.nan, np.inf, -np.inf]


def model_of(kind: str, shapes: list[tuple[int, ...]], outputs: int, legacy: bool) -> tuple[Any, Any]:
    """A model of one layer, and the layer's own message."""
    model = Model()
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    layer = network.layers.add(name="broken")
    layer.output.extend(f"y{index}" for index in range(outputs))
    for index, shape in enumerate(shapes):
        feature = model.description.input.add(name=f"x{index}")
        feature.type.multiArrayType.shape.extend(shape)
        layer.input.append(feature.name)
    getattr(layer, kind).SetInParent()
    return model, getattr(layer, kind)


def answer(model: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    described = describe(model)
    network = described.network
    assert network is not None
    backbone = Backbone(network, described.inputs, network.layers, network.layers[0].outputs, batch=False)
    return list(backbone.run({f"x{index}": array for index, array in enumerate(arrays)}).values())


def filled(shape: tuple[int, ...], rng: random.Random) -> np.ndarray:
    """Plain numbers, or a few and absurd ones."""
    size = int(np.prod(shape))
    few = NUMBERS[:5] if rng.random() < 0.7 else NUMBERS
    return np.array([rng.choice(few) for _ in range(size)], np.float32).reshape(shape)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_scribbled_layers_answer_or_are_refused(kind: str, scribble: Scribble) -> None:
    rng = random.Random(kind)
    refused = 0
    for legacy in (False, False, True) * 16:
        shapes = [rng.choice(LEGACY if legacy else SHAPES) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 5]))]
        model, its = model_of(kind, shapes, rng.choice([1, 1, 2, 5]), legacy)
        scribble(its, rng)
        try:
            for found in answer(model, [filled(shape, rng) for shape in shapes]):
                assert found.size <= LARGEST
        except CatflapError as error:
            assert error.sentence
            refused += 1
    assert refused


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_layer_without_inputs_or_with_many_is_refused_by_name_or_answers(kind: str) -> None:
    for count in (0, 9):
        model, _ = model_of(kind, [(3,)] * count, 1, False)
        try:
            answer(model, [np.ones(3, np.float32)] * count)
        except CatflapError as error:
            assert "'broken'" in error.sentence


def test_the_layer_is_named_with_its_kind() -> None:
    model, _ = model_of("gather", [(3,)], 1, False)
    with pytest.raises(UnsupportedModel, match="'broken' of kind 'gather' cannot take 1 inputs"):
        answer(model, [np.ones(3, np.float32)])
    model, _ = model_of("gather", [(3,), (2,)], 1, False)
    with pytest.raises(UnsupportedModel, match=r"'broken' of kind 'gather' does not fit what it is given: .*out of bounds"):
        answer(model, [np.ones(3, np.float32), np.float32([0, 3])])
