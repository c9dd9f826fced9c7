"""How inputs enter the graph: images with their preprocessing, arrays with their mapping."""

import numpy as np
from onnx import TensorProto, helper

from engine.errors import UnsupportedModel
from engine.spec.describe import ArrayFeature, Feature, ImageFeature, Network
from engine.translate.graph import BATCH, Blob, Graph, Size


def enter(network: Network, feature: Feature, graph: Graph, batch: bool) -> tuple[str, Blob]:
    """The graph's own input for a feature, and the blob that the layers see."""
    if isinstance(feature, ImageFeature):
        return _image(network, feature, graph, BATCH if batch else 1)
    if isinstance(feature, ArrayFeature):
        return _array(network, feature, graph, BATCH if batch else 1)
    raise UnsupportedModel(f"Input {feature.name!r} is a {feature.kind}; networks take images and arrays.")


def pixel_type(feature: ImageFeature) -> type[np.uint8] | type[np.float32]:
    """Bytes, but for an image of which the model says that its grey is a floating-point number."""
    return np.float32 if feature.color == "GRAYSCALE_FLOAT16" else np.uint8


def _image(network: Network, feature: ImageFeature, graph: Graph, batch: Size) -> tuple[str, Blob]:
    """(n, height, width, channels) of `pixel_type`, to (n, channels, height, width), preprocessed.

    `y = scale * x + bias`, bias by channel, then minus the mean image.
    """
    sizes = (batch, feature.height, feature.width, feature.channels)
    entry = graph.enter(feature.name, sizes, helper.np_dtype_to_tensor_dtype(np.dtype(pixel_type(feature))))
    tensor = graph.node("Cast", entry, to=TensorProto.FLOAT)
    tensor = graph.node("Transpose", tensor, perm=[0, 3, 1, 2])
    said = network.preprocessing.get(feature.name)
    if said is not None:
        if said.scale != 1:
            tensor = graph.node("Mul", tensor, graph.constant(np.float32(said.scale)))
        if any(said.bias):
            tensor = graph.node("Add", tensor, graph.constant(np.array(said.bias)[:, None, None]))
        if said.mean is not None:
            tensor = graph.node("Sub", tensor, graph.constant(said.mean))
    return entry, Blob(tensor, graph.shape(tensor), folded=network.legacy_images)


def _array(network: Network, feature: ArrayFeature, graph: Graph, batch: Size) -> tuple[str, Blob]:
    """Legacy arrays [C] and [C, H, W] become (1, batch, C, 1, 1) and (1, batch, C, H, W), folded; others stay."""
    if not network.legacy_arrays:
        entry = graph.enter(feature.name, feature.shape)
        return entry, Blob(entry, graph.shape(entry))
    if len(feature.shape) not in (1, 3):
        raise UnsupportedModel(f"Input {feature.name!r} has {len(feature.shape)} axes, where this network allows 1 or 3.")
    entry = graph.enter(feature.name, (batch, *feature.shape))
    tensor = entry if len(feature.shape) == 3 else graph.node("Unsqueeze", entry, graph.integers(2, 3))
    return entry, Blob(tensor, graph.shape(tensor), folded=True)
