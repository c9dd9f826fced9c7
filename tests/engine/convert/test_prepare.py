"""Frozen classifiers as coremltools converts them from torch, and how what is prepared says that it is to be trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import open_model
from engine.convert.prepare import Preparation, prepare
from engine.errors import BadSetting
from engine.spec.schema import Model
from engine.spec.validate import problems
from tests.torchvision_models import torchvision_models

torch = pytest.importorskip("torch")
nn = torch.nn

HEIGHT, WIDTH, LABELS = 26, 34, ("Cat", "Dog", "Owl")


class Together(nn.Module):
    """Branches side by side: their sum, or their channels one behind the other."""

    def __init__(self, how: str, *branches: Any) -> None:
        super().__init__()
        self.how, self.branches = how, nn.ModuleList(branches)

    def forward(self, x: Any) -> Any:
        found = [branch(x) for branch in self.branches]
        return torch.cat(found, 1) if self.how == "concat" else sum(found)


class Mean(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Any) -> Any:
        return x.mean([2, 3])


def squeezenet() -> Any:
    fire = Together("concat", nn.Conv2d(4, 5, 1), nn.Conv2d(4, 6, 3, padding=1))
    head = (nn.Dropout(), nn.Conv2d(11, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), fire, nn.ReLU(), *head)


def resnet() -> Any:
    block = Together("add", nn.Sequential(nn.Conv2d(5, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)), nn.Identity())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(5, 3))
    return nn.Sequential(nn.Conv2d(3, 5, 5, 2, bias=False), nn.BatchNorm2d(5), nn.ReLU(), block, nn.ReLU(), *head)


def mobilenet() -> Any:
    features = (nn.Conv2d(3, 6, 3, 2), nn.Hardswish(), nn.Conv2d(6, 6, 3, groups=6), nn.ReLU6())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(6, 8), nn.Hardswish(), nn.Dropout(), nn.Linear(8, 3))
    return nn.Sequential(*features, *head, nn.Softmax(1))


def densenet() -> Any:
    layer = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1, bias=False))
    tail = (nn.BatchNorm2d(7), nn.ReLU(), Mean(), nn.Linear(7, 3), nn.LogSoftmax(1))
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), Together("concat", nn.Identity(), layer), *tail)


def vgg() -> Any:
    head = (nn.Linear(5 * 6 * 8, 9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 8), nn.Tanh(), nn.Linear(8, 3), nn.Softmax(-1))
    return nn.Sequential(nn.Conv2d(3, 5, 3, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), *head)


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


NETWORKS: dict[str, tuple[Callable[[], Any], Callable[[np.ndarray], np.ndarray], int]] = {
    "squeezenet": (squeezenet, softmax, 1),
    "resnet": (resnet, softmax, 1),
    "mobilenet": (mobilenet, np.asarray, 1),
    "densenet": (densenet, np.exp, 1),
    "vgg": (vgg, np.asarray, 2),
}
"""How to make it, what makes probabilities of what it gives, how many layers learn."""


def converted(network: Any, height: int, width: int, labels: tuple[str, ...]) -> Any:
    """The torch network as a frozen Core ML classifier."""
    coremltools = pytest.importorskip("coremltools")
    example = torch.rand(1, 3, height, width)
    spec = coremltools.convert(
        torch.jit.trace(network.eval(), example),
        convert_to="neuralnetwork",
        inputs=[coremltools.ImageType("image", shape=example.shape, scale=1 / 255)],
        classifier_config=coremltools.ClassifierConfig(list(labels)),
    ).get_spec()
    return Model.FromString(spec.SerializeToString())


def settled(network: Any, height: int, width: int) -> Any:
    """With statistics in its batch normalisation, and with weights large enough for answers to differ."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain average of what it sees
    with torch.no_grad():
        for weights in network.parameters():
            weights *= 1.5
        for _ in range(3):
            network(torch.rand(4, 3, height, width))
    return network


def shares(model: Any, pixels: np.ndarray) -> np.ndarray:
    return np.array(
        list(open_model(model).predict({"image": pixels})[model.description.predictedProbabilitiesName].values())
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_from_torch(name: str) -> None:
    make, to_shares, learning = NETWORKS[name]
    torch.manual_seed(1)
    network = settled(make(), HEIGHT, WIDTH)
    frozen = converted(network, HEIGHT, WIDTH, LABELS)
    made, said = prepare(frozen)
    assert problems(made) == ()
    opened = open_model(made)
    assert opened.cut.why_not == ""
    assert sum(each.updatable for each in opened.network.layers) == learning, said
    rng = np.random.default_rng(5)
    answers = []
    for _ in range(3):
        noise = rng.integers(0, 56, (HEIGHT, WIDTH, 3))
        pixels = (noise + rng.integers(0, 200, 3)).astype(np.uint8)  # a colour of its own
        answers.append(shares(made, pixels))
        np.testing.assert_allclose(answers[-1], to_shares(shares(frozen, pixels)), atol=1e-5)
        image = torch.tensor(pixels.transpose(2, 0, 1)[None] / 255, dtype=torch.float32)
        with torch.no_grad():
            np.testing.assert_allclose(answers[-1], to_shares(network.eval()(image).numpy()[0]), atol=1e-4)
    assert np.ptp(answers, axis=0).max() > 1e-3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "resnet18", "mobilenet_v2", "mobilenet_v3_small", "densenet121", "efficientnet_b0"]
)
def test_networks_of_torchvision(name: str) -> None:
    models = torchvision_models()
    torch.manual_seed(4)
    labels = tuple(f"label {number}" for number in range(7))
    frozen = converted(settled(getattr(models, name)(num_classes=7), 224, 224), 224, 224, labels)
    made, _ = prepare(frozen)
    assert open_model(made).cut.why_not == ""
    pixels = np.random.default_rng(6).integers(0, 256, (224, 224, 3), np.uint8)
    expected = softmax(shares(frozen, pixels))
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(shares(made, pixels), expected, atol=1e-5)


def test_what_is_asked_for_is_written(make_model: Callable[..., Any]) -> None:
    choice = Preparation(("last",), "adam", 0.003, 300, 2000, beta1=0.8, beta2=0.98, eps=1e-6, seed=11, shuffle=False)
    made, said = prepare(make_model(updatable=False), choice)
    update = made.neuralNetworkClassifier.updateParams
    training = open_model(made).network.training
    assert training is not None
    assert (training.optimizer, training.shuffle, training.seed) == ("adam", False, 11)
    numbers = {name: each.default for name, each in training.numbers.items()}
    assert numbers == pytest.approx(
        {"learning_rate": 0.003, "batch_size": 300, "epochs": 2000, "beta1": 0.8, "beta2": 0.98, "eps": 1e-6}
    )
    assert all(each.admits(each.default) for each in training.numbers.values())
    assert (training.loss, training.loss_input) == ("cross_entropy", "softmax")
    assert update.lossLayers[0].name == "lossLayer"
    assert update.lossLayers[0].categoricalCrossEntropyLossLayer.target == "softmax_true"
    assert [each.name for each in made.description.trainingInput] == ["image", "label"]
    assert made.description.trainingInput[1].type.WhichOneof("Type") == "stringType"
    assert (made.isUpdatable, made.specificationVersion) == (True, 4)
    assert said == ("Layer 'last' can be updated.",)


def test_defaults_suit_few_images_and_leave_room(make_model: Callable[..., Any]) -> None:
    made, said = prepare(make_model(updatable=False))
    training = open_model(made).network.training
    assert training is not None
    assert (training.optimizer, training.shuffle, training.seed) == ("sgd", True, None)
    assert {name: str(each) for name, each in training.numbers.items()} == {
        "learning_rate": "0 to 1",
        "batch_size": "1 to 256",
        "epochs": "1 to 1000",
        "momentum": "0 to 1",
    }
    assert said == ("Layers 'dense' and 'last' can be updated.",)


def test_everything_else_in_the_model_is_kept(make_model: Callable[..., Any]) -> None:
    frozen = make_model(updatable=False)
    frozen.specificationVersion = 5
    frozen.description.metadata.author = "Ada"
    field = bytes([0x9A, 0xFA, 0x01, 3]) + b"new"  # field 4003, of a later version
    frozen.MergeFromString(field)
    made, _ = prepare(frozen, Preparation(layers=("last",)))
    assert made.description.metadata == frozen.description.metadata
    assert made.specificationVersion == 5
    assert field in made.SerializeToString()
    assert list(made.description.output) == list(frozen.description.output)
    assert made.neuralNetworkClassifier.preprocessing == frozen.neuralNetworkClassifier.preprocessing


def test_labels_that_are_numbers(make_model: Callable[..., Any]) -> None:
    frozen = make_model(updatable=False)
    frozen.neuralNetworkClassifier.int64ClassLabels.vector.extend([4, 7])
    for output in frozen.description.output:
        if output.name == "label":
            output.type.int64Type.SetInParent()
    made, _ = prepare(frozen)
    assert made.description.trainingInput[1].type.WhichOneof("Type") == "int64Type"
    assert problems(made) == ()


def test_a_model_prepared_again_has_only_the_new_settings(make_model: Callable[..., Any]) -> None:
    once, _ = prepare(make_model(updatable=False))
    again, said = prepare(once, Preparation(layers=("last",), optimizer="adam"))
    assert "taken away" in said[0]
    layers = {each.name: each for each in again.neuralNetworkClassifier.layers}
    assert not layers["dense"].isUpdatable
    assert not layers["dense"].innerProduct.weights.isUpdatable
    assert len(again.neuralNetworkClassifier.updateParams.lossLayers) == 1
    assert again.neuralNetworkClassifier.updateParams.optimizer.WhichOneof("OptimizerType") == "adamOptimizer"


def test_the_head_is_what_was_asked_for(make_model: Callable[..., Any]) -> None:
    made, _ = prepare(make_model(updatable=False), Preparation(layers=("last",)))
    assert [layer.name for layer in open_model(made).head.layers if layer.updatable] == ["last"]
    assert open_model(made).cut.features == "relu_2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "lion"},
        {"learning_rate": -0.1},
        {"learning_rate": float("nan")},
        {"batch_size": 0},
        {"epochs": 0},
        {"momentum": 1.5},
        {"beta2": float("inf")},
    ],
)
def test_settings_that_the_format_does_not_allow(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=str(next(iter(wrong.values())))):
        replace(Preparation(), **wrong)
