"""Changes of a model's bytes, and of what its message says: each small, none of them with a meaning."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.convert.build import Layers
from engine.spec.schema import Model

Mutation = Callable[[Any, random.Random], None]
WHOLE = (0, 1, 2, 3, -1, 7, 255, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63), 2**64 - 1)
DECIMAL = (0.0, -1.0, 1e-30, 1e30, 3.4e38, -3.4e38, float("nan"), float("inf"), float("-inf"))
DEEP = 3
"""Messages inside one another that are filled."""
TEXTS = ("", "x", "image", "\x1b[2J\x07", "‮gpj", "../../etc/passwd", "/etc/passwd", "a\x00b", "/" * 4097, "é" * 1_000_000)


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, splice, repeat, or a number without an end."""
    at, to = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    near = min(len(data), at + rng.choice([1, 4, 40]))
    # Most of a model's bytes are weights: its first and last ones say more.
    if rng.random() < 0.7:
        at = min(at, rng.choice([64, 600, 4000])) if rng.random() < 0.7 else max(0, len(data) - rng.choice([64, 600, 4000]))
        near = to = min(len(data), at + rng.choice([1, 2, 8, 60]))
    return rng.choice(
        [
            lambda: data[:at] + bytes(rng.randrange(256) for _ in range(near - at)) + data[near:],
            lambda: data[:at] + bytes(each ^ (1 << rng.randrange(8)) for each in data[at:near]) + data[near:],
            lambda: data[:at],
            lambda: data[:at] + data[to:],
            lambda: data[:to] + data[at:],
            lambda: data[:at] + data[at:near] * rng.choice([2, 50, 3000]) + data[near:],
            lambda: data[:at] + b"\xff" * rng.choice([4, 9, 10, 200]) + b"\x01" + data[near:],
            lambda: data + data,
        ]
    )()


def message_changed(data: bytes, rng: random.Random) -> bytes:
    """One to three changes of what the model says; its bytes where it is none."""
    try:
        model = Model.FromString(data)
    except Exception:  # protobuf's implementations raise different kinds
        return bytes_changed(data, rng)
    for _ in range(rng.choice([1, 1, 2, 3])):
        rng.choice(MUTATIONS)(model, rng)
    return model.SerializeToString()


def _inside(message: Any) -> Iterator[Any]:
    """The message and all inside it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or hasattr(value, "items"):
            continue
        for each in (value,) if hasattr(value, "ListFields") else value:
            yield from _inside(each)


def _part(model: Any, rng: random.Random, *names: str) -> Any:
    """Any message inside, of these types where some are named."""
    found = [each for each in _inside(model) if not names or each.DESCRIPTOR.name in names]
    return rng.choice(found or [model])


def _edge(field: Any, rng: random.Random) -> Any:
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        text = rng.choice(TEXTS)
        return text.encode() if field.type == field.TYPE_BYTES else text
    if kind == field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice(DECIMAL)
    if kind == field.CPPTYPE_ENUM:
        return rng.choice([each.number for each in field.enum_type.values])
    signed = kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    bits = 32 if kind in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return rng.choice([each for each in WHOLE if low <= each <= high])


def scalar(model: Any, rng: random.Random) -> None:
    """One number, or text, at an edge of its type."""
    message = _part(model, rng)
    fields = [each for each in message.DESCRIPTOR.fields if each.message_type is None and not each.is_repeated]
    if fields:
        field = rng.choice(fields)
        setattr(message, field.name, _edge(field, rng))


def repeated(model: Any, rng: random.Random) -> None:
    """A list with something dropped, doubled, exchanged, added; empty, or a thousand times as long."""
    lists = [
        (field, getattr(each, field.name))
        for each in _inside(model)
        for field in each.DESCRIPTOR.fields
        if field.is_repeated and not hasattr(getattr(each, field.name), "items")
    ]
    field, its = rng.choice(lists)
    values = list(its)
    at = rng.randrange(len(values)) if values else 0
    if field.message_type is None and rng.random() < 0.5:
        values[at : at + 1] = [_edge(field, rng)] * rng.choice([1, 1, 2, 5])
    new = rng.choice(
        [values[:at] + values[at + 1 :], values + values[at : at + 1], values[::-1], [], values, values[:-1]]
        + ([values * (1000 // len(values))] if 0 < len(values) < 50 else [])
    )
    copies = [type(each).FromString(each.SerializeToString()) if field.message_type else each for each in new]
    del its[:]
    its.extend(copies)


def cleared(model: Any, rng: random.Random) -> None:
    """A field that is gone."""
    message = _part(model, rng)
    fields = [field.name for field, _ in message.ListFields()]
    if fields:
        message.ClearField(rng.choice(fields))


def _filled(message: Any, rng: random.Random, deep: int) -> None:
    """Some of the fields, and those inside, with any numbers."""
    for field in message.DESCRIPTOR.fields:
        its = getattr(message, field.name)
        if rng.random() < 0.5 or hasattr(its, "items"):
            continue
        if field.message_type is None and field.is_repeated:
            its.extend(_edge(field, rng) for _ in range(rng.choice([1, 2, 3])))
        elif field.message_type is None:
            setattr(message, field.name, _edge(field, rng))
        elif deep:
            _filled(its.add() if field.is_repeated else its, rng, deep - 1)


def scribbled(model: Any, rng: random.Random) -> None:
    """Any numbers in a layer's or another message's fields."""
    message = _part(model, rng)
    inner = [each for each in message.DESCRIPTOR.fields if each.message_type is not None and not each.is_repeated]
    if inner and message is not model:
        its = getattr(message, rng.choice(inner).name)
        its.SetInParent()
        _filled(its, rng, DEEP)


def renamed(model: Any, rng: random.Random) -> None:
    """A layer reads or writes another blob: cycles, blobs written twice, blobs that nobody writes."""
    layers = [each for each in _inside(model) if each.DESCRIPTOR.name == "NeuralNetworkLayer"]
    if layers:
        layer = rng.choice(layers)
        blobs = [name for each in layers for name in (*each.input, *each.output)] or [""]
        side = rng.choice([layer.input, layer.output])
        if side:
            side[rng.randrange(len(side))] = rng.choice([*blobs, "nowhere", ""])
        else:
            side.append(rng.choice(blobs))


def knotted(model: Any, rng: random.Random) -> None:
    """A layer writes over what it reads, and those behind it read that."""
    networks = [each for each in _inside(model) if "layers" in each.DESCRIPTOR.fields_by_name and len(each.layers)]
    if not networks:
        return
    layers = rng.choice(networks).layers
    its = rng.choice(layers)
    if its.input and its.output:
        before, its.output[0] = its.output[0], its.input[0]
        for layer in layers:
            for at, name in enumerate(layer.input):
                layer.input[at] = its.output[0] if name == before else name


def weights(model: Any, rng: random.Random) -> None:
    """Weights that are fewer, more, no numbers, or stored another way."""
    its = _part(model, rng, "WeightParams")
    if its is model:
        return
    size = len(its.floatValue)
    how = rng.randrange(6)
    if how == 0 and size:
        its.floatValue[rng.randrange(size)] = rng.choice(DECIMAL)
    elif how == 1:
        del its.floatValue[size // 2 :]
    elif how == 2:
        its.floatValue.extend([0.5] * rng.choice([1, size, 3 * size]))
    elif how == 3:
        its.float16Value = bytes(2 * size) if rng.random() < 0.5 else bytes(rng.randrange(256) for _ in range(2 * size))
    else:
        its.rawValue = bytes(rng.choice([size, -(-size // 8), 1]))
        its.quantization.numberOfBits = rng.choice([0, 1, 8, 9, 2**40])
        kind = rng.choice([its.quantization.linearQuantization.scale, its.quantization.lookupTableQuantization.floatValue])
        kind.extend([rng.choice(DECIMAL)] * rng.choice([0, 1, 2, 256]))
        if how == 5:
            del its.floatValue[:]


def labels(model: Any, rng: random.Random) -> None:
    """Labels that are empty, equal, thousands, hostile."""
    its = _part(model, rng, "StringVector", "Int64Vector")
    if its is not model:
        text = its.DESCRIPTOR.name == "StringVector"
        many = rng.choice([0, 1, 2, 5000])
        del its.vector[:]
        its.vector.extend([rng.choice(TEXTS[:8]) if text else rng.choice(WHOLE[:9]) for _ in range(many)])


def updatable(model: Any, rng: random.Random) -> None:
    """Flags on what cannot learn, and off what can."""
    for each in _inside(model):
        if "isUpdatable" in each.DESCRIPTOR.fields_by_name and rng.random() < 0.3:
            each.isUpdatable = not each.isUpdatable


def nested(model: Any, rng: random.Random) -> None:
    """Pipelines inside pipelines, some of them deeper than allowed."""
    for _ in range(rng.choice([1, 2, 9, 40])):
        outer = Model(specificationVersion=model.specificationVersion, isUpdatable=model.isUpdatable)
        outer.description.CopyFrom(model.description)
        getattr(outer, rng.choice(["pipeline", "pipelineClassifier"])).SetInParent()
        its = outer.pipelineClassifier.pipeline if outer.HasField("pipelineClassifier") else outer.pipeline
        its.models.add().CopyFrom(model)
        model.CopyFrom(outer)


def looped(model: Any, rng: random.Random) -> None:
    """All layers in a loop that says no end."""
    networks = [each for each in _inside(model) if each.DESCRIPTOR.name.startswith("NeuralNetwork")]
    network = rng.choice([each for each in networks if "layers" in each.DESCRIPTOR.fields_by_name] or [None])
    if network is None or not network.layers:
        return
    inner = type(Model().neuralNetwork)()
    inner.layers.extend(network.layers)
    del network.layers[:]
    loop = network.layers.add(name="loop").loop
    loop.maxLoopIterations = rng.choice([0, 2, 2**31, 2**63 - 1])
    loop.bodyNetwork.CopyFrom(inner)
    if rng.random() < 0.7:
        Layers(loop.conditionNetwork).add("loadConstantND", "true", [], "true", shape=[1], data={"floatValue": [1.0]})
        loop.conditionVar = "true"


MUTATIONS: Sequence[Mutation] = (
    *[scalar] * 5, *[repeated] * 3, cleared, scribbled, *[renamed] * 2, knotted, *[weights] * 2, labels, updatable, nested,
    looped
)  # fmt: skip
"""As often as each is drawn."""
