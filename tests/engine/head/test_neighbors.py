"""Neighbours vote as scikit-learn's do; samples are added once."""

import numpy as np
import pytest

from engine.errors import BadLabels
from engine.head import neighbors as module
from engine.head.neighbors import NeighborHead

RNG = np.random.default_rng(4)
SAMPLES = RNG.normal(0, 1, (37, 6)).astype(np.float32)
LABELS = RNG.integers(0, 4, 37)
QUERIES = RNG.normal(0, 1, (11, 6)).astype(np.float32)
NAMES = ("ant", "bee", "cow", "doe")


def head(k=5, weighting="uniform", samples=SAMPLES, labels=LABELS, names=NAMES):
    return NeighborHead(samples, labels.astype(np.int64), names, k, weighting)


def sklearn(k, weighting, queries, samples=SAMPLES, labels=LABELS):
    neighbors = pytest.importorskip("sklearn.neighbors")
    weights = "distance" if weighting == "inverse_distance" else "uniform"
    return neighbors.KNeighborsClassifier(k, weights=weights).fit(samples, labels).predict_proba(queries)


@pytest.mark.parametrize("weighting", ["uniform", "inverse_distance"])
@pytest.mark.parametrize("k", [1, 2, 5, 20, 36, 37])
def test_shares_are_those_of_scikit_learn(k, weighting, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3 * 37)
    queries = np.concatenate([QUERIES, SAMPLES[:3]])  # three that are stored already
    found = head(k, weighting).probabilities(queries.reshape(14, 6, 1, 1))
    assert (found.dtype, found.shape) == (np.float32, (14, 4))
    np.testing.assert_allclose(found, sklearn(k, weighting, queries), atol=1e-6)


def test_more_neighbours_than_samples_are_all_of_them():
    np.testing.assert_allclose(head(99).probabilities(QUERIES), head(37).probabilities(QUERIES))


def test_samples_that_are_nearly_alike_are_told_apart():
    """Squares of thousands leave float32 no room for differences of a hundredth; the exact second look does."""
    samples = np.full((60, 6), 4000, np.float32) + np.arange(60, dtype=np.float32)[:, None] / 64
    labels = np.arange(60) % 4
    queries = samples[::7] + np.float32(1 / 512)
    found = head(3, "inverse_distance", samples, labels).probabilities(queries)
    np.testing.assert_allclose(
        found, sklearn(3, "inverse_distance", queries.astype(float), samples.astype(float), labels), atol=1e-4
    )


def test_of_equal_votes_the_nearest_wins():
    samples = np.array([[0.0, 3], [0, 1], [0, -2], [0, 9]], np.float32)
    for labels, wanted in (([0, 1, 1, 0], 1), ([1, 0, 1, 1], 0)):
        two = head(2, samples=samples, labels=np.array(labels))
        assert two.probabilities(np.zeros((1, 2), np.float32)).argmax() == (
            labels[1] if len({labels[1], labels[2]}) > 1 else wanted
        )
    tie = head(2, samples=samples, labels=np.array([3, 2, 0, 1])).probabilities(np.zeros((1, 2), np.float32))
    assert tie.argmax() == 2
    np.testing.assert_allclose(tie, [[0.5, 0, 0.5, 0]], atol=1e-6)


def test_without_samples_the_default_has_everything():
    empty = head(3, samples=SAMPLES[:0], labels=LABELS[:0], names=("nothing",))
    assert empty.probabilities(QUERIES).tolist() == [[1.0]] * 11


def test_samples_are_learned_once_and_relabelled():
    new = head().learned(np.concatenate([QUERIES[:2], SAMPLES[5:6], QUERIES[:1]]), ["eel", "bee", "fox", "cow"])
    assert len(new.samples) == 39
    assert new.names == (*NAMES, "eel", "fox")
    np.testing.assert_array_equal(new.samples[37:], QUERIES[:2])
    assert [new.sample_labels[at] for at in (37, 38, 5)] == ["cow", "bee", "fox"]
    assert [new.sample_labels[at] for at in range(37) if at != 5] == [NAMES[n] for at, n in enumerate(LABELS) if at != 5]
    assert len(head().samples) == 37


def test_the_first_samples_replace_the_default():
    empty = head(3, samples=SAMPLES[:0], labels=LABELS[:0], names=("nothing",))
    assert empty.learned(QUERIES[:3].reshape(3, 6, 1, 1), ["b", "a", "b"]).names == ("b", "a")


def test_labels_that_are_numbers_stay_numbers():
    numbers = head(names=(3, 5, 8, 13))
    assert numbers.learned(QUERIES[:1], ["21"]).names == (3, 5, 8, 13, 21)
    with pytest.raises(BadLabels, match="'fox' is no whole number"):
        numbers.learned(QUERIES[:1], ["fox"])
