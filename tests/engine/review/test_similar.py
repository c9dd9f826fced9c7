"""Groups of near-duplicates, held against scikit-learn's linkage of all pictures at once."""

import numpy as np
import pytest

from engine.events import ImagesCompared
from engine.review import similar
from engine.review.projections import DIMENSIONS
from engine.review.similar import ALIKE, ALONE, contradictions, groups
from tests.engine.review.helpers import bursts, key, projected, result

cluster = pytest.importorskip("sklearn.cluster")
neighbors = pytest.importorskip("sklearn.neighbors")


def keys(count):
    return [key(number) for number in range(count)]


def expected_of(vectors):
    """The same by scikit-learn, on all similarities."""
    apart = np.maximum(1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0)
    model = cluster.AgglomerativeClustering(None, metric="precomputed", linkage="complete", distance_threshold=1 - ALIKE)
    return numbered(model.fit_predict(apart))


def numbered(names):
    """0, 1, ... in the order of first members, ALONE for a name that one has."""
    several = [name for name in dict.fromkeys(names.tolist()) if (names == name).sum() > 1]
    return np.array([several.index(name) if name in several else ALONE for name in names.tolist()])


def small_blocks(monkeypatch, **others):
    for name, value in {"ROWS": 13, "COLUMNS": 29, "PENDING": 5, "STEP": 900, **others}.items():
        monkeypatch.setattr(similar, name, value)


@pytest.mark.parametrize("others", [{}, {"DENSE": 0}, {"DENSE": 3}, {"LEADING": 5}, {"LEADING": 127}])
def test_groups_are_those_of_complete_linkage(monkeypatch, others):
    small_blocks(monkeypatch, **others)
    # So loose that bursts fall apart, and some are tied to each other.
    vectors, _ = bursts([1] * 40 + [2] * 17 + [5] * 9 + [23], seed=4, spread=0.42)
    vectors[::3] += 0.8 * vectors[0]
    found = projected(vectors)
    count = len(vectors)
    said = result(groups(found, keys(count)))
    expected = expected_of(found.vectors(keys(count)))
    assert np.array_equal(said, expected)
    assert 10 < len(set(said.tolist())) < 60 and np.bincount(said[said >= 0]).max() > 3


def test_bursts_are_found_in_any_order_of_pictures():
    vectors, burst = bursts([1] * 211 + [2] * 30 + [7] * 12, seed=5)
    found = projected(vectors)
    order = np.random.default_rng(6).permutation(len(vectors))
    assert np.array_equal(result(groups(found, keys(len(vectors)))), numbered(burst))
    assert np.array_equal(result(groups(found, [key(n) for n in order])), numbered(burst[order]))


def test_no_pair_is_missed_that_scikit_learn_finds(monkeypatch):
    small_blocks(monkeypatch)
    vectors, _ = bursts([3] * 61 + [1] * 50, seed=8, spread=0.36)
    found = projected(vectors)
    count = len(vectors)
    rows = found.vectors(keys(count))
    model = neighbors.NearestNeighbors(radius=1 - ALIKE, metric="cosine").fit(rows)
    alike = model.radius_neighbors_graph(rows).toarray().astype(bool)
    said = []
    monkeypatch.setattr(similar, "connected", lambda part, *pairs: said.extend(zip(*pairs, strict=True)) or part)
    result(groups(found, keys(count)))
    assert {(int(a), int(b)) for a, b in said if a < b} == set(map(tuple, np.argwhere(np.triu(alike, 1)).tolist()))


def test_neighbours_in_a_chain_do_not_make_one_group():
    turn = np.linspace(0, np.pi / 2, 19)
    vectors = np.zeros((19, DIMENSIONS))
    vectors[:, 0], vectors[:, 1] = np.cos(turn), np.sin(turn)
    found = projected(np.concatenate([vectors, np.eye(DIMENSIONS)[2:103], -np.eye(DIMENSIONS)[2:103]]))
    rows = found.vectors(keys(19))
    said = result(groups(found, keys(221)))
    assert (np.einsum("ij,ij->i", rows[1:], rows[:-1]) > ALIKE).all()
    assert len(set(said[:19].tolist())) >= 3 and (said[:19] >= 0).sum() > 15 and (said[19:] == ALONE).all()
    assert_alike(rows, said[:19])


def assert_alike(rows, said):
    for group in set(said.tolist()) - {ALONE}:
        assert (rows[said == group] @ rows[said == group].T).min() > ALIKE - 1e-5


def test_more_than_can_be_grouped_at_once_are_cut_and_stay_alike(monkeypatch):
    small_blocks(monkeypatch, MOST=40, LEADERS=3)
    vectors, burst = bursts([97, 1, 1, 61] + [1] * 150, seed=9, spread=0.3)
    found = projected(vectors)
    count = len(vectors)
    said = result(groups(found, keys(count)))
    rows = found.vectors(keys(count))
    assert_alike(rows, said)
    for large in (0, 3):
        assert np.unique(said[burst == large]).size < 9 and (said[burst == large] == ALONE).sum() < 9
    assert np.bincount(said[said >= 0]).max() <= 40
    assert all(len(set(burst[said == group].tolist())) == 1 for group in set(said.tolist()) - {ALONE})


def test_pictures_without_features_are_alone():
    vectors, burst = bursts([2] * 7, seed=2)
    found = projected(vectors)
    said = result(groups(found, [key(900), *keys(14), key(901), key(902)]))
    assert np.array_equal(said[1:15], numbered(burst))
    assert said[[0, 15, 16]].tolist() == [ALONE] * 3
    assert result(groups(projected(vectors[:0]), keys(3))).tolist() == [ALONE] * 3
    assert result(groups(found, [])).tolist() == []


def test_events_tell_how_far_it_is(monkeypatch):
    small_blocks(monkeypatch)
    vectors, _ = bursts([2] * 20, seed=2)
    said = list(groups(projected(vectors), keys(40)))
    assert said[-1] == ImagesCompared(40, 40)
    assert [each.done for each in said] == sorted(each.done for each in said)
    assert {each.done for each in said} == {0, 13, 26, 39, 40}
    assert sum(each.done == 40 for each in said) == 21, "one a block and one a group"


def test_verdicts_that_contradict_each_other_are_named():
    found = np.array([0, ALONE, 1, 0, 2, 1, 0, ALONE, 2, 3, 3])
    labels = ["Cat", "Dog", "Dog", None, "Cat", "Dog", "Dog", "Cat", "Dog", None, "Cat"]
    assert [each.tolist() for each in contradictions(found, labels)] == [[0, 6], [4, 8]]
    assert contradictions(found, [None] * 11) == []
    assert contradictions(found[:0], []) == []
