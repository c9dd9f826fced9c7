"""Held-out verdicts are predicted by heads that know nothing of them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import BadLabels, CannotTrain
from engine.events import Retrained, VerdictsCrossed
from engine.head import Head
from engine.review.crossed import FOLDS, crossed


def cross(lesson, train, groups=None):
    """The events, and what comes of it."""
    events, work = [], crossed(lesson, train, np.full(len(lesson.features), -1) if groups is None else groups)
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return events, end.value


def right(said, lesson):
    return int((said.probabilities.argmax(axis=1) == lesson.targets).sum())


def test_no_head_has_seen_what_it_predicts(make_lesson, make_head, seen, rows):
    champion, origin = make_head(seed=1), make_head(seed=2)
    lesson = replace(make_lesson(head=champion), origin=origin)
    _, said = cross(lesson, seen)
    assert len(seen.lessons) == 5
    for at, part in enumerate(seen.lessons):
        assert part.head is origin and part.origin is None and part.anchors is lesson.anchors
        np.testing.assert_array_equal(rows(part), np.flatnonzero(said.fold != at))
        np.testing.assert_array_equal(part.targets, lesson.targets[rows(part)])
    np.testing.assert_array_equal(said.before, origin.probabilities(lesson.features))


def test_each_fold_is_predicted_by_the_head_that_learned_the_others(make_lesson, train):
    lesson = make_lesson()
    _, said = cross(lesson, train)
    for at in range(FOLDS):
        held = said.fold == at
        *_, result = train(replace(lesson, features=lesson.features[~held], targets=lesson.targets[~held]))
        np.testing.assert_array_equal(said.probabilities[held], result.head.probabilities(lesson.features[held]))
    assert (said.probabilities.dtype, said.probabilities.shape) == (np.float32, (53, 3))
    assert right(said, lesson) > 35
    assert (said.before.argmax(axis=1) == 0).all()


def test_what_cannot_be_known_is_not_known(make_lesson, train):
    """Labels by chance: the champion has learned them all, heads that have not seen them are no better than chance."""
    lesson = make_lesson(verdicts=240, labels=2, apart=0.0, width=500)
    *_, result = train(lesson)
    assert result.after.correct > 230
    champion = replace(lesson, head=result.head, origin=lesson.head)
    _, said = cross(champion, train)
    assert 90 < right(said, lesson) < 150


def test_neighbours_are_those_of_scikit_learns_cross_validation(make_lesson, make_neighbors, train):
    selection = pytest.importorskip("sklearn.model_selection")
    neighbors = pytest.importorskip("sklearn.neighbors").KNeighborsClassifier(5)
    lesson = make_lesson()
    _, said = cross(replace(lesson, keeps=make_neighbors(lesson, 5), head=Head(())), train)
    folds = selection.PredefinedSplit(said.fold)
    theirs = selection.cross_val_predict(neighbors, lesson.features, lesson.targets, cv=folds, method="predict_proba")
    np.testing.assert_allclose(said.probabilities, theirs, atol=1e-6)
    assert said.before[:, 0].min() == 1 and said.before[:, 1:].max() == 0


def test_samples_of_the_verdicts_pictures_do_not_vote(make_lesson, make_neighbors, train):
    lesson = make_lesson(verdicts=240, labels=2, apart=0.0)
    lesson = replace(lesson, keeps=make_neighbors(lesson), head=Head(()))
    *_, result = train(lesson)
    assert result.after.correct == 240
    _, said = cross(replace(lesson, keeps=result.head), train)
    _, fresh = cross(lesson, train)
    assert 90 < right(said, lesson) < 150
    np.testing.assert_array_equal(said.probabilities, fresh.probabilities)


def test_samples_of_the_models_own_vote(make_lesson, make_neighbors, train):
    lesson = make_lesson(apart=3.0)
    own = make_lesson(verdicts=31, apart=3.0)
    keeps = make_neighbors(lesson).learned(own.features + 0.01, ["cow", "ant", "dog"] * 10 + ["cow"])
    _, said = cross(replace(lesson, keeps=keeps, head=Head(())), train)
    assert said.before[:, 0].sum() > 0 and said.before[:, 2].sum() > 0
    # `dog` is no label of the lesson; its samples vote all the same.
    assert said.before.sum(axis=1).min() == 0


def test_near_duplicates_stay_together(make_lesson, train):
    groups = np.random.default_rng(2).integers(0, 20, 53)
    _, said = cross(make_lesson(), train, groups)
    assert all(len(set(said.fold[groups == one])) == 1 for one in groups)


def test_every_step_of_a_training_is_an_event(make_lesson, seen):
    events, _ = cross(make_lesson(), seen)
    steps = [len(list(seen(part))) for part in seen.lessons]
    assert all(isinstance(each, VerdictsCrossed) and each.total == 53 for each in events)
    assert len(events) == 1 + sum(steps) + 5
    done = [each.done for each in events]
    assert done == sorted(done) and (done[0], done[-1]) == (0, 53)


@pytest.mark.parametrize("verdicts", [1, 2, 3])
def test_fewer_verdicts_than_folds(verdicts, make_lesson, make_head, train):
    lesson = make_lesson(verdicts, head=make_head(seed=3))
    _, said = cross(lesson, train)
    assert sorted(said.fold) == list(range(verdicts))
    assert said.probabilities.shape == (verdicts, 3)
    if verdicts == 1:
        np.testing.assert_array_equal(said.probabilities, said.before)


def test_a_label_with_one_verdict_cannot_be_right(make_lesson, train):
    lesson = make_lesson(labels=3, apart=3.0)
    lesson = replace(lesson, targets=np.where(np.arange(53) == 11, 2, np.minimum(lesson.targets, 1)))
    _, said = cross(lesson, train)
    assert said.probabilities[11].argmax() != 2


def test_verdicts_of_one_label_teach_a_fresh_head_nothing(make_lesson, make_head, train):
    lesson = make_lesson()
    lesson = replace(lesson, targets=np.ones_like(lesson.targets))
    with pytest.raises(BadLabels):
        list(train(lesson))
    _, said = cross(lesson, train)
    np.testing.assert_array_equal(said.probabilities, said.before)
    _, said = cross(replace(lesson, head=make_head(seed=1)), train)
    assert (said.probabilities != said.before).any()


def test_numbers_are_not_reviewed(make_lesson, train):
    lesson = make_lesson()
    with pytest.raises(CannotTrain, match="only labels"):
        cross(replace(lesson, targets=np.zeros((53, 3), np.float32)), train)


def test_what_is_wrong_with_the_trainer_is_said(make_lesson, train):
    def broken(lesson):
        yield from train(lesson, "edit")
        raise CannotTrain("No.")

    with pytest.raises(CannotTrain):
        cross(make_lesson(), broken)


def test_the_last_event_has_the_head(make_lesson, train):
    """Trainers may say more than they used to before their last event; nothing but that is believed."""

    def chatty(lesson):
        for event in train(lesson):
            yield event if not isinstance(event, Retrained) else replace(event, head=lesson.head)
        yield event

    lesson = make_lesson()
    _, said = cross(lesson, chatty)
    _, plain = cross(lesson, train)
    np.testing.assert_array_equal(said.probabilities, plain.probabilities)
