"""Live: the head edited in memory, held against what is trained and saved."""

import sys

import numpy as np
import pytest

import engine
from engine.errors import CannotTrain
from engine.events import ImagesPredicted, LiveLearned, LiveWaits, ModelSaved, Retrained
from engine.trainers import Settings
from engine.trainers.lesson import QUICK
from engine.workspace import Workspace
from tests.conftest import picture, small_model
from tests.engine.test_workspace import predictions, truth, wrong_ones
from tests.pipelines import embedding, neighbors, pipeline


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        list(opened.scan())
        yield opened


def flips(workspace, count):
    """Content and label of the first so many images that the model is wrong on."""
    found = wrong_ones(predictions(workspace.predict_again()))
    return dict(sorted(found.items())[:count])


def live(workspace, verdicts):
    """What live says it came to, and what it shows, content -> probabilities."""
    events = list(workspace.live(verdicts))
    rows = [event for event in events if isinstance(event, ImagesPredicted)]
    assert len(rows) == 1
    assert set(rows[0].paths) == set(workspace.images)
    (said,) = [event for event in events if isinstance(event, LiveLearned | LiveWaits)]
    return said, {content: row for _, (content, row) in predictions(rows).items()}


def test_flips_are_learned_in_memory_and_nothing_is_saved(workspace, model_path):
    before = model_path.read_bytes()
    wanted = flips(workspace, 3)
    said, shown = live(workspace, wanted)
    assert (said.verdicts, said.flips, said.learned, said.broken) == (3, 3, 3, 0)
    assert all(("Cat", "Dog")[shown[content].argmax()] == label for content, label in wanted.items())
    assert model_path.read_bytes() == before
    assert not workspace.versions.all()


def test_retrain_keeps_what_live_shows(workspace, model_path):
    wanted = flips(workspace, 4)
    for count in (1, 2, 4):
        said, shown = live(workspace, dict(list(wanted.items())[:count]))
    events = list(workspace.retrain(wanted, "auto", Settings(), at=3.0))
    (result,) = [event for event in events if isinstance(event, Retrained)]
    assert (result.flips, result.learned, result.kept, result.broken) == (
        said.flips,
        said.learned,
        said.accepted,
        said.broken,
    )
    assert any(isinstance(event, ModelSaved) for event in events)
    saved = {content: row for _, (content, row) in predictions(events).items()}
    reopened = engine.open_model(model_path)
    for content, row in shown.items():
        np.testing.assert_allclose(saved[content], row, atol=2e-5)
        features = workspace._store.read(workspace._store.find([content]))
        np.testing.assert_allclose(reopened.probabilities(features)[0], row, atol=2e-5)


def test_live_goes_on_after_a_retrain_from_the_new_champion(workspace):
    wanted = flips(workspace, 5)
    first = dict(list(wanted.items())[:2])
    live(workspace, first)
    list(workspace.retrain(first, "auto", Settings(), at=3.0))
    said, shown = live(workspace, wanted)
    assert (said.flips, said.learned) == (3, 3), "two of the five are what the new model says already"
    expected = {c: r for _, (c, r) in predictions(workspace.retrain(wanted, "auto", Settings(), at=4.0)).items()}
    for content, row in shown.items():
        np.testing.assert_allclose(expected[content], row, atol=2e-5)


def test_a_verdict_taken_back_is_forgotten_and_none_shows_the_model(workspace):
    champion = {content: row for _, (content, row) in predictions(workspace.predict_again()).items()}
    wanted = flips(workspace, 2)
    live(workspace, wanted)
    said, shown = live(workspace, {})
    assert said.verdicts == 0
    for content, row in shown.items():
        np.testing.assert_allclose(champion[content], row, atol=1e-6)
    one = dict(list(wanted.items())[:1])
    said, shown = live(workspace, one)
    assert (said.flips, said.learned) == (1, 1)
    ended = {content: row for _, (content, row) in predictions(workspace.end_live()).items()}
    for content, row in ended.items():
        np.testing.assert_array_equal(champion[content], row)


def test_images_that_come_are_shown_as_live_has_it(workspace, pictures):
    live(workspace, flips(workspace, 3))
    picture(1, 99).save(pictures / "d99.png")
    last = [event for event in workspace.scan() if isinstance(event, ImagesPredicted)][-1]
    assert "d99.png" in last.paths
    assert len(last.paths) == 25


def test_a_head_that_knows_nothing_is_trained_as_auto_does(pictures, model_path, monkeypatch):
    monkeypatch.setattr(sys.modules["engine.trainers.auto"], "ENOUGH", 24)
    model = small_model(seed=1)
    last = next(layer for layer in model.neuralNetworkClassifier.layers if layer.name == "last")
    last.innerProduct.bias.floatValue[:] = [3.0, 0.0]  # sure of Cat, whatever it is shown
    model_path.write_bytes(model.SerializeToString())
    with Workspace(pictures, model_path) as workspace:
        found = predictions(workspace.scan())
        everything = {content: truth(path) for path, (content, _) in found.items()}
        said, shown = live(workspace, everything)
        assert said.verdicts == 24
        events = list(workspace.model.train(workspace.teaching().lesson(everything), settings=Settings(budget=QUICK)))
        result = events[-1]
        assert (said.flips, said.learned, said.broken) == (result.flips, result.learned, result.broken)
        for content, row in shown.items():
            features = workspace._store.read(workspace._store.find([content]))
            np.testing.assert_allclose(result.head.probabilities(features)[0], row, atol=1e-5)


def test_neighbours_are_refused(pictures, tmp_path):
    path = tmp_path / "models" / "near.mlmodel"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pipeline(embedding(), neighbors()).SerializeToString())
    with Workspace(pictures, path) as workspace, pytest.raises(CannotTrain, match="keeps samples"):
        list(workspace.live({}))
