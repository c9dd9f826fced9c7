"""The weights of each layer, from the three ways in which Keras has kept them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.convert.keras.hdf5 import child, has, numbers, texts
from engine.convert.keras.model import Weights
from engine.convert.keras.tree import Tree
from engine.errors import UnreadableModel

Path = tuple[str, ...]
STATE = ("moving_mean", "moving_variance", "mean", "variance")
"""Weights that are not trained; files list them after all others."""
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")


def _kernel(*names: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda config: [*names, *(["bias"] if config.get("use_bias", True) else [])]


def _batchnorm(config: Mapping[str, Any]) -> list[str]:
    learnt = [name for name, used in (("gamma", "scale"), ("beta", "center")) if config.get(used, True)]
    return [*learnt, "moving_mean", "moving_variance"]


def _normalization(config: Mapping[str, Any]) -> list[str]:
    return [] if config.get("mean") is not None else ["mean", "variance"]


NAMES: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Conv2D": _kernel("kernel"),
    "Conv2DTranspose": _kernel("kernel"),
    "Dense": _kernel("kernel"),
    "DepthwiseConv2D": _kernel("depthwise_kernel"),
    "SeparableConv2D": _kernel("depthwise_kernel", "pointwise_kernel"),
    "BatchNormalization": _batchnorm,
    "PReLU": lambda config: ["alpha"],
    "Normalization": _normalization,
}
"""Class -> its weights, in the order in which every Keras keeps them."""


def names_of(tree: Tree) -> list[str]:
    """The weights that a layer has; none for a class that has none, or is not known."""
    return NAMES[tree.kind](tree.config) if tree.kind in NAMES else []


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """All layers of a model, those of nested models too, each with the names that lead to it."""
    if not tree.children:
        yield path, tree
    for each in tree.children:
        yield from leaves(each, (*path, each.name))


def from_groups(model: Tree, root: Any) -> dict[Path, Weights]:
    """Weights of an .h5 file: a group for each layer of the outermost model, with an attribute that gives their order."""
    found: dict[Path, Weights] = {}
    for top in model.children:
        group = child(root, top.name) if has(root, top.name) else None
        names = [name for name in texts(group, "weight_names") if _is_weight(name)] if group is not None else []
        slots = _slots(top)
        if not any(names_of(leaf) for _, leaf in leaves(top)):
            continue
        if len(names) != len(slots):
            raise _wrong_count(top.name, len(names), len(slots))
        for (path, name), stored in zip(slots, names, strict=True):
            found.setdefault(path, {})
            found[path] = {**found[path], name: numbers(child(group, stored))}
    return found


def _is_weight(name: str) -> bool:
    """Generators of random numbers and counters keep their state among the weights."""
    return re.fullmatch(r"(.*seed_generator_state|count)(_\d+)?(:\d+)?", name.rsplit("/", 1)[-1]) is None


def _slots(top: Tree) -> list[tuple[Path, str]]:
    """The weights of a layer, or of a nested model's layers: first those that are trained, then the others."""
    trained: list[tuple[Path, str]] = []
    others: list[tuple[Path, str]] = []
    for path, leaf, learns in _with_trainable(top, (top.name,), True):
        for name in names_of(leaf):
            (trained if learns and name not in STATE else others).append((path, name))
    return [*trained, *others]


def _with_trainable(tree: Tree, path: Path, learns: bool) -> Iterator[tuple[Path, Tree, bool]]:
    learns = learns and bool(tree.config.get("trainable", True))
    if not tree.children:
        yield path, tree, learns
    for each in tree.children:
        yield from _with_trainable(each, (*path, each.name), learns)


def from_archive(model: Tree, root: Any, path: Path = ()) -> dict[Path, Weights]:
    """Weights of a .keras archive: groups called by class, counted, with their arrays numbered."""
    holder = next((child(root, name) for name in CONTAINERS if has(root, name)), None)
    counts: dict[str, int] = {}
    found: dict[Path, Weights] = {}
    for each in model.children:
        plain = _snake(each.kind)
        counts[plain] = counts.get(plain, -1) + 1
        group = f"{plain}_{counts[plain]}" if counts[plain] else plain
        here = (*path, each.name)
        if each.children:
            found |= from_archive(each, child(holder, group), here)
        elif names_of(each):
            found[here] = _numbered(each, child(holder, group, "vars"))
    return found


def _numbered(leaf: Tree, group: Any) -> Weights:
    names = names_of(leaf)
    missing = [index for index in range(len(names)) if not has(group, str(index))]
    if missing:
        raise _wrong_count(leaf.name, len(group), len(names))
    return {name: numbers(child(group, str(index))) for index, name in enumerate(names)}


def _snake(name: str) -> str:
    """A class's name as Keras 3 writes it: `PReLU` is `p_re_lu`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _wrong_count(layer: str, given: int, wanted: int) -> UnreadableModel:
    return UnreadableModel(f"Layer {layer!r} holds {given} weights in the file, where it has {wanted}.")


def float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Weights as they are computed with."""
    return np.asarray(values, np.float32)
