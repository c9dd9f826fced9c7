"""What the person wants to see: words, all of which a row must meet. No Textual here."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.journal import HELD, IMPORTED, LABEL
from tui.rows import EXCLUDED, OPEN
from tui.session import Session

DIFFER = "differ"
Mask = NDArray[np.bool_]
"""(rows,): which of them."""


def _wrong(session: Session) -> Mask:
    rows = session.rows
    return (rows.verdict >= 0) & (rows.predicted_labels >= 0) & (rows.verdict != rows.predicted_labels)


def changed(session: Session) -> Mask:
    """Rows whose prediction is not that of the model before."""
    rows = session.rows
    return (rows.previous >= 0) & (rows.predicted_labels >= 0) & (rows.previous != rows.predicted_labels)


def flips(session: Session) -> Mask:
    """Rows whose verdict contradicts what was shown when it was given."""
    return _showing(session, [image for image, verdict in session.verdicts.items() if verdict.flip])


def outcome(session: Session) -> tuple[Mask, Mask]:
    """Verdicts that the present model predicts and the one before did not; and the other way round."""
    rows, moved = session.rows, changed(session) & (session.rows.verdict >= 0)
    return moved & (rows.verdict == rows.predicted_labels), moved & (rows.verdict == rows.previous)


def missed(session: Session) -> Mask:
    """Rows whose verdict a retrain had to learn, and the present model does not predict."""
    taught = [
        image
        for image, verdict in session.verdicts.items()
        if verdict.kind in (LABEL, IMPORTED) and verdict.version < session.version
    ]
    return _wrong(session) & _showing(session, taught) & ~_held(session)


def _outcome(session: Session) -> Mask:
    learned, broke = outcome(session)
    return learned | broke | missed(session)


def _contradicting(session: Session) -> Mask:
    insight = session.insight
    groups = insight.contradicting(session.verdicts)
    return _showing(session, [content for group in groups for content in insight.members[group]])


def _of_kind(session: Session, kind: str) -> Mask:
    return _showing(session, [image for image, verdict in session.verdicts.items() if verdict.kind == kind])


def _held(session: Session) -> Mask:
    found = _of_kind(session, HELD)
    found[session.rows.images.below(session.held_out)] = True
    return found


def _showing(session: Session, pictures: Collection[bytes]) -> Mask:
    found = np.zeros(len(session.rows), np.bool_)
    found[session.rows.showing(pictures)] = True
    return found


def _skipped(session: Session) -> Mask:
    found = np.zeros(len(session.rows), np.bool_)
    places = session.rows.images.places(tuple(session.rows.problems))
    found[places[places >= 0]] = True
    return found


def _differ(session: Session) -> Mask:
    return _showing(session, session.comparison.differing if session.comparison is not None else ())


WORDS: Mapping[str, tuple[Callable[[Session], Mask], str]] = {
    "wrong": (_wrong, "the verdict and the present prediction differ"),
    "learned": (lambda session: outcome(session)[0], "flips that the last retrain learned"),
    "broke": (lambda session: outcome(session)[1], "accepted ones that the last retrain broke"),
    "missed": (missed, "given before the last retrain, and not learned"),
    "outcome": (_outcome, "learned, broken or missed by the last retrain"),
    "suspect": (lambda session: _showing(session, session.insight.suspects), "verdicts that are likely mistakes"),
    "near": (lambda session: _showing(session, session.insight.groups or ()), "others are nearly the same"),
    "contra": (_contradicting, "nearly the same as others with another verdict"),
    "flips": (flips, "the verdict contradicted the model"),
    "changed": (changed, "the last retrain changed the prediction"),
    "new": (lambda session: session.rows.arrived, "came while the app was open"),
    "dup": (lambda session: session.rows.contents.repeated(), "there is another with the same content"),
    "open": (lambda session: session.rows.verdict == OPEN, "without a verdict"),
    "judged": (lambda session: session.rows.verdict != OPEN, "with a verdict"),
    "excluded": (lambda session: session.rows.verdict == EXCLUDED, "not to be trained on"),
    "held": (_held, "held out: measured, never trained"),
    "imported": (lambda session: _of_kind(session, IMPORTED), "labels that nobody has confirmed yet"),
    "skipped": (_skipped, "cannot be used"),
    DIFFER: (_differ, "two versions that were compared differ"),
}
"""By word: which rows, and what it says of them."""
CONFIDENCE = re.compile(r"([<>])(\d+(?:\.\d+)?)%?")
COLUMNS = ("says", "you", "name")
"""Before a colon: the predicted label, the verdict, the name."""


def words(text: str) -> list[str]:
    """What was typed, in words; quotes hold one with spaces together."""
    try:
        return shlex.split(text)
    except ValueError:
        # A quote that is not closed yet.
        return text.split()


def wanted(session: Session, text: str) -> Mask:
    """The rows that meet all the words; one that begins with `-` must not be met."""
    mask = np.ones(len(session.rows), np.bool_)
    for word in words(text):
        if word.startswith("-"):
            # Alone, it is a word that is being typed.
            mask &= ~_meeting(session, word[1:]) if word != "-" else True
        else:
            mask &= _meeting(session, word)
    return mask


def _meeting(session: Session, word: str) -> Mask:
    """A word of the table, a confidence, a label, a column with a colon; anything else is a part of the name."""
    rows, said = session.rows, word.casefold()
    if said in WORDS:
        return WORDS[said][0](session)
    share = CONFIDENCE.fullmatch(said)
    if share is not None:
        bound = float(share[2]) / 100
        with np.errstate(invalid="ignore"):
            return rows.confidence < bound if share[1] == "<" else rows.confidence > bound
    column, colon, _ = said.partition(":")
    if colon and column in COLUMNS:
        rest = word[len(column) + 1 :]
        return _in_name(session, rest.casefold()) if column == "name" else _labelled(session, column, rest)
    if any(label.casefold() == said for label in session.labels):
        return _labelled(session, "says", word)
    return _in_name(session, said)


def _labelled(session: Session, column: str, label: str) -> Mask:
    """The label that is written so; only where none is, one of other capitals."""
    numbers: NDArray[Any] = session.rows.predicted_labels if column == "says" else session.rows.verdict
    folded = label.casefold()
    alike = [label] if label in session.labels else [each for each in session.labels if each.casefold() == folded]
    return np.isin(numbers, [number for number, each in enumerate(session.labels) if each in alike])


def _in_name(session: Session, part: str) -> Mask:
    return np.fromiter((part in name.casefold() for name in session.rows.names), np.bool_, len(session.rows))
