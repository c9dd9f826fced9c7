"""How time and memory grow with images, verdicts and features: `python growth.py [--images 1000 10000 100000]`.

Small JPEG files and models are made here. Each figure is from a process of its own, with its largest memory; the shares of
times tell what grows faster than linearly. Prints tables in Markdown.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.convert.build import Layers, Picture, classifier
from engine.convert.prepare import Preparation, prepare
from engine.events import ImagesPredicted, Retrained
from engine.images import pixels
from engine.keeping import Keeping
from engine.trainers import Settings
from tests.benchmarks.common import table

ROOT = Path(__file__).resolve().parents[2]
SIDE, HIDDEN = 34, 64
KERNELS = {192: (4, 3), 1280: (4, 20), 18496: (2, 64)}
"""By number of features: kernel and filters of the frozen convolution, whose stride is its kernel."""
COLORS = np.array([(200, 80, 60), (90, 180, 80), (70, 90, 210), (190, 180, 60), (150, 150, 160)])
"""Of the kinds of pictures: the first two are cats, the others dogs, the last of which the model has learned as cats."""
TAUGHT = 200
LIVE_STEPS, LEARN_IN = 5, 10_000
LABELS = ("Cat", "Dog")
VERDICTS = (10, 100, 1000, 5000)


def make_model(path, width, folder):
    """Convolution, ReLU, flatten; dense 64, ReLU, dense 2, softmax, which are updatable and know most of the pictures."""
    (kernel, filters), rng = KERNELS[width], np.random.default_rng(0)
    model = classifier(Picture("image", SIDE, SIDE, scale=1 / 128, bias=(-1, -1, -1)), LABELS)
    layers = Layers(model.neuralNetworkClassifier)

    def dense(name, before, outputs, inputs):
        weights = {"weights": rng.normal(0, 1 / np.sqrt(inputs), (outputs, inputs)), "bias": np.zeros(outputs)}
        layers.add("innerProduct", name, before, inputChannels=inputs, outputChannels=outputs, hasBias=True, **weights)

    layers.add(
        "convolution", "convolution", "image", outputChannels=filters, kernelChannels=3, kernelSize=(kernel, kernel),
        stride=(kernel, kernel), valid={}, hasBias=True, nGroups=1, dilationFactor=(1, 1),
        weights=rng.normal(0, 1 / kernel, (filters, 3, kernel, kernel)), bias=np.zeros(filters),
    )  # fmt: skip
    layers.add("activation", "relu", "convolution", ReLU={})
    layers.add("flatten", "flatten", "relu", mode=0)
    dense("dense", "flatten", HIDDEN, width)
    layers.add("activation", "relu2", "dense", ReLU={})
    dense("last", "relu2", 2, HIDDEN)
    layers.add("softmax", "softmax", "last", "labelProbability")
    made, _ = prepare(model, Preparation(layers=("dense", "last")))
    model = engine.open_model(made)
    files = sorted(folder.iterdir())[:TAUGHT]
    features = model.features(np.stack([pixels(file, SIDE, SIDE, "RGB") for file in files]))
    labels = [LABELS[2 <= number % len(COLORS) < len(COLORS) - 1] for number in range(len(files))]
    *_, result = model.train(model.lesson(features, labels), "fit")
    path.write_bytes(model.bytes_with(result.head))


def make_pictures(folder, count, source=None):
    """That many different JPEG files in one folder, or hard links to those in `source`."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(count):
        name = f"{number:06d}.jpg"
        if source is not None:
            os.link(source / name, folder / name)
            continue
        small = np.clip(COLORS[number % len(COLORS)] + rng.normal(0, 40, (5, 5, 3)), 0, 255)
        Image.fromarray(small.astype(np.uint8)).resize((48, 40), Image.Resampling.BILINEAR).save(folder / name, quality=80)


def predicted(events):
    """Seconds, and all images' contents by path."""
    start, shown = time.perf_counter(), {}
    for event in events:
        if isinstance(event, ImagesPredicted):
            shown |= zip(event.paths, event.contents, strict=True)
    return time.perf_counter() - start, shown


def opened(place, model):
    start = time.perf_counter()
    workspace = engine.Workspace(place, model, keeping=Keeping("full", "none"))
    return workspace, time.perf_counter() - start


def scan(folder, model, _):
    """A first scan, and reopening."""
    workspace, took = opened(folder, model)
    with workspace:
        return {"seconds": took + predicted(workspace.scan())[0]}


def predict(folder, model, _):
    """All rows from their features, as after a retrain, beside NumPy's bare product."""
    workspace, _ = opened(folder, model)
    with workspace:
        predicted(workspace.scan())
        times, products = [], []
        for number in range(3):
            head = workspace.model.head
            moved = head.moved(
                [{name: each * 1e-3 * (number + 1) for name, each in layer.items()} for layer in head.weights]
            )
            workspace.model = workspace.model.with_head(moved)
            first = moved.layers[0].weights["weights"]
            start = time.perf_counter()
            rows = workspace._store.matrix()
            for at in range(0, len(rows), 1024):
                rows[at : at + 1024].reshape(-1, first.shape[1]) @ first.T
            products.append(time.perf_counter() - start)
            times.append(predicted(workspace.predict_again())[0])
    return {"seconds": median(times), "product": median(products)}


def verdicts_of(shown, count):
    """The truth of images all over the folder; one in five is a flip."""
    paths = sorted(shown)
    chosen = np.linspace(0, len(paths) - 1, count).astype(int)
    return {shown[paths[row]]: LABELS[int(row % len(COLORS) > 1)] for row in chosen}


def retrain(folder, model, count):
    """`auto` on so many verdicts: until the new head is there, and until it is saved and all rows are predicted."""
    workspace, _ = opened(folder, model)
    with workspace:
        _, shown = predicted(workspace.scan())
        start, trained = time.perf_counter(), 0.0
        for event in workspace.retrain(verdicts_of(shown, count), "auto", Settings(), 0.0, force=True):
            if isinstance(event, Retrained):
                trained = time.perf_counter() - start
        return {"trained": trained, "seconds": time.perf_counter() - start}


def live(folder, model, count):
    """One more verdict, with so many before it; beginning is not counted."""
    workspace, _ = opened(folder, model)
    with workspace:
        _, shown = predicted(workspace.scan())
        verdicts = verdicts_of(shown, count)
        predicted(workspace.live(dict(list(verdicts.items())[:-LIVE_STEPS])))
        times = []
        for left in range(LIVE_STEPS - 1, -1, -1):
            now = dict(list(verdicts.items())[: len(verdicts) - left])
            times.append(predicted(workspace.live(now))[0])
        return {"seconds": median(times)}


def sort(_folder, _model, count):
    """The app's own order of that many rows, all of which have a prediction, and a filter of them."""
    from engine.events import FolderChanged, ModelOpened
    from tests.benchmarks.stand_in import names_of
    from tests.benchmarks.stand_in import predicted as said
    from tui.filters import wanted
    from tui.order import arranged
    from tui.session import Session

    names = names_of(count)
    session = Session(folder=ROOT, verdicts={})
    session = session.after(ModelOpened("m", LABELS, 0, (9, 7), True)).after(FolderChanged(added=names))
    session = session.after(said(names, range(count)))
    sorts, filters = [], []
    for _ in range(5):
        start = time.perf_counter()
        arranged(session, "uncertain first")
        sorts.append(time.perf_counter() - start)
        start = time.perf_counter()
        wanted(session, "<60% open 0012")
        filters.append(time.perf_counter() - start)
    return {"seconds": median(sorts), "filter": median(filters)}


TASKS = {each.__name__: each for each in (scan, predict, retrain, live, sort)}


def measured(task, folder="-", model="-", count=0):
    """What a task says, in a process of its own, and its largest memory in MB."""
    command = [sys.executable, __file__, "--task", task, str(folder), str(model), str(count)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)


def one(task, folder, model, count):
    """The other side of `measured`."""
    said = TASKS[task](Path(folder), Path(model), int(count))
    # Of Linux in KB.
    said["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(said))


def shown(seconds):
    """Three figures, in milliseconds below a second."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def cell(said, key="seconds"):
    return f"{shown(said[key])}, {said['memory']:,.0f} MB"


def by_images(place, folders, widths):
    """Scan, reopen, predict all; then, in the largest folder but one, retrains and live steps. Yields tables."""
    rows, steps = [], []
    for width in widths:
        model = place / f"{width}.mlmodel"
        make_model(model, width, folders[max(folders)])
        for count, folder in folders.items():
            first, again, all_rows = (measured(task, folder, model) for task in ("scan", "scan", "predict"))
            rows.append([
                f"{width:,}", f"{count:,}", cell(first), f"{1e3 * first['seconds'] / count:.2f} ms", cell(again),
                f"{first['seconds'] / again['seconds']:,.0f}", cell(all_rows), shown(all_rows["product"]),
                f"{all_rows['seconds'] / all_rows['product']:.1f}",
            ])  # fmt: skip
            sys.stderr.write(f"{rows[-1]}\n")
            if count == min(LEARN_IN, max(folders)):
                for verdicts in [each for each in VERDICTS if each <= count]:
                    trained, step = (measured(task, folder, model, verdicts) for task in ("retrain", "live"))
                    steps.append([
                        f"{width:,}", f"{verdicts:,}", cell(trained, "trained"), shown(trained["seconds"]), cell(step),
                    ])  # fmt: skip
                    sys.stderr.write(f"{steps[-1]}\n")
            shutil.rmtree(folder / ".catflap")
    yield table(
        ["features", "images", "first scan", "an image", "reopen", "times as fast", "predict all", "product", "times"], rows
    )
    yield table(["features", "verdicts", "retrain, trained", "and saved, all predicted", "a live step"], steps)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--widths", type=int, nargs="+", default=[*KERNELS])
    parser.add_argument("--task", nargs=4)
    given = parser.parse_args()
    if given.task:
        one(*given.task)
        return
    with tempfile.TemporaryDirectory() as name:
        place, folders = Path(name), {}
        for count in sorted(given.images, reverse=True):
            folders[count] = place / str(count)
            make_pictures(folders[count], count, folders[max(folders)] if len(folders) > 1 else None)
        folders = dict(sorted(folders.items()))
        for each in by_images(place, folders, given.widths):
            sys.stdout.write(f"{each}\n")
        said = {count: measured("sort", count=count) for count in folders}
        rows = [[f"{count:,}", cell(each), shown(each["filter"])] for count, each in said.items()]
        sys.stdout.write(table(["rows", "sort", "filter of three words"], rows))


if __name__ == "__main__":
    main()
