"""The facts of `catflap inspect` for people: inputs and outputs, a picture of the layers, what training allows."""

from collections.abc import Iterator
from typing import Any

from tui.chain import Node, picture
from tui.text import count, safe

Facts = dict[str, Any]


def described(found: Facts) -> str:
    """All of it."""
    lines = [f"{safe(found['model'])}: {_kind(found)}", *_interface(found), *_inside(found, found.get("cut"))]
    if not found["runs_here"]:
        lines.append(f"Does not run here: {safe(found['why_not'])}")
    elif found["why_not"]:
        lines.append(f"Cannot be trained: {safe(found['why_not'])}")
    return "\n".join(lines)


def _kind(found: Facts) -> str:
    return f"{found['type']}, specification {found['version']}, {'updatable' if found['updatable'] else 'frozen'}"


def _interface(found: Facts) -> Iterator[str]:
    yield from (f"  input   {_feature(each)}" for each in found["inputs"])
    yield from (f"  output  {_feature(each)}" for each in found["outputs"])
    labels = ", ".join(safe(str(each)) for each in found.get("labels", ()))
    if labels:
        yield f"  labels  {labels}"


def _feature(its: Facts) -> str:
    if its["type"] == "image":
        size = f"{its['width']} x {its['height']}, {its['color']}"
        said = f"{safe(its['name'])}: image, {size}"
    else:
        shape = _sizes(its["shape"]) if its.get("shape") else ""
        said = " ".join(filter(None, (f"{safe(its['name'])}: {its['type']}", shape, its.get("dtype", ""))))
    more = [f"or {its['other_sizes']}"] if "other_sizes" in its else []
    return ", ".join([said, *more, *(["optional"] if its.get("optional") else [])])


def _sizes(shape: list[int]) -> str:
    return " x ".join(map(str, shape))


def _inside(found: Facts, cut: Facts | None) -> Iterator[str]:
    if "layers" in found:
        yield from _layers(found, cut)
    if found.get("training"):
        yield from _training(found["training"])
    if "neighbors" in found:
        yield from _neighbors(found["neighbors"])
    for number, part in enumerate(found.get("parts", ()), 1):
        last = number == len(found["parts"])
        yield f"{number}. {safe(part['name'])}: {_kind(part)}"
        yield from (f"  {line}" for line in (*_interface(part), *_inside(part, cut if last else None)))


def _layers(found: Facts, cut: Facts | None) -> Iterator[str]:
    """A line a layer: lanes, name, kind, sizes of what it makes, numbers that it holds."""
    layers, inputs = found["layers"], [each["name"] for each in found["inputs"]]
    nodes = [Node((), (name,)) for name in inputs]
    nodes += [Node(tuple(each["inputs"]), tuple(each["outputs"])) for each in layers]
    lanes = picture(nodes, [each["name"] for each in found["outputs"]])
    name = min(32, max((len(safe(each["name"])) for each in layers), default=0))
    kind = max((len(each["kind"]) for each in layers), default=0)
    sizes = [_sizes(_bare(each["shapes"][0])) if each["shapes"] and each["shapes"][0] else "" for each in layers]
    wide = max(map(len, sizes), default=0)
    head = {each["name"] for each in cut["head"]} if cut else set[str]()
    total = sum(each["parameters"] for each in layers)
    note = "; * updatable" if any(each["updatable"] for each in layers) else ""
    yield f"{count(len(layers), 'layer')}, {total:,} numbers{note}:"
    yield from (f"  {lane}   {safe(each)}" for lane, each in zip(lanes, inputs, strict=False))
    begun = False
    for lane, each, size in zip(lanes[len(inputs) :], layers, sizes, strict=True):
        if each["name"] in head and not begun and cut:
            begun = True
            yield f"  {'─' * (len(lane) + 3)} cut: the features are {safe(cut['features'])!r}; from here on, the head"
        mark = "*" if each["updatable"] else " "
        shown = safe(each["name"])
        shown = shown if len(shown) <= name else f"{shown[: name - 1]}…"
        numbers = f"{each['parameters']:,}" if each["parameters"] else ""
        yield f"  {lane} {mark} {shown:{name}}  {each['kind']:{kind}}  {size:>{wide}}  {numbers:>11}".rstrip()


def _bare(shape: list[int]) -> list[int]:
    """Without the axes before the channels that are 1."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _training(training: Facts) -> Iterator[str]:
    yield f"Training: {training['loss'].replace('_', ' ')}, {training['optimizer']}, shuffle {training['shuffle']}"
    for name, each in training.items():
        if isinstance(each, dict):
            yield f"  {name.replace('_', ' '):14} {_number(each['default']):8} allowed: {_allowed(each)}"


def _number(value: float | str) -> str:
    """What is not finite is a word already."""
    return value if isinstance(value, str) else f"{value:g}"


def _allowed(its: Facts) -> str:
    if "range" in its:
        low, high = its["range"]
        return f"{_number(low)} to {_number(high)}"
    return ", ".join(map(str, its["allowed"])) if "allowed" in its else "any number"


def _neighbors(its: Facts) -> Iterator[str]:
    labels = ", ".join(safe(each) for each in its["labels"]) or f"none; answers {its['default_label']!r}"
    yield f"{count(its['samples'], 'sample')} of {its['dimensions']} numbers; labels: {labels}"
    how = its["weighting"].replace("_", " ")
    yield f"  the nearest {its['neighbors']['default']:g} vote, {how}; allowed: {_allowed(its['neighbors'])}"
