"""Layers that take many numbers to one: sums, means, extremes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.translate.graph import Graph

AXES = ((-3, -2, -1), (-2, -1), (-3,), (-2,), (-1,))
"""In the order of the format's enumeration: CHW, HW, C, H, W."""
SMALL = 1e-6


def _plain(kind: str) -> Callable[[Graph, str, tuple[int, ...], Any], str]:
    return lambda graph, x, axes, its: graph.node(kind, x, graph.integers(*axes))


def _log_sum(graph: Graph, x: str, axes: tuple[int, ...], its: Any) -> str:
    """The sum of `log(x + epsilon)`."""
    inside = graph.node("Add", x, graph.constant(np.float32(its.epsilon or SMALL)))
    return graph.node("ReduceSum", graph.node("Log", inside), graph.integers(*axes))


def _arg_max(graph: Graph, x: str, axes: tuple[int, ...], its: Any) -> str:
    if len(axes) != 1:
        raise UnsupportedModel("A layer seeks the place of the maximum over several axes; the format allows one.")
    found = graph.node("ArgMax", x, axis=axes[0], keepdims=1)
    return graph.node("Cast", found, to=TensorProto.FLOAT)


MODES = (
    _plain("ReduceSum"), _plain("ReduceMean"), _plain("ReduceProd"), _log_sum, _plain("ReduceSumSquare"),
    _plain("ReduceL1"), _plain("ReduceL2"), _plain("ReduceMax"), _plain("ReduceMin"), _arg_max,
)  # fmt: skip
"""In the order of the format's enumeration."""


def reduce(layer: Layer, graph: Graph) -> None:
    """Over channel, height, width, or some of them; the axes stay, with size 1."""
    its = layer.parameters
    axes = AXES[int(its.axis)]
    blob = graph.take(layer, axes=-min(axes))
    graph.give(layer, graph.blob(MODES[int(its.mode)](graph, blob.tensor, axes, its), blob))


def _over_axes(kind: str) -> Callable[[Layer, Graph], None]:
    """Over any axes, or all; a result without axes keeps one."""

    def rule(layer: Layer, graph: Graph) -> None:
        its = layer.parameters
        blob = graph.take(layer)
        tensor = graph.unfolded(blob)
        rank = len(graph.shape(tensor))
        axes = list(range(rank)) if its.reduceAll or not its.axes else [int(each) for each in its.axes]
        result = graph.node(kind, tensor, graph.integers(*axes), keepdims=int(its.keepDims))
        if not its.keepDims and len(axes) == rank:
            result = graph.reshape(result, (1,))
        graph.give(layer, graph.like(blob, result) if its.keepDims else graph.blob(result))

    return rule


def _arg(kind: str) -> Callable[[Layer, Graph], None]:
    """Where the extreme lies along an axis; a result without axes keeps one."""

    def rule(layer: Layer, graph: Graph) -> None:
        its = layer.parameters
        blob = graph.take(layer)
        tensor = graph.unfolded(blob)
        removed = its.removeDim and len(graph.shape(tensor)) > 1
        found = graph.node(kind, tensor, axis=int(its.axis), keepdims=int(not removed))
        result = graph.node("Cast", found, to=TensorProto.FLOAT)
        graph.give(layer, graph.blob(result) if removed else graph.like(blob, result))

    return rule


arg_max = _arg("ArgMax")
arg_min = _arg("ArgMin")
reduce_mean = _over_axes("ReduceMean")
reduce_sum = _over_axes("ReduceSum")
reduce_max = _over_axes("ReduceMax")
reduce_min = _over_axes("ReduceMin")
reduce_prod = _over_axes("ReduceProd")
reduce_l1 = _over_axes("ReduceL1")
reduce_l2 = _over_axes("ReduceL2")
reduce_sum_square = _over_axes("ReduceSumSquare")
reduce_log_sum = _over_axes("ReduceLogSum")
reduce_log_sum_exp = _over_axes("ReduceLogSumExp")
