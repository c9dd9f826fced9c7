"""Two versions of the model side by side: what each says of the same pictures, from features that are kept."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadSetting, CatflapError
from engine.events import ComparisonWorked, Event, VersionsCompared, VersionsNotCompared
from engine.model import Model

Kept = tuple[NDArray[np.bool_], NDArray[np.float32]]
"""(n,): which pictures have features; and the features of these, (those, ...)."""


def compared(
    first: int,
    second: int,
    opened: Callable[[int], Model],
    contents: Sequence[bytes],
    features: Callable[[Sequence[bytes]], Kept],
    block: int,
) -> Iterator[Event]:
    """Predict `contents` with both versions, `block` at a time; the last event is `VersionsCompared`.

    It is `VersionsNotCompared` where one of them cannot be `opened`. A picture whose features are lost meanwhile is
    one of which neither says anything.
    """
    total = len(contents)
    said = np.full((2, total), -1, np.int16)
    try:
        models: list[Model] = []
        for version in (first, second):
            yield ComparisonWorked(first, second, 0, total)
            models.append(opened(version))
        labels = tuple(dict.fromkeys(label for model in models for label in model.labels))
        for at in range(0, total, block):
            yield ComparisonWorked(first, second, at, total)
            there, found = features(contents[at : at + block])
            for row, model in zip(said, models, strict=True):
                row[at : at + block][there] = _numbers(model, found, labels)
    except CatflapError as error:
        yield VersionsNotCompared(first, second, f"{error.sentence} {error.hint}".strip())
        return
    yield VersionsCompared(first, second, tuple(contents), labels, said)


def _numbers(model: Model, features: NDArray[np.float32], labels: tuple[str, ...]) -> NDArray[np.int16]:
    """(n,): the numbers in `labels` of what the model says; -1 where it knows no label yet."""
    if not len(features) or not model.labels:
        return np.full(len(features), -1, np.int16)
    number = np.array([labels.index(label) for label in model.labels], np.int16)
    return number[model.probabilities(features).argmax(axis=1)]


def require_same_features(version: int, model: Model, present: Model) -> None:
    """Raise BadSetting where `model`, of that version, does not take the features that are kept for the present one."""
    if model.backbone_key != present.backbone_key:
        raise BadSetting(
            f"Version {version} has other frozen layers than the present model, so it sees other features.",
            "Only versions that share these layers can be compared.",
        )
