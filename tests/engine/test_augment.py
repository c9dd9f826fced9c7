"""Other views of pictures: as NumPy makes them, computed once, learned beside the pictures, counted as no verdicts."""

import numpy as np
import pytest
from PIL import Image

from engine.augment import AUGMENTS, VIEWS, view_key, view_keys, viewed, views_of
from engine.decoders import Decoders
from engine.errors import BadSetting, CannotTrain
from engine.events import FeaturesRead, ModelSaved, Retrained, TrainingBegan
from engine.images import content_key, pixels
from engine.keeping import Keeping
from engine.labels import Labelled
from engine.model import Model, open_model
from engine.once import train
from engine.spec.file import read
from engine.spec.schema import Model as Message
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, truth
from tests.pipelines import embedding, neighbors, pipeline


def said_of(path):
    """What the model's metadata say, as coremltools' own classes read them."""
    return Message.FromString(path.read_bytes()).description.metadata.userDefined


def last(events, kind):
    return [event for event in events if isinstance(event, kind)][-1]


@pytest.fixture
def opened(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        found = predictions(workspace.scan())
        yield workspace, {content: truth(path) for path, (content, _) in found.items()}


@pytest.fixture
def noted(monkeypatch):
    """How many pictures went through the backbone, call by call."""
    counts, features = [], Model.features

    def counted(model, pictures):
        counts.append(len(pictures))
        return features(model, pictures)

    monkeypatch.setattr(Model, "features", counted)
    return counts


@pytest.mark.parametrize("shape", [(33, 70, 3), (5, 7, 1)])
def test_views_are_numpy_s_own(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    height, width, _ = shape
    down, right = max(1, height // 16), max(1, width // 16)
    np.testing.assert_array_equal(VIEWS["mirror"](picture), np.fliplr(picture))
    padded = np.pad(picture, ((down, down), (right, right), (0, 0)), mode="edge")
    inner = {"down": (0, right), "up": (2 * down, right), "right": (down, 0), "left": (down, 2 * right)}
    for name, (top, left) in inner.items():
        np.testing.assert_array_equal(VIEWS[name](picture), padded[top : top + height, left : left + width], name)


def test_keys_are_of_a_picture_and_a_view():
    keys, of = view_keys([b"a" * 16, b"b" * 16, b"c" * 16], ("mirror", "up"))
    assert len(set(keys)) == 6 and all(len(key) == 16 for key in keys)
    assert of.tolist() == [0, 1, 2, 0, 1, 2]
    assert keys[4] == view_key(b"b" * 16, "up")


def test_an_augmentation_that_there_is_not_is_refused():
    assert set(views_of("both")) == {*views_of("mirror"), *views_of("shifts")}
    with pytest.raises(BadSetting, match="no augmentation 'rotate'"):
        views_of("rotate")


def test_a_retrain_computes_views_once_and_counts_verdicts_alone(opened, noted):
    workspace, truths = opened
    verdicts = dict(list(truths.items())[:7])
    for turn, (augment, views) in enumerate({"shifts": 4, "both": 1, "mirror": 0, "none": 0}.items()):
        noted.clear()
        events = list(workspace.retrain(verdicts, "edit", Settings(augment=augment), at=turn, force=True))
        assert sum(noted) == 7 * views, augment
        result = last(events, Retrained)
        assert (result.after.of, result.flips + result.accepted) == (7, 7)
        assert result.augment == augment
        told = [(event.done, event.total) for event in events if isinstance(event, FeaturesRead) and event.thing == "view"]
        assert told == ([(4 * views, 7 * views), (7 * views, 7 * views)] if views else [])
    with Workspace(workspace.folder) as again:
        list(again.scan())
        noted.clear()
        list(again.retrain(verdicts, "fit", Settings(augment="both"), at=9.0, force=True))
        assert noted == []


def test_views_are_learned(opened, pictures):
    """Pictures whose left half alone tells the label, mirrored: what was not augmented goes by the wrong half."""
    workspace, truths = opened
    for augment in ("none", "mirror"):
        result = last(workspace.retrain(truths, "fit", Settings(augment=augment), at=1.0, force=True), Retrained)
        keys, of = view_keys(list(truths), ("mirror",))
        if augment == "none":
            before = result.head
        else:
            features = workspace._store.read(workspace._store.find(keys))
            targets = workspace.model.targets(list(truths.values())).values[of]
            losses = [
                -np.log(head.probabilities(features)[np.arange(len(of)), targets]).mean() for head in (before, result.head)
            ]
            assert losses[1] < 0.8 * losses[0]


def test_files_that_are_gone_or_others_by_now_have_no_views(opened, pictures):
    workspace, truths = opened
    known = {path: each.content for path, each in workspace._catalogue.images().items()}
    (pictures / "c00.png").unlink()
    Image.new("RGB", (28, 22)).save(pictures / "d01.png")
    (pictures / "c02.png").write_bytes(b"no picture")
    three = {known[name]: truths[known[name]] for name in ("c00.png", "d01.png", "c02.png", "d03.png")}
    events = list(workspace.retrain(three, "edit", Settings(augment="mirror"), at=1.0, force=True))
    keys, _ = view_keys(list(three), ("mirror",))
    assert [key in workspace._store for key in keys] == [False, False, False, True]
    assert [(e.done, e.total) for e in events if isinstance(e, FeaturesRead) and e.thing == "view"][-1] == (4, 4)
    assert last(events, Retrained).after.of == 4


def test_what_is_known_is_neither_decoded_nor_run(pictures, model_path, noted):
    model = open_model(model_path)
    file = pictures / "d05.png"
    content = content_key(file.read_bytes())
    (found,) = viewed({content: file}, model.image, model.features, AUGMENTS["both"], Decoders(), {view_key(content, "up")})
    assert noted == [4]
    picture = pixels(file, 14, 11, "RGB")
    np.testing.assert_allclose(
        found[view_key(content, "mirror")], model.features(np.fliplr(picture)[None].copy())[0], atol=1e-6
    )


def test_where_there_is_no_room_nothing_is_begun(opened, monkeypatch):
    workspace, truths = opened
    monkeypatch.setattr(workspace, "_ask_above_bytes", 0)
    with pytest.raises(CannotTrain, match="no room for the features of 24 other views"):
        list(workspace.retrain(truths, "edit", Settings(augment="mirror"), at=1.0))
    list(workspace.keep(Keeping("half")))
    assert last(workspace.retrain(truths, "edit", Settings(augment="mirror"), at=1.0, force=True), ModelSaved)


def test_with_a_limit_views_take_the_room_of_other_pictures_and_never_of_verdicts(pictures, model_path, monkeypatch):
    row = 4 * 5 * 4 * 6
    monkeypatch.setattr("engine.keeping.LEAST_BYTES", 1)
    with Workspace(pictures, model_path, keeping=Keeping("", f"{26 * row}B")) as workspace:
        found = predictions(workspace.scan())
        verdicts = {content: truth(path) for path, (content, _) in list(found.items())[:5]}
        events = list(workspace.retrain(verdicts, "edit", Settings(augment="shifts"), at=1.0, force=True))
        assert last(events, TrainingBegan).samples == 5 + 20 + 1  # an anchor, which there is room for
        with pytest.raises(CannotTrain, match="no room"):
            list(workspace.retrain(verdicts, "edit", Settings(augment="both"), at=2.0))


def test_the_model_says_that_it_was_augmented(opened):
    workspace, truths = opened
    list(workspace.retrain(truths, "edit", Settings(augment="shifts"), at=1.0, force=True))
    assert said_of(workspace.target)["catflap.augmentation"] == "shifts"
    list(workspace.retrain(truths, "fit", Settings(), at=2.0, force=True))
    assert "catflap.augmentation" not in said_of(workspace.target)


def test_live_goes_without_and_a_retrain_after_it_does_not(opened):
    workspace, truths = opened
    list(workspace.live(truths))
    began = [type(event).__name__ for event in workspace.retrain(truths, "auto", Settings(), at=1.0, force=True)]
    assert began.count("EpochEnded") == 0
    list(workspace.live(truths))
    events = list(workspace.retrain(truths, "auto", Settings(augment="mirror"), at=2.0, force=True))
    assert last(events, Retrained).augment == "mirror"
    assert any(isinstance(event, FeaturesRead) and event.thing == "view" for event in events)


def test_neighbours_keep_views_as_samples_and_count_verdicts(pictures, tmp_path):
    path = tmp_path / "knn.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors()).SerializeToString())
    with Workspace(pictures, path) as workspace:
        found = predictions(workspace.scan())
        verdicts = {content: truth(name) for name, (content, _) in list(found.items())[:6]}
        before = len(workspace.model.head.samples)
        result = last(workspace.retrain(verdicts, "auto", Settings(augment="both"), at=1.0, force=True), Retrained)
        assert result.after.of == 6
        assert len(workspace.model.head.samples) == before + 6 * 6


def test_without_a_folder_views_are_learned_as_well(pictures, model_path, noted):
    model = Model(read(model_path))
    labelled = {name: Labelled(pictures / f"{name}.png", truth(name), "") for name in ("c00", "d01", "c02")}
    events = list(train(model, labelled, {}, "fit", Settings(augment="shifts")))
    assert sum(noted) == 3 + 12
    assert (last(events, Retrained).augment, last(events, Retrained).after.of) == ("shifts", 3)
