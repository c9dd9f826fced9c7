"""Pipelines answer as their parts do one after the other; links are followed beside the model and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import BadInput, CannotTrain, UnreadableModel
from engine.predict.network import NetworkPredictor
from engine.spec.update import path_to_last
from tests.conftest import picture
from tests.pipelines import HEIGHT, WIDTH, dense, embedding, linked, neighbors, pipeline


def image(seed: int = 0):
    return picture(seed % 3, seed, (WIDTH, HEIGHT))


def numbers(seed: int = 0) -> np.ndarray:
    return engine.open_model(embedding()).predict({"image": image(seed)})["numbers"]


def test_the_embedding_is_that_of_torch():
    torch = pytest.importorskip("torch")
    layer = embedding().neuralNetwork.layers[0].convolution
    weights = torch.tensor(np.array(layer.weights.floatValue, np.float32).reshape(5, 3, 3, 2))
    x = torch.tensor(np.asarray(image(), np.float32).transpose(2, 0, 1)[None] / 255)
    wanted = torch.relu(torch.nn.functional.conv2d(x, weights, torch.tensor(layer.bias.floatValue))).mean((2, 3))[0]
    assert numbers().shape == (5,)
    np.testing.assert_allclose(numbers(), wanted, rtol=1e-5)


def test_a_pipeline_answers_as_its_parts_one_after_the_other():
    model, last = engine.open_model(pipeline(embedding(), dense())), engine.open_model(dense())
    for seed in range(4):
        found, wanted = model.predict({"image": image(seed)}), last.predict({"numbers": numbers(seed)})
        assert found["label"] == wanted["label"]
        assert found["shares"] == pytest.approx(wanted["shares"], abs=1e-6)
    with pytest.raises(BadInput, match="input 'image' is missing"):
        model.predict({})


def test_pipelines_inside_pipelines():
    inner = pipeline(embedding(), dense())
    outer, plain = engine.open_model(pipeline(inner)), engine.open_model(inner)
    assert outer.predict({"image": image()}) == plain.predict({"image": image()})
    assert outer.labels == ("Cat", "Dog")
    pixels = np.stack([np.asarray(image(seed)) for seed in range(3)])
    np.testing.assert_allclose(outer.features(pixels), plain.features(pixels), rtol=1e-6)
    assert path_to_last(outer.description) == (200, 1, 1, 200, 1, 1, 403)


def test_features_of_a_pipeline_are_what_its_last_part_is_given():
    model = engine.open_model(pipeline(embedding(), dense()))
    pixels = np.stack([np.asarray(image(seed)) for seed in range(5)])
    features = model.features(pixels)
    np.testing.assert_allclose(features.reshape(5, -1), [numbers(seed) for seed in range(5)], rtol=1e-5)
    for seed, row in enumerate(model.probabilities(features)):
        assert list(model.predict({"image": image(seed)})["shares"].values()) == pytest.approx(row, abs=1e-6)


def test_other_weights_are_written_into_the_last_part_alone():
    model = engine.open_model(pipeline(embedding(), dense()))
    head = model.head.moved([{n: np.full_like(w, 0.5) for n, w in layer.items()} for layer in model.head.weights])
    changed = model.with_head(head)
    before, after = model.file.message, changed.file.message
    assert before.pipelineClassifier.pipeline.models[0] == after.pipelineClassifier.pipeline.models[0]
    new = after.pipelineClassifier.pipeline.models[1].neuralNetworkClassifier.layers[0].innerProduct
    np.testing.assert_allclose(np.reshape(new.weights.floatValue, (2, 5)), head.layers[0].weights["weights"])


def test_a_pipeline_of_neighbours_learns_and_answers(tmp_path: Path):
    model = engine.open_model(pipeline(embedding(), neighbors()))
    assert model.predict({"image": image()}) == {"label": "nothing", "shares": {"nothing": 1.0}}
    pixels = np.stack([np.asarray(image(seed)) for seed in range(12)])
    labels = [("Cat", "Dog", "Hare")[seed % 3] for seed in range(12)]
    *_, result = model.train(model.lesson(model.features(pixels), labels))
    assert (result.flips, result.learned, result.before.correct, result.after.correct) == (12, 12, 0, 12)
    learned = model.with_head(result.head)
    assert learned.labels == ("Cat", "Dog", "Hare")
    assert [learned.predict({"image": image(seed)})["label"] for seed in range(12)] == labels
    *_, again = learned.train(learned.lesson(learned.features(pixels[:1]), ["Dog"]))
    relabelled = learned.with_head(again.head).file.message.pipelineClassifier.pipeline.models[1]
    assert len(relabelled.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples) == 12
    assert relabelled.kNearestNeighborsClassifier.stringClassLabels.vector[0] == "Dog"


@pytest.mark.parametrize("name", ["look.mlmodel", "look.mlmodelc", "look"])
@pytest.mark.parametrize("search", ["", ".", "$BUNDLE_MAIN:.", "missing:below"])
def test_a_linked_model_is_found_beside_the_model_or_below(tmp_path: Path, name: str, search: str):
    place = tmp_path / "below" if "below" in search else tmp_path
    place.mkdir(exist_ok=True)
    (place / "look.mlmodel").write_bytes(embedding().SerializeToString())
    whole = tmp_path / "whole.mlmodel"
    whole.write_bytes(pipeline(linked(name, embedding(), search), dense()).SerializeToString())
    model, plain = engine.open_model(whole), engine.open_model(pipeline(embedding(), dense()))
    assert model.predict({"image": image()})["shares"] == pytest.approx(plain.predict({"image": image()})["shares"])
    assert model.cut.why_not == ""


@pytest.mark.parametrize("name", ["../look.mlmodel", "/etc/passwd", "below/../../look.mlmodel"])
def test_no_link_leads_out_of_the_folder(tmp_path: Path, name: str):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "look.mlmodel").write_bytes(embedding().SerializeToString())
    whole = inside / "whole.mlmodel"
    whole.write_bytes(pipeline(linked(name, embedding()), dense()).SerializeToString())
    with pytest.raises(UnreadableModel, match="outside its own folder"):
        engine.open_model(whole)


def test_a_link_through_another_one_that_leads_out(tmp_path: Path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "look.mlmodel").write_bytes(embedding().SerializeToString())
    (inside / "look.mlmodel").symlink_to(tmp_path / "look.mlmodel")
    whole = inside / "whole.mlmodel"
    whole.write_bytes(pipeline(linked("look.mlmodel", embedding()), dense()).SerializeToString())
    with pytest.raises(UnreadableModel, match="outside its own folder"):
        engine.open_model(whole)


def test_links_that_lead_nowhere_or_round_are_refused(tmp_path: Path):
    whole = tmp_path / "whole.mlmodel"
    whole.write_bytes(pipeline(linked("absent.mlmodel", embedding()), dense()).SerializeToString())
    with pytest.raises(UnreadableModel, match=r"linked to 'absent.mlmodel', which is not there"):
        engine.open_model(whole)
    whole.write_bytes(linked("whole.mlmodel", embedding()).SerializeToString())
    with pytest.raises(UnreadableModel, match="leads back to itself"):
        engine.open_model(whole)
    with pytest.raises(UnreadableModel, match="Open the model from its file"):
        engine.open_model(linked("look.mlmodel", embedding()))


def test_a_model_that_two_parts_share_is_read_and_made_once(tmp_path: Path, monkeypatch):
    (tmp_path / "look.mlmodel").write_bytes(embedding().SerializeToString())
    first, second = linked("look.mlmodel", embedding()), linked("look.mlmodel", embedding())
    second.description.output[0].name = "numbers"
    whole = tmp_path / "whole.mlmodel"
    whole.write_bytes(pipeline(first, second, dense()).SerializeToString())
    reads: list[Path] = []
    plain = engine.spec.file.read_regular
    monkeypatch.setattr(engine.spec.file, "read_regular", lambda path: reads.append(path) or plain(path))
    made: list[str] = []
    network = NetworkPredictor.__init__
    monkeypatch.setattr(NetworkPredictor, "__init__", lambda its, said: made.append(said.kind) or network(its, said))
    engine.open_model(whole).predict({"image": image()})
    assert sorted(path.name for path in reads) == ["look.mlmodel", "whole.mlmodel"]
    assert made == ["neuralNetwork", "neuralNetworkClassifier"]


def test_a_linked_last_part_cannot_be_trained(tmp_path: Path):
    (tmp_path / "last.mlmodel").write_bytes(dense().SerializeToString())
    whole = tmp_path / "whole.mlmodel"
    whole.write_bytes(pipeline(embedding(), linked("last.mlmodel", dense())).SerializeToString())
    model = engine.open_model(whole)
    assert model.predict({"image": image()})["label"] in ("Cat", "Dog")
    with pytest.raises(CannotTrain, match="only linked to"):
        model.require_trainable()
    with pytest.raises(CannotTrain, match="only linked to"):
        model.bytes_with(model.head)


def test_features_are_known_by_what_is_linked_to_as_well(tmp_path: Path):
    look, whole = embedding(), tmp_path / "whole.mlmodel"
    (tmp_path / "look.mlmodel").write_bytes(look.SerializeToString())
    whole.write_bytes(pipeline(linked("look.mlmodel", look), dense()).SerializeToString())
    before = engine.open_model(whole).backbone_key
    assert engine.open_model(whole).backbone_key == before
    look.neuralNetwork.layers[0].convolution.bias.floatValue[0] += 1
    (tmp_path / "look.mlmodel").write_bytes(look.SerializeToString())
    assert engine.open_model(whole).backbone_key != before
