"""The samples: what is there, that it is sound, that it can be made again, and that it tells its story."""

import csv
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from samples import make

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
MODEL = SAMPLES / "CatDog.mlmodel"


@pytest.fixture(autouse=True)
def heif() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    with (SAMPLES / "truth.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == ["path", "label"]
        return {row["path"]: row["label"] for row in reader}


@pytest.fixture(scope="module")
def spec() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coremltools = pytest.importorskip("coremltools")
        return coremltools.utils.load_spec(str(MODEL))


@pytest.fixture(scope="module")
def opened(truth: dict[str, str]) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model in the engine, the features of all pictures, and the true label numbers."""
    from engine.images import pixels
    from engine.model import Model
    from engine.spec.file import read

    model = Model(read(MODEL))
    image = model.image
    stack = np.stack([pixels(SAMPLES / path, image.width, image.height, image.color) for path in truth])
    return model, model.features(stack), np.array([model.labels.index(label) for label in truth.values()])


def upright(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def test_the_table_names_every_picture_once(truth: dict[str, str]) -> None:
    there = sorted(f"images/{path.name}" for path in (SAMPLES / "images").iterdir())
    assert sorted(truth) == there
    assert Counter(truth.values()) == {"Cat": 60, "Dog": 60}


def test_names_do_not_tell_the_label(truth: dict[str, str]) -> None:
    assert [Path(path).stem for path in truth] == [f"IMG_{number:04}" for number in range(1, 121)]
    in_order = list(truth.values())
    changes = sum(a != b for a, b in pairwise(in_order))
    assert 40 < changes < 80


def test_sizes_stay_small() -> None:
    assert sum(path.stat().st_size for path in (SAMPLES / "images").iterdir()) < 2_000_000
    assert MODEL.stat().st_size < 2_000_000


def test_formats() -> None:
    found: Counter[str | None] = Counter()
    for path in (SAMPLES / "images").iterdir():
        with Image.open(path) as image:
            image.load()
            assert image.mode == "RGB" and min(image.size) >= 100
            found[image.format] += 1
    assert found == {"JPEG": 114, "PNG": 5, "HEIF": 1}


def test_one_picture_lies_on_its_side() -> None:
    turned = []
    for path in (SAMPLES / "images").iterdir():
        with Image.open(path) as image:
            if image.getexif().get(0x0112, 1) != 1:
                turned.append((path.name, image.size))
    assert [name for name, _ in turned] == [make.name(make.TURNED)]
    drawn = make.picture(make.TURNED)
    assert drawn.width != drawn.height
    assert turned[0][1] == drawn.size[::-1]


@pytest.mark.parametrize("number", [1, 2, 11, 52])
def test_the_same_seed_draws_the_same_pixels(number: int, tmp_path: Path) -> None:
    drawn = make.picture(number)
    assert drawn.tobytes() == make.picture(number).tobytes()
    kept = upright(SAMPLES / "images" / make.name(number))
    again = tmp_path / make.name(number)
    (make._save_turned if number == make.TURNED else make.SAVERS[again.suffix])(drawn, again)
    # Codecs of other versions may round otherwise; another picture is tens of levels away.
    apart = np.abs(np.asarray(upright(again), float) - np.asarray(kept, float))
    assert apart.mean() < 1.0
    assert upright(again).size == kept.size


def test_the_plan_agrees_with_the_table(truth: dict[str, str]) -> None:
    assert [what.label for what in make.subjects()] == list(truth.values())
    assert [f"images/{make.name(number)}" for number in range(1, 121)] == list(truth)


def test_the_model_is_updatable_as_the_tutorials_is(spec: Any) -> None:
    network = spec.neuralNetworkClassifier
    assert spec.isUpdatable and spec.specificationVersion == 4
    kinds = [layer.WhichOneof("layer") for layer in network.layers]
    block = ["convolution", "activation", "pooling"]
    assert kinds == [*block * 3, "flatten", "innerProduct", "activation", "innerProduct", "softmax"]
    assert [layer.WhichOneof("layer") for layer in network.layers if layer.isUpdatable] == ["innerProduct"] * 2
    assert list(network.stringClassLabels.vector) == ["Cat", "Dog"]
    image = spec.description.input[0]
    assert (image.name, image.type.imageType.width, image.type.imageType.colorSpace) == ("image", 96, 20)
    assert network.preprocessing[0].scaler.channelScale == pytest.approx(1 / 255)
    assert network.imageInputShapeMapping == 0 and network.arrayInputShapeMapping == 0
    assert [each.name for each in spec.description.trainingInput] == ["image", spec.description.predictedFeatureName]


def test_how_the_model_says_it_is_trained(spec: Any) -> None:
    update = spec.neuralNetworkClassifier.updateParams
    assert [each.WhichOneof("LossLayerType") for each in update.lossLayers] == ["categoricalCrossEntropyLossLayer"]
    sgd = update.optimizer.sgdOptimizer
    assert sgd.learningRate.defaultValue == pytest.approx(0.01)
    assert sgd.momentum.defaultValue == 0 and sgd.momentum.range.maxValue == 1
    assert sgd.miniBatchSize.defaultValue == 5 and 5 in sgd.miniBatchSize.set.values
    assert update.epochs.defaultValue == 10 and 10 in update.epochs.set.values
    assert update.shuffle.defaultValue


def test_the_model_is_wrong_where_it_is_meant_to_be(opened: Any) -> None:
    model, features, labels = opened
    wrong = model.probabilities(features).argmax(axis=1) != labels
    assert 0.70 <= 1 - wrong.mean() <= 0.90
    mistaken = np.array([what.mistaken for what in make.subjects()])
    assert wrong[mistaken].mean() >= 0.8
    assert wrong[~mistaken].mean() <= 0.10


def test_flips_are_learned_and_what_was_right_stays(opened: Any) -> None:
    from engine.trainers import TRAINERS, Lesson, Settings

    model, features, labels = opened
    right = model.probabilities(features).argmax(axis=1) == labels
    wrong = np.flatnonzero(~right)
    flipped = wrong[:20]
    others = np.setdiff1d(np.arange(len(labels)), flipped)
    lesson = Lesson(model.head, features[flipped], labels[flipped], features[others])
    *_, told = TRAINERS["edit"](lesson, model.network.training, Settings())
    after = told.head.probabilities(features).argmax(axis=1)
    assert (after[flipped] == labels[flipped]).all()
    assert (after[right] == labels[right]).mean() >= 0.97


def test_some_flips_also_help_pictures_that_nobody_labelled(opened: Any) -> None:
    """Half of the mistakes are flipped; all other pictures, also the wrong ones, are anchors."""
    from engine.trainers import TRAINERS, Lesson, Settings

    model, features, labels = opened
    right = model.probabilities(features).argmax(axis=1) == labels
    wrong = np.flatnonzero(~right)
    flipped, untold = wrong[::2], wrong[1::2]
    lesson = Lesson(model.head, features[flipped], labels[flipped], np.delete(features, flipped, axis=0))
    *_, told = TRAINERS["sgd"](lesson, model.network.training, Settings())
    after = told.head.probabilities(features).argmax(axis=1) == labels
    assert after[flipped].all()
    assert after[right].mean() >= 0.97
    assert after[untold].mean() >= 0.25
