"""What a folder's features and verdicts tell, through a workspace with a real model."""

import numpy as np
import pytest
from PIL import Image

import engine.insight
from engine.aside import Aside
from engine.errors import CannotTrain
from engine.events import AlikeFound, ImagesPredicted, QueueMixed, VerdictsReviewed
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, truth, wrong_ones
from tests.pipelines import embedding, neighbors, pipeline


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        yield opened


def contents(found):
    return {path: content for path, (content, _) in found.items()}


def last(events, kind):
    *_, event = (event for event in events if isinstance(event, kind))
    return event


def test_groups_are_worked_out_once_for_the_same_pictures(workspace, monkeypatch):
    asked, groups = [], engine.insight.groups
    monkeypatch.setattr(engine.insight, "groups", lambda *given: asked.append(len(given[1])) or groups(*given))
    found = contents(predictions(workspace.scan()))
    first = last(workspace.alike(), AlikeFound)
    assert sorted(first.contents) == sorted(found.values()) and len(first.groups) == 24
    list(workspace.mix(()))
    again = last(workspace.alike(), AlikeFound)
    assert asked == [24]
    np.testing.assert_array_equal(again.groups, first.groups)
    one = sorted(found)[0]
    with Image.open(workspace.folder / one) as picture:
        picture.point(lambda value: min(255, value + 1)).save(workspace.folder / "again.png")
    (new,) = contents(predictions(workspace.scan())).values()
    grown = last(workspace.alike(), AlikeFound)
    assert asked == [24, 25]
    group = dict(zip(grown.contents, grown.groups.tolist(), strict=True))
    assert group[new] == group[found[one]] >= 0


def test_the_queue_puts_what_is_judged_last_and_says_why(workspace):
    found = contents(predictions(workspace.scan()))
    judged = frozenset(sorted(found.values())[:5])
    event = last(workspace.mix(judged), QueueMixed)
    rank = dict(zip(event.contents, event.ranks.tolist(), strict=True))
    assert sorted(rank.values()) == list(range(24))
    assert {content for content, place in rank.items() if place >= 19} == judged
    assert len(event.reasons) == 24


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


def test_a_model_that_keeps_samples_is_not_reviewed(pictures, tmp_path):
    path = tmp_path / "knn.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors()).SerializeToString())
    with Workspace(pictures, path) as workspace:
        verdicts = wrong_ones(predictions(workspace.scan()))
        with pytest.raises(CannotTrain, match="keeps samples"):
            list(workspace.review(verdicts))
