"""The rules for the numbers of training: optimizer, learning rate, batch size, epochs, seed."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from engine.spec.validate.problem import Problems, untrainable

NEEDED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sgdOptimizer": (("learningRate", "learning rate"), ("miniBatchSize", "batch size")),
    "adamOptimizer": (
        ("learningRate", "learning rate"),
        ("miniBatchSize", "batch size"),
        ("beta1", "beta1"),
        ("beta2", "beta2"),
        ("eps", "eps"),
    ),
}
"""What each optimizer cannot do without, and what people call it. (Apple's validator of updatable networks)"""

PREPARED = "Prepare the frozen model again, or set it where the model is made."


def parameter_problems(update: Any) -> Problems:
    """The `updateParams` of a network: all there, and every default within its own range or set."""
    kind = update.optimizer.WhichOneof("OptimizerType")
    if kind is None:
        yield untrainable("The model names no optimizer.", "Core ML has `sgd` and `adam`.")
    else:
        optimizer = getattr(update.optimizer, kind)
        for field, name in NEEDED[kind]:
            yield from _needed(optimizer, field, name)
        if kind == "sgdOptimizer" and optimizer.HasField("momentum"):
            yield from number_problems(optimizer.momentum, "momentum")
    yield from _needed(update, "epochs", "number of epochs")
    if update.HasField("seed"):
        yield from number_problems(update.seed, "seed", signed=True)


def _needed(message: Any, field: str, name: str) -> Problems:
    if message.HasField(field):
        yield from number_problems(getattr(message, field), name)
    else:
        yield untrainable(f"The model says no {name} to train with.", PREPARED)


def number_problems(parameter: Any, name: str, signed: bool = False) -> Problems:
    """One `DoubleParameter` or `Int64Parameter`. Whole numbers must be above zero unless `signed`."""
    default, which = parameter.defaultValue, parameter.WhichOneof("AllowedValues")
    allowed: list[float] = []
    if which == "range":
        allowed = [parameter.range.minValue, parameter.range.maxValue]
    elif which == "set":
        allowed = list(parameter.set.values)
    if not all(map(isfinite, (default, *allowed))):
        yield untrainable(f"The {name}, or what the model allows for it, is not a finite number.", PREPARED)
        return
    lowest = min([default, *allowed])
    if isinstance(default, int) and not signed and lowest < 1:
        yield untrainable(f"The {name} is {default}, or may be as low as {lowest}; it starts at 1.", PREPARED)
    elif which == "range" and allowed[0] > allowed[1]:
        yield untrainable(f"The range of the {name} ends before it starts: {allowed[0]:g} to {allowed[1]:g}.", PREPARED)
    elif which == "set" and not allowed:
        yield untrainable(f"The set of values for the {name} is empty.", PREPARED)
    elif which == "range" and not allowed[0] <= default <= allowed[1]:
        yield untrainable(f"The {name} is {default:g}, but the model allows {allowed[0]:g} to {allowed[1]:g}.", PREPARED)
    elif which == "set" and default not in allowed:
        listed = ", ".join(f"{each:g}" for each in allowed)
        yield untrainable(f"The {name} is {default:g}, but the model allows {listed}.", PREPARED)
