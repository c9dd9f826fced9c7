"""How fast a new classifier on the starter learns: accuracy on images without a verdict, by trainer and verdicts a label.

    python tests/benchmarks/starter.py FOLDER ... [--each 5 20 80] [--draws 10] [--hidden 0]

Each FOLDER holds a folder of photographs for each label. Each draw gives verdicts to some images of every label, by
chance; all others are the trainer's anchors, and are what it is measured on.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from tests.benchmarks.common import labelled, trained, untrained

TRAINERS = ("auto", "fit", "edit", "sgd", "plain")


def read(folder, hidden):
    """The untrained model, the features of all photographs, and their label numbers."""
    model = untrained(folder, hidden)
    each, targets = labelled(model, folder)
    return model, model.features(np.stack(list(each))), targets


def draw(model, features, targets, trainer, each, seed):
    """One draw: accuracy on the images without a verdict in percent, milliseconds, and the trainer that ran."""
    rng = np.random.default_rng(seed)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(targets == k))[:each] for k in range(targets.max() + 1)])
    others = np.setdiff1d(np.arange(len(targets)), chosen)
    lesson = engine.Lesson(model.head, features[chosen], targets[chosen], features[others])
    result, milliseconds, ran = trained(model, lesson, trainer, seed)
    right = result.head.logits(features[others]).argmax(axis=1) == targets[others]
    return 100 * float(right.mean()), milliseconds, ran


def row(trainer, each, draws):
    """One line of the table."""
    right, milliseconds = np.array([one[:2] for one in draws]).T
    ran = ", ".join(sorted({one[2] for one in draws} - {trainer}))
    name = f"{trainer} ({ran})" if ran else trainer
    return (
        f"| {name} | {each} | {right.mean():.1f} ± {right.std():.1f} | {right.min():.1f} | {np.median(milliseconds):.0f} |"
    )


def main():
    """Print a table for each folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--each", type=int, nargs="+", default=[5, 20, 80])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--hidden", type=int, default=0)
    parser.add_argument("--trainers", nargs="+", default=TRAINERS)
    given = parser.parse_args()
    for folder in given.folders:
        model, features, targets = read(folder, given.hidden)
        fewest = np.bincount(targets).min()
        lines = [
            f"{folder.name}: {len(targets)} photographs of {', '.join(model.labels)}; means of {given.draws} draws.",
            "",
            "| trainer | verdicts a label | accuracy on the others, % | lowest | ms (median) |",
            "| --- | --- | --- | --- | --- |",
        ]
        for trainer in given.trainers:
            for each in (each for each in given.each if each < fewest):
                draws = [draw(model, features, targets, trainer, each, seed) for seed in range(given.draws)]
                lines.append(row(trainer, each, draws))
        sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
