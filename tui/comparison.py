"""What came of comparing two versions of the model: where they differ, and which is right more often. No Textual here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.events import VersionsCompared
from engine.journal import HELD, Verdict


@dataclass(frozen=True)
class Right:
    """On how many verdicts each of the two versions is right."""

    of: int = 0
    first: int = 0
    second: int = 0
    won: int = 0
    """Where the second is right and the first is not."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Of two versions, `first` the lower number; under way until `ended`."""

    first: int
    second: int
    done: int = 0
    total: int = 0
    ended: bool = False
    why_not: str = ""
    """Why they cannot be compared; empty if they can."""
    differing: Mapping[bytes, tuple[str, str]] = field(default_factory=dict[bytes, tuple[str, str]])
    """The pictures on which they differ, by content: the label that each of the two gives."""
    compared: int = 0
    """Pictures of which both say something."""
    right: Right = Right()
    held: Right = Right()
    """The same of verdicts that are held out, which `right` leaves out."""


def compared(
    event: VersionsCompared, verdicts: Mapping[bytes, Verdict], held: Collection[bytes] = frozenset()
) -> Comparison:
    """What came of it, held against the verdicts in force, by content; the pictures in `held` are held out, too."""
    one, other = event.said
    known = (one >= 0) & (other >= 0)
    names = event.labels

    def said(at: int) -> tuple[str, str]:
        return names[int(one[at])], names[int(other[at])]

    differing = {event.contents[at]: said(at) for at in np.flatnonzero(known & (one != other)).tolist()}
    judged = [
        (verdicts[content], said(at), content in held or verdicts[content].kind == HELD)
        for at, content in enumerate(event.contents)
        if known[at] and content in verdicts and verdicts[content].label is not None
    ]
    return Comparison(
        event.first,
        event.second,
        len(event.contents),
        len(event.contents),
        True,
        differing=differing,
        compared=int(known.sum()),
        right=_right((given, pair) for given, pair, apart in judged if not apart),
        held=_right((given, pair) for given, pair, apart in judged if apart),
    )


def _right(judged: Iterable[tuple[Verdict, tuple[str, str]]]) -> Right:
    hits = [(first == given.label, second == given.label) for given, (first, second) in judged]
    return Right(
        len(hits),
        sum(first for first, _ in hits),
        sum(second for _, second in hits),
        sum(second and not first for first, second in hits),
    )
