"""A store that holds a few of the folder's images gives, in everything, what one that holds all of them gives."""

import numpy as np
import pytest

from engine.errors import FolderError
from engine.events import FeaturesRead, ImagesPredicted, LiveLearned, ModelSaved, Retrained, RoomAsked
from engine.keeping import Keeping
from engine.model import open_model
from engine.once import predict
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, wrong_ones

ROW_BYTES = 4 * 5 * 4 * 6
"""Of the small model's features."""
IMAGES = 24
AUTO = ("auto", Settings(), 1.0)


@pytest.fixture
def opened(pictures, model_path, monkeypatch):
    """The folder, its store of so many rows."""
    monkeypatch.setattr("engine.keeping.LEAST_BYTES", 1)
    return lambda rows, **more: Workspace(pictures, model_path, keeping=Keeping("", f"{rows * ROW_BYTES}B"), **more)


def assert_as_without_a_store(found, workspace):
    """Predictions are those of the model file on the picture files."""
    files = {path: workspace.folder / path for path in workspace.images}
    expected = {each.name: each.probabilities for each in predict(open_model(workspace.target), files)}
    assert found.keys() == expected.keys()
    for path, row in expected.items():
        np.testing.assert_allclose(found[path][1], row, atol=1e-5)


@pytest.mark.parametrize("rows", [5, 11, 23])
def test_saved_and_restored_models_predict_all_alike(opened, rows):
    with opened(rows) as workspace:
        before = predictions(workspace.scan())
        assert_as_without_a_store(before, workspace)
        verdicts = dict(sorted(wrong_ones(before).items())[:4])
        events = list(workspace.retrain(verdicts, *AUTO))
        saved = next(at for at, event in enumerate(events) if isinstance(event, ModelSaved))
        assert_as_without_a_store(predictions(events[saved:]), workspace)
        assert events[-1] == FeaturesRead(IMAGES, IMAGES, rows)
        restored = list(workspace.restore(0, 2.0))
        assert_as_without_a_store(predictions(restored), workspace)
        assert restored[-1] == FeaturesRead(IMAGES, IMAGES, rows)


def test_live_goes_on_after_it_was_saved(opened):
    with opened(11) as workspace:
        verdicts = dict(sorted(wrong_ones(predictions(workspace.scan())).items())[:4])
        for count in (2, 3, 4):
            some = dict(list(verdicts.items())[:count])
            *_, shown = workspace.live(some)
            said = dict(zip(shown.contents, shown.probabilities.argmax(axis=1), strict=True))
            assert all(("Cat", "Dog")[said[content]] == label for content, label in some.items())
            events = list(workspace.retrain(some, *AUTO))
            assert any(isinstance(event, ModelSaved) for event in events)


@pytest.mark.parametrize(("rows", "judged"), [(15, slice(14, 17)), (19, slice(8, 11)), (22, slice(21, 24))])
def test_live_begins_after_others_lost_their_features(opened, rows, judged):
    with opened(rows) as workspace:
        found = sorted(predictions(workspace.scan()).items())[judged]
        verdicts = {content: "Dog" for _, (content, _) in found}
        for _ in range(2):
            list(workspace.retrain(verdicts, *AUTO, force=True))
            *_, shown = workspace.live(verdicts)
            assert isinstance(shown, ImagesPredicted)
            assert verdicts.keys() <= set(shown.contents)
            assert len(shown.contents) == len(workspace._store) == rows
        assert_as_without_a_store(predictions(workspace.end_live()), workspace)


def test_live_begins_beside_damage(opened):
    with opened(17) as workspace:
        found = predictions(workspace.scan())
    (data,) = (each for each in (workspace.home / "features").glob("*/*") if "features" in each.name)
    held = bytearray(data.read_bytes())
    for row in (2, 9):
        held[row * ROW_BYTES + 7] ^= 1
    data.write_bytes(held)
    with opened(17) as workspace:
        assert predictions(workspace.scan()).keys() == found.keys()
        *_, shown = workspace.live({})
        assert len(shown.contents) == 15


def test_live_that_begins_amid_a_scan_shows_all_at_its_end(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        events = workspace.scan()
        first = next(event for event in events if isinstance(event, ImagesPredicted))
        assert len(first.paths) < IMAGES
        *_, shown = workspace.live({})
        assert len(shown.paths) == len(first.paths)
        *_, shown = events
        assert isinstance(shown, ImagesPredicted)
        assert len(shown.paths) == IMAGES


def test_the_answer_leaves_live_on(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        found = predictions(workspace.scan())
    (pictures / "new.png").write_bytes((pictures / "c00.png").read_bytes() + b"more")
    with Workspace(pictures, ask_above_bytes=24 * ROW_BYTES) as workspace:
        *_, asked = workspace.scan()
        assert isinstance(asked, RoomAsked)
        verdicts = dict(sorted(wrong_ones(found).items())[:4])
        list(workspace.live(verdicts))
        events = list(workspace.keep(Keeping("half")))
        shown = predictions(events)
        assert "new.png" in shown
        assert any(isinstance(event, LiveLearned) for event in events)
        said = {content: ("Cat", "Dog")[row.argmax()] for content, row in shown.values()}
        assert verdicts.items() <= said.items()


def test_a_store_that_cannot_be_opened_leaves_all_as_it_was(pictures, model_path, monkeypatch):
    with Workspace(pictures, model_path) as workspace:
        before = predictions(workspace.scan())

        def refuse(*_):
            raise FolderError("The disk is full.")

        with monkeypatch.context() as broken:
            broken.setattr("engine.place.FeatureStore", refuse)
            with pytest.raises(FolderError):
                list(workspace.keep(Keeping("half", "none")))
        assert not workspace.keeping.chosen
        assert workspace._catalogue.setting("features") == ""
        verdicts = dict(sorted(wrong_ones(before).items())[:4])
        assert any(isinstance(event, Retrained) for event in workspace.retrain(verdicts, *AUTO))


def test_live_that_has_ended_stays_off(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        verdicts = dict(sorted(wrong_ones(predictions(workspace.scan())).items())[:4])
        list(workspace.retrain(verdicts, *AUTO))
        for end in (workspace.end_live, lambda: workspace.restore(0, 2.0)):
            list(workspace.live(verdicts))
            list(end())
            assert not any(isinstance(event, LiveLearned) for event in workspace.keep(Keeping("half")))
            assert not any(isinstance(event, LiveLearned) for event in workspace.scan())
