"""Write layers and whole models of the format from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engine.errors import BadSetting
from engine.spec.interface import COLORS
from engine.spec.schema import Model
from engine.spec.validate.inputs import FIRST_UPDATABLE

COLOR_NUMBERS = {color: number for number, color in COLORS.items()}


@dataclass(frozen=True)
class Picture:
    """The image that a model takes: `scale * pixel + bias`, with pixels from 0 to 255 and the bias by colour."""

    name: str
    width: int
    height: int
    color: str = "RGB"
    scale: float = 1.0
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Red, green, blue; the first one alone counts for grey."""


def classifier(picture: Picture, labels: Sequence[str], probabilities: str = "labelProbability") -> Any:
    """A protobuf `Model`: a classifier of images, without layers yet; give them to `Layers(model.neuralNetworkClassifier)`.

    The last layer's output is to be called `probabilities`. Raises BadSetting for labels that are fewer than two, empty or
    said twice.
    """
    if len(labels) < 2 or len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
        raise BadSetting(f"The labels are {', '.join(map(repr, labels)) or 'none'}.", "Give two or more, all different.")
    model = Model(specificationVersion=FIRST_UPDATABLE)
    said = model.description
    image = said.input.add(name=picture.name).type.imageType
    image.width, image.height, image.colorSpace = picture.width, picture.height, COLOR_NUMBERS[picture.color]
    said.output.add(name=probabilities).type.dictionaryType.stringKeyType.SetInParent()
    said.output.add(name="label").type.stringType.SetInParent()
    said.predictedFeatureName, said.predictedProbabilitiesName = "label", probabilities
    network = model.neuralNetworkClassifier
    network.stringClassLabels.vector.extend(labels)
    network.labelProbabilityLayerName = probabilities
    scaler = network.preprocessing.add(featureName=picture.name).scaler
    scaler.channelScale = picture.scale
    if picture.color == "GRAYSCALE":
        scaler.grayBias = picture.bias[0]
    else:
        scaler.redBias, scaler.greenBias, scaler.blueBias = picture.bias
    return model


class Layers:
    """Adds layers to a network message, one behind the other."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def add(
        self, kind: str, name: str, inputs: str | Sequence[str], output: str | Sequence[str] = "", **fields: Any
    ) -> str:
        """Add one layer of `kind` with the fields of its message; gives back the name of its first output.

        A field's value is a number, a text, a sequence of them, a NumPy array for weights (kept as float32), or a mapping
        of fields for a message inside. The output is called as the layer where `output` is left out.
        """
        layer = self.network.layers.add(name=name)
        layer.input.extend([inputs] if isinstance(inputs, str) else inputs)
        layer.output.extend([output or name] if isinstance(output, str) else output)
        parameters = getattr(layer, kind)
        parameters.SetInParent()
        fill(parameters, fields)
        return layer.output[0]


def fill(message: Any, fields: Mapping[str, Any]) -> None:
    """Set fields of a protobuf message; see `Layers.add` for the values."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            getattr(message, name).SetInParent()
            fill(getattr(message, name), cast(Mapping[str, Any], value))
        elif isinstance(value, np.ndarray):
            numbers: Any = np.asarray(value, np.float32).ravel().tolist()
            getattr(message, name).floatValue.extend(numbers)
        elif isinstance(value, str | int | float):
            setattr(message, name, value)
        else:
            _extend(getattr(message, name), list(value))


def _extend(repeated: Any, values: Sequence[Any]) -> None:
    for value in values:
        if isinstance(value, Mapping):
            fill(repeated.add(), cast(Mapping[str, Any], value))
        else:
            repeated.append(value)
