"""The rules for layers and blobs: what is read was written, what is given was made, names tell layers apart."""

from collections import Counter
from typing import Any

from engine.room import LARGEST, too_large
from engine.spec.describe import CONTROL, Description, ImageFeature, ValueFeature, every_layer, inner_networks, layers_of
from engine.spec.interface import ArrayFeature, size_of, words_of
from engine.spec.validate.problem import DAMAGED, Problem, Problems, unreadable, untrainable
from engine.spec.validate.weights import weight_problems


def graph_problems(network: Any, said: Description) -> Problems:
    """All that a network must keep to, to predict."""
    written = {each.name for each in said.inputs}
    yield from _reading(network, written)
    yield from _outputs(said, written)
    for layer in every_layer(network):
        yield from weight_problems(layer)


def _reading(network: Any, written: set[str]) -> Problems:
    """Walk the layers in order; bodies of branches and loops see, and add to, what is known outside."""
    for layer in layers_of(network):
        for name in layer.inputs:
            if name not in written:
                sentence = f"Layer {layer.name!r} reads {name!r}, which no layer before it writes."
                yield unreadable(sentence, layer.name)
        for inner in inner_networks(layer):
            yield from _reading(inner, written)
        if not layer.outputs and layer.kind not in CONTROL:
            yield unreadable(f"Layer {layer.name!r} has no output.", layer.name)
        written.update(layer.outputs)


def _outputs(said: Description, written: set[str]) -> Problems:
    network = said.network
    assert network is not None
    if not network.layers:
        yield unreadable("The network has no layers.")
        return
    classifies = said.kind == "neuralNetworkClassifier"
    if classifies and not network.labels:
        yield unreadable("The model is a classifier, but has no labels.")
    if classifies and network.probabilities not in written:
        yield unreadable(f"The labels belong to {network.probabilities!r}, which no layer writes.")
    answers = said.answers if classifies else ()
    for each in said.outputs:
        if each.name not in written and each.name not in answers:
            yield unreadable(f"No layer writes {each.name!r}, which the model says that it gives.")


def interface_problems(said: Description) -> Problems:
    """The inputs and outputs: there are some, each has a name of its own and a type."""
    for features, what in ((said.inputs, "input"), (said.outputs, "output")):
        if not features:
            yield unreadable(f"The model has no {what}.")
        for name, times in Counter(each.name for each in features).items():
            if times > 1:
                yield unreadable(f"The model has {times} {what}s named {name!r}.")
        for each in features:
            problem = _typed(each, what)
            if problem:
                yield problem
    if said.inputs and all(each.optional for each in said.inputs):
        yield unreadable("All inputs of the model are optional; one at least must be needed.")


def _typed(feature: Any, what: str) -> Problem | None:
    if isinstance(feature, ValueFeature) and feature.kind == "nothing":
        return unreadable(f"The {what} {feature.name!r} has no type.")
    if isinstance(feature, ImageFeature) and feature.color == "INVALID":
        return unreadable(f"The {what} {feature.name!r} is an image in no colours that the format has.")
    if isinstance(feature, ImageFeature) and min(feature.width, feature.height) < 1:
        return unreadable(f"The {what} {feature.name!r} is {feature.width} x {feature.height} pixels large.")
    if isinstance(feature, ArrayFeature) and any(size < 1 for size in feature.shape):
        return unreadable(f"The {what} {feature.name!r} has a side that is not positive: {feature.shape}.")
    if isinstance(feature, ImageFeature | ArrayFeature) and too_large(size_of(feature)):
        return unreadable(
            f"The {what} {feature.name!r} is {words_of(size_of(feature))} large; {LARGEST:,} numbers are the most."
        )
    return None


def name_problems(network: Any) -> Problems:
    """Names by which training finds its layers, and blobs by which it finds its way; prediction needs neither."""
    losses = [each.name for each in network.updateParams.lossLayers]
    for name, times in Counter([*(each.name for each in every_layer(network)), *losses]).items():
        if times > 1:
            yield untrainable(f"The model has {times} layers named {name!r}.", "Give each layer a name of its own.", name)
        if not name:
            yield untrainable("A layer has no name.", "Give each layer a name of its own.")
    made = Counter(name for each in network.layers if each.WhichOneof("layer") != "copy" for name in each.output)
    for name, times in made.items():
        if times > 1:
            yield untrainable(f"Blob {name!r} is written by {times} layers; only `copy` may write over one.", DAMAGED)
