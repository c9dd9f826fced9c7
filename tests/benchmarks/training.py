"""Training beside PyTorch on the same features, and the whole network in every epoch: `python training.py MODEL FOLDER`.

MODEL begins its head with a dense layer. Features are those of FOLDER's photographs and of blends of two of them, for as
many as are asked for. Every figure is the median of three, the two sides taking turns.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.head import Head, HeadLayer
from engine.spec.training import Allowed, Training
from tests.benchmarks.common import blends, read, seconds, table

EPOCHS, BATCH, RATE = 10, 5, 0.001
STARTER_WIDTH = 1280


def torch_head(head):
    """The head in PyTorch, with its weights."""
    layers = []
    for each in head.before_softmax:
        if each.kind != "innerProduct":
            layers.append(torch.nn.ReLU())
            continue
        weights = torch.from_numpy(each.weights["weights"].copy())
        layers.append(torch.nn.Linear(weights.shape[1], weights.shape[0]))
        layers[-1].weight.data, layers[-1].bias.data = weights, torch.from_numpy(each.weights["bias"].copy())
    return torch.nn.Sequential(*layers)


def torch_trains(head, features, targets, batch=BATCH, frozen=None, kind=torch.float32):
    """Plain SGD as a user of PyTorch writes it; `frozen` runs on the inputs in every step. Gives the trained head."""
    net, loss = torch_head(head).to(kind), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    x, y = torch.from_numpy(features).to(kind), torch.from_numpy(targets)
    for _ in range(EPOCHS):
        for at in range(0, len(x), batch):
            chosen = x[at : at + batch]
            if frozen is not None:
                with torch.no_grad():
                    chosen = frozen(chosen).flatten(1)
            optimizer.zero_grad()
            loss(net(chosen), y[at : at + batch]).backward()
            optimizer.step()
    return net


def lesson(head, features, targets, anchors=None):
    return engine.Lesson(head, features, targets, features[:0] if anchors is None else anchors)


def trained(trainer, of, batch=BATCH):
    allowed = {"learning_rate": Allowed(RATE), "batch_size": Allowed(batch), "epochs": Allowed(EPOCHS)}
    training = Training("cross_entropy", "p", "sgd", allowed, shuffle=False, seed=None)
    *_, result = engine.TRAINERS[trainer](of, training, engine.Settings())
    return result


def apart(found, exact, before):
    """The largest difference of a weight from those of float64, relative to the largest change of its layer's."""
    rows = zip(found, exact, before, strict=True)
    return max(np.abs(one - two).max() / np.abs(two - old).max() for one, two, old in rows)


def of_torch(net):
    return [each.weight.detach().numpy() for each in net if isinstance(each, torch.nn.Linear)]


def of_head(head):
    return [each.weights["weights"] for each in head.before_softmax if each.kind == "innerProduct"]


def row(name, head, features, targets, batch=BATCH):
    flat = features.reshape(len(features), -1)
    ours, theirs = seconds(
        lambda: trained("plain", lesson(head, features, targets), batch), lambda: torch_trains(head, flat, targets, batch)
    )
    exact, before = of_torch(torch_trains(head, flat, targets, batch, kind=torch.float64)), of_head(head)
    here = apart(of_head(trained("plain", lesson(head, features, targets), batch).head), exact, before)
    there = apart(of_torch(torch_trains(head, flat, targets, batch)), exact, before)
    said = f"{here:.0e}, {there:.0e}"
    return [name, f"{1e3 * ours:.0f} ms", f"{1e3 * theirs:.0f} ms", f"{theirs / ours:.1f}", said]


def edits(model, features, flips=20, folder=400):
    """The edit of the 20 least certain images of 400 beside SGD on all of them."""
    logits = np.sort(model.head.logits(features[:folder]), axis=1)
    features = features[np.argsort(logits[:, -1] - logits[:, -2])]
    old = model.head.logits(features).argmax(axis=1)
    anchors = features[flips:]
    of = lambda: lesson(model.head, features[:flips], 1 - old[:flips], anchors)  # noqa: E731
    flat, targets = features[:folder].reshape(folder, -1), np.concatenate([1 - old[:flips], old[flips:]])
    ours, theirs = seconds(lambda: trained("edit", of()), lambda: torch_trains(model.head, flat, targets))
    result = trained("edit", of())
    kept = (result.head.logits(anchors).argmax(axis=1) == old[flips:]).mean()
    said = f"{result.learned} of {result.flips} learned, {100 * kept:.1f} % kept"
    name = f"edit, {flips} flips in {folder}"
    return [name, f"{1e3 * ours:.0f} ms", f"{1e3 * theirs:.0f} ms", f"{theirs / ours:.1f}", said]


def whole_network(model, folder, features, count=500):
    """SGD where the whole network runs in every step, as Core ML's update task does."""
    from tests.benchmarks.network import frozen_in_torch

    frozen = frozen_in_torch(model)
    pictures = read(model, folder)[0]
    chosen = np.random.default_rng(0).integers(0, len(pictures), count)
    x = pictures[chosen].transpose(0, 3, 1, 2).astype(np.float32)
    targets = np.random.default_rng(1).integers(0, len(model.labels), count)
    (theirs,) = seconds(lambda: torch_trains(model.head, x, targets, frozen=frozen), rounds=1)
    (ours,) = seconds(lambda: trained("plain", lesson(model.head, features[:count], targets)))
    return [f"{count} labels, PyTorch runs the whole network", f"{1e3 * ours:.0f} ms", f"{1e3 * theirs:.0f} ms",
            f"{theirs / ours:.0f}", ""]  # fmt: skip


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    model, rng = engine.open_model(given.model), np.random.default_rng(0)
    features = blends(model.features(read(model, given.folder)[0]), 2000)
    targets = rng.integers(0, len(model.labels), 2000)
    rows = [row(f"{n:,} labels", model.head, features[:n], targets[:n]) for n in (100, 500, 2000)]
    starter = np.maximum(rng.normal(0, 1, (2000, STARTER_WIDTH)), 0).astype(np.float32)
    weights = {"weights": rng.normal(0, 0.02, (2, STARTER_WIDTH)).astype(np.float32), "bias": np.zeros(2, np.float32)}
    small = Head((HeadLayer("dense", "innerProduct", weights, {}, True), HeadLayer("softmax", "softmax")))
    for n, batch in ((50, BATCH), (500, BATCH), (2000, BATCH), (2000, 32)):
        rows.append(row(f"starter, {n:,} labels, batch {batch}", small, starter[:n], targets[:n] % 2, batch))
    rows.append(edits(model, features))
    rows.append(whole_network(model, given.folder, features))
    head = [f"{EPOCHS} epochs of SGD, batch {BATCH}", "here", "PyTorch", "times as fast", "differences from float64"]
    sys.stdout.write(table(head, rows))


if __name__ == "__main__":
    main()
