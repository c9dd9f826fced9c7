"""Verdicts held against heads that have not seen them: figures, and likely mistakes."""

import numpy as np

from engine.events import Retrained, VerdictsReviewed
from engine.findings import Sample
from engine.head import Head, HeadLayer
from engine.review.crossed import crossed
from engine.review.reviewed import reviewed
from engine.spec.training import Allowed, Training
from engine.trainers import TRAINERS, Lesson, Settings
from tests.engine.review.helpers import result


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
    """What a review comes to; its pictures are numbered, and the last has a verdict that the model does not know."""
    count = len(whole.targets)
    contents = [b"%03d" % at for at in range(count)]
    *_, said = reviewed(whole, by, contents, np.full(count, -1), [*contents, b"999"], [b"999"])
    return said


def test_the_champion_that_knows_the_answers_is_not_asked():
    whole = lesson()
    (learned,) = [event for event in train(whole) if isinstance(event, Retrained)]
    champion = Lesson(learned.head, whole.features, whole.targets, whole.anchors, origin=whole.head)
    first, second = (last(each) for each in (whole, champion))
    assert isinstance(first, VerdictsReviewed)
    np.testing.assert_allclose(first.quality, second.quality, atol=1e-6)
    assert (first.correct, first.before) == (second.correct, second.before)
    assert first.before == int((whole.head.logits(whole.features).argmax(axis=1) == whole.targets).sum())


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


def test_figures_are_counts_of_the_same_verdicts():
    whole = lesson(wrong=9)
    said, found = last(whole), result(crossed(whole, train, np.full(83, -1)))
    right, was = (each.argmax(axis=1) == whole.targets for each in (found.probabilities, found.before))
    assert (said.correct, said.before) == (right.sum(), was.sum())
    assert said.won == sum(now and not before for now, before in zip(right, was, strict=True))
    assert said.won not in (said.correct, said.correct - said.before)


def test_the_sample_counts_the_same_heads_and_a_label_that_the_model_does_not_have_is_wrong():
    said = last(lesson())
    assert said.sample == Sample(said.correct, 84, 0), "the whole folder is judged; the last cannot be right"
    some = lesson(count=61)
    contents = [b"%03d" % at for at in range(61)]
    *_, of_more = reviewed(some, train, contents, np.full(61, -1), [*contents, *(b"%03d" % at for at in range(61, 99))])
    assert (of_more.sample.of, of_more.sample.missing) == (50, 14)
