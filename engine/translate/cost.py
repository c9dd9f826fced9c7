"""What a graph takes for one image: numbers held at once, and multiplications; refused where that is beyond measure.

A run of ONNX Runtime cannot be stopped, so it is asked beforehand how long it will take.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from engine.errors import UnsupportedModel
from engine.room import TOGETHER, WORK

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Of all values by name, without the free size."""


def _by_filters(given: Sequence[Shape], made: int, kernel: int) -> int:
    return made * prod(given[1][1:])


def _back_by_filters(given: Sequence[Shape], made: int, kernel: int) -> int:
    return prod(given[0]) * prod(given[1][1:])


def _by_rows(given: Sequence[Shape], made: int, kernel: int) -> int:
    return made * given[0][-1]


def _by_windows(given: Sequence[Shape], made: int, kernel: int) -> int:
    return made * kernel


WORKS: Mapping[str, Callable[[Sequence[Shape], int, int], int]] = {
    "Conv": _by_filters,
    "ConvTranspose": _back_by_filters,
    "MatMul": _by_rows,
    "Gemm": _by_rows,
    "MaxPool": _by_windows,
    "AveragePool": _by_windows,
}
"""ONNX kind -> multiplications, from the inputs' sizes, the numbers made, and those in a window; others take those made."""


def work(nodes: Sequence[Any], shapes: Shapes, layers: Sequence[str]) -> int:
    """Multiplications of all nodes. Raises UnsupportedModel, with the layer, for more than `WORK`."""
    total = 0
    for node, layer in zip(nodes, layers, strict=True):
        made = sum(prod(shapes[name]) for name in node.output)
        kernel = prod(prod(each.ints) for each in node.attribute if each.name == "kernel_shape")
        find = WORKS.get(node.op_type)
        total += find([shapes[name] for name in node.input if name], made, kernel) if find else made
        if total > WORK:
            why = f"Up to layer {layer!r}, one image would take {total:,} multiplications."
            raise UnsupportedModel(why, f"{WORK:,} are the most.")
    return total


def held(
    nodes: Sequence[Any], shapes: Shapes, layers: Sequence[str], entries: Sequence[str], outputs: Sequence[str]
) -> int:
    """The most numbers that are held at once, where each value goes after its last reading.

    Raises UnsupportedModel, with the layer, for more than `TOGETHER`.
    """
    last = {name: at for at, node in enumerate(nodes) for name in node.input}
    last |= dict.fromkeys(outputs, len(nodes))
    sizes = {name: prod(shapes[name]) for name in entries}
    most = 0
    for at, (node, layer) in enumerate(zip(nodes, layers, strict=True)):
        sizes |= {name: prod(shapes[name]) for name in node.output}
        most = max(most, sum(sizes.values()))
        if most > TOGETHER:
            why = f"Up to layer {layer!r}, {most:,} numbers would be held at once for one image."
            raise UnsupportedModel(why, f"{TOGETHER:,} are the most.")
        for name in (*node.input, *node.output):
            if last.get(name, -1) <= at:
                sizes.pop(name, None)
    return most
