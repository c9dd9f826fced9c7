"""Nearest neighbours, pipelines and regressors, and models that coremltools makes, against the format's rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CannotTrain, UnreadableModel
from engine.spec.file import read
from engine.spec.schema import Model
from engine.spec.validate import problems, validate

FLOAT32, DOUBLE = 65568, 65600


def array(feature: Any, *shape: int, dtype: int = FLOAT32) -> None:
    feature.type.multiArrayType.shape.extend(shape)
    feature.type.multiArrayType.dataType = dtype


@pytest.fixture
def neighbors() -> Any:
    """Three samples of five numbers, to be updated."""
    model = Model(specificationVersion=4, isUpdatable=True)
    said = model.description
    array(said.input.add(name="features"), 5)
    said.output.add(name="label").type.stringType.SetInParent()
    said.predictedFeatureName = "label"
    said.trainingInput.extend([said.input[0], said.output[0]])
    its = model.kNearestNeighborsClassifier
    index = its.nearestNeighborsIndex
    index.numberOfDimensions = 5
    index.linearIndex.SetInParent()
    index.squaredEuclideanDistance.SetInParent()
    for number in range(3):
        index.floatSamples.add().vector.extend([number, 1, 2, 3, 4])
    its.stringClassLabels.vector.extend(["Cat", "Dog", "Cat"])
    its.numberOfNeighbors.defaultValue = 2
    its.numberOfNeighbors.range.minValue, its.numberOfNeighbors.range.maxValue = 1, 9
    its.uniformWeighting.SetInParent()
    return model


@pytest.fixture
def pipeline(neighbors: Any) -> Any:
    """A frozen network and the neighbours behind it."""
    model = Model(specificationVersion=4, isUpdatable=True)
    first = model.pipelineClassifier.pipeline.models.add(specificationVersion=4)
    array(first.description.input.add(name="numbers"), 7)
    array(first.description.output.add(name="features"), 5)
    layer = first.neuralNetwork.layers.add(name="dense", input=["numbers"], output=["features"])
    layer.innerProduct.inputChannels, layer.innerProduct.outputChannels = 7, 5
    layer.innerProduct.weights.floatValue.extend([0.5] * 35)
    model.pipelineClassifier.pipeline.models.append(neighbors)
    model.pipelineClassifier.pipeline.names.extend(["network", "neighbours"])
    said = model.description
    array(said.input.add(name="numbers"), 7)
    said.output.add(name="label").type.stringType.SetInParent()
    said.predictedFeatureName = "label"
    said.trainingInput.extend([said.input[0], said.output[0]])
    return model


def its(model: Any) -> Any:
    return model.kNearestNeighborsClassifier


def index(model: Any) -> Any:
    return its(model).nearestNeighborsIndex


def inner(model: Any) -> Any:
    return model.pipelineClassifier.pipeline.models


NEIGHBORS: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "no size": (
        lambda m: (its(m).ClearField("stringClassLabels"), its(m).ClearField("nearestNeighborsIndex")),
        "0 dimensions",
        "prediction",
    ),
    "no index": (lambda m: index(m).ClearField("linearIndex"), "no index", "prediction"),
    "empty leaves": (lambda m: index(m).singleKdTreeIndex.SetInParent(), "leaves of 0", "prediction"),
    "no distance": (lambda m: index(m).ClearField("squaredEuclideanDistance"), "measured", "prediction"),
    "no weighting": (lambda m: its(m).ClearField("uniformWeighting"), "weighted", "prediction"),
    "long sample": (lambda m: index(m).floatSamples[1].vector.append(0), "holds 6 numbers", "prediction"),
    "label too many": (lambda m: its(m).stringClassLabels.vector.append("Owl"), "but 4 labels", "prediction"),
    "no answer": (
        lambda m: (its(m).ClearField("stringClassLabels"), index(m).ClearField("floatSamples")),
        "no label to answer",
        "prediction",
    ),
    "default of another type": (lambda m: setattr(its(m), "defaultInt64Label", 3), "default label", "prediction"),
    "no neighbours": (lambda m: its(m).ClearField("numberOfNeighbors"), "how many", "prediction"),
    "input of another size": (
        lambda m: m.description.input[0].type.multiArrayType.shape.__setitem__(0, 6),
        "of shape (6,)",
        "prediction",
    ),
    "neighbours out of range": (lambda m: setattr(its(m).numberOfNeighbors, "defaultValue", 10), "10", "training"),
    "version": (lambda m: setattr(m, "specificationVersion", 3), "version 3", "training"),
    "no label to learn": (lambda m: m.description.trainingInput.pop(), "lack the label", "training"),
}

PIPELINES: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "no models": (lambda m: m.pipelineClassifier.pipeline.ClearField("models"), "no models", "prediction"),
    "one name": (lambda m: m.pipelineClassifier.pipeline.names.pop(), "1 names", "prediction"),
    "same names": (lambda m: m.pipelineClassifier.pipeline.names.__setitem__(0, "neighbours"), "1 names", "prediction"),
    "input of nobody": (
        lambda m: setattr(inner(m)[1].description.input[0], "name", "ghost"),
        "'neighbours' of the pipeline takes 'ghost'",
        "prediction",
    ),
    "another type": (
        lambda m: setattr(inner(m)[0].description.output[0].type.multiArrayType, "dataType", DOUBLE),
        "'features' in another type",
        "prediction",
    ),
    "output of nobody": (lambda m: setattr(m.description.output[0], "name", "ghost"), "gives 'ghost'", "prediction"),
    "damage inside": (
        lambda m: inner(m)[0].neuralNetwork.layers[0].innerProduct.weights.floatValue.pop(),
        "In model 'network' of the pipeline",
        "prediction",
    ),
    "the first may learn": (
        lambda m: setattr(inner(m)[0], "isUpdatable", True),
        "'network' of the pipeline is",
        "training",
    ),
    "the last may not": (
        lambda m: setattr(inner(m)[1], "isUpdatable", False),
        "last model 'neighbours' is not",
        "training",
    ),
    "the whole may not": (lambda m: setattr(m, "isUpdatable", False), "pipeline around it is not", "training"),
    "version": (lambda m: setattr(m, "specificationVersion", 2), "version 2", "training"),
    "no label": (lambda m: m.description.trainingInput.pop(), "lack the label", "training"),
}


def broken(model: Any, rule: tuple[Callable[[Any], Any], str, str]) -> None:
    mutate, words, stops = rule
    assert problems(model) == ()
    mutate(model)
    found = [each for each in problems(model) if words in each.sentence]
    assert found, problems(model)
    assert all(each.stops == stops and each.hint for each in found)
    with pytest.raises(UnreadableModel if stops == "prediction" else CannotTrain):
        validate(model)


@pytest.mark.parametrize("name", NEIGHBORS)
def test_a_rule_of_nearest_neighbours_broken_is_named(neighbors: Any, name: str) -> None:
    broken(neighbors, NEIGHBORS[name])


@pytest.mark.parametrize("name", PIPELINES)
def test_a_rule_of_pipelines_broken_is_named(pipeline: Any, name: str) -> None:
    broken(pipeline, PIPELINES[name])


def test_other_kinds_of_models_cannot_be_updated() -> None:
    model = Model(specificationVersion=4)
    model.description.input.add(name="x").type.doubleType.SetInParent()
    model.description.output.add(name="y").type.doubleType.SetInParent()
    model.glmRegressor.SetInParent()
    validate(model)
    model.isUpdatable = True
    with pytest.raises(CannotTrain, match="glmRegressor"):
        validate(model)


def test_a_regressor_says_what_it_predicts(shared_models: Path) -> None:
    model = Model()
    model.CopyFrom(read(shared_models / "tiny_mlp_regressor_updatable.mlmodel").message)
    validate(model)
    model.description.predictedFeatureName = ""
    with pytest.raises(CannotTrain, match="regressor"):
        validate(model)


def test_models_made_elsewhere_pass(shared_models: Path) -> None:
    paths = sorted(shared_models.glob("*.mlmodel"))
    assert len(paths) >= 7
    for path in paths:
        assert problems(read(path).message) == (), path.name


@pytest.mark.filterwarnings("ignore")
def test_updatable_models_of_the_builders_own_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that coremltools' tests save, but those that are not finished: they have no loss."""
    pytest.importorskip("coremltools")
    tests = pytest.importorskip("coremltools.test.pipeline.test_model_updatable")
    saved: list[Any] = []

    def keep(spec: Any, path: str, *args: Any, **settings: Any) -> None:
        saved.append(Model.FromString(spec.SerializeToString()))
        save(spec, path, *args, **settings)

    save = tests.save_spec
    monkeypatch.setattr(tests, "save_spec", keep)
    case = tests.MLModelUpdatableTest
    case.setUpClass()
    for name in [each for each in dir(case) if each.startswith("test_") and "fail" not in each]:
        getattr(case(name), name)()
    case.tearDownClass()
    finished = [each for each in saved if each.isUpdatable]
    assert len(finished) >= 6
    for model in finished:
        assert problems(model) == ()


@pytest.mark.filterwarnings("ignore")
def test_neighbours_of_the_builder_pass() -> None:
    pytest.importorskip("coremltools")
    from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder

    for default, index_type in (("None", "linear"), (7, "kd_tree")):
        builder = KNearestNeighborsClassifierBuilder(
            input_name="features",
            output_name="label",
            number_of_dimensions=5,
            default_class_label=default,
            number_of_neighbors=3,
            index_type=index_type,
        )
        model = Model.FromString(builder.spec.SerializeToString())
        assert problems(model) == ()
        builder.add_samples([[1.0] * 5, [2.0] * 5, [3.0] * 5], ["a", "b", "a"] if default == "None" else [1, 2, 1])
        assert problems(Model.FromString(builder.spec.SerializeToString())) == ()
