"""The mixed order: what is unsure, some at random, and no two near-duplicates within reach of each other."""

import numpy as np
import pytest

from engine.review.mixed import Reason, mixed
from engine.review.queue import AHEAD, APART, EVERY
from engine.review.similar import ALONE
from tests.engine.review.helpers import bursts, key, projected, result

stats = pytest.importorskip("scipy.stats")


class Folder:
    """Pictures in bursts, with predictions."""

    def __init__(self, sizes, seed, labels=3):
        rng = np.random.default_rng(seed)
        self.vectors, burst = bursts(sizes, seed)
        self.projections = projected(self.vectors)
        self.groups = np.where(np.bincount(burst)[burst] > 1, burst, ALONE)
        self.count = len(burst)
        names = rng.permutation(self.count)
        self.contents = [key(n) for n in range(self.count)]
        self.probabilities = rng.dirichlet([0.4] * labels, self.count).astype(np.float32)
        self.entropies = stats.entropy(self.probabilities, axis=1)
        self.judged = np.zeros(self.count, bool)
        self.shuffled = names

    def mixed(self, **others):
        given = {"groups": self.groups, "probabilities": self.probabilities, "judged": self.judged, **others}
        return result(mixed(self.projections, self.contents, **given))


def order_of(found):
    order = np.argsort(found.ranks)
    assert np.array_equal(found.ranks[order], np.arange(len(order)))
    return order


def closest(group, order):
    """The least number of places from one picture of a group to the next one of it."""
    places, least = {}, len(order)
    for place, name in enumerate(group[order].tolist()):
        if name != ALONE:
            least = min(least, place - places.get(name, -len(order)))
            places[name] = place
    return least


def test_each_tenth_picture_is_the_next_in_the_order_of_keys():
    folder = Folder([1] * 150 + [2] * 31 + [4] * 9, seed=1)
    folder.judged[np.random.default_rng(2).permutation(folder.count)[:23]] = True
    found = folder.mixed()
    order = order_of(found)
    left = [n for n in range(folder.count) if not folder.judged[n]]
    for place, number in enumerate(order[: len(left)].tolist()):
        at_random = place % EVERY == EVERY - 1
        assert (found.reasons[number] == Reason.RANDOM) == at_random or place >= len(left) - EVERY
        if at_random:
            assert number == left[0]
        left.remove(number)
    assert folder.judged[order[-23:]].all() and (found.reasons[order[-23:]] == Reason.JUDGED).all()


def test_near_duplicates_stay_apart_while_there_are_others():
    folder = Folder([1] * 201 + [2] * 40 + [6] * 11, seed=3)
    order = order_of(folder.mixed())
    assert closest(folder.groups, order[:300]) > APART
    assert closest(folder.groups, np.argsort(-folder.entropies)[:300]) < APART


def test_near_duplicates_come_again_soon_after_they_may():
    folder = Folder([12] + [1] * 390, seed=12, labels=2)
    same = np.flatnonzero(folder.groups != ALONE)
    folder.probabilities[same] = 0.5
    order = order_of(folder.mixed())
    apart = np.diff(np.flatnonzero(np.isin(order, same)))
    assert apart.min() > APART and np.median(apart) <= APART + EVERY


@pytest.mark.parametrize("seed", range(20, 45))
def test_all_get_a_place_and_near_duplicates_stay_apart_whatever_comes_at_random(seed):
    folder = Folder([1] * 130 + [9] * 10 + [3] * 7 + [2] * 12, seed=seed)
    found = folder.mixed()
    order = order_of(found)
    assert (found.reasons == Reason.RANDOM).sum() <= folder.count // EVERY + AHEAD
    # Two of a group that come at random, one after the other, may be closer.
    at_random = order[EVERY - 1 : 120 : EVERY]
    assert closest(folder.groups, order[:120]) > APART or closest(folder.groups, at_random) <= AHEAD


def test_a_folder_of_near_duplicates_gets_an_order_too():
    folder = Folder([47], seed=4)
    found = folder.mixed()
    order = order_of(found)
    assert np.flatnonzero(found.reasons[order] == Reason.RANDOM).tolist() == [9, 19, 29, 39, 45, 46]
    folder = Folder([13, 29, 2], seed=5)
    assert sorted(order_of(folder.mixed()).tolist()) == list(range(44))


def test_the_order_depends_on_contents_and_not_on_how_they_are_listed():
    folder = Folder([1] * 61 + [3] * 20, seed=6)
    order = order_of(folder.mixed())
    turned = folder.shuffled
    again = result(
        mixed(
            folder.projections,
            [folder.contents[n] for n in turned],
            folder.groups[turned],
            folder.probabilities[turned],
            folder.judged[turned],
        )
    )
    assert np.array_equal(turned[order_of(again)], order)


@pytest.mark.parametrize("first", [20, 40, 80, 300])
def test_little_entropy_is_lost(first):
    folder = Folder([1] * 1101 + [4] * 100, seed=7, labels=2)
    order = order_of(folder.mixed())[:first]
    assert folder.entropies[order].sum() > 0.9 * np.sort(folder.entropies)[::-1][:first].sum()
    assert folder.entropies[order].sum() > 1.5 * folder.entropies.mean() * first


def test_of_equally_unsure_pictures_unlike_ones_come_first():
    folder = Folder([21, 19, 24, 26], seed=8)
    found = folder.mixed(groups=np.full(90, ALONE), probabilities=np.full((90, 2), 0.5, np.float32))
    chosen = [n for n in order_of(found)[:12].tolist() if found.reasons[n] != Reason.RANDOM][:4]
    rows = folder.projections.vectors([folder.contents[n] for n in chosen])
    assert (rows @ rows.T)[np.triu_indices(4, 1)].max() < 0.6
    assert {found.reasons[n] for n in chosen} == {Reason.UNSURE}


def test_what_is_unlike_comes_before_what_is_a_little_less_sure():
    folder = Folder([1, 31], seed=9)
    same = np.flatnonzero(folder.groups == 1)
    other = int(np.flatnonzero(folder.groups == ALONE)[0])
    sure = np.full(32, 0.52)
    sure[same[25]], sure[other] = 0.5, 0.6
    probabilities = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    found = folder.mixed(groups=np.full(32, ALONE), probabilities=probabilities)
    assert order_of(found)[:2].tolist() == [same[25], other]
    assert (found.reasons[same[25]], found.reasons[other]) == (Reason.UNSURE, Reason.UNLIKE)


def test_what_has_no_prediction_comes_behind_and_what_has_no_features_in_between():
    folder = Folder([1] * 70, seed=10, labels=2)
    folder.probabilities[10:20] = np.nan
    folder.contents[30:40] = [key(1000 + n) for n in range(10)]
    found = folder.mixed()
    order = [n for n in order_of(found).tolist() if found.reasons[n] != Reason.RANDOM]
    behind = [n for n in range(10, 20) if found.reasons[n] != Reason.RANDOM]
    assert behind and sorted(order[-len(behind) :]) == behind
    places = [order.index(n) for n in range(30, 40) if n in order]
    assert min(places) < 50 < max(places) + 20


def test_what_has_no_features_is_not_taken_for_unlike():
    folder = Folder([1] * 70, seed=13)
    # These are the first in the order of keys.
    folder.contents[30:40] = [bytes(1 + n) for n in range(10)]
    sure = np.where(np.arange(70) == 50, 0.5, 0.51)
    order = order_of(folder.mixed(probabilities=np.stack([sure, 1 - sure], axis=1).astype(np.float32)))
    assert order[0] == 50
    assert sum(30 <= n < 40 for n in order[:9].tolist()) < 4


def test_nothing_to_judge():
    folder = Folder([1] * 5, seed=11)
    found = folder.mixed(judged=np.ones(5, bool))
    assert found.ranks.tolist() == [0, 1, 2, 3, 4] and set(found.reasons.tolist()) == {Reason.JUDGED}
    empty = result(mixed(folder.projections, [], np.zeros(0, int), np.zeros((0, 2), np.float32), np.zeros(0, bool)))
    assert empty.ranks.tolist() == [] and empty.reasons.tolist() == []
