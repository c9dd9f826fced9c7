"""The stored samples of a k-nearest-neighbours classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.spec.training import Allowed, allowed_of
from engine.spec.schema import Model
from engine.spec.wire import Span, inside, spliced

Array = NDArray[np.float32]


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


def read_neighbors(message: Any) -> Neighbors:
    """From a protobuf `KNearestNeighborsClassifier`. Raises UnreadableModel where it contradicts itself."""
    index = message.nearestNeighborsIndex
    which = message.WhichOneof("ClassLabels")
    labels = tuple(getattr(message, which).vector) if which else ()
    size = index.numberOfDimensions
    vectors = [np.array(each.vector, np.float32) for each in index.floatSamples]
    if len(labels) != len(vectors) or any(len(each) != size for each in vectors):
        raise UnreadableModel("The model's samples and labels do not fit each other.", "The file is damaged.")
    samples = np.stack(vectors) if vectors else np.zeros((0, size), np.float32)
    default = message.WhichOneof("DefaultClassLabel")
    return Neighbors(
        size, samples, labels, allowed_of(message.numberOfNeighbors),
        "inverse_distance" if message.WhichOneof("WeightingScheme") == "inverseDistanceWeighting" else "uniform",
        "kd_tree" if index.WhichOneof("IndexType") == "singleKdTreeIndex" else "linear",
        int(index.singleKdTreeIndex.leafSize), getattr(message, default) if default else None,
    )  # fmt: skip


def with_neighbors(data: bytes, path: Sequence[int], samples: Array, labels: Sequence[str] | Sequence[int]) -> bytes:
    """A model's bytes with other samples and labels in the classifier at `path`; everything else stays."""
    span = [Span(0, 0, 0, len(data))]
    for number in path:
        span = inside(data, span, number)[-1:]
    message = type(Model().kNearestNeighborsClassifier)()
    message.ParseFromString(data[span[0].start : span[0].end])
    vectors = message.nearestNeighborsIndex.floatSamples
    del vectors[:]
    for row in samples:
        vectors.add().vector.extend(row.tolist())
    kept = message.int64ClassLabels if message.WhichOneof("ClassLabels") == "int64ClassLabels" else message.stringClassLabels
    del kept.vector[:]
    kept.vector.extend(labels)
    return spliced(data, path, message.SerializeToString())
