"""Layers built field by field, run alone and in a batch of three, and held against what is expected.

And a folder of one who is not root, whom no permission stops.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine.backbone import Backbone
from engine.convert.build import fill
from engine.spec.describe import Description, describe
from engine.spec.schema import Model
from engine.translate import RULES, translate

Fill = Callable[[Any], Any]


def layer(network: Any, kind: str, names: str, **fields: Any) -> Any:
    """`names` are `inputs -> outputs`; a tuple fills a list. Gives back the layer's own message."""
    made = network.layers.add(name=f"{kind} {names}")
    before, after = names.split("->")
    made.input.extend(before.split())
    made.output.extend(after.split())
    filled(kind, **fields)(made)
    return getattr(made, kind)


def filled(kind: str, **fields: Any) -> Fill:
    """What makes a layer one of `kind` with these fields; a tuple fills a list."""

    def make(layer: Any) -> None:
        getattr(layer, kind).SetInParent()
        fill(getattr(layer, kind), fields)

    return make


def describe_layer(fill: Fill, arrays: Sequence[np.ndarray], legacy: bool, outputs: int) -> Description:
    """A network of one layer; `fill` writes into the layer's message. Inputs are x0, x1, ..., outputs y0, y1, ..."""
    model = Model()
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = int(not legacy)
    layer = network.layers.add()
    layer.name = "one"
    for index, array in enumerate(arrays):
        feature = model.description.input.add()
        feature.name = f"x{index}"
        feature.type.multiArrayType.shape.extend(array.shape)
        feature.type.multiArrayType.dataType = 65568
        layer.input.append(feature.name)
    layer.output.extend(f"y{index}" for index in range(outputs))
    fill(layer)
    return describe(model)


def run_alone(described: Description, arrays: Sequence[np.ndarray], outputs: int) -> list[np.ndarray]:
    network = described.network
    assert network is not None
    names = tuple(f"y{index}" for index in range(outputs))
    backbone = Backbone(network, described.inputs, network.layers, names, batch=False)
    found = backbone.run({f"x{index}": array for index, array in enumerate(arrays)})
    return [found[name] for name in names]


def run_together(described: Description, arrays: Sequence[np.ndarray], outputs: int) -> list[np.ndarray]:
    """`arrays` with the batch first."""
    network = described.network
    assert network is not None
    names = tuple(f"y{index}" for index in range(outputs))
    given = {f"x{index}": array.shape[1:] for index, array in enumerate(arrays)}
    translation = translate(network, (), network.layers, names, batch=True, given=given)
    session = onnxruntime.InferenceSession(translation.model, providers=["CPUExecutionProvider"])
    fed = {translation.inputs[f"x{index}"]: array for index, array in enumerate(arrays)}
    return session.run([translation.outputs[name].tensor for name in names], fed)


def check_together(fill: Fill, arrays: Sequence[np.ndarray], legacy: bool, outputs: int, tolerance: float) -> None:
    """Three different examples at once give what they give one by one."""
    examples = [[(a * by + to).astype(np.float32) for a in arrays] for by, to in ((1, 0), (0.5, 0), (1.5, 0.125))]
    described = describe_layer(fill, arrays, legacy, outputs)
    apart = [run_alone(described, example, outputs) for example in examples]
    stack = np.stack if legacy else np.concatenate
    together = run_together(described, [stack(each) for each in zip(*examples, strict=True)], outputs)
    for found, *alone in zip(together, *apart, strict=True):
        assert found.shape == stack(alone).shape
        np.testing.assert_allclose(found, stack(alone), rtol=tolerance, atol=tolerance)


@pytest.fixture
def check() -> Callable[..., None]:
    """`check(fill, arrays, expected)`: one layer gives exactly these shapes and, closely, these numbers.

    Legacy arrays are (C, H, W); exact ones have any shape. Of a kind that ONNX Runtime computes, where legacy, or where
    all first sizes are 1, a batch of three different examples must give the same as one by one (`batch=False` leaves
    that out).
    """

    def against(
        fill: Fill,
        arrays: Sequence[np.ndarray],
        expected: Sequence[np.ndarray],
        *,
        legacy: bool = True,
        batch: bool = True,
        tolerance: float = 2e-5,
    ) -> None:
        arrays = [np.asarray(each, np.float32) for each in arrays]
        described = describe_layer(fill, arrays, legacy, len(expected))
        for found, wanted in zip(run_alone(described, arrays, len(expected)), expected, strict=True):
            assert found.dtype == np.float32
            assert found.shape == np.shape(wanted)
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
        assert described.network is not None
        whole = described.network.layers[0].kind in RULES
        if batch and whole and arrays and (legacy or all(each.shape[:1] == (1,) for each in arrays)):
            check_together(fill, arrays, legacy, len(expected), tolerance)

    return against


@pytest.fixture
def refuse() -> Callable[..., Exception]:
    """`refuse(fill, arrays, kind of error)`: the layer is not translated; gives back the error."""

    def refused(fill: Fill, arrays: Sequence[np.ndarray], error: type[Exception], legacy: bool = True) -> Exception:
        described = describe_layer(fill, arrays, legacy, 1)
        with pytest.raises(error) as caught:
            run_alone(described, arrays, 1)
        return caught.value

    return refused


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


WHOLE = (0, 1, 2, 3, 4, 6, 7, 12, 2**31 - 1, 2**31, 2**40)
DECIMAL = (-1, 0.5, np.nan, np.inf)


def _scribble(message: Any, rng: random.Random) -> None:
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.4 or field.cpp_type == field.CPPTYPE_STRING:
            continue
        its = getattr(message, field.name)
        if hasattr(its, "items"):
            continue
        many = hasattr(its, "extend")
        if field.message_type is not None and field.message_type.name == "WeightParams":
            its.floatValue.extend([0.5] * rng.choice([0, 1, 4, 12, 28]))
        elif field.message_type is not None:
            for _ in range(rng.choice([0, 2, 3]) if many else 1):
                _scribble(its.add() if many else its, rng)
        elif many:
            its.extend(_number(field, rng) for _ in range(rng.choice([1, 2, 3, 4])))
        else:
            setattr(message, field.name, _number(field, rng))


def _number(field: Any, rng: random.Random) -> Any:
    """One that the field's type holds."""
    if field.cpp_type == field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if field.cpp_type == field.CPPTYPE_ENUM:
        return rng.choice([0, 1, 2, 7])
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice(DECIMAL)
    narrow = field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32)
    signed = field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    return rng.choice([each for each in WHOLE if not narrow or each < 2**31] + [-1, -3] * signed)


@pytest.fixture
def scribble() -> Callable[[Any, random.Random], None]:
    """`scribble(message, rng)`: any numbers into any fields, small ones and absurd ones."""
    return _scribble


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach, as one who is not root, whom no permission stops."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    for each in folder.rglob("*"):
        each.chmod(0o700)
    shutil.rmtree(folder)
