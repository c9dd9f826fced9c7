"""Verdicts: what a person said about pictures, appended and never changed; the present is a fold over them.

A verdict belongs to a picture's content, not to its path. An entry is a *step* (verdicts given at once) or the undo
or redo of one, so that going back is appended, too. Entries are in the order of their ids; their times are told, never
compared.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self

from engine.database import BUSY_TIMEOUT_S, DURABLE, Layout, damaged, open_database, problems_of, transaction

KEY_BYTES = 16
"""Length of a content key."""

_TABLES = (
    """
    CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('give', 'undo', 'redo'))
    )
    """,
    f"""
    CREATE TABLE verdicts (
        step INTEGER NOT NULL REFERENCES steps (id),
        position INTEGER NOT NULL,
        image BLOB NOT NULL CHECK (length(image) = {KEY_BYTES}),
        label TEXT,
        shown TEXT NOT NULL,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL DEFAULT 'label',
        PRIMARY KEY (step, position)
    ) WITHOUT ROWID
    """,
)

LABEL, IMPORTED, HELD, EXCLUDED = KINDS = ("label", "imported", "held", "excluded")
"""What a verdict is: a person's label; one that came with the pictures, not confirmed yet; a person's label of a
picture that is held out, so that models are measured on it and never trained; no label, and not to be trained on."""

LAYOUT = Layout("journal of verdicts", int.from_bytes(b"ctfl", "big"), 1, _TABLES, DURABLE)
"""The file's mark, the number of its schema, its tables, and that they are durable."""

_ENTRIES = """
SELECT id, at, action, image, label, shown, version, kind FROM steps LEFT JOIN verdicts ON step = id
WHERE id > ? ORDER BY id, position
"""


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
    change = standing.done.pop()
    for image, (before, _) in change.items():
        standing.put(image, before)
    standing.undone.append(change)
    return change


def _redo(standing: Standing, entry: Entry) -> Change:
    change = standing.undone.pop()
    for image, (_, after) in change.items():
        standing.put(image, after)
    standing.done.append(change)
    return change


ACTIONS = {"give": _give, "undo": _undo, "redo": _redo}
"""What each kind of entry does; IndexError from `undo` or `redo` if there is no step for it."""


def fold(entries: Iterable[Entry]) -> Standing:
    """What holds after `entries`; IndexError if one of them goes back or forth further than the steps before it."""
    standing = Standing()
    for entry in entries:
        ACTIONS[entry.action](standing, entry)
    return standing


class Journal:
    """The verdicts of one folder, in a file that is only added to; a call returns with its entry on the disk.

    Entries that another process appends are read before the next own one, or on `refresh`. Raises FolderError where
    the file is locked, may not be written, is damaged, or is of a newer Catflap; it is never deleted or overwritten.
    Calls may come from any thread, one at a time. With `read_only`, a missing file is an empty journal.
    """

    def __init__(self, path: Path, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path, self._read_only = path, read_only
        self._standing, self._last = Standing(), 0
        self._seen, self._news = -1, set[bytes]()
        self._connection = open_database(path, LAYOUT, read_only=read_only, busy_timeout_s=busy_timeout_s)
        try:
            self.news()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with problems_of(self._path):
            self._connection.close()

    def append(self, verdicts: Sequence[Verdict], at: float) -> int:
        """Append one step, all of it or nothing, at Unix seconds `at`; its id, or the last entry's if it is empty."""
        if any(len(verdict.image) != KEY_BYTES for verdict in verdicts):
            raise ValueError(f"a content key has {KEY_BYTES} bytes")
        if verdicts:
            self._write("give", tuple(verdicts), at)
        return self._last

    def undo(self, at: float) -> tuple[bytes, ...]:
        """Take back the last step that is not undone; its images, none if there is no such step."""
        return self._write("undo", (), at)

    def redo(self, at: float) -> tuple[bytes, ...]:
        """Do again the step undone last, unless one was appended since; its images, none if there is no such step."""
        return self._write("redo", (), at)

    def refresh(self) -> int:
        """Take in what other processes appended; how many entries."""
        before = self._last
        with problems_of(self._path):
            for entry in self.entries(after=before):
                self._news.update(self._apply(entry))
        return self._last - before

    def news(self) -> set[bytes]:
        """The images on which other processes' entries changed something since the last call; quick if there are none."""
        with problems_of(self._path):
            # The number changes when another connection commits.
            seen, self._seen = self._seen, self._connection.execute("PRAGMA data_version").fetchone()[0]
        if seen != self._seen:
            self.refresh()
        news, self._news = self._news, set[bytes]()
        return news

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Everything that was ever appended, with ids above `after`, in order."""
        with problems_of(self._path), closing(self._connection.execute(_ENTRIES, (after,))) as rows:
            for (number, at, action), group in groupby(rows, itemgetter(0, 1, 2)):
                yield Entry(number, at, action, tuple(Verdict(*row[3:]) for row in group if row[3] is not None))

    @property
    def last(self) -> int:
        """The id of the newest entry that was taken in; 0 if there is none."""
        return self._last

    def in_force(self) -> dict[bytes, Verdict]:
        """The verdict of each image that has one; a copy."""
        return dict(self._standing.in_force)

    def verdict(self, image: bytes) -> Verdict | None:
        """The verdict in force for one image."""
        return self._standing.in_force.get(image)

    @property
    def counts(self) -> Counts:
        """How many verdicts are in force."""
        kinds = {kind: number for kind, number in (+self._standing.kinds).items() if kind != LABEL}
        return Counts(dict(+self._standing.labels), self._standing.flips, kinds)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._standing.done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._standing.undone)

    def _write(self, action: str, verdicts: tuple[Verdict, ...], at: float) -> tuple[bytes, ...]:
        """Commit one entry, then let it hold; the images it touches."""
        if self._read_only:
            raise ValueError("the journal was opened for reading only")
        with problems_of(self._path), transaction(self._connection):
            self.refresh()
            possible = {"give": True, "undo": self.can_undo, "redo": self.can_redo}
            if not possible[action]:
                return ()
            add = self._connection.execute("INSERT INTO steps (at, action) VALUES (?, ?)", (at, action))
            number = add.lastrowid or 0
            self._connection.executemany(
                "INSERT INTO verdicts (step, position, image, label, shown, version, kind) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((number, i, *(getattr(one, name) for name in Verdict.__slots__)) for i, one in enumerate(verdicts)),
            )
        return self._apply(Entry(number, at, action, verdicts))

    def _apply(self, entry: Entry) -> tuple[bytes, ...]:
        try:
            change = ACTIONS[entry.action](self._standing, entry)
        except (KeyError, IndexError) as error:
            raise damaged(self._path) from error
        self._last = entry.id
        return tuple(change)
