"""Branches, loops, and stretches of layers with NumPy's between them, against Python's own control flow and NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import engine
import engine.interpreter
from engine.errors import ModelError, UnsupportedLayer, UnsupportedModel
from engine.interpreter import KEPT
from engine.spec.schema import Model
from tests.engine.conftest import layer


def model_of(inputs: Mapping[str, tuple[int, ...]], *outputs: str) -> tuple[Any, Any]:
    """A model that takes arrays as they are, and its network."""
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = 1
    for name, shape in inputs.items():
        model.description.input.add(name=name).type.multiArrayType.shape.extend(shape)
    for name in outputs:
        model.description.output.add(name=name).type.multiArrayType.dataType = 65568
    return model, model.neuralNetwork


def step(network: Any, name: str, by: float) -> None:
    """`name += by`: only a copy may write a blob that is there."""
    layer(network, "add", f"{name} -> {name}+", alpha=by)
    layer(network, "copy", f"{name}+ -> {name}")


def answer(model: Any, **data: Any) -> dict[str, Any]:
    return engine.open_model(model).predict({name: np.float32(value) for name, value in data.items()})


X = np.float32([[3, -1, 4], [1, -5, 9]])


def branching() -> Any:
    """Twice x; else, by another flag, x + 5, or x - 7; then its amount."""
    model, network = model_of({"x": (2, 3), "flag": (1,), "other": (1,)}, "z")
    outer = layer(network, "branch", "flag ->")
    layer(outer.ifBranch, "multiply", "x -> y", alpha=2)
    inner = layer(outer.elseBranch, "branch", "other ->")
    layer(inner.ifBranch, "add", "x -> y", alpha=5)
    layer(inner.elseBranch, "add", "x -> y", alpha=-7)
    layer(network, "unary", "y -> z", type=6)
    return model


@pytest.mark.parametrize("flag", [0, 1, -0.5, 2e-6, -5e-7])
@pytest.mark.parametrize("other", [0, 1])
def test_one_of_two_networks(flag: float, other: float) -> None:
    """The format's own comment says that a number is true that is larger than a millionth in size."""
    wanted = 2 * X if abs(flag) > 1e-6 else X + 5 if other else X - 7
    np.testing.assert_array_equal(answer(branching(), x=X, flag=[flag], other=[other])["z"], abs(wanted))


def test_one_model_goes_either_way() -> None:
    model = engine.open_model(branching())
    for flag in (1, 0, 1):
        found = model.predict({"x": X, "flag": np.float32([flag]), "other": np.float32([1])})["z"]
        np.testing.assert_array_equal(found, abs(2 * X if flag else X + 5))


def test_what_the_other_network_would_have_written_is_not_there() -> None:
    model, network = model_of({"x": (2, 3), "flag": (1,)}, "y")
    layer(layer(network, "branch", "flag ->").ifBranch, "multiply", "x -> y", alpha=2)
    with pytest.raises(UnsupportedModel, match="'y'"):
        answer(model, x=X, flag=[0])


@pytest.mark.parametrize("flag", [0, 1])
def test_what_is_known_before_is_known_in_either_network(flag: int) -> None:
    model, network = model_of({"x": (2, 3), "flag": (1,)}, "y")
    layer(network, "multiply", "x -> double", alpha=2)
    layer(network, "multiply", "x -> triple", alpha=3)
    branch = layer(network, "branch", "flag ->")
    layer(branch.ifBranch, "add", "double -> y", alpha=1)
    layer(branch.elseBranch, "add", "triple -> y", alpha=1)
    np.testing.assert_array_equal(answer(model, x=X, flag=[flag])["y"], (2 if flag else 3) * X + 1)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_loop_so_many_times(count: int) -> None:
    model, network = model_of({"x": (2, 3)}, "x+", "y")
    step(network, "x", 0)
    step(layer(network, "loop", "->", maxLoopIterations=count).bodyNetwork, "x", 3)
    layer(network, "multiply", "x -> y", alpha=10)
    found = answer(model, x=X)
    np.testing.assert_array_equal(found["x+"], X + 3 * count)
    np.testing.assert_array_equal(found["y"], 10 * (X + 3 * count))


def test_what_only_the_body_reads_is_carried_to_the_next_turn() -> None:
    model, network = model_of({"x": (2, 3)}, "y")
    body = layer(network, "loop", "->", maxLoopIterations=4).bodyNetwork
    step(body, "x", 3)
    layer(body, "multiply", "x -> y", alpha=10)
    np.testing.assert_array_equal(answer(model, x=X)["y"], 10 * (X + 12))


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_loop_as_often_as_an_input_says(count: int) -> None:
    model, network = model_of({"x": (2, 3), "n": (1,)}, "y")
    step(layer(network, "loop", "n ->", maxLoopIterations=9).bodyNetwork, "x", 3)
    layer(network, "copy", "x -> y")
    np.testing.assert_array_equal(answer(model, x=X, n=[count])["y"], X + 3 * count)


def counting(most: int, by_input: bool = False) -> Any:
    """The condition counts how often it is asked, and holds while x is below 10."""
    model, network = model_of({"x": (1,), "asked": (1,), **({"n": (1,)} if by_input else {})}, "y", "times")
    loop = layer(network, "loop", "n ->" if by_input else "->", maxLoopIterations=most, conditionVar="go")
    step(loop.conditionNetwork, "asked", 1)
    layer(loop.conditionNetwork, "lessThan", "x -> go", alpha=10)
    step(loop.bodyNetwork, "x", 3)
    layer(network, "copy", "x -> y")
    layer(network, "copy", "asked -> times")
    return model


def counted(x: float, most: float) -> tuple[float, int]:
    """The format's own pseudo-code."""
    turn, go, asked = 0, x < 10, 1
    while go and turn < most:
        x, turn, asked = x + 3, turn + 1, asked + 1
        go = x < 10
    return x, asked


@pytest.mark.parametrize("x", [-4, 5, 10])
@pytest.mark.parametrize("most", [0, 1, 2, 99])
def test_a_loop_while_a_network_says_so(x: float, most: int) -> None:
    found = answer(counting(most), x=[x], asked=[0])
    assert (found["y"][0], found["times"][0]) == counted(x, most or np.inf)


@pytest.mark.parametrize("most", [0, 1, 99])
def test_a_loop_while_a_network_says_so_and_no_more_often_than_an_input(most: int) -> None:
    found = answer(counting(7, by_input=True), x=[4], asked=[0], n=[most])
    assert (found["y"][0], found["times"][0]) == counted(4, most)


@pytest.mark.parametrize("most", [0, 2])
def test_a_loop_while_a_blob_says_so(most: int) -> None:
    model, network = model_of({"x": (1,), "go": (1,)}, "y")
    body = layer(network, "loop", "->", maxLoopIterations=most, conditionVar="go").bodyNetwork
    step(body, "x", 3)
    layer(body, "lessThan", "x -> below", alpha=10)
    layer(body, "copy", "below -> go")
    layer(network, "copy", "x -> y")
    assert answer(model, x=[1], go=[1])["y"] == [7 if most else 10]
    assert answer(model, x=[1], go=[0])["y"] == [1]


def jumping(kind: str) -> Any:
    """3 x 4 turns, of which the inner ones from x = 3 on meet `kind` before they add 100."""
    model, network = model_of({"x": (1,), "y": (1,)}, "z", "w")
    outer = layer(network, "loop", "->", maxLoopIterations=3).bodyNetwork
    inner = layer(outer, "loop", "->", maxLoopIterations=4).bodyNetwork
    step(inner, "x", 1)
    layer(inner, "greaterEqual", "x -> late", alpha=3)
    layer(layer(inner, "branch", "late ->").ifBranch, kind, "->")
    step(inner, "y", 100)
    step(outer, "y", 1)
    layer(network, "copy", "x -> z")
    layer(network, "copy", "y -> w")
    return model


def test_out_of_the_inner_loop_alone() -> None:
    found = answer(jumping("loopBreak"), x=[0], y=[0])
    assert (found["z"][0], found["w"][0]) == (5, 203)


def test_on_to_the_next_turn() -> None:
    found = answer(jumping("loopContinue"), x=[0], y=[0])
    assert (found["z"][0], found["w"][0]) == (12, 203)


@pytest.mark.parametrize("kind", ["loopBreak", "loopContinue"])
def test_a_jump_outside_of_a_loop_is_refused(kind: str) -> None:
    model, network = model_of({"x": (1,)}, "x")
    layer(layer(network, "branch", "x ->").ifBranch, kind, "->")
    with pytest.raises(UnsupportedModel, match=f"Layer '{kind} ->' leaves a loop, but stands in none"):
        answer(model, x=[1])


@pytest.mark.parametrize(("kind", "names"), [("branch", "->"), ("branch", "lost ->"), ("loop", "lost ->")])
def test_a_decision_about_nothing_is_refused(kind: str, names: str) -> None:
    model, network = model_of({"x": (1,)}, "x")
    layer(network, kind, names)
    with pytest.raises(ModelError, match=f"'{kind} {names}' reads '(lost)?', which no layer"):
        answer(model, x=[1])


@pytest.mark.parametrize("kind", ["branch", "loop"])
def test_a_decision_about_an_empty_blob_is_refused(kind: str) -> None:
    model, network = model_of({"x": (1,)}, "x")
    layer(network, "whereNonZero", "x -> places")
    layer(network, kind, "places ->")
    with pytest.raises(UnsupportedModel, match=f"'{kind} places ->' of kind '{kind}' does not fit"):
        answer(model, x=[0])


def test_no_number_of_turns_is_none() -> None:
    model, network = model_of({"x": (1,), "n": (1,)}, "x")
    step(layer(network, "loop", "n ->").bodyNetwork, "x", 1)
    np.testing.assert_array_equal(answer(model, x=[5], n=[np.nan])["x"], [5])


def test_a_body_may_see_other_sizes_each_turn() -> None:
    model, network = model_of({"x": (2,)}, "y")
    body = layer(network, "loop", "->", maxLoopIterations=3).bodyNetwork
    layer(body, "concatND", "x x -> both", axis=0)
    layer(body, "add", "both -> more", alpha=1)
    layer(body, "copy", "more -> x")
    layer(network, "cumSum", "x -> y")
    np.testing.assert_array_equal(answer(model, x=[4, 7])["y"], np.cumsum(np.tile([7, 10], 8)))


@pytest.mark.parametrize("where", ["ifBranch", "elseBranch", "conditionNetwork", "bodyNetwork"])
def test_a_custom_layer_is_refused_by_its_class_wherever_it_is(where: str) -> None:
    model, network = model_of({"x": (1,)}, "x")
    inner = layer(network, "branch" if "Branch" in where else "loop", "x ->")
    layer(getattr(inner, where), "custom", "x -> y", className="Swish")
    with pytest.raises(UnsupportedLayer, match=r"'custom \(Swish\)'.* not in the model"):
        answer(model, x=[0])


def alternating(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """ONNX's layers and NumPy's in turn; the last one reads from all of them."""
    model, network = model_of({"x": shape}, "sorted", "end")
    layer(network, "multiply", "x -> double", alpha=2)
    layer(network, "cumSum", "double -> sums", axis=1)
    layer(network, "tanh", "sums -> bent")
    layer(network, "addBroadcastable", "bent x -> moved")
    layer(network, "argSort", "moved -> sorted", axis=-1)
    layer(network, "addBroadcastable", "sorted double -> half")
    layer(network, "subtractBroadcastable", "half sums -> end")
    return model, network


def alternated(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sums = np.cumsum(2 * x, axis=1)
    order = np.argsort(np.tanh(sums) + x, axis=-1)
    return order, order + 2 * x - sums


def test_stretches_with_other_layers_between_them() -> None:
    model, _ = alternating((2, 3))
    found = answer(model, x=X / 8)
    for got, wanted in zip((found["sorted"], found["end"]), alternated(X / 8), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_single_number_has_an_axis_for_the_next_layer() -> None:
    model, network = model_of({"x": (2, 3), "at": (2,)}, "sizes")
    layer(network, "gatherND", "x at -> number")
    layer(network, "getShape", "number -> sizes")
    np.testing.assert_array_equal(answer(model, x=X, at=[1, 2])["sizes"], [1])


def test_so_many_sizes_stay_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    plain: Callable[..., Any] = engine.interpreter.Session

    def noted(translation: Any) -> Any:
        built.append(1)
        return plain(translation)

    monkeypatch.setattr(engine.interpreter, "Session", noted)
    model, network = model_of({"x": (2, 3)}, "y")
    sizes = model.description.input[0].type.multiArrayType.shapeRange.sizeRanges
    for _ in range(2):
        sizes.add(lowerBound=1, upperBound=-1)
    layer(network, "multiply", "x -> y", alpha=2)
    opened = engine.open_model(model)

    def builds(*widths: int) -> int:
        before = len(built)
        for width in widths:
            x = np.arange(2 * width).reshape(2, width)
            np.testing.assert_array_equal(opened.predict({"x": x})["y"], 2 * x)
        return len(built) - before

    assert builds(*range(1, KEPT + 1)) == KEPT
    assert builds(*range(1, KEPT + 1)) == 0
    assert builds(KEPT + 1, *range(2, KEPT + 1)) == 1
    assert builds(1, *range(2, KEPT + 1)) == 1
    assert builds(KEPT + 1) == 1
