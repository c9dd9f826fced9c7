"""The tables of kinds: all are tested, together they are the format's, and what has no meaning is refused by name."""

import ast
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine import compute
from engine.compute import FUNCTIONS
from engine.errors import UnsupportedLayer, UnsupportedModel
from engine.spec.describe import CONTROL, describe
from engine.spec.schema import Model
from engine.translate import RULES, translate

HERE = Path(__file__).resolve().parent


def named_in(folder: Path) -> set[str]:
    """All strings, attributes and imported names of a folder's tests: a layer's message is reached by its kind."""
    found: set[str] = set()
    for path in folder.glob("test_*.py"):
        if path != Path(__file__).resolve():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Constant(value=str(text)) | ast.Attribute(attr=text) | ast.alias(name=text):
                        found.add(text)
                    case _:
                        pass
    return found


def test_every_kind_is_tested() -> None:
    assert sorted(set(RULES) - named_in(HERE)) == []


def test_every_kind_that_numpy_computes_is_tested() -> None:
    """By its name in the format, or by that of its function."""
    tested = named_in(HERE.parent / "compute")
    modules = [each for each in vars(compute).values() if isinstance(each, ModuleType)]
    reached = [function for module in modules for name, function in vars(module).items() if name in tested]
    assert [kind for kind, function in FUNCTIONS.items() if kind not in tested and function not in reached] == []


def test_the_tables_together_are_the_format() -> None:
    layer = Model().neuralNetwork.layers.add()
    known = [field.name for field in layer.DESCRIPTOR.oneofs_by_name["layer"].fields]
    assert sorted([*RULES, *FUNCTIONS, *CONTROL, "custom"]) == sorted(known)


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
