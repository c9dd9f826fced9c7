"""The stored samples of a k-nearest-neighbours classifier, read and written on the wire: there may be many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.spec.schema import Model
from engine.spec.training import Allowed, allowed_of
from engine.spec.wire import BYTES, Span, fields, inside, prefix

Array = NDArray[np.float32]
Piece = bytes | memoryview
DAMAGED = "The file is damaged, or was written by a program with a defect."


@dataclass(frozen=True, eq=False)
class Neighbors:
    """What the format says of such a classifier."""

    dimensions: int
    samples: Array
    """(samples, dimensions)"""
    labels: tuple[str, ...] | tuple[int, ...]
    """One a sample; repeats are the rule."""
    neighbors: Allowed
    """How many vote."""
    weighting: str
    """`uniform` or `inverse_distance`"""
    index: str
    """`linear` or `kd_tree`; both give the same answers."""
    leaf_size: int
    default_label: str | int | None
    """The answer while there is no sample."""


def read_neighbors(message: Any) -> Neighbors:
    """From a protobuf `KNearestNeighborsClassifier`. Raises UnreadableModel where it contradicts itself."""
    index = message.nearestNeighborsIndex
    which = message.WhichOneof("ClassLabels")
    labels = tuple(getattr(message, which).vector) if which else ()
    samples = _samples(index)
    if len(labels) != len(samples):
        raise UnreadableModel(f"The model stores {len(samples)} samples, but {len(labels)} labels for them.", DAMAGED)
    neighbors = allowed_of(message.numberOfNeighbors)
    if neighbors.default < 1:
        raise UnreadableModel(f"The model says that {neighbors.default} is how many neighbours vote.", DAMAGED)
    default = message.WhichOneof("DefaultClassLabel")
    weighted = message.WhichOneof("WeightingScheme") == "inverseDistanceWeighting"
    return Neighbors(
        dimensions=index.numberOfDimensions,
        samples=samples,
        labels=labels,
        neighbors=neighbors,
        weighting="inverse_distance" if weighted else "uniform",
        index="kd_tree" if index.WhichOneof("IndexType") == "singleKdTreeIndex" else "linear",
        leaf_size=int(index.singleKdTreeIndex.leafSize),
        default_label=getattr(message, default) if default else None,
    )


def _samples(index: Any) -> Array:
    """(samples, dimensions)"""
    size = index.numberOfDimensions
    for number, each in enumerate(index.floatSamples):
        if len(each.vector) != size:
            raise UnreadableModel(f"Sample {number} holds {len(each.vector)} numbers, where the model has {size}.", DAMAGED)
    if not size or not len(index.floatSamples):
        return np.zeros((0, size), np.float32)
    found = np.empty((len(index.floatSamples), size), "<f4")
    plain = len(prefix(1, 4 * size)) + 4 * size
    for row, each in zip(found, index.floatSamples, strict=True):
        data = each.SerializeToString()
        # A message ends in its numbers, which is quicker than asking for each, unless fields of a newer format follow.
        row[:] = np.frombuffer(data, "<f4", size, len(data) - 4 * size) if len(data) == plain else each.vector
    if not np.isfinite(found).all():
        raise UnreadableModel("A stored sample holds a number that is not finite.", DAMAGED)
    return found.astype(np.float32, copy=False)


def with_neighbors(data: bytes, path: Sequence[int], samples: Array, labels: Sequence[Any]) -> bytes:
    """A model's bytes with other samples, and a label each, in the classifier at `path`; everything else stays.

    `path` holds field numbers from the whole model; of fields that repeat, the last one is meant. Raises UnreadableModel
    where there is none.
    """
    its, around = Span(0, BYTES, 0, len(data)), list[tuple[Span, int, Span]]()
    for number in path:
        around.append((its, *_last(data, its, number)))
        its = around[-1][-1]
    message = type(Model().kNearestNeighborsClassifier)()
    field = message.DESCRIPTOR.fields_by_name["nearestNeighborsIndex"]
    vectors = field.message_type.fields_by_name["floatSamples"].number
    message.ParseFromString(_without(data, [its], field.number))
    _relabel(message, labels)
    rest = _without(data, inside(data, [its], field.number), vectors)
    rows = _packed(message.nearestNeighborsIndex, samples)
    changed: list[Piece] = [message.SerializeToString(), prefix(field.number, len(rest) + len(rows)), rest, rows]
    return b"".join(_wrapped(data, around, changed))


def _last(data: bytes, outer: Span, number: int) -> tuple[int, Span]:
    """Where the last field of this number begins, and its content."""
    begin, found = outer.start, None
    for span in fields(data, outer.start, outer.end):
        if span.field == number and span.wire == BYTES:
            found = begin, span
        begin = span.end
    if found is None:
        raise UnreadableModel("The model file lacks the classifier that is to be changed.", DAMAGED)
    return found


def _without(data: bytes, spans: Sequence[Span], field: int) -> bytes:
    """All fields of the messages in `spans` but those of this number, as they are."""
    kept: list[bytes] = []
    for span in spans:
        begin = span.start
        for each in fields(data, span.start, span.end):
            if each.field != field:
                kept.append(data[begin : each.end])
            begin = each.end
    return b"".join(kept)


def _wrapped(data: bytes, around: Sequence[tuple[Span, int, Span]], content: list[Piece]) -> list[Piece]:
    """All of `data` with `content` in place of the innermost message, and the lengths of those around it made right."""
    pieces = content
    for outer, begin, inner in reversed(around):
        length = prefix(inner.field, sum(map(len, pieces)))
        pieces = [data[outer.start : begin], length, *pieces, data[inner.end : outer.end]]
    return pieces


def _relabel(message: Any, labels: Sequence[Any]) -> None:
    """Labels keep their kind where there are none."""
    given = "int64ClassLabels" if any(isinstance(each, int) for each in labels) else "stringClassLabels"
    kept = getattr(message, given if len(labels) else message.WhichOneof("ClassLabels") or given)
    del kept.vector[:]
    kept.vector.extend(labels)
    kept.SetInParent()


def _packed(index: Any, samples: Array) -> memoryview:
    """The field `floatSamples` for every row: the same few bytes, and then the row's own."""
    field = index.DESCRIPTOR.fields_by_name["floatSamples"]
    size = 4 * samples.shape[1]
    inner = prefix(field.message_type.fields_by_name["vector"].number, size)
    before = np.frombuffer(prefix(field.number, len(inner) + size) + inner, np.uint8)
    rows = np.empty((len(samples), len(before) + size), np.uint8)
    rows[:, : len(before)] = before
    rows[:, len(before) :] = np.ascontiguousarray(samples, "<f4").view(np.uint8).reshape(len(samples), size)
    return rows.reshape(-1).data
