"""The audit's sample is as right as the folder, whatever else is judged."""

import numpy as np
import pytest

from engine.findings import Sample
from engine.head import Head, HeadLayer
from engine.review import audit as module
from engine.review.audit import STEP, audit
from engine.review.crossed import crossed
from engine.review.intervals import interval
from engine.trainers import Lesson
from tests.engine.review.helpers import result


def judged_when_unsure(seed, pictures, share):
    """Whether the model is right on each picture, and on those that it is least sure of, which are judged."""
    rng = np.random.default_rng(seed)
    keys, sure = [rng.bytes(16) for _ in range(pictures)], rng.uniform(0.5, 1, pictures)
    right = dict(zip(keys, (rng.random(pictures) < sure).tolist(), strict=True))
    return right, {keys[at]: right[keys[at]] for at in np.argsort(sure)[: int(share * pictures)]}


def in_order(right, judged):
    return [key for key in sorted(right) if key not in judged]


def some_in_order(rng, right, judged):
    """So many more of them, in order, as the person has time for."""
    return in_order(right, judged)[: int(rng.integers(1, 2 * STEP))]


def two_steps(_, right, judged):
    """What the audit asks for, twice."""
    first = in_order(right, judged)[: audit(right, judged).missing]
    judged = judged | {key: right[key] for key in first}
    return (*first, *in_order(right, judged)[: audit(right, judged).missing])


def errors(judging, share, runs=300, pictures=700):
    """(runs,) by how much the sample is more often right than the folder, and whether its interval holds the truth."""
    apart, held = [], []
    for seed in range(runs):
        right, judged = judged_when_unsure(seed, pictures, share)
        judged |= {key: right[key] for key in judging(np.random.default_rng(seed), right, judged)}
        found = audit(right, judged)
        if found.of:
            truth, (low, high) = np.mean(list(right.values())), interval(found.correct, found.of)
            apart.append(found.correct / found.of - truth)
            held.append(low <= truth <= high)
    return np.array(apart), np.array(held)


@pytest.mark.parametrize("judging", [some_in_order, two_steps])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.8])
def test_it_is_unbiased_and_its_interval_holds_what_it_promises(judging, share):
    apart, held = errors(judging, share)
    assert len(apart) > 100
    assert abs(apart.mean()) < 3 * apart.std() / np.sqrt(len(apart))
    assert held.mean() > 0.92


def test_who_never_judged_in_order_is_told_nothing():
    apart, _ = errors(lambda *_: (), 0.6)
    assert not len(apart)


def test_a_sample_that_grew_picture_by_picture_would_be_biased(monkeypatch):
    monkeypatch.setattr(module, "STEP", 1)
    apart, _ = errors(lambda *_: (), 0.6)
    assert apart.mean() < -0.05


def keys(count):
    return [np.random.default_rng(at).bytes(16) for at in range(count)]


def test_the_sample_is_the_first_pictures_by_key_in_whole_steps():
    order = sorted(keys(3 * STEP + 4))
    right = {key: at % 3 > 0 for at, key in enumerate(order[: STEP + 7])} | {order[STEP + 9]: True}
    assert audit(reversed(order * 2), right) == Sample(sum(at % 3 > 0 for at in range(STEP)), STEP, STEP - 8)
    more = right | dict.fromkeys(order[STEP + 7 : 2 * STEP], True)
    assert audit(order, more).of == 2 * STEP


def test_a_folder_that_is_judged_whole_is_its_own_sample():
    order = sorted(keys(STEP + 3))
    assert audit(order, {key: at < 9 for at, key in enumerate(order)}) == Sample(9, STEP + 3, 0)
    assert audit(order[:2], {order[0]: True}) == Sample(0, 0, 1)
    assert audit([], {}) == Sample(0, 0, 0)


def test_verdicts_on_pictures_that_are_not_asked_about_do_not_count():
    order = sorted(keys(STEP + 3))
    assert audit(order[3:], dict.fromkeys(order, True)).of == STEP


WIDTH = 13


def pictures(rng, count, spread=1.9):
    """Features of two labels that overlap, and the labels."""
    targets = rng.integers(0, 2, count)
    features = rng.normal(0, spread, (count, WIDTH)).astype(np.float32)
    features[:, 0] += 2 * targets
    features[:, 1] += 2 - 2 * targets
    return features, targets


def least_squares(lesson):
    """A head in one step, so that many can be trained."""
    x = np.hstack([lesson.features, np.ones((len(lesson.features), 1))])
    y = np.eye(2)[lesson.targets]
    found = np.linalg.solve(x.T @ x + np.eye(WIDTH + 1), x.T @ y).T.astype(np.float32)
    weights = {"weights": found[:, :WIDTH], "bias": found[:, WIDTH]}
    yield lesson.judged(Head((HeadLayer("d", "innerProduct", weights, {}, True), HeadLayer("s", "softmax"))))


def blank():
    weights = {"weights": np.zeros((2, WIDTH), np.float32), "bias": np.zeros(2, np.float32)}
    return Head((HeadLayer("d", "innerProduct", weights, {}, True), HeadLayer("s", "softmax")))


def head_of(lesson):
    (trained,) = least_squares(lesson)
    return trained.head


def test_by_crossed_heads_it_tells_how_right_the_model_is_on_pictures_without_a_verdict():
    """Half of the verdicts are where a model is unsure: on all of them together, heads are right less often."""
    apart, held, of_all = [], [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        features, targets = pictures(rng, 400)
        names = [rng.bytes(16) for _ in range(400)]
        first = Lesson(blank(), features[:40], targets[:40], features[:0])
        unsure = np.argsort(np.abs(np.diff(head_of(first).probabilities(features), axis=1)[:, 0]))[:100]
        drawn = np.argsort(np.array([name.hex() for name in names]))[: 4 * STEP]
        judged = np.union1d(unsure, drawn)
        lesson = Lesson(blank(), features[judged], targets[judged], features[:0])
        said = result(crossed(lesson, least_squares, np.full(len(judged), -1)))
        right = said.probabilities.argmax(axis=1) == targets[judged]
        found = audit(names, {names[at]: bool(one) for at, one in zip(judged, right, strict=True)})
        others, theirs = pictures(rng, 2000)
        truth = (head_of(lesson).probabilities(others).argmax(axis=1) == theirs).mean()
        low, high = interval(found.correct, found.of)
        apart.append(found.correct / found.of - truth)
        held.append(low <= truth <= high)
        of_all.append(right.mean() - truth)
    assert abs(np.mean(apart)) < 0.01
    assert np.mean(held) > 0.9
    assert np.mean(of_all) < -0.025
