"""A new classifier that knows no label yet, on a network that knows what photographs look like: EfficientNet-Lite0.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019); Lite0 is Google's variant for
small devices: no squeeze-and-excitation, ReLU6 throughout. `samples/starter.py` makes the file of its weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.convert.build import Layers, Picture, classifier
from engine.convert.prepare import Preparation, prepare
from engine.errors import BadSetting, UnreadableModel

Array = NDArray[np.float32]

SIDE = 224
PICTURE = Picture("image", SIDE, SIDE, "RGB", 1 / 128, (-127 / 128, -127 / 128, -127 / 128))
"""(pixel - 127) / 128, as the network was trained (`MEAN_RGB`, `STDDEV_RGB` of the published EfficientNet-Lite)."""
CEILING = 6.0
"""Of ReLU6."""
STEM = 32
"""Channels of the first convolution, 3 x 3 with stride 2."""
PROBABILITIES = "labelProbability"
LARGEST_HIDDEN = 4096
LEARNING_RATE, BATCH, EPOCHS = 0.05, 5, 20
"""For Core ML's own SGD. Ten times the rate still learns, should a device sum a batch's gradients up, not average them."""


@dataclass(frozen=True)
class Stage:
    """Blocks of one size; the first one has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
FEATURES = 1280
"""Channels of the last convolution, and so the features of an image."""


@dataclass(frozen=True)
class Convolution:
    """One convolution with a bias; `clipped` by ReLU6 or not."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    clipped: bool = True

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of its arrays in the file of weights."""
        sizes = (self.outputs, self.inputs // self.groups, self.kernel, self.kernel)
        return {f"{self.name}.weights": sizes, f"{self.name}.bias": (self.outputs,)}


def starter(labels: Sequence[str], weights: Path, hidden: int = 0, seed: int = 0) -> Any:
    """A protobuf `Model` that can be updated: EfficientNet-Lite0 but for its own labels, frozen, and a head for `labels`.

    The head is one dense layer on the 1,280 features, or two with a ReLU and `hidden` units between them. Its last layer is
    all zeros, so that every label has the same probability until something is learned; `seed` draws the other.
    Raises BadSetting for labels or a number of units that cannot be, UnreadableModel for weights that cannot be read.
    """
    if not 0 <= hidden <= LARGEST_HIDDEN:
        raise BadSetting(f"A layer of {hidden} hidden units is not possible.", f"Give 0 to {LARGEST_HIDDEN}.")
    model = classifier(PICTURE, labels, PROBABILITIES)
    network = Layers(model.neuralNetworkClassifier)
    features = _add_backbone(network, read_weights(weights))
    _add_head(network, features, len(labels), hidden, np.random.default_rng(seed))
    _describe(model)
    layers = ("head_hidden", "head") if hidden else ("head",)
    return prepare(model, Preparation(layers, "sgd", LEARNING_RATE, BATCH, EPOCHS))[0]


def blocks() -> Iterator[tuple[Convolution, ...]]:
    """The stem, then the convolutions of each block in their order, then the last one."""
    yield (Convolution("stem", 3, STEM, 3, 2),)
    inputs, number = STEM, 0
    for stage in STAGES:
        for repeat in range(stage.blocks):
            number += 1
            yield _block(f"block_{number}", inputs, stage, stage.stride if repeat == 0 else 1)
            inputs = stage.channels
    yield (Convolution("top", inputs, FEATURES),)


def _block(name: str, inputs: int, stage: Stage, stride: int) -> tuple[Convolution, ...]:
    """An inverted bottleneck: wider, then each channel by itself, then narrow again and not clipped (MobileNetV2)."""
    wide = inputs * stage.expansion
    expand = (Convolution(f"{name}_expand", inputs, wide),) if wide > inputs else ()
    depthwise = Convolution(f"{name}_depthwise", wide, wide, stage.kernel, stride, groups=wide)
    return (*expand, depthwise, Convolution(f"{name}_project", wide, stage.channels, clipped=False))


def read_weights(path: Path) -> Mapping[str, Array]:
    """All arrays of the file, as float32. Raises UnreadableModel."""
    shapes = _shapes()
    hint = "Install Catflap again, or make the file with `python -m samples.starter`."
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = {name: np.asarray(file[name], np.float32) for name in shapes}
    except Exception as error:  # an archive can be damaged in many ways, and each is raised as another kind
        raise UnreadableModel(f"The starter's weights {path.name!r} cannot be read: {error}.", hint) from error
    for name, shape in shapes.items():
        if found[name].shape != shape or not np.isfinite(found[name]).all():
            raise UnreadableModel(f"The starter's weights {path.name!r} are damaged at {name!r}.", hint)
    return found


def _shapes() -> Mapping[str, tuple[int, ...]]:
    """Of all arrays, by name."""
    convolutions = [each for block in blocks() for each in block]
    shapes = {name: shape for each in convolutions for name, shape in each.shapes.items()}
    return {**shapes, "features.mean": (FEATURES,), "features.variance": (FEATURES,)}


def _add_backbone(network: Layers, weights: Mapping[str, Array]) -> str:
    """From the image to the standardised features; gives back their blob."""
    blob, narrowed = PICTURE.name, False
    for block in blocks():
        before = blob
        for each in block:
            blob, narrowed = _add_convolution(network, each, weights, blob, narrowed), each.clipped
        if block[0].inputs == block[-1].outputs:
            blob = network.add("add", f"{block[-1].name}_sum", (before, blob))
    blob = network.add("pooling", "pool", blob, type=1, globalPooling=True, valid={})
    # The last convolution is clipped to 0 to 1, not to 6.
    return _add_standardise(network, blob, weights["features.mean"] / CEILING, weights["features.variance"] / CEILING**2)


def _add_convolution(network: Layers, its: Convolution, weights: Mapping[str, Array], blob: str, narrowed: bool) -> str:
    """ReLU6 as one layer of the oldest kinds: `sigmoidHard` clips to 0 to 1, and the next convolution multiplies by 6.

    `clip` is a layer of newer networks, and ReLU with a threshold and a sign is three layers where this is one.
    """
    kernels = weights[f"{its.name}.weights"] * np.float32(CEILING if narrowed else 1)
    fields: dict[str, Any] = {
        "outputChannels": its.outputs,
        "kernelChannels": its.inputs // its.groups,
        "nGroups": its.groups,
        "kernelSize": (its.kernel, its.kernel),
        "stride": (its.stride, its.stride),
        "dilationFactor": (1, 1),
        # One more pixel at the bottom and the right where the padding is odd, as in TensorFlow.
        "same": {"asymmetryMode": 0},
        "hasBias": True,
        "weights": kernels,
        "bias": weights[f"{its.name}.bias"],
    }
    blob = network.add("convolution", its.name, blob, **fields)
    if its.clipped:
        blob = network.add("activation", f"{its.name}_relu6", blob, sigmoidHard={"alpha": 1 / CEILING, "beta": 0.0})
    return blob


def _add_standardise(network: Layers, blob: str, mean: Array, variance: Array) -> str:
    """Means of 0 and variances of about 1, without which the step that SGD can take is that of the largest feature."""
    ones, zeros = np.ones_like(mean), np.zeros_like(mean)
    fields: dict[str, Any] = {"channels": len(mean), "gamma": ones, "beta": zeros, "mean": mean, "variance": variance}
    return network.add("batchnorm", "features", blob, epsilon=1e-5, **fields)


def _add_head(network: Layers, blob: str, labels: int, hidden: int, rng: np.random.Generator) -> None:
    inputs = FEATURES
    if hidden:
        # He et al. (2015), for layers in front of a ReLU.
        drawn = rng.normal(0, np.sqrt(2 / inputs), (hidden, inputs))
        blob = _add_dense(network, "head_hidden", blob, drawn)
        blob = network.add("activation", "head_relu", blob, ReLU={})
    blob = _add_dense(network, "head", blob, np.zeros((labels, hidden or inputs)))
    network.add("softmax", PROBABILITIES, blob)


def _add_dense(network: Layers, name: str, blob: str, weights: NDArray[np.float64]) -> str:
    outputs, inputs = weights.shape
    fields: dict[str, Any] = {"inputChannels": inputs, "outputChannels": outputs, "hasBias": True}
    return network.add("innerProduct", name, blob, **fields, weights=weights, bias=np.zeros(outputs))


def _describe(model: Any) -> None:
    about = model.description.metadata
    about.shortDescription = "A new classifier on EfficientNet-Lite0, which was trained on ImageNet."
    about.author = "Catflap; weights by Google, converted to PyTorch by ML Illustrated"
    about.license = "Weights: Apache-2.0"
