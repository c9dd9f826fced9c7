"""`fit` is ridge regression of a softmax as scikit-learn has it; a head that has learned nothing is fitted from scratch."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import BadLabels
from engine.events import Retrained, TrainingBegan
from engine.head import Head, HeadLayer
from engine.trainers import Lesson, Settings
from engine.trainers.auto import untrained
from engine.trainers.fit import RIDGE
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, truth
from tests.pipelines import dense, embedding, pipeline

WIDTH = 40


def blank(labels=2):
    weights = {"weights": np.zeros((labels, WIDTH), np.float32), "bias": np.zeros(labels, np.float32)}
    return Head((HeadLayer("last", "innerProduct", weights, {}, True), HeadLayer("softmax", "softmax")))


def clusters(seed, count, labels=2, offset=0.0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(0, 0.6, (labels, WIDTH))
    targets = np.arange(count) % labels
    return (centres[targets] + rng.normal(offset, 1, (count, WIDTH))).astype(np.float32), targets


@pytest.mark.parametrize("offset", [0.0, 1.5])
def test_it_is_scikit_learns_logistic_regression(make_training, run, offset):
    """With the same ridge on the weights and none on the intercept; an offset of all features must not matter."""
    linear = pytest.importorskip("sklearn.linear_model")
    features, targets = clusters(1, 24, offset=offset)
    unseen, _ = clusters(2, 30, offset=offset)
    result = run("fit", Lesson(blank(), features, targets, unseen), make_training(), Settings(max_epochs=500))[-1]
    # The kernel's mean diagonal: |x|^2 and 1 for the bias, by the two outputs' own rows.
    ridge = RIDGE * float((features.astype(float) ** 2).sum(axis=1).mean() + 1)
    # Two rows w and -w have twice the square of one, and logits twice as far apart.
    theirs = linear.LogisticRegression(C=2 / (len(features) * ridge), tol=1e-10, max_iter=5000).fit(features, targets)
    ours = np.diff(result.head.logits(unseen), axis=1)[:, 0]
    np.testing.assert_allclose(ours, theirs.decision_function(unseen), rtol=0.12, atol=0.05)
    assert ((ours > 0) == (theirs.decision_function(unseen) > 0)).mean() > 0.95


def test_a_head_that_has_learned_nothing_is_known(make_head):
    features = clusters(3, 9)[0]
    assert untrained(blank(), features)
    assert not untrained(make_head(WIDTH), features)


def test_auto_fits_such_a_head_and_says_why(make_training, run):
    features, targets = clusters(4, 10)
    others, wanted = clusters(5, 60)
    events = run("auto", Lesson(blank(), features, targets, others), make_training(), Settings())
    began, result = next(event for event in events if isinstance(event, TrainingBegan)), events[-1]
    assert (began.trainer, began.why) == ("fit", "all that the model knows comes from your verdicts")
    assert (result.before.correct, result.after.correct) == (5, 10)
    assert (result.head.logits(others).argmax(axis=1) == wanted).mean() > 0.9


def test_what_it_learned_before_does_not_hold_it_back(make_training, run):
    """The second time, the first result is the champion: it is judged against, but not started from."""
    features, targets = clusters(6, 30, labels=3)
    first = run("auto", Lesson(blank(3), features[:3], targets[:3], features[3:]), make_training(), Settings())[-1]
    lesson = Lesson(first.head, features, targets, features[:0], origin=blank(3))
    second = run("auto", lesson, make_training(), Settings())[-1]
    afresh = run("fit", replace(lesson, head=blank(3), origin=None), make_training(), Settings())[-1]
    for ours, theirs in zip(second.head.layers, afresh.head.layers, strict=True):
        for name, values in ours.weights.items():
            np.testing.assert_array_equal(values, theirs.weights[name])
    assert second.before.correct == int((first.head.logits(features).argmax(axis=1) == targets).sum())
    assert second.flips == 30 - second.before.correct


def test_one_label_alone_is_nothing_to_learn_from(make_training, run):
    features, _ = clusters(7, 6)
    with pytest.raises(BadLabels, match="all verdicts give one label"):
        run("auto", Lesson(blank(), features, np.zeros(6, np.int64), features[:0]), make_training(), Settings())


def test_a_workspace_starts_from_the_untouched_model_each_time(pictures, tmp_path):
    last = dense()
    product = last.neuralNetworkClassifier.layers[0].innerProduct
    for values in (product.weights.floatValue, product.bias.floatValue):
        values[:] = [0.0] * len(values)
    path = tmp_path / "new.mlmodel"
    path.write_bytes(pipeline(embedding(), last).SerializeToString())
    with Workspace(pictures, path) as workspace:
        found = predictions(workspace.scan())
        names = sorted(found, key=lambda name: name[-6:])  # both kinds in turn
        for at, count in enumerate((4, 10, 16)):
            verdicts = {found[name][0]: truth(name) for name in names[:count]}
            events = list(workspace.retrain(verdicts, "auto", Settings(), at=float(at), force=True))
            began = next(each for each in events if isinstance(each, TrainingBegan))
            assert began.why.startswith("all that the model knows")
            last_result = next(each for each in events if isinstance(each, Retrained))
            assert last_result.after.of == count
        assert workspace.version == 3
