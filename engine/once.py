"""A model and some files, with nothing kept: what the commands `predict` and `train` do."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.aside import Aside, parted
from engine.augment import view_keys, viewed, views_of
from engine.decoders import Decoders
from engine.errors import BadLabels
from engine.events import NO_ANSWER, Event, FeaturesRead, ImageSkipped, ModelSaved, Retrained
from engine.journal import EXCLUDED, HELD
from engine.labels import Labelled, refuse_contradictions
from engine.limits import USUAL, Limits
from engine.measuring import held
from engine.model import Model
from engine.provenance import provenance
from engine.reading import Reading, readings
from engine.spec.file import write
from engine.trainers import Lesson, Settings


@dataclass(frozen=True, eq=False)
class Predicted:
    """What became of one file."""

    name: str
    probabilities: NDArray[np.float32]
    """(labels,); empty where there is a problem."""
    problem: str = ""


def predict(model: Model, files: Mapping[str, Path], decoders: Decoders | None = None) -> Iterator[Predicted]:
    """Predict files by name, in order; of a regressor, the probabilities are its outputs."""
    for batch in readings(files, model.image, model.features, decoders or Decoders()):
        found = _features(model, batch)
        rows = iter(model.probabilities(found) if len(found) else ())
        yield from (_predicted(each, rows) for each in batch)


def _predicted(read: Reading, rows: Iterator[NDArray[np.float32]]) -> Predicted:
    """The next of `rows`, unless the file could not be read."""
    row = np.zeros(0, np.float32) if read.problem else next(rows)
    problem = read.problem or ("" if np.isfinite(row).all() else NO_ANSWER)
    return Predicted(read.name, row[:0] if problem else row, problem)


def train(
    model: Model,
    labelled: Mapping[str, Labelled],
    anchors: Mapping[str, Path],
    trainer: str,
    settings: Settings,
    limits: Limits = USUAL,
) -> Iterator[Event]:
    """Train on labelled files, while `anchors` keep their predictions; the last event is `Retrained`.

    Files that are held out or excluded are in no way trained on; it tells how both models do on those that are held out.
    Raises BadLabels for contradictions, and CannotTrain.
    """
    model.require_trainable()
    files = {f"label {name}": each.file for name, each in labelled.items()} | {f"other {n}": f for n, f in anchors.items()}
    contents: dict[str, bytes] = {}
    kept: dict[bytes, NDArray[np.float32]] = {}
    done = 0
    for batch in readings(files, model.image, model.features, Decoders(limits)):
        for each, row in zip([r for r in batch if not r.problem], _features(model, batch), strict=True):
            kept[each.content], contents[each.name] = row, each.content
        yield from (ImageSkipped(each.name.split(" ", 1)[1], each.problem) for each in batch if each.problem)
        done += len(batch)
        yield FeaturesRead(done, len(files), 0)
    named = {name: contents[f"label {name}"] for name in labelled if f"label {name}" in contents}
    refuse_contradictions(labelled, named)
    labels, aside = _shared_out(labelled, named)
    lesson = _lesson(model, labels, aside, kept)
    own = {content: labelled[name].file for name, content in named.items() if content in labels}
    learned = {content: own[content] for content in labels}
    lesson = yield from _with_views(model, lesson, learned, settings.augment, limits)
    for event in model.train(lesson, trainer, settings):
        if isinstance(event, Retrained):
            event = replace(event, augment=settings.augment)
            if aside.held:
                features = np.stack([kept[content] for content in aside.held])
                event = replace(event, held=held(model, event.head, features, list(aside.held.values())))
        yield event


def save(model: Model, result: Retrained, out: Path, probes: NDArray[np.float32], trainer: str, at: float) -> ModelSaved:
    """Write the model with the trained head to `out`, if the file, read back, predicts `probes` as the head does.

    Its metadata say how it was trained, at `at` in Unix seconds.

    Raises ModelError if it does not; FolderError if `out` cannot be written. Either way, `out` is as it was.
    """
    data = model.bytes_with(result.head, provenance(result, trainer, at, 1))
    write(out, data, lambda saved: model.reopened(saved).require_same(result.head, probes))
    return ModelSaved(out, 1, result.before, result.after, result.held)


def probe_features(model: Model, files: Mapping[str, Path], limits: Limits = USUAL) -> NDArray[np.float32]:
    """(n, ...): features of the first few files that can be read, to compare a saved model on."""
    batches = readings(files, model.image, model.features, Decoders(limits))
    return next((_features(model, batch) for batch in batches), np.zeros((0, 1), np.float32))


def _features(model: Model, batch: list[Reading]) -> NDArray[np.float32]:
    found = [each.features for each in batch if each.features is not None]
    return np.stack(found) if found else np.zeros((0, *model.backbone.shape), np.float32)


def _with_views(
    model: Model, lesson: Lesson, files: Mapping[bytes, Path], augment: str, limits: Limits
) -> Generator[Event, None, Lesson]:
    """The lesson of these files, by content and in its order, with other views of them."""
    keys, of = view_keys(list(files), views_of(augment))
    if not keys:
        return lesson
    found: dict[bytes, NDArray[np.float32]] = {}
    for some in viewed(files, model.image, model.features, views_of(augment), Decoders(limits)):
        found |= some
        yield FeaturesRead(len(found), len(keys), 0, "view")
    made = np.array([key in found for key in keys], np.bool_)
    rows = [found[key] for key in keys if key in found]
    return lesson.with_views(np.stack(rows), of[made]) if rows else lesson


def _shared_out(labelled: Mapping[str, Labelled], named: Mapping[str, bytes]) -> tuple[dict[bytes, str], Aside]:
    """The labels to learn, by content, and what is set aside; of copies, one that is held out counts for all."""
    held, excluded = ({c for name, c in named.items() if labelled[name].kind == kind} for kind in (HELD, EXCLUDED))
    return parted({content: labelled[name].label for name, content in named.items()}, held, excluded)


def _lesson(model: Model, labels: Mapping[bytes, str], aside: Aside, kept: Mapping[bytes, NDArray[np.float32]]) -> Lesson:
    if not labels:
        raise BadLabels("None of the labelled images can be read.")
    rest = [row for content, row in kept.items() if content not in labels and content not in aside.untouched]
    features = np.stack([kept[content] for content in labels])
    return model.lesson(features, list(labels.values()), np.stack(rest) if rest else None)
