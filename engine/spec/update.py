"""Write new weights of the head into a model whose every other byte stays as it is."""

from collections.abc import Sequence

import numpy as np

from engine.errors import CannotTrain, UnsupportedModel
from engine.head import Head, HeadLayer
from engine.head.neighbors import NeighborHead
from engine.spec.describe import Description
from engine.spec.file import ModelFile
from engine.spec.neighbors import with_neighbors
from engine.spec.schema import Model
from engine.spec.split import LINKED
from engine.spec.wire import Span, inside

FLOATS = Model.DESCRIPTOR.file.pool.FindMessageTypeByName("CoreML.Specification.WeightParams").fields_by_name["floatValue"]


def with_head(model: ModelFile, head: Head | NeighborHead) -> bytes:
    """The model's bytes with the weights of `head` in its updatable layers, or with its samples.

    Raises UnsupportedModel where a layer is not found, or its weights are not as many as the file holds.
    """
    if isinstance(head, NeighborHead):
        return with_neighbors(model.data, path_to_last(model.description), head.samples, head.sample_labels)
    data = bytearray(model.data)
    places = _layers(model)
    for layer in head.layers:
        for name, values in layer.weights.items() if layer.updatable else ():
            spans = _floats(model, places, layer, name)
            _replace(data, spans, np.ascontiguousarray(values, "<f4").tobytes(), layer)
    return bytes(data)


def weight_spans(model: ModelFile, head: Head) -> list[tuple[int, int]]:
    """The byte ranges that `with_head` may change."""
    places = _layers(model)
    updatable = [(layer, name) for layer in head.layers if layer.updatable for name in layer.weights]
    return [(span.start, span.end) for layer, name in updatable for span in _floats(model, places, layer, name)]


def path_to_last(said: Description) -> tuple[int, ...]:
    """Field numbers from the whole model to the message of the one that training changes: the last of every pipeline.

    Raises CannotTrain where a link leads there: that model is in another file.
    """
    if said.linked:
        raise CannotTrain(LINKED)
    numbers: list[int] = []
    for each in said.chain:
        field = Model.DESCRIPTOR.fields_by_name[each.kind]
        numbers.append(field.number)
        if each.parts:
            outer = field.message_type
            if each.kind != "pipeline":
                numbers.append(outer.fields_by_name["pipeline"].number)
                outer = outer.fields_by_name["pipeline"].message_type
            numbers.append(outer.fields_by_name["models"].number)
    return tuple(numbers)


def _layers(model: ModelFile) -> dict[str, list[Span]]:
    """Where each layer stands, by name."""
    network, message = [Span(0, 0, 0, len(model.data))], Model.DESCRIPTOR
    for number in path_to_last(model.description):
        network = inside(model.data, network, number)
        field = message.fields_by_number[number]
        # Of a pipeline's models, the last one.
        network, message = network[-1:] if field.is_repeated else network, field.message_type
    kind = Model.DESCRIPTOR.fields_by_name[model.description.last.kind]
    layers = kind.message_type.fields_by_name["layers"]
    name = layers.message_type.fields_by_name["name"].number
    found: dict[str, list[Span]] = {}
    for span in inside(model.data, network, layers.number):
        names = inside(model.data, [span], name)
        key = model.data[names[-1].start : names[-1].end].decode() if names else ""
        found.setdefault(key, []).append(span)
    return found


def _floats(model: ModelFile, places: dict[str, list[Span]], layer: HeadLayer, name: str) -> list[Span]:
    spans = places.get(layer.name, [])
    if len(spans) != 1:
        raise UnsupportedModel(f"The model has {len(spans)} layers named {layer.name!r}, so none can be written.")
    kind = Model.DESCRIPTOR.fields_by_name[model.description.last.kind].message_type.fields_by_name["layers"]
    parameters = kind.message_type.fields_by_name[layer.kind]
    weights = parameters.message_type.fields_by_name[name]
    for field in (parameters.number, weights.number, FLOATS.number):
        spans = inside(model.data, spans, field)
    return spans


def _replace(data: bytearray, spans: Sequence[Span], values: bytes, layer: HeadLayer) -> None:
    """Numbers may stand in several pieces: each piece takes as many as it held."""
    if sum(span.end - span.start for span in spans) != len(values):
        raise UnsupportedModel(f"Layer {layer.name!r} does not hold as many numbers as its new weights have.")
    at = 0
    for span in spans:
        size = span.end - span.start
        data[span.start : span.end] = values[at : at + size]
        at += size
