"""The rules for the version and the training inputs of any updatable model."""

from typing import Any

from engine.spec.describe import Description
from engine.spec.validate.problem import PREPARE, Problems, untrainable

FIRST_UPDATABLE = 4
"""The first version of the format with updatable models: iOS 13, macOS 10.15."""


def version_problems(model: Any) -> Problems:
    """An updatable model is of version 4 or later."""
    if model.specificationVersion < FIRST_UPDATABLE:
        version = model.specificationVersion
        sentence = f"The model is updatable, but of version {version}; {FIRST_UPDATABLE} is the first that may be."
        yield untrainable(sentence, PREPARE)


def training_inputs(said: Description, model: Any, target: str = "") -> Problems:
    """Examples hold one of the model's inputs or more, and the label, or what the loss calls `target`."""
    given = {each.name: each for each in model.description.trainingInput}
    inputs = {each.name: each for each in model.description.input}
    if not given:
        yield untrainable("The model does not say what an example to train with holds.", PREPARE)
        return
    shared = [name for name in given if name in inputs]
    if not shared:
        yield untrainable(f"None of the training inputs {_listed(given)} is an input of the model.", PREPARE)
    for name in shared:
        if given[name].type != inputs[name].type:
            yield untrainable(f"Input {name!r} is of another type for training than for prediction.", PREPARE)
    label = said.predicted_label if _classifies(said) else ""
    known = [name for name in (label, target) if name and name in given]
    if not known:
        wanted = " or ".join(repr(name) for name in dict.fromkeys((label, target)) if name) or "a target"
        yield untrainable(f"The training inputs {_listed(given)} lack the label: {wanted}.", PREPARE)
    elif known[0] == label:
        outputs = {each.name: each for each in model.description.output}
        kind = given[label].type.WhichOneof("Type")
        wanted = outputs[label].type.WhichOneof("Type") if label in outputs else kind
        if kind != wanted or kind not in ("int64Type", "stringType"):
            sentence = f"Training input {label!r} is of type {kind}, but the labels are of type {wanted}."
            yield untrainable(sentence, PREPARE)


def _classifies(said: Description) -> bool:
    return said.kind.endswith("Classifier")


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names))
