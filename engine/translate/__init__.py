"""Frozen layers to ONNX: RULES, layer kind -> the function that adds its nodes to a graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import UnsupportedLayer, UnsupportedModel
from engine.spec.describe import Feature, Layer, Network
from engine.translate import activation, convolution, dense, elementwise, extent, normalise, pooling, reduce, shape
from engine.translate.graph import BATCH, Blob, Graph
from engine.translate.image import enter

__all__ = ["RULES", "Translation", "translate"]

Rule = Callable[[Layer, Graph], None]

RULES: Mapping[str, Rule] = {
    "convolution": convolution.convolution,
    "pooling": pooling.pooling,
    "activation": activation.activation,
    "innerProduct": dense.inner_product,
    "batchedMatmul": dense.batched_matmul,
    "batchnorm": normalise.batchnorm,
    "mvn": normalise.mvn,
    "l2normalize": normalise.l2normalize,
    "lrn": normalise.lrn,
    "softmax": normalise.softmax,
    "softmaxND": normalise.softmax_nd,
    "flatten": shape.flatten,
    "reshape": shape.reshape,
    "reshapeStatic": shape.reshape_static,
    "rankPreservingReshape": shape.rank_preserving_reshape,
    "copy": shape.copy,
    "permute": shape.permute,
    "transpose": shape.transpose,
    "expandDims": shape.expand_dims,
    "squeeze": shape.squeeze,
    "slice": shape.slice_legacy,
    "sliceStatic": shape.slice_static,
    "split": shape.split,
    "splitND": shape.split_nd,
    "concat": shape.concat,
    "concatND": shape.concat_nd,
    "padding": extent.padding,
    "constantPad": extent.constant_pad,
    "crop": extent.crop,
    "upsample": extent.upsample,
    "loadConstant": extent.load_constant,
    "loadConstantND": extent.load_constant_nd,
    "add": elementwise.add,
    "multiply": elementwise.multiply,
    "average": elementwise.average,
    "max": elementwise.maximum,
    "min": elementwise.minimum,
    "dot": elementwise.dot,
    "scale": elementwise.scale,
    "bias": elementwise.bias,
    "clip": elementwise.clip,
    "unary": elementwise.unary,
    "clampedReLU": elementwise.clamped_relu,
    "gelu": elementwise.gelu,
    "erf": elementwise.erf,
    "addBroadcastable": elementwise.add_broadcastable,
    "multiplyBroadcastable": elementwise.multiply_broadcastable,
    "subtractBroadcastable": elementwise.subtract_broadcastable,
    "divideBroadcastable": elementwise.divide_broadcastable,
    "maxBroadcastable": elementwise.max_broadcastable,
    "minBroadcastable": elementwise.min_broadcastable,
    "powBroadcastable": elementwise.pow_broadcastable,
    "reduce": reduce.reduce,
    "reduceMean": reduce.reduce_mean,
    "reduceSum": reduce.reduce_sum,
    "reduceMax": reduce.reduce_max,
    "reduceMin": reduce.reduce_min,
}


@dataclass(frozen=True, eq=False)
class Translation:
    """An ONNX model and how its inputs and outputs are called."""

    model: bytes
    """Serialised."""
    inputs: Mapping[str, str]
    """Core ML's input or blob name -> ONNX name."""
    outputs: Mapping[str, Blob]
    """Core ML's blob name -> its value."""


def translate(
    network: Network,
    inputs: Sequence[Feature],
    layers: Sequence[Layer],
    outputs: Sequence[str],
    *,
    batch: bool = True,
    given: Mapping[str, tuple[int, ...]] | None = None,
) -> Translation:
    """Translate `layers`, in order, to a graph from `inputs` to the blobs `outputs`.

    With `batch`, the first axis of what is made from images is free. `given` starts in the middle: blobs by name, with
    their sizes for one image, folded where the network is a legacy one. Raises UnsupportedLayer for a kind that is not
    in RULES, UnsupportedModel where the layers do not fit each other.
    """
    graph = Graph()
    entries: dict[str, str] = {}
    for feature in inputs:
        entries[feature.name], graph.blobs[feature.name] = enter(network, feature, graph, batch)
    for name, sizes in (given or {}).items():
        entries[name] = graph.enter(name, (BATCH if batch else 1, *sizes))
        folded = network.legacy_images and network.legacy_arrays and len(sizes) == 3
        graph.blobs[name] = Blob(entries[name], graph.shape(entries[name]), folded)
    for layer in layers:
        _apply(_rule(layer), layer, graph)
    missing = [name for name in outputs if name not in graph.blobs]
    if missing:
        raise UnsupportedModel(f"No layer writes {missing[0]!r}, which the model gives or is cut at.")
    found = {name: _own_value(graph, graph.blobs[name]) for name in outputs}
    return Translation(graph.model([blob.tensor for blob in found.values()]), entries, found)


def _rule(layer: Layer) -> Rule:
    if layer.kind == "custom":
        name = layer.parameters.className
        raise UnsupportedLayer(layer.name, f"custom ({name})", why="whose meaning is in a program, not in the model")
    if layer.kind not in RULES:
        raise UnsupportedLayer(layer.name, layer.kind, RULES)
    return RULES[layer.kind]


def _apply(rule: Rule, layer: Layer, graph: Graph) -> None:
    """Numbers of the file count, divide and pick things; where they do not fit the blobs, this says whose they are."""
    try:
        rule(layer, graph)
    except (ArithmeticError, LookupError, ValueError) as error:
        why = f"Layer {layer.name!r} of kind {layer.kind!r} does not fit what it is given: {error}."
        raise UnsupportedModel(why, "The file is damaged, or was written by a program with a defect.") from error


def _own_value(graph: Graph, blob: Blob) -> Blob:
    """An output of the graph must be a value of its own, not one of its inputs or another output."""
    return Blob(graph.node("Identity", blob.tensor), blob.shape, blob.folded)
