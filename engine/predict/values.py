"""Feature values: what a person gives for an input, and what comes back for an output."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadInput, UnsupportedModel
from engine.images import as_picture
from engine.spec.describe import Description
from engine.spec.interface import ArrayFeature, Feature, ImageFeature, ValueFeature, words_of

Array = NDArray[Any]
Values = Mapping[str, Any]


class Predictor(Protocol):
    """One model, ready to answer."""

    def answer(self, values: Values) -> dict[str, Any]:
        """Outputs by name, from inputs by name. Raises BadInput for what does not fit."""
        ...


def input_array(feature: Feature, values: Values) -> Array | None:
    """An input as an array: pixels (height, width, channels), or numbers; None where it is optional and not given.

    Raises BadInput where it is missing, or is no array.
    """
    if values.get(feature.name) is None:
        if feature.optional:
            return None
        raise BadInput(f"The model's input {feature.name!r} is missing.")
    given = values[feature.name]
    if isinstance(feature, ImageFeature):
        return _pixels(feature, given)
    try:
        return np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise BadInput(f"Input {feature.name!r} is of {type(given).__name__}, where numbers belong.") from error


def refuse_unknown(inputs: tuple[Feature, ...], values: Values) -> None:
    """Raise BadInput for a value that the model has no input for."""
    names = [each.name for each in inputs]
    for name in values:
        if name not in names:
            raise BadInput(f"The model has no input {name!r}.", f"It has {', '.join(names)}.")


def _pixels(feature: ImageFeature, value: Any) -> Array:
    """(height, width, channels) in the blob's order of channels; nothing is resized, as in Core ML. Alpha is left out."""
    array = np.asarray(value)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim == 3 and array.shape[2] == 4 and feature.channels == 3:
        array = array[:, :, :3]
    if array.ndim != 3 or not feature.admits(array.shape):
        raise BadInput(
            f"Input {feature.name!r} is {words_of(array.shape)}, but the model takes images of "
            f"{feature.width} x {feature.height} in {feature.color}.",
            "Resize it first, and convert it to mode RGB or L.",
        )
    return array[:, :, ::-1] if feature.color == "BGR" else array


def output_value(feature: Feature, values: Array, of_image: bool) -> Any:
    """A blob as the model declares it: an array of its type, an image, or a single number.

    An array that is made of an image comes in the declared shape where that differs only by axes of size 1. float16 reaches
    Python as float32, as from Core ML.
    """
    match feature:
        case ImageFeature():
            return as_picture(values.reshape(values.shape[-3:] if values.ndim > 2 else (1, *values.shape)), feature.color)
        case ArrayFeature():
            if of_image and feature.shape and _without_ones(values.shape) == _without_ones(feature.shape):
                values = values.reshape(feature.shape)
            return values.astype({"float64": np.float64, "int32": np.int32}.get(feature.dtype, np.float32))
        case ValueFeature(kind="int64"):
            return round(float(values.reshape(-1)[0]))
        case ValueFeature():
            return float(values.reshape(-1)[0])


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def require_labelled(labels: Sequence[Any], numbers: int) -> None:
    """Raise UnsupportedModel unless there is a label for each number."""
    if len(labels) != numbers or not numbers:
        raise UnsupportedModel(f"The model has {len(labels)} labels, but gives {numbers} numbers for them.")


def labelled(said: Description, labels: Sequence[Any], numbers: Array) -> dict[str, Any]:
    """The label with the largest number, and all numbers by label; of labels that are said twice, the first one's.

    Raises UnsupportedModel where they are not as many as each other.
    """
    require_labelled(labels, numbers.size)
    numbers = numbers.reshape(-1)
    answer: dict[str, Any] = {said.predicted_label: labels[int(numbers.argmax())]}
    if said.predicted_probabilities:
        found: dict[Any, float] = {}
        for label, number in zip(labels, map(float, numbers), strict=True):
            found.setdefault(label, number)
        answer[said.predicted_probabilities] = found
    return answer
