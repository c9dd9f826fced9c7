"""How often the model was right when verdicts were given, from a real journal, against counting by hand."""

import random

from engine.journal import EXCLUDED, HELD, IMPORTED, Journal, Verdict
from tui.running import LAST, Record, Running


def key(number):
    return number.to_bytes(16, "big")


def test_the_first_prediction_counts_and_the_last_label(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        record = Record()
        assert record.running(journal) == Running()
        journal.append([Verdict(key(1), "Cat", "Dog", 0), Verdict(key(2), "Cat", "Cat", 0)], 1.0)
        assert record.running(journal) == Running(2, 1, 2, 1)
        journal.append([Verdict(key(1), "Cat", "Cat", 1)], 2.0)
        assert record.running(journal) == Running(2, 1, 2, 1), "version 1 has learned it"
        journal.append([Verdict(key(1), "Dog", "Cat", 1)], 3.0)
        assert record.running(journal) == Running(2, 2, 2, 2), "the person had been wrong"
        journal.undo(4.0)
        assert record.running(journal) == Running(2, 1, 2, 1)
        journal.append([Verdict(key(2), None, "Cat", 1)], 5.0)
        assert record.running(journal) == Running(1, 0, 1, 0)


def test_excluded_pictures_have_no_label_and_imported_ones_wait_for_a_person(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        kinds = [Verdict(key(1), None, "Cat", 0, EXCLUDED), Verdict(key(2), "Cat", "Dog", 0, IMPORTED)]
        journal.append([*kinds, Verdict(key(3), "Cat", "Cat", 0, HELD)], 1.0)
        record = Record()
        assert record.running(journal) == Running(1, 1, 1, 1)
        journal.append([Verdict(key(2), "Cat", "Cat", 1)], 2.0)
        assert record.running(journal) == Running(2, 1, 2, 1), "shown when it was imported, before it was learned"


def test_only_what_was_appended_since_is_read(tmp_path, monkeypatch):
    with Journal(tmp_path / "journal.db") as journal:
        record, read, entries = Record(), [], journal.entries
        monkeypatch.setattr(journal, "entries", lambda after: read.append(after) or entries(after))
        for number in range(3):
            journal.append([Verdict(key(number), "Cat", "Cat", 0)], 1.0)
            read.clear()
            record.running(journal)
            assert read == [number]


def test_it_is_the_same_read_at_once_or_step_by_step(tmp_path):
    rng = random.Random(3)
    with Journal(tmp_path / "journal.db") as journal:
        grown, first = Record(), {}
        for step in range(400):
            if rng.random() < 0.1:
                journal.undo(step)
            else:
                verdict = Verdict(
                    key(rng.randrange(160)), rng.choice(("Cat", "Dog", None)), rng.choice(("Cat", "Dog")), step
                )
                journal.append([verdict], step)
                if verdict.label is not None:
                    first.setdefault(verdict.image, verdict.shown)
            if step % 7 == 0:
                grown.running(journal)
        force = journal.in_force()
        hits = [force[each].label == shown for each, shown in first.items() if each in force]
        expected = Running(len(hits), sum(hits), LAST, sum(hits[-LAST:]))
        assert len(hits) > LAST
        assert grown.running(journal) == Record().running(journal) == expected
