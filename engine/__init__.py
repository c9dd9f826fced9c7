"""Catflap's engine: cut, run, train and save Core ML models; watch folders; keep verdicts. It knows no terminal.

    import engine
    model = engine.open_model("CatDog.mlmodel")         # any system, not only Apple's
    model.predict({"image": picture})                   # what coremltools' MLModel.predict gives
    features = model.features(pixels)                   # the frozen backbone, once per image
    lesson = model.lesson(features, labels, anchors)    # a label for each row of features
    for event in model.train(lesson):
        ...                                             # EpochEnded, ...; the last one is Retrained
    better = model.with_head(event.head)                # better.file.data: the new .mlmodel

A folder with a model, its verdicts and its versions is a `Workspace`. Everything is loaded at first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors import CatflapError
    from engine.journal import Journal, Verdict
    from engine.model import Model, open_model
    from engine.trainers import TRAINERS, Lesson, Settings
    from engine.workspace import Workspace

__all__ = [
    "TRAINERS",
    "CatflapError",
    "Journal",
    "Lesson",
    "Model",
    "Settings",
    "Verdict",
    "Workspace",
    "open_model",
]

_HOMES = {
    "CatflapError": "engine.errors",
    "Journal": "engine.journal",
    "Lesson": "engine.trainers",
    "Model": "engine.model",
    "Settings": "engine.trainers",
    "TRAINERS": "engine.trainers",
    "Verdict": "engine.journal",
    "Workspace": "engine.workspace",
    "open_model": "engine.model",
}


def __getattr__(name: str) -> Any:
    """Load a public name's module when it is first asked for: the app paints before anything heavy is imported."""
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
