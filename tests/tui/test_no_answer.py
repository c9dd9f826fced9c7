"""A model whose numbers are not finite: nothing is shown as its answer, nothing is learned from it, nothing is lost."""

import json

import numpy as np
import pytest

from engine.aside import NOTHING
from engine.errors import CannotTrain
from engine.events import NO_ANSWER, FolderChanged, ImagesPredicted, LiveLearned
from engine.limits import USUAL
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.conftest import small_model
from tests.tui.test_command_line import labels
from tui.headless import Printer, predict
from tui.rows import Rows


def sick(where, value):
    """A small model with one weight that is no number."""
    model = small_model()
    layer = next(each for each in model.neuralNetworkClassifier.layers if each.name == where)
    getattr(layer, layer.WhichOneof("layer")).bias.floatValue[1] = value
    return model


@pytest.fixture
def sick_path(tmp_path):
    path = tmp_path / "sick.mlmodel"
    path.write_bytes(sick("last", float("nan")).SerializeToString())
    return path


@pytest.mark.parametrize("as_json", [True, False])
def test_predict_says_so_for_each_image(as_json, sick_path, pictures):
    lines = []
    code = predict(
        Printer(as_json, lines.append, lines.append), sick_path, [pictures / "c00.png", pictures / "d01.png"], USUAL, False
    )
    assert code == 1
    if as_json:
        assert [json.loads(line)["error"] for line in lines] == [NO_ANSWER] * 2
    else:
        assert [line.endswith(NO_ANSWER) for line in lines] == [True] * 2


def test_rows_show_no_label_and_say_why(sick_path, pictures):
    with Workspace(pictures, sick_path) as workspace:
        rows = Rows()
        for event in workspace.scan():
            rows = rows.changed(event) if isinstance(event, FolderChanged) else rows
            rows = rows.for_labels((), ("Cat", "Dog"), 2) if isinstance(event, FolderChanged) else rows
            rows = rows.predicted(event, {}) if isinstance(event, ImagesPredicted) else rows
        names = list(workspace.images)
    assert (rows.predicted_labels == -1).all() and np.isnan(rows.confidence).all() and len(rows) == 24
    assert rows.problems == dict.fromkeys(names, NO_ANSWER)
    well = ImagesPredicted(("c00.png",), (b"c" * 16,), (1,), np.float32([[0.75, 0.25]]), 1)
    assert set(rows.predicted(well, {}).problems) == set(names) - {"c00.png"}


@pytest.mark.parametrize("where", ["last", "convolution"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_training_is_refused_by_the_layers_name(where, value, pictures, tmp_path):
    path = tmp_path / "sick.mlmodel"
    path.write_bytes(sick(where, value).SerializeToString())
    before = path.read_bytes()
    with Workspace(pictures, path) as workspace:
        list(workspace.scan())
        content = next(iter(workspace.teaching().contents))
        for work in (
            workspace.retrain({content: "Cat"}, "auto", Settings(), 1.0, True, NOTHING),
            workspace.live({content: "Cat"}),
        ):
            with pytest.raises(CannotTrain, match=rf"[Ll]ayer '{where}' .* finite numbers"):
                list(work)
        assert not workspace.versions.all()
    assert path.read_bytes() == before


@pytest.mark.parametrize("trainer", ["auto", "edit", "fit", "sgd", "plain", "live"])
def test_features_whose_products_overflow_are_not_learned(trainer, pictures, tmp_path):
    """Each is a number; warnings, which are errors here, say nothing beside the refusal."""
    model, path = small_model(), tmp_path / "large.mlmodel"
    filters = model.neuralNetworkClassifier.layers[0].convolution.weights.floatValue
    for at in range(len(filters)):
        filters[at] *= 1e28
    path.write_bytes(model.SerializeToString())
    with Workspace(pictures, path) as workspace:
        list(workspace.scan())
        verdicts = {content: ("Cat", "Dog")[at % 2] for at, content in enumerate(workspace.teaching().contents)}
        work = (
            workspace.live(verdicts) if trainer == "live" else workspace.retrain(verdicts, trainer, Settings(), 1.0, True)
        )
        with pytest.raises(CannotTrain):
            list(work)
        assert not workspace.versions.all()
        assert not any(
            np.isnan(event.probabilities).any() for event in workspace.end_live() if isinstance(event, ImagesPredicted)
        )


def test_a_training_that_runs_away_leaves_the_model(pictures, model_path, catflap, tmp_path):
    """By the app's way, and by the command."""
    before, out = model_path.read_bytes(), tmp_path / "out.mlmodel"
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        verdicts = {content: ("Cat", "Dog")[at % 2] for at, content in enumerate(workspace.teaching().contents)}
        with pytest.raises(CannotTrain, match=r"in epoch \d+, batch \d+: a learning rate of 1e\+09 is too large"):
            list(workspace.retrain(verdicts, "sgd", Settings(learning_rate=1e9), 1.0, force=True))
        assert not workspace.versions.all()
        assert not list(workspace.keep_challenger(2.0))
        assert any(isinstance(event, LiveLearned) for event in workspace.live(verdicts))
    table = labels(pictures, pictures / "labels.csv")
    code, _, words = catflap("train", model_path, table, "--out", out, "--trainer", "sgd", "--learning-rate", "1e9")
    assert code == 2
    assert "ran away" in words and "Try a learning rate of" in words
    assert not out.exists() and model_path.read_bytes() == before
