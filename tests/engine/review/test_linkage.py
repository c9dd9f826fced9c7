"""Linkage, held against scikit-learn and SciPy."""

import numpy as np
import pytest

from engine.review.linkage import complete, connected, members

cluster = pytest.importorskip("sklearn.cluster")
sparse = pytest.importorskip("scipy.sparse")


def lowest(names):
    """Groups by whatever name, each named by its lowest member."""
    return np.array([int(np.flatnonzero(names == name)[0]) for name in names])


def similarities(count, seed):
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.standard_normal((count // 2, 4)), rng.standard_normal((count - count // 2, 4)) + 0.7])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points @ points.T


@pytest.mark.parametrize("count", [2, 7, 58, 211])
@pytest.mark.parametrize("least", [-0.5, 0.6, 0.85, 0.97])
def test_complete_linkage_is_that_of_scikit_learn(count, least):
    alike = similarities(count, count)
    model = cluster.AgglomerativeClustering(None, metric="precomputed", linkage="complete", distance_threshold=1 - least)
    expected = model.fit_predict(np.maximum(1 - alike, 0))
    before = alike.copy()
    assert np.array_equal(complete(alike, least), lowest(expected))
    assert np.array_equal(alike, before)


def test_alone_and_all_together():
    assert complete(np.ones((1, 1)), 0.9).tolist() == [0]
    assert complete(np.full((5, 5), 0.91), 0.9).tolist() == [0] * 5
    assert complete(np.eye(4), 0.9).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("pairs", [0, 30, 170, 900])
def test_what_is_connected_is_what_scipy_says(pairs):
    rng = np.random.default_rng(pairs)
    first, second = rng.integers(0, 263, (2, pairs))
    part = connected(np.arange(263), first[: pairs // 3], second[: pairs // 3])
    part = connected(part, second[pairs // 3 :], first[pairs // 3 :])
    graph = sparse.coo_matrix((np.ones(pairs), (first, second)), shape=(263, 263))
    assert np.array_equal(part, lowest(sparse.csgraph.connected_components(graph, directed=False)[1]))


def test_a_long_chain_is_connected_in_any_order():
    order = np.random.default_rng(1).permutation(500)
    assert not connected(np.arange(500), order[:-1], order[1:]).any()


def test_members_are_those_of_two_or_more():
    assert [each.tolist() for each in members(np.array([4, 1, 4, 7, 1, 4]))] == [[1, 4], [0, 2, 5]]
    assert not list(members(np.arange(0)))
