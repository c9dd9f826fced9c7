"""The chain of layers from the probabilities backwards, as far as gradients pass or can be made to pass."""

from collections.abc import Sequence

from engine.convert.repairs import REPAIRS
from engine.errors import BadSetting, CannotTrain
from engine.spec.describe import Layer, Network

LOGARITHM = 5
"""`UnaryFunctionLayerParams.LOG`"""
SOFTMAXES = ("softmax", "softmaxND")
DENSE = ("innerProduct", "batchedMatmul")
AFTER_SOFTMAX = ("reshapeStatic", "rankPreservingReshape", "flattenTo2D", "squeeze", "expandDims", "copy", "flatten")


def chain_of(network: Network) -> tuple[Layer, ...]:
    """The layers, one behind the other, that end in the probabilities, and that gradients can pass."""
    writers = {name: layer for layer in network.layers for name in layer.outputs}
    found: list[Layer] = []
    blob = network.probabilities
    while blob in writers and _passes(writers[blob], found):
        found.insert(0, writers[blob])
        blob = found[0].inputs[0]
    if found and found[0].full_kind == "unary":
        return ()
    return tuple(found)


def _passes(layer: Layer, behind: Sequence[Layer]) -> bool:
    if len(layer.inputs) != 1 or len(layer.outputs) != 1 or layer.full_kind not in REPAIRS:
        return False
    its = layer.parameters
    if layer.kind == "unary":
        return not behind and its.type == LOGARITHM and its.scale in (0, 1) and its.shift == 0
    if layer.kind in SOFTMAXES:
        return all(each.kind in (*AFTER_SOFTMAX, "unary") for each in behind)
    if behind and behind[0].kind == "unary":
        return False
    blocked = {"convolution": "isDeconvolution", "batchnorm": "computeMeanVar"}.get(layer.kind)
    return not (blocked and getattr(its, blocked)) and not (layer.kind == "pooling" and its.type == 2)


def can_learn(layer: Layer) -> bool:
    """Whether a layer of the chain has weights that training can change."""
    return layer.kind in (*DENSE, "convolution")


def chosen(wanted: Sequence[str], network: Network, chain: Sequence[Layer]) -> tuple[str, ...]:
    """The names of the layers that are to learn: `wanted`, or the head.

    Raises BadSetting for names that the network does not have, CannotTrain for layers that cannot learn.
    """
    names = [layer.name for layer in network.layers]
    for name in wanted:
        if name not in names:
            able = ", ".join(repr(each.name) for each in chain if can_learn(each)) or "none"
            raise BadSetting(f"The model has no layer {name!r}.", f"Layers that can learn: {able}.")
        _require_able(name, network, chain)
    dense = [layer.name for layer in chain if layer.kind in DENSE][-2:]
    head = dense or [layer.name for layer in chain if layer.kind == "convolution"][-1:]
    if not (wanted or head):
        raise CannotTrain(f"No layer of the model can learn{_stopped(network, chain)}.", "Choose another model.")
    return tuple(wanted) or tuple(head)


def _require_able(name: str, network: Network, chain: Sequence[Layer]) -> None:
    layer = next(each for each in network.layers if each.name == name)
    if layer not in chain:
        raise CannotTrain(f"Layer {name!r} cannot learn{_stopped(network, chain)}.", "Choose layers nearer to the end.")
    if not can_learn(layer):
        raise CannotTrain(
            f"Layer {name!r} of kind {layer.full_kind!r} has nothing to learn.",
            "Only innerProduct and convolution layers can be updated.",
        )


def _stopped(network: Network, chain: Sequence[Layer]) -> str:
    """Names the layer where gradients stop on their way from the probabilities."""
    blob = chain[0].inputs[0] if chain else network.probabilities
    writer = next((layer for layer in network.layers if blob in layer.outputs), None)
    return f": gradients do not pass through layer {writer.name!r} of kind {writer.full_kind!r}" if writer else ""
