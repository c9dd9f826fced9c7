"""TRAINERS: name -> a generator of events, the last of which carries the new head."""

from collections.abc import Callable, Iterator, Mapping

from engine.errors import BadSetting, CannotTrain
from engine.events import Event
from engine.spec.training import Training
from engine.trainers.auto import auto
from engine.trainers.diverging import teachable, watched
from engine.trainers.edit import edit
from engine.trainers.fit import fit
from engine.trainers.lesson import Lesson, Settings
from engine.trainers.remember import remember
from engine.trainers.sgd import plain, sgd

__all__ = ["TRAINERS", "Lesson", "Settings", "Trainer", "trained"]

Trainer = Callable[[Lesson, Training, Settings], Iterator[Event]]

TRAINERS: Mapping[str, Trainer] = {
    "auto": auto,
    "edit": edit,
    "fit": fit,
    "sgd": sgd,
    "plain": plain,
}


def trained(name: str, training: Training | None, lesson: Lesson, settings: Settings) -> Iterator[Event]:
    """What the trainer `name` says while it trains the lesson's head; the last event is `Retrained`.

    Raises BadSetting where there is no such trainer, or the head has no use for it, and CannotTrain, at the batch that
    does it, where numbers stop being finite.
    """
    if name not in TRAINERS:
        raise BadSetting(f"There is no trainer {name!r}.", f"There are {', '.join(TRAINERS)}.")
    if lesson.keeps is not None:
        if name != "auto":
            raise BadSetting(f"The trainer {name!r} fits weights, but the model keeps samples.", "Leave --trainer out.")
        return remember(lesson, lesson.keeps)
    if training is None:
        raise CannotTrain("The model does not say how it is trained.")
    lesson = teachable(lesson)
    return watched(TRAINERS[name](lesson, training, settings))
