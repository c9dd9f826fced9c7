"""Layers that give each number, or each pair of numbers, another one: rounding, trigonometry, comparisons, logic."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.translate.elementwise import tensors_of
from engine.translate.graph import Blob, Graph

Rule = Callable[[Layer, Graph], None]


def _one(kind: str) -> Rule:
    """A function of ONNX, number by number."""

    def rule(layer: Layer, graph: Graph) -> None:
        blob = graph.take(layer)
        graph.give(layer, graph.blob(graph.node(kind, blob.tensor), blob))

    return rule


ceil, floor, sign, round_half_even = _one("Ceil"), _one("Floor"), _one("Sign"), _one("Round")
sin, cos, tan, asin, acos, atan = _one("Sin"), _one("Cos"), _one("Tan"), _one("Asin"), _one("Acos"), _one("Atan")
sinh, cosh, tanh = _one("Sinh"), _one("Cosh"), _one("Tanh")
asinh, acosh, atanh = _one("Asinh"), _one("Acosh"), _one("Atanh")


def exp2(layer: Layer, graph: Graph) -> None:
    """2 to the power of each number."""
    blob = graph.take(layer)
    power = graph.node("Mul", blob.tensor, graph.constant(np.float32(np.log(2))))
    graph.give(layer, graph.blob(graph.node("Exp", power), blob))


def _as_number(graph: Graph, tensor: str) -> str:
    return graph.node("Cast", tensor, to=TensorProto.FLOAT)


def _as_truth(graph: Graph, tensor: str) -> str:
    return graph.node("Cast", tensor, to=TensorProto.BOOL)


def _compared(kind: str, negated: bool = False) -> Rule:
    """Two blobs, or one and the number alpha, to 1 where it holds and 0 where not."""

    def rule(layer: Layer, graph: Graph) -> None:
        tensors, like = tensors_of(layer, graph)
        if len(tensors) == 1:
            tensors.append(graph.constant(np.float32(layer.parameters.alpha)))
        found = graph.node(kind, *tensors)
        found = graph.node("Not", found) if negated else found
        graph.give(layer, graph.blob(_as_number(graph, found), like))

    return rule


equal, not_equal = _compared("Equal"), _compared("Equal", negated=True)
less_than, less_equal = _compared("Less"), _compared("LessOrEqual")
greater_than, greater_equal = _compared("Greater"), _compared("GreaterOrEqual")


def _logical(kind: str) -> Rule:
    """Whatever is not 0 is true; the result is 1 or 0."""

    def rule(layer: Layer, graph: Graph) -> None:
        tensors, like = tensors_of(layer, graph)
        found = graph.node(kind, *(_as_truth(graph, each) for each in tensors))
        graph.give(layer, graph.blob(_as_number(graph, found), like))

    return rule


logical_and, logical_or, logical_xor, logical_not = _logical("And"), _logical("Or"), _logical("Xor"), _logical("Not")


def _divided(layer: Layer, graph: Graph) -> tuple[list[str], str, Blob | None]:
    """Both blobs as tensors, their quotient rounded down, and the blob that the result is like."""
    tensors, like = tensors_of(layer, graph)
    if len(tensors) != 2:
        raise UnsupportedModel(f"Layer {layer.name!r} divides {len(tensors)} blobs, where the format has two.")
    return tensors, graph.node("Floor", graph.node("Div", *tensors)), like


def floor_div_broadcastable(layer: Layer, graph: Graph) -> None:
    """The quotient, rounded down."""
    _, quotient, like = _divided(layer, graph)
    graph.give(layer, graph.blob(quotient, like))


def mod_broadcastable(layer: Layer, graph: Graph) -> None:
    """What remains of that division, with the divisor's sign, as in NumPy."""
    (left, right), quotient, like = _divided(layer, graph)
    graph.give(layer, graph.blob(graph.node("Sub", left, graph.node("Mul", quotient, right)), like))


def where_broadcastable(layer: Layer, graph: Graph) -> None:
    """The second blob where the first is not 0, else the third."""
    tensors, like = tensors_of(layer, graph)
    condition, *both = tensors
    graph.give(layer, graph.blob(graph.node("Where", _as_truth(graph, condition), *both), like))
