"""A Keras configuration as a tree: models hold layers, and say what each call of a layer takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.convert.keras.legacy import modern
from engine.convert.keras.plain import mapping, sequence
from engine.errors import UnreadableModel, UnsupportedModel

MODELS = ("Sequential", "Functional", "Model")
CONSTANT = "_CONSTANT_VALUE"
"""Keras 2 writes this where a layer's name would stand, in front of a plain number."""
IDLE = ("training", "mask", "name")
"""Keywords that change nothing at inference."""


@dataclass(frozen=True)
class Tensor:
    """One result of one call of a layer."""

    layer: str
    call: int = 0
    index: int = 0


@dataclass(frozen=True)
class Argument:
    """What a call takes in one place: a tensor or a plain value."""

    value: Any
    keyword: str = ""


@dataclass(frozen=True, eq=False)
class Tree:
    """A layer, or a model with its layers."""

    name: str
    kind: str
    config: Mapping[str, Any]
    calls: tuple[tuple[Argument, ...], ...] = ()
    """What each call takes."""
    children: tuple["Tree", ...] = ()
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


def read_tree(config: Any, version: int) -> Tree:
    """The tree of a whole model.

    Raises UnsupportedModel for a class of the user's own; LookupError, TypeError and ValueError if damaged.
    """
    tree = _read(config, version)
    if tree.kind not in MODELS:
        why = f"The model is of class {tree.kind!r}, whose meaning is in a program, not in the file."
        raise UnsupportedModel(why, "Save a Sequential or a functional model.")
    return tree


def _read(entry: Mapping[str, Any], version: int) -> Tree:
    kind, config = str(entry["class_name"]), entry["config"]
    if version == 1:
        kind, config = modern(kind, config)
    settings = mapping(config) or {}
    name = str(entry.get("name") or settings.get("name") or kind)
    calls = tuple(_call(each) for each in entry.get("inbound_nodes", ()))
    if kind == "Sequential":
        # Keras 1 and 2 wrote the layers bare.
        return _sequential(name, settings, settings.get("layers", config), calls, version)
    if kind not in MODELS or "layers" not in settings:
        return Tree(name, kind, settings, calls)
    children = tuple(_read(each, version) for each in settings["layers"])
    inputs, outputs = _ends(settings["input_layers"]), _ends(settings["output_layers"])
    return Tree(name, "Functional", settings, calls, children, inputs, outputs)


def _sequential(
    name: str, settings: Mapping[str, Any], layers: Any, calls: tuple[tuple[Argument, ...], ...], version: int
) -> Tree:
    """A chain; what it takes is said by an InputLayer, or by its first layer."""
    listed = [_read(each, version) for each in layers]
    if not listed:
        raise UnreadableModel(f"The model {name!r} has no layers.", "Save it again once it has been built.")
    if listed[0].kind != "InputLayer":
        shape = listed[0].config.get("batch_input_shape") or settings.get("build_input_shape") or input_shape(listed[0])
        listed.insert(0, Tree(f"{name}_input", "InputLayer", {"batch_shape": shape}))
    chain = [listed[0]]
    for each in listed[1:]:
        chain.append(replace(each, calls=((Argument(Tensor(chain[-1].name)),),)))
    ends = ((Tensor(chain[0].name),), (Tensor(chain[-1].name),))
    return Tree(name, "Sequential", settings, calls, tuple(chain), *ends)


def input_shape(tree: Tree) -> Any:
    """What the file says of the shape that a layer, or the first one of a model, takes; None where it says nothing."""
    if tree.children:
        first = tree.inputs[0].layer
        return next((input_shape(each) for each in tree.children if each.name == first), None)
    return tree.config.get("batch_shape") or tree.config.get("batch_input_shape")


def _ends(said: Any) -> tuple[Tensor, ...]:
    """One end, or a list of them; Keras 3 writes a single one bare, and several by name as a mapping."""
    named = mapping(said)
    listed = list(named.values()) if named is not None else sequence(said) or []
    return (_tensor(listed),) if listed and isinstance(listed[0], str) else tuple(_tensor(each) for each in listed)


def _tensor(entry: Any) -> Tensor:
    name, call, index = entry[:3]
    return Tensor(str(name), int(call), int(index))


def _call(node: Any) -> tuple[Argument, ...]:
    """The arguments of one call: Keras 3 writes a mapping, Keras 1 and 2 a list of tensors, each with keywords."""
    later = mapping(node)
    if later is not None:
        values, keywords = _flat(later["args"]), mapping(later.get("kwargs")) or {}
    else:
        listed = sequence(node) or []
        entries: list[Any] = [listed] if listed and isinstance(listed[0], str) else listed
        values = [entry[2] if entry[0] == CONSTANT else _tensor(entry) for entry in entries]
        keywords = (mapping(entries[0][3]) or {}) if entries and len(entries[0]) > 3 else {}
    named = (Argument(_keyword(each), key) for key, each in keywords.items() if key not in IDLE and each is not None)
    return (*(Argument(each) for each in values), *named)


def _flat(values: Any) -> list[Any]:
    """Tensors and values of a list, lists inside laid out flat."""
    found: list[Any] = []
    for value in values:
        inside = sequence(value)
        found += [_value(value)] if inside is None else _flat(inside)
    return found


def _value(value: Any) -> Any:
    said = mapping(value)
    if said is not None and said.get("class_name") == "__keras_tensor__":
        return _tensor(said["config"]["keras_history"])
    return value


def _keyword(value: Any) -> Any:
    listed = sequence(value)
    if listed is not None and len(listed) in (3, 4) and isinstance(listed[0], str):
        return listed[2] if listed[0] == CONSTANT else _tensor(listed)
    return _value(value)
