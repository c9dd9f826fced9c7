"""One folder and one model, from the first scan to a better model and back."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.aside import Aside
from engine.errors import BadLabels, BadSetting, CannotTrain, FolderError, ModelError, UnreadableModel
from engine.events import (
    FeaturesRead,
    FolderChanged,
    ImageSkipped,
    ImagesPredicted,
    ModelOpened,
    ModelRefused,
    ModelReplaced,
    ModelSaved,
    Retrained,
)
from engine.release import version
from engine.spec.update import weight_spans
from engine.teaching import Teaching
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.conftest import SHARED
from tests.model_metadata import without_ours
from tests.pipelines import embedding, neighbors, pipeline


def predictions(events):
    found = {}
    for event in events:
        if isinstance(event, ImagesPredicted):
            found |= dict(zip(event.paths, zip(event.contents, event.probabilities, strict=True), strict=True))
    return found


def truth(path):
    return "Cat" if Path(path).name.startswith("c") else "Dog"


def wrong_ones(found, labels=("Cat", "Dog")):
    return {content: truth(path) for path, (content, row) in found.items() if labels[row.argmax()] != truth(path)}


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        yield opened


def test_the_first_scan_predicts_every_image_as_the_whole_network_does(workspace):
    events = list(workspace.scan())
    assert isinstance(events[0], FolderChanged)
    assert len(events[0].added) == 24
    found = predictions(events)
    assert len(found) == 24
    assert events[-1] == FeaturesRead(24, 24, 0)
    model = engine.open_model(workspace.target)
    for path, (_, row) in found.items():
        picture = Image.open(workspace.folder / path).resize((14, 11), Image.Resampling.BILINEAR)
        said = model.predict({"image": picture})["softmax"]
        np.testing.assert_allclose(row, [said["Cat"], said["Dog"]], atol=0.02)


def test_opening_again_runs_no_backbone(workspace, pictures, model_path, monkeypatch):
    before = predictions(workspace.scan())
    workspace.close()
    monkeypatch.setattr("engine.backbone.Backbone.features", None)
    with Workspace(pictures) as again:
        events = list(again.scan())
    after = predictions(events)
    assert events[-1] == FeaturesRead(24, 24, 24)
    assert all((before[path][1] == after[path][1]).all() for path in before)


def test_copies_and_renamed_files_run_no_backbone_either(workspace, monkeypatch):
    before = predictions(workspace.scan())
    monkeypatch.setattr("engine.backbone.Backbone.features", None)
    (workspace.folder / "c00.png").rename(workspace.folder / "other.png")
    shutil.copy(workspace.folder / "d01.png", workspace.folder / "more" / "copy.png")
    events = list(workspace.scan())
    assert set(events[0].added) == {"other.png", "more/copy.png"}
    assert events[0].removed == ("c00.png",)
    after = predictions(events)
    assert after["other.png"][0] == before["c00.png"][0]
    assert after["more/copy.png"][0] == before["d01.png"][0]


def test_a_replaced_file_is_read_again(workspace):
    before = predictions(workspace.scan())
    shutil.copy(workspace.folder / "d01.png", workspace.folder / "c00.png")
    events = list(workspace.scan())
    assert events[0].changed == ("c00.png",)
    assert predictions(events)["c00.png"][0] == before["d01.png"][0]


def test_a_bad_image_is_an_event(workspace):
    (workspace.folder / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    for _ in range(2):
        skipped = [event for event in workspace.scan() if isinstance(event, ImageSkipped)]
        assert [event.image for event in skipped] == ["bad.jpg"]
        assert skipped[0].reason
        workspace.images = {}


def test_retrain_learns_saves_and_predicts_again(workspace, model_path):
    original = model_path.read_bytes()
    found = predictions(workspace.scan())
    flips = wrong_ones(found)
    assert 3 <= len(flips) <= 21
    events = list(workspace.retrain(flips, "edit", Settings(), at=7.0))
    (result,) = [event for event in events if isinstance(event, Retrained)]
    assert (result.flips, result.learned, result.broken) == (len(flips), len(flips), 0)
    (saved,) = [event for event in events if isinstance(event, ModelSaved)]
    assert (saved.path, saved.version) == (model_path, 1)
    after = predictions(events)
    assert set(after) == set(found)
    assert not set(wrong_ones(after)) & set(flips)
    reopened = engine.open_model(model_path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 11, 14, 3), np.uint8)
    expected = workspace.model.probabilities(workspace.model.features(pixels))
    got = [list(reopened.predict({"image": picture})["softmax"].values()) for picture in pixels]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    # Nothing differs but the weights, and what the metadata say of the training.
    unsaid = without_ours(model_path.read_bytes())
    changed = np.flatnonzero(np.frombuffer(original, np.uint8) != np.frombuffer(unsaid, np.uint8))
    before = engine.open_model(original)
    inside = [any(a <= at < b for a, b in weight_spans(before.file, before.head)) for at in changed]
    assert all(inside)
    assert len(inside) > 10
    said = dict(reopened.file.message.description.metadata.userDefined)
    assert (said["catflap.trained"], said["catflap.trainer"]) == ("1970-01-01T00:00:07Z", "edit")
    assert (said["catflap.verdicts"], said["catflap.flips"]) == (str(len(flips)),) * 2
    assert (said["catflap.model_version"], said["catflap.version"]) == ("1", version())
    assert workspace.model.backbone_key == before.backbone_key
    versions = workspace.versions.all()
    assert [(v.version, v.origin, v.trainer) for v in versions] == [(0, "original", ""), (1, "retrained", "edit")]
    assert (workspace.home / "versions" / "0000.mlmodel").read_bytes() == original


def test_restore_gives_the_very_bytes_back(workspace, model_path):
    original = model_path.read_bytes()
    before = predictions(workspace.scan())
    list(workspace.retrain(wrong_ones(before), "edit", Settings(), at=1.0))
    assert model_path.read_bytes() != original
    after = predictions(workspace.restore(0, at=2.0))
    assert model_path.read_bytes() == original
    assert workspace.version == 0
    for path, (_, row) in before.items():
        np.testing.assert_array_equal(after[path][1], row)
    with pytest.raises(BadSetting, match="no version 9"):
        list(workspace.restore(9, at=3.0))


def test_a_restore_is_noted(workspace):
    list(workspace.retrain(wrong_ones(predictions(workspace.scan())), "edit", Settings(), at=1.0))
    list(workspace.restore(0, at=7.5))
    assert [each.restored_at for each in workspace.versions.all()] == [7.5, 0.0]


def changed_by_somebody(workspace, data, ticks=(0.0, 1.1, 2.2)):
    """Write over the model's file; what comes of it."""
    workspace.target.write_bytes(data)
    os.utime(workspace.target, ns=(1, 1))
    told = [workspace.model_changed(100 + at) for at in ticks]
    assert told == [False, True, False]
    return list(workspace.adopt(at=5.0))


def test_a_model_that_somebody_wrote_over_the_present_one_becomes_a_version(workspace, model_path):
    original = model_path.read_bytes()
    before = predictions(workspace.scan())
    list(workspace.retrain(wrong_ones(before), "edit", Settings(), at=1.0))
    trained = model_path.read_bytes()
    assert [workspace.model_changed(at) for at in (50.0, 52.0)] == [False, True]
    assert not list(workspace.adopt(at=4.0)), "what was saved here is no news"
    events = changed_by_somebody(workspace, original)
    assert (type(events[0]), events[0].version) == (ModelReplaced, 0)
    np.testing.assert_array_equal(
        np.stack([row for _, row in predictions(events).values()]), np.stack([row for _, row in before.values()])
    )
    assert not list(workspace.adopt(at=6.0))
    assert (workspace.home / "versions" / "0001.mlmodel").read_bytes() == trained


@pytest.mark.parametrize("data", [b"", b"no model", None], ids=["empty", "junk", "no classifier"])
def test_a_file_that_is_no_model_for_this_leaves_the_old_one_in_use(workspace, model_path, data):
    before = predictions(workspace.scan())
    if data is None:
        regressor = SHARED / "models" / "tiny_mlp_regressor_updatable.mlmodel"
        if not regressor.exists():
            pytest.skip("no regressor here")
        data = regressor.read_bytes()
    (refused,) = changed_by_somebody(workspace, data)
    assert isinstance(refused, ModelRefused) and refused.why
    assert predictions(workspace.predict_again()).keys() == before.keys()
    assert workspace.version == 0


def test_the_version_is_known_when_opened_again(workspace, pictures):
    list(workspace.retrain(wrong_ones(predictions(workspace.scan())), "edit", Settings(), at=1.0))
    workspace.close()
    with Workspace(pictures) as again:
        assert again.opened().version == 1


def test_a_stopped_training_is_offered_and_kept_on_demand(workspace, model_path):
    original = model_path.read_bytes()
    verdicts = wrong_ones(predictions(workspace.scan()))
    events = list(workspace.retrain(verdicts, "sgd", Settings(seed=0), at=1.0, offered=lambda: True))
    (result,) = [event for event in events if isinstance(event, Retrained)]
    assert result.offered and model_path.read_bytes() == original
    kept = list(workspace.keep_challenger(at=2.0))
    assert isinstance(kept[0], ModelSaved)
    assert model_path.read_bytes() != original
    assert not list(workspace.keep_challenger(at=3.0))


def noted_lessons(monkeypatch):
    """What every lesson learns, and what it keeps."""
    seen, lesson = [], Teaching.lesson

    def noted(teaching, verdicts, augment="none"):
        seen.append((set(verdicts), set(teaching.kept(verdicts))))
        return lesson(teaching, verdicts, augment)

    monkeypatch.setattr(Teaching, "lesson", noted)
    return seen


def test_what_is_held_out_is_measured_and_never_trained(workspace, monkeypatch):
    found = predictions(workspace.scan())
    wrong = wrong_ones(found)
    held = dict(list(wrong.items())[:2])
    learned = {content: label for content, label in wrong.items() if content not in held}
    excluded = next(content for path, (content, _) in sorted(found.items()) if content not in wrong)
    aside = Aside(held, frozenset({*held, excluded}))
    seen = noted_lessons(monkeypatch)
    events = list(workspace.retrain(learned, "edit", Settings(), at=1.0, aside=aside))
    ((taught, anchors),) = seen
    assert taught == set(learned)
    assert anchors == {content for content, _ in found.values()} - taught - aside.untouched
    (result,) = [event for event in events if isinstance(event, Retrained)]
    now = predictions(events)
    right = sum(("Cat", "Dog")[row.argmax()] == held[content] for content, row in now.values() if content in held)
    assert (result.held.of, result.held.before, result.held.after) == (2, 0, right)
    assert [(v.held_of, v.held_before, v.held_after) for v in workspace.versions.all()] == [(0, 0, 0), (2, 0, right)]


def test_out_leaves_the_model_alone(pictures, model_path, tmp_path):
    original, out = model_path.read_bytes(), tmp_path / "out" / "new.mlmodel"
    with Workspace(pictures, model_path, out) as workspace:
        list(workspace.retrain(wrong_ones(predictions(workspace.scan())), "edit", Settings(), at=1.0))
    assert model_path.read_bytes() == original
    assert out.read_bytes() != original
    with Workspace(pictures) as again:
        assert (again.target, again.opened().version) == (out, 1)


class Worse:
    """A trainer whose head is wrong wherever the old one was right."""

    def __call__(self, lesson, training, settings):
        *others, last = lesson.head.weights
        head = lesson.head.moved([{} for _ in others] + [{n: -2 * w for n, w in last.items()}])
        yield lesson.judged(head)


def test_a_worse_model_is_not_promoted_without_a_word(workspace, model_path, monkeypatch):
    original = model_path.read_bytes()
    found = predictions(workspace.scan())
    verdicts = {content: ("Cat", "Dog")[row.argmax()] for content, row in list(found.values())[:9]}
    monkeypatch.setitem(engine.TRAINERS, "plain", Worse())
    events = list(workspace.retrain(verdicts, "plain", Settings(), at=1.0))
    assert isinstance(events[-1], Retrained)
    assert not events[-1].better
    assert model_path.read_bytes() == original
    assert workspace.versions.all() == []
    list(workspace.promote(events[-1], "plain", at=2.0))
    assert model_path.read_bytes() != original


def test_a_file_that_differs_from_what_was_trained_is_not_promoted(workspace, model_path, monkeypatch):
    original = model_path.read_bytes()
    found = predictions(workspace.scan())

    def spoilt(file, head):
        return original

    monkeypatch.setattr("engine.model.with_head", spoilt)
    with pytest.raises(ModelError, match="differs from the trained one"):
        list(workspace.retrain(wrong_ones(found), "edit", Settings(), at=1.0))
    assert model_path.read_bytes() == original
    assert [version.version for version in workspace.versions.all()] == [0]


def test_features_that_were_deleted_are_made_again(workspace):
    flips = wrong_ones(predictions(workspace.scan()))
    shutil.rmtree(workspace.home / "features")
    workspace.close()
    with Workspace(workspace.folder) as again:
        list(again.scan())
        events = list(again.retrain(flips, "edit", Settings(), at=1.0))
    assert any(isinstance(event, ModelSaved) for event in events)


def test_damaged_features_are_made_again(workspace):
    before = predictions(workspace.scan())
    workspace.close()
    (data,) = (workspace.home / "features").rglob("*.f32")
    spoilt = bytearray(data.read_bytes())
    for at in range(100, len(spoilt), 3000):
        spoilt[at] ^= 0x40
    data.write_bytes(bytes(spoilt))
    with Workspace(workspace.folder) as again:
        list(again.scan())
        events = list(again.retrain(wrong_ones(before), "edit", Settings(), at=1.0))
        after = predictions(events)
    (result,) = [event for event in events if isinstance(event, Retrained)]
    assert (result.learned, result.flips) == (12, 12)
    assert len(after) == 24


def test_to_stop_is_not_to_go_on(workspace, model_path):
    original = model_path.read_bytes()
    events = workspace.retrain(wrong_ones(predictions(workspace.scan())), "sgd", Settings(), at=1.0)
    for _ in range(4):
        next(events)
    events.close()
    assert model_path.read_bytes() == original
    assert workspace.versions.all() == []


def test_what_is_refused(pictures, model_path, tmp_path, make_model):
    with pytest.raises(UnreadableModel, match="holds no model"):
        Workspace(pictures)
    with pytest.raises(FolderError, match="no folder"):
        Workspace(tmp_path / "nowhere", model_path)
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        with pytest.raises(BadLabels, match="no verdict"):
            list(workspace.retrain({}, "auto", Settings(), at=1.0))
        with pytest.raises(BadLabels, match="None of the verdicts"):
            list(workspace.retrain({b"x" * 16: "Hare"}, "auto", Settings(), at=1.0))
        with pytest.raises(BadSetting, match="no trainer 'magic'"):
            list(workspace.retrain({workspace._catalogue.images()["c00.png"].content: "Cat"}, "magic", Settings(), 1.0))
    frozen = tmp_path / "frozen.mlmodel"
    frozen.write_bytes(make_model(updatable=False).SerializeToString())
    with Workspace(pictures, frozen) as workspace:
        found = predictions(workspace.scan())
        assert len(found) == 24
        assert "frozen" in workspace.opened().why_not
        with pytest.raises(CannotTrain, match="frozen"):
            list(workspace.retrain(wrong_ones(found), "auto", Settings(), at=1.0))


def test_the_only_model_in_the_folder_is_found(pictures, model_path):
    shutil.copy(model_path, pictures / "mine.mlmodel")
    with Workspace(pictures) as workspace:
        assert workspace.target.name == "mine.mlmodel"
    shutil.copy(model_path, pictures / "other.mlmodel")
    shutil.rmtree(pictures / ".catflap")
    with pytest.raises(UnreadableModel, match=r"2 models \(mine.mlmodel, other.mlmodel\)"):
        Workspace(pictures)


def test_photographs_are_never_written_to(workspace):
    before = {path: path.read_bytes() for path in workspace.folder.rglob("*.png")}
    stamps = {path: path.stat().st_mtime_ns for path in before}
    list(workspace.retrain(wrong_ones(predictions(workspace.scan())), "auto", Settings(), at=1.0))
    assert {path: path.read_bytes() for path in workspace.folder.rglob("*.png")} == before
    assert {path: path.stat().st_mtime_ns for path in before} == stamps


def test_neighbours_learn_labels_and_forget_them_on_restore(pictures, tmp_path):
    path = tmp_path / "pipe.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors(k=1)).SerializeToString())
    with Workspace(pictures, path) as workspace:
        found = predictions(workspace.scan())
        opened, backbone = workspace.opened(), workspace.model.backbone
        assert (opened.labels, opened.learns_labels, opened.trainable) == (("nothing",), True, True)
        verdicts = {content: truth(name) for name, (content, _) in list(found.items())[:10]}
        events = list(workspace.retrain(verdicts, "auto", Settings(), at=1.0))
        (again,) = [event for event in events if isinstance(event, ModelOpened)]
        assert (set(again.labels), again.version) == ({"Cat", "Dog"}, 1)
        after = predictions(events)
        for name, (content, row) in after.items():
            assert content not in verdicts or again.labels[row.argmax()] == truth(name)
        assert len(after) == 24
        assert workspace.model.backbone is backbone
        with pytest.raises(BadSetting, match="keeps samples"):
            list(workspace.retrain(verdicts, "sgd", Settings(), at=2.0))
        events = list(workspace.restore(0, at=3.0))
        assert next(event for event in events if isinstance(event, ModelOpened)).labels == ("nothing",)
        assert {row.shape for _, row in predictions(events).values()} == {(1,)}
