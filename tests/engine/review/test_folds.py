"""Folds are even, of every label as well, and keep groups together."""

import numpy as np
import pytest

from engine.review.folds import dealt


def alone(verdicts):
    return np.full(verdicts, -1)


def spread(targets, fold):
    """How unevenly each label's verdicts lie: the standard deviation over the folds of its share, the mean of all."""
    shares = [[((targets == k) & (fold == at)).sum() / (targets == k).sum() for at in set(fold)] for k in set(targets)]
    return np.std(shares, axis=1).mean()


@pytest.mark.parametrize(("verdicts", "labels", "folds"), [(5, 2, 5), (53, 3, 5), (101, 7, 4), (1000, 2, 9)])
def test_without_groups_they_differ_by_one_verdict_at_most(verdicts, labels, folds):
    rng = np.random.default_rng(verdicts)
    targets = rng.choice(labels, verdicts, p=rng.dirichlet(np.ones(labels)))
    fold = dealt(targets, alone(verdicts), folds)
    assert np.ptp(np.bincount(fold, minlength=folds)) <= 1
    for label in range(labels):
        assert np.ptp(np.bincount(fold[targets == label], minlength=folds)) <= 1
    np.testing.assert_array_equal(fold, dealt(targets, alone(verdicts), folds))
    assert (np.diff(fold) < 0).any()


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_groups_stay_together_and_folds_are_as_even_as_scikit_learns():
    splitter = pytest.importorskip("sklearn.model_selection").StratifiedGroupKFold
    ours, theirs = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        verdicts, labels, folds = int(rng.integers(60, 300)), int(rng.integers(2, 5)), int(rng.integers(2, 7))
        groups = rng.integers(0, int(rng.integers(20, verdicts)), verdicts)
        targets = rng.integers(0, labels, verdicts) if seed % 2 else rng.integers(0, labels, verdicts)[groups]
        fold = dealt(targets, groups, folds)
        assert all(len(set(fold[groups == one])) == 1 for one in set(groups))
        assert set(fold) == set(range(folds))
        sklearns = np.empty(verdicts, int)
        for at, (_, held) in enumerate(splitter(folds).split(targets, targets, groups)):
            sklearns[held] = at
        ours.append(spread(targets, fold))
        theirs.append(spread(targets, sklearns))
    assert np.mean(ours) <= np.mean(theirs)
    assert np.max(np.subtract(ours, theirs)) < 0.03


def test_a_group_of_each_verdict_alone_is_no_group():
    targets = np.random.default_rng(1).integers(0, 3, 47)
    np.testing.assert_array_equal(dealt(targets, np.arange(47) * 7 + 20, 5), dealt(targets, alone(47), 5))


def test_there_are_no_more_folds_than_groups():
    assert sorted(dealt(np.array([0, 1, 0]), alone(3), 5)) == [0, 1, 2]
    assert dealt(np.array([0, 1, 0, 1]), np.array([8, 8, 8, 8]), 5).tolist() == [0, 0, 0, 0]
    groups = np.array([3, 1, 3, 1, 2])
    fold = dealt(np.array([0, 1, 1, 0, 1]), groups, 5)
    assert len(set(fold)) == 3 and fold[0] == fold[2] and fold[1] == fold[3]


def test_a_label_that_has_fewer_verdicts_than_folds_is_in_as_many():
    targets = np.array([0] * 20 + [1] * 3)
    assert len(set(dealt(targets, alone(23), 5)[20:])) == 3


def test_pictures_alone_lie_beside_groups():
    rng = np.random.default_rng(4)
    targets, groups = rng.integers(0, 3, 173), np.where(rng.random(173) < 0.3, rng.integers(0, 11, 173), -1)
    fold = dealt(targets, groups, 5)
    for group in range(11):
        assert len(set(fold[groups == group])) == 1
    assert np.ptp(np.bincount(fold)) <= 2
    for label in range(3):
        assert np.ptp(np.bincount(fold[targets == label])) <= 2


def test_nothing_is_dealt_into_nothing():
    assert len(dealt(np.zeros(0, np.int64), alone(0), 5)) == 0
