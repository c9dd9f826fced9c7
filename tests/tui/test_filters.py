"""Filters, each word against what a slow look at every row says."""

from dataclasses import replace

import numpy as np
import pytest

from engine.events import (
    AlikeFound,
    FolderChanged,
    ImageSkipped,
    ImagesPredicted,
    ModelOpened,
    ModelSaved,
    Score,
    VerdictsReviewed,
)
from engine.findings import Sample
from engine.journal import EXCLUDED, HELD, IMPORTED, Verdict
from tui.columns import keys
from tui.comparison import Comparison
from tui.filters import WORDS, wanted, words
from tui.session import Session

LABELS = ("Cat", "Dog", "golden retriever")
NAMES = tuple(f"{'DSC' if n % 3 else 'cat'}_{n:02d}.jpg" for n in range(17))


def content(n):
    """Of the seventeen, two show what another one shows."""
    return bytes([{5: 2, 9: 2}.get(n, n)]) * 16


def predicted(seed, version):
    rows = np.random.default_rng(seed).dirichlet(np.ones(3), 15).astype(np.float32)
    return ImagesPredicted(NAMES[:15], tuple(map(content, range(15))), tuple(range(15)), rows, version)


@pytest.fixture
def session():
    """Seventeen images: fifteen predicted twice, one that is not read yet, one that cannot be used; some came later."""
    score = Score(1, 2, 0.5)
    found = Session()
    for event in (
        ModelOpened("m.mlmodel", LABELS, 0, (9, 7), True),
        FolderChanged(added=NAMES[:12]),
        FolderChanged(added=NAMES[12:]),
        ImageSkipped(NAMES[15], "The file is empty."),
        predicted(1, 0),
        ModelSaved(None, 1, score, score),
        predicted(2, 1),
    ):
        found = found.after(event)
    given = {content(n): Verdict(content(n), LABELS[n % 3], LABELS[n * 2 % 3], 0) for n in (0, 2, 3, 7, 8, 11)}
    kinds = {3: HELD, 8: IMPORTED, 11: HELD}
    given |= {content(n): replace(given[content(n)], kind=kind) for n, kind in kinds.items()}
    given[content(13)] = Verdict(content(13), None, LABELS[1], 0, EXCLUDED)
    differing = {content(n): ("Cat", "Dog") for n in (2, 8, 16)}
    found = found.after(AlikeFound(tuple(content(n) for n in (0, 3, 7, 8, 10)), np.array([0, 0, 1, 1, -1])))
    quality = np.array([0.1, 0.2], np.float32)
    contents = content(3), content(7)
    found = found.after(VerdictsReviewed(contents, quality, np.array([True, True]), 1, 1, 0, Sample(0, 0, 0)))
    return replace(found.judged(given, given), comparison=Comparison(0, 1, ended=True, differing=differing))


def slowly(session):
    """By word: what it says of one row."""
    rows, number = session.rows, {label: n for n, label in enumerate(LABELS)}
    verdict = lambda n: session.verdicts.get(rows.contents[n])  # noqa: E731
    label = lambda n: number.get(verdict(n).label, -9)  # noqa: E731
    said = lambda n: int(rows.predicted_labels[n])  # noqa: E731
    return {
        "wrong": lambda n: verdict(n) is not None and verdict(n).label and number[verdict(n).label] != said(n),
        "flips": lambda n: verdict(n) is not None and verdict(n).flip,
        "changed": lambda n: rows.previous[n] >= 0 and rows.previous[n] != said(n),
        "new": lambda n: n >= 12,
        "dup": lambda n: n in (2, 5, 9),
        "open": lambda n: verdict(n) is None,
        "judged": lambda n: verdict(n) is not None,
        "excluded": lambda n: n == 13,
        "held": lambda n: n in (3, 11),
        "imported": lambda n: n == 8,
        "skipped": lambda n: n == 15,
        "learned": lambda n: rows.previous[n] >= 0 and verdict(n) and label(n) == said(n) != rows.previous[n],
        "broke": lambda n: rows.previous[n] >= 0 and verdict(n) and label(n) == rows.previous[n] != said(n),
        "outcome": lambda n: (
            (
                rows.previous[n] >= 0
                and verdict(n)
                and label(n) in {said(n), int(rows.previous[n])}
                and said(n) != rows.previous[n]
            )
            or (n in (0, 2, 5, 7, 8, 9) and label(n) != said(n))
        ),
        "missed": lambda n: n in (0, 2, 5, 7, 8, 9) and label(n) != said(n),
        "suspect": lambda n: n in (3, 7),
        "near": lambda n: n in (0, 3, 7, 8),
        "contra": lambda n: n in (7, 8),
        "differ": lambda n: n in (2, 5, 8, 9),
        "<60%": lambda n: n < 15 and rows.probabilities[n].max() < 0.6,
        ">0.5": lambda n: n < 15 and rows.probabilities[n].max() > 0.005,
        "<45.5": lambda n: n < 15 and rows.probabilities[n].max() < 0.455,
        "Dog": lambda n: said(n) == 1,
        "CAT": lambda n: said(n) == 0,
        "'golden retriever'": lambda n: said(n) == 2,
        "says:cat": lambda n: said(n) == 0,
        "you:Dog": lambda n: verdict(n) is not None and verdict(n).label == "Dog",
        "name:cat": lambda n: n % 3 == 0,
        "dsc_1": lambda n: n % 3 and n >= 10,
        "": lambda n: True,
        "nothing like that": lambda n: False,
    }


def rows_of(mask):
    return np.flatnonzero(mask).tolist()


def test_every_word_is_what_a_slow_look_says(session):
    expected = slowly(session)
    assert set(WORDS) <= set(expected)
    for word, meets in expected.items():
        found = rows_of(wanted(session, word))
        assert found == [n for n in range(17) if meets(n)], word
    said = {word: rows_of(wanted(session, word)) for word in (*WORDS, "Dog", "<60%", "you:Dog")}
    assert all(0 < len(found) < 17 for found in said.values()), said


def test_a_label_that_is_written_so_comes_before_one_of_other_capitals(session):
    session = replace(session, labels=("Cat", "cat", "CAT"))
    for text, meets in (("says:cat", {1}), ("says:CAT", {2}), ("cat", {1}), ("says:cAT", {0, 1, 2}), ("cAt", {0, 1, 2})):
        assert rows_of(wanted(session, text)) == [n for n in range(15) if int(session.rows.predicted_labels[n]) in meets]


def test_words_are_combined_and_turned_round(session):
    expected = slowly(session)
    for text, parts in (("wrong <60%", ("wrong", "<60%")), ("judged Dog dsc", ("judged", "Dog", None))):
        meets = [n for n in range(17) if all(expected[p](n) if p else n % 3 for p in parts)]
        assert rows_of(wanted(session, text)) == meets
    assert rows_of(wanted(session, "-open -Dog")) == [
        n for n in range(17) if not expected["open"](n) and not expected["Dog"](n)
    ]
    assert rows_of(wanted(session, "-")) == list(range(17))


def test_a_quote_that_is_not_closed_yet_is_no_error(session):
    assert words('you:"golden ret') == ['you:"golden', "ret"]
    assert words('you:"golden retriever" <5%') == ["you:golden retriever", "<5%"]
    wanted(session, '"')


def test_images_that_are_not_read_are_no_duplicates():
    column = keys([b"", b"a" * 16, b"", b"b" * 16, b"a" * 16, b"a" * 8 + b"b" * 8])
    assert column.repeated().tolist() == [False, True, False, False, True, False]
    assert keys([]).repeated().tolist() == []


def test_labels_with_capitals_are_found(session):
    other = replace(session, labels=("CAT", "Dog", "x"))
    assert rows_of(wanted(other, "cat")) == rows_of(wanted(session, "says:cat"))


def test_a_verdict_on_what_is_not_predicted_any_more_is_not_wrong(session):
    (judged,) = [n for n in range(17) if session.rows.contents[n] == content(7)]
    labels = session.rows.predicted_labels.copy()
    labels[judged] = -1
    other = replace(session, rows=replace(session.rows, predicted_labels=labels))
    assert judged not in rows_of(wanted(other, "wrong"))
    assert judged in rows_of(wanted(other, "judged"))
