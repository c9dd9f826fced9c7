"""Verdicts are kept, undone and redone, whatever ends the process."""

import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aside import shared_out
from engine.errors import FolderError
from engine.journal import EXCLUDED, HELD, IMPORTED, Counts, Entry, Journal, Verdict, fold

ROOT = Path(__file__).resolve().parents[2]


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def verdict(number: int, label: str | None = "Cat", shown: str = "Dog", version: int = 3) -> Verdict:
    return Verdict(key(number), label, shown, version)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".catflap" / "journal.db"


verdicts = st.builds(
    Verdict,
    image=st.integers(0, 4).map(key),
    label=st.sampled_from(["Cat", "Dog", "Ente 🦆", None]),
    shown=st.sampled_from(["Cat", "Dog"]),
    version=st.integers(0, 2),
)
moves = st.lists(st.one_of(st.lists(verdicts, min_size=1, max_size=6), st.sampled_from(["undo", "redo", "reopen"])))


class Model:
    """The whole past as a list of pictures of the present, and a place in it."""

    def __init__(self) -> None:
        self.past: list[dict[bytes, Verdict]] = [{}]
        self.here = 0

    def give(self, step: list[Verdict]) -> None:
        now = dict(self.past[self.here])
        for one in step:
            now[one.image] = one
        self.past[self.here + 1 :] = [{image: one for image, one in now.items() if one.label is not None}]
        self.here += 1

    def go(self, by: int) -> bool:
        possible = 0 <= self.here + by < len(self.past)
        self.here += by * possible
        return possible

    def check(self, other: "Journal") -> None:
        now = self.past[self.here]
        assert other.in_force() == now
        assert all(other.verdict(key(number)) == now.get(key(number)) for number in range(5))
        said = [one.label for one in now.values() if one.label is not None]
        flips = sum(one.label != one.shown for one in now.values())
        assert other.counts == Counts({label: said.count(label) for label in said}, flips)
        assert other.counts.verdicts == len(now)
        assert (other.can_undo, other.can_redo) == (self.here > 0, self.here + 1 < len(self.past))


@settings(max_examples=40, deadline=None, database=None)
@given(moves)
def test_any_walk_through_steps_is_a_walk_through_a_list(walk: list[list[Verdict] | str]) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        journal = Journal(path)
        for at, move in enumerate(walk):
            if isinstance(move, list):
                model.give(move)
                journal.append(move, -float(at))
            elif move == "reopen":
                journal.close()
                journal = Journal(path)
            else:
                possible = model.go({"undo": -1, "redo": 1}[move])
                assert bool({"undo": journal.undo, "redo": journal.redo}[move](-float(at))) == possible
            model.check(journal)
        assert fold(journal.entries()).in_force == journal.in_force()
        journal.close()


def test_fold_needs_no_file() -> None:
    first, second = verdict(1), verdict(2, label="Dog")
    entries = [Entry(1, 9.0, "give", (first,)), Entry(2, 8.0, "give", (second,)), Entry(5, 7.0, "undo")]
    standing = fold(entries)
    assert standing.in_force == {first.image: first}
    assert (len(standing.done), len(standing.undone), standing.flips) == (1, 1, 1)
    with pytest.raises(IndexError):
        fold([*entries, Entry(6, 0.0, "undo"), Entry(7, 0.0, "undo")])


def test_a_verdict_may_be_no_label_of_a_person(path: Path) -> None:
    imported = replace(verdict(1), kind=IMPORTED)
    left_out = replace(verdict(2, label=None), kind=EXCLUDED)
    with Journal(path) as journal:
        journal.append([imported, left_out, replace(verdict(3), kind=HELD)], at=1.0)
        journal.append([verdict(1)], at=2.0)
        assert journal.counts.kinds == {EXCLUDED: 1, HELD: 1}
        assert journal.undo(at=3.0) == (key(1),)
    with Journal(path) as journal:
        assert journal.in_force() == {key(1): imported, key(2): left_out, key(3): replace(verdict(3), kind=HELD)}
        assert journal.counts == Counts({"Cat": 2}, 2, {IMPORTED: 1, EXCLUDED: 1, HELD: 1})
        assert journal.counts.verdicts == 2
        journal.append([verdict(2, label=None)], at=4.0)
        assert key(2) not in journal.in_force()


def test_what_verdicts_are_for() -> None:
    said = {key(n): verdict(n) for n in range(6)}
    said |= {key(1): replace(verdict(1), kind=HELD), key(2): replace(verdict(2, label=None), kind=EXCLUDED)}
    said[key(3)] = replace(verdict(3, label="Dog"), kind=IMPORTED)
    learned, aside = shared_out(said, held={key(4), key(3), key(9)})
    assert learned == {key(0): "Cat", key(5): "Cat"}
    assert aside.held == {key(1): "Cat", key(3): "Dog", key(4): "Cat"}
    assert aside.untouched == {key(n) for n in (1, 2, 3, 4, 9)}


def test_a_bulk_step_is_taken_back_as_one_after_a_restart(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.append([verdict(7, label="Dog")], at=100.0) == 1
        assert journal.append([verdict(n) for n in range(1000)], at=50.0) == 2
    with Journal(path) as journal:
        assert journal.counts == Counts({"Cat": 1000}, 1000)
        assert journal.undo(at=20.0) == tuple(key(n) for n in range(1000))
        assert journal.in_force() == {key(7): verdict(7, label="Dog")}
    with Journal(path) as journal:
        assert len(journal.redo(at=10.0)) == 1000
        assert journal.verdict(key(7)) == verdict(7)
        assert (journal.redo(at=5.0), journal.can_redo) == ((), False)


def test_a_new_step_ends_redo(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        journal.undo(2.0)
        journal.append([verdict(2)], 3.0)
        assert (journal.redo(4.0), journal.in_force()) == ((), {key(2): verdict(2)})
        assert journal.undo(5.0) == (key(2),)
        assert journal.undo(6.0) == ()


def test_no_verdicts_are_no_step(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.append([], 1.0) == 0
        assert not journal.can_undo
        assert journal.append([verdict(1)], 2.0) == journal.append([], 3.0) == 1


def test_nothing_is_ever_deleted(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1), verdict(2, None)], 4.5)
        journal.undo(3.5)
        journal.redo(2.5)
        kept = list(journal.entries())
        assert list(journal.entries(after=2)) == kept[2:]
    assert kept == [
        Entry(1, 4.5, "give", (verdict(1), verdict(2, None))),
        Entry(2, 3.5, "undo"),
        Entry(3, 2.5, "redo"),
    ]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        steps = other.execute("SELECT id, at, action FROM steps").fetchall()
        assert steps == [(1, 4.5, "give"), (2, 3.5, "undo"), (3, 2.5, "redo")]
        rows = [(1, 0, key(1), "Cat", "Dog", 3, "label"), (1, 1, key(2), None, "Dog", 3, "label")]
        assert [row[:-1] for row in other.execute("SELECT * FROM verdicts")] == rows


def test_a_step_is_all_or_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        with pytest.raises(sqlite3.IntegrityError):
            journal.append([verdict(2), Verdict(key(3), "Cat", None, 0)], 2.0)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="16 bytes"):
            journal.append([verdict(2), Verdict(b"short", "Cat", "Dog", 0)], 2.0)
        assert journal.in_force() == {key(1): verdict(1)}
        journal.append([verdict(4)], 3.0)
    with Journal(path) as journal:
        assert [entry.verdicts for entry in journal.entries()] == [(verdict(1),), (verdict(4),)]


def test_what_another_process_appends_is_seen_before_the_next_entry(path: Path) -> None:
    with Journal(path) as app, Journal(path) as importer:
        app.append([verdict(1)], 1.0)
        importer.append([verdict(2)], 2.0)
        assert importer.in_force().keys() == {key(1), key(2)}
        assert app.refresh() == 1
        importer.append([verdict(3)], 3.0)
        assert app.undo(4.0) == (key(3),)
        assert app.in_force() == {key(1): verdict(1), key(2): verdict(2)}


def test_the_news_are_what_others_changed(path: Path) -> None:
    with Journal(path) as app, Journal(path) as importer:
        app.append([verdict(1)], 1.0)
        assert app.news() == set()
        importer.append([verdict(2), verdict(3)], 2.0)
        importer.append([verdict(4)], 3.0)
        assert app.news() == {key(2), key(3), key(4)}
        assert app.news() == set()
        assert app.in_force().keys() == {key(1), key(2), key(3), key(4)}
        importer.undo(4.0)
        # Its own entry takes theirs in first, and they are news all the same.
        app.append([verdict(5)], 5.0)
        assert app.news() == {key(4)}
    with Journal(path) as again:
        assert again.news() == set(), "what it was opened with is none"


def test_a_look_for_news_reads_no_entry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as app, Journal(path) as importer:
        app.append([verdict(1)], 1.0)
        app.news()
        monkeypatch.setattr(app, "entries", None)
        assert app.news() == set()
        importer.append([verdict(2)], 2.0)
        with pytest.raises(TypeError):
            app.news()


def test_commits_are_flushed(path: Path) -> None:
    with Journal(path) as journal:
        said = [journal._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert said == ["wal", 2]


WRITER = """
import sys
from pathlib import Path
from engine.journal import Journal, Verdict
journal = Journal(Path(sys.argv[1]))
for step in range(1, 10**9):
    journal.append([Verdict(bytes([n]) + step.to_bytes(15, "big"), "Cat", "Dog", step) for n in range(11)], 0.0)
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("acknowledged", [0, 1, 37])
def test_every_acknowledged_step_outlives_a_kill(path: Path, acknowledged: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, path], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.endswith("\n")]
    with Journal(path) as journal:
        steps = [entry.id for entry in journal.entries()]
        assert steps == list(range(1, len(steps) + 1)) and steps[: len(said)] == said
        assert all(len(entry.verdicts) == 11 for entry in journal.entries())
        assert len(steps) <= len(said) + 1
        journal.append([verdict(1)], 1.0)
        assert journal._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_torn_log_loses_its_tail_only(path: Path, tmp_path: Path) -> None:
    log = path.with_name("journal.db-wal")
    ends: list[int] = []
    with Journal(path) as journal:
        for step in range(1, 5):
            journal.append([verdict(100 * step + n) for n in range(7 * step)], float(step))
            ends.append(log.stat().st_size)
        base, whole = path.read_bytes(), log.read_bytes()
    torn = tmp_path / "torn" / "journal.db"
    torn.parent.mkdir()
    for cut in sorted({*range(ends[0], len(whole), 509), *ends, *(end - 1 for end in ends[1:])}):
        torn.write_bytes(base)
        torn.with_name("journal.db-wal").write_bytes(whole[:cut])
        with Journal(torn) as journal:
            assert len(list(journal.entries())) == sum(end <= cut for end in ends)
            journal.append([verdict(5)], 9.0)
        with Journal(torn) as journal:
            assert journal.verdict(key(5)) == verdict(5)
            assert journal._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_entries_that_contradict_each_other_are_damage(path: Path) -> None:
    Journal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("INSERT INTO steps (id, at, action) VALUES (1, 0.0, 'redo')")
    with pytest.raises(FolderError, match="is damaged"):
        Journal(path)
