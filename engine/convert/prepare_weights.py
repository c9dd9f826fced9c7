"""Weights as training needs them: float32, and named layers."""

from typing import Any

import numpy as np

from engine.spec.describe import layers_of
from engine.spec.validate.weights import SHAPES, all_weights
from engine.spec.weights import array


def to_float32(network: Any) -> tuple[str, ...]:
    """Store all weights of a network message as float32, in place; says how many layers that changed.

    Quantised weights of kinds whose shape is not known here stay as they are: they are frozen, and may be quantised.
    """
    halves = quantised = 0
    for message, layer in zip(network.layers, layers_of(network), strict=True):
        halves += _widen(message)
        find = SHAPES.get(layer.kind)
        shapes = find(layer) if find else {}
        packed = [name for name in shapes if _is_packed(getattr(layer.parameters, name))]
        for name in packed:
            stored = getattr(layer.parameters, name)
            _replace(stored, array(stored, shapes[name], f"Layer {layer.name!r}"))
        if packed and hasattr(layer.parameters, "int8DynamicQuantize"):
            layer.parameters.int8DynamicQuantize = False
        quantised += bool(packed)
    said = ((halves, "float16"), (quantised, "quantised"))
    return tuple(f"The weights of {_layers(count)} are float32 now; they were {kind}." for count, kind in said if count)


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _widen(message: Any) -> bool:
    """Whether any weights of a layer, however deep, were float16."""
    found = [weights for weights in all_weights(message) if weights.float16Value]
    for weights in found:
        _replace(weights, np.frombuffer(weights.float16Value, "<f2"))
    return bool(found)


def _is_packed(weights: Any) -> bool:
    return bool(weights.rawValue or weights.int8RawValue)


def _replace(weights: Any, values: Any) -> None:
    flat = np.asarray(values, np.float32).ravel().tolist()
    weights.Clear()
    weights.floatValue.extend(flat)


def name_apart(network: Any) -> tuple[str, ...]:
    """Give layers without a name, or with one that an earlier layer has, a name of their own, in place."""
    taken = {layer.name for layer in network.layers}
    seen: set[str] = {""}
    renamed = 0
    for number, layer in enumerate(network.layers):
        if layer.name in seen:
            name = f"{layer.name or 'layer'}_{number}"
            while name in taken:
                name += "_"
            layer.name = name
            taken.add(name)
            renamed += 1
        seen.add(layer.name)
    return (f"{_layers(renamed)} had no name, or that of another one; now each has its own.",) if renamed else ()
