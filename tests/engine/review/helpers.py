"""Projections of made-up features, and what a long call comes to."""

import tempfile
from pathlib import Path

import numpy as np

from engine.features import FeatureStore
from engine.review.projections import DIMENSIONS, Projections


def key(number):
    return int(number).to_bytes(16, "big")


def result(work):
    """What a generator returns, once its events are read."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def projected(vectors):
    """Projections that have exactly these vectors, (n, DIMENSIONS or fewer), but for their length; by `key`."""
    found = Projections()
    with tempfile.TemporaryDirectory() as folder, FeatureStore(Path(folder), vectors.shape[1:]) as store:
        store.append([key(n) for n in range(len(vectors))], vectors.astype(np.float32))
        result(found.cover(store, [key(n) for n in range(len(vectors))]))
    return found


def bursts(sizes, seed, spread=0.25):
    """Vectors (sum(sizes), DIMENSIONS) in a random order, and the burst of each; cosines in one are about 0.94."""
    rng = np.random.default_rng(seed)
    burst = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.standard_normal((len(sizes), DIMENSIONS))
    return centres[burst] + spread * rng.standard_normal((len(burst), DIMENSIONS)), burst
