"""The quick way of live: products of samples and images, against the same head with its weights formed."""

import numpy as np
import pytest

from engine.features import FeatureStore
from engine.head.dense_first import dense_first
from engine.live import Live, roomy


@pytest.fixture
def wide(tmp_path, make_head):
    """A head on wide features, a store of 61 of them, and their keys."""
    head = make_head(width=150, hidden=13)
    rng = np.random.default_rng(8)
    features = np.maximum(rng.normal(0, 1, (61, 150)), 0).astype(np.float32)
    keys = [bytes([number] * 16) for number in range(61)]
    with FeatureStore(tmp_path / "store", (150,)) as store:
        store.append(keys, features)
        yield head, features, keys, store


def test_the_quick_way_is_the_head_with_its_weights_formed(wide):
    head, features, keys, store = wide
    quick = Live(dense_first(head, features), store)
    list(quick.cover(keys[:40]))
    list(quick.sample(keys[:17]))
    list(quick.cover(keys))
    labels = head.logits(features).argmax(axis=1)
    verdicts = {}
    for number in (3, 50, 11, 29):
        verdicts[keys[number]] = int(1 - labels[number]) if number != 11 else int(labels[number])
        list(quick.sample([keys[number]]))
        list(quick.learn(verdicts))
        result = quick.result()
        assert (result.flips, result.learned) == (sum(key != keys[11] for key in verdicts), result.flips)
        np.testing.assert_allclose(quick.probabilities(keys), result.head.probabilities(features), atol=2e-5)
    assert len(quick.samples) == 17 + 2


def test_samples_outside_the_verdicts_are_kept(wide):
    head, features, keys, store = wide
    quick = Live(dense_first(head, features), store)
    list(quick.cover(keys))
    list(quick.sample(keys))
    labels = head.logits(features).argmax(axis=1)
    list(quick.learn({keys[5]: int(1 - labels[5]), keys[6]: int(labels[6])}))
    now = quick.probabilities(keys).argmax(axis=1)
    assert now[5] != labels[5]
    assert (np.delete(now, 5) == np.delete(labels, 5)).all()


def test_rows_move_only_when_there_is_no_room_left():
    rows, held, moves = np.zeros((0, 3), np.float32), 0, 0
    expected = np.arange(180, dtype=np.float32).reshape(60, 3)
    while held < 60:
        before = rows
        rows = roomy(rows, held, 2)
        moves += rows is not before
        rows[held : held + 2] = expected[held : held + 2]
        held += 2
        np.testing.assert_array_equal(rows[:held], expected[:held])
    assert 1 < moves < 15
