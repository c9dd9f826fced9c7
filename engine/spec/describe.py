"""A model's description as plain values: inputs, outputs, labels, layers, update parameters."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.room import LAYERS
from engine.spec.interface import ArrayFeature, Feature, ImageFeature, ValueFeature, feature_of
from engine.spec.neighbors import Neighbors, read_neighbors
from engine.spec.training import Allowed, Training, training_of

__all__ = [
    "CONTROL",
    "INNER",
    "NETWORKS",
    "PIPELINES",
    "Allowed",
    "Array",
    "ArrayFeature",
    "Description",
    "Feature",
    "ImageFeature",
    "Layer",
    "Network",
    "Part",
    "Preprocessing",
    "Training",
    "ValueFeature",
    "describe",
    "every_layer",
    "inner_networks",
    "layers_of",
]

Array = NDArray[Any]

NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")
INNER = {"branch": ("ifBranch", "elseBranch"), "loop": ("conditionNetwork", "bodyNetwork")}
"""Kinds of layers that hold networks, and their fields for them."""
CONTROL = (*INNER, "loopBreak", "loopContinue")
"""Kinds of layers that decide what runs next; their blobs are those of the network around."""
DEEPEST = 8
"""Pipelines inside pipelines; more is a damaged file, or a link that leads back to itself."""


@dataclass(frozen=True)
class Preprocessing:
    """`scale * x + bias`, then minus `mean`; bias by channel in the blob's order."""

    scale: float = 1.0
    bias: tuple[float, ...] = ()
    mean: Array | None = field(default=None, compare=False)
    """(channels, height, width)"""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a network."""

    name: str
    kind: str
    """The name of the format's oneof member: `convolution`, `innerProduct`, ..."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    updatable: bool
    parameters: Any
    """The format's own message of this kind, read by attribute, never changed."""

    @property
    def variant(self) -> str:
        """For an activation, which: `ReLU`, `sigmoid`, ...; else empty."""
        return self.parameters.WhichOneof("NonlinearityType") or "" if self.kind == "activation" else ""

    @property
    def full_kind(self) -> str:
        """`activation.ReLU` for activations, else the kind."""
        return f"{self.kind}.{self.variant}" if self.variant else self.kind


@dataclass(frozen=True, eq=False)
class Network:
    """A neural network as the format describes it."""

    layers: tuple[Layer, ...]
    preprocessing: Mapping[str, Preprocessing]
    """By image input."""
    legacy_arrays: bool
    """Array inputs `[C]` and `[C,H,W]` become rank 5 `(sequence, batch, C, H, W)`."""
    legacy_images: bool
    """Image inputs become rank 5, not rank 4."""
    labels: tuple[str, ...] | tuple[int, ...]
    """In the order of the probabilities; empty where the network is no classifier."""
    probabilities: str
    """The blob that holds the probabilities of a classifier."""
    training: Training | None


@dataclass(frozen=True, eq=False)
class Description:
    """All that a model file says of itself."""

    kind: str
    """The name of the format's oneof member: `neuralNetworkClassifier`, `pipeline`, ..."""
    version: int
    updatable: bool
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    predicted_label: str
    """The output that holds the label; empty where there is none."""
    predicted_probabilities: str
    network: Network | None
    """None where the model is of another kind."""
    metadata: Mapping[str, str]
    payload: Any = None
    """The format's own message of this kind, read by attribute, never changed."""
    neighbors: Neighbors | None = None
    """Of a k-nearest-neighbours classifier."""
    parts: tuple["Part", ...] = ()
    """The models of a pipeline, in order; the model that a link leads to."""

    @property
    def chain(self) -> tuple["Description", ...]:
        """This model, its last part, the last part of that one, and so on."""
        return (self, *(self.parts[-1].description.chain if self.parts else ()))

    @property
    def last(self) -> "Description":
        """The model that answers in the end: this one, or the last one of a pipeline, however deep."""
        return self.chain[-1]

    @property
    def linked(self) -> bool:
        """Whether a link leads to the last one, so that it is in another file."""
        return any(each.kind == "linkedModel" for each in self.chain)

    @property
    def answers(self) -> tuple[str, str]:
        """The outputs for the label and for the probabilities, which are no blobs; empty where there are none."""
        return self.predicted_label, self.predicted_probabilities

    @property
    def image(self) -> ImageFeature | None:
        """The only image input, or None."""
        images = [each for each in self.inputs if isinstance(each, ImageFeature)]
        return images[0] if len(images) == 1 else None


@dataclass(frozen=True, eq=False)
class Part:
    """One model inside another."""

    name: str
    """As the pipeline calls it, or its number."""
    description: Description


Link = Callable[[Any], Description]
"""The model that a `LinkedModelFile` message leads to."""


def no_link(message: Any) -> Description:
    """Where there is no folder to look in."""
    name = message.linkedModelFileName.defaultValue
    raise UnreadableModel(f"The model is linked to {name!r}, which lies beside it.", "Open the model from its file.")


def describe(model: Any, link: Link = no_link, depth: int = 0) -> Description:
    """Turn a protobuf `Model` into a description. Raises UnreadableModel for pipelines without an end."""
    if depth > DEEPEST:
        raise UnreadableModel(f"The model holds models inside models, more than {DEEPEST} deep.")
    kind = model.WhichOneof("Type") or "nothing"
    payload = getattr(model, kind) if kind != "nothing" else None
    said = model.description
    inputs = tuple(map(feature_of, said.input))
    network = _network(payload, kind, inputs) if kind in NETWORKS else None
    return Description(
        kind=kind,
        version=model.specificationVersion,
        updatable=model.isUpdatable,
        inputs=inputs,
        outputs=tuple(map(feature_of, said.output)),
        predicted_label=said.predictedFeatureName,
        predicted_probabilities=said.predictedProbabilitiesName,
        network=network,
        metadata={
            "author": said.metadata.author,
            "description": said.metadata.shortDescription,
            "version": said.metadata.versionString,
            "license": said.metadata.license,
            **dict(sorted(said.metadata.userDefined.items())),
        },
        payload=payload,
        neighbors=read_neighbors(payload) if kind == "kNearestNeighborsClassifier" else None,
        parts=tuple(_parts(payload, kind, link, depth + 1)),
    )


def _parts(payload: Any, kind: str, link: Link, depth: int) -> Iterator[Part]:
    if kind == "linkedModel":
        yield Part(payload.linkedModelFile.linkedModelFileName.defaultValue, link(payload.linkedModelFile))
    if kind in PIPELINES:
        pipeline = payload if kind == "pipeline" else payload.pipeline
        names = [*pipeline.names] or [f"number {at + 1}" for at in range(len(pipeline.models))]
        for name, model in zip(names, pipeline.models, strict=False):
            yield Part(name, describe(model, link, depth))


def _network(network: Any, kind: str, inputs: tuple[Feature, ...]) -> Network:
    layers = layers_of(network)
    labels: tuple[str, ...] | tuple[int, ...] = ()
    probabilities = ""
    if kind == "neuralNetworkClassifier":
        which = network.WhichOneof("ClassLabels")
        labels = tuple(getattr(network, which).vector) if which else ()
        last = layers[-1].outputs[0] if layers and layers[-1].outputs else ""
        probabilities = network.labelProbabilityLayerName or last
    return Network(
        layers=layers,
        preprocessing=_preprocessing(network.preprocessing, inputs),
        legacy_arrays=network.arrayInputShapeMapping == 0,
        legacy_images=network.imageInputShapeMapping == 0,
        labels=labels,
        probabilities=probabilities,
        training=training_of(network.updateParams) if network.HasField("updateParams") else None,
    )


def layers_of(network: Any) -> tuple[Layer, ...]:
    """The layers of a network message; also of those inside branches and loops. Raises UnreadableModel for too many."""
    if len(network.layers) > LAYERS:
        raise UnreadableModel(f"The network has {len(network.layers):,} layers; {LAYERS:,} are the most.")
    return tuple(map(_layer, network.layers))


def inner_networks(layer: Layer) -> tuple[Any, ...]:
    """The network messages inside a branch or a loop."""
    names = INNER.get(layer.kind, ())
    return tuple(getattr(layer.parameters, name) for name in names if layer.parameters.HasField(name))


def every_layer(network: Any) -> Iterator[Layer]:
    """The layers of a network message, those in branches and loops included."""
    for layer in layers_of(network):
        yield layer
        for inner in inner_networks(layer):
            yield from every_layer(inner)


def _layer(layer: Any) -> Layer:
    kind = layer.WhichOneof("layer") or "nothing"
    parameters = getattr(layer, kind) if kind != "nothing" else None
    return Layer(layer.name, kind, tuple(layer.input), tuple(layer.output), layer.isUpdatable, parameters)


def _preprocessing(entries: Any, inputs: tuple[Feature, ...]) -> dict[str, Preprocessing]:
    """By input name; an entry without a name belongs to the only image input."""
    images = {each.name: each for each in inputs if isinstance(each, ImageFeature)}
    only = next(iter(images)) if len(images) == 1 else ""
    found: dict[str, Preprocessing] = {}
    for entry in entries:
        image = images.get(entry.featureName or only)
        if image is None:
            continue
        before = found.get(image.name, Preprocessing())
        if entry.WhichOneof("preprocessor") == "scaler":
            found[image.name] = Preprocessing(entry.scaler.channelScale, _bias(entry.scaler, image), before.mean)
        else:
            shape = (image.channels, image.height, image.width)
            mean = np.array(entry.meanImage.meanImage, np.float32)
            if mean.size != prod(shape):
                wanted = " x ".join(map(str, shape))
                raise UnreadableModel(f"The mean image of {image.name!r} holds {mean.size} numbers, not {wanted}.")
            found[image.name] = Preprocessing(before.scale, before.bias, mean.reshape(shape))
    return found


def _bias(scaler: Any, image: ImageFeature) -> tuple[float, ...]:
    by_order = {
        "RGB": (scaler.redBias, scaler.greenBias, scaler.blueBias),
        "BGR": (scaler.blueBias, scaler.greenBias, scaler.redBias),
    }
    return by_order.get(image.color, (scaler.grayBias,))
