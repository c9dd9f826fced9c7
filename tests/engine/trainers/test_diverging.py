"""Trainings that run away: at the batch at which torch's do, and with a learning rate that does not."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import CannotTrain
from engine.events import BatchEnded, EpochEnded, Retrained
from engine.head import Head, HeadLayer
from engine.spec.training import Allowed
from engine.trainers import Lesson, Settings, trained
from engine.trainers.diverging import LARGEST_LOSS, curvature

torch = pytest.importorskip("torch")


@pytest.fixture
def make_regression():
    """One dense layer on features of any width, and numbers that it does not give yet."""

    def make(verdicts=11, width=7, outputs=3, seed=1):
        rng = np.random.default_rng(seed)
        weights = {"weights": rng.normal(0, 0.1, (outputs, width)), "bias": rng.normal(0, 0.1, outputs)}
        layer = HeadLayer("only", "innerProduct", {n: w.astype(np.float32) for n, w in weights.items()}, {}, True)
        features = rng.normal(0, 1, (verdicts, width)).astype(np.float32)
        targets = rng.normal(0, 1, (verdicts, outputs)).astype(np.float32)
        return Lesson(Head((layer,), "mean_squared_error"), features, targets, features[:0])

    return make


def torch_losses(lesson, rate, momentum, batch, epochs):
    """Of each batch, before its step, as a user of torch writes it."""
    layers = [layer for layer in lesson.head.layers if layer.updatable]
    parts = [torch.tensor(layer.weights[n], requires_grad=True) for layer in layers for n in ("weights", "bias")]
    step = torch.optim.SGD(parts, lr=rate, momentum=momentum)
    x, t = torch.tensor(lesson.features), torch.tensor(lesson.targets)
    losses = []
    for _ in range(epochs):
        for at in range(0, len(x), batch):
            found = x[at : at + batch] @ parts[0].T + parts[1]
            if len(parts) > 2:
                found = torch.relu(found) @ parts[2].T + parts[3]
            function = torch.nn.functional.mse_loss if t.ndim == 2 else torch.nn.functional.cross_entropy
            loss = function(found, t[at : at + batch])
            step.zero_grad()
            loss.backward()
            step.step()
            losses.append(loss.item())
    return losses


def until_refused(lesson, training, settings, trainer="plain"):
    """How many batches ended, and what was said then."""
    seen = []
    with pytest.raises(CannotTrain) as caught:
        seen.extend(trained(trainer, training, lesson, settings))
    return sum(isinstance(event, BatchEnded) for event in seen), caught.value


def first_beyond(losses, lesson):
    bound = LARGEST_LOSS * max(1, lesson.score(lesson.old_logits).loss)
    return next(at for at, loss in enumerate(losses) if not loss < bound)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("width", [7, 130])
def test_a_regression_runs_away_at_the_batch_at_which_torch_does(width, momentum, make_regression, make_training):
    lesson = make_regression(width=width)
    training = replace(
        make_training(learning_rate=3.0 if width == 7 else 0.4, momentum=momentum, epochs=50), loss="mean_squared_error"
    )
    losses = torch_losses(lesson, training.numbers["learning_rate"].default, momentum, 4, 50)
    at, error = until_refused(lesson, training, Settings())
    assert at == first_beyond(losses, lesson) > 3
    assert f"epoch {at // 3 + 1}, batch {at % 3 + 1}:" in error.sentence


@pytest.mark.parametrize("width", [5, 90])
def test_a_classifier_runs_away_at_the_batch_at_which_torch_does(width, make_lesson, make_training):
    lesson = make_lesson(verdicts=11, width=width, labels=3, anchors=0)
    rate = 3e3
    losses = torch_losses(lesson, rate, 0.0, 4, 5)
    at, error = until_refused(lesson, make_training(learning_rate=rate, epochs=5), Settings())
    assert at == first_beyond(losses, lesson) > 0
    assert f"learning rate of {rate:g} is too large" in error.sentence


@pytest.mark.parametrize("trainer", ["sgd", "plain"])
@pytest.mark.parametrize("rate", [2e3, 1e6, 1e30])
def test_the_rate_that_is_offered_does_not_run_away(rate, trainer, make_lesson, make_training):
    lesson = make_lesson(verdicts=23, width=90, anchors=17, labels=3)
    training = make_training(learning_rate=rate, epochs=20)
    _, error = until_refused(lesson, training, Settings(), trainer)
    offered = float(error.hint.split()[-1].rstrip("."))
    assert "The old model stays" in error.hint
    assert 1e-4 < offered < rate / 5
    result = list(trained(trainer, training, lesson, Settings(learning_rate=offered)))[-1]
    assert isinstance(result, Retrained)
    assert result.after.loss < result.before.loss


def test_a_rate_that_the_model_does_not_allow_is_offered_with_that_said(make_regression, make_training):
    training = replace(
        make_training(epochs=50), numbers={**make_training(epochs=50).numbers, "learning_rate": Allowed(4.0, 1.0, 9.0)}
    )
    _, error = until_refused(make_regression(), training, Settings())
    assert "The model allows 1 to 9" in error.hint


@pytest.mark.parametrize(("width", "verdicts"), [(7, 11), (130, 23)])
def test_the_curvature_is_that_of_the_hessian(width, verdicts, make_regression):
    lesson = make_regression(verdicts=verdicts, width=width)
    x = torch.tensor(lesson.features).double()
    t = torch.tensor(lesson.targets).double()
    size = 3 * width

    def loss(flat):
        return torch.nn.functional.mse_loss(x @ flat[:size].reshape(3, width).T + flat[size:], t)

    hessian = torch.autograd.functional.hessian(loss, torch.zeros(size + 3, dtype=torch.float64))
    largest = float(torch.linalg.eigvalsh(hessian)[-1])
    assert 0.9 * largest < curvature(lesson) < 1.001 * largest


def test_adam_is_offered_a_tenth(make_lesson, make_training):
    training = make_training(beta1=0.8, beta2=0.99, eps=1e-6, learning_rate=1e9)
    _, error = until_refused(make_lesson(), training, Settings())
    assert "Try a learning rate of 1e+08." in error.hint


@pytest.mark.parametrize("trainer", ["edit", "fit", "auto", "sgd", "plain"])
def test_features_beyond_float32_are_refused_not_learned(trainer, make_lesson, make_training):
    """Products of them overflow; nothing is said but the refusal, as warnings are errors here."""
    lesson = make_lesson(verdicts=13, anchors=0)
    huge = replace(lesson, features=lesson.features * np.float32(1e25))
    _, error = until_refused(huge, make_training(learning_rate=1e-3), Settings(), trainer)
    assert "ran away" in error.sentence or "not finite" in error.sentence


def test_what_the_champion_gives_no_number_for_is_counted(make_lesson, make_training):
    lesson = make_lesson(verdicts=13, anchors=0)
    lesson.features[[2, 5], 3] = np.nan
    _, error = until_refused(lesson, make_training(), Settings(), "edit")
    assert "for 2 of the 13 images" in error.sentence


def test_anchors_without_a_number_are_left_out(make_lesson, make_training):
    lesson = make_lesson(verdicts=13, anchors=17)
    rest = lesson.anchors.copy()
    lesson.anchors[4] = np.inf
    with_hole = list(trained("sgd", make_training(), lesson, Settings()))[-1]
    without = list(trained("sgd", make_training(), replace(lesson, anchors=np.delete(rest, 4, axis=0)), Settings()))[-1]
    for ours, theirs in zip(with_hole.head.layers, without.head.layers, strict=True):
        for name in ours.weights:
            np.testing.assert_array_equal(ours.weights[name], theirs.weights[name])


def test_large_numbers_are_no_running_away(make_regression, make_training):
    """A regression begins with a loss of millions."""
    lesson = make_regression()
    lesson = replace(lesson, targets=lesson.targets * np.float32(1e4))
    events = list(trained("plain", replace(make_training(epochs=30), loss="mean_squared_error"), lesson, Settings()))
    assert lesson.score(lesson.old_logits).loss > LARGEST_LOSS
    assert events[-1].after.loss < events[-1].before.loss
    assert sum(isinstance(event, EpochEnded) for event in events) == 30
