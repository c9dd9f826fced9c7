"""Steps in blocks: every way against the plain loop, and that against PyTorch in double precision."""

from dataclasses import replace

import numpy as np
import pytest

from engine.head import Head, HeadLayer
from engine.head.dense_first import dense_first, flat
from engine.head.gram import gram
from engine.head.steps import BlockSteps, ByFeatures, BySamples, Material, PlainSteps
from engine.spec.training import Allowed, Training
from engine.trainers import Lesson, Settings
from engine.trainers.sgd import plain
from engine.trainers.ways import chosen_steps

WIDTH, HIDDEN = 37, 11


def dense(rng, outputs, inputs, bias=True):
    weights = {"weights": rng.normal(0, 1 / np.sqrt(inputs), (outputs, inputs)).astype(np.float32)}
    if bias:
        weights["bias"] = rng.normal(0, 0.3, outputs).astype(np.float32)
    return HeadLayer(f"dense{outputs}", "innerProduct", weights, {}, True)


def heads():
    """Heads that begin with a dense layer, by what is special about them."""
    rng = np.random.default_rng(2)
    soft, relu, tanh = (HeadLayer(kind, kind) for kind in ("softmax", "activation.ReLU", "activation.tanh"))
    yield "one layer", Head((dense(rng, 3, WIDTH), soft))
    yield "no bias", Head((dense(rng, 2, WIDTH, bias=False), soft))
    yield "two layers", Head((dense(rng, HIDDEN, WIDTH), relu, dense(rng, 3, HIDDEN), soft))
    yield "three layers", Head((dense(rng, HIDDEN, WIDTH), tanh, dense(rng, 7, HIDDEN), relu, dense(rng, 2, 7), soft))
    yield "numbers", Head((dense(rng, HIDDEN, WIDTH), relu, dense(rng, 2, HIDDEN)), "mean_squared_error")
    yield (
        "a frozen layer",
        Head((dense(rng, HIDDEN, WIDTH), relu, replace(dense(rng, 4, HIDDEN), updatable=False), dense(rng, 3, 4), soft)),
    )


HEADS = dict(heads())


def material(head, samples=29):
    rng = np.random.default_rng(3)
    features = rng.normal(0, 1, (samples, WIDTH)).astype(np.float32)
    outputs = head.logits(features[:1]).shape[1]
    targets = rng.dirichlet(np.ones(outputs), samples).astype(np.float32)
    weights = rng.uniform(0.5, 2, samples).astype(np.float32)
    return Material(features, targets, weights, dense_first(head, features).outputs(features))


def whole(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def steps_of(way, head, given, numbers):
    parts, momentum = dense_first(head, given.features), bool(numbers.get("momentum"))
    if way == "plain":
        return PlainSteps(head, given, "sgd", numbers)
    if way == "features":
        return BlockSteps(parts, ByFeatures(parts, given.features, momentum), given, numbers, 16)
    products = whole(gram(given.features[:13], given.features[13:])) + np.float32(parts.bias is not None)
    first = BySamples(parts, [given.features[:13], given.features[13:]], given.first_outputs, products, momentum)
    return BlockSteps(parts, first, given, numbers, 16)


def run(steps, samples, epochs=3, size=5, at_once=2):
    """Shuffled epochs whose last batch is smaller, so many batches in a call."""
    rng, losses = np.random.default_rng(4), []
    for _ in range(epochs):
        order = rng.permutation(samples)
        batches = [order[at : at + size] for at in range(0, samples, size)]
        for at in range(0, len(batches), at_once):
            losses += steps.run(batches[at : at + at_once])
    return losses


def weights_of(head):
    return [layer[name] for layer in head.weights for name in sorted(layer)]


@pytest.mark.parametrize("momentum", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("way", ["features", "samples"])
@pytest.mark.parametrize("name", HEADS)
def test_blocks_are_the_plain_loop(name, way, momentum):
    head, numbers = HEADS[name], {"learning_rate": 0.03, "momentum": momentum}
    given = material(head)
    plainly, blocks = (steps_of(each, head, given, numbers) for each in ("plain", way))
    expected, losses = run(plainly, 29), run(blocks, 29, at_once=4)
    np.testing.assert_allclose(losses, expected, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(blocks.logits(17), plainly.logits(17), atol=2e-4)
    for old, one, two in zip(*map(weights_of, (head, blocks.head(), plainly.head())), strict=True):
        assert np.abs(two - old).max() > 1e-3
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-4 * np.abs(two - old).max() + 1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_plain_loop_is_what_torch_does_in_double_precision(momentum):
    torch = pytest.importorskip("torch")
    head, numbers = HEADS["two layers"], {"learning_rate": 0.03, "momentum": momentum}
    given = material(head)
    steps = steps_of("samples", head, given, numbers)
    run(steps, 29)
    parameters = [torch.tensor(each.astype(np.float64), requires_grad=True) for each in weights_of(head)]
    b1, w1, b2, w2 = parameters
    optimizer = torch.optim.SGD(parameters, lr=0.03, momentum=momentum)
    x, t, s = (torch.tensor(each).double() for each in (given.features, given.targets, given.weights))
    rng = np.random.default_rng(4)
    for _ in range(3):
        order = rng.permutation(29)
        for at in range(0, 29, 5):
            chosen = torch.tensor(order[at : at + 5])
            logits = torch.relu(x[chosen] @ w1.T + b1) @ w2.T + b2
            optimizer.zero_grad()
            losses = torch.nn.functional.cross_entropy(logits, t[chosen], reduction="none")
            (losses * s[chosen]).mean().backward()
            optimizer.step()
    for ours, theirs, old in zip(weights_of(steps.head()), parameters, weights_of(head), strict=True):
        exact = theirs.detach().numpy()
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-4 * np.abs(exact - old).max())


def test_the_head_given_is_never_changed():
    head = HEADS["three layers"]
    before = [each.copy() for each in weights_of(head)]
    given = material(head)
    for way in ("plain", "features", "samples"):
        run(steps_of(way, head, given, {"learning_rate": 0.1, "momentum": 0.5}), 29)
    assert all((one == two).all() for one, two in zip(before, weights_of(head), strict=True))


@pytest.mark.parametrize(
    ("samples", "width", "epochs", "optimizer", "way"),
    [
        (40, 2000, 10, "sgd", BySamples),
        (3000, 90, 1, "sgd", ByFeatures),
        (40, 2000, 10, "adam", None),
    ],
)
def test_the_cheapest_way_is_chosen(samples, width, epochs, optimizer, way):
    rng = np.random.default_rng(6)
    head = Head((dense(rng, HIDDEN, width), HeadLayer("s", "softmax")))
    features = rng.normal(0, 1, (samples, width)).astype(np.float32)
    first = dense_first(head, features).outputs(features)
    given = Material(features, np.eye(HIDDEN, dtype=np.float32)[np.arange(samples) % HIDDEN], np.ones(samples), first)
    steps = whole(chosen_steps(head, given, optimizer, {"learning_rate": 0.1, "batch_size": 4, "epochs": epochs}))
    if way is None:
        assert isinstance(steps, PlainSteps)
    else:
        assert isinstance(steps._first, way)


def test_features_of_images_go_through_a_tail_with_a_convolution():
    rng = np.random.default_rng(7)
    pads = {"padding": lambda h, w: ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1, "stride": (1, 1), "kernel": (1, 1)}
    weights = {"weights": rng.normal(0, 1, (3, HIDDEN, 1, 1)).astype(np.float32), "bias": np.zeros(3, np.float32)}
    tail = HeadLayer("c", "convolution", weights, pads, True)
    head = Head((dense(rng, HIDDEN, 2 * 3 * 5), tail, HeadLayer("s", "softmax")))
    features = rng.normal(0, 1, (23, 2, 3, 5)).astype(np.float32)
    allowed = {"learning_rate": Allowed(0.05), "batch_size": Allowed(4), "epochs": Allowed(3), "momentum": Allowed(0.5)}
    training = Training("cross_entropy", "p", "sgd", allowed, shuffle=False, seed=None)
    lesson = Lesson(head, features, np.arange(23) % 3, features[:0])
    *_, result = plain(lesson, training, Settings())
    steps = PlainSteps(head, Material(features, lesson.wanted, np.ones(23, np.float32)), "sgd",
                       {"learning_rate": 0.05, "momentum": 0.5})  # fmt: skip
    for _ in range(3):
        steps.run([np.arange(at, min(23, at + 4)) for at in range(0, 23, 4)])
    for ours, expected in zip(weights_of(result.head), weights_of(steps.head()), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("parts", [(1,), (300, 7), (5, 290, 12)])
def test_products_of_features_in_parts(parts):
    rng = np.random.default_rng(9)
    features = [rng.normal(0, 1, (count, 3, 2)) for count in parts]
    everything = flat(np.concatenate(features))
    work, shares = gram(*features), []
    while True:
        try:
            shares.append(next(work))
        except StopIteration as end:
            found = end.value
            break
    np.testing.assert_allclose(found, everything @ everything.T, atol=1e-10)
    assert shares == sorted(shares) and shares[-1] == 1
