"""Key to repaint, and bytes on the line, in a pseudo-terminal, idle and while a retrain runs.

    python tests/benchmarks/terminal.py MODEL FOLDER [--columns 80] [--rows 24] [--keys 60]

FOLDER is copied first; the copy is worked on. "first" is from the key to the first byte of the repaint, "all" to the last
byte before 80 ms of quiet, both in milliseconds.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.pseudo_terminal import CATFLAP, PseudoTerminal

QUIET = 0.08


def press(app, key):
    """Milliseconds to the first and to the last byte, and how many bytes."""
    mark, start = len(app.chunks), time.monotonic()
    app.send(key)
    last = start
    while time.monotonic() - last < QUIET:
        if app.read(0.005):
            last = time.monotonic()
    chunks = app.chunks[mark:]
    if not chunks:
        return None
    return 1e3 * (chunks[0][0] - start), 1e3 * (chunks[-1][0] - start), sum(size for _, size in chunks)


def percentile(values, share):
    """The value below which that share lies."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(share * (len(ranked) - 1)))]


def row(name, results):
    """One line of the table."""
    first, last, size = zip(*(each for each in results if each), strict=True)
    times = " / ".join(f"{percentile(first, s):.1f}" for s in (0.5, 0.95))
    whole = " / ".join(f"{percentile(last, s):.1f}" for s in (0.5, 0.95))
    return f"| {name} | {len(first)} | {times} | {whole} | {percentile(size, 0.5)} |"


def measure(app, keys):
    """Lines of the table."""
    app.settle(quiet=2, seconds=30)
    idle = app.settle(quiet=5, seconds=5)
    yield f"| idle for 5 s | | | | {idle} |"
    yield row("move (j)", [press(app, "j") for _ in range(keys)])
    yield row("page (PgDn, PgUp)", [press(app, ("\x1b[6~", "\x1b[5~")[n % 2]) for n in range(keys // 2)])
    app.send("g")
    app.settle()
    yield row("verdict (x, a)", [press(app, "xa"[n % 2]) for n in range(keys)])
    app.send("r")
    results = []
    while len(results) < keys:
        results.append(press(app, "j"))
        if "Saved as" in app.text[-3000:]:
            break
    yield row("move while training", results)
    app.settle(quiet=2, seconds=60)


def main():
    """Print the table, with and without the preview."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--keys", type=int, default=60)
    given = parser.parse_args()
    for preview in ("blocks", "off"):
        with tempfile.TemporaryDirectory() as place:
            folder, model = Path(place) / "photographs", Path(place) / "model.mlmodel"
            shutil.copytree(given.folder, folder, ignore=shutil.ignore_patterns(".catflap"))
            shutil.copy(given.model, model)
            arguments = [*CATFLAP, folder, "--model", model, "--trainer", "sgd", "--preview", preview]
            start = time.monotonic()
            with PseudoTerminal(arguments, given.columns, given.rows) as app:
                app.wait_for("opening")
                painted = time.monotonic() - start
                app.wait_for(" %")
                predicted = time.monotonic() - start
                sys.stdout.write(
                    f"\npreview {preview}, {given.columns}x{given.rows}: first paint {painted:.2f} s, first predictions "
                    f"{predicted:.2f} s\n\n| what | keys | first p50 / p95 | all p50 / p95 | bytes (median) |\n"
                    "| --- | --- | --- | --- | --- |\n"
                )
                for line in measure(app, given.keys):
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
