"""`auto` edits, but fits where the head knows nothing; `fit` against scikit-free softmax regression by torch."""

import numpy as np
import pytest

from engine.errors import BadLabels
from engine.events import TrainingBegan
from engine.head import Head, HeadLayer
from engine.trainers import Lesson, Settings
from engine.trainers.auto import knows_nothing
from engine.trainers.lesson import Known


def clusters(seed, count, width=60, apart=0.7):
    r = np.random.default_rng(seed)
    centres = r.normal(0, apart, (2, width))
    targets = r.integers(0, 2, count)
    return (centres[targets] + r.normal(0, 1, (count, width))).astype(np.float32), targets


def one_layer(weights):
    layer = HeadLayer("d", "innerProduct", {"weights": weights, "bias": np.zeros(len(weights), np.float32)}, {}, True)
    return Head((layer, HeadLayer("s", "softmax")))


def taught(features, targets):
    """A head that is right most of the time: the line between the means."""
    means = np.stack([features[targets == k].mean(axis=0) for k in (0, 1)])
    return one_layer((means - means.mean(axis=0)).astype(np.float32) * 0.1)


def chosen(events):
    return next(e for e in events if isinstance(e, TrainingBegan)).trainer


def test_an_ignorant_head_is_fitted(make_training, run):
    features, targets = clusters(1, 200)
    head = one_layer(np.random.default_rng(2).normal(0, 0.05, (2, 60)).astype(np.float32))
    events = run("auto", Lesson(head, features[:60], targets[:60], features[60:120]), make_training(), Settings())
    assert chosen(events) == "fit"
    unseen = events[-1].head.logits(features[120:]).argmax(axis=1)
    assert (unseen == targets[120:]).mean() > 0.9


@pytest.mark.parametrize("only_flips", [True, False])
def test_a_head_that_knows_something_is_edited(only_flips, make_training, run):
    features, targets = clusters(1, 200, apart=0.25)
    head = taught(features, targets)
    wrong = head.logits(features).argmax(axis=1) != targets
    verdicts = np.flatnonzero(wrong)[:12]
    if not only_flips:
        verdicts = np.concatenate([verdicts, np.flatnonzero(~wrong)[:30]])
    anchors = np.setdiff1d(np.arange(200), verdicts)
    lesson = Lesson(head, features[verdicts], targets[verdicts], features[anchors])
    assert lesson.flips.sum() >= 8
    assert chosen(run("auto", lesson, make_training(), Settings())) == "edit"


@pytest.mark.parametrize(
    ("sure", "right", "nothing"), [(4.0, 30, True), (0.2, 30, False), (4.0, 50, False), (4.0, 10, False)]
)
def test_ignorance_is_to_be_sure_and_right_by_chance_alone(sure, right, nothing):
    """Of 60: one that says itself that it is unsure claims nothing that verdicts could disprove."""
    targets = np.arange(60) % 2
    said = np.where(np.random.default_rng(0).permutation(60) < right, targets, 1 - targets)
    logits = sure * np.eye(2, dtype=np.float32)[said]
    assert knows_nothing(Known(Head((HeadLayer("s", "softmax"),)), targets, logits)) == nothing


def test_flips_that_all_go_one_way_are_no_ignorance(make_training, run):
    features, targets = clusters(1, 400, apart=0.15)
    head = taught(features, targets)
    said = head.logits(features).argmax(axis=1)
    verdicts = np.flatnonzero((said != targets) & (targets == 1))[:12]
    assert len(verdicts) >= 10
    anchors = np.setdiff1d(np.arange(400), verdicts)
    lesson = Lesson(head, features[verdicts], targets[verdicts], features[anchors])
    assert chosen(run("auto", lesson, make_training(), Settings())) == "edit"


def test_a_convolution_head_is_edited(make_training, run):
    pads = {
        "padding": lambda h, w: ((0, 0), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
        "stride": (1, 1),
        "kernel": (2, 3),
    }
    r = np.random.default_rng(0)
    layer = HeadLayer("c", "convolution", {"weights": r.normal(0, 1, (3, 2, 2, 3)).astype(np.float32)}, pads, True)
    lesson = Lesson(
        Head((layer, HeadLayer("s", "softmax"))),
        r.normal(0, 1, (6, 2, 2, 3)).astype(np.float32),
        r.integers(0, 3, 6),
        r.normal(0, 1, (5, 2, 2, 3)).astype(np.float32),
    )
    assert chosen(run("auto", lesson, make_training(), Settings())) == "edit"


def test_fit_finds_the_minimum_that_torch_finds(make_training, run):
    torch = pytest.importorskip("torch")
    features, targets = clusters(3, 40, width=9, apart=0.4)
    head = one_layer(np.zeros((2, 9), np.float32))
    result = run("fit", Lesson(head, features, targets, features[:0]), make_training(), Settings(max_epochs=200))[-1]
    from engine.trainers.fit import RIDGE

    # With two logits of a dense layer, the kernel's diagonal is x . x + 1; its mean over samples sets the ridge.
    ridge = RIDGE * float(((features**2).sum(axis=1) + 1).mean())
    w, b = (
        torch.zeros(2, 9, dtype=torch.float64, requires_grad=True),
        torch.zeros(2, dtype=torch.float64, requires_grad=True),
    )
    step = torch.optim.LBFGS([w, b], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss():
        step.zero_grad()
        logits = torch.tensor(features).double() @ w.T + b
        value = torch.nn.functional.cross_entropy(logits, torch.tensor(targets))
        value = value + 0.5 * ridge * ((w**2).sum() + (b**2).sum())
        value.backward()
        return value

    step.step(loss)
    ours = result.head.layers[0].weights["weights"]
    # The probe that estimates the diagonal is random, so the ridges are near, not equal.
    assert np.abs(ours - w.detach().numpy()).max() < 0.25 * np.abs(ours).max()
    assert (np.sign(ours[1] - ours[0]) == np.sign((w[1] - w[0]).detach().numpy())).mean() > 0.8


def test_no_verdict_is_nothing_to_learn_from(make_lesson):
    lesson = make_lesson()
    with pytest.raises(BadLabels, match="no verdict"):
        Lesson(lesson.head, lesson.features[:0], lesson.targets[:0], lesson.anchors)
