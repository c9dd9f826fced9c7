"""From a tree to one flat list: every call of every layer, in an order in which they can be computed."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.convert.keras.model import Input, KerasLayer, Weights
from engine.convert.keras.plain import Names
from engine.convert.keras.tree import Argument, Tensor, Tree, input_shape
from engine.convert.keras.weights import Path
from engine.errors import UnreadableModel, UnsupportedModel

MOST = 10_000
"""Calls: nested models that call each other twice over and over would grow without end."""
OPERANDS = ("x", "y", "x1", "x2", "a", "b", "features", "inputs")


def lay_out(tree: Tree, weights: Mapping[Path, Weights]) -> tuple[KerasLayer, ...]:
    """All calls that the output depends on, the input first.

    Raises UnsupportedModel unless there is one input and one output, UnreadableModel where calls take what is not there.
    """
    for what, ends in (("inputs", tree.inputs), ("outputs", tree.outputs)):
        if len(ends) != 1:
            raise UnsupportedModel(f"The model has {len(ends)} {what}.", "A classifier of images takes one and gives one.")
    layout = _Layout(weights)
    source = layout.add("InputLayer", tree.inputs[0].layer, {"batch_shape": input_shape(tree)}, (), ())
    (output,) = layout.model(tree, (), [source])
    return _needed(layout.layers, source, output)


def _needed(layers: Sequence[KerasLayer], source: str, output: str) -> tuple[KerasLayer, ...]:
    wanted = {source, output}
    kept: list[KerasLayer] = []
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
            kept.append(layer)
    return tuple(reversed(kept))


class _Layout:
    """The calls so far."""

    def __init__(self, weights: Mapping[Path, Weights]) -> None:
        self.weights = weights
        self.layers: list[KerasLayer] = []
        self.names = Names()

    def add(self, kind: str, name: str, config: Mapping[str, Any], arguments: Sequence[Argument], path: Path) -> str:
        """Write one call down; gives back its unique name. The tensors name calls that are written down already."""
        if len(self.layers) >= MOST:
            raise UnsupportedModel(f"The model calls layers more than {MOST} times.")
        unique = self.names.unique(name)
        inputs: list[str] = []
        values: list[Any] = []
        keywords: dict[str, Any] = {}
        for each in arguments:
            if isinstance(each.value, Tensor):
                values.append(Input(len(inputs)))
                inputs.append(each.value.layer)
            elif each.keyword in ("", *OPERANDS):
                values.append(each.value)
            else:
                keywords[each.keyword] = each.value
        weights = self.weights.get(path, {})
        self.layers.append(KerasLayer(unique, kind, config, tuple(inputs), weights, tuple(values), keywords))
        return unique

    def model(self, tree: Tree, path: Path, given: Sequence[str]) -> list[str]:
        """Write down the calls of a model's layers; gives back the names of those that are its outputs."""
        if len(tree.inputs) != len(given):
            raise UnreadableModel(f"The model {tree.name!r} takes {len(tree.inputs)} inputs, but is given {len(given)}.")
        known: dict[tuple[str, int], list[str]] = {}
        for end, name in zip(tree.inputs, given, strict=True):
            known[end.layer, 0] = [name]
        first = _first_calls(tree)
        waiting = [(each, index) for each in tree.children for index in range(len(each.calls))]
        while waiting:
            later = [(each, index) for each, index in waiting if not self._try(each, index, path, known, first)]
            if len(later) == len(waiting):
                raise UnreadableModel(f"Layer {later[0][0].name!r} takes what no layer gives.", "The file is damaged.")
            waiting = later
        return [_result(end, known, first) for end in tree.outputs]

    def _try(
        self, tree: Tree, index: int, path: Path, known: dict[tuple[str, int], list[str]], first: dict[str, int]
    ) -> bool:
        """Write down one call if all that it takes is there."""
        arguments: list[Argument] = []
        for each in tree.calls[index]:
            value = each.value
            if isinstance(value, Tensor):
                if (value.layer, value.call - first.get(value.layer, 0)) not in known:
                    return False
                value = Tensor(_result(value, known, first))
            arguments.append(Argument(value, each.keyword))
        here = (*path, tree.name)
        if tree.children:
            given = [each.value.layer for each in arguments if isinstance(each.value, Tensor)]
            known[tree.name, index] = self.model(tree, here, given)
        else:
            known[tree.name, index] = [self.add(tree.kind, "/".join(here), tree.config, arguments, here)]
        return True


def _result(tensor: Tensor, known: Mapping[tuple[str, int], list[str]], first: Mapping[str, int]) -> str:
    return known[tensor.layer, tensor.call - first.get(tensor.layer, 0)][tensor.index]


def _first_calls(tree: Tree) -> dict[str, int]:
    """How many calls of a nested model are not in the file: Keras counts the one that made it as well."""
    highest: dict[str, int] = {}
    taken = [each.value for child in tree.children for call in child.calls for each in call]
    for each in (*taken, *tree.outputs):
        if isinstance(each, Tensor):
            highest[each.layer] = max(each.call, highest.get(each.layer, 0))
    return {each.name: max(0, highest.get(each.name, 0) - max(1, len(each.calls)) + 1) for each in tree.children}
