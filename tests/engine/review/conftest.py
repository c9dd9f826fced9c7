import numpy as np
import pytest

from engine.head import Head, HeadLayer
from engine.head.neighbors import NeighborHead
from engine.spec.training import Allowed, Training
from engine.trainers import Lesson, Settings, trained

NAMES = ("ant", "bee", "cow")


@pytest.fixture
def train():
    """`auto`, with everything but the lesson given."""
    training = Training("cross_entropy", "p", "sgd", {"learning_rate": Allowed(0.05)}, shuffle=False, seed=None)
    return lambda lesson, name="auto": trained(name, training, lesson, Settings())


@pytest.fixture
def seen(train):
    """A trainer that keeps the lessons that it was given: `seen(...)` trains, `seen.lessons`."""

    class Seen:
        lessons = ()

        def __call__(self, lesson):
            self.lessons = (*self.lessons, lesson)
            return train(lesson)

    return Seen()


@pytest.fixture
def make_head():
    """One dense layer and a softmax; without a seed it gives all labels the same."""

    def make(width=19, labels=3, seed=None):
        size = (labels, width)
        weights = np.zeros(size) if seed is None else np.random.default_rng(seed).normal(0, 0.3, size)
        numbers = {"weights": weights.astype(np.float32), "bias": np.zeros(labels, np.float32)}
        return Head((HeadLayer("d", "innerProduct", numbers, {}, True), HeadLayer("s", "softmax")))

    return make


@pytest.fixture
def make_lesson(make_head):
    """Verdicts that can be learned where `apart` is above 0; the first feature is the verdict's number, in millionths."""

    def make(verdicts=53, labels=3, apart=0.7, width=19, anchors=7, seed=0, head=None):
        rng = np.random.default_rng(seed)
        centres, targets = rng.normal(0, apart, (labels, width)), rng.integers(0, labels, verdicts)
        features = (centres[targets] + rng.normal(0, 1, (verdicts, width))).astype(np.float32)
        features[:, 0] = np.arange(verdicts) * 1e-6
        rest = rng.normal(0, 1, (anchors, width)).astype(np.float32)
        return Lesson(head or make_head(width, labels), features, targets, rest, NAMES[:labels])

    return make


@pytest.fixture
def rows():
    """The numbers of a lesson's verdicts among those that `make_lesson` made."""
    return lambda lesson: np.rint(lesson.features[:, 0] * 1e6).astype(int)


@pytest.fixture
def make_neighbors():
    """A head that keeps samples; without any at first, it says `ant`."""

    def make(lesson, k=1):
        width = lesson.features.shape[1]
        return NeighborHead(np.zeros((0, width), np.float32), np.zeros(0, np.int64), NAMES[:1], k, "uniform")

    return make
