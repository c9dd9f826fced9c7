"""How well flips are learned, and what is forgotten: seeded splits of labelled photographs, trainer by trainer.

    python tests/benchmarks/learning.py MODEL FOLDER [--splits 24] [--write docs/learning.md]

FOLDER holds a folder of photographs for each of the model's labels (case does not matter). Each split deals them into a
folder and unseen ones. Where larger folders are wanted, every photograph comes three times: as it is, mirrored, and cut
closer, all on one side. Then a new classifier on the starter, and one that wrong labels taught. --write puts the tables
into a page, and the curves beside it.
"""

import platform
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.cores import on_one_core
from tests.benchmarks.common import arguments, labelled, replaced, trained, untrained
from tests.benchmarks.curves import svg

TRAINERS = ("edit", "auto", "fit", "sgd", "plain")
COLUMNS = ("learned", "right ones kept", "unseen before", "unseen after", "change")
FLIPS, EACH = (10, 20, 50, 90), (2, 5, 10, 20, 40)
INSIDE = (160, 134)
"""Photographs in the folder, where each comes once and where it comes three times."""
WRONG = 0.25
"""The share of wrong labels that a weak classifier was taught with; TAUGHT is of how many."""
TAUGHT = 24


def views(picture, count):
    """(height, width, channels) as it is, mirrored, and cut closer by a tenth at each side; the first so many."""
    closer = [np.linspace(0.1 * side, 0.9 * side - 1, side).round().astype(int) for side in picture.shape[:2]]
    return [picture, picture[:, ::-1], picture[closer[0]][:, closer[1]]][:count]


def read(model, folder, count=1):
    """Features and label numbers of all photographs; the `count` views of one follow each other."""
    each, labels = labelled(model, folder)
    pictures = np.stack([view for picture in each for view in views(picture, count)])
    return model.features(pictures), np.repeat(labels, count)


def dealt(photographs, count, inside, rng):
    """Rows of the folder, in the order of judging, and unseen rows; all views of a photograph are on one side."""
    order = rng.permutation(photographs)
    rows = [(count * part[:, None] + np.arange(count)).reshape(-1) for part in (order[:inside], order[inside:])]
    return (rows[0], rows[1]) if count == 1 else (rng.permutation(rows[0]), rows[1])


def split(model, head, data, rows, trainer, judged):
    """Shares of flips learned and of right ones kept; unseen accuracy before, after, and the change; milliseconds."""
    (features, labels), (folder, unseen) = data, rows
    old = head.logits(features).argmax(axis=1)
    rest = np.setdiff1d(folder, judged)
    result, spent, _ = trained(model, engine.Lesson(head, features[judged], labels[judged], features[rest]), trainer)
    now = result.head.logits(features).argmax(axis=1)
    right = folder[old[folder] == labels[folder]]
    before, after = ((said[unseen] == labels[unseen]).mean() for said in (old, now))
    learned = result.learned / result.flips if result.flips else 1.0
    return learned, (now[right] == labels[right]).mean(), before, after, after - before, spent


def interval(values):
    """Mean and half the width of its 95 % interval, in percent."""
    values = 100 * np.asarray(values)
    return values.mean(), 1.96 * values.std(ddof=1) / np.sqrt(len(values))


def table(title, case, counts, trainers, splits):
    """Lines of a table, and trainer -> the means (counts, columns); `case(trainer, count, seed)` runs a split."""
    lines = ["", title, "", f"| trainer | verdicts | {' | '.join(COLUMNS)} | ms (median) |", "| --- " * 8 + "|"]
    means = {}
    for trainer in trainers:
        for count in counts:
            *shares, spent = np.array([case(trainer, count, seed) for seed in range(splits)]).T
            cells = [f"{mean:.1f} ± {half:.1f}" for mean, half in map(interval, shares)]
            lines.append(f"| {trainer} | {count or 'all'} | {' | '.join(cells)} | {np.median(spent):.0f} |")
            sys.stderr.write(lines[-1] + "\n")
            means.setdefault(trainer, []).append([100 * share.mean() for share in shares])
    return lines, {trainer: np.array(rows) for trainer, rows in means.items()}


def cases(model, folder, count):
    """Splits of the given model: one of flips alone, one of verdicts as they come; and what it says of the photographs."""
    features, labels = read(model, folder, count)
    wrong = model.head.logits(features).argmax(axis=1) != labels

    def case(only_flips):
        def run(trainer, verdicts, seed):
            rows = dealt(len(labels) // count, count, INSIDE[count > 1], np.random.default_rng(seed))
            judged = rows[0][wrong[rows[0]]] if only_flips else rows[0]
            return split(model, model.head, (features, labels), rows, trainer, judged[: verdicts or None])

        return run

    said = f"{len(labels) // count} photographs, {100 * (1 - wrong[::count].mean()):.1f} % right before."
    return case(True), case(False), said


def newcomer(folder):
    """A new classifier on the starter, its features, labels, and a weak head, by seed: taught with some wrong labels."""
    model = untrained(folder)
    data = features, labels = read(model, folder)

    def weak(rng):
        rows = rng.permutation(len(labels))[:TAUGHT]
        taught = np.where(rng.random(TAUGHT) < WRONG, (labels[rows] + 1) % len(model.labels), labels[rows])
        lesson = engine.Lesson(model.head, features[rows], taught, features[:0])
        return list(engine.TRAINERS["fit"](lesson, model.network.training, engine.Settings()))[-1].head

    return model, data, weak


def curve(model, data, trainers, counts, splits):
    """Lines of a table of accuracy by verdicts a label, and trainer -> means."""
    (features, labels), means = data, {}
    lines = ["", "| trainer | " + " | ".join(map(str, counts)) + " |", "| --- " * (len(counts) + 1) + "|"]
    for trainer in trainers:
        cells = []
        for each in counts:
            rights = []
            for seed in range(splits):
                rng = np.random.default_rng(seed)
                judged = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:each] for k in np.unique(labels)])
                rest = np.setdiff1d(np.arange(len(labels)), judged)
                lesson = engine.Lesson(model.head, features[judged], labels[judged], features[rest])
                head = trained(model, lesson, trainer)[0].head
                rights.append((head.logits(features[rest]).argmax(axis=1) == labels[rest]).mean())
            mean, half = interval(rights)
            cells.append(f"{mean:.1f} ± {half:.1f}")
            means.setdefault(trainer, []).append(mean)
        lines.append(f"| {trainer} | {' | '.join(cells)} |")
        sys.stderr.write(lines[-1] + "\n")
    return lines, means


def measured(given):
    """All lines of the page, and the two pictures."""
    model, splits = engine.open_model(given.model), given.splits
    new, data, weak = newcomer(given.folder)
    flips, _, said = cases(model, given.folder, 1)
    lines = [f"{said} {splits} splits; means with 95 % intervals, in percent.",
             f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}."]  # fmt: skip
    lines += table("Folders of 160, flips alone.", flips, (10, 20, None), ("edit", "auto"), splits)[0]
    flips, judged, _ = cases(model, given.folder, 3)
    some, means = table("Folders of 402, three views of each photograph; flips alone.", flips, FLIPS, TRAINERS, splits)
    lines += some
    lines += table("The same folders; verdicts as they come, flips or not.", judged, (20, 40, 80), TRAINERS[:3], splits)[0]

    def taught(trainer, verdicts, seed):
        rng = np.random.default_rng(seed)
        rows = dealt(len(data[1]), 1, INSIDE[0], rng)
        return split(new, weak(rng), data, rows, trainer, rows[0][:verdicts])

    title = (
        f"A classifier on the starter that learned from {TAUGHT} photographs, a quarter with a wrong label; folders of 160."
    )
    lines += table(title, taught, (20, 40, 80), TRAINERS[:3], splits)[0]
    lines += ["", "A new classifier on the starter: accuracy on all others, by verdicts a label."]
    some, starting = curve(new, data, TRAINERS, EACH, splits)
    panels = [
        (name, FLIPS, {trainer: rows[:, at] for trainer, rows in means.items()})
        for at, name in ((0, "learned, %"), (1, "right ones kept, %"), (3, "unseen after, %"))
    ]
    pictures = {"flips": svg(panels, "flips"), "starter": svg([("accuracy, %", EACH, starting)], "verdicts a label")}
    return [*lines, *some], pictures


def main():
    """Print the tables; with --write, put them into a page between its marks, and the curves beside it."""
    given = arguments(__doc__, 24)
    # Products this small are no faster on more.
    with on_one_core():
        lines, pictures = measured(given)
    text = "\n".join(lines)
    sys.stdout.write(text + "\n")
    if given.write:
        for name, picture in pictures.items():
            given.write.with_name(f"{given.write.stem}-{name}.svg").write_text(picture)
        given.write.write_text(replaced(given.write.read_text(), "Learning", text))


if __name__ == "__main__":
    main()
