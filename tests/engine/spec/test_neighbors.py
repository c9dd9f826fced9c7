"""Samples are read as protobuf reads them, and written so that nothing else changes."""

import numpy as np
import pytest

import engine
from engine.errors import UnreadableModel
from engine.spec.neighbors import read_neighbors, with_neighbors
from engine.spec.schema import Model
from tests.pipelines import dense, embedding, neighbors, pipeline

RNG = np.random.default_rng(8)


def parsed(data, path):
    model = Model()
    model.ParseFromString(data)
    return model if path == (404,) else model.pipelineClassifier.pipeline.models[-1]


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
    data = neighbors(RNG.normal(0, 1, (2, 5)), ("a", "b")).SerializeToString()
    strange = bytes([0xFA, 0x7F, 3]) + b"xyz"  # field 2047, three bytes
    model = Model()
    model.ParseFromString(data)
    inner = model.kNearestNeighborsClassifier.SerializeToString() + strange
    outer = Model(specificationVersion=4, isUpdatable=True)
    outer.description.CopyFrom(model.description)
    outer.kNearestNeighborsClassifier.ParseFromString(inner)
    changed = with_neighbors(outer.SerializeToString(), (404,), np.ones((1, 5), np.float32), ["z"])
    assert strange in changed


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda its: its.stringClassLabels.vector.append("c"), "stores 2 samples, but 3 labels"),
        (lambda its: its.nearestNeighborsIndex.floatSamples[1].vector.append(1), "Sample 1 holds 6 numbers"),
        (lambda its: its.nearestNeighborsIndex.floatSamples[0].vector.__setitem__(2, float("nan")), "not finite"),
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
