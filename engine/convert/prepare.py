"""Make an updatable classifier of a frozen one, and say what had to be changed for it."""

from collections.abc import Sequence
from typing import Any

from engine.backbone import Backbone
from engine.convert.prepare_chain import SOFTMAXES, chain_of, chosen
from engine.convert.prepare_rewrite import Rewrite
from engine.convert.prepare_training import Preparation, write_training
from engine.convert.prepare_weights import name_apart, to_float32
from engine.errors import CannotTrain
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.spec.validate import validate

__all__ = ["Preparation", "prepare"]


def prepare(model: Any, choice: Preparation = Preparation()) -> tuple[Any, tuple[str, ...]]:  # noqa: B008 (frozen)
    """A new protobuf `Model` that can be updated, from a `neuralNetworkClassifier`, and sentences on what was changed.

    It predicts what `model` does; where that gave scores, it gives their softmax. `model` stays as it is. Raises
    CannotTrain where no change helps, BadSetting for layers that there are not, UnreadableModel for a damaged model.
    """
    kind = model.WhichOneof("Type")
    if kind != "neuralNetworkClassifier":
        raise CannotTrain(f"The model is of kind {kind!r}.", "Only a neuralNetworkClassifier can be made updatable.")
    result, said = _frozen(model)
    validate(result)
    network = result.neuralNetworkClassifier
    said += [*to_float32(network), *name_apart(network)]
    names, more = _rewritten(result, choice)
    said += [*more, *_marked(network, names)]
    write_training(result, network.labelProbabilityLayerName, choice)
    validate(result)
    listed = " and ".join(map(repr, names))
    return result, (*said, f"{'Layer' if len(names) == 1 else 'Layers'} {listed} can be updated.")


def _frozen(model: Any) -> tuple[Any, list[str]]:
    """A copy without anything that says how to train it."""
    result = Model()
    result.CopyFrom(model)
    network = result.neuralNetworkClassifier
    before = result.isUpdatable
    result.isUpdatable = False
    network.ClearField("updateParams")
    del result.description.trainingInput[:]
    for layer in network.layers:
        layer.isUpdatable = False
        kind = layer.WhichOneof("layer")
        if kind in ("innerProduct", "convolution"):
            for weights in (getattr(layer, kind).weights, getattr(layer, kind).bias):
                weights.isUpdatable = False
    return result, ["What the model said of its training before was taken away."] if before else []


def _rewritten(result: Any, choice: Preparation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write the head again in layers that gradients pass; gives the names of those to update, and what was changed."""
    description = describe(result)
    network = description.network
    assert network is not None
    chain = chain_of(network)
    names = chosen(choice.layers, network, chain)
    start = min(at for at, layer in enumerate(chain) if layer.name in names)
    head = chain[start:]
    writers = {name: layer for layer in network.layers for name in layer.outputs}
    before = writers.get(head[0].inputs[0])
    reads = (*(before.inputs if before else ()), *(layer.inputs[0] for layer in head))
    blobs = (*dict.fromkeys(reads), head[-1].outputs[0])
    shapes = Backbone(network, description.inputs, network.layers, blobs, batch=False).shapes()
    rewrite = Rewrite(result, description, shapes)
    rewrite.enter(head[0], before)
    for layer in head:
        rewrite.take(layer)
    rewrite.finish(len(network.labels), head[-1], ends=any(layer.kind in SOFTMAXES for layer in head))
    return names, tuple(rewrite.said)


def _marked(network: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Mark layers and their weights updatable; those that lack a bias get one of zeros."""
    said: list[str] = []
    for layer in network.layers:
        if layer.name in names:
            its = getattr(layer, layer.WhichOneof("layer"))
            if not its.hasBias:
                its.hasBias = True
                its.bias.Clear()
                its.bias.floatValue.extend([0.0] * its.outputChannels)
                said.append(f"Layer {layer.name!r} got a bias of zeros, so that it can learn one.")
            layer.isUpdatable = its.weights.isUpdatable = its.bias.isUpdatable = True
    return tuple(said)
