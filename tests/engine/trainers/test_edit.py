"""The edit: what it promises, and its parts against slow, independent ways."""

from importlib import import_module

import numpy as np
import pytest

from engine.events import EpochEnded, TrainingBegan
from engine.head.kernel import centred_basis, conjugate_gradients, matrix, product
from engine.head.points import SamplePoint, WeightPoint
from engine.head.working import in_kind
from engine.trainers import Settings
from engine.trainers.editing import nearest_with_margin


@pytest.mark.parametrize("labels", [2, 3, 5])
@pytest.mark.parametrize("width", [20, 300])
def test_all_flips_learned_and_the_rest_kept(labels, width, make_lesson, make_training, run):
    lesson = make_lesson(verdicts=14, anchors=60, width=width, labels=labels, seed=labels)
    assert lesson.flips.sum() >= 4
    result = run("edit", lesson, make_training(), Settings())[-1]
    assert (result.learned, result.broken) == (result.flips, 0)
    now, old = result.head.logits(lesson.anchors), lesson.anchor_logits
    assert (now.argmax(axis=1) == old.argmax(axis=1)).mean() > 0.9


def test_nothing_to_learn_changes_no_prediction(make_lesson, make_training, run, with_targets):
    lesson = make_lesson()
    agreed = with_targets(lesson, lesson.old_logits.argmax(axis=1))
    result = run("edit", agreed, make_training(), Settings())[-1]
    assert (result.flips, result.broken) == (0, 0)
    np.testing.assert_allclose(result.head.logits(lesson.anchors), lesson.anchor_logits, atol=0.1)


def test_a_pass_is_an_epoch_within_the_budget(make_lesson, make_training, run):
    events = run("edit", make_lesson(), make_training(), Settings(max_epochs=2))
    assert next(e.epochs for e in events if isinstance(e, TrainingBegan | EpochEnded)) == 2
    assert max(e.epoch for e in events if isinstance(e, EpochEnded)) <= 2


def test_it_stops_when_all_flips_lead(make_lesson, make_training, run):
    events = run("edit", make_lesson(width=300), make_training(), Settings(max_epochs=50))
    assert max(e.epoch for e in events if isinstance(e, EpochEnded)) < 20


def test_contradictions_are_not_learned_and_do_not_hurt(make_lesson, make_training, run, with_targets):
    lesson = make_lesson(verdicts=10, anchors=40, width=200)
    features = lesson.features.copy()
    features[9] = features[8]
    targets = lesson.old_logits.argmax(axis=1)
    targets[9] = 1 - targets[8]
    contradicting = with_targets(lesson.__class__(lesson.head, features, targets, lesson.anchors), targets)
    result = run("edit", contradicting, make_training(), Settings())[-1]
    assert result.after.correct == 9
    assert np.isfinite(result.head.logits(lesson.anchors)).all()


def jacobian(torch, head, features):
    """(n outputs, weights) by automatic differentiation, in the order of `Head.weights`."""
    parameters = [
        torch.tensor(layer.weights[n], dtype=torch.float64)
        for layer in head.layers
        if layer.updatable
        for n in ("weights", "bias")
    ]

    def outputs(w1, b1, w2, b2):
        return torch.relu(torch.tensor(features).double() @ w1.T + b1) @ w2.T + b2

    parts = torch.autograd.functional.jacobian(outputs, tuple(parameters))
    return torch.cat([part.reshape(features.shape[0], 3, -1) for part in parts], dim=2).numpy()


def test_kernel_is_the_jacobian_times_its_transpose(make_lesson):
    torch = pytest.importorskip("torch")
    lesson = make_lesson(verdicts=6, width=11, labels=3)
    point = WeightPoint(in_kind(lesson.head, np.float64), lesson.features.astype(np.float64))
    basis = centred_basis(3)
    slopes = np.einsum("nop,ok->nkp", jacobian(torch, lesson.head, lesson.features), basis).reshape(12, -1)
    expected = slopes @ slopes.T
    rows = lesson.features.astype(np.float64)
    samples = SamplePoint.start(lesson.parts, lesson.first_outputs, rows @ rows.T + 1)
    vector = np.random.default_rng(0).normal(0, 1, 12)
    for each in (point, samples):
        np.testing.assert_allclose(matrix(each, basis), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
        np.testing.assert_allclose(product(each, basis)(vector), expected @ vector, rtol=1e-5, atol=1e-5)


def test_conjugate_gradients_solve():
    r = np.random.default_rng(0)
    a = r.normal(0, 1, (9, 5))
    a = a @ a.T + np.eye(9)
    b = r.normal(0, 1, 9)
    np.testing.assert_allclose(conjugate_gradients(lambda v: a @ v, b, 50, 1e-12), np.linalg.solve(a, b), rtol=1e-8)


def test_centred_basis_is_orthonormal_and_adds_up_to_zero():
    basis = centred_basis(5)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-12)


def projected(z, label, margin):
    """The nearest point where the label leads, by Dykstra's alternating projections (Boyle and Dykstra 1986)."""
    x, corrections = z.copy(), np.zeros((len(z), len(z)))
    for _ in range(4000):
        for other in range(len(z)):
            if other == label:
                continue
            y = x + corrections[other]
            short = max(0.0, y[other] + margin - y[label]) / 2
            x = y.copy()
            x[label] += short
            x[other] -= short
            corrections[other] = y - x
    return x


@pytest.mark.parametrize("labels", [2, 3, 6])
def test_nearest_point_with_a_margin(labels):
    r = np.random.default_rng(labels)
    logits, wanted = r.normal(0, 2, (9, labels)), r.integers(0, labels, 9)
    found = nearest_with_margin(logits, wanted, 0.3)
    for row in range(9):
        np.testing.assert_allclose(found[row], projected(logits[row], wanted[row], 0.3), atol=1e-6)


def test_convolutions_are_edited_too(make_training, run):
    from engine.head import Head, HeadLayer
    from engine.trainers import Lesson

    r = np.random.default_rng(5)
    pads = {
        "padding": lambda h, w: ((0, 0), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
        "stride": (1, 1),
        "kernel": (3, 2),
    }
    convolution = HeadLayer(
        "c", "convolution", {"weights": r.normal(0, 0.3, (4, 2, 3, 2)), "bias": np.zeros(4)}, pads, True
    )
    last = HeadLayer("d", "innerProduct", {"weights": r.normal(0, 0.3, (3, 4 * 3 * 4)), "bias": np.zeros(3)}, {}, True)
    head = Head((convolution, HeadLayer("r", "activation.ReLU"), last, HeadLayer("s", "softmax")))
    lesson = Lesson(head, r.normal(0, 1, (8, 2, 5, 5)), r.integers(0, 3, 8), r.normal(0, 1, (20, 2, 5, 5)))
    result = run("edit", lesson, make_training(), Settings())[-1]
    assert result.flips >= 3
    assert result.learned == result.flips


@pytest.mark.parametrize("width", [20, 300])
def test_without_the_matrix_it_learns_the_same(width, make_lesson, make_training, run, monkeypatch):
    lesson = make_lesson(verdicts=14, anchors=60, width=width, labels=3, seed=3)
    formed = run("edit", lesson, make_training(), Settings())[-1]
    monkeypatch.setattr(import_module("engine.trainers.editing"), "LARGEST_MATRIX", 0)
    products = run("edit", lesson, make_training(), Settings())[-1]
    assert (products.learned, products.broken) == (formed.learned, formed.broken) == (formed.flips, 0)
    one, two = (each.head.logits(lesson.anchors) for each in (formed, products))
    moved = np.abs(one - lesson.anchor_logits).max()
    np.testing.assert_allclose(two, one, atol=0.3 * moved)


def test_what_cannot_be_learned_ends_the_ridges(make_lesson, make_training, run, with_targets):
    lesson = make_lesson(verdicts=10, anchors=40, width=200)
    features = lesson.features.copy()
    features[9] = features[8]
    targets = lesson.old_logits.argmax(axis=1)
    targets[9] = 1 - targets[8]
    contradicting = lesson.__class__(lesson.head, features, targets, lesson.anchors)
    events = run("edit", contradicting, make_training(), Settings())
    assert sum(isinstance(event, EpochEnded) for event in events) <= 3 * 10
