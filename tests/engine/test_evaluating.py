"""How right the model is, through a workspace with a real model: from the untouched head, worked out once."""

import shutil

import numpy as np
import pytest

import engine.evaluating
from engine.aside import NOTHING, Aside
from engine.events import CurveMeasured, ImagesPredicted, VerdictsCrossed, VerdictsNotReviewed, VerdictsReviewed
from engine.spec.schema import Model
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_comparing import adopted, other_backbone
from tests.engine.test_insight import last
from tests.engine.test_workspace import predictions, truth
from tests.pipelines import embedding, neighbors, pipeline


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        yield opened


@pytest.fixture
def unlike(monkeypatch):
    """No picture is a near-duplicate of another, though those that the tests draw are."""

    def none(_, contents):
        yield from ()
        return np.full(len(contents), -1)

    monkeypatch.setattr(engine.evaluating, "groups", none)


def all_verdicts(workspace):
    return {content: truth(path) for path, (content, _) in predictions(workspace.scan()).items()}


def test_a_review_begins_with_the_untouched_model_whatever_was_learned_since(workspace):
    before = predictions(workspace.scan())
    verdicts = {content: truth(path) for path, (content, _) in before.items()}
    held = dict(list(verdicts.items())[:3])
    learned = {content: label for content, label in verdicts.items() if content not in held}
    right = sum(learned.get(content) == ("Cat", "Dog")[row.argmax()] for content, row in before.values())
    aside = Aside(held, frozenset(held))
    first = last(workspace.review(learned, aside), VerdictsReviewed)
    assert set(first.contents) == set(learned)
    assert (first.before, len(first.quality)) == (right, 21)
    list(workspace.retrain(learned, "edit", Settings(), at=1.0, aside=aside))
    now = last(workspace.predict_again(), ImagesPredicted)
    assert workspace.version == 1 and len(now.paths) == 24
    second = last(workspace.review(learned, aside), VerdictsReviewed)
    assert (second.before, second.correct) == (first.before, first.correct)
    np.testing.assert_allclose(second.quality, first.quality, atol=1e-4)


def test_what_lies_in_the_folder_that_is_held_out_is_not_reviewed(pictures, model_path):
    with Workspace(pictures, model_path, held_out="more") as workspace:
        found = predictions(workspace.scan())
        verdicts = {content: truth(path) for path, (content, _) in found.items()}
        apart = {content for path, (content, _) in found.items() if path.startswith("more/")}
        assert 0 < len(apart) < 24
        assert set(last(workspace.review(verdicts), VerdictsReviewed).contents) == set(verdicts) - apart


def crossings(events):
    return sum(isinstance(event, VerdictsCrossed) for event in events)


def test_what_was_found_out_is_not_worked_out_again_for_the_same_verdicts(workspace):
    verdicts = all_verdicts(workspace)
    one, *_ = verdicts
    turned = {**verdicts, one: "Dog" if verdicts[one] == "Cat" else "Cat"}
    fewer = dict(list(verdicts.items())[1:])
    for ask in (workspace.review, workspace.curve):
        for other in ((turned, NOTHING), (fewer, NOTHING), (verdicts, Aside({}, frozenset({one})))):
            *_, first = ask(verdicts)
            assert list(ask(dict(reversed(verdicts.items())))) == [first]
            assert crossings(ask(*other))
        list(ask(verdicts))
    list(workspace.retrain(verdicts, "edit", Settings(), at=1.0))
    assert not crossings(workspace.review(verdicts)), "the champion has no part in it"


def test_a_curve_of_the_folders_verdicts(workspace, unlike):
    verdicts = all_verdicts(workspace)
    found = last(workspace.curve(verdicts), CurveMeasured)
    assert (found.sizes, found.of) == ((9, 18), 24)
    short = last(workspace.curve(dict(list(verdicts.items())[:23]), out_of_time=lambda: True), CurveMeasured)
    assert short.of == 6


def test_the_sample_is_of_the_folder_but_for_what_is_set_aside(workspace):
    verdicts = all_verdicts(workspace)
    apart, *order = sorted(verdicts)
    aside = Aside({}, frozenset({apart}))
    learned = {content: verdicts[content] for content in order}
    assert last(workspace.review(learned, aside), VerdictsReviewed).sample.of == 23
    del learned[order[4]], learned[order[20]]
    found = last(workspace.review(learned, aside), VerdictsReviewed).sample
    assert (found.of, found.missing) == (0, 2)


def test_a_label_that_the_model_does_not_have_is_not_right(workspace):
    verdicts = all_verdicts(workspace)
    whole = last(workspace.review(verdicts), VerdictsReviewed)
    odd = {**verdicts, min(verdicts): "Hare"}
    found = last(workspace.review(odd), VerdictsReviewed)
    assert len(found.contents) == 23 and (whole.sample.of, found.sample.of) == (24, 24)


def test_of_a_model_from_elsewhere_the_oldest_version_with_its_frozen_layers_is_the_untouched_one(workspace, make_model):
    verdicts = all_verdicts(workspace)
    list(workspace.retrain(verdicts, "edit", Settings(), at=1.0))
    adopted(workspace, other_backbone(make_model))
    assert workspace.version == 2
    untouched = workspace.model.head
    first = last(workspace.review(verdicts), VerdictsReviewed)
    list(workspace.retrain(verdicts, "edit", Settings(), at=6.0))
    assert workspace.version == 3 and workspace.model.head is not untouched
    second = last(workspace.review(verdicts), VerdictsReviewed)
    assert (second.correct, second.before, second.won) == (first.correct, first.before, first.won)
    with Workspace(workspace.folder, workspace.target) as again:
        list(again.scan())
        third = last(again.review(verdicts), VerdictsReviewed)
    assert (third.correct, third.before) == (first.correct, first.before) and first.before < 24


@pytest.mark.parametrize("spoil", ["gone", "changed"])
def test_where_nothing_untouched_is_kept_nothing_is_told_of_unseen_verdicts(workspace, spoil):
    verdicts = all_verdicts(workspace)
    list(workspace.retrain(verdicts, "edit", Settings(), at=1.0))
    original, trained = (workspace.home / "versions" / f"000{n}.mlmodel" for n in (0, 1))
    if spoil == "gone":
        original.unlink()
    else:
        shutil.copy(trained, original)
    with Workspace(workspace.folder, workspace.target) as again:
        list(again.scan())
        for ask in (again.review, again.curve):
            (said,) = ask(verdicts)
            assert isinstance(said, VerdictsNotReviewed) and "has not learned your verdicts" in said.why
        # Training goes on all the same.
        list(again.retrain(verdicts, "edit", Settings(), at=2.0))
        assert again.version == 2


def test_a_model_of_other_labels_is_its_own_origin(workspace):
    verdicts = all_verdicts(workspace)
    list(workspace.retrain(verdicts, "edit", Settings(), at=1.0))
    other = Model.FromString(workspace.target.read_bytes())
    other.neuralNetworkClassifier.stringClassLabels.vector[:] = ["Dog", "Cat"]
    key = workspace.model.backbone_key
    rows = adopted(workspace, other.SerializeToString())
    assert workspace.model.backbone_key == key and workspace.model.labels == ("Dog", "Cat")
    found = last(workspace.review(verdicts), VerdictsReviewed)
    said = {content: ("Dog", "Cat")[row.argmax()] for content, row in rows.values()}
    assert found.before == sum(said[content] == label for content, label in verdicts.items()) < 6


def test_a_model_that_keeps_samples_is_judged_without_those_of_the_verdicts(pictures, tmp_path, unlike):
    path = tmp_path / "knn.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors()).SerializeToString())
    with Workspace(pictures, path) as workspace:
        verdicts = all_verdicts(workspace)
        before = last(workspace.review(verdicts), VerdictsReviewed)
        list(workspace.retrain(verdicts, "auto", Settings(), at=1.0))
        right = sum(
            workspace.model.labels[row.argmax()] == verdicts[content]
            for content, row in predictions(workspace.predict_again()).values()
        )
    with Workspace(pictures, path) as again:
        list(again.scan())
        after = last(again.review(verdicts), VerdictsReviewed)
    assert (after.correct, after.before) == (before.correct, before.before)
    assert before.before == 0 < after.correct <= right == 24


def test_what_cannot_be_trained_is_not_judged(pictures, tmp_path, make_model):
    frozen = tmp_path / "frozen.mlmodel"
    frozen.write_bytes(make_model(updatable=False).SerializeToString())
    with Workspace(pictures, frozen) as workspace:
        (said,) = workspace.review(all_verdicts(workspace))
        assert isinstance(said, VerdictsNotReviewed) and "frozen" in said.why
