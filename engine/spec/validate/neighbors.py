"""The rules for nearest-neighbour classifiers."""

from typing import Any

from engine.spec.describe import ArrayFeature, Description
from engine.spec.validate.inputs import training_inputs, version_problems
from engine.spec.validate.parameters import number_problems
from engine.spec.validate.problem import Problems, unreadable


def neighbor_problems(model: Any, said: Description) -> Problems:
    """The index, the labels, the number of neighbours, the input's size; `describe` has counted the samples."""
    its = model.kNearestNeighborsClassifier
    index = its.nearestNeighborsIndex
    size = index.numberOfDimensions
    if size < 1:
        yield unreadable(f"The neighbours have {size} dimensions.")
    if index.WhichOneof("IndexType") is None:
        yield unreadable("The neighbours have no index: neither linear nor a tree.")
    elif index.WhichOneof("IndexType") == "singleKdTreeIndex" and index.singleKdTreeIndex.leafSize < 1:
        yield unreadable(f"The tree of neighbours has leaves of {index.singleKdTreeIndex.leafSize} samples.")
    if index.WhichOneof("DistanceFunction") is None:
        yield unreadable("The model does not say how distances between neighbours are measured.")
    if its.WhichOneof("WeightingScheme") is None:
        yield unreadable("The model does not say how neighbours are weighted.")
    yield from _labels(its)
    yield from _input(said, size)
    if its.HasField("numberOfNeighbors"):
        yield from number_problems(its.numberOfNeighbors, "number of neighbours")
    else:
        yield unreadable("The model does not say how many neighbours vote.")
    if model.isUpdatable:
        yield from version_problems(model)
        yield from training_inputs(said, model)


def _labels(its: Any) -> Problems:
    kind, default = its.WhichOneof("ClassLabels"), its.WhichOneof("DefaultClassLabel")
    if not its.nearestNeighborsIndex.floatSamples and default is None:
        yield unreadable("The model has no samples, and no label to answer with until it has.")
    if kind and default and default.removeprefix("default")[:3].lower() != kind[:3]:
        yield unreadable("The default label is of another type than the labels.")


def _input(said: Description, size: int) -> Problems:
    arrays = [each for each in said.inputs if isinstance(each, ArrayFeature)]
    if len(said.inputs) != 1 or not arrays:
        yield unreadable("A model of nearest neighbours takes one array.")
    elif arrays[0].shape != (size,):
        yield unreadable(f"Input {arrays[0].name!r} is of shape {arrays[0].shape}, but the samples have {size} numbers.")
