"""Neighbours vote as scikit-learn's do; samples are added once."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import BadLabels, CannotTrain
from engine.head import neighbors as module
from engine.head.neighbors import NeighborHead
from engine.spec.neighbors import Neighbors
from engine.spec.training import Allowed

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
@pytest.mark.parametrize("k", range(1, 38, 4))
def test_shares_are_those_of_scikit_learn(k, weighting, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3 * 37)
    queries = np.concatenate([QUERIES, SAMPLES[:3]])  # three that are stored already
    found = head(k, weighting).probabilities(queries.reshape(14, 6, 1, 1))
    assert (found.dtype, found.shape) == (np.float32, (14, 4))
    np.testing.assert_allclose(found, sklearn(k, weighting, queries), atol=1e-6)


def test_samples_at_no_distance_outvote_all_others():
    samples = np.array([[0, 1e-15], [0, 0], [0, 1e-15], [0, 1e-15]], np.float32)
    found = head(4, "inverse_distance", samples, np.array([0, 1, 0, 2])).probabilities(np.zeros((1, 2), np.float32))
    assert found.tolist() == [[0, 1, 0, 0]]


def test_what_the_file_says_is_what_votes():
    said = Neighbors(6, SAMPLES, ("b", "a") * 18 + ("c",), Allowed(7), "inverse_distance", "kd_tree", 30, "d")
    new = NeighborHead.of(said)
    assert (new.names, new.k, new.weighting, new.sample_labels) == (("b", "a", "c"), 7, "inverse_distance", [*said.labels])
    empty = NeighborHead.of(replace(said, samples=SAMPLES[:0], labels=(), default_label=0))
    assert (empty.names, empty.probabilities(QUERIES).tolist()) == ((0,), [[1.0]] * 11)


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


def exact(samples, queries):
    """(queries, samples): distances in double precision."""
    return np.linalg.norm(samples.astype(float) - queries.astype(float)[:, None], axis=2)


def test_far_groups_of_samples_that_are_nearly_alike_are_told_apart():
    """No centre serves both groups; in each, more samples than any fixed number of candidates lie within rounding."""
    samples = (4000 + RNG.normal(0, 0.01, (300, 17))).astype(np.float32)
    samples[1::2] *= -1
    queries = (samples[:23] + np.float32(0.001)).astype(np.float32)
    one_each = head(1, samples=samples, labels=np.arange(300), names=tuple(map(str, range(300))))
    np.testing.assert_array_equal(one_each.probabilities(queries).argmax(axis=1), exact(samples, queries).argmin(axis=1))


@pytest.mark.parametrize("size", [1e-30, 1e-22, 1e17, 1e25, 3e37])
def test_sizes_whose_squares_do_not_fit(size):
    samples, queries = (SAMPLES * np.float32(size), QUERIES * np.float32(size))
    one_each = head(1, samples=samples, labels=np.arange(37), names=tuple(range(37)))
    np.testing.assert_array_equal(one_each.probabilities(queries).argmax(axis=1), exact(SAMPLES, QUERIES).argmin(axis=1))


def test_blocks_do_not_matter(monkeypatch):
    wanted = head(5, "inverse_distance").probabilities(QUERIES)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    np.testing.assert_allclose(head(5, "inverse_distance").probabilities(QUERIES), wanted, atol=1e-6)


LINE = np.arange(1, 9, dtype=np.float32)[:, None] * np.ones(3, np.float32)


@pytest.mark.parametrize("weighting", ["uniform", "inverse_distance"])
@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([1, 0], 1),
        ([1, 0, 0, 1], 1),
        ([1, 0, 0, 0, 1, 1], 1),
        ([2, 0, 1, 1, 0, 2], 2),
        ([2, 0, 0, 1, 1], 0),
        ([2, 0, 1, 1, 3, 0], 0),
    ],
)
def test_of_equal_votes_the_nearest_wins(labels, wanted, weighting):
    """All samples are at one distance for the weights, but in the order of their places."""
    samples = LINE[: len(labels)] if weighting == "uniform" else np.ones((len(labels), 3), np.float32)
    votes = np.bincount(labels, minlength=4) / len(labels)
    shares = head(len(labels), weighting, samples, np.array(labels)).probabilities(np.zeros((1, 3), np.float32))[0]
    assert shares.argmax() == wanted
    np.testing.assert_allclose(shares, votes, atol=2e-7)
    assert (shares == shares.max()).sum() == 1


def test_of_samples_equally_near_the_first_count():
    samples = np.array([[0, 2], [2, 0], [0, -2], [-2, 0], [0, 1]], np.float32)
    found = head(3, samples=samples, labels=np.array([3, 2, 1, 0, 0])).probabilities(np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(found, [[1 / 3, 0, 1 / 3, 1 / 3]], atol=1e-6)
    assert found.argmax() == 0


def test_without_samples_the_default_has_everything():
    empty = head(3, samples=SAMPLES[:0], labels=LABELS[:0], names=("nothing",))
    assert empty.probabilities(QUERIES).tolist() == [[1.0]] * 11


def test_samples_are_learned_once_and_relabelled():
    new = head().learned(np.concatenate([QUERIES[:2], SAMPLES[5:6], QUERIES[:1]]), ["eel", "bee", "fox", "cow"])
    assert len(new.samples) == 39
    assert set(new.names) == {*NAMES, "fox"}
    np.testing.assert_array_equal(new.samples[:37], SAMPLES)
    np.testing.assert_array_equal(new.samples[37:], QUERIES[:2])
    assert [new.sample_labels[at] for at in (37, 38, 5)] == ["cow", "bee", "fox"]
    assert [new.sample_labels[at] for at in range(37) if at != 5] == [NAMES[n] for at, n in enumerate(LABELS) if at != 5]
    assert len(head().samples) == 37


def test_names_are_those_of_samples_in_the_order_of_a_file():
    """A label whose last sample is relabelled is gone, as it is from the file that is written."""
    three = head(1, samples=SAMPLES[:3], labels=np.array([0, 1, 0]), names=("ant", "bee"))
    new = three.learned(SAMPLES[:2], ["cow", "ant"])
    assert (new.names, new.sample_labels) == (("cow", "ant"), ["cow", "ant", "ant"])
    assert new.probabilities(SAMPLES[:3]).tolist() == [[1, 0], [0, 1], [0, 1]]


def test_nothing_learned_is_no_change():
    assert head().probabilities(QUERIES[:0]).shape == (0, 4)
    assert head().learned(QUERIES[:0], []).sample_labels == head().sample_labels
    assert head().learned(SAMPLES[:4], [NAMES[n] for n in LABELS[:4]]).sample_labels == head().sample_labels


def test_every_copy_is_relabelled():
    samples = np.concatenate([SAMPLES[:4], SAMPLES[1:2], SAMPLES[1:2]])
    new = head(3, samples=samples, labels=np.array([0, 1, 1, 2, 1, 3])).learned(SAMPLES[1:2], ["eel"])
    assert new.sample_labels == ["ant", "eel", "bee", "cow", "eel", "eel"]


@pytest.mark.parametrize(("apart", "known"), [(0.0, True), (3e-6, True), (1e-4, False)])
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_rounding_does_not_make_another_sample(apart, known, size):
    samples = np.abs(SAMPLES) * np.float32(size)
    nearly = (samples[7:8] * (1 + apart)).astype(np.float32)
    for rows, stored in ((nearly, samples), (np.concatenate([samples[7:8], nearly]), samples[:7])):
        labels = ["eel", "fox"][-len(rows) :]
        new = head(samples=stored, labels=LABELS[: len(stored)]).learned(rows, labels)
        assert len(new.samples) == len(stored) + len(rows) - known
        assert new.sample_labels[7 if known else -1] == "fox"


def test_what_is_like_a_row_that_was_not_kept_is_kept():
    """Likeness does not carry over: the third row is too far from the first, which alone is stored."""
    rows = (SAMPLES[:1] * (1 + np.array([[0], [8e-6], [16e-6]]))).astype(np.float32)
    new = head(samples=SAMPLES[1:], labels=LABELS[1:]).learned(rows, ["ant", "eel", "fox"])
    np.testing.assert_array_equal(new.samples[36:], rows[[0, 2]])
    assert new.sample_labels[36:] == ["eel", "fox"]


def test_samples_are_left_out_but_for_rounding(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3 * 37)
    copies = replace(head(), samples=np.concatenate([SAMPLES, SAMPLES[5:6]]), labels=np.append(LABELS, 3))
    left = copies.without(np.concatenate([SAMPLES[[5, 30]] * np.float32(1 + 2e-7), QUERIES]).reshape(13, 6, 1, 1))
    stay = np.delete(np.arange(37), [5, 30])
    np.testing.assert_array_equal(left.samples, SAMPLES[stay])
    np.testing.assert_array_equal(left.labels, LABELS[stay])
    assert left.names == NAMES and len(copies.samples) == 38
    np.testing.assert_allclose(left.probabilities(QUERIES), sklearn(5, "uniform", QUERIES, SAMPLES[stay], LABELS[stay]))
    none = left.without(SAMPLES)
    assert len(none.samples) == len(none.without(SAMPLES).samples) == 0
    assert none.learned(SAMPLES[:2], ["doe", "ant"]).names == ("doe", "ant")


def test_features_that_are_not_finite_are_not_kept():
    with pytest.raises(CannotTrain, match="not finite"):
        head().learned(np.full((1, 6), np.nan, np.float32), ["ant"])


def test_the_first_samples_replace_the_default():
    empty = head(3, samples=SAMPLES[:0], labels=LABELS[:0], names=("nothing",))
    assert empty.learned(QUERIES[:3].reshape(3, 6, 1, 1), ["b", "a", "b"]).names == ("b", "a")


def test_labels_that_are_numbers_stay_numbers():
    numbers = head(names=(3, 5, 8, 13))
    assert numbers.learned(QUERIES[:1], ["21"]).names == (3, 5, 8, 13, 21)
    for label in ("fox", str(2**63)):
        with pytest.raises(BadLabels, match=f"'{label}' is no whole number"):
            numbers.learned(QUERIES[:1], [label])
