"""What a journal says: verdicts, the entries that hold them, and the present, which is a fold over these."""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KEY_BYTES = 16
"""Length of a content key."""

LABEL, IMPORTED, HELD, EXCLUDED = KINDS = ("label", "imported", "held", "excluded")
"""What a verdict is: a person's label; one that came with the pictures, not confirmed yet; a person's label of a
picture that is held out, so that models are measured on it and never trained; no label, and not to be trained on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person said about one picture."""

    image: bytes
    """Content key, 16 bytes."""
    label: str | None
    """None withdraws what was said before, or excludes the picture."""
    shown: str
    """The label that the model predicted when the verdict was given."""
    version: int
    """The version of the model that predicted it."""
    kind: str = LABEL
    """One of KINDS."""

    @property
    def withdraws(self) -> bool:
        """Whether nothing holds of the picture any more."""
        return self.label is None and self.kind != EXCLUDED

    @property
    def flip(self) -> bool:
        """The person contradicts the model."""
        return self.label is not None and self.label != self.shown


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    id: int
    at: float
    """Unix seconds; the clock may have been set back since the entry before."""
    action: str
    """A key of ACTIONS."""
    verdicts: tuple[Verdict, ...] = ()
    """Empty unless `action` is `give`."""


@dataclass(frozen=True)
class Counts:
    """How many verdicts are in force."""

    labels: Mapping[str, int]
    """By label, only those above 0."""
    flips: int
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    """By kind, only those above 0, verdicts that are a plain label not counted."""

    @property
    def verdicts(self) -> int:
        """All that give a label."""
        return sum(self.labels.values())


BEFORE, AFTER = 0, 1
Change = Mapping[bytes, tuple[Verdict | None, Verdict | None]]
"""What a step did: image -> verdict in force before and after it."""


@dataclass
class Standing:
    """What holds after some entries: the verdicts in force, and the steps to go back and forth."""

    in_force: dict[bytes, Verdict] = field(default_factory=dict[bytes, Verdict])
    done: list[Change] = field(default_factory=list[Change])
    undone: list[Change] = field(default_factory=list[Change])
    labels: Counter[str] = field(default_factory=Counter[str])
    flips: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])

    def put(self, image: bytes, verdict: Verdict | None) -> None:
        """Let `verdict` be the one in force, or none."""
        before = self.in_force.pop(image, None)
        for one, by in ((before, -1), (verdict, 1)):
            if one is not None:
                self.labels.update({one.label: by} if one.label is not None else {})
                self.flips += by * one.flip
                self.kinds[one.kind] += by
        if verdict is not None:
            self.in_force[image] = verdict


def _give(standing: Standing, entry: Entry) -> Change:
    # The last verdict on an image within a step is the one that counts.
    after = {verdict.image: None if verdict.withdraws else verdict for verdict in entry.verdicts}
    change = {image: (standing.in_force.get(image), verdict) for image, verdict in after.items()}
    for image, verdict in after.items():
        standing.put(image, verdict)
    standing.done.append(change)
    standing.undone.clear()
    return change


def _undo(standing: Standing, entry: Entry) -> Change:
    return _turned(standing, standing.done, standing.undone, BEFORE)


def _redo(standing: Standing, entry: Entry) -> Change:
    return _turned(standing, standing.undone, standing.done, AFTER)


def _turned(standing: Standing, steps: list[Change], others: list[Change], side: int) -> Change:
    """Take the last of these steps over to the others, so that this side of it holds."""
    change = steps.pop()
    for image, sides in change.items():
        standing.put(image, sides[side])
    others.append(change)
    return change


ACTIONS = {"give": _give, "undo": _undo, "redo": _redo}
"""What each kind of entry does; IndexError from `undo` or `redo` if there is no step for it."""


def fold(entries: Iterable[Entry]) -> Standing:
    """What holds after `entries`; IndexError if one of them goes back or forth further than the steps before it."""
    standing = Standing()
    for entry in entries:
        ACTIONS[entry.action](standing, entry)
    return standing


def step_checksum(number: int, at: float, action: str, given: int) -> int:
    """CRC-32 of what the row of a step says; tells one that is not what was written."""
    # SQLite keeps no -0.0.
    return zlib.crc32(f"{number} {at + 0.0:.17g} {action} {given}".encode())


def verdict_checksum(step: int, position: int, image: bytes, label: str | None, shown: str, version: int, kind: str) -> int:
    """Likewise of the row of a verdict."""
    said = "" if label is None else f"={label}"
    return zlib.crc32(image, zlib.crc32(f"{step} {position} {version} {kind}\0{shown}\0{said}".encode()))
