"""SGD and Adam, batch by batch, against torch; the sample space against the plain way."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import BadSetting, CannotTrain
from engine.events import BatchEnded, EpochEnded, Retrained, TrainingBegan
from engine.head.gram import is_narrower, sample_space
from engine.spec.training import Allowed
from engine.trainers import Settings


def torch_weights(torch, lesson, optimizer, epochs, batch, targets, weights, features):
    """The same training, as a user of torch writes it."""
    parameters = [
        torch.tensor(layer.weights[n], dtype=torch.float64, requires_grad=True)
        for layer in lesson.head.layers
        if layer.updatable
        for n in ("weights", "bias")
    ]
    w1, b1, w2, b2 = parameters
    step = optimizer(parameters)
    x, t, s = torch.tensor(features).double(), torch.tensor(targets).double(), torch.tensor(weights).double()
    losses = []
    for _ in range(epochs):
        for at in range(0, len(x), batch):
            part = slice(at, at + batch)
            logits = torch.relu(x[part] @ w1.T + b1) @ w2.T + b2
            loss = (s[part] * torch.nn.functional.cross_entropy(logits, t[part], reduction="none")).mean()
            step.zero_grad()
            loss.backward()
            step.step()
            losses.append(loss.item())
    return [p.detach().numpy() for p in parameters], losses


def of(head):
    return [layer.weights[n] for layer in head.layers if layer.updatable for n in ("weights", "bias")]


@pytest.mark.parametrize("width", [5, 90])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_plain_is_what_torch_does(width, momentum, make_lesson, make_training, run):
    torch = pytest.importorskip("torch")
    lesson = make_lesson(verdicts=11, width=width)
    events = run("plain", lesson, make_training(momentum=momentum), Settings())
    sgd = lambda p: torch.optim.SGD(p, lr=0.05, momentum=momentum)  # noqa: E731
    expected, losses = torch_weights(torch, lesson, sgd, 3, 4, np.eye(2)[lesson.targets], np.ones(11), lesson.features)
    for ours, theirs, before in zip(of(events[-1].head), expected, of(lesson.head), strict=True):
        change = np.abs(theirs - before).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * change + 2e-7)
    assert [e.loss for e in events if isinstance(e, BatchEnded)] == pytest.approx(losses, rel=1e-4)


def test_plain_adam_is_what_torch_does(make_lesson, make_training, run):
    torch = pytest.importorskip("torch")
    lesson = make_lesson(verdicts=11)
    training = make_training(beta1=0.8, beta2=0.99, eps=1e-6)
    events = run("plain", lesson, training, Settings())
    adam = lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.99), eps=1e-6)  # noqa: E731
    expected, _ = torch_weights(torch, lesson, adam, 3, 4, np.eye(2)[lesson.targets], np.ones(11), lesson.features)
    for ours, theirs in zip(of(events[-1].head), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-4)


def test_sgd_is_anchored(make_lesson, make_training, run):
    torch = pytest.importorskip("torch")
    lesson = make_lesson(verdicts=11, anchors=17)
    events = run("sgd", lesson, make_training(), Settings(epochs=2))
    kept = lesson.head.probabilities(lesson.anchors)
    targets = np.concatenate([np.eye(2)[lesson.targets], kept])
    weights = np.concatenate([np.where(lesson.flips, 5.0, 1.0), np.ones(17)])
    everything = np.concatenate([lesson.features, lesson.anchors])
    sgd = lambda p: torch.optim.SGD(p, lr=0.05)  # noqa: E731
    expected, _ = torch_weights(torch, lesson, sgd, 2, 4, targets, weights / weights.mean(), everything)
    for ours, theirs in zip(of(events[-1].head), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_events_tell_of_every_batch_and_epoch(make_lesson, make_training, run):
    events = run("plain", make_lesson(verdicts=11), make_training(), Settings())
    assert events[0] == TrainingBegan("plain", 11, 3)
    assert [(e.epoch, e.batch, e.batches) for e in events if isinstance(e, BatchEnded)] == [
        (epoch, batch, 3) for epoch in (1, 2, 3) for batch in (1, 2, 3)
    ]
    assert [e.epoch for e in events if isinstance(e, EpochEnded)] == [1, 2, 3]
    assert isinstance(events[-1], Retrained)


def test_the_head_that_trains_is_never_changed(make_lesson, make_training, run):
    lesson = make_lesson()
    before = [w.copy() for w in of(lesson.head)]
    run("plain", lesson, make_training(), Settings())
    assert all((a == b).all() for a, b in zip(before, of(lesson.head), strict=True))


def test_the_seed_decides_the_order(make_lesson, make_training, run):
    lesson = make_lesson(verdicts=13)
    shuffled = replace(make_training(), shuffle=True)
    first, same, other = (of(run("plain", lesson, shuffled, Settings(seed=s))[-1].head)[0] for s in (5, 5, 6))
    assert (first == same).all()
    assert np.abs(first - other).max() > 1e-6


@pytest.mark.parametrize(
    ("settings", "words"),
    [(Settings(epochs=4), "1, 3"), (Settings(learning_rate=0.2), "0 to 0.1"), (Settings(batch_size=6), "4, 8")],
)
def test_plain_is_bound_by_what_the_model_allows(settings, words, make_lesson, make_training, run):
    allowed = {
        "learning_rate": Allowed(0.05, 0, 0.1), "batch_size": Allowed(4, values=(4, 8)), "epochs": Allowed(3, values=(1, 3))
    }  # fmt: skip
    training = replace(make_training(), numbers=allowed)
    with pytest.raises(BadSetting, match=words):
        run("plain", make_lesson(), training, settings)
    assert run("sgd", make_lesson(), training, settings)


def test_a_runaway_training_says_so(make_lesson, make_training, run):
    with (
        np.errstate(all="ignore"),
        pytest.raises(CannotTrain, match="learning rate of 1e\\+06"),
    ):
        run("sgd", make_lesson(), make_training(), Settings(learning_rate=1e6))


def test_sample_space_gives_the_same_outputs_and_comes_back_to_the_same_weights(make_lesson):
    lesson = make_lesson(verdicts=11, width=90)
    assert is_narrower(lesson.head, lesson.features)
    space = sample_space(lesson.head, lesson.features)
    assert space.features.shape == (11, 11)
    np.testing.assert_allclose(space.head.logits(space.features), lesson.head.logits(lesson.features), atol=2e-5)
    back = space.restored(space.head)
    assert all((a == b).all() for a, b in zip(of(back), of(lesson.head), strict=True))


def test_sample_space_survives_equal_images(make_lesson, make_training, run):
    lesson = make_lesson(verdicts=6, width=90)
    twice = replace(lesson, features=np.repeat(lesson.features, 2, axis=0), targets=np.repeat(lesson.targets, 2))
    narrow = run("plain", twice, make_training(), Settings())[-1]
    assert np.isfinite(narrow.head.logits(twice.features)).all()
    assert narrow.after.loss < narrow.before.loss
