"""A Keras file as a Core ML classifier of images."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.convert.build import Picture, classifier
from engine.convert.keras.head import probabilities
from engine.convert.keras.model import KerasLayer, KerasModel
from engine.convert.keras.net import FIRST, LAST, Net, Value
from engine.convert.keras.normalise import AFFINE, Affine, affine
from engine.convert.keras.plain import sequence
from engine.convert.keras.read import read_keras
from engine.convert.keras.rules import IDENTITIES, RULES
from engine.errors import BadSetting, UnreadableModel, UnsupportedLayer, UnsupportedModel

Triple = tuple[float, float, float]
Pair = tuple[int, int]

IMAGE, OUTPUT = "image", "labelProbability"
SAMPLING_VERSION = 5
"""The specification version that has sampling at the middle of pixels: iOS 14, macOS 11."""
COLORS = {1: "GRAYSCALE", 3: "RGB"}


def convert(
    path: Path,
    labels: Sequence[str],
    scale: float | None = None,
    bias: Triple | None = None,
    bgr: bool = False,
    size: Pair | None = None,
) -> Any:
    """A protobuf `Model`: the frozen classifier of images that a Keras file (.h5, .keras) describes.

    The Keras model is given `scale * pixel + bias`, with pixels from 0 to 255 and the bias by red, green and blue, or the
    first alone for grey; its channels are blue, green, red if `bgr`. A Rescaling or Normalization at its start is put into
    the image's preprocessing, as long as it has one scale for all colours. `size` is height and width, for a file that
    leaves them open. The input is called `image`, the outputs `labelProbability` and `label`.

    A model that ends in one number, with a sigmoid or without, gives the second label that probability, and the first the
    rest. A model that ends in several sigmoids keeps them; one that ends otherwise than in softmax or sigmoid gets a
    softmax. Layers are of the format's first set; the specification version is 4, or 5 where a picture is enlarged
    bilinearly.

    Raises UnreadableModel for a damaged file, UnsupportedLayer and UnsupportedModel for what the format cannot say or is
    not known, BadSetting for labels or a size that do not fit the model.
    """
    return _converted(read_keras(path), labels, scale, bias, bgr, size)


def _converted(
    keras: KerasModel, labels: Sequence[str], scale: float | None, bias: Triple | None, bgr: bool, size: Pair | None
) -> Any:
    """What `convert` gives, of a model that has been read."""
    channels_first = _channels_first(keras.layers)
    with _named(keras.layers[0]):
        image = _image(keras.layers, channels_first, size)
    channels, height, width = image.sizes
    values = {keras.layers[0].name: image}
    color = "BGR" if bgr and channels == 3 else COLORS[channels]
    given = np.array((bias or (0.0, 0.0, 0.0))[:channels], np.float64)
    folded = _fold(keras.layers, values, (np.full(channels, scale or 1.0), given[::-1] if color == "BGR" else given))
    shifts = folded[1][::-1] if color == "BGR" else folded[1]
    red, green, blue = (float(each) for each in np.broadcast_to(shifts, (3,)))
    model = classifier(Picture(IMAGE, width, height, color, float(folded[0][0]), (red, green, blue)), labels, OUTPUT)
    net = Net(model.neuralNetworkClassifier, keras.version, keras.flipped, channels_first, (IMAGE, OUTPUT))
    for layer in keras.layers[1:]:
        if layer.name not in values:
            with _named(layer):
                values[layer.name] = _rule(layer)(layer, [values[name] for name in layer.inputs], net)
    probabilities(net, values[keras.layers[-1].name], len(labels), OUTPUT)
    if net.upsamples:
        model.specificationVersion = SAMPLING_VERSION
    return model


def _channels_first(layers: Sequence[KerasLayer]) -> bool:
    """Whether pictures have their channels first: as the first layer says that says it."""
    said = (layer.config.get("data_format") for layer in layers)
    return next((each for each in said if each is not None), "channels_last") == "channels_first"


def _image(layers: Sequence[KerasLayer], channels_first: bool, size: Pair | None) -> Value:
    """The model's input. Raises UnsupportedModel where it is no picture, BadSetting where its size is open or another."""
    shape = sequence(layers[0].config.get("batch_shape"))
    if shape is None or len(shape) != 4:
        why = "The file does not say what the model takes." if shape is None else f"The model takes {shape[1:]}."
        raise UnsupportedModel(why, "A classifier of images takes height, width and channels.")
    axes = FIRST[3] if channels_first else LAST[3]
    channels, height, width = (shape[1 + axes.index(place)] for place in range(3))
    if channels not in COLORS:
        raise UnsupportedModel(f"The model takes pictures of {channels} channels.", "A picture has 1 (grey) or 3.")
    known = (height, width) if height and width else None
    if known and size and known != tuple(size):
        raise BadSetting(f"The model takes {height} x {width} pixels, not {size[0]} x {size[1]}.", "Leave the size out.")
    rows, columns = known or size or _resized(layers)
    if min(rows, columns) < 1:
        raise BadSetting(f"Pictures of {rows} x {columns} pixels have none.", "Give a height and a width above 0.")
    sizes = (int(channels), int(rows), int(columns))
    return Value(IMAGE, tuple(sizes[place] for place in axes), axes)


def _resized(layers: Sequence[KerasLayer]) -> tuple[int, int]:
    """The size that a Resizing at the start asks for, which is then the picture's own."""
    for layer in layers[1:]:
        if layer.kind == "Resizing":
            return int(layer.config["height"]), int(layer.config["width"])
        if layer.kind not in AFFINE and layer.kind not in IDENTITIES:
            break
    raise BadSetting("The file leaves the size of the pictures open.", "Give it: --size HEIGHTxWIDTH.")


def _fold(layers: Sequence[KerasLayer], values: dict[str, Value], start: Affine) -> Affine:
    """Put the layers at the start that scale all colours alike into the preprocessing; their values are the image."""
    scale, shift = start
    layer = layers[0]
    while True:
        takers = [each for each in layers if layer.name in each.inputs]
        if len(takers) != 1 or takers[0].kind not in (*AFFINE, *IDENTITIES):
            return scale, shift
        image, layer = values[layer.name], takers[0]
        if layer.kind in AFFINE:
            with _named(layer):
                by, more = affine(layer, image)
            if np.ptp(by) or image.axes != LAST[3]:
                return scale, shift
            scale, shift = scale * by, shift * by + more
        values[layer.name] = image


def _rule(layer: KerasLayer) -> Any:
    if layer.kind not in RULES:
        lambda_ = layer.kind == "Lambda"
        why = "whose meaning is in a program, not in the file" if lambda_ or ">" in layer.kind else ""
        raise UnsupportedLayer(layer.name, layer.kind, why=why)
    return RULES[layer.kind]


@contextmanager
def _named(layer: KerasLayer) -> Generator[None, None, None]:
    """Settings that are missing, or do not fit what the layer is given, say whose they are."""
    try:
        yield
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as error:
        why = f"Layer {layer.name!r} of kind {layer.kind!r} does not fit what it is given: {error}."
        raise UnreadableModel(why, "The file is damaged, or of a Keras that is not known.") from error
