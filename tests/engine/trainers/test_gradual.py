"""Edits that look at some samples first, against edits of all at once."""

from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from engine.features import FeatureStore
from engine.head.dense_first import dense_first
from engine.live import Live
from engine.trainers import Settings

gradual = import_module("engine.trainers.gradual")


@pytest.fixture
def few(monkeypatch):
    """At most so many samples at once, and so many more a round."""

    def limit(most, joining):
        monkeypatch.setattr(gradual, "MOST", most)
        monkeypatch.setattr(import_module("engine.trainers.edit"), "MOST", most)
        monkeypatch.setattr("engine.live.MOST", most)
        monkeypatch.setattr(gradual, "JOINING", joining)
        sizes = []
        at_once = gradual.edited

        def noted(aim, settings, old, *rest):
            sizes.append((len(aim.targets), len(old)))
            return at_once(aim, settings, old, *rest)

        monkeypatch.setattr(gradual, "edited", noted)
        return sizes

    return limit


@pytest.mark.parametrize("width", [14, 300])
@pytest.mark.parametrize("labels", [2, 3])
def test_some_at_once_learn_all_and_keep_the_rest(few, labels, width, make_lesson, make_training, run):
    lesson = make_lesson(verdicts=41, anchors=70, width=width, labels=labels, seed=labels, apart=0.5)
    accepted = np.arange(41) >= 13
    lesson = replace(lesson, targets=np.where(accepted, lesson.old_logits.argmax(axis=1), lesson.targets))
    sizes = few(48, 9)
    result = run("edit", lesson, make_training(), Settings())[-1]
    assert sizes[0][1] == 48
    assert all(0 < after[1] - before[1] <= 9 for before, after in pairwise(sizes))
    now, old = result.head.logits(lesson.anchors), lesson.anchor_logits
    kept = (now.argmax(axis=1) == old.argmax(axis=1)).mean()
    if width == 300:
        assert (result.learned, result.broken) == (result.flips, 0)
        assert len(sizes) > 1
        assert kept == 1
    else:
        assert result.learned >= 0.8 * result.flips
        assert kept > 0.9


def test_what_was_not_looked_at_is_what_weighing_all_gives_nearly(few, make_lesson, make_training, run):
    lesson = make_lesson(verdicts=30, anchors=50, width=300, apart=0.6)
    whole = run("edit", lesson, make_training(), Settings())[-1].head
    few(61, 30)
    some = run("edit", lesson, make_training(), Settings())[-1].head
    weights = [head.before_softmax[0].weights["weights"] for head in (lesson.head, whole, some)]
    start, one, two = weights
    assert np.linalg.norm(two - start) < 1.3 * np.linalg.norm(one - start)
    assert np.linalg.norm(two - one) < 0.6 * np.linalg.norm(one - start)


def test_a_point_goes_on_with_more_samples(make_lesson):
    lesson = make_lesson(verdicts=11, anchors=23, width=120)
    edit = import_module("engine.trainers.edit")
    ground = edit._Ground(lesson)

    def whole(work):
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value

    rows, more = np.array([0, 3, 9, 12, 20]), np.array([0, 1, 3, 9, 12, 15, 20, 33])
    point = whole(ground.point(rows, None))
    point = point.moved(point.pull(np.random.default_rng(0).normal(0, 0.1, (5, 2)).astype(np.float32)))
    some = gradual.Some(rows, point)
    expected = ground.logits(some)
    np.testing.assert_allclose(point.outputs, expected[rows], atol=1e-4)
    longer = whole(ground.point(more, some))
    np.testing.assert_allclose(longer.outputs, expected[more], atol=1e-4)
    np.testing.assert_allclose(ground.logits(gradual.Some(more, longer)), expected, atol=1e-4)


@pytest.fixture
def live(tmp_path, make_head):
    """Live on 83 images, all of them samples; with their keys and labels."""
    head, rng = make_head(width=150, hidden=13), np.random.default_rng(8)
    features = np.maximum(rng.normal(0, 1, (83, 150)), 0).astype(np.float32)
    keys = [bytes([number] * 16) for number in range(83)]
    with FeatureStore(tmp_path / "store", (150,)) as store:
        store.append(keys, features)
        quick = Live(dense_first(head, features), store)
        list(quick.cover(keys))
        list(quick.sample(keys))
        yield quick, keys, head.logits(features).argmax(axis=1), features


def test_live_looks_at_some_and_learns_all(few, live):
    quick, keys, labels, features = live
    sizes, verdicts = few(20, 4), {}
    for number in range(0, 60, 5):
        verdicts[keys[number]] = int(labels[number]) ^ (number % 2)
        list(quick.learn(verdicts))
        now = quick.probabilities(keys).argmax(axis=1)
        assert quick.learned.learned == quick.learned.flips == sum(n % 2 for n in range(0, number + 1, 5))
        assert quick.learned.broken == 0
        assert all(now[keys.index(key)] == label for key, label in verdicts.items())
        np.testing.assert_allclose(quick.probabilities(keys), quick.result().head.probabilities(features), atol=2e-5)
    assert max(size for _, size in sizes) < 60


def test_a_verdict_that_changes_nothing_takes_no_pass(few, live):
    quick, keys, labels, _ = live
    sizes = few(1000, 1)
    verdicts = {keys[4]: int(1 - labels[4])}
    list(quick.learn(verdicts))
    before = quick.probabilities(keys)
    passed = len(sizes)
    for number in (7, 2, 70):
        verdicts[keys[number]] = int(before[number].argmax())
        list(quick.learn(verdicts))
    assert len(sizes) == passed
    np.testing.assert_array_equal(quick.probabilities(keys), before)
    assert (quick.learned.flips, quick.learned.accepted) == (1, 3)


def test_what_cannot_be_learned_is_left_alone_for_a_while(few, tmp_path, make_head):
    head, rng = make_head(width=150, hidden=13), np.random.default_rng(9)
    features = np.maximum(rng.normal(0, 1, (40, 150)), 0).astype(np.float32)
    features[1] = features[0]
    keys, labels = [bytes([number] * 16) for number in range(40)], head.logits(features).argmax(axis=1)
    sizes = few(39, 9)
    with FeatureStore(tmp_path / "store", (150,)) as store:
        store.append(keys, features)
        quick = Live(dense_first(head, features), store)
        list(quick.cover(keys))
        list(quick.sample(keys))
        verdicts = {keys[number]: int(labels[number]) for number in range(20)}
        verdicts[keys[0]] = int(1 - labels[0])
        list(quick.learn(verdicts))
        assert (quick.learned.learned + quick.learned.kept, quick.learned.flips) == (19, 1)
        tries = len(sizes)
        verdicts[keys[30]] = int(quick.probabilities(keys)[30].argmax())
        list(quick.learn(verdicts))
        assert len(sizes) == tries
        assert quick.learned.learned + quick.learned.kept == 20
        for number in (31, 32):
            verdicts[keys[number]] = int(labels[number])
        list(quick.learn(verdicts))
        assert len(sizes) > tries
