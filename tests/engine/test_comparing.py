"""Two versions side by side, against what each of them predicted while it was the present one."""

import os
import shutil

import numpy as np
import pytest

from engine.events import ComparisonWorked, VersionsCompared, VersionsNotCompared
from engine.keeping import Keeping
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, wrong_ones
from tests.pipelines import embedding, neighbors, pipeline


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        yield opened


def said_by(found, labels=("Cat", "Dog")):
    """By content, the label of what was predicted."""
    return {content: labels[row.argmax()] for content, row in found.values()}


def said_in(event, of):
    return {content: event.labels[at] for content, at in zip(event.contents, event.said[of].tolist(), strict=True)}


def retrained(workspace, verdicts, at=1.0):
    return predictions(workspace.retrain(verdicts, "edit", Settings(), at=at))


def test_both_versions_say_what_they_said_when_they_were_the_present_one(workspace):
    shutil.copy(workspace.folder / "c00.png", workspace.folder / "copy.png")
    before = predictions(workspace.scan())
    after = retrained(workspace, wrong_ones(before))
    *steps, result = list(workspace.compare(0, 1))
    assert isinstance(result, VersionsCompared)
    assert (result.first, result.second) == (0, 1)
    assert len(result.contents) == len(set(result.contents)) == 24
    assert said_in(result, 0) == said_by(before) != said_by(after) == said_in(result, 1)
    assert {type(step) for step in steps} == {ComparisonWorked}
    assert workspace.version == 1
    *_, turned = workspace.compare(1, 0)
    assert said_in(turned, 0) == said_by(after)


def test_long_steps_are_taken_in_blocks(workspace, monkeypatch):
    before = predictions(workspace.scan())
    after = retrained(workspace, wrong_ones(before))
    monkeypatch.setattr("engine.workspace.block_of", lambda store: 10)
    *steps, result = list(workspace.compare(0, 1))
    assert [step.done for step in steps] == [0, 0, 0, 5, 10, 15, 20]
    assert said_in(result, 1) == said_by(after)


def test_what_happens_between_two_steps_does_no_harm(workspace, monkeypatch):
    """A retrain comes between, the store is kept in another way, and one picture's features are lost."""
    before = predictions(workspace.scan())
    retrained(workspace, wrong_ones(before))
    monkeypatch.setattr("engine.workspace.block_of", lambda store: 10)
    events = workspace.compare(0, 1)
    first = [next(events) for _ in range(4)]
    assert first[-1].done == 5
    list(workspace.keep(Keeping("half", "none")))
    lost = next(content for _, content, _ in reversed(workspace._shown))
    sound = workspace._store.sound
    monkeypatch.setattr(workspace._store, "sound", lambda keys: sound(keys) & np.array([key != lost for key in keys]))
    *_, result = events
    at = result.contents.index(lost)
    assert result.said[:, at].tolist() == [-1, -1]
    others = [n for n in range(24) if n != at]
    assert {result.contents[n]: result.labels[result.said[0, n]] for n in others}.items() <= said_by(before).items()


def other_backbone(make_model):
    """A classifier of the same labels on other frozen layers."""
    return make_model(seed=5).SerializeToString()


def adopted(workspace, data):
    workspace.target.write_bytes(data)
    os.utime(workspace.target, ns=(1, 1))
    return predictions(workspace.adopt(at=5.0))


def test_a_version_of_other_features_is_not_compared(workspace, make_model):
    before = predictions(workspace.scan())
    retrained(workspace, wrong_ones(before))
    adopted(workspace, other_backbone(make_model))
    assert workspace.version == 2
    *_, refused = workspace.compare(1, 2)
    assert isinstance(refused, VersionsNotCompared)
    assert refused.why.startswith("Version 1 has other frozen layers than the present model")
    assert workspace.version == 2


def test_a_version_of_other_features_is_restored_with_its_own(workspace, make_model):
    before = predictions(workspace.scan())
    adopted(workspace, other_backbone(make_model))
    after = predictions(workspace.restore(0, at=9.0))
    assert after.keys() == before.keys()
    for path, (_, row) in before.items():
        np.testing.assert_array_equal(after[path][1], row)


@pytest.mark.parametrize("spoil", ["gone", "changed", "never"])
def test_a_version_that_is_not_there_is_named(workspace, spoil):
    retrained(workspace, wrong_ones(predictions(workspace.scan())))
    file = workspace.home / "versions" / "0000.mlmodel"
    if spoil == "gone":
        file.unlink()
    elif spoil == "changed":
        file.write_bytes(file.read_bytes() + b"\x00")
    *_, refused = workspace.compare(7 if spoil == "never" else 0, 1)
    assert isinstance(refused, VersionsNotCompared)
    words = {"gone": "0000.mlmodel", "changed": "version 0 was changed", "never": "no version 7"}[spoil]
    assert words in refused.why


def test_versions_of_other_labels_share_one_list(pictures, tmp_path):
    path = tmp_path / "knn.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors()).SerializeToString())
    with Workspace(pictures, path) as workspace:
        before = predictions(workspace.scan())
        wanted = {content: "Hare" if n < 4 else "Cat" for n, (content, _) in enumerate(list(before.values())[:9])}
        after = predictions(workspace.retrain(wanted, "auto", Settings(), at=1.0))
        *_, result = workspace.compare(0, 1)
        assert result.labels == ("nothing", *workspace.model.labels)
        assert set(workspace.model.labels) == {"Hare", "Cat"}
        assert said_in(result, 0) == said_by(before, ("nothing",))
        assert said_in(result, 1) == said_by(after, workspace.model.labels)


def test_nothing_is_written_and_nothing_is_said_of_an_empty_folder(tmp_path, model_path):
    (tmp_path / "empty").mkdir()
    with Workspace(tmp_path / "empty", model_path) as workspace:
        assert list(workspace.scan()) and not workspace.images
        *_, result = workspace.compare(0, 0)
        assert result.contents == () and result.said.shape == (2, 0)
        assert not (workspace.home / "versions").exists()
