from dataclasses import replace

import numpy as np
import pytest

from engine.head import Head, HeadLayer
from engine.spec.training import Allowed, Training
from engine.trainers import TRAINERS, Lesson


def dense(rng, name, outputs, inputs):
    weights = {"weights": rng.normal(0, 1, (outputs, inputs)) / np.sqrt(inputs), "bias": rng.normal(0, 0.1, outputs)}
    return HeadLayer(name, "innerProduct", {n: w.astype(np.float32) for n, w in weights.items()}, {}, True)


@pytest.fixture
def make_head():
    """A head of two dense layers on features of any width."""

    def make(width=90, hidden=23, labels=2, seed=0):
        rng = np.random.default_rng(seed)
        layers = (
            dense(rng, "one", hidden, width),
            HeadLayer("relu", "activation.ReLU"),
            dense(rng, "two", labels, hidden),
        )
        return Head((*layers, HeadLayer("softmax", "softmax")))

    return make


@pytest.fixture
def make_training():
    def make(**numbers):
        said = {"learning_rate": 0.05, "batch_size": 4, "momentum": 0.0, "epochs": 3} | numbers
        optimizer = "adam" if "beta1" in said else "sgd"
        allowed = {name: Allowed(value) for name, value in said.items()}
        return Training("cross_entropy", "p", optimizer, allowed, shuffle=False, seed=None)

    return make


@pytest.fixture
def make_lesson(make_head):
    """Features of two or more clusters; the head is right on some; flips are the ones it is wrong on."""

    def make(verdicts=12, anchors=30, width=90, labels=2, seed=0, apart=0.2):
        rng = np.random.default_rng(seed)
        head = make_head(width, labels=labels, seed=seed)
        centres = rng.normal(0, apart, (labels, width))
        targets = rng.integers(0, labels, verdicts)
        features = (centres[targets] + rng.normal(0, 1, (verdicts, width))).astype(np.float32)
        rest = (centres[rng.integers(0, labels, anchors)] + rng.normal(0, 1, (anchors, width))).astype(np.float32)
        return Lesson(head, features, targets, rest)

    return make


@pytest.fixture
def run():
    """Run a trainer to its end: all its events."""

    def run(name, lesson, training, settings):
        return list(TRAINERS[name](lesson, training, settings))

    return run


@pytest.fixture
def with_targets():
    return lambda lesson, targets: replace(lesson, targets=targets)
