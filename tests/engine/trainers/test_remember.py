"""What a nearest-neighbours model says of what it learned, counted by hand."""

import numpy as np
import pytest

from engine.head import Head
from engine.head.neighbors import NeighborHead
from engine.trainers import Lesson
from engine.trainers.remember import LEAST, remember

SAMPLES = np.eye(4, 6, dtype=np.float32) * 10
"""Four corners far from each other: ant, ant, bee, cow."""
NAMES = ("ant", "bee", "cow", "doe")


@pytest.fixture
def head():
    return NeighborHead(SAMPLES, np.array([0, 0, 1, 2]), NAMES[:3], 1, "uniform")


def test_flips_what_was_learned_and_what_was_accepted(head):
    near = SAMPLES[[0, 1, 2, 3, 3]] + np.float32([[0.5], [0.25], [0.5], [0.5], [-0.5]])
    # accepted: ant, ant; flips: bee to cow, cow to the new doe, and another cow to bee
    lesson = Lesson(Head(()), near, np.array([0, 0, 2, 3, 1]), near[:0], NAMES, keeps=head)
    *_, result = remember(lesson, head)
    assert (result.flips, result.learned, result.accepted, result.kept, result.broken) == (3, 3, 2, 2, 0)
    assert (result.before.correct, result.after.correct, result.after.of) == (2, 5, 5)
    # Of the old head, two verdicts have the whole share, two have none, and one names what it does not know: none either.
    assert result.before.loss == pytest.approx(-3 * np.log(LEAST) / 5, rel=1e-5)
    assert result.after.loss == pytest.approx(0, abs=1e-6)
    assert set(result.head.names) == set(NAMES)
