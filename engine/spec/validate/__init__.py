"""The rules of the format, held against a model: what is wrong with it, one sentence each.

Sources: the comments of the format's own files, and Apple's open-source validator (coremltools 9.0,
`mlmodel/src/Validation`). What no rule speaks of, such as sizes that do not fit each other, comes up when the model is run.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.errors import CannotTrain, ModelError, UnreadableModel
from engine.spec.describe import NETWORKS, Description, describe
from engine.spec.validate.graph import graph_problems, interface_problems
from engine.spec.validate.neighbors import neighbor_problems
from engine.spec.validate.pipeline import pipeline_problems
from engine.spec.validate.problem import DAMAGED, Problem, unreadable, untrainable
from engine.spec.validate.training import training_problems

__all__ = ["Problem", "problems", "validate"]


def validate(model: Any) -> None:
    """Raise what the first problem of a protobuf `Model` calls for: those that stop prediction come first.

    UnreadableModel where it cannot predict, CannotTrain where it says that it can be updated but cannot.
    """
    found = sorted(problems(model), key=lambda each: each.stops)
    for each in found:
        raise ERRORS[each.stops](each.sentence, each.hint)


def problems(model: Any) -> tuple[Problem, ...]:
    """Every rule that a protobuf `Model` breaks. A frozen model is not asked whether it could be trained."""
    try:
        said = describe(model)
    except ModelError as refusal:
        return (unreadable(refusal.sentence, hint=refusal.hint or DAMAGED),)
    except (ValueError, IndexError, AttributeError) as error:
        return (unreadable(f"The model contradicts itself: {error}."),)
    return tuple((*interface_problems(said), *RULES.get(said.kind, _others)(model, said)))


def _network(model: Any, said: Description) -> Iterator[Problem]:
    yield from graph_problems(getattr(model, said.kind), said)
    if model.isUpdatable:
        yield from training_problems(model, said)


def _pipeline(model: Any, said: Description) -> Iterator[Problem]:
    return pipeline_problems(model, said, problems)


def _others(model: Any, said: Description) -> Iterator[Problem]:
    """Kinds that nothing is known of here: none of them can be updated."""
    if model.isUpdatable:
        sentence = f"The model is of kind {said.kind!r}, and cannot be updated."
        yield untrainable(sentence, "Networks, nearest neighbours and pipelines of them can.")


ERRORS = {"prediction": UnreadableModel, "training": CannotTrain}

RULES: Mapping[str, Callable[[Any, Description], Iterator[Problem]]] = {
    **dict.fromkeys(NETWORKS, _network),
    "kNearestNeighborsClassifier": neighbor_problems,
    **dict.fromkeys(("pipeline", "pipelineClassifier", "pipelineRegressor"), _pipeline),
}
