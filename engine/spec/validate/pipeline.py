"""The rules for models one behind the other."""

from collections.abc import Callable
from typing import Any

from engine.spec.describe import Description, every_layer
from engine.spec.validate.inputs import training_inputs, version_problems
from engine.spec.validate.problem import Problem, Problems, unreadable, untrainable
from engine.spec.validate.weights import finite_problems

LAST = "Only the last model of a pipeline may be updatable."


def pipeline_of(model: Any) -> Any:
    """The `Pipeline` message of a model that is one."""
    kind = model.WhichOneof("Type")
    return model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline


def pipeline_problems(model: Any, said: Description, inner: Callable[[Any, Description], tuple[Problem, ...]]) -> Problems:
    """Names, types between the models, which of them may learn, and the problems that `inner` finds in each."""
    pipeline = pipeline_of(model)
    names = list(pipeline.names) or [f"number {number + 1}" for number in range(len(pipeline.models))]
    if not pipeline.models:
        yield unreadable("The pipeline has no models.")
        return
    if len(names) != len(pipeline.models) or len(set(names)) != len(names):
        yield unreadable(f"The pipeline has {len(pipeline.models)} models, but {len(set(names))} names for them.")
        return
    yield from _wiring(model, pipeline, names)
    yield from _learning(model, said, pipeline, names)
    for name, each, part in zip(names, pipeline.models, said.parts, strict=True):
        for found in inner(each, part.description):
            yield Problem(found.layer, f"In model {name!r} of the pipeline: {found.sentence}", found.hint, found.stops)


def _wiring(model: Any, pipeline: Any, names: list[str]) -> Problems:
    """Each input comes from the pipeline's own or from an earlier output, by name and of the same type."""
    known = {each.name: each.type for each in model.description.input}
    for name, each in zip(names, pipeline.models, strict=True):
        for feature in each.description.input:
            yield from _fits(feature, known, f"Model {name!r} of the pipeline takes")
        known |= {feature.name: feature.type for feature in each.description.output}
    for feature in model.description.output:
        yield from _fits(feature, known, "The pipeline gives")


def _fits(feature: Any, known: dict[str, Any], what: str) -> Problems:
    if feature.name not in known:
        yield unreadable(f"{what} {feature.name!r}, which nothing before it makes.")
    elif feature.type != known[feature.name]:
        yield unreadable(f"{what} {feature.name!r} in another type than it is made in.")


def _learning(model: Any, said: Description, pipeline: Any, names: list[str]) -> Problems:
    for name, each in zip(names[:-1], pipeline.models[:-1], strict=True):
        if each.isUpdatable:
            yield untrainable(f"Model {name!r} of the pipeline is updatable, but not the last one.", LAST)
    last = pipeline.models[-1]
    if last.isUpdatable and not model.isUpdatable:
        yield untrainable(f"Model {names[-1]!r} is updatable, but the pipeline around it is not.", "Mark both, or neither.")
    if model.isUpdatable:
        yield from version_problems(model)
        if not last.isUpdatable:
            yield untrainable(f"The pipeline is updatable, but its last model {names[-1]!r} is not.", LAST)
        yield from training_inputs(said, model, _target(last))
        yield from _frozen(said)


def _frozen(said: Description) -> Problems:
    """What frozen networks make, the last one learns from."""
    for part in said.parts:
        if part.description.network is not None and not part.description.updatable:
            for layer in every_layer(part.description.payload):
                yield from finite_problems(layer)
        yield from _frozen(part.description)


def _target(model: Any) -> str:
    """What the loss of a network, or of the last network of a pipeline, compares with."""
    kind = model.WhichOneof("Type") or ""
    if kind.startswith("pipeline"):
        models = pipeline_of(model).models
        return _target(models[-1]) if models else ""
    losses: Any = getattr(model, kind).updateParams.lossLayers if kind.startswith("neuralNetwork") else ()
    which = losses[0].WhichOneof("LossLayerType") if len(losses) else None
    return getattr(losses[0], which).target if which else ""
