"""The end of a classifier: probabilities under the name that the model gives them."""

from typing import Any

import numpy as np

from engine.convert.keras.net import Net, Value
from engine.errors import BadSetting, UnsupportedModel


def probabilities(net: Net, value: Value, labels: int, output: str) -> None:
    """End the network in one probability a label, called `output`.

    A single number becomes two probabilities: of the second label as the sigmoid says, of the first the rest. What ends
    neither in a softmax nor in a sigmoid gets a softmax. Raises BadSetting where the labels are more or fewer than the
    numbers, UnsupportedModel where the result is no list of numbers, or nothing is computed at all.
    """
    numbers = value.sizes[0]
    if value.sizes != (numbers, 1, 1) or not net.layers.network.layers:
        shape = " x ".join(map(str, value.shape))
        raise UnsupportedModel(f"The model gives {shape} numbers.", "A classifier gives one number for each label.")
    if labels != max(2, numbers):
        why = f"The model tells {max(2, numbers)} labels apart, but {labels} were given."
        raise BadSetting(why, "Give one label for each of its outputs, in their order.")
    blob = _two(net, value.blob) if numbers == 1 else value.blob
    if numbers == 1 or _last(net) not in ("softmax", "sigmoid"):
        blob = net.add("softmax", "probabilities", blob)
    _rename(net.layers.network.layers, blob, output)


def _last(net: Net) -> str:
    layer = net.layers.network.layers[-1]
    kind = str(layer.WhichOneof("layer"))
    return str(layer.activation.WhichOneof("NonlinearityType")) if kind == "activation" else kind


def _two(net: Net, blob: str) -> str:
    """Zero, and the number whose sigmoid is the second probability: softmax((0, z)) is (1 - sigmoid(z), sigmoid(z))."""
    layers = net.layers.network.layers
    if _last(net) == "sigmoid":
        blob = layers[-1].input[0]
        del layers[-1]
    if not layers or layers[-1].WhichOneof("layer") != "innerProduct":
        fields = {"inputChannels": 1, "outputChannels": 2, "weights": np.array([0.0, 1.0])}
        return net.add("innerProduct", "logits", blob, hasBias=True, bias=np.zeros(2), **fields)
    its = layers[-1].innerProduct
    its.outputChannels = 2
    its.weights.floatValue[:] = [0.0] * its.inputChannels + list(its.weights.floatValue)
    if its.hasBias:
        its.bias.floatValue[:] = [0.0, its.bias.floatValue[0]]
    return blob


def _rename(layers: Any, blob: str, output: str) -> None:
    """Call the result by another name; nothing takes it, as it is the last."""
    for layer in layers:
        if layer.output[0] == blob:
            layer.output[0] = output
