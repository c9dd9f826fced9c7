"""What the engine said since the last look, as few changes of the session: each one costs something. No Textual here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from engine.events import BatchEnded, EpochEnded, Event, FeaturesRead, ImagesPredicted
from tui.after import LOSSES_KEPT
from tui.messages import Crashed, Ended, Failed, NotRunning, Said
from tui.session import Session

AT_ONCE = 20
"""Events that are folded together: more would be many images in memory at once, and would save little."""


def together(said: Iterable[Said]) -> Iterator[list[Event] | Ended | Failed | Crashed | NotRunning]:
    """In the order in which it was said, the engine's events in lists, of so many at most."""
    events: list[Event] = []
    for each in said:
        if isinstance(each, Ended | Failed | Crashed | NotRunning):
            yield events
            events = []
            yield each
        else:
            events.append(each)
        if len(events) == AT_ONCE:
            yield events
            events = []
    yield events


def after_all(session: Session, events: Sequence[Event]) -> Session:
    """What `session.after` gives event by event. A scan's events and a training's touch nothing of each other's."""
    kinds = (ImagesPredicted, FeaturesRead, BatchEnded, EpochEnded)
    for ordinary, group in groupby(events, lambda event: isinstance(event, kinds)):
        run = list(group)
        if ordinary:
            session = _trained(_scanned(session, run), run)
        else:
            for event in run:
                session = session.after(event)
    return session


def _scanned(session: Session, events: Sequence[Event]) -> Session:
    """All predictions at once; of how far the scan is, only the last word."""
    predicted = [event for event in events if isinstance(event, ImagesPredicted)]
    for _, group in groupby(predicted, lambda event: (event.version, event.probabilities.shape[1])):
        session = session.after(_merged(list(group)))
    read = [event for event in events if isinstance(event, FeaturesRead)]
    return session.after(read[-1]) if read else session


def _merged(events: Sequence[ImagesPredicted]) -> ImagesPredicted:
    """Where a picture is among them twice, the later one counts, as it does one by one."""
    if len(events) == 1:
        return events[0]
    return ImagesPredicted(
        tuple(path for event in events for path in event.paths),
        tuple(content for event in events for content in event.contents),
        tuple(time for event in events for time in event.modified_ns),
        np.concatenate([event.probabilities for event in events]),
        events[0].version,
    )


def _trained(session: Session, events: Sequence[Event]) -> Session:
    """Of batches that follow each other, all losses, and the rest of the last one alone."""
    training = (event for event in events if isinstance(event, BatchEnded | EpochEnded))
    for _, group in groupby(training, type):
        *before, last = group
        losses = tuple(event.loss for event in before if isinstance(event, BatchEnded))
        if losses:
            session = replace(session, losses=(*session.losses, *losses)[-LOSSES_KEPT:])
        session = session.after(last)
    return session
