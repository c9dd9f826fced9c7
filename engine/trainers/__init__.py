"""TRAINERS: name -> a generator of events, the last of which carries the new head."""

from collections.abc import Callable, Iterator, Mapping

from engine.events import Event
from engine.spec.describe import Training
from engine.trainers.auto import auto
from engine.trainers.edit import edit
from engine.trainers.fit import fit
from engine.trainers.lesson import Lesson, Settings
from engine.trainers.sgd import plain, sgd

__all__ = ["TRAINERS", "Lesson", "Settings", "Trainer"]

Trainer = Callable[[Lesson, Training, Settings], Iterator[Event]]

TRAINERS: Mapping[str, Trainer] = {
    "auto": auto,
    "edit": edit,
    "fit": fit,
    "sgd": sgd,
    "plain": plain,
}
