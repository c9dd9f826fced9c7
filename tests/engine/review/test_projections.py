"""Short vectors that keep the angles between features, held against scikit-learn on the features themselves."""

import numpy as np
import pytest

from engine.events import ImagesCompared
from engine.features import FeatureStore
from engine.review import projections
from engine.review.projections import COMMON, DIMENSIONS, Projections

pairwise = pytest.importorskip("sklearn.metrics.pairwise")
neighbors = pytest.importorskip("sklearn.neighbors")


def key(number):
    return int(number).to_bytes(16, "big")


def keys(count):
    return [key(number) for number in range(count)]


def clusters(count, width, seed=0, spread=0.6):
    """Features in clusters of five, so that cosines are anything from 0 to 1; float32 (count, width)."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count // 5 + 1, width))
    rows = centres[np.arange(count) // 5] + spread * rng.random((count, 1)) * rng.standard_normal((count, width))
    return (rows * rng.uniform(0.2, 9, (count, 1))).astype(np.float32)


def covered(folder, features, **kinds):
    """The projections of features, by `key`, and what was said."""
    with FeatureStore(folder, features.shape[1:], **kinds) as store:
        store.append(keys(len(features)), features)
        found = Projections()
        return found, list(found.cover(store, keys(len(features))))


@pytest.mark.parametrize("width", [700, 9001])
def test_cosines_are_those_of_the_features_but_for_a_small_error(tmp_path, width):
    features = clusters(83, width)
    found, _ = covered(tmp_path, features)
    vectors = found.vectors(keys(83))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    expected = pairwise.cosine_similarity(features)
    apart = (vectors @ vectors.T - expected)[np.triu_indices(83, 1)]
    deviation = (1 - expected[np.triu_indices(83, 1)] ** 2) / np.sqrt(DIMENSIONS)
    assert 0.8 < np.std(apart / np.maximum(deviation, 0.01)) < 1.2
    assert abs(apart.mean()) < 0.005


def test_features_of_few_numbers_are_taken_as_they_are(tmp_path):
    features = clusters(41, 29).reshape(41, 29, 1, 1)
    vectors = covered(tmp_path, features)[0].vectors(keys(41))
    np.testing.assert_allclose(vectors @ vectors.T, pairwise.cosine_similarity(features.reshape(41, 29)), atol=1e-5)


def test_half_precision_changes_little(tmp_path):
    features = clusters(37, 300)
    full, half = covered(tmp_path / "full", features)[0], covered(tmp_path / "half", features, half=True)[0]
    np.testing.assert_allclose(half.vectors(keys(37)), full.vectors(keys(37)), atol=2e-3)


def test_pictures_that_come_later_are_added_and_nothing_is_read_twice(tmp_path, monkeypatch):
    features = clusters(53, 310) + 2
    monkeypatch.setattr(projections, "block_of", lambda store: 7)
    with FeatureStore(tmp_path, (310,)) as store:
        store.append(keys(53), features)
        found = Projections()
        assert list(found.cover(store, [*keys(20), key(4), key(99)]))[-1] == ImagesCompared(20, 20)
        assert len(found) == 20 and key(4) in found and key(99) not in found
        before = found.vectors(keys(20))
        said = list(found.cover(store, keys(53)[::-1]))
        assert said == [ImagesCompared(n, 33) for n in (7, 14, 21, 28, 33)]
        assert not list(found.cover(store, keys(53)))
    order = [key(n) for n in np.random.default_rng(3).permutation(53)]
    assert np.abs(before - found.vectors(keys(20))).max() > 1e-3, "their mean is another one"
    at_once = covered(tmp_path / "other", features)[0]
    np.testing.assert_allclose(found.vectors(order), at_once.vectors(order), atol=1e-5)


def test_to_stop_half_way_leaves_what_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(projections, "block_of", lambda store: 6)
    with FeatureStore(tmp_path, (200,)) as store:
        store.append(keys(23), clusters(23, 200))
        found = Projections()
        work = found.cover(store, keys(23))
        next(work)
        work.close()
        assert len(found) == 6
        np.testing.assert_allclose(np.linalg.norm(found.vectors(keys(6)), axis=1), 1, rtol=1e-5)
        assert list(found.cover(store, keys(23)))[-1] == ImagesCompared(17, 17)


def test_features_that_say_nothing_and_damaged_ones_have_no_vector(tmp_path):
    features = clusters(31, 150)
    features[3], features[8, 5], features[9, 7], features[14] = 0, np.nan, np.inf, 1e30
    with FeatureStore(tmp_path, (150,)) as store:
        store.append(keys(31), features)
    (path,) = tmp_path.glob("features*.f32")
    octets = bytearray(path.read_bytes())
    octets[21 * 600 + 11] ^= 1
    path.write_bytes(octets)
    with FeatureStore(tmp_path, (150,)) as store:
        found = Projections()
        list(found.cover(store, keys(31)))
    bad = {3, 8, 9, 14, 21}
    assert [n for n in range(31) if key(n) not in found] == sorted(bad)
    lengths = np.linalg.norm(found.vectors(keys(33)), axis=1)
    np.testing.assert_allclose(lengths, [n not in bad and n < 31 for n in range(33)], atol=1e-5)


def test_what_a_limited_store_gives_up_stays(tmp_path):
    features = clusters(26, 100)
    with FeatureStore(tmp_path, (100,), limit_bytes=10 * 400) as store:
        found = Projections()
        store.append(keys(10), features[:10])
        list(found.cover(store, keys(10)))
        store.append([key(n) for n in range(10, 26)], features[10:])
        list(found.cover(store, keys(26)))
    assert [n for n in range(26) if key(n) not in found] == [*range(10, 16)]
    with FeatureStore(tmp_path / "whole", (100,)) as store:
        store.append(keys(26), features)
        list((whole := Projections()).cover(store, [*keys(10), *keys(26)[16:]]))
    np.testing.assert_allclose(found.vectors(keys(26)), whole.vectors(keys(26)), atol=1e-5)


def test_of_what_all_have_in_common_so_much_is_taken_away_that_cosines_differ(tmp_path):
    own = clusters(611, 400, spread=1)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    for extra, folder in ((2, "alike"), (0.4, "unlike")):
        features = own + np.float32(extra / 20)
        raw = pairwise.cosine_similarity(features)[np.triu_indices(611, 1)].mean()
        vectors = covered(tmp_path / folder, features)[0].vectors(keys(611))
        left = (vectors @ vectors.T)[np.triu_indices(611, 1)].mean()
        assert raw > 0.7 if extra == 2 else raw < 0.2
        assert left == pytest.approx(min(raw, COMMON), abs=0.06)


def test_two_copies_in_a_folder_of_two_are_alike(tmp_path):
    one = clusters(1, 900)
    features = np.concatenate([one, one * 1.1 + 0.02 * clusters(1, 900, seed=2)])
    raw = pairwise.cosine_similarity(features)[0, 1]
    vectors = covered(tmp_path, features)[0].vectors(keys(2))
    assert raw > 0.97
    assert vectors[0] @ vectors[1] > 0.9


def test_the_nearest_are_those_of_scikit_learn(tmp_path):
    found, _ = covered(tmp_path, clusters(97, 500))
    vectors = found.vectors(keys(97))
    apart, which = neighbors.NearestNeighbors(n_neighbors=6, metric="cosine").fit(vectors).kneighbors(vectors[[17, 60]])
    for asked, distances, expected in zip((17, 60), apart, which, strict=True):
        said = found.nearest(key(asked), 5)
        assert [content for content, _ in said] == [key(n) for n in expected[1:]]
        np.testing.assert_allclose([cosine for _, cosine in said], 1 - distances[1:], atol=1e-5)
    assert len(found.nearest(key(3), 1000)) == 96
    assert found.nearest(key(500), 4) == []


def test_nothing_is_like_nothing(tmp_path):
    with FeatureStore(tmp_path, (8,)) as store:
        assert not list((found := Projections()).cover(store, keys(3)))
    assert found.vectors(keys(3)).shape == (3, DIMENSIONS) and not found.vectors(keys(3)).any()
