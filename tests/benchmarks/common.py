"""What the benchmarks share: photographs and features, taking turns, and tables."""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np

import engine
from engine.convert.starter import starter
from engine.events import TrainingBegan
from engine.folder import scan
from engine.images import pixels

WEIGHTS = Path(__file__).resolve().parents[2] / "samples" / "efficientnet_lite0.npz"


def read(model, folder):
    """(n, height, width, channels) of a folder's photographs, and their names."""
    names, size = sorted(scan(folder)), model.image
    return np.stack([pixels(folder / name, size.width, size.height, size.color) for name in names]), names


def labelled(model, folder):
    """Pixels of all photographs in folders named as the model's labels, one after the other, and their label numbers."""
    number = {label.lower(): index for index, label in enumerate(model.labels)}
    names = [name for name in sorted(scan(folder)) if name.split("/")[0].lower() in number]
    size = model.image
    each = (pixels(folder / name, size.width, size.height, size.color) for name in names)
    return each, np.array([number[name.split("/")[0].lower()] for name in names])


def untrained(folder, hidden=0):
    """A new classifier on the starter, whose labels are the folders of photographs in a folder."""
    labels = sorted({name.split("/")[0] for name in scan(folder) if "/" in name})
    return engine.open_model(starter(labels, WEIGHTS, hidden))


def trained(model, lesson, trainer, seed=0):
    """The result, milliseconds, and the trainer that ran: `auto` first finds out which."""
    start = time.perf_counter()
    events = list(engine.TRAINERS[trainer](lesson, model.network.training, engine.Settings(seed=seed)))
    spent = 1000 * (time.perf_counter() - start)
    return events[-1], spent, next(event for event in events if isinstance(event, TrainingBegan)).trainer


def arguments(about, splits):
    """What a benchmark on splits of labelled photographs is given; `about` is its module's words."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=splits)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


def blends(features, count, seed=0):
    """As many features as are asked for: the first are those given, the others of two of them."""
    rng = np.random.default_rng(seed)
    one, two = rng.integers(0, len(features), (2, max(0, count - len(features))))
    return np.concatenate([features, 0.7 * features[one] + 0.5 * features[two]]).astype(np.float32)[:count]


def seconds(*works, rounds=3):
    """The median time of each, after one run that does not count; they take turns."""
    times = [[] for _ in works]
    for each in range(rounds + 1):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            if each or not rounds:
                taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def table(head, rows):
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def replaced(page, title, text):
    """The page with what stands between the marks of that title."""
    begin, end = f"<!-- {title}: measured -->\n", f"<!-- {title}: end -->"
    before, rest = page.split(begin)
    return before + begin + text + "\n" + end + rest.split(end)[1]
