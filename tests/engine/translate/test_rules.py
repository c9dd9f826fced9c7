"""The table of kinds: all are tested, all exist in the format, and what is not in it is refused by name."""

import ast
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UnsupportedLayer, UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import RULES, translate

HERE = Path(__file__).resolve().parent


def named_in(path: Path) -> set[str]:
    """All strings and attributes of a test file: a layer's message is reached by its kind."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return strings | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_every_kind_is_tested() -> None:
    tested = set[str]().union(*(named_in(path) for path in HERE.glob("test_*.py") if path != Path(__file__).resolve()))
    assert sorted(set(RULES) - tested) == []


def test_every_kind_is_one_of_the_format() -> None:
    layer = Model().neuralNetwork.layers.add()
    known = {field.name for field in layer.DESCRIPTOR.oneofs_by_name["layer"].fields}
    assert set(RULES) <= known


def one_layer() -> tuple[Any, Any]:
    model = Model()
    feature = model.description.input.add()
    feature.name = "x"
    feature.type.multiArrayType.shape.extend((3, 4, 5))
    layer = model.neuralNetwork.layers.add()
    layer.name = "strange"
    layer.input.append("x")
    layer.output.append("y")
    return model, layer


def translated(model: Any, *outputs: str) -> None:
    described = describe(model)
    assert described.network is not None
    translate(described.network, described.inputs, described.network.layers, outputs)


def test_an_unknown_kind_is_named() -> None:
    model, layer = one_layer()
    layer.randomNormalLike.SetInParent()
    with pytest.raises(UnsupportedLayer, match="Layer 'strange' is of kind 'randomNormalLike'"):
        translated(model, "y")


def test_a_layer_of_no_kind_is_refused() -> None:
    model, _ = one_layer()
    with pytest.raises(UnsupportedLayer, match="'strange' is of kind 'nothing'"):
        translated(model, "y")


def test_a_custom_layer_is_refused_by_its_class() -> None:
    model, layer = one_layer()
    layer.custom.className = "Swish"
    with pytest.raises(UnsupportedLayer, match=r"'custom \(Swish\)'.* not in the model"):
        translated(model, "y")


def test_a_blob_that_nothing_writes_is_named() -> None:
    model, layer = one_layer()
    layer.softmax.SetInParent()
    with pytest.raises(UnsupportedModel, match="No layer writes 'z'"):
        translated(model, "z")
    layer.input[0] = "elsewhere"
    with pytest.raises(UnsupportedModel, match="Layer 'strange' reads 'elsewhere'"):
        translated(model, "y")
