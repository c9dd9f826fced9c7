"""The rules of the format, held against a model: what is wrong with it, one sentence each.

Sources: the comments of the format's own files, and Apple's open-source validator (coremltools 9.0,
`mlmodel/src/Validation`). What no rule speaks of, such as sizes that do not fit each other, comes up when the model is run.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.errors import CannotTrain, ModelError, UnreadableModel
from engine.spec.describe import NETWORKS, PIPELINES, Description, describe
from engine.spec.validate.graph import graph_problems, interface_problems
from engine.spec.validate.neighbors import neighbor_problems
from engine.spec.validate.pipeline import pipeline_problems
from engine.spec.validate.problem import DAMAGED, Problem, unreadable, untrainable
from engine.spec.validate.training import training_problems

__all__ = ["Problem", "problems", "require_sound", "validate"]


def validate(model: Any) -> None:
    """Raise what the first problem of a protobuf `Model` calls for: those that stop prediction come first.

    UnreadableModel where it cannot predict, CannotTrain where it says that it can be updated but cannot.
    """
    found = sorted(problems(model), key=lambda each: each.stops)
    for each in found:
        raise ERRORS[each.stops](each.sentence, each.hint)


def require_sound(model: Any, said: Description) -> str:
    """Raise UnreadableModel for a problem that stops prediction; give back one that stops training, or nothing."""
    found = problems(model, said)
    for each in found:
        if each.stops == "prediction":
            raise UnreadableModel(each.sentence, each.hint)
    return next((f"{each.sentence} {each.hint}" for each in found), "")


def problems(model: Any, said: Description | None = None) -> tuple[Problem, ...]:
    """Every rule that a protobuf `Model` breaks. A frozen model is not asked whether it could be trained.

    `said` is what it says of itself, where that is known already.
    """
    try:
        said = said or describe(model)
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


def _link(model: Any, said: Description) -> Iterator[Problem]:
    """What it leads to was looked at when it was read."""
    return iter(())


def _others(model: Any, said: Description) -> Iterator[Problem]:
    """Kinds that nothing is known of here: none of them can be updated."""
    if model.isUpdatable:
        sentence = f"The model is of kind {said.kind!r}, and cannot be updated."
        yield untrainable(sentence, "Networks, nearest neighbours and pipelines of them can.")


ERRORS = {"prediction": UnreadableModel, "training": CannotTrain}

RULES: Mapping[str, Callable[[Any, Description], Iterator[Problem]]] = {
    **dict.fromkeys(NETWORKS, _network),
    "kNearestNeighborsClassifier": neighbor_problems,
    **dict.fromkeys(PIPELINES, _pipeline),
    "linkedModel": _link,
}
