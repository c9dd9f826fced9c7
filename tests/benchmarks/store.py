"""How fast the feature store is: `python tests/benchmarks/store.py [--rows 1000 10000 100000] [--floats 192 1280]`.

A Markdown table. `all again` is a dense head of two outputs on `blocks` of all rows, once they have been verified, as a
multiple of NumPy's bare product on the same numbers in memory; the median of seven, taken in turns.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.features import FeatureStore
from engine.head import Head, HeadLayer

BATCH = 512
"""Rows of one `append`."""
BLOCK_BYTES = 1 << 20
"""Features in one of `blocks`, as float32: little enough for a processor's cache."""
HEADER = """\
| kept as | floats | rows | append, MB/s | open, ms | verify and read all, ms | all again, / product |
|---|--:|--:|--:|--:|--:|--:|
"""


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def filled(folder, keys, features, half):
    """Seconds that a new store takes for all features."""
    with FeatureStore(folder, features.shape[1:], half) as store:
        return seconds(
            lambda: [store.append(keys[at : at + BATCH], features[at : at + BATCH]) for at in range(0, len(keys), BATCH)]
        )


def predicted(store, rows, head):
    return np.concatenate([head.probabilities(block) for _, block in store.blocks(rows, size(store))])


def size(store):
    """Rows in a block."""
    return BLOCK_BYTES // (4 * store.matrix().shape[1])


def compared(store, rows, features, rng):
    """How many times the bare product a dense head takes on all rows."""
    weights, bias = rng.normal(0, 0.01, (2, features.shape[1])).astype(np.float32), np.zeros(2, np.float32)
    head = Head((HeadLayer("dense", "innerProduct", {"weights": weights, "bias": bias}), HeadLayer("softmax", "softmax")))
    ours, bare = [], []
    for _ in range(7):
        ours.append(seconds(lambda: predicted(store, rows, head)))
        bare.append(seconds(lambda: features @ weights.T + bias))
    return statistics.median(ours) / statistics.median(bare)


def measured(folder, keys, features, half, rng):
    """One line of the table."""
    appending = filled(folder, keys, features, half)
    opening = statistics.median(seconds(lambda: FeatureStore(folder, features.shape[1:], half).close()) for _ in range(3))
    with FeatureStore(folder, features.shape[1:], half) as store:
        rows = store.find(keys)
        reading = seconds(lambda: [None for _ in store.blocks(rows, size(store))])
        ratio = compared(store, rows, features, rng)
    kind, (many, floats) = "float16" if half else "float32", features.shape
    rate, opened, read = features.nbytes / appending / 1e6, opening * 1000, reading * 1000
    return f"| {kind} | {floats:,} | {many:,} | {rate:,.0f} | {opened:.1f} | {read:.1f} | {ratio:.2f} |\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--floats", type=int, nargs="+", default=[192, 1280])
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    sys.stdout.write(HEADER)
    for half in (False, True):
        for floats in chosen.floats:
            for many in chosen.rows:
                keys = [bytes(key) for key in rng.integers(0, 256, (many, 16), np.uint8)]
                features = rng.standard_normal((many, floats), np.float32)
                with tempfile.TemporaryDirectory() as folder:
                    sys.stdout.write(measured(Path(folder), keys, features, half, rng))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
