"""Likely mistakes are those of cleanlab."""

import numpy as np
import pytest

from engine.review.suspects import label_errors, label_quality


@pytest.mark.parametrize(("count", "labels", "seed"), [(53, 2, 1), (211, 3, 2), (997, 7, 3)])
@pytest.mark.filterwarnings("ignore")
def test_likely_mistakes_are_cleanlabs(count, labels, seed):
    pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rng = np.random.default_rng(seed)
    true = np.concatenate([np.arange(labels), rng.integers(0, labels, count - labels)])
    logits = rng.normal(0, 1, (count, labels)) + 2.5 * np.eye(labels)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = np.where(rng.random(count) < 0.15, rng.integers(0, labels, count), true)
    expected = find_label_issues(given, probabilities, filter_by="confident_learning")
    found = label_errors(probabilities, given)
    assert 0 < found.sum() < count / 2
    np.testing.assert_array_equal(found, expected)
    quality = get_label_quality_scores(given, probabilities, method="self_confidence")
    np.testing.assert_allclose(label_quality(probabilities, given), quality)


def test_a_label_that_nobody_gave_is_no_mistake():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    assert not label_errors(probabilities, np.array([1, 0, 1])).any()
