"""What is said of verdicts by heads that have not seen them, held against scikit-learn, SciPy and cleanlab."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import CannotTrain
from engine.events import Retrained, VerdictsCrossed, VerdictsReviewed
from engine.head import Head, HeadLayer
from engine.review.crossed import FOLDS, assigned, crossed
from engine.review.intervals import interval
from engine.review.reviewed import reviewed
from engine.review.suspects import label_errors, label_quality
from engine.spec.training import Allowed, Training
from engine.trainers import TRAINERS, Lesson, Settings


@pytest.mark.parametrize(("correct", "of"), [(0, 1), (1, 1), (0, 7), (7, 7), (22, 25), (499, 1000), (3, 11)])
def test_intervals_are_wilsons(correct, of):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(correct, of).proportion_ci(method="wilson")
    assert interval(correct, of) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_is_known_of_none():
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "labels", "seed"), [(53, 2, 1), (211, 3, 2), (997, 7, 3)])
@pytest.mark.filterwarnings("ignore")
def test_likely_mistakes_are_cleanlabs(count, labels, seed):
    pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rng = np.random.default_rng(seed)
    true = np.concatenate([np.arange(labels), rng.integers(0, labels, count - labels)])
    logits = rng.normal(0, 1, (count, labels)) + 2.5 * np.eye(labels)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = np.where(rng.random(count) < 0.15, rng.integers(0, labels, count), true)
    expected = find_label_issues(given, probabilities, filter_by="confident_learning")
    found = label_errors(probabilities, given)
    assert 0 < found.sum() < count / 2
    np.testing.assert_array_equal(found, expected)
    quality = get_label_quality_scores(given, probabilities, method="self_confidence")
    np.testing.assert_allclose(label_quality(probabilities, given), quality)


def test_a_label_that_nobody_gave_is_no_mistake():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    assert not label_errors(probabilities, np.array([1, 0, 1])).any()


def test_folds_keep_groups_together_and_labels_even():
    rng = np.random.default_rng(4)
    targets, groups = rng.integers(0, 3, 173), np.where(rng.random(173) < 0.3, rng.integers(0, 11, 173), -1)
    folds = assigned(targets, groups)
    for group in range(11):
        assert len(set(folds[groups == group])) <= 1
    np.testing.assert_array_equal(folds, assigned(targets, groups))
    alone = assigned(targets, np.full(173, -1))
    for label in range(3):
        sizes = np.bincount(alone[targets == label], minlength=FOLDS)
        assert sizes.max() - sizes.min() <= 1
    assert len(assigned(targets[:0], groups[:0])) == 0


def lesson(count=83, wrong=0):
    """Two clouds of features, and an untouched head that knows little; some labels are turned round."""
    rng = np.random.default_rng(7)
    targets = rng.integers(0, 2, count)
    features = rng.normal(0, 1, (count, 19)).astype(np.float32)
    features[:, 3] += np.where(targets == 1, 2.5, -2.5).astype(np.float32)
    targets[:wrong] = 1 - targets[:wrong]
    return Lesson(dense_head(19, 2), features, targets, features[:0])


def dense_head(inputs, outputs):
    rng = np.random.default_rng(2)
    weights = {"weights": rng.normal(0, 0.1, (outputs, inputs)).astype(np.float32), "bias": np.zeros(outputs, np.float32)}
    return Head((HeadLayer("last", "innerProduct", weights, {}, True), HeadLayer("softmax", "softmax")))


TRAINING = Training("cross_entropy", "p", "sgd", {"epochs": Allowed(2.0)}, shuffle=False, seed=None)


def train(part):
    return TRAINERS["fit"](part, TRAINING, Settings())


def last(whole, by=train):
    """What a review comes to; its pictures are numbered."""
    count = len(whole.targets)
    *_, said = reviewed(whole, by, {b"%d" % at: "x" for at in range(count)}, np.full(count, -1))
    return said


def test_no_head_has_seen_what_it_predicts():
    seen, whole = [], lesson()

    def noted(part):
        seen.append({row.tobytes() for row in part.features})
        return train(part)

    steps = crossed(whole, noted, np.full(83, -1))
    told = []
    try:
        while True:
            told.append(next(steps))
    except StopIteration as end:
        _, probabilities = end.value
    folds = assigned(whole.targets, np.full(83, -1))
    assert len(seen) == FOLDS
    for number, part in enumerate(seen):
        inside = np.array([row.tobytes() in part for row in whole.features])
        np.testing.assert_array_equal(inside, folds != number)
    assert told[-1] == VerdictsCrossed(FOLDS, FOLDS)
    assert (probabilities.argmax(axis=1) == whole.targets).mean() > 0.95
    for number in range(FOLDS):
        held = folds == number
        part = Lesson(whole.head, whole.features[~held], whole.targets[~held], whole.anchors)
        (result,) = [event for event in train(part) if isinstance(event, Retrained)]
        np.testing.assert_allclose(probabilities[held], result.head.probabilities(whole.features[held]), atol=1e-6)


def test_the_champion_that_knows_the_answers_is_not_asked():
    whole = lesson()
    (learned,) = [event for event in train(whole) if isinstance(event, Retrained)]
    champion = Lesson(learned.head, whole.features, whole.targets, whole.anchors, origin=whole.head)
    first, second = (last(each) for each in (whole, champion))
    assert isinstance(first, VerdictsReviewed)
    np.testing.assert_allclose(first.quality, second.quality, atol=1e-6)
    assert (first.correct, first.before) == (second.correct, second.before)
    assert first.before == int((whole.head.logits(whole.features).argmax(axis=1) == whole.targets).sum())


def test_a_head_that_keeps_samples_has_seen_all_verdicts():
    whole = replace(lesson(), keeps=object())
    with pytest.raises(CannotTrain, match="keeps samples"):
        last(whole)


def test_labels_turned_round_are_found():
    said = last(lesson(wrong=9))
    assert len(set(np.argsort(said.quality)[:9].tolist()) & set(range(9))) >= 7
    assert said.suspect[:9].sum() >= 5 and said.suspect[9:].sum() <= 1


def test_a_fold_that_cannot_be_trained_says_what_the_untouched_head_says():
    some = lesson(count=83)
    at = np.flatnonzero(some.targets == 1)
    few = Lesson(some.head, some.features[at[:4]], some.targets[at[:4]], some.anchors)
    said = last(few, lambda part: TRAINERS["auto"](part, TRAINING, Settings()))
    assert len(said.quality) == 4 and np.isfinite(said.quality).all()
