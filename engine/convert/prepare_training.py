"""How a model is to be trained: what `prepare` is asked for, and how the format says it."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from engine.errors import BadSetting
from engine.spec.validate.inputs import FIRST_UPDATABLE

LARGEST_BATCH, MOST_EPOCHS = 256, 1000
"""What the model allows, where nobody asks for more."""

LIMITS = {
    "learning_rate": (0.0, 1.0),
    "momentum": (0.0, 1.0),
    "beta1": (0.0, 1.0),
    "beta2": (0.0, 1.0),
    "eps": (0.0, 1.0),
    "batch_size": (1, 2**31 - 1),
    "epochs": (1, 2**31 - 1),
}
"""What each number may be. Zero to one is what coremltools writes for the fractions."""

OPTIMIZERS = {
    "sgd": ("sgdOptimizer", {"learningRate": "learning_rate", "momentum": "momentum"}),
    "adam": ("adamOptimizer", {"learningRate": "learning_rate", "beta1": "beta1", "beta2": "beta2", "eps": "eps"}),
}
"""Our name -> the format's, and its fractions."""


@dataclass(frozen=True)
class Preparation:
    """Which layers are to learn, and how. Raises BadSetting for what the format does not allow.

    The defaults are those of coremltools, but for smaller batches and fewer epochs: corrections are few.
    """

    layers: tuple[str, ...] = ()
    """Names of layers. None means the head: the last two `innerProduct` layers that gradients reach, or the last one;
    the last `convolution` where there is no `innerProduct`."""
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    batch_size: int = 5
    epochs: int = 10
    momentum: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    seed: int | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise BadSetting(f"There is no optimizer {self.optimizer!r}.", f"Core ML has {' and '.join(OPTIMIZERS)}.")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not (isfinite(value) and low <= value <= high):
                raise BadSetting(f"The {name.replace('_', ' ')} is {value}.", f"It may be {low:g} to {high:g}.")


def write_training(model: Any, probabilities: str, choice: Preparation) -> None:
    """Write loss, optimizer, epochs, training inputs and version into an unprepared protobuf `Model`, a classifier."""
    network = model.neuralNetworkClassifier
    update = network.updateParams
    update.SetInParent()
    loss = update.lossLayers.add(name=_free("lossLayer", {layer.name for layer in network.layers}))
    blobs = {name for layer in network.layers for name in (*layer.input, *layer.output)}
    loss.categoricalCrossEntropyLossLayer.input = probabilities
    loss.categoricalCrossEntropyLossLayer.target = _free(f"{probabilities}_true", blobs)
    kind, fractions = OPTIMIZERS[choice.optimizer]
    optimizer = getattr(update.optimizer, kind)
    for theirs, ours in fractions.items():
        parameter = getattr(optimizer, theirs)
        parameter.defaultValue = getattr(choice, ours)
        parameter.range.minValue, parameter.range.maxValue = LIMITS[ours]
    _whole(optimizer.miniBatchSize, choice.batch_size, LARGEST_BATCH)
    _whole(update.epochs, choice.epochs, MOST_EPOCHS)
    update.shuffle.defaultValue = choice.shuffle
    if choice.seed is not None:
        update.seed.defaultValue = choice.seed
    _training_inputs(model)
    model.isUpdatable = True
    model.specificationVersion = max(FIRST_UPDATABLE, model.specificationVersion)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _whole(parameter: Any, default: int, largest: int) -> None:
    parameter.defaultValue = default
    parameter.range.minValue, parameter.range.maxValue = 1, max(default, largest)


def _training_inputs(model: Any) -> None:
    """What an example holds: the model's inputs and its label."""
    said = model.description
    del said.trainingInput[:]
    said.trainingInput.extend(said.input)
    label = said.trainingInput.add(name=said.predictedFeatureName)
    if model.neuralNetworkClassifier.WhichOneof("ClassLabels") == "int64ClassLabels":
        label.type.int64Type.SetInParent()
    else:
        label.type.stringType.SetInParent()
