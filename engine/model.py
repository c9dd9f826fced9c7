"""A model, opened: predict from inputs, or in two steps, pixels to features and features to probabilities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.backbone import Backbone
from engine.errors import BadLabels, CannotTrain, ModelError, UnsupportedModel
from engine.events import Event, ModelOpened
from engine.features import backbone_key
from engine.fitting import require_fitting
from engine.head import Head
from engine.head.neighbors import NeighborHead
from engine.predict import Predictor, predictor, require_portable
from engine.predict.pipeline import Pipeline
from engine.spec.describe import Description, Network
from engine.spec.file import ModelFile, read
from engine.spec.interface import ImageFeature
from engine.spec.metadata import with_metadata
from engine.spec.split import Cut, split_model
from engine.spec.update import with_head
from engine.spec.validate import require_sound
from engine.stages import Features, Identity, Stages, bytes_of
from engine.trainers import Lesson, Settings, trained

CLOSE = 1e-4
"""The largest difference in probability that a saved model may show."""
READER_VERSION = b"1"
"""Part of every feature's key: to be raised when pixels or translated layers come out differently."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What a lesson aims at."""

    values: NDArray[Any]
    """(n,) label numbers, or (n, outputs) numbers."""
    names: tuple[str, ...]
    """What the label numbers mean; empty for a regressor."""


def _numbers(labels: Sequence[str]) -> NDArray[np.float32]:
    """(n, outputs), from texts with spaces between numbers."""
    rows: list[list[float]] = []
    for label in labels:
        try:
            rows.append([float(each) for each in label.split()])
        except ValueError as error:
            raise BadLabels(f"The label {label!r} is no number, but the model gives numbers.") from error
        if len(rows[-1]) != len(rows[0]) or not rows[0]:
            raise BadLabels(f"The label {label!r} holds {len(rows[-1])} numbers, another one {len(rows[0])}.")
    return np.array(rows, np.float32)


class Model:
    """A neural network, nearest neighbours, or a pipeline. A model is never changed; `with_head` makes another one."""

    def __init__(self, file: ModelFile, backbone: Features | None = None) -> None:
        """Raises UnsupportedModel where a model has no portable meaning, UnreadableModel where it contradicts itself."""
        self.file = file
        require_portable(file.description)
        self._why_not = require_sound(file.message, file.description)
        self._given_backbone = backbone
        self._fits = False
        """Whether the head is known to fit what the backbone makes."""

    @property
    def description(self) -> Description:
        """What the file says of itself."""
        return self.file.description

    @property
    def network(self) -> Network:
        """The layers that training changes. Raises UnsupportedModel where the model, or a pipeline's last one, has none."""
        network = self.description.last.network
        if network is None:
            raise UnsupportedModel(f"{self.file.name!r} does not end in a neural network.")
        return network

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """In the order of the probabilities; empty where the model is no classifier."""
        last = self.description.last
        if last.neighbors is not None:
            assert isinstance(self.head, NeighborHead)
            return tuple(map(str, self.head.names))
        return tuple(map(str, last.network.labels)) if last.network is not None else ()

    @cached_property
    def cut(self) -> Cut:
        """Backbone and head. Raises UnsupportedModel for a kind that nothing is trained in."""
        cut = split_model(self.description)
        return replace(cut, why_not=cut.why_not or self._why_not)

    @property
    def head(self) -> Head | NeighborHead:
        """What training changes: a chain of layers, or stored samples."""
        return self.cut.head

    @cached_property
    def backbone(self) -> Features:
        """Everything before the head, ready to run."""
        return self._given_backbone or self._staged(self._last_backbone)

    @property
    def _last_backbone(self) -> Features:
        last = self.description.last
        if last.neighbors is not None:
            return Identity((last.neighbors.dimensions,))
        return Backbone(self.network, last.inputs, self.cut.backbone, (self.cut.features,))

    def _staged(self, last: Features) -> Features:
        """With the models of a pipeline before it, from the inside to the outside."""
        for said in reversed(self.description.chain[:-1]):
            last = Stages(said, Pipeline(said, predictor), last)
        return last

    @cached_property
    def backbone_key(self) -> str:
        """A name for everything that an image's features depend on."""
        parts = [READER_VERSION, repr(self.description.inputs).encode(), self.cut.features.encode()]
        *outer, last = self.description.chain
        parts += [content for said in outer for each in said.parts[:-1] for content in _contents(each.description)]
        if last.network is None:
            return backbone_key(*parts)
        parts.append(repr((last.network.legacy_arrays, last.network.legacy_images)).encode())
        for name, each in sorted(last.network.preprocessing.items()):
            mean = b"" if each.mean is None else each.mean.tobytes()
            parts += [name.encode(), repr((each.scale, each.bias)).encode(), mean]
        return backbone_key(*parts, *bytes_of(self.cut.backbone))

    @property
    def image(self) -> ImageFeature:
        """The image that the model takes. Raises UnsupportedModel if it does not take exactly one."""
        image = self.description.image
        if image is None or len(self.description.inputs) != 1:
            raise UnsupportedModel(f"{self.file.name!r} does not take exactly one image.", "Catflap shows photographs.")
        return image

    @property
    def classifies(self) -> bool:
        """Whether the model gives an image one of some labels."""
        return bool(self.labels) or self.learns_labels

    @property
    def learns_labels(self) -> bool:
        """Whether training may bring labels that the model does not have yet."""
        return self.description.last.neighbors is not None

    def opened(self, name: str, version: int, held_out: str) -> ModelOpened:
        """What there is to say of it as the present one, which is called so and is that version."""
        image, why = self.image, self.cut.why_not
        size = (image.width, image.height)
        return ModelOpened(name, self.labels, version, size, not why, why, self.learns_labels, held_out)

    def targets(self, labels: Sequence[str]) -> "Targets":
        """Labels as a trainer takes them: numbers of the model's labels, or, for a regressor, the wanted outputs.

        A label that the model does not have yet gets the next number, where the model learns labels. Raises BadLabels.
        """
        if not self.classifies:
            return Targets(_numbers(labels), ())
        names = tuple(dict.fromkeys((*self.labels, *(labels if self.learns_labels else ()))))
        number = {name: at for at, name in enumerate(names)}
        unknown = [label for label in labels if label not in number]
        if unknown:
            raise BadLabels(f"The model does not know the label {unknown[0]!r}.", f"It knows {', '.join(names)}.")
        return Targets(np.array([number[label] for label in labels], np.int64), names)

    def require_classifier(self) -> None:
        """Raise UnsupportedModel unless the model gives an image one of at least two labels, or learns new ones."""
        _ = self.image
        if len(self.labels) < 2 and not self.learns_labels:
            raise UnsupportedModel(f"{self.file.name!r} is no classifier.", "Catflap labels images.")

    def lesson(
        self, features: NDArray[np.float32], labels: Sequence[str], anchors: NDArray[np.float32] | None = None
    ) -> Lesson:
        """Features of images, a label for each, and features whose predictions are to be kept. Raises BadLabels."""
        self._require_fitting()
        targets = self.targets(labels)
        kept = features[:0] if anchors is None else anchors
        head = self.head
        outputs = head.logits(features[:1]).shape[1] if len(features) else 0
        if not self.classifies and len(features) and targets.values.shape[1] != outputs:
            raise BadLabels(f"The labels hold {targets.values.shape[1]} numbers each, but the model gives {outputs}.")
        if isinstance(head, NeighborHead):
            return Lesson(Head(()), features, targets.values, kept, targets.names, keeps=head)
        return Lesson(head, features, targets.values, kept, targets.names)

    def train(self, lesson: Lesson, trainer: str = "auto", settings: Settings | None = None) -> Iterator[Event]:
        """What `trainer` says while it trains; the last event is `Retrained`, with the new head.

        Raises CannotTrain, BadLabels or BadSetting.
        """
        self.require_trainable()
        network = self.description.last.network
        training = network.training if network is not None else None
        return trained(trainer, training, lesson, settings or Settings())

    def require_trainable(self) -> None:
        """Raise CannotTrain with the reason if nothing can be trained."""
        if self.cut.why_not:
            raise CannotTrain(self.cut.why_not, "`catflap inspect` shows the layers.")

    def features(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """(n, height, width, channels) to (n, ...): what the frozen layers make of images.

        Where the model takes one array instead, (n, ...) of these.
        """
        return self.backbone.features(pixels)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, ...) to (n, labels); a row of no numbers where the model gives none that are finite.

        Raises UnsupportedModel where head and features, or labels, do not fit each other.
        """
        self._require_fitting()
        found = self.head.probabilities(features).reshape(len(features), -1)
        found[~np.isfinite(found).all(axis=1)] = np.nan
        return found

    def _require_fitting(self) -> None:
        """Raise UnsupportedModel unless the head fits the features, and the labels what it gives."""
        network = self.description.last.network
        if not self._fits and network is not None:
            require_fitting(network, self.cut, self.backbone.shape, self.labels)
        self._fits = True

    def said(self, features: NDArray[np.float32], head: Head | NeighborHead) -> list[str]:
        """The label that `head`, this model's or one trained from it, gives each of (n, ...) features."""
        names = [str(name) for name in head.names] if isinstance(head, NeighborHead) else self.labels
        return [names[int(at)] for at in head.probabilities(features).reshape(len(features), -1).argmax(axis=1)]

    def bytes_with(self, head: Head | NeighborHead, said: Mapping[str, str] | None = None) -> bytes:
        """The model's file with other weights, or samples, in its head; what is `said` of it is in the metadata."""
        data = with_head(self.file, head)
        return with_metadata(data, said) if said else data

    def with_head(self, head: Head | NeighborHead) -> "Model":
        """The same model with other weights, or samples, in its head; the backbone is shared."""
        made = Model(ModelFile(self.bytes_with(head), self.file.name, self.file.folder), self.backbone)
        made._fits = self._fits
        return made

    def reopened(self, file: ModelFile) -> "Model":
        """The model in `file`, with this one's backbone if that is the same."""
        other = Model(file)
        if other.backbone_key == self.backbone_key:
            # Nobody has seen the other one yet; another of the same file would be parsed and checked again.
            other._given_backbone = self.backbone
        return other

    def require_same(self, head: Head | NeighborHead, features: NDArray[np.float32]) -> None:
        """Raise ModelError unless this model predicts `features` as `head` does."""
        if not len(features):
            return
        apart = np.abs(self.probabilities(features) - head.probabilities(features).reshape(len(features), -1)).max()
        if not apart <= CLOSE:
            raise ModelError(f"The saved model differs from the trained one by {apart:.2g}.", "The old one stays.")

    def predict(self, data: Any) -> Any:
        """Answer as `MLModel.predict` of coremltools does on a Mac.

        A dict of input name to array or PIL image gives a dict of output name to label, dict of probabilities, array or
        image; a list of dicts gives a list. Raises BadInput for what does not fit.
        """
        if isinstance(data, Mapping):
            return self._predictor.answer(cast(Mapping[str, Any], data))
        return [self._predictor.answer(each) for each in cast(Sequence[Mapping[str, Any]], data)]

    @cached_property
    def _predictor(self) -> Predictor:
        return predictor(self.description)


def _contents(said: Description) -> Iterator[bytes]:
    """All that a model holds; what it is linked to counts as well."""
    yield said.payload.SerializeToString(deterministic=True)
    for part in said.parts:
        yield from _contents(part.description)


def open_model(model: Any) -> Model:
    """Open a model from a path, from bytes, or from a protobuf `Model`. Raises ModelError."""
    if isinstance(model, str | Path):
        return Model(read(Path(model)))
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return Model(ModelFile(data, "the model"))
