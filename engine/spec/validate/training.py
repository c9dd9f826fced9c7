"""The rules for updatable networks, as Apple's open-source validator has them, and those of what can learn at all."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.head.kinds import KINDS
from engine.spec.describe import Description, Layer, Network, every_layer
from engine.spec.validate.graph import name_problems
from engine.spec.validate.inputs import training_inputs, version_problems
from engine.spec.validate.parameters import parameter_problems
from engine.spec.validate.problem import PREPARE, Problems, untrainable
from engine.spec.validate.weights import all_weights, finite_problems

UPDATABLE = ("innerProduct", "convolution")
"""The kinds of layers whose weights can change."""

LOSSES = {"categoricalCrossEntropyLossLayer": "cross entropy", "meanSquaredErrorLossLayer": "mean squared error"}


def training_problems(model: Any, said: Description) -> Problems:
    """All that an updatable network must keep to, to be trained."""
    message, network = getattr(model, said.kind), said.network
    assert network is not None
    yield from version_problems(model)
    updatable = [each for each in network.layers if each.updatable]
    if not updatable:
        yield untrainable("The model says that it can be updated, but none of its layers is updatable.", PREPARE)
    for layer in updatable:
        yield from _updatable(layer)
    for layer in message.layers:
        if any(each.float16Value for each in all_weights(layer)):
            sentence = f"Layer {layer.name!r} stores its weights as float16, which no updatable network may do."
            yield untrainable(sentence, PREPARE, layer.name)
    for layer in every_layer(message):
        yield from finite_problems(layer)
    yield from name_problems(message)
    yield from _labels(said)
    yield from parameter_problems(message.updateParams)
    losses = message.updateParams.lossLayers
    if len(losses) != 1:
        yield untrainable(f"The model has {len(losses) or 'no'} loss layers; it needs one.", PREPARE)
    for loss in losses:
        yield from _loss(loss, network, said)
    if len(losses) == 1:
        kind = losses[0].WhichOneof("LossLayerType")
        yield from training_inputs(said, model, getattr(losses[0], kind).target if kind else "")


def _updatable(layer: Layer) -> Problems:
    """One updatable layer: of a kind that can be, all its weights updatable, and stored as float32."""
    if layer.kind not in UPDATABLE:
        sentence = f"Layer {layer.name!r} of kind {layer.full_kind!r} is marked updatable."
        yield untrainable(sentence, f"Only {' and '.join(UPDATABLE)} layers can be updated.", layer.name)
        return
    its = layer.parameters
    for name in ("weights", "bias") if its.hasBias else ("weights",):
        stored = getattr(its, name)
        what = f"The {name} of layer {layer.name!r}"
        if not stored.isUpdatable:
            yield untrainable(f"{what} are not marked updatable, but the layer is.", PREPARE, layer.name)
        if stored.HasField("quantization") or stored.rawValue or stored.int8RawValue:
            yield untrainable(f"{what} are quantised, and the layer is updatable.", PREPARE, layer.name)


def _labels(said: Description) -> Problems:
    network = said.network
    assert network is not None
    if len(set(network.labels)) < len(network.labels):
        twice = next(each for at, each in enumerate(network.labels) if each in network.labels[:at])
        yield untrainable(
            f"Label {twice!r} is listed twice, so it names no one output.", "Give each label a name of its own."
        )
    if said.kind == "neuralNetworkRegressor" and not said.predicted_label:
        yield untrainable("The model is a regressor, but does not say which of its outputs it predicts.", PREPARE)


def _loss(loss: Any, network: Network, said: Description) -> Problems:
    kind = loss.WhichOneof("LossLayerType")
    if kind is None:
        yield untrainable(f"Loss layer {loss.name!r} is of no kind.", PREPARE, loss.name)
        return
    its, name = getattr(loss, kind), LOSSES[kind]
    writers = {blob: layer for layer in network.layers for blob in layer.outputs}
    if its.input not in writers:
        yield untrainable(f"The {name} {loss.name!r} looks at {its.input!r}, which no layer writes.", PREPARE, loss.name)
        return
    if its.target in writers:
        sentence = f"The target {its.target!r} of {loss.name!r} is written by layer {writers[its.target].name!r}."
        yield untrainable(sentence, "A target is given with each example; it is not worked out.", loss.name)
    last = writers[its.input]
    if kind == "categoricalCrossEntropyLossLayer":
        yield from _softmax(last, writers)
    if said.kind == "neuralNetworkClassifier" and network.probabilities != its.input:
        sentence = (
            f"The {name} {loss.name!r} looks at {its.input!r}, but the model predicts from {network.probabilities!r}."
        )
        yield untrainable(sentence, PREPARE, loss.name)
    yield from _chain(its.input, network.layers, writers)


def _softmax(last: Layer, writers: Mapping[str, Layer]) -> Problems:
    """The cross entropy looks at a `softmax` over more than one unit."""
    if last.kind != "softmax":
        sentence = f"The cross entropy looks at layer {last.name!r} of kind {last.full_kind!r}, not at a `softmax`."
        yield untrainable(sentence, PREPARE, last.name)
        return
    before = writers.get(last.inputs[0]) if last.inputs else None
    if before and before.kind in UPDATABLE and before.parameters.outputChannels == 1:
        sentence = (
            f"Softmax {last.name!r} stands behind {before.name!r} of one unit, so it is always 1 and nothing is learnt."
        )
        yield untrainable(sentence, "Give the layer before it one unit for each label.", last.name)


def _chain(blob: str, layers: tuple[Layer, ...], writers: Mapping[str, Layer]) -> Problems:
    """Gradients go back from the loss through each layer that an updatable one lies behind."""
    above = _above_updatable(layers)
    reached: set[str] = set()
    wanted = {blob}
    for layer in reversed(layers):
        if not wanted.intersection(layer.outputs):
            continue
        reached.add(layer.name)
        if layer.name not in above:
            continue
        wanted.update(layer.inputs)
        why_not = _blocks(layer, is_last=blob in layer.outputs)
        if why_not:
            sentence = f"Layer {layer.name!r} stands between the loss and an updatable layer, and {why_not}."
            yield untrainable(sentence, PREPARE, layer.name)
    for layer in layers:
        if layer.updatable and layer.name not in reached:
            yield untrainable(f"Updatable layer {layer.name!r} does not lead to the loss.", PREPARE, layer.name)


def _above_updatable(layers: tuple[Layer, ...]) -> set[str]:
    """The names of layers that are updatable, or that an updatable one leads to."""
    blobs: set[str] = set()
    found: set[str] = set()
    for layer in layers:
        if layer.updatable or blobs.intersection(layer.inputs):
            blobs.update(layer.outputs)
            found.add(layer.name)
    return found


def _blocks(layer: Layer, is_last: bool) -> str:
    """Why gradients do not pass; empty if they do."""
    if layer.full_kind not in KINDS:
        return f"gradients do not pass through {layer.full_kind!r}"
    if len(layer.inputs) != 1:
        return f"gradients do not pass through a {layer.full_kind!r} of {len(layer.inputs)} inputs"
    if layer.kind == "softmax" and not is_last:
        return "a softmax may only be the last layer"
    return BLOCKING.get(layer.full_kind, lambda its: "")(layer.parameters)


BLOCKING: Mapping[str, Callable[[Any], str]] = {
    "convolution": lambda its: "gradients do not pass through a deconvolution" if its.isDeconvolution else "",
    "pooling": lambda its: "gradients do not pass through an L2 pooling" if its.type == 2 else "",
    "batchnorm": lambda its: "it works out its own mean and variance" if its.computeMeanVar else "",
}
"""Settings of kinds in KINDS that gradients do not pass through here."""
