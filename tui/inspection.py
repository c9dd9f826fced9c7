"""What `catflap inspect` says of a model, as facts."""

from contextlib import suppress
from math import isfinite
from typing import Any

from engine.backbone import Backbone
from engine.errors import CatflapError, ModelError
from engine.head import Head
from engine.model import Model
from engine.spec.describe import Description, Layer, Network
from engine.spec.file import ModelFile
from engine.spec.interface import ArrayFeature, Feature, ImageFeature
from engine.spec.neighbors import Neighbors
from engine.spec.training import Allowed


def facts(file: ModelFile) -> dict[str, Any]:
    """All of it, as JSON takes it."""
    found: dict[str, Any] = {"model": file.name, **_model(file.description)}
    try:
        model = Model(file)
        cut = model.cut
    except ModelError as refusal:
        return found | {"runs_here": False, "why_not": str(refusal)}
    found |= {"runs_here": True, "why_not": cut.why_not}
    if isinstance(cut.head, Head) and cut.head.layers:
        head = [
            {"name": layer.name, "kind": layer.kind, "shapes": {n: list(w.shape) for n, w in layer.weights.items()}}
            for layer in cut.head.layers
        ]
        found["cut"] = {"features": cut.features, "backbone": [layer.name for layer in cut.backbone], "head": head}
    return found


def _model(said: Description) -> dict[str, Any]:
    """One model; of a pipeline, its parts as well."""
    found: dict[str, Any] = {
        "type": said.kind,
        "version": said.version,
        "updatable": said.updatable,
        "inputs": [_feature(each) for each in said.inputs],
        "outputs": [_feature(each) for each in said.outputs],
        "metadata": {name: value for name, value in said.metadata.items() if value},
    }
    if said.network is not None:
        found |= _network(said, said.network)
    if said.neighbors is not None:
        found["neighbors"] = _neighbors(said.neighbors)
    if said.parts:
        found["parts"] = [{"name": part.name, **_model(part.description)} for part in said.parts]
    return found


def _neighbors(its: Neighbors) -> dict[str, Any]:
    return {
        "samples": len(its.samples),
        "dimensions": its.dimensions,
        "labels": [str(each) for each in dict.fromkeys(its.labels)],
        "neighbors": _allowed(its.neighbors),
        "weighting": its.weighting,
        "index": its.index,
        "default_label": its.default_label,
    }


def _network(said: Description, network: Network) -> dict[str, Any]:
    blobs = [name for layer in network.layers for name in layer.outputs]
    sizes: dict[str, tuple[int, ...]] = {}
    with suppress(CatflapError):
        sizes = Backbone(network, said.inputs, network.layers, tuple(dict.fromkeys(blobs)), batch=False).shapes()
    training = network.training
    return {
        "labels": list(network.labels),
        "layers": [_layer(layer, sizes) for layer in network.layers],
        "training": training
        and {
            "loss": training.loss,
            "optimizer": training.optimizer,
            "shuffle": training.shuffle,
            "seed": training.seed,
            **{name: _allowed(each) for name, each in training.numbers.items()},
        },
    }


def _allowed(number: Allowed) -> dict[str, Any]:
    """Its default, and the `allowed` numbers, or the `range`; neither where anything goes."""
    found: dict[str, Any] = {"default": _number(number.default)}
    if number.values:
        return found | {"allowed": list(number.values)}
    if number.low is None or number.high is None:
        return found
    return found | {"range": [_number(number.low), _number(number.high)]}


def _number(value: float) -> float | str:
    """What is whole in the file stays whole in JSON, which has no word for what is not finite."""
    if not isfinite(value):
        return str(value)
    return int(value) if float(value).is_integer() and abs(value) > 1 else value


def _feature(feature: Feature) -> dict[str, Any]:
    match feature:
        case ImageFeature():
            return {
                "name": feature.name, "type": "image", "width": feature.width, "height": feature.height,
                "color": feature.color, **_flexible(feature),
            }  # fmt: skip
        case ArrayFeature():
            its = {"name": feature.name, "type": "array", "shape": list(feature.shape), "dtype": feature.dtype}
            return its | _flexible(feature)
        case _:
            return {"name": feature.name, "type": feature.kind}


def _flexible(feature: ImageFeature | ArrayFeature) -> dict[str, Any]:
    """Said only where it is so."""
    sizes = {"other_sizes": str(feature.sizes)} if str(feature.sizes) else {}
    return sizes | ({"optional": True} if feature.optional else {})


def _layer(layer: Layer, sizes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.full_kind,
        "updatable": layer.updatable,
        "inputs": list(layer.inputs),
        "outputs": list(layer.outputs),
        "shapes": [list(sizes[name]) if name in sizes else None for name in layer.outputs],
        "parameters": parameters(layer),
    }


def parameters(layer: Layer) -> int:
    """How many numbers the layer stores."""
    sizes = {"float16Value": 2, "int8RawValue": 1, "rawValue": 1}
    total = 0
    for descriptor, value in layer.parameters.ListFields() if layer.parameters is not None else ():
        if descriptor.message_type is not None and descriptor.message_type.name == "WeightParams":
            total += len(value.floatValue) or sum(len(getattr(value, n)) // s for n, s in sizes.items())
    return total
