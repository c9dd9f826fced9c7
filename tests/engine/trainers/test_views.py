"""Samples that are other views of verdicts' pictures: learned as all samples are, counted as none."""

import numpy as np

from engine.trainers import TRAINERS, Lesson, Settings


def test_a_training_on_views_is_one_on_all_samples_with_their_labels(make_head):
    rng = np.random.default_rng(3)
    head = make_head(31, labels=3)
    features, more = rng.normal(size=(8, 31)).astype(np.float32), rng.normal(size=(5, 31)).astype(np.float32)
    targets, of = rng.integers(0, 3, 8), np.array([7, 0, 2, 2, 5])
    lesson = Lesson(head, features, targets, features[:0]).with_views(more, of)
    flat = Lesson(head, np.concatenate([features, more]), np.concatenate([targets, targets[of]]), features[:0])
    found, wanted = (list(TRAINERS["fit"](each, None, Settings()))[-1] for each in (lesson, flat))
    np.testing.assert_array_equal(found.head.logits(features), wanted.head.logits(features))
    assert (found.after.of, wanted.after.of) == (8, 13)
    said = found.head.logits(features).argmax(axis=1)
    assert found.after.correct == (said == targets).sum()
    flips = head.logits(features).argmax(axis=1) != targets
    assert (found.flips, found.learned) == (flips.sum(), (flips & (said == targets)).sum())


def test_some_verdicts_go_with_their_views(make_head):
    features = np.arange(16, dtype=np.float32).reshape(8, 2)
    lesson = Lesson(make_head(2), features[:5], np.array([0, 1, 0, 1, 1]), features[:3])
    lesson = lesson.with_views(features[5:], np.array([4, 1, 4]))
    assert lesson.sources.tolist() == [0, 1, 2, 3, 4, 4, 1, 4]
    part = lesson.of(np.array([True, False, True, False, True]))
    assert part.features.tolist() == features[[0, 2, 4, 5, 7]].tolist()
    assert part.targets.tolist() == [0, 0, 1, 1, 1]
    assert (part.images, part.sources.tolist()) == (3, [0, 1, 2, 2, 2])
    assert len(part.anchors) == 3
