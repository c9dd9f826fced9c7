"""How well flips are learned, and what is forgotten: seeded splits of labelled photographs, trainer by trainer.

    python tests/benchmarks/learning.py MODEL FOLDER [--splits 20] [--folder 120] [--write docs/learning.md]

FOLDER holds a folder of photographs for each of the model's labels (case does not matter). Each split deals them into a
folder and unseen ones; the first N wrong predictions of the folder are flipped; all others of the folder are anchors.
"""

import argparse
import platform
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.folder import scan
from engine.images import pixels

TRAINERS = ("edit", "auto", "sgd", "plain")


def read(model, folder):
    """Features and label numbers of all photographs."""
    number = {label.lower(): index for index, label in enumerate(model.labels)}
    names = [name for name in sorted(scan(folder)) if name.split("/")[0].lower() in number]
    size = model.image
    pictures = np.stack([pixels(folder / name, size.width, size.height, size.color) for name in names])
    return model.features(pictures), np.array([number[name.split("/")[0].lower()] for name in names])


def split(model, features, labels, old, trainer, flips, seed, inside):
    """One split: share of flips learned, of right ones kept, unseen accuracy before and after, seconds."""
    order = np.random.default_rng(seed).permutation(len(labels))
    folder, unseen = order[:inside], order[inside:]
    wrong = folder[old[folder] != labels[folder]][:flips]
    right = folder[old[folder] == labels[folder]]
    rest = np.setdiff1d(folder, wrong)
    lesson = engine.Lesson(model.head, features[wrong], labels[wrong], features[rest])
    start = time.perf_counter()
    *_, result = engine.TRAINERS[trainer](lesson, model.network.training, engine.Settings(seed=seed))
    seconds = time.perf_counter() - start
    now = result.head.logits(features).argmax(axis=1)
    return (
        result.learned / result.flips,
        (now[right] == labels[right]).mean(),
        (old[unseen] == labels[unseen]).mean(),
        (now[unseen] == labels[unseen]).mean(),
        seconds,
    )


def interval(values):
    """Mean and half the width of its 95 % interval, in percent."""
    values = 100 * np.asarray(values)
    return values.mean(), 1.96 * values.std(ddof=1) / np.sqrt(len(values))


def row(trainer, flips, results):
    """One line of the table."""
    learned, kept, before, after, seconds = np.array(results).T
    cells = [f"{m:.1f} ± {w:.1f}" for m, w in map(interval, (learned, kept, before, after, after - before))]
    return f"| {trainer} | {flips} | {' | '.join(cells)} | {1000 * np.median(seconds):.0f} |"


def main():
    """Print the table; with --write, put it into a page between its marks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--inside", type=int, default=120)
    parser.add_argument("--flips", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--trainers", nargs="+", default=TRAINERS)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    model = engine.open_model(given.model)
    features, labels = read(model, given.folder)
    old = model.head.logits(features).argmax(axis=1)
    lines = [
        f"{len(labels)} photographs, {100 * (old == labels).mean():.1f} % right before; {given.splits} splits into folders "
        f"of {given.inside} and {len(labels) - given.inside} unseen; means with 95 % intervals, in percent.",
        f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}.",
        "",
        "| trainer | flips | learned | right ones kept | unseen before | unseen after | change | ms (median) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for trainer in given.trainers:
        for flips in given.flips:
            results = [split(model, features, labels, old, trainer, flips, s, given.inside) for s in range(given.splits)]
            lines.append(row(trainer, flips, results))
            sys.stderr.write(lines[-1] + "\n")
    table = "\n".join(lines)
    sys.stdout.write(table + "\n")
    if given.write:
        text = given.write.read_text()
        before, _, rest = text.partition("<!-- measured -->")
        after = rest.partition("<!-- end -->")[2]
        given.write.write_text(f"{before}<!-- measured -->\n{table}\n<!-- end -->{after}")


if __name__ == "__main__":
    main()
