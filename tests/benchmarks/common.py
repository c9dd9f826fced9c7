"""What the benchmarks share: photographs and features, taking turns, and tables."""

import time
from statistics import median

import numpy as np

from engine.folder import scan
from engine.images import pixels


def read(model, folder):
    """(n, height, width, channels) of a folder's photographs, and their names."""
    names, size = sorted(scan(folder)), model.image
    return np.stack([pixels(folder / name, size.width, size.height, size.color) for name in names]), names


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
