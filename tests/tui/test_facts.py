"""What is said of the picture under the cursor, in panes of any size."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from engine.journal import EXCLUDED, HELD
from tui.facts import Subject, fact_lines
from tui.pictures import Answer
from tui.zoom import WHOLE

PICTURE = Answer(None, "", 4032, 3024, "2020-12-31 23:59", 3_400_000, 1e9)
SHARES = [[0.05, 0.61, 0.04, 0.2, 0.03, 0.06, 0.01]]
LABELS = tuple("ABCDEFG")


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def subject(columns):
    def make(answer=PICTURE, name="a.jpg", shares=SHARES, labels=LABELS, times=1, part=WHOLE, **others):
        rows = columns((name,), np.array(shares), labels, **others)
        return Subject(
            rows.line(0), rows.session.labels, rows.session.rows.probabilities[0], answer, times, part, ("<", ">", "J", "K")
        )

    return make


def test_as_much_as_there_is_room_for(subject):
    said = {cells: fact_lines(subject(), cells, 20, False)[1].rstrip() for cells in (80, 34, 20, 9, 3)}
    assert said == {
        80: "4032×3024 · 3.4 MB · taken 2020-12-31 23:59 · file 2001-09-09 01:46",
        34: "4032×3024 · 3.4 MB · 2020-12-31",
        20: "4032×3024 · 3.4 MB",
        9: "4032×3024",
        3: "40…",
    }


@pytest.mark.parametrize("cells", [1, 2, 7, 19, 30, 79, 200])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("height", "most"), [(2, 0), (8, 1), (12, 2), (20, 3)])
def test_lines_fit(subject, cells, large, height, most):
    hostile = {"name": "犬\x1b[2J\u202e" * 20, "labels": ("a\x1b[31mred", "長い名前のラベル", *"CDEFG")}
    answers = (None, PICTURE, Answer(None, "No.", taken="\x1b[2J" * 9, modified_s=1e9))
    for given in (subject(), subject(verdicts={0: 6}), *(subject(each, **hostile) for each in answers)):
        lines = fact_lines(given, cells, height, large)
        assert len(lines) == (7 if large and most == 3 else most)
        assert {cell_len(line) for line in lines} <= {cells}
        assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)


def test_a_large_pane_draws_the_most_probable_labels_and_what_the_person_gave(subject):
    lines = fact_lines(subject(verdicts={0: 6}), 60, 20, True)
    assert [line.split()[0] for line in lines[2:]] == ["B", "D", "F", "A", "G"]
    assert lines[2].split()[1:3] == ["61", "%"] and lines[2].count("█") > lines[3].count("█") > lines[4].count("█")
    assert [("you ✗" in line) for line in lines[2:]] == [False] * 4 + [True]
    assert "you ✓" in fact_lines(subject(verdicts={0: 1}), 60, 20, True)[2]
    assert "you" not in "".join(fact_lines(subject(), 60, 20, True))


def test_what_is_excluded_or_held_out_is_said_in_both(subject):
    for kind, words in ((EXCLUDED, "excluded"), (HELD, "held out")):
        given = subject()
        given = replace(given, line=given.line._replace(kind=kind))
        assert fact_lines(given, 40, 20, False)[2].rstrip() == f"B 61 % · {words}"
        assert fact_lines(given, 40, 20, True)[0].rstrip() == f"a.jpg · {words}"


def test_a_label_that_the_model_does_not_know_yet(columns):
    rows = columns(("a.jpg",), [[0.7, 0.3]], ("Cat", "Dog"), verdicts={0: 0})
    line = rows.line(0)._replace(verdict=2)
    lines = fact_lines(Subject(line, ("Cat", "Dog", "Fox"), rows.session.rows.probabilities[0], None), 60, 20, True)
    assert lines[-1].split()[:5] == ["Fox", "0", "%", "you", "✗"]


def test_prediction_and_verdict_in_words(subject, columns):
    assert fact_lines(subject(), 40, 20, False)[2].rstrip() == "B 61 %"
    assert fact_lines(subject(verdicts={0: 1}), 40, 20, False)[2].rstrip() == "B 61 % · you: B ✓"
    assert fact_lines(subject(verdicts={0: 3}), 40, 20, False)[2].rstrip() == "B 61 % · you: D ✗"
    waiting = subject(shares=[[np.nan] * 7])
    for large in (False, True):
        assert fact_lines(waiting, 40, 20, large)[2].rstrip() == "not predicted yet"
    assert fact_lines(subject(problems={0: "The file is empty."}), 40, 20, False)[2].rstrip() == "The file is empty."


@pytest.mark.parametrize("height", [4, 8, 12])
def test_a_low_screen_keeps_what_is_said_where_there_is_no_table(subject, height):
    assert fact_lines(subject(), 40, height, True)[0].rstrip() == "B 61 %"


def test_what_is_hidden_is_told_with_its_keys(subject):
    parts = {(0.0, 0.0, 0.5, 0.5): "> J", (0.5, 0.5, 1.0, 1.0): "< K", (0.2, 0.0, 0.7, 1.0): "< >"}
    for part, keys in parts.items():
        line = fact_lines(subject(times=4, part=part), 60, 20, True)[1]
        assert line.startswith(f"4× {keys} · 4032×3024 · ")


def test_a_low_screen_tells_what_is_hidden_before_the_name(subject):
    lines = fact_lines(subject(times=2, part=(0.5, 0.0, 1.0, 1.0)), 60, 12, True)
    assert [line.split()[0] for line in lines] == ["B", "2×"]
    assert [line.split()[0] for line in fact_lines(subject(), 60, 12, True)] == ["B", "a.jpg"]


def test_a_file_that_is_gone_has_no_facts(subject):
    assert fact_lines(subject(Answer(None, "The file is gone.")), 60, 20, False)[1].strip() == ""
    assert "bytes" in fact_lines(subject(Answer(None, "It is empty.", modified_s=5.0)), 60, 20, False)[1]
    assert os.environ["TZ"] == "UTC"
