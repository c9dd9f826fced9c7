"""torchvision's classifiers, converted by coremltools, predict what torch predicts."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from tests.torchvision_models import settled, torchvision_models

NETWORKS = {
    "squeezenet1_1": 224,
    "mobilenet_v2": 224,
    "mobilenet_v3_small": 224,
    "resnet18": 224,
    "densenet121": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "efficientnet_b0": 224,
}
LABELS = 11
SPREAD = 12.0
"""Logits of random weights are nearly alike; spread, they tell networks that work from those that do not."""


class Probabilities:
    """Made here, so that importing this file needs no torch."""

    def __new__(cls, network: Any, mean: float, spread: float) -> Any:
        import torch

        class Wrapped(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, x: Any) -> Any:
                return torch.softmax((self.network(x) - mean) * spread, dim=1)

        return Wrapped().eval()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_networks(name: str) -> None:
    models = torchvision_models()
    torch = pytest.importorskip("torch")
    coremltools = pytest.importorskip("coremltools")
    side = NETWORKS[name]
    torch.manual_seed(3)
    more = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    plain = settled(getattr(models, name)(num_classes=LABELS, **more), side)
    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (side, side, 3)).astype(np.uint8) for _ in range(2)]
    pictures.append(np.full((side, side, 3), (220, 60, 20), np.uint8))
    inputs = [torch.tensor(each.transpose(2, 0, 1)[None] / 255, dtype=torch.float32) for each in pictures]
    with torch.no_grad():
        logits = torch.cat([plain(each) for each in inputs])
        network = Probabilities(plain, float(logits.mean()), SPREAD / float(logits.std()) / 4)
        wanted = [network(each).numpy()[0] for each in inputs]
        traced = torch.jit.trace(network, inputs[0])
    made = coremltools.convert(
        traced,
        convert_to="neuralnetwork",
        inputs=[coremltools.ImageType(name="image", shape=inputs[0].shape, scale=1 / 255)],
        classifier_config=coremltools.ClassifierConfig([f"label {number}" for number in range(LABELS)]),
    )
    model = engine.open_model(made.get_spec())
    assert max(each.max() for each in wanted) > 0.3
    for picture, expected in zip(pictures, wanted, strict=True):
        said = model.predict({"image": Image.fromarray(picture)})
        (shares,) = [value for value in said.values() if isinstance(value, dict)]
        np.testing.assert_allclose(list(shares.values()), expected, atol=1e-4)
        assert said[model.description.predicted_label] == f"label {expected.argmax()}"
    together = model.probabilities(model.features(np.stack(pictures)))
    np.testing.assert_allclose(together, wanted, atol=1e-4)
