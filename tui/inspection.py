"""What `catflap inspect` says of a model: facts, and the same as words."""

from typing import Any

from engine.spec.describe import ArrayFeature, Description, Feature, ImageFeature, Layer
from engine.spec.file import ModelFile
from engine.spec.split import split
from tui.text import count, safe


def facts(file: ModelFile) -> dict[str, Any]:
    """All of it, as JSON takes it."""
    said = file.description
    found: dict[str, Any] = {
        "model": file.name,
        "type": said.kind,
        "version": said.version,
        "updatable": said.updatable,
        "inputs": [_feature(each) for each in said.inputs],
        "outputs": [_feature(each) for each in said.outputs],
        "metadata": {name: value for name, value in said.metadata.items() if value},
    }
    return found | (_network(said) if said.network is not None else {"why_not": f"A {said.kind} is not trained here."})


def _network(said: Description) -> dict[str, Any]:
    network = said.network
    assert network is not None
    cut = split(network, said.updatable, tuple(each.name for each in said.outputs))
    shapes = {layer.name: {n: list(w.shape) for n, w in layer.weights.items()} for layer in cut.head.layers}
    training = network.training
    return {
        "labels": list(network.labels),
        "layers": [_layer(layer) for layer in network.layers],
        "cut": {
            "features": cut.features,
            "backbone": [layer.name for layer in cut.backbone],
            "head": [{"name": layer.name, "kind": layer.kind, "shapes": shapes[layer.name]} for layer in cut.head.layers],
        },
        "training": training
        and {
            "loss": training.loss,
            "optimizer": training.optimizer,
            "shuffle": training.shuffle,
            "seed": training.seed,
            **{
                name: {"default": _number(each.default), "allowed": list(each.values) or [each.low, each.high]}
                for name, each in training.numbers.items()
            },
        },
        "why_not": cut.why_not,
    }


def _number(value: float) -> float:
    """What is whole in the file stays whole in JSON."""
    return int(value) if float(value).is_integer() and abs(value) > 1 else value


def _feature(feature: Feature) -> dict[str, Any]:
    match feature:
        case ImageFeature():
            return {
                "name": feature.name, "type": "image", "width": feature.width, "height": feature.height,
                "color": feature.color,
            }  # fmt: skip
        case ArrayFeature():
            return {"name": feature.name, "type": "array", "shape": list(feature.shape), "dtype": feature.dtype}
        case _:
            return {"name": feature.name, "type": feature.kind}


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.full_kind,
        "updatable": layer.updatable,
        "inputs": list(layer.inputs),
        "outputs": list(layer.outputs),
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


def words(found: dict[str, Any]) -> str:
    """The facts for people."""
    lines = [
        f"{safe(found['model'])}: {found['type']}, specification {found['version']}, "
        f"{'updatable' if found['updatable'] else 'frozen'}"
    ]
    lines += [f"  input   {_feature_words(each)}" for each in found["inputs"]]
    lines += [f"  output  {_feature_words(each)}" for each in found["outputs"]]
    if "layers" in found:
        lines += _network_words(found)
    if found["why_not"]:
        lines.append(f"Cannot be trained: {safe(found['why_not'])}")
    return "\n".join(lines)


def _feature_words(feature: dict[str, Any]) -> str:
    if feature["type"] == "image":
        return f"{safe(feature['name'])}: image, {feature['width']} x {feature['height']}, {feature['color']}"
    shape = " x ".join(map(str, feature.get("shape", [])))
    return f"{safe(feature['name'])}: {feature['type']} {shape} {feature.get('dtype', '')}".rstrip()


def _network_words(found: dict[str, Any]) -> list[str]:
    labels = ", ".join(safe(str(each)) for each in found["labels"])
    lines = [f"  labels  {labels}"] if labels else []
    first = found["cut"]["head"][0]["name"] if found["cut"]["head"] else None
    widest = max((len(safe(each["name"])) for each in found["layers"]), default=0)
    lines.append(f"{count(len(found['layers']), 'layer')}:")
    for each in found["layers"]:
        if each["name"] == first:
            lines.append(f"  ---- cut: behind here is the head, on the features {safe(found['cut']['features'])!r} ----")
        mark = "*" if each["updatable"] else " "
        lines.append(f"  {mark} {safe(each['name']):{widest}}  {each['kind']:24}  {each['parameters']:>10,}")
    lines.append("  * updatable")
    return lines + (_training_words(found["training"]) if found["training"] else [])


def _training_words(training: dict[str, Any]) -> list[str]:
    lines = [f"Training: {training['loss'].replace('_', ' ')}, {training['optimizer']}, shuffle {training['shuffle']}"]
    for name, each in training.items():
        if isinstance(each, dict):
            allowed = each["allowed"]
            pair = len(allowed) == 2 and isinstance(allowed[0], float)
            said = f"{allowed[0]:g} to {allowed[1]:g}" if pair else ", ".join(map(str, allowed))
            lines.append(f"  {name.replace('_', ' '):14} {each['default']:<8g} allowed: {said}")
    return lines
