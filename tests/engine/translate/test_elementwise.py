"""Layers that work number by number: by NumPy and the C library's functions, with everything that may be broadcast."""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine.errors import UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import translate
from tests.engine.conftest import filled

Check = Callable[..., None]
Fill = Callable[[Any], None]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


X = floats(4, 7, 6)
"""One legacy image; layers see (1, 1, 4, 7, 6)."""
PARTNERS = [floats(4, 7, 6) * 2, floats(4, 1, 1), floats(1, 7, 6), floats(1, 1, 1)]
"""The shapes that the format lets meet an image."""
SEVERAL: dict[str, Callable[..., np.ndarray]] = {
    "add": lambda *x: reduce(np.add, x),
    "multiply": lambda *x: reduce(np.multiply, x),
    "average": lambda *x: reduce(np.add, x) / len(x),
    "max": lambda *x: reduce(np.maximum, x),
    "min": lambda *x: reduce(np.minimum, x),
}


@pytest.mark.parametrize("partner", PARTNERS, ids=lambda each: str(each.shape))
@pytest.mark.parametrize("kind", SEVERAL)
def test_two_blobs(kind: str, partner: np.ndarray, check: Check) -> None:
    check(filled(kind), [X, partner], [SEVERAL[kind](X, partner)])
    check(filled(kind), [partner, X], [SEVERAL[kind](partner, X)])


@pytest.mark.parametrize("kind", SEVERAL)
def test_many_blobs(kind: str, check: Check) -> None:
    check(filled(kind), [X, *PARTNERS], [SEVERAL[kind](X, *PARTNERS)])


@pytest.mark.parametrize("kind", ["average", "max", "min"])
def test_a_single_blob_is_its_own_mean_and_extreme(kind: str, check: Check) -> None:
    check(filled(kind), [X], [X])


def test_a_single_blob_meets_a_number(check: Check) -> None:
    check(filled("add", alpha=-1.25), [X], [X - 1.25])
    check(filled("multiply", alpha=-1.25), [X], [X * -1.25])
    check(filled("multiply"), [X], [X * 0])


BROADCASTABLE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "addBroadcastable": np.add,
    "multiplyBroadcastable": np.multiply,
    "subtractBroadcastable": np.subtract,
    "divideBroadcastable": np.divide,
    "maxBroadcastable": np.maximum,
    "minBroadcastable": np.minimum,
    "powBroadcastable": np.power,
}


@pytest.mark.parametrize(
    ("left", "right"),
    [((1, 4, 7, 6), (1, 4, 7, 6)), ((1, 4, 7, 6), (1, 1, 7, 1)), ((1, 4, 1, 6), (1, 1, 7, 1)), ((1, 7, 1), (1, 4, 1, 6))],
)
@pytest.mark.parametrize("kind", BROADCASTABLE)
def test_broadcasting_as_numpy(kind: str, left: tuple[int, ...], right: tuple[int, ...], check: Check) -> None:
    x, y = np.abs(floats(*left)) + 0.5, np.abs(floats(*right)) + 0.5
    # With fewer axes, what is first is not the batch.
    check(filled(kind), [x, y], [BROADCASTABLE[kind](x, y)], legacy=False, batch=len(left) == len(right))


@pytest.mark.parametrize("kind", ["add", "addBroadcastable", "multiplyBroadcastable"])
def test_shapes_that_do_not_meet_are_refused(kind: str, refuse: Callable[..., Any]) -> None:
    refuse(filled(kind), [X, floats(4, 5, 6)], UnsupportedModel)


def network_of(*layers: tuple[str, list[str], Fill]) -> Any:
    """Legacy layers, each writing the blob called by its place; the last one is given back."""
    model = Model()
    feature = model.description.input.add()
    feature.name = "x"
    feature.type.multiArrayType.shape.extend(X.shape)
    for at, (kind, inputs, fill) in enumerate(layers):
        layer = model.neuralNetwork.layers.add()
        layer.name = f"{kind} {at}"
        layer.input.extend(inputs)
        layer.output.append(str(at))
        fill(layer)
    return describe(model)


def test_a_stored_vector_meets_every_image() -> None:
    vector, images = floats(6), floats(3, 4, 7, 6)

    def stored(layer: Any) -> None:
        layer.loadConstantND.shape.extend(vector.shape)
        layer.loadConstantND.data.floatValue.extend(vector.tolist())

    described = network_of(("c", [], stored), ("sum", ["x", "0"], filled("addBroadcastable")))
    made = translate(described.network, described.inputs, described.network.layers, ("1",))
    assert made.outputs["1"].folded
    session = onnxruntime.InferenceSession(made.model, providers=["CPUExecutionProvider"])
    (found,) = session.run([made.outputs["1"].tensor], {made.inputs["x"]: images})
    np.testing.assert_allclose(found, images + vector, rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 1, 1), (5, 4, 3)])
def test_dot_over_the_channels(shape: tuple[int, ...], check: Check) -> None:
    x, y = floats(*shape), floats(*shape)[::-1].copy()
    wanted = np.zeros((1, *shape[1:]))
    for index in np.ndindex(*shape):
        wanted[0, *index[1:]] += x[index] * y[index]
    check(filled("dot"), [x, y], [wanted])
    lengths = [np.sqrt(np.einsum("chw,chw->hw", each, each)) for each in (x, y)]
    check(filled("dot", cosineSimilarity=True), [x, y], [wanted / lengths[0] / lengths[1]])


@pytest.mark.parametrize("count", [1, 3])
def test_dot_takes_two(count: int, refuse: Callable[..., Any]) -> None:
    assert f"multiplies {count} blobs" in str(refuse(filled("dot"), [X] * count, UnsupportedModel))


SHAPES = [(1,), (4,), (1, 7, 6), (4, 7, 6), (4, 1, 1), (1, 1, 1)]


def over(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 1, 1) if values.ndim == 1 else values


def scaled(by: np.ndarray, to: np.ndarray | None = None) -> Fill:
    def fill(layer: Any) -> None:
        its = layer.scale
        its.shapeScale.extend(by.shape)
        its.scale.floatValue.extend(by.reshape(-1).tolist())
        if to is not None:
            its.hasBias = True
            its.shapeBias.extend(to.shape)
            its.bias.floatValue.extend(to.reshape(-1).tolist())

    return fill


def shifted(to: np.ndarray) -> Fill:
    def fill(layer: Any) -> None:
        layer.bias.shape.extend(to.shape)
        layer.bias.bias.floatValue.extend(to.reshape(-1).tolist())

    return fill


@pytest.mark.parametrize("shape", SHAPES)
def test_scale_and_bias(shape: tuple[int, ...], check: Check) -> None:
    by, to, deep = floats(*shape) + 3, floats(*reversed(shape)).reshape(shape) - 2, floats(1, 2, 4, 7, 6)
    check(scaled(by), [X], [X * over(by)])
    check(scaled(by, to), [X], [X * over(by) + over(to)])
    check(shifted(to), [X], [X + over(to)])
    check(scaled(by, to), [deep], [deep * over(by) + over(to)], legacy=False)


def test_a_bias_that_is_not_announced_is_not_added(check: Check) -> None:
    def fill(layer: Any) -> None:
        scaled(floats(4), floats(4))(layer)
        layer.scale.hasBias = False

    check(fill, [X], [X * over(floats(4))])


@pytest.mark.parametrize("shape", [(3,), (6,), (7, 6), (1, 4, 7, 6), (4, 7, 5), (4, 6, 7)])
def test_numbers_that_do_not_fit_are_refused(shape: tuple[int, ...], refuse: Callable[..., Any]) -> None:
    for fill in (scaled(floats(*shape)), shifted(floats(*shape)), scaled(floats(4), floats(*shape))):
        assert f"holds numbers for {' x '.join(map(str, shape))}" in str(refuse(fill, [X], UnsupportedModel))


def test_a_grey_image_is_not_made_deeper(refuse: Callable[..., Any]) -> None:
    refuse(scaled(floats(3)), [X[:1]], UnsupportedModel)


def test_clip(check: Check) -> None:
    check(filled("clip", minVal=-0.25, maxVal=0.75), [X], [np.minimum(np.maximum(X, -0.25), 0.75)])
    check(filled("clip", minVal=2, maxVal=1), [X], [np.minimum(np.maximum(X, 2), 1)])


def each(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    return np.vectorize(function, otypes=[float])(x.astype(np.float64))


UNARY: dict[str, tuple[dict[str, float], Callable[[float], float]]] = {
    "SQRT": (dict(scale=0.5, shift=4), math.sqrt),
    "RSQRT": (dict(scale=0.5, shift=4, epsilon=0.25), lambda x: 1 / math.sqrt(x + 0.25)),
    "INVERSE": (dict(scale=0.5, shift=4, epsilon=0.25), lambda x: 1 / (x + 0.25)),
    "POWER": (dict(scale=0.5, shift=4, alpha=1.75), lambda x: x**1.75),
    "EXP": (dict(scale=0.5, shift=-1), math.exp),
    "LOG": (dict(scale=0.5, shift=4, epsilon=0.25), lambda x: math.log(x + 0.25)),
    "ABS": (dict(scale=0.5, shift=0.25), abs),
    "THRESHOLD": (dict(scale=0.5, shift=0.25, alpha=0.125), lambda x: max(0.125, x)),
}
"""In the order of the format's enumeration."""


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, check: Check) -> None:
    fields, function = UNARY[name]
    number = Model().neuralNetwork.layers.add().unary.DESCRIPTOR.enum_types_by_name["Operation"].values_by_name[name].number
    wanted = each(lambda x: function(fields["scale"] * x + fields["shift"]), X)
    check(filled("unary", type=number, **fields), [X], [wanted])


def test_unary_scale_and_epsilon_of_nothing_stand_for_1_and_a_millionth(check: Check) -> None:
    zero = np.zeros((2, 3, 4), np.float32)
    check(filled("unary", type=6, scale=0), [X], [np.abs(X)])
    check(filled("unary", type=2), [zero], [zero + 1e6], batch=False)
    check(filled("unary", type=5), [zero], [zero + math.log(1e-6)], batch=False)
    check(filled("unary", type=1), [zero], [zero + 1e3], batch=False)


def test_clamped_relu(check: Check) -> None:
    wanted = each(lambda x: min(0.75, x if x >= 0 else -0.5 * x), X)
    check(filled("clampedReLU", alpha=-0.5, beta=0.75), [X], [wanted])
    check(filled("clampedReLU", alpha=0.5, beta=-0.25), [X], [each(lambda x: min(-0.25, x if x >= 0 else 0.5 * x), X)])


def test_erf(check: Check) -> None:
    check(filled("erf"), [X], [each(math.erf, X)])


@pytest.mark.parametrize(
    ("mode", "function"),
    [
        (0, lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2)))),
        (1, lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
        (2, lambda x: x / (1 + math.exp(-1.702 * x))),
    ],
)
def test_gelu(mode: int, function: Callable[[float], float], check: Check) -> None:
    check(filled("gelu", mode=mode), [X * 2], [each(function, X * 2)])
