"""What other views of pictures add to what is learned: seeded splits of labelled photographs, by augmentation.

    python tests/benchmarks/views.py MODEL FOLDER [--splits 30] [--write docs/learning.md]

FOLDER holds a folder of photographs for each of the model's labels. Each split deals them into a folder of 120 and unseen
ones; every wrong prediction of the folder is flipped and 20 right ones are accepted, each with its views; all others are
anchors. A new classifier on the starter learns from verdicts that were dealt by label.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.augment import AUGMENTS, VIEWS, views_of
from engine.cores import on_one_core
from tests.benchmarks.common import arguments, labelled, replaced, trained, untrained
from tests.benchmarks.learning import interval

INSIDE, ACCEPTED = 120, 20
EACH = (5, 20)


def read(model, folder):
    """Features of all photographs, by view, the pictures themselves under ""; and their label numbers."""
    each, labels = labelled(model, folder)
    pictures = list(each)
    seen = {name: model.features(np.stack([view(each) for each in pictures])) for name, view in VIEWS.items()}
    return {"": model.features(np.stack(pictures)), **seen}, labels


def taught(model, data, judged, rest, augment, trainer):
    """The result of a training on these rows and their views."""
    features, labels = data
    lesson = engine.Lesson(model.head, features[""][judged], labels[judged], features[""][rest])
    views = views_of(augment)
    if views:
        of = np.tile(np.arange(len(judged)), len(views))
        lesson = lesson.with_views(np.concatenate([features[view][judged] for view in views]), of)
    return trained(model, lesson, trainer)[0]


def edited(model, data, augment, seed):
    """Shares of flips learned, of anchors kept, and the change of unseen accuracy."""
    features, labels = data
    old = model.head.logits(features[""]).argmax(axis=1)
    order = np.random.default_rng(seed).permutation(len(labels))
    folder, unseen = order[:INSIDE], order[INSIDE:]
    right = folder[old[folder] == labels[folder]]
    judged = np.concatenate([np.setdiff1d(folder, right), right[:ACCEPTED]])
    rest = right[ACCEPTED:]
    result = taught(model, data, judged, rest, augment, "edit")
    now = result.head.logits(features[""]).argmax(axis=1)
    rise = (now[unseen] == labels[unseen]).mean() - (old[unseen] == labels[unseen]).mean()
    return result.learned / result.flips, (now[rest] == old[rest]).mean(), rise


def begun(model, data, augment, each, seed):
    """The accuracy on all others of a new classifier, by verdicts a label."""
    features, labels = data
    rng = np.random.default_rng(seed)
    judged = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:each] for k in np.unique(labels)])
    rest = np.setdiff1d(np.arange(len(labels)), judged)
    head = taught(model, data, judged, rest, augment, "fit").head
    return (head.logits(features[""][rest]).argmax(axis=1) == labels[rest]).mean()


def cell(values):
    """`2.4 ± 1.8`"""
    return "{:.1f} ± {:.1f}".format(*interval(values))


def measured(given):
    """The lines of the table."""
    model = engine.open_model(given.model)
    data = read(model, given.folder)
    new = untrained(given.folder)
    fresh = read(new, given.folder)
    heads = ["views", "learned", "anchors kept", "change unseen", *(f"new, {each} a label" for each in EACH)]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for augment in AUGMENTS:
        edits = np.array([edited(model, data, augment, seed) for seed in range(given.splits)]).T
        starts = [[begun(new, fresh, augment, each, seed) for seed in range(given.splits)] for each in EACH]
        lines.append(f"| {augment} | {' | '.join(map(cell, [*edits, *starts]))} |")
        sys.stderr.write(lines[-1] + "\n")
    return [f"{given.splits} splits; means with 95 % intervals, in percent and, for the change, in points.", "", *lines]


def main():
    """Print the table; with --write, put it into a page between its marks."""
    given = arguments(__doc__, 30)
    with on_one_core():
        text = "\n".join(measured(given))
    sys.stdout.write(text + "\n")
    if given.write:
        given.write.write_text(replaced(given.write.read_text(), "Views", text))


if __name__ == "__main__":
    main()
