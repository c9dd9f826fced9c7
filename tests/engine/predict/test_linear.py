"""Generalised linear models answer as scikit-learn's do."""

import numpy as np
import pytest

import engine
from engine.errors import UnreadableModel
from engine.spec.schema import Model


def regressor(weights, offset, link=0):
    model = Model(specificationVersion=1)
    for name in ("a", "b", "c"):
        model.description.input.add(name=name).type.doubleType.SetInParent()
    model.description.output.add(name="y").type.doubleType.SetInParent()
    model.description.predictedFeatureName = "y"
    model.glmRegressor.weights.add().value.extend(weights)
    model.glmRegressor.offset.append(offset)
    model.glmRegressor.postEvaluationTransform = link
    return model


def classifier(weights, offsets, labels, encoding=0):
    model = Model(specificationVersion=1)
    feature = model.description.input.add(name="x").type.multiArrayType
    feature.shape.append(len(weights[0]))
    feature.dataType = 65600
    model.description.output.add(name="label").type.stringType.SetInParent()
    model.description.output.add(name="p").type.dictionaryType.stringKeyType.SetInParent()
    model.description.predictedFeatureName, model.description.predictedProbabilitiesName = "label", "p"
    its = model.glmClassifier
    for row in weights:
        its.weights.add().value.extend(row)
    its.offset.extend(offsets)
    its.classEncoding = encoding
    its.stringClassLabels.vector.extend(labels)
    return model


def test_a_regressor_is_weights_times_inputs():
    model = engine.open_model(regressor([1.5, -2.0, 0.25], 0.125))
    assert model.predict({"a": 2.0, "b": 1.0, "c": 4.0}) == {"y": pytest.approx(3 - 2 + 1 + 0.125)}


def test_links_are_those_of_scipys_distributions():
    sklearn = pytest.importorskip("scipy.special")
    for link, wanted in ((1, sklearn.expit(0.7)), (2, sklearn.ndtr(0.7))):
        model = engine.open_model(regressor([0.7, 0.0, 0.0], 0.0, link))
        assert model.predict({"a": 1, "b": 1, "c": 1})["y"] == pytest.approx(wanted)


def test_two_labels_and_more_are_those_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    multiclass = pytest.importorskip("sklearn.multiclass")
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (60, 4))
    two = linear.LogisticRegression().fit(x, np.array(["a", "b"])[(x[:, 0] > 0).astype(int)])
    model = engine.open_model(classifier(two.coef_, two.intercept_, ["a", "b"]))
    three = multiclass.OneVsRestClassifier(linear.LogisticRegression()).fit(x, np.array(["a", "b", "c"])[x.argmax(1) % 3])
    rows = np.stack([each.coef_[0] for each in three.estimators_])
    offsets = [float(each.intercept_[0]) for each in three.estimators_]
    rest = engine.open_model(classifier(rows, offsets, ["a", "b", "c"], encoding=1))
    for row in x[:5]:
        for ours, theirs in ((model, two), (rest, three)):
            said = ours.predict({"x": row})
            assert said["label"] == theirs.predict(row[None])[0]
            assert list(said["p"].values()) == pytest.approx(theirs.predict_proba(row[None])[0], abs=1e-6)


def test_a_first_label_that_the_others_are_told_from():
    """With logits of 0 for the first label, that is a softmax."""
    special = pytest.importorskip("scipy.special")
    weights, offsets = [[0.5, -1.0], [1.5, 0.25]], [0.1, -0.2]
    model = engine.open_model(classifier(weights, offsets, ["first", "second", "third"]))
    x = np.array([0.7, -0.4])
    wanted = special.softmax([0.0, *(np.array(weights) @ x + offsets)])
    assert list(model.predict({"x": x})["p"].values()) == pytest.approx(wanted, abs=1e-6)


def test_weights_that_do_not_fit_are_refused():
    model = regressor([1.0, 2.0], 0.0)
    with pytest.raises(UnreadableModel, match="weights for 2 numbers, but takes 3"):
        engine.open_model(model).predict({"a": 1, "b": 1, "c": 1})
    model.glmRegressor.offset.append(1.0)
    with pytest.raises(UnreadableModel, match="not as many"):
        engine.open_model(model).predict({"a": 1, "b": 1, "c": 1})
