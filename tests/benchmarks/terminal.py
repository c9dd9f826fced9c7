"""What a key costs, beside the barest app that Textual can run; bytes on the line, memory, first paint.

    python tests/benchmarks/terminal.py [--images 100000] [--keys 80] [--preview off] [--slow-link]
    python tests/benchmarks/terminal.py MODEL FOLDER [--columns 80] [--rows 24] [--keys 80]

Without MODEL and FOLDER, the app shows made-up images, of which a stand-in for the engine's process speaks through a real
pipe. The bare app is a list that shows one character where its cursor is. Both are open at the same time, and keys go to
them by turns: what else the machine does slows both, so trust the ratios. Times are from the key to the first byte of what
it shows, p50 / p95 in milliseconds. Busy is a scan of 200 images and a training run of 1,000 batches a second.

With MODEL and FOLDER, the whole program works on a copy of FOLDER.
"""

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.pseudo_terminal import CATFLAP, ESCAPES, PseudoTerminal  # noqa: E402

STAND_IN = [sys.executable, ROOT / "tests/benchmarks/stand_in.py"]
SIZES = ((80, 24), (200, 60))
TURN = 10
"""Keys that one app gets before it is the other's turn."""
QUIET_S, IDLE_S, PATIENCE_S = 0.06, 2, 60
DOWN, PAGE, FLIP = ("j",), ("\x1b[6~",), ("x",)


@dataclass
class Shown:
    """An app in its terminal, and what was measured of it."""

    app: PseudoTerminal
    sign: bytes
    """What is drawn when the cursor moves, and at no other time."""
    times: list = field(default_factory=list)
    sizes: list = field(default_factory=list)

    def press(self, key, quiet):
        """Note the milliseconds until the cursor is drawn; and, once it is quiet, how many bytes came."""
        app, mark, start = self.app, len(self.app.said), time.monotonic()
        app.send(key)
        while self.sign not in app.said[mark:]:
            assert time.monotonic() < start + PATIENCE_S, f"{key!r} did nothing"
            app.read(0.01)
        self.times.append(1e3 * (app.chunks[-1][0] - start))
        if quiet:
            app.settle(QUIET_S)
            self.sizes.append(len(app.said) - mark)
        else:
            # Somewhere between two of the moments at which the app listens to the engine.
            until = time.monotonic() + random.uniform(0.02, 0.08)
            while (left := until - time.monotonic()) > 0:
                app.read(left)

    def forget(self):
        """Begin to measure anew."""
        self.times, self.sizes = [], []


def percentile(values, share):
    """The value below which that share lies."""
    ranked = sorted(values)
    return ranked[round(share * (len(ranked) - 1))]


def both(values):
    """p50 / p95."""
    return " / ".join(f"{percentile(values, share):.1f}" for share in (0.5, 0.95))


def ratios(ours, bare):
    """Of p50 and of p95."""
    return " / ".join(f"{percentile(ours, share) / percentile(bare, share):.2f}" for share in (0.5, 0.95))


def tell(line=""):
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def compare(what, bare, ours, keys, count, quiet):
    """Press keys in both apps by turns; one line of the table."""
    bare.forget()
    ours.forget()
    each = cycle(keys)
    for _ in range(max(1, count // TURN)):
        pressed = [next(each) for _ in range(TURN)]
        for shown in (bare, ours):
            for key in pressed:
                shown.press(key, quiet)
    sizes = f"{statistics.median(bare.sizes):,.0f} | {statistics.median(ours.sizes):,.0f}" if quiet else " | "
    tell(f"| {what} | {both(bare.times)} | {both(ours.times)} | {ratios(ours.times, bare.times)} | {sizes} |")


def start(opened, place, options, size, images, preview):
    """Start the real app on made-up images, and wait until all of them are there."""
    folder = Path(tempfile.mkdtemp(dir=place))
    arguments = [*STAND_IN, "ours", images, preview, folder, *["--slow-link"] * options.slow_link]
    ours = Shown(opened.enter_context(PseudoTerminal(arguments, *size)), "▸".encode())
    ours.app.wait_for(f"{images:,} images")
    ours.app.wait_for(" %")
    ours.app.settle(1.5, PATIENCE_S)
    return ours


def keys_at(size, options, place):
    """The table of keys and bytes in one size of terminal."""
    tell(f"\n### {size[0]}x{size[1]}, {options.images:,} images, preview {options.preview}\n")
    tell("| what | bare | Catflap | ratio p50 / p95 | bare, bytes | Catflap, bytes |")
    tell("| --- | --- | --- | --- | --- | --- |")
    with ExitStack() as opened:
        bare = Shown(opened.enter_context(PseudoTerminal([*STAND_IN, "bare", options.images], *size)), "█".encode())
        bare.app.wait_for("█")
        bare.app.settle()
        ours = start(opened, place, options, size, options.images, options.preview)
        tell(f"| start | | | | {len(bare.app.said):,} | {len(ours.app.said):,} |")
        tell(f"| idle, a second | | | | {a_second(bare)} | {a_second(ours)} |")
        compare("move (j)", bare, ours, DOWN, options.keys, True)
        compare("page (PgDn)", bare, ours, PAGE, options.keys // 2, True)
        compare("verdict and move (x, j)", bare, ours, ("x", "j"), options.keys // 2, True)
    with ExitStack() as opened:
        bare = Shown(opened.enter_context(PseudoTerminal([*STAND_IN, "bare", options.images], *size)), "█".encode())
        # The pane at the side is where the training shows.
        ours = start(opened, place, options, size, options.images, "blocks")
        ours.press("x", True)
        ours.app.send("r")
        ours.app.wait_for("reading")
        compare("move (j), busy", bare, ours, DOWN, options.keys, False)
        tell(f"| busy, a second | | | | | {a_second(ours)} |")


def a_second(shown):
    """Bytes a second while nobody types."""
    return f"{shown.app.settle(IDLE_S, IDLE_S) / IDLE_S:,.0f}"


def memory(options, place):
    """What the app's process holds, with few images and with many."""
    held = []
    for images in (1000, options.images):
        with ExitStack() as opened:
            ours = start(opened, place, options, SIZES[0], images, options.preview)
            held.append(int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(ours.app.pid)])) / 1000)
    few, many = held
    tell(f"\nMemory: {few:.0f} MB with 1,000 images, {many:.0f} MB with {options.images:,}: {many / few:.2f} times.")


def known_folder(place, images):
    """A folder of that many images, all of them predicted before; none is ever read."""
    from engine.catalogue import Catalogue, Known
    from engine.listing import stamp_of
    from engine.spec.file import read
    from tests.benchmarks.stand_in import names_of, predicted

    folder, model = place / "photographs", place / "model.mlmodel"
    shutil.copy(ROOT / "samples/CatDog.mlmodel", model)
    names = names_of(images)
    for parent in {name.rpartition("/")[0] for name in names}:
        (folder / parent).mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"0")
    said = predicted(names, range(images))
    (folder / ".catflap").mkdir()
    with Catalogue(folder / ".catflap/catalogue.db") as catalogue:
        stamps = {name: stamp_of(str(folder / name)) for name in names}
        catalogue.put_images({n: Known(stamps[n], c) for n, c in zip(names, said.contents, strict=True)})
        catalogue.put_predictions(read(model).digest, said.contents, said.probabilities)
    return folder, model


def first_paint(options, place):
    """From exec to the first byte of the table's header, beside a bare app with one line of words."""
    folder, model = known_folder(place, options.images)
    more = ["--preview", options.preview, *["--slow-link"] * options.slow_link]
    programs = {
        "bare": ([*STAND_IN, "words"], "one line of words"),
        "ours": ([*CATFLAP, folder, "--model", model, *more], "image "),
    }
    took = {name: [] for name in programs}
    for name in [*programs] * options.starts:
        arguments, words = programs[name]
        begin = time.monotonic()
        with PseudoTerminal(arguments, *SIZES[0]) as app:
            while words.encode() not in ESCAPES.sub(b"", bytes(app.said)):
                assert app.read(PATIENCE_S), app.text
            took[name].append(1e3 * (app.chunks[-1][0] - begin))
    bare, ours = (statistics.median(took[name]) for name in programs)
    tell(f"\nFirst paint: {bare:.0f} ms bare, {ours:.0f} ms with {options.images:,} known images: {ours / bare:.2f} times.")


def whole(options, place):
    """The whole program on real files, alone: keys while idle, and while it trains."""
    folder, model = place / "photographs", place / "model.mlmodel"
    shutil.copytree(options.folder, folder, ignore=shutil.ignore_patterns(".catflap"))
    shutil.copy(options.model, model)
    more = ["--preview", options.preview, *["--slow-link"] * options.slow_link]
    size = (options.columns, options.rows)
    begin = time.monotonic()
    with PseudoTerminal([*CATFLAP, folder, "--model", model, "--trainer", "sgd", *more], *size) as app:
        app.wait_for("opening")
        painted = time.monotonic() - begin
        app.wait_for(" %")
        predicted = time.monotonic() - begin
        app.settle(2, PATIENCE_S)
        tell(f"\n### {size[0]}x{size[1]}, preview {options.preview}")
        tell(f"\nFirst paint {painted:.2f} s, first predictions {predicted:.2f} s.\n")
        tell("| what | p50 / p95 | bytes |\n| --- | --- | --- |")
        shown = Shown(app, "▸".encode())
        tell(f"| idle, a second | | {a_second(shown)} |")
        for what, keys in (("move (j)", DOWN), ("page (PgDn)", PAGE), ("verdict (x)", FLIP)):
            shown.forget()
            each = cycle(keys)
            for _ in range(options.keys):
                shown.press(next(each), True)
            tell(f"| {what} | {both(shown.times)} | {statistics.median(shown.sizes):,.0f} |")
        shown.forget()
        mark = len(app.said)
        app.send("rg")
        while len(shown.times) < options.keys and b"Saved as" not in ESCAPES.sub(b"", bytes(app.said[mark:])):
            shown.press("jk"[len(shown.times) % 2], False)
        tell(f"| move (j, k) while training | {both(shown.times)} | |")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=80)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--preview", default="off")
    parser.add_argument("--slow-link", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if options.model:
            whole(options, place)
            return
        for size in SIZES:
            keys_at(size, options, place)
        memory(options, place)
        first_paint(options, place)


if __name__ == "__main__":
    main()
