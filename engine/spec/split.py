"""Cut a network at its first updatable layer: the backbone before it, the head behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from engine.errors import CannotTrain, UnsupportedModel
from engine.head import Head, HeadLayer
from engine.head.neighbors import NeighborHead
from engine.spec.describe import INNER, Array, Description, Layer, Network
from engine.spec.weights import array, is_plain

LINKED = "The model that would be trained is only linked to: train the file that the link leads to."

Borders = Callable[[int, int], tuple[tuple[int, int], tuple[int, int]]]


@dataclass(frozen=True, eq=False)
class Cut:
    """Where a network is cut."""

    features: str
    """The blob between backbone and head."""
    backbone: tuple[Layer, ...]
    """The layers that the features need, in the network's order."""
    head: Head | NeighborHead
    """Without layers where nothing can be trained; the features are then the probabilities or outputs."""
    why_not: str = ""
    """Why nothing can be trained; empty if it can."""
    trained: tuple[Layer, ...] = ()
    """The head's layers as the file has them; none where nothing can be trained."""


def split_model(said: Description) -> Cut:
    """Cut a model, or the last one of a pipeline: it is what training changes, and the others come before it."""
    last = said.last
    if last.neighbors is not None:
        why_not = "" if said.updatable else "The model is frozen: it is not marked updatable."
        head = NeighborHead.of(last.neighbors)
        return Cut(last.inputs[0].name, (), head, LINKED if said.linked else why_not)
    if last.network is None:
        raise UnsupportedModel(f"The model is of kind {last.kind!r}, which is not trained here.")
    updatable = said.updatable and last.updatable
    cut = split(last.network, updatable, tuple(each.name for each in last.outputs))
    return replace(cut, why_not=LINKED) if said.linked else cut


def split(network: Network, updatable: bool, outputs: tuple[str, ...]) -> Cut:
    """Cut `network`; `outputs` are the model's own outputs, for a network that is no classifier.

    A network that cannot be trained is cut behind its last layer.
    """
    answer = network.probabilities or _first_written(network, outputs)
    try:
        chain = _chain(network, updatable)
        layers = tuple(_head_layer(layer) for layer in chain)
    except CannotTrain as refusal:
        return Cut(answer, needed(network, answer), Head(()), str(refusal))
    training = network.training
    assert training is not None
    features = chain[0].inputs[0]
    return Cut(features, needed(network, features), Head(layers, training.loss), trained=tuple(chain))


def _first_written(network: Network, outputs: tuple[str, ...]) -> str:
    written = [name for layer in network.layers for name in layer.outputs]
    return next((name for name in outputs if name in written), written[-1] if written else "")


def needed(network: Network, blob: str) -> tuple[Layer, ...]:
    """The layers that `blob` depends on; all of them where some decide what runs, since their bodies write as well."""
    if any(layer.kind in INNER for layer in network.layers):
        return network.layers
    wanted, found = {blob}, list[Layer]()
    for layer in reversed(network.layers):
        if wanted.intersection(layer.outputs):
            wanted.update(layer.inputs)
            found.append(layer)
    return tuple(reversed(found))


def _chain(network: Network, updatable: bool) -> list[Layer]:
    """From the first updatable layer to the blob that the loss looks at."""
    if not updatable or not any(layer.updatable for layer in network.layers):
        raise CannotTrain("The model is frozen: none of its layers is marked updatable.")
    if network.training is None:
        raise CannotTrain("The model has updatable layers, but no loss layer says what to train them for.")
    learning = _learning(network)
    chain: list[Layer] = []
    blob = network.training.loss_input
    # Once from the back to the front, so that it ends whatever reads what.
    for number in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[number]
        if blob not in layer.outputs:
            continue
        if number not in learning:
            break
        if layer.full_kind not in READERS or len(layer.inputs) != 1:
            raise CannotTrain(
                f"Layer {layer.name!r} of kind {layer.full_kind!r} stands between the loss and an updatable layer, "
                "and gradients do not pass through it."
            )
        chain.append(layer)
        blob = layer.inputs[0]
    chain.reverse()
    if not chain:
        raise CannotTrain("No updatable layer leads to the model's loss.")
    if network.probabilities not in ("", network.training.loss_input):
        raise CannotTrain(
            f"The loss looks at {network.training.loss_input!r}, but the model predicts from {network.probabilities!r}."
        )
    if any(layer.kind == "softmax" for layer in chain[:-1]):
        raise CannotTrain("A softmax stands in the middle of the updatable layers.")
    if network.training.loss == "cross_entropy" and chain[-1].kind != "softmax":
        raise CannotTrain("The cross entropy does not look at the output of a softmax layer, as the format demands.")
    return chain


def _learning(network: Network) -> set[int]:
    """The numbers of the layers that are updatable, or that an updatable one leads to.

    All of them where some decide what runs, since their bodies write as well.
    """
    found, blobs = set[int](), set[str]()
    decides = any(layer.kind in INNER for layer in network.layers)
    for number, layer in enumerate(network.layers):
        if decides or layer.updatable or blobs.intersection(layer.inputs):
            found.add(number)
            blobs.update(layer.outputs)
    return found


def _head_layer(layer: Layer) -> HeadLayer:
    weights, settings = READERS[layer.full_kind](layer)
    return HeadLayer(layer.name, layer.full_kind, weights, settings, layer.updatable)


Read = tuple[dict[str, Array], dict[str, Any]]


def _plain(layer: Layer) -> Read:
    return {}, {}


def _weights(layer: Layer, shape: tuple[int, ...]) -> dict[str, Array]:
    its = layer.parameters
    parts = {"weights": (its.weights, shape)}
    if its.hasBias:
        parts["bias"] = (its.bias, (its.outputChannels,))
    if layer.updatable and not all(is_plain(stored) for stored, _ in parts.values()):
        raise CannotTrain(f"Layer {layer.name!r} is updatable, but its weights are not stored as float32.")
    found = {name: array(stored, size, f"Layer {layer.name!r}") for name, (stored, size) in parts.items()}
    if not all(np.isfinite(each).all() for each in found.values()):
        raise CannotTrain(f"Layer {layer.name!r} has weights that are not finite numbers.")
    return found


def _dense(layer: Layer) -> Read:
    return _weights(layer, (layer.parameters.outputChannels, layer.parameters.inputChannels)), {}


def _pair(values: Any, default: int) -> tuple[int, int]:
    return (int(values[0]), int(values[1])) if len(values) == 2 else (default, default)


def _convolution(layer: Layer) -> Read:
    its = layer.parameters
    if its.isDeconvolution:
        raise CannotTrain(f"Layer {layer.name!r} is a deconvolution, and gradients do not pass through it.")
    kernel, dilation, stride = _pair(its.kernelSize, 3), _pair(its.dilationFactor, 1), _pair(its.stride, 1)
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    settings = {"kernel": kernel, "stride": stride, "dilation": dilation, "groups": its.nGroups or 1}
    settings["padding"] = _padding(its, (reach[0], reach[1]), stride)
    return _weights(layer, (its.outputChannels, its.kernelChannels, *kernel)), settings


def _padding(its: Any, reach: tuple[int, int], stride: tuple[int, int]) -> Borders:
    """Valid padding is said in the file; SAME padding follows from the size, the odd pixel at the end or the start."""
    if its.HasField("same"):
        first_heavy = its.same.asymmetryMode == 1

        def same(*sizes: int) -> Any:
            return tuple(
                _halves(max(0, (ceil(size / s) - 1) * s + k - size), first_heavy)
                for size, k, s in zip(sizes, reach, stride, strict=True)
            )

        return same
    amounts = [(b.startEdgeSize, b.endEdgeSize) for b in its.valid.paddingAmounts.borderAmounts] or [(0, 0), (0, 0)]
    return lambda h, w: (amounts[0], amounts[1])


def _halves(total: int, first_heavy: bool) -> tuple[int, int]:
    small = total // 2
    return (total - small, small) if first_heavy else (small, total - small)


def _nothing(height: int, width: int) -> tuple[int, int]:
    return 0, 0


def _pooling(layer: Layer) -> Read:
    its = layer.parameters
    if its.type not in (0, 1):
        raise CannotTrain(f"Layer {layer.name!r} is an L2 pooling, and gradients do not pass through it.")
    kernel, stride = _pair(its.kernelSize, 3), _pair(its.stride, 1)
    settings: dict[str, Any] = {
        "type": "average" if its.type else "max",
        "kernel": kernel,
        "stride": stride,
        "whole": its.globalPooling,
        "exclude_padding": its.avgPoolExcludePadding,
        "padding": _padding(its, kernel, stride),
        "beyond": _nothing,
    }
    if its.WhichOneof("PoolingPaddingType") == "includeLastPixel":
        amounts = _pair(its.includeLastPixel.paddingAmounts, 0)

        def beyond(*sizes: int) -> tuple[int, ...]:
            each = zip(sizes, amounts, kernel, stride, strict=True)
            return tuple(_last_window(size, pad, k, s, any(amounts)) for size, pad, k, s in each)

        def padding(h: int, w: int) -> Any:
            return tuple((pad, pad + more) for pad, more in zip(amounts, beyond(h, w), strict=True))

        settings |= {"beyond": beyond, "padding": padding}
    return {}, settings


def _last_window(size: int, pad: int, kernel: int, stride: int, padded: bool) -> int:
    """How far the last, incomplete window reaches beyond the padding (Caffe's rounding up)."""
    out = ceil((size + 2 * pad - kernel) / stride) + 1
    if padded and (out - 1) * stride >= size + pad:
        out -= 1
    return max(0, (out - 1) * stride + kernel - size - 2 * pad)


def _flatten(layer: Layer) -> Read:
    return {}, {"channel_last": layer.parameters.mode == 1}


def _batchnorm(layer: Layer) -> Read:
    its = layer.parameters
    if its.computeMeanVar:
        raise CannotTrain(f"Layer {layer.name!r} works out its own mean and variance, which training does not support.")
    read = [array(getattr(its, n), (its.channels,), f"Layer {layer.name!r}") for n in ("gamma", "beta", "mean", "variance")]
    gamma, beta, mean, variance = (each.astype(np.float64) for each in read)
    scale = gamma / np.sqrt(variance + (its.epsilon or 1e-5))
    folded = {"scale": scale, "shift": beta - mean * scale}
    return {name: each.astype(np.float32) for name, each in folded.items()}, {}


READERS: Mapping[str, Callable[[Layer], Read]] = {
    "innerProduct": _dense,
    "convolution": _convolution,
    "pooling": _pooling,
    "flatten": _flatten,
    "batchnorm": _batchnorm,
    "activation.ReLU": _plain,
    "activation.sigmoid": _plain,
    "activation.tanh": _plain,
    "softmax": _plain,
}
"""How each kind of layer in `head.kinds.KINDS` is read from the file."""
