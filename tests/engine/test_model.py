"""`open_model(...).predict(...)` gives what coremltools' MLModel.predict gives on a Mac."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import BadInput, UnreadableModel, UnsupportedModel
from engine.spec.schema import Model
from tests.conftest import picture


@pytest.fixture
def model(make_model):
    return engine.open_model(make_model(labels=("Cat", "Dog", "Hare")))


def image(seed=0):
    return picture(seed % 3, seed).resize((14, 11))


def test_a_picture_gives_label_and_probabilities(model):
    said = model.predict({"image": image()})
    assert set(said) == {"label", "softmax"}
    assert list(said["softmax"]) == ["Cat", "Dog", "Hare"]
    assert all(type(share) is float for share in said["softmax"].values())
    assert said["label"] == max(said["softmax"], key=said["softmax"].get)
    assert sum(said["softmax"].values()) == pytest.approx(1, abs=1e-6)


def test_a_list_gives_a_list(model):
    pictures = [image(seed) for seed in range(3)]
    together = model.predict([{"image": each} for each in pictures])
    assert together == [model.predict({"image": each}) for each in pictures]


def test_features_and_head_give_what_the_whole_network_gives(model):
    pixels = np.stack([np.asarray(image(seed)) for seed in range(5)])
    shares = model.probabilities(model.features(pixels))
    whole = [list(model.predict({"image": each})["softmax"].values()) for each in pixels]
    np.testing.assert_allclose(shares, whole, atol=1e-6)


def test_a_path_and_bytes_open_too(make_model, tmp_path):
    data = make_model().SerializeToString()
    path = tmp_path / "m.mlmodel"
    path.write_bytes(data)
    answers = [engine.open_model(each).predict({"image": image()}) for each in (path, str(path), data, make_model())]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "'image' is missing"),
        ({"image": Image.new("RGB", (14, 12))}, "takes images of 14 x 11 in RGB"),
        ({"image": Image.new("L", (14, 11))}, "takes images of 14 x 11 in RGB"),
        ({"image": Image.new("RGB", (14, 11)), "picture": 1}, "no input 'picture'"),
    ],
)
def test_what_does_not_fit_is_refused(model, given, words):
    with pytest.raises(BadInput, match=words):
        model.predict(given)


def test_a_bgr_model_sees_the_channels_turned(make_model):
    turned = make_model()
    turned.description.input[0].type.imageType.colorSpace = 30
    picture_, flipped = image(), Image.fromarray(np.asarray(image())[:, :, ::-1])
    straight = engine.open_model(make_model())
    assert engine.open_model(turned).predict({"image": picture_}) == straight.predict({"image": flipped})


def test_other_kinds_of_model_are_refused_by_name(shared_models: Path):
    tree = Model(specificationVersion=1)
    tree.treeEnsembleRegressor.SetInParent()
    with pytest.raises(UnsupportedModel, match="kind 'treeEnsembleRegressor'"):
        engine.open_model(tree)
    vision = Model(specificationVersion=3)
    vision.pipeline.models.add().visionFeaturePrint.SetInParent()
    vision.pipeline.names.append("looks")
    with pytest.raises(UnsupportedModel, match=r"part 'looks': .*'visionFeaturePrint', whose weights are in macOS"):
        engine.open_model(vision)
    with pytest.raises(UnreadableModel, match="no model at"):
        engine.open_model(shared_models / "nowhere.mlmodel")


def test_the_regressor_gives_its_array(shared_models: Path):
    torch = pytest.importorskip("torch")
    model = engine.open_model(shared_models / "tiny_mlp_regressor_updatable.mlmodel")
    x = np.random.default_rng(0).normal(0, 1, 4).astype(np.float32)
    first, _, second = model.head.layers
    hidden = torch.tanh(torch.tensor(first.weights["weights"]) @ torch.tensor(x) + torch.tensor(first.weights["bias"]))
    expected = torch.tensor(second.weights["weights"]) @ hidden + torch.tensor(second.weights["bias"])
    said = model.predict({"x": x})
    assert said["y"].shape == (2,)
    np.testing.assert_allclose(said["y"], expected.numpy(), rtol=1e-5)


def test_of_labels_said_twice_the_first_ones_probability_counts(make_model):
    twice = make_model(labels=("Cat", "Dog", "Cat"), updatable=False)
    apart = make_model(labels=("one", "two", "three"), updatable=False)
    said, wanted = (engine.open_model(each).predict({"image": image()})["softmax"] for each in (twice, apart))
    assert said == {"Cat": wanted["one"], "Dog": wanted["two"]}
    assert wanted["one"] != wanted["three"]
