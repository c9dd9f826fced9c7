"""How often the model was right when a verdict was given, from the journal alone. No Textual here."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.journal import IMPORTED, Journal, Verdict

LAST = 50
"""Verdicts of which the present model, and those shortly before it, are judged."""


@dataclass(frozen=True)
class Running:
    """Labels, and how many of them the model had said before (prequential accuracy: Dawid 1984)."""

    of: int = 0
    correct: int = 0
    lately_of: int = 0
    """The same of the last LAST."""
    lately: int = 0


class Record:
    """What the model said of each picture when it first got a label: later models may have learned that label."""

    def __init__(self) -> None:
        self._shown: dict[bytes, str] = {}
        self._seen = 0

    def running(self, journal: Journal) -> Running:
        """Of a person's labels in force, in the order in which pictures first got one; reads what was appended since."""
        for entry in journal.entries(after=self._seen):
            for verdict in entry.verdicts:
                if verdict.label is not None:
                    self._shown.setdefault(verdict.image, verdict.shown)
            self._seen = entry.id
        return _counted(self._shown, journal.in_force())


def _counted(shown: Mapping[bytes, str], in_force: Mapping[bytes, Verdict]) -> Running:
    hits = [in_force[image].label == label for image, label in shown.items() if _by_a_person(in_force.get(image))]
    return Running(len(hits), sum(hits), len(hits[-LAST:]), sum(hits[-LAST:]))


def _by_a_person(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.label is not None and verdict.kind != IMPORTED
