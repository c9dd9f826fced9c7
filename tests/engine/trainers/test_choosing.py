"""The choice by cross-validation: against scikit-learn's, within its budget, and the defaults where nothing is won."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from engine.events import EpochEnded, TrainingBegan, VerdictsCrossed
from engine.head import Head, HeadLayer
from engine.trainers import Lesson, Settings
from engine.trainers.auto import BETTER, FROM_SCRATCH
from engine.trainers.choosing import ALL, FITS, FOLDS, SAMPLES, Candidate, chosen

choosing = import_module("engine.trainers.choosing")
WIDTH = 70


def linear(weights):
    layer = HeadLayer("d", "innerProduct", {"weights": weights, "bias": np.zeros(len(weights), np.float32)}, {}, True)
    return Head((layer, HeadLayer("s", "softmax")))


def clusters(seed, count, apart=0.5):
    centres = np.random.default_rng(40).normal(0, apart, (2, WIDTH))
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, count)
    return (centres[targets] + rng.normal(0, 1, (count, WIDTH))).astype(np.float32), targets


def mostly_right():
    """A head that looks along the clusters' line a little, and across it much: right on four in five of each label."""
    centres, others = (np.random.default_rng(seed).normal(0, 0.5, (2, WIDTH)) for seed in (40, 41))
    middle, along, across = centres.mean(axis=0), centres[1] - centres[0], others[1] - others[0]
    across -= (across @ along) / (along @ along) * along
    line = (along + 3.5 * across).astype(np.float32)
    weights = 0.02 * np.stack([-line, line])
    bias = np.array([1, -1]) * float(middle @ weights[1])
    layer = HeadLayer("d", "innerProduct", {"weights": weights, "bias": bias.astype(np.float32)}, {}, True)
    return Head((layer, HeadLayer("s", "softmax")))


def ended(work):
    """All events of a generator, and what it returns."""
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return events, end.value


def judged(head, count, seed=1, anchors=90):
    features, targets = clusters(seed, count)
    return Lesson(head, features, targets, clusters(seed + 100, anchors)[0])


def test_what_predicts_held_out_verdicts_far_better_is_chosen(make_training, run):
    lesson = judged(mostly_right(), 80)
    events = run("auto", lesson, make_training(), Settings())
    began = next(event for event in events if isinstance(event, TrainingBegan))
    assert (began.trainer, began.why.startswith(BETTER)) == ("fit", True)
    unseen, wanted = clusters(5, 400)
    edited = run("edit", lesson, make_training(), Settings())[-1]
    rights = [(head.logits(unseen).argmax(axis=1) == wanted).mean() for head in (events[-1].head, edited.head, lesson.head)]
    assert 0.65 < rights[2] <= rights[1] < rights[0] - 0.05


def test_flips_alone_do_not_make_a_head_forget(make_training):
    """`fit` is right on all held-out flips that go one way, and wrong on most of what nobody has judged."""
    head = mostly_right()
    features, targets = clusters(1, 300)
    wrong = np.flatnonzero(head.logits(features).argmax(axis=1) != targets)[:20]
    assert len(np.unique(targets[wrong])) == 2
    lesson = Lesson(head, features[wrong], targets[wrong], np.delete(features, wrong, axis=0))
    choice = ended(chosen(lesson, make_training(), Settings(), ALL))[1]
    assert choice.train.__name__ == "edit"


def test_where_nothing_differs_the_default_stays(make_lesson, make_training, with_targets):
    lesson = make_lesson(verdicts=30, width=50)
    agreed = with_targets(lesson, lesson.old_logits.argmax(axis=1))
    assert ended(chosen(agreed, make_training(), Settings(), ALL))[1] is ALL[0]


@pytest.mark.parametrize("change", ["few", "one label", "convolution"])
def test_no_choice_without_grounds(change, make_training, make_lesson):
    lesson = make_lesson(verdicts=9 if change == "few" else 25)
    if change == "one label":
        lesson = replace(lesson, targets=np.ones(25, np.int64))
    if change == "convolution":
        lesson = replace(
            lesson, features=lesson.features.reshape(25, 3, 3, 10), anchors=lesson.anchors[:0].reshape(0, 3, 3, 10)
        )
        layer = HeadLayer("c", "convolution", {"weights": np.ones((2, 10, 3, 3), np.float32)}, {}, True)
        lesson = replace(lesson, head=Head((layer, HeadLayer("s", "softmax"))))
    assert ended(chosen(lesson, make_training(), Settings(), ALL)) == ([], ALL[0])


def test_the_choice_among_ridges_is_scikit_learns(make_training, monkeypatch):
    """Ridges that differ much: the same one has the most held-out verdicts right, in the same folds."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, targets = clusters(3, 60, apart=0.35)
    lesson = Lesson(linear(np.zeros((2, WIDTH), np.float32)), features, targets, features[:0])
    candidates = tuple(replace(FITS[0], ridge=ridge) for ridge in (100.0, 1.0, 0.01))
    seen = []

    def noted(one, other, shares):
        seen.append((one, other, shares))
        return better(one, other, shares)

    better = choosing._better
    monkeypatch.setattr(choosing, "_better", noted)
    ended(chosen(lesson, make_training(), Settings(max_epochs=300), candidates, keeps=False))
    small = choosing._small(lesson, SAMPLES)
    folds = choosing._Trial(small, 1.0)._folds
    order = np.sort(np.concatenate([np.flatnonzero(lesson.flips), np.flatnonzero(~lesson.flips)]))
    x, y = features[order].astype(float), targets[order]
    rows = []
    for candidate in candidates:
        right = np.zeros(len(y), bool)
        for fold in range(FOLDS):
            held = folds == fold
            ridge = candidate.ridge * float((x[~held] ** 2).sum(axis=1).mean() + 1)
            model = linear_model.LogisticRegression(C=2 / ((~held).sum() * ridge), tol=1e-10, max_iter=5000)
            right[held] = model.fit(x[~held], y[~held]).predict(x[held]) == y[held]
        rows.append(right)
    for (one, _, shares), theirs in zip(seen, rows[1:], strict=True):
        assert (one == theirs).mean() > 0.95
        np.testing.assert_allclose(shares, 1 / 60)


def test_the_budget_is_kept_by_counting(make_training):
    lesson, training = judged(mostly_right(), 80), make_training()
    whole, choice = ended(chosen(lesson, training, Settings(budget=1e15), ALL))
    assert choice.train.__name__ == "fit"
    assert {event.total for event in whole} == {len(ALL) * FOLDS}
    most = 0
    for budget in (0, 1e6, 1e7, 5e7):
        events, choice = ended(chosen(lesson, training, Settings(budget=budget), ALL))
        assert most <= len(events) < len(whole)
        assert all(isinstance(event, VerdictsCrossed) for event in events)
        assert events == whole[: len(events)]
        most = len(events)
        if budget <= 1e6:
            assert choice is ALL[0]
            assert len(events) <= 2
    assert most > 10


def test_whoever_stops_gets_the_default(make_training, run):
    asked = []

    def out_of_time():
        asked.append(1)
        return True

    events, choice = ended(chosen(judged(mostly_right(), 80), make_training(), Settings(out_of_time=out_of_time), ALL))
    assert choice is ALL[0]
    assert len(events) <= 1
    assert asked


def test_the_choice_is_the_same_each_time(make_training):
    lesson, training = judged(mostly_right(), 40), make_training()
    first, second = (ended(chosen(lesson, training, Settings(), ALL)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("labels", [60, 140])
def test_a_head_of_many_labels_is_no_trouble(labels, make_lesson, make_training):
    """So many that few samples, or none, are as many equations as may be solved."""
    lesson = make_lesson(verdicts=40, labels=labels)
    assert ended(chosen(lesson, make_training(), Settings(), ALL))[1] is ALL[0]


def test_many_samples_are_thinned_out_kind_by_kind():
    lesson = judged(mostly_right(), 500, anchors=700)
    small = choosing._small(lesson, SAMPLES)
    assert len(small.features) + len(small.anchors) == SAMPLES
    assert small.flips.sum() == (~small.flips).sum() == len(small.anchors) == SAMPLES // 3
    # The same outputs in the samples' own coordinates.
    known = np.sort(lesson.anchor_logits, axis=0)
    for row in small.anchor_logits[:20]:
        assert np.abs(known - row).min(axis=0).max() < 1e-2


def test_shares_are_those_of_the_folder():
    """Of 80 judged and 90 others: flips count as what the head is wrong on, accepted ones as what it is right on."""
    lesson = judged(mostly_right(), 80)
    flips = int(lesson.flips.sum())
    assert 10 <= flips <= 70
    shares = choosing._shares(lesson, choosing._right(lesson))
    assert shares.sum() == pytest.approx(1)
    assert shares[80:].sum() == 0
    e = np.exp(lesson.anchor_logits - lesson.anchor_logits.max(axis=1, keepdims=True))
    sure = float((e.max(axis=1) / e.sum(axis=1)).sum())
    assert shares[:80][lesson.flips].sum() == pytest.approx(1 - (80 - flips + sure) / 170)
    alone = replace(lesson, features=lesson.features[lesson.flips], targets=lesson.targets[lesson.flips])
    shares = choosing._shares(alone, choosing._right(alone))
    assert shares[flips:].sum() == pytest.approx(sure / (flips + 90))


def test_a_candidates_numbers_are_kept_by_its_trainer(make_lesson, make_training, run):
    lesson = make_lesson(verdicts=14, width=300)

    def lead(margin):
        result = run("edit", lesson, make_training(), Settings(margin=margin))[-1]
        now = np.sort(result.head.logits(lesson.features[lesson.flips]), axis=1)
        return (now[:, -1] - now[:, -2]).min()

    assert lead(None) < 0.9 < lead(1.0)
    epochs = [
        sum(isinstance(event, EpochEnded) for event in run("edit", lesson, make_training(), Settings(ridge=ridge)))
        for ridge in (0.3, 0.003)
    ]
    assert epochs[0] > epochs[1]
    assert Candidate(ALL[0].train, ridge=0.1, margin=2.0).numbers == "ridge 0.1, margin 2"


def test_a_new_head_is_fitted_and_says_its_ridge(make_training, run, monkeypatch):
    features, targets = clusters(9, 60)
    lesson = Lesson(linear(np.zeros((2, WIDTH), np.float32)), features, targets, features[:0])
    monkeypatch.setattr(choosing, "_better", lambda one, other, shares: True)
    began = next(event for event in run("auto", lesson, make_training(), Settings()) if isinstance(event, TrainingBegan))
    assert (began.trainer, began.why) == ("fit", f"{FROM_SCRATCH} (ridge 0.001)")
