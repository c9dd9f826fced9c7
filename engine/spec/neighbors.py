"""The stored samples of a k-nearest-neighbours classifier, read and written on the wire: there may be many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.spec.schema import Model
from engine.spec.training import Allowed, allowed_of
from engine.spec.wire import BYTES, Span, inside, spliced, varint

Array = NDArray[np.float32]
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
    default = message.WhichOneof("DefaultClassLabel")
    weighted = message.WhichOneof("WeightingScheme") == "inverseDistanceWeighting"
    return Neighbors(
        dimensions=index.numberOfDimensions,
        samples=samples,
        labels=labels,
        neighbors=allowed_of(message.numberOfNeighbors),
        weighting="inverse_distance" if weighted else "uniform",
        index="kd_tree" if index.WhichOneof("IndexType") == "singleKdTreeIndex" else "linear",
        leaf_size=int(index.singleKdTreeIndex.leafSize),
        default_label=getattr(message, default) if default else None,
    )


def _samples(index: Any) -> Array:
    """(samples, dimensions). A serialised vector ends in its packed numbers, which is quicker than asking for each."""
    size = index.numberOfDimensions
    for number, each in enumerate(index.floatSamples):
        if len(each.vector) != size:
            raise UnreadableModel(f"Sample {number} holds {len(each.vector)} numbers, where the model has {size}.", DAMAGED)
    if not size or not len(index.floatSamples):
        return np.zeros((0, size), np.float32)
    rows = b"".join(each.SerializeToString()[-4 * size :] for each in index.floatSamples)
    found = np.frombuffer(rows, "<f4").reshape(-1, size).astype(np.float32)
    if not np.isfinite(found).all():
        raise UnreadableModel("A stored sample holds a number that is not finite.", DAMAGED)
    return found


def with_neighbors(data: bytes, path: Sequence[int], samples: Array, labels: Sequence[Any]) -> bytes:
    """A model's bytes with other samples, and a label each, in the classifier at `path`; everything else stays.

    `path` holds field numbers from the whole model; of fields that repeat, the last one is meant.
    """
    span = [Span(0, 0, 0, len(data))]
    for number in path:
        span = inside(data, span, number)[-1:]
    message = type(Model().kNearestNeighborsClassifier)()
    message.ParseFromString(data[span[0].start : span[0].end])
    which = "int64ClassLabels" if any(isinstance(each, int) for each in labels) else "stringClassLabels"
    kept = getattr(message, which)
    del kept.vector[:]
    kept.vector.extend(labels)
    kept.SetInParent()
    index = message.nearestNeighborsIndex
    number = message.DESCRIPTOR.fields_by_name["nearestNeighborsIndex"].number
    del index.floatSamples[:]
    inner = index.SerializeToString() + _packed(index, samples)
    message.ClearField("nearestNeighborsIndex")
    return spliced(data, path, message.SerializeToString() + _field(number, len(inner)) + inner)


def _packed(index: Any, samples: Array) -> bytes:
    """The field `floatSamples` for every row: the same few bytes, and then the row's own."""
    field = index.DESCRIPTOR.fields_by_name["floatSamples"]
    size = 4 * samples.shape[1]
    inner = _field(field.message_type.fields_by_name["vector"].number, size)
    before = np.frombuffer(_field(field.number, len(inner) + size) + inner, np.uint8)
    rows = np.empty((len(samples), len(before) + size), np.uint8)
    rows[:, : len(before)] = before
    rows[:, len(before) :] = np.ascontiguousarray(samples, "<f4").view(np.uint8).reshape(len(samples), size)
    return rows.tobytes()


def _field(number: int, size: int) -> bytes:
    return varint(number << 3 | BYTES) + varint(size)
