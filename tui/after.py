"""What each event of the engine makes of the session; FOLDS names a function for every one of them. No Textual here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine import events
from tui.comparison import Comparison, compared
from tui.evaluation import unseen
from tui.notices import live_begins, live_learned, saved_as
from tui.progress import Scan, Training
from tui.text import count, learned

if TYPE_CHECKING:
    from tui.rows import Rows
    from tui.session import Session

LOSSES_KEPT = 200
"""Of the loss curve; a terminal is no wider."""


def _model_opened(session: Session, event: events.ModelOpened) -> Session:
    """The labels of another model may have another order; rows know labels by number."""
    opened = replace(session, learns_labels=event.learns_labels)
    labels = opened.with_new(event.labels, session.verdicts)
    rows = session.rows.for_labels(session.labels, labels, len(event.labels))
    if session.reopened and (labels, event.version) == (session.labels, session.version):
        # The same predictions come again.
        rows = session.rows
    return replace(
        opened,
        model=event.name,
        labels=labels,
        version=event.version,
        why_not=event.why_not,
        held_out=event.held_out,
        rows=rows,
    )


def _folder_changed(session: Session, event: events.FolderChanged) -> Session:
    if session.reopened:
        rows = session.rows.changed(_since(session.rows, event))
        return replace(session, rows=rows, reopened=False)
    rows = session.rows.changed(event)
    first = not len(session.rows)
    came, went = len(event.added), len(event.removed)
    words = [
        f"{came} new" * bool(came),
        f"{went} gone" * bool(went),
        f"{len(event.changed)} changed" * bool(event.changed),
    ]
    names = (*event.added, *event.removed, *event.changed)
    what = f": {names[0]}" if len(names) == 1 else " in the folder"
    notice = "" if first else f"{', '.join(filter(None, words))}{what}."
    return replace(session, rows=rows, notice=notice or session.notice)


def _since(rows: Rows, event: events.FolderChanged) -> events.FolderChanged:
    """What a list of all images changes about those that are known: files may have come and gone meanwhile."""
    there = set(event.added)
    return replace(event, removed=tuple(name for name in rows.names if name not in there))


def _images_predicted(session: Session, event: events.ImagesPredicted) -> Session:
    return replace(session, rows=session.rows.predicted(event, session.numbers(event.contents)))


def _image_skipped(session: Session, event: events.ImageSkipped) -> Session:
    return replace(session, rows=session.rows.skipped(event.image, event.reason))


def _features_read(session: Session, event: events.FeaturesRead) -> Session:
    done = event.done >= event.total
    return replace(session, scan=None if done else Scan(event.done, event.total, event.from_store, event.thing))


def _catalogue_recovered(session: Session, event: events.CatalogueRecovered) -> Session:
    # What was said before is of the same fault, or a hint.
    return replace(session, notice=f"{event.words} {session.notice}".strip())


def _room_asked(session: Session, event: events.RoomAsked) -> Session:
    """Of all images, not of some that came later."""
    return replace(session, room=max(session.room or event, event, key=lambda asked: asked.images))


def _training_began(session: Session, event: events.TrainingBegan) -> Session:
    training = Training(event.trainer, event.samples, event.epochs, why=event.why)
    return replace(session, training=training, losses=(), notice="")


def _samples_compared(session: Session, event: events.SamplesCompared) -> Session:
    training = session.training or Training("", event.total, 0)
    return replace(session, training=replace(training, compared=event.done))


def _batch_ended(session: Session, event: events.BatchEnded) -> Session:
    training = session.training or Training("", 0, 0)
    training = replace(training, epoch=event.epoch, batch=event.batch, batches=event.batches, loss=event.loss)
    return replace(session, training=training, losses=(*session.losses, event.loss)[-LOSSES_KEPT:])


def _epoch_ended(session: Session, event: events.EpochEnded) -> Session:
    training = session.training or Training("", 0, 0)
    training = replace(training, epoch=event.epoch, epochs=event.epochs, batch=0, accuracy=event.accuracy)
    return replace(session, training=training)


def _retrained(session: Session, event: events.Retrained) -> Session:
    held = f"; held out {event.held.before}→{event.held.after} of {event.held.of}" if event.held.of else ""
    words = f"{learned(event.flips, event.learned, event.accepted, event.broken)}{held}."
    waiting = None if event.better and not event.offered else event
    done = replace(session, training=None, trained=session.training, came_of=event, notice=words)
    return replace(done, saving=waiting is None, waiting=waiting)


def _live_worked(session: Session, event: events.LiveWorked) -> Session:
    return replace(session, preparing=f"{event.done:,} of {event.total:,}" if event.done < event.total else "")


def _live_learned(session: Session, event: events.LiveLearned) -> Session:
    words = learned(event.flips, event.learned, event.accepted, event.broken)
    said = live_learned(words, session.keys) if event.verdicts else live_begins(session.keys)
    return replace(session, notice=said, preparing="", problem="")


def _live_waits(session: Session, event: events.LiveWaits) -> Session:
    return replace(session, notice=f"Live: {event.why}", preparing="")


def _model_saved(session: Session, event: events.ModelSaved) -> Session:
    return _replaced(session, event.version, f"{session.notice} {saved_as(event.version)}".strip())


def _model_restored(session: Session, event: events.ModelRestored) -> Session:
    return _replaced(session, event.version, f"Version {event.version} is back.")


def _model_replaced(session: Session, event: events.ModelReplaced) -> Session:
    said = f"Another program replaced {session.model}; it is checked and loaded as version {event.version}."
    # The engine has forgotten what live did: it was of the other model.
    return replace(_replaced(session, event.version, said), live=False, preparing="")


def _model_refused(session: Session, event: events.ModelRefused) -> Session:
    stays = f"version {session.version} stays in use; whatever replaces that file keeps a copy of it"
    said = f"Another program wrote over {session.model}: {event.why} Here {stays}."
    return replace(session, problem=said)


def _images_compared(session: Session, event: events.ComparisonWorked) -> Session:
    return replace(session, comparison=Comparison(event.first, event.second, event.done, event.total))


def _versions_compared(session: Session, event: events.VersionsCompared) -> Session:
    found = compared(event, session.verdicts, session.held)
    pictures, key = count(len(found.differing), "picture"), session.keys["history"]
    said = f"Versions {event.first} and {event.second} differ on {pictures}; {key} tells more."
    return replace(session, comparison=found, notice=said)


def _versions_not_compared(session: Session, event: events.VersionsNotCompared) -> Session:
    refused = Comparison(event.first, event.second, ended=True, why_not=event.why)
    return replace(session, comparison=refused, notice=event.why)


def _replaced(session: Session, version: int, notice: str) -> Session:
    # What live showed is what was saved: it stays marked as changed.
    rows = session.rows if session.live else session.rows.before_new_model()
    return replace(session, version=version, rows=rows, saving=False, waiting=None, notice=notice, problem="")


def _alike_found(session: Session, event: events.AlikeFound) -> Session:
    return replace(session, insight=session.insight.with_groups(event))


def _queue_mixed(session: Session, event: events.QueueMixed) -> Session:
    return replace(session, insight=session.insight.with_queue(event))


def _verdicts_reviewed(session: Session, event: events.VerdictsReviewed) -> Session:
    # The title tells the version, and a review may have been told before: both leave their place in the line to this one.
    notice = session.notice.removesuffix(unseen(session.insight.review)).rstrip().removesuffix(saved_as(session.version))
    insight = session.insight.with_review(event)
    return replace(session, insight=insight, notice=f"{notice.rstrip()} {unseen(event)}".strip())


def _verdicts_not_reviewed(session: Session, event: events.VerdictsNotReviewed) -> Session:
    return replace(session, insight=replace(session.insight, not_reviewed=event.why))


def _curve_measured(session: Session, event: events.CurveMeasured) -> Session:
    return replace(session, insight=replace(session.insight, curve=event))


def _same(session: Session, event: events.Event) -> Session:
    """How far something is that nothing on the screen tells of."""
    return session


FOLDS: Mapping[type[events.Event], Callable[[Session, Any], Session]] = {
    events.ModelOpened: _model_opened,
    events.FolderChanged: _folder_changed,
    events.ImagesPredicted: _images_predicted,
    events.ImageSkipped: _image_skipped,
    events.FeaturesRead: _features_read,
    events.CatalogueRecovered: _catalogue_recovered,
    events.RoomAsked: _room_asked,
    events.TrainingBegan: _training_began,
    events.SamplesCompared: _samples_compared,
    events.BatchEnded: _batch_ended,
    events.EpochEnded: _epoch_ended,
    events.Retrained: _retrained,
    events.LiveWorked: _live_worked,
    events.LiveLearned: _live_learned,
    events.LiveWaits: _live_waits,
    events.ModelSaved: _model_saved,
    events.ModelRestored: _model_restored,
    events.ModelReplaced: _model_replaced,
    events.ModelRefused: _model_refused,
    events.ImagesCompared: _same,
    events.VerdictsCrossed: _same,
    events.AlikeFound: _alike_found,
    events.QueueMixed: _queue_mixed,
    events.VerdictsReviewed: _verdicts_reviewed,
    events.VerdictsNotReviewed: _verdicts_not_reviewed,
    events.CurveMeasured: _curve_measured,
    events.ComparisonWorked: _images_compared,
    events.VersionsCompared: _versions_compared,
    events.VersionsNotCompared: _versions_not_compared,
}
"""By event; a test holds it against all there are."""
