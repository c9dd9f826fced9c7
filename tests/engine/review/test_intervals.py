"""Wilson's interval is SciPy's; the interval of a gain holds what it promises."""

import numpy as np
import pytest

from engine.review.intervals import gain, interval


@pytest.mark.parametrize(
    ("correct", "of"), [(0, 1), (1, 1), (0, 7), (7, 7), (3, 11), (19, 23), (500, 1999), (99_999, 100_000)]
)
def test_it_is_that_of_scipy(correct, of):
    stats = pytest.importorskip("scipy.stats")
    said = stats.binomtest(correct, of).proportion_ci(method="wilson")
    assert interval(correct, of) == pytest.approx((said.low, said.high), rel=1e-9)


def test_at_the_ends_it_reaches_them_and_of_nothing_it_is_everything():
    assert interval(0, 0) == (0, 1)
    assert all(interval(0, of)[0] == 0 and interval(of, of)[1] == 1 for of in range(1, 300))
    assert 0 < interval(3, 3)[0] < 1 and 0 < interval(0, 3)[1] < 1


@pytest.mark.parametrize(
    ("won", "lost", "of"), [(0.02, 0.01, 60), (0.2, 0.1, 25), (0.0, 0.0, 12), (0.3, 0.3, 400), (0.9, 0.05, 40)]
)
def test_a_gain_lies_in_its_interval_as_often_as_promised(won, lost, of):
    counts = np.random.default_rng(5).multinomial(of, [won, lost, 1 - won - lost], 4000)
    ends = np.array([gain(int(a), int(b), of) for a, b, _ in counts])
    inside = (ends[:, 0] <= won - lost) & (won - lost <= ends[:, 1])
    assert inside.mean() > 0.94
    assert (ends[:, 0] >= -1).all() and (ends[:, 1] <= 1).all() and (ends[:, 0] < ends[:, 1]).all()


def test_a_gain_of_many_is_the_plain_difference_and_its_standard_error():
    won, lost, of = 30_000, 20_000, 1_000_000
    error = 1.959964 * np.sqrt(won / of + lost / of - ((won - lost) / of) ** 2) / np.sqrt(of)
    assert gain(won, lost, of) == pytest.approx((0.01 - error, 0.01 + error), rel=1e-4)


def test_that_nothing_changed_among_few_says_little():
    assert gain(0, 0, 10)[1] > 0.1
    assert gain(0, 0, 1000)[1] < 0.01
