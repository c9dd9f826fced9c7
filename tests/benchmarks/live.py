"""Live on many images: `python live.py MODEL FOLDER [--images 10000] [--verdicts 200]`.

Features are those of FOLDER's photographs and of blends of two of them. A verdict in three is a flip, a verdict in two is
on an image that is no anchor. Beside it, what it takes to predict as many photographs again from their files.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.decoders import Decoders
from engine.features import FeatureStore
from engine.folder import scan
from engine.live import Live
from engine.living import _parts
from engine.reading import readings
from engine.teaching import ANCHORS
from tests.benchmarks.common import blends, read, table


def timed(work):
    start = time.perf_counter()
    for _ in work:
        pass
    return time.perf_counter() - start


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--verdicts", type=int, default=200)
    given = parser.parse_args()
    model = engine.open_model(given.model)
    files = {name: given.folder / name for name in scan(given.folder)}
    again = timed(readings(files, model.image, model.features, Decoders())) * given.images / len(files)
    features = blends(model.features(read(model, given.folder)[0]), given.images)
    keys = [number.to_bytes(16, "big") for number in range(given.images)]
    with tempfile.TemporaryDirectory() as place, FeatureStore(Path(place) / "store", model.backbone.shape) as store:
        for at in range(0, given.images, 512):
            store.append(keys[at : at + 512], features[at : at + 512])
        live = Live(_parts(model), store)
        begun = timed(live.cover(keys)) + timed(live.sample(keys[:ANCHORS]))
        old = live.probabilities(keys).argmax(axis=1)
        steps, verdicts = [], {}
        for number in range(given.verdicts):
            chosen = number if number % 2 else min(ANCHORS, given.images // 2) + number
            label = int(old[chosen]) if number % 3 else int(1 - old[chosen])
            verdicts[keys[chosen]] = label
            step = timed(live.sample([keys[chosen]])) + timed(live.learn(verdicts))
            start = time.perf_counter()
            live.probabilities(keys)
            steps.append(step + time.perf_counter() - start)
        learned = live.learned
    middle, slow = median(steps), sorted(steps)[int(0.95 * len(steps))]
    head = [f"{given.images:,} images, {given.verdicts} verdicts", "seconds", "predicting all again, times this"]
    rows = [
        ["to begin live", f"{begun:.1f}", f"{again / begun:.0f}"],
        ["from a verdict to all rows, median", f"{middle:.3f}", f"{again / middle:.0f}"],
        ["the same, 95th percentile", f"{slow:.3f}", f"{again / slow:.0f}"],
        ["predicting all again, from files", f"{again:.1f}", ""],
    ]
    sys.stdout.write(table(head, rows))
    sys.stdout.write(
        f"\nIn the end {learned.learned} of {learned.flips} flips learned, {learned.broken} accepted broken.\n"
    )


if __name__ == "__main__":
    main()
