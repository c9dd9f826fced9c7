"""What the engine found out about pictures beyond their predictions, by content. No Textual here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.findings import AlikeFound, CurveMeasured, QueueMixed, VerdictsReviewed
from engine.journal import Verdict

PLACES = ("unsure", "unlike", "random", "judged")
"""Why a picture has its place in the mixed order, in a word, by `engine.review.queue.Reason`."""


@dataclass(frozen=True, eq=False)
class Insight:
    """Empty until it was asked for."""

    groups: Mapping[bytes, int] | None = None
    """Of pictures that others are nearly the same as: the number of their group."""
    members: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict[int, tuple[bytes, ...]])
    """Of each group."""
    queue: Mapping[bytes, tuple[int, str]] | None = None
    """In the mixed order: the place, and why."""
    quality: Mapping[bytes, float] = field(default_factory=dict[bytes, float])
    """Of pictures with a verdict: how probable a head that has not seen it finds its label."""
    suspects: frozenset[bytes] = frozenset()
    """Verdicts that are likely mistakes."""
    review: VerdictsReviewed | None = None
    """How right such heads are."""
    curve: CurveMeasured | None = None
    """How right they are by how many verdicts they learned."""
    not_reviewed: str = ""
    """Why neither is known; empty if both are, or will be."""

    def with_groups(self, event: AlikeFound) -> Insight:
        """With groups of near-duplicates."""
        numbers: list[int] = event.groups.tolist()
        found = zip(event.contents, numbers, strict=True)
        groups = {content: group for content, group in found if group >= 0}
        members = defaultdict[int, tuple[bytes, ...]](tuple)
        for content, group in groups.items():
            members[group] += (content,)
        return replace(self, groups=groups, members=dict(members))

    def contradicts(self, group: int, verdicts: Mapping[bytes, Verdict]) -> bool:
        """Whether pictures of a group, which are nearly the same, have different labels."""
        given = {verdicts[each].label for each in self.members.get(group, ()) if each in verdicts} - {None}
        return len(given) > 1

    def contradicting(self, verdicts: Mapping[bytes, Verdict]) -> set[int]:
        """The groups with different labels."""
        return {group for group in self.members if self.contradicts(group, verdicts)}

    def against(self, content: bytes, verdicts: Mapping[bytes, Verdict]) -> bytes | None:
        """A picture that is nearly the same as one with a verdict, and has another label."""
        label = verdicts[content].label
        mine = self.members.get((self.groups or {}).get(content, -1), ())
        return next((each for each in mine if each in verdicts and verdicts[each].label not in (None, label)), None)

    def with_queue(self, event: QueueMixed) -> Insight:
        """With the mixed order."""
        ranks: list[int] = event.ranks.tolist()
        places = zip(ranks, (PLACES[int(at)] for at in event.reasons), strict=True)
        return replace(self, queue=dict(zip(event.contents, places, strict=True)))

    def with_review(self, event: VerdictsReviewed) -> Insight:
        """With what heads say of verdicts that they have not seen."""
        numbers: list[float] = event.quality.tolist()
        quality = dict(zip(event.contents, numbers, strict=True))
        suspects = [event.contents[at] for at in event.suspect.nonzero()[0].tolist()]
        return replace(self, quality=quality, suspects=frozenset(suspects), review=event, not_reviewed="")

    def place(self, content: bytes) -> str:
        """Why a picture has its place in the mixed order."""
        return self.queue[content][1] if self.queue is not None and content in self.queue else ""
