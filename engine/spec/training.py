"""How a model says that it is to be trained, and what it allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Allowed:
    """A number's default and what else the model allows; neither range nor set means anything goes."""

    default: float
    low: float | None = None
    high: float | None = None
    values: tuple[int, ...] = ()

    def admits(self, value: float) -> bool:
        """Whether the model allows `value`."""
        if self.values:
            return value in self.values
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.values:
            return ", ".join(map(str, self.values))
        return "any number" if self.low is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Training:
    """How the model says that it is to be trained."""

    loss: str
    """`cross_entropy` or `mean_squared_error`"""
    loss_input: str
    """The blob that the loss looks at."""
    optimizer: str
    """`sgd` or `adam`"""
    numbers: Mapping[str, Allowed]
    """By name: learning_rate, batch_size, epochs, and momentum, or beta1, beta2, eps."""
    shuffle: bool
    seed: int | None


def training_of(update: Any) -> Training | None:
    """From a protobuf `NetworkUpdateParameters`; None where it says no loss."""
    if not update.lossLayers:
        return None
    loss = update.lossLayers[0]
    which = loss.WhichOneof("LossLayerType")
    optimizer = update.optimizer.WhichOneof("OptimizerType")
    settings = getattr(update.optimizer, optimizer) if optimizer else None
    names = {
        "sgdOptimizer": {"learning_rate": "learningRate", "batch_size": "miniBatchSize", "momentum": "momentum"},
        "adamOptimizer": {
            "learning_rate": "learningRate",
            "batch_size": "miniBatchSize",
            "beta1": "beta1",
            "beta2": "beta2",
            "eps": "eps",
        },
    }.get(optimizer, {})
    numbers = {ours: allowed_of(getattr(settings, theirs)) for ours, theirs in names.items()}
    return Training(
        loss="cross_entropy" if which == "categoricalCrossEntropyLossLayer" else "mean_squared_error",
        loss_input=getattr(loss, which).input if which else "",
        optimizer="adam" if optimizer == "adamOptimizer" else "sgd",
        numbers={**numbers, "epochs": allowed_of(update.epochs)},
        shuffle=update.shuffle.defaultValue,
        seed=update.seed.defaultValue if update.HasField("seed") else None,
    )


def allowed_of(parameter: Any) -> Allowed:
    """A parameter of the format: its default, and what else it allows."""
    which = parameter.WhichOneof("AllowedValues")
    if which == "set":
        return Allowed(parameter.defaultValue, values=tuple(sorted(parameter.set.values)))
    if which == "range":
        return Allowed(parameter.defaultValue, parameter.range.minValue, parameter.range.maxValue)
    return Allowed(parameter.defaultValue)
