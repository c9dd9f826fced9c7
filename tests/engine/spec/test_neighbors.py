"""Samples are read as protobuf reads them, and written so that nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

import engine
from engine.errors import UnreadableModel
from engine.spec.file import read
from engine.spec.neighbors import read_neighbors, with_neighbors
from engine.spec.schema import Model
from engine.spec.update import path_to_last
from tests.pipelines import dense, embedding, neighbors, pipeline

MODELS = Path(__file__).resolve().parents[3] / "../shared/models"
STRANGE = bytes([0xFA, 0x7F, 3]) + b"xyz"
"""A field that the format does not have: number 2047, three bytes."""
RNG = np.random.default_rng(8)


def parsed(data, path):
    """The model at `path`, less its last step."""
    found = Model()
    found.ParseFromString(data)
    for number in path[:-1]:
        inner = getattr(found, found.DESCRIPTOR.fields_by_number[number].name)
        found = inner if hasattr(inner, "DESCRIPTOR") else inner[-1]
    return found


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.parametrize("path", [(404,), (200, 1, 1, 404)])
def test_what_is_written_is_what_protobuf_reads(path, count):
    model = neighbors(RNG.normal(0, 1, (4, 5)), ("a", "b", "a", "c"))
    model = model if path == (404,) else pipeline(embedding(), dense(), model)
    model.description.metadata.userDefined["key"] = "value"
    samples = RNG.normal(0, 1, (count, 5)).astype(np.float32)
    labels = [f"label {at % 7}" for at in range(count)]
    data = with_neighbors(model.SerializeToString(), path, samples, labels)
    found = parsed(data, path).kNearestNeighborsClassifier
    vectors = [list(each.vector) for each in found.nearestNeighborsIndex.floatSamples]
    np.testing.assert_array_equal(np.reshape(vectors, (count, 5)), samples)
    assert list(found.stringClassLabels.vector) == labels
    before = parsed(model.SerializeToString(), path)
    for message in (found, before.kNearestNeighborsClassifier):
        message.ClearField("stringClassLabels")
        del message.nearestNeighborsIndex.floatSamples[:]
    assert found == before.kNearestNeighborsClassifier
    whole = Model()
    whole.ParseFromString(data)
    assert whole.description == model.description


def test_what_is_not_known_survives():
    """In the model, the pipeline around it, the classifier, its index and its labels: where it was, or behind."""
    inner = neighbors(RNG.normal(0, 1, (2, 5)), ("a", "b"))
    its = inner.kNearestNeighborsClassifier
    for place in (its.stringClassLabels, its.nearestNeighborsIndex, its, inner):
        place.MergeFromString(STRANGE)
    outer = pipeline(embedding(), inner)
    for place in (outer.pipelineClassifier.pipeline, outer.pipelineClassifier, outer, outer.description):
        place.MergeFromString(STRANGE)
    data = outer.SerializeToString()
    assert data.count(STRANGE) == 8
    changed = with_neighbors(data, (200, 1, 1, 404), np.ones((3, 5), np.float32), ["x", "y", "z"])
    assert changed.count(STRANGE) == 8
    found = parsed(changed, (200, 1, 1, 404)).kNearestNeighborsClassifier
    assert len(found.nearestNeighborsIndex.floatSamples) == 3
    for place in (found.stringClassLabels, found.nearestNeighborsIndex, found):
        before = place.SerializeToString()
        place.DiscardUnknownFields()
        assert len(before) > len(place.SerializeToString())


def test_samples_with_fields_of_a_newer_format_are_read():
    model = neighbors([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], ("a", "b"))
    model.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples[0].MergeFromString(STRANGE)
    found = read_neighbors(model.kNearestNeighborsClassifier).samples
    assert (found.dtype, found.tolist()) == (np.float32, [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]])


def test_a_path_to_nothing():
    with pytest.raises(UnreadableModel, match="lacks the classifier"):
        with_neighbors(neighbors().SerializeToString(), (200, 1, 1, 404), np.ones((1, 5), np.float32), ["a"])


FLOATS = some.floats(width=32, allow_nan=False, allow_infinity=False)
SETS = some.tuples(some.integers(0, 6), some.integers(1, 70)).flatmap(
    lambda size: arrays(np.float32, size, elements=FLOATS)
)
LABELS = some.one_of(some.lists(some.text(), max_size=6), some.lists(some.integers(-(2**63), 2**63 - 1), max_size=6))


@settings(deadline=None, max_examples=60)
@given(SETS, LABELS, some.integers(0, 3))
def test_any_samples_and_labels_go_through(samples, labels, depth):
    """Written and read: by protobuf, and here; in pipelines however deep."""
    samples = samples[: len(labels)]
    labels = labels[: len(samples)]
    model = neighbors(k=2)
    model.kNearestNeighborsClassifier.nearestNeighborsIndex.numberOfDimensions = samples.shape[1]
    for _ in range(depth):
        model = pipeline(dense(), model)
    path = (200, 1, 1) * depth + (404,)
    data = with_neighbors(model.SerializeToString(), path, samples, labels)
    again = with_neighbors(data, path, samples, labels)
    assert again == data
    its = parsed(data, path).kNearestNeighborsClassifier
    theirs = np.array([list(each.vector) for each in its.nearestNeighborsIndex.floatSamples], np.float32)
    ours = read_neighbors(its)
    for one in (theirs.reshape(samples.shape), ours.samples):
        assert one.tobytes() == samples.tobytes()
    assert list(ours.labels) == labels


@pytest.mark.parametrize("name", ["tiny_knn_updatable.mlmodel", "tiny_pipeline_updatable.mlmodel"])
def test_models_of_the_builder_change_only_in_their_samples(name):
    if not (MODELS / name).exists():
        pytest.skip("no shared models")
    file = read(MODELS / name)
    path, said = path_to_last(file.description), file.description.last.neighbors
    assert said is not None
    samples = RNG.normal(0, 1, (len(said.samples) + 3, said.dimensions)).astype(np.float32)
    added = [7, 8, 9] if isinstance(said.default_label, int) else ["x", "y", "x"]
    changed = with_neighbors(file.data, path, samples, [*said.labels, *added])
    assert list(read_neighbors(parsed(changed, path).kNearestNeighborsClassifier).labels) == [*said.labels, *added]
    back = with_neighbors(changed, path, said.samples, said.labels)
    assert parsed(back, ()) == parsed(file.data, ())
    assert parsed(changed, ()).description == parsed(file.data, ()).description


def test_reading():
    samples = RNG.normal(0, 1, (6, 5)).astype(np.float32)
    model = neighbors(samples, tuple("aabbca"), k=4)
    found = read_neighbors(model.kNearestNeighborsClassifier)
    np.testing.assert_array_equal(found.samples, samples)
    assert (found.dimensions, found.labels, found.weighting, found.index) == (5, tuple("aabbca"), "uniform", "linear")
    assert (found.neighbors.default, found.neighbors.low, found.neighbors.high, found.default_label) == (
        4,
        1,
        50,
        "nothing",
    )


def test_numbers_as_labels():
    model = neighbors()
    its = model.kNearestNeighborsClassifier
    its.ClearField("defaultStringLabel")
    its.defaultInt64Label = 7
    its.nearestNeighborsIndex.floatSamples.add().vector.extend([1, 2, 3, 4, 5])
    its.int64ClassLabels.vector.append(9)
    data = with_neighbors(model.SerializeToString(), (404,), np.ones((2, 5), np.float32), [9, 11])
    found = parsed(data, (404,)).kNearestNeighborsClassifier
    assert list(found.int64ClassLabels.vector) == [9, 11]
    emptied = with_neighbors(data, (404,), np.ones((0, 5), np.float32), [])
    assert parsed(emptied, (404,)).kNearestNeighborsClassifier.WhichOneof("ClassLabels") == "int64ClassLabels"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda its: its.stringClassLabels.vector.append("c"), "stores 2 samples, but 3 labels"),
        (lambda its: its.nearestNeighborsIndex.floatSamples[1].vector.append(1), "Sample 1 holds 6 numbers"),
        (lambda its: its.nearestNeighborsIndex.floatSamples[0].vector.__setitem__(2, float("nan")), "not finite"),
        (lambda its: its.nearestNeighborsIndex.floatSamples[1].vector.__setitem__(4, float("-inf")), "not finite"),
        (lambda its: setattr(its.numberOfNeighbors, "defaultValue", 0), "0 is how many neighbours vote"),
        (lambda its: setattr(its.nearestNeighborsIndex, "numberOfDimensions", 4), "Sample 0 holds 5 numbers"),
        (lambda its: its.ClearField("stringClassLabels"), "stores 2 samples, but 0 labels"),
    ],
)
def test_contradictions_are_refused(change, words):
    model = neighbors(RNG.normal(0, 1, (2, 5)), ("a", "b"))
    change(model.kNearestNeighborsClassifier)
    with pytest.raises(UnreadableModel, match=words):
        engine.open_model(model)


def test_the_builders_own_models(tmp_path):
    nearest = pytest.importorskip("coremltools").models.nearest_neighbors
    builder = nearest.KNearestNeighborsClassifierBuilder(
        "x", "y", 3, "d", number_of_neighbors=2, weighting_scheme="inverse_distance"
    )
    builder.add_samples([[1, 2, 3], [4, 5, 6]], ["p", "q"])
    model = engine.open_model(builder.spec)
    assert model.predict({"x": np.array([1.0, 2, 3])}) == {"y": "p", "yProbs": {"p": 1.0, "q": 0.0}}
