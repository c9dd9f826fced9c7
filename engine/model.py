"""A model, opened: predict from inputs, or in two steps, pixels to features and features to probabilities."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.backbone import Backbone
from engine.errors import BadInput, CannotTrain, ModelError, UnsupportedModel
from engine.features import backbone_key
from engine.head import Head
from engine.spec.describe import ArrayFeature, Description, ImageFeature, Layer, Network, ValueFeature
from engine.spec.file import ModelFile, read
from engine.spec.split import Cut, split
from engine.spec.update import with_head

CLOSE = 1e-4
"""The largest difference in probability that a saved model may show."""
READER_VERSION = b"1"
"""Part of every feature's key: to be raised when pixels or translated layers come out differently."""


class Model:
    """One neural network. A model is never changed; `with_head` makes another one."""

    def __init__(self, file: ModelFile, backbone: Backbone | None = None) -> None:
        """Raises UnsupportedModel for kinds of models other than neural networks."""
        self.file = file
        if file.description.network is None:
            raise UnsupportedModel(
                f"{file.name!r} is of kind {file.description.kind!r}.", "Catflap runs neural networks of Core ML."
            )
        self._given_backbone = backbone

    @property
    def description(self) -> Description:
        """What the file says of itself."""
        return self.file.description

    @property
    def network(self) -> Network:
        """The layers."""
        network = self.file.description.network
        assert network is not None
        return network

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """In the order of the probabilities; empty where the model is no classifier."""
        return tuple(map(str, self.network.labels))

    @cached_property
    def cut(self) -> Cut:
        """Backbone and head."""
        return split(self.network, self.description.updatable, tuple(each.name for each in self.description.outputs))

    @property
    def head(self) -> Head:
        """The chain of layers that training changes."""
        return self.cut.head

    @cached_property
    def backbone(self) -> Backbone:
        """The frozen layers, ready to run."""
        return self._given_backbone or Backbone(
            self.network, self.description.inputs, self.cut.backbone, (self.cut.features,)
        )

    @cached_property
    def backbone_key(self) -> str:
        """A name for everything that an image's features depend on."""
        parts = [READER_VERSION, repr(self.description.inputs).encode(), self.cut.features.encode()]
        parts.append(repr((self.network.legacy_arrays, self.network.legacy_images)).encode())
        for name, each in sorted(self.network.preprocessing.items()):
            mean = b"" if each.mean is None else each.mean.tobytes()
            parts += [name.encode(), repr((each.scale, each.bias)).encode(), mean]
        return backbone_key(*parts, *(part for layer in self.cut.backbone for part in _bytes_of(layer)))

    @property
    def image(self) -> ImageFeature:
        """The image that the model takes. Raises UnsupportedModel if it does not take exactly one."""
        image = self.description.image
        if image is None or len(self.description.inputs) != 1:
            raise UnsupportedModel(f"{self.file.name!r} does not take exactly one image.", "Catflap shows photographs.")
        return image

    def require_classifier(self) -> None:
        """Raise UnsupportedModel unless the model gives an image one of at least two labels."""
        _ = self.image
        if len(self.labels) < 2:
            raise UnsupportedModel(f"{self.file.name!r} is no classifier.", "Catflap labels images.")

    def require_trainable(self) -> None:
        """Raise CannotTrain with the reason if nothing can be trained."""
        if self.cut.why_not:
            raise CannotTrain(self.cut.why_not, "`catflap inspect` shows the layers.")

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, height, width, channels) to (n, ...): what the frozen layers make of images."""
        return self.backbone.features(pixels)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, ...) to (n, labels)."""
        return self.head.probabilities(features).reshape(len(features), -1)

    def with_head(self, head: Head) -> "Model":
        """The same model with other weights in its head; the backbone is shared."""
        return Model(ModelFile(with_head(self.file, head), self.file.name), self.backbone)

    def reopened(self, file: ModelFile) -> "Model":
        """The model in `file`, with this one's backbone if that is the same."""
        other = Model(file)
        return Model(file, self.backbone) if other.backbone_key == self.backbone_key else other

    def require_same(self, head: Head, features: NDArray[np.float32]) -> None:
        """Raise ModelError unless this model predicts `features` as `head` does."""
        if not len(features):
            return
        apart = np.abs(self.probabilities(features) - head.probabilities(features).reshape(len(features), -1)).max()
        if not apart <= CLOSE:
            raise ModelError(f"The saved model differs from the trained one by {apart:.2g}.", "The old one stays.")

    def predict(self, data: Any) -> Any:
        """Answer as `MLModel.predict` of coremltools does on a Mac.

        A dict of input name to array or PIL image gives a dict of output name to label, dict of probabilities, or array;
        a list of dicts gives a list. Raises BadInput for what does not fit.
        """
        if isinstance(data, Mapping):
            return self._predict_one(cast(Mapping[str, Any], data))
        return [self._predict_one(each) for each in cast(Sequence[Mapping[str, Any]], data)]

    @cached_property
    def _whole(self) -> Backbone:
        return Backbone(self.network, self.description.inputs, self.network.layers, self._output_blobs, batch=False)

    @cached_property
    def _output_blobs(self) -> tuple[str, ...]:
        blobs = [self.network.probabilities] if self.network.labels else []
        predicted = (self.description.predicted_label, self.description.predicted_probabilities)
        classifies = bool(self.network.labels)
        return (*blobs, *(o.name for o in self.description.outputs if not (classifies and o.name in predicted)))

    def _predict_one(self, data: Mapping[str, Any]) -> dict[str, Any]:
        inputs = {each.name: _fitted(each, data) for each in self.description.inputs}
        unknown = set(data) - set(inputs)
        if unknown:
            raise BadInput(f"The model has no input {min(unknown)!r}.", f"It has {', '.join(inputs)}.")
        found = self._whole.run(inputs)
        answer: dict[str, Any] = {}
        for each in self.description.outputs:
            if each.name in found and isinstance(each, ArrayFeature):
                answer[each.name] = _declared(found[each.name], each, self.description.image is not None)
        if self.network.labels:
            flat = found[self.network.probabilities].reshape(-1)
            labels = self.network.labels
            answer[self.description.predicted_label] = labels[int(flat.argmax())]
            if self.description.predicted_probabilities:
                shares = dict(zip(labels, map(float, flat), strict=True))
                answer[self.description.predicted_probabilities] = shares
        return answer


def open_model(model: Any) -> Model:
    """Open a model from a path, from bytes, or from a protobuf `Model`. Raises ModelError."""
    if isinstance(model, str | Path):
        return Model(read(Path(model)))
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return Model(ModelFile(data, "the model"))


def _bytes_of(layer: Layer) -> tuple[bytes, ...]:
    names = repr((layer.kind, layer.inputs, layer.outputs)).encode()
    return names, layer.parameters.SerializeToString(deterministic=True)


def _fitted(feature: ImageFeature | ArrayFeature | ValueFeature, data: Mapping[str, Any]) -> NDArray[Any]:
    if feature.name not in data:
        raise BadInput(f"The model's input {feature.name!r} is missing.")
    if isinstance(feature, ImageFeature):
        return _pixels(feature, data[feature.name])
    if isinstance(feature, ArrayFeature):
        return np.asarray(data[feature.name], np.float32)
    raise UnsupportedModel(f"Input {feature.name!r} is a {feature.kind}; a neural network takes images and arrays.")


def _pixels(feature: ImageFeature, value: Any) -> NDArray[Any]:
    """(height, width, channels) in the blob's order of channels; nothing is resized, as in Core ML."""
    array = np.asarray(value)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.shape != (feature.height, feature.width, feature.channels):
        raise BadInput(
            f"Input {feature.name!r} is {' x '.join(map(str, array.shape))}, but the model takes images of "
            f"{feature.width} x {feature.height} in {feature.color}.",
            "Resize it first, and convert it to mode RGB or L.",
        )
    return array[:, :, ::-1] if feature.color == "BGR" else array


def _declared(values: NDArray[np.float32], output: ArrayFeature, of_image: bool) -> NDArray[Any]:
    """In the type that the model declares; float16 reaches Python as float32.

    What is made of an image comes in the declared shape where that differs only by axes of size 1.
    """
    if of_image and output.shape and _without_ones(values.shape) == _without_ones(output.shape):
        values = values.reshape(output.shape)
    return values.astype({"float64": np.float64, "int32": np.int32}.get(output.dtype, np.float32))


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]
