"""How long neighbours take, beside scikit-learn: `python tests/benchmarks/neighbors.py [SAMPLES SIZE]`."""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.head.neighbors import NeighborHead
from engine.spec.neighbors import with_neighbors
from tests.pipelines import neighbors

QUERIES = 200


def timed(words, work):
    start = time.perf_counter()
    found = work()
    sys.stdout.write(f"{words:44} {time.perf_counter() - start:7.2f} s\n")
    return found


def main():
    many, size = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (100_000, 1280)
    rng = np.random.default_rng(0)
    samples, queries = (rng.normal(0, 1, (n, size)).astype(np.float32) for n in (many, QUERIES))
    labels, names = rng.integers(0, 10, many), tuple("abcdefghij")
    head = NeighborHead(samples, labels, names, 5, "uniform")
    theirs = KNeighborsClassifier(5, algorithm="brute").fit(samples, labels)
    ours = timed(f"here: {QUERIES} images, {many:,} x {size} samples", lambda: head.probabilities(queries))
    wanted = timed("scikit-learn, brute force", lambda: theirs.predict_proba(queries))
    sys.stdout.write(f"largest difference {np.abs(ours - wanted).max():.1e}\n")
    model = neighbors()
    model.kNearestNeighborsClassifier.nearestNeighborsIndex.numberOfDimensions = size
    model.description.input[0].type.multiArrayType.shape[0] = size
    model.description.trainingInput[0].type.multiArrayType.shape[0] = size
    named = [names[at] for at in labels]
    data = timed("write them", lambda: with_neighbors(model.SerializeToString(), (404,), samples, named))
    opened = timed("open the model", lambda: engine.open_model(data))
    assert len(opened.head.samples) == many
    more = timed("learn one more", lambda: opened.head.learned(queries[:1], ["a"]))
    timed("write that", lambda: with_neighbors(data, (404,), more.samples, more.sample_labels))


if __name__ == "__main__":
    main()
