"""The session and its columns: plain values, no app."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from engine.events import (
    AlikeFound,
    BatchEnded,
    CurveMeasured,
    EpochEnded,
    Event,
    FeaturesRead,
    FolderChanged,
    Held,
    ImageSkipped,
    ImagesPredicted,
    ModelOpened,
    ModelRestored,
    ModelSaved,
    QueueMixed,
    Retrained,
    Score,
    TrainingBegan,
    VerdictsNotReviewed,
    VerdictsReviewed,
)
from engine.findings import Sample
from engine.head import Head
from engine.journal import HELD, IMPORTED, LABEL, Verdict
from tui.after import FOLDS
from tui.filters import wanted
from tui.order import ORDERS, arranged, extended
from tui.session import Session
from tui.status import status
from tui.table_rows import CHANGED, NEW, PREDICTED, SKIPPED, WAITING, TableRows

NAMES = ("b.png", "c.png", "a.png")
OPENED = ModelOpened("m.mlmodel", ("Cat", "Dog"), 0, (5, 7), True)


NO_SAMPLE = Sample(0, 0, 25)


def predicted(names=NAMES, shares=(0.9, 0.2, 0.55), version=0, contents=None):
    rows = np.array([[share, 1 - share] for share in shares], np.float32)
    keys = contents or tuple(name.encode().ljust(16) for name in names)
    return ImagesPredicted(tuple(names), keys, tuple(range(len(names), 0, -1)), rows, version)


def after(*events, session=None):
    session = session or Session()
    for event in events:
        session = session.after(event)
    return session


def ready():
    return after(OPENED, FolderChanged(added=NAMES), predicted())


def test_every_event_makes_something_of_the_session():
    assert set(FOLDS) == set(get_args(Event))


def test_rows_fill_in():
    session = after(OPENED, FolderChanged(added=NAMES))
    assert np.isnan(session.rows.confidence).all()
    assert session.rows.predicted_labels.tolist() == [-1, -1, -1]
    session = after(predicted(), session=session)
    assert session.rows.predicted_labels.tolist() == [0, 1, 0]
    assert session.rows.confidence == pytest.approx([0.9, 0.8, 0.55])


def test_a_session_is_never_changed():
    before = ready()
    kept = [share.copy() for share in before.rows.probabilities]
    after(predicted(shares=(0.1, 0.1, 0.1)), FolderChanged(removed=("b.png",)), ImageSkipped("a.png", "x"), session=before)
    assert np.array_equal(list(before.rows.probabilities), kept)
    assert before.rows.confidence == pytest.approx([0.9, 0.8, 0.55])
    assert before.rows.names == NAMES
    assert before.rows.problems == {}


def test_orders():
    session = ready()

    def ordered(name, session=session):
        return [session.rows.names[row] for row in arranged(session, name)]

    def whys(name, session=session):
        return [ORDERS[name].why(session, row) for row in arranged(session, name)]

    assert ordered("uncertain first") == ["a.png", "c.png", "b.png"]
    assert whys("uncertain first") == ["toss-up", "unsure", "likely"]
    assert ordered("name") == ["a.png", "b.png", "c.png"]
    assert ordered("newest") == ["b.png", "c.png", "a.png"]
    assert ordered("mixed") == ordered("uncertain first")
    b, c, a = session.rows.contents[0], session.rows.contents[1], session.rows.contents[2]
    mixed = session.after(QueueMixed((a, b, c), np.array([2, 0, 1]), np.array([0, 2, 1], np.uint8)))
    assert (ordered("mixed", mixed), whys("mixed", mixed)) == (["b.png", "c.png", "a.png"], ["random", "unlike", "unsure"])
    said = {each: Verdict(each, label, "Cat", 0) for each, label in ((a, "Dog"), (c, "Cat"))}
    judged = mixed.judged(said, said)
    assert ordered("mixed", judged) == ["b.png", "c.png", "a.png"]
    reviewed = judged.after(VerdictsReviewed((a, c), np.array([0.3, 0.1]), np.array([True, False]), 1, 2, 0, NO_SAMPLE))
    assert ordered("likely mistakes", reviewed) == ["a.png", "c.png", "b.png"]
    assert whys("likely mistakes", reviewed) == ["suspect 30 %", "agreed 10 %", ""]
    assert reviewed.notice == "Unseen 100 → 50 %, 9–91."
    assert ordered("audit", judged) == ["b.png", "a.png", "c.png"] and whys("audit", judged) == ["random", "", ""]
    alike = reviewed.after(AlikeFound((a, b, c), np.array([1, 0, 1])))
    assert ordered("alike", alike) == ["a.png", "c.png", "b.png"]
    assert whys("alike", alike) == ["≠ group 2", "≠ group 2", "group 1"]
    assert [alike.rows.names[row] for row in np.flatnonzero(wanted(alike, "contra"))] == ["c.png", "a.png"]


def test_what_a_retrain_changed_comes_in_the_order_of_its_weight():
    session = ready()
    c, a = session.rows.contents[1], session.rows.contents[2]
    said = {c: Verdict(c, "Dog", "Dog", 0), a: Verdict(a, "Dog", "Cat", 0)}
    score = Score(2, 2, 0.1)
    saved = session.judged(said, said).after(ModelSaved(Path("m"), 1, score, score))
    now = saved.after(predicted(shares=(0.2, 0.7, 0.1), version=1))
    assert [now.rows.names[row] for row in arranged(now, "changed")] == ["c.png", "a.png", "b.png"]
    assert [now.rows.names[row] for row in np.flatnonzero(wanted(now, "broke"))] == ["c.png"]
    assert [now.rows.names[row] for row in np.flatnonzero(wanted(now, "learned"))] == ["a.png"]
    assert len(np.flatnonzero(wanted(now, "outcome"))) == 2
    shown = TableRows(now, arranged(now, "changed"))
    words = [status(shown.line(at), now.labels, 26) for at in range(3)]
    assert words == ["broke: was Dog", "learned: was Cat", "changed: was Cat"]


def test_images_with_a_verdict_come_last_when_sorted_by_uncertainty():
    session = ready()
    content = session.rows.contents[2]
    session = session.judged({content: Verdict(content, "Dog", "Cat", 0)}, [content])
    assert [session.rows.names[row] for row in arranged(session, "uncertain first")] == ["c.png", "b.png", "a.png"]


def test_an_order_is_extended_without_moving_what_is_there():
    session = ready()
    order = arranged(session, "uncertain first")
    later = after(FolderChanged(added=("z.png", "0.png"), removed=("c.png",)), session=session)
    longer = extended(order, session.rows.names, later.rows, np.ones(len(later.rows), np.bool_))
    assert [later.rows.names[row] for row in longer] == ["a.png", "b.png", "z.png", "0.png"]


def test_verdicts_belong_to_content():
    session = ready()
    content = session.rows.contents[0]
    session = session.judged({content: Verdict(content, "Dog", "Cat", 0)}, [content])
    assert session.rows.verdict.tolist() == [1, -1, -1]
    assert session.flips == 1
    session = after(
        FolderChanged(added=("copy.png",)), predicted(("copy.png",), (0.9,), contents=(content,)), session=session
    )
    assert session.rows.verdict.tolist() == [1, -1, -1, 1]
    assert session.label_counts == {"Cat": 0, "Dog": 1}
    session = after(FolderChanged(changed=("b.png",)), session=session)
    assert session.rows.verdict.tolist() == [-1, -1, -1, 1]
    session = session.judged({}, [content])
    assert session.rows.verdict.tolist() == [-1, -1, -1, -1]


def test_verdicts_on_labels_that_the_model_lacks_are_not_shown():
    session = ready()
    content = session.rows.contents[0]
    session = session.judged({content: Verdict(content, "Hare", "Cat", 0)}, [content])
    assert session.rows.verdict.tolist() == [-1, -1, -1]


def states(session):
    rows = TableRows(session, np.arange(len(session.rows)))
    return [rows.state(row) for row in range(len(rows))]


def test_what_the_table_says_of_each_row():
    session = after(
        FolderChanged(added=("new.png", "bad.png", "late.png")),
        predicted(("new.png",), (0.7,)),
        ImageSkipped("bad.png", "The file is empty."),
        session=ready(),
    )
    assert states(session) == [PREDICTED, PREDICTED, PREDICTED, NEW, SKIPPED, WAITING]
    score = Score(1, 2, 0.5)
    session = after(ModelSaved(Path("m"), 1, score, score), predicted(shares=(0.1, 0.2, 0.6), version=1), session=session)
    assert states(session)[:3] == [CHANGED, PREDICTED, PREDICTED]
    assert session.version == 1


def test_training_is_followed():
    session = after(TrainingBegan("edit", 9, 10), BatchEnded(1, 1, 2, 0.7), BatchEnded(1, 2, 2, 0.5), session=ready())
    assert session.busy
    assert session.losses == (0.7, 0.5)
    assert (session.training.epoch, session.training.batch, session.training.batches) == (1, 2, 2)
    session = after(EpochEnded(1, 10, 0.6, 0.9), session=session)
    assert session.training.accuracy == 0.9
    result = Retrained(Head(()), 20, 18, 30, 30, 0, Score(30, 50, 0.7), Score(48, 50, 0.1))
    session = after(result, session=session)
    assert not session.busy
    assert session.waiting is None
    assert session.notice == "18 of 20 flips learned, 0 of 30 accepted broken."
    worse = Retrained(Head(()), 20, 18, 30, 10, 20, Score(30, 50, 0.7), Score(28, 50, 0.9))
    assert after(worse, session=session).waiting is worse


def test_scan_progress_ends():
    assert after(FeaturesRead(3, 9, 1)).scan.done == 3
    assert after(FeaturesRead(3, 9, 1), FeaturesRead(9, 9, 1)).scan is None


def test_what_the_folder_did_is_told():
    session = after(FolderChanged(added=("x.png",)), session=ready())
    assert session.notice == "1 new: x.png."
    session = after(FolderChanged(added=("y.png",), removed=("x.png",)), session=session)
    assert session.notice == "1 new, 1 gone in the folder."


def test_a_folder_that_is_held_out():
    names = ("a.png", "test/b.png", "test/deep/c.png", "test0.png", "tes/d.png", "test-e.png", "copy.png")
    keys = tuple(bytes([n]) * 16 for n in (0, 1, 2, 3, 4, 5, 1))
    opened = replace(OPENED, held_out="test")
    session = after(opened, FolderChanged(added=(*names, "test/unread.png")), predicted(names, (0.5,) * 7, contents=keys))
    assert session.held == {keys[1], keys[2]}
    given = {key: Verdict(key, "Dog", "Cat", 0) for key in keys[:4]} | {keys[4]: Verdict(keys[4], "Cat", "Cat", 0, HELD)}
    given[keys[2]] = replace(given[keys[2]], kind=IMPORTED)
    session = session.judged(given, given)
    learned, aside = session.taught()
    assert learned == {keys[0]: "Dog", keys[3]: "Dog"}
    assert aside.held == {keys[1]: "Dog", keys[2]: "Dog", keys[4]: "Cat"}
    assert aside.untouched == {keys[1], keys[2], keys[4]}
    rows = TableRows(session, np.arange(len(session.rows)))
    kinds = {line.name: line.kind for line in map(rows.line, range(len(rows)))}
    assert kinds == {
        "a.png": LABEL, "test/b.png": HELD, "test/deep/c.png": IMPORTED, "test0.png": LABEL, "tes/d.png": HELD,
        "test-e.png": "", "copy.png": LABEL, "test/unread.png": HELD,
    }  # fmt: skip
    held = [session.rows.names[row] for row in np.flatnonzero(wanted(session, "held"))]
    assert held == ["test/b.png", "test/deep/c.png", "tes/d.png", "test/unread.png"]
    assert after(OPENED, session=session).held == frozenset()
    result = Retrained(Head(()), 20, 18, 30, 30, 0, Score(30, 50, 0.7), Score(48, 50, 0.1), Held(25, 20, 22))
    assert after(result, session=session).notice.endswith("0 of 30 accepted broken; held out 20→22 of 25.")


def test_the_line_after_a_retrain_fits_eighty_columns_with_how_right_it_is_on_unseen_verdicts():
    result = Retrained(Head(()), 120, 118, 1300, 1288, 12, Score(1300, 1420, 0.7), Score(1406, 1420, 0.1))
    score, contents = Score(1, 2, 0.1), tuple(bytes([n % 250, n // 250]) * 8 for n in range(1420))
    saved = after(result, ModelSaved(Path("m"), 13, score, score), session=ready())
    assert saved.notice == "118 of 120 flips learned, 12 of 1,300 accepted broken. Saved as version 13."
    event = VerdictsReviewed(contents, np.ones(1420), np.zeros(1420, np.bool_), 1250, 900, 400, NO_SAMPLE)
    reviewed = saved.after(event)
    assert reviewed.notice == "118 of 120 flips learned, 12 of 1,300 accepted broken. Unseen 63 → 88 %, 86–90."
    assert len(reviewed.notice) < 80
    again = reviewed.after(replace(event, correct=1300))
    assert again.notice == "118 of 120 flips learned, 12 of 1,300 accepted broken. Unseen 63 → 92 %, 90–93."


def test_why_verdicts_are_not_reviewed_is_kept_until_they_are():
    session = after(VerdictsNotReviewed("Nothing untouched."), session=ready())
    assert (session.insight.not_reviewed, session.notice) == ("Nothing untouched.", "")
    curve = CurveMeasured((5, 10), (3, 4), 12, (-0.1, 0.2), None)
    reviewed = VerdictsReviewed((), np.zeros(0), np.zeros(0, np.bool_), 0, 0, 0, NO_SAMPLE)
    session = after(curve, session=session)
    assert session.insight.curve is curve
    assert replace(session, insight=session.insight.with_review(reviewed)).insight.not_reviewed == ""


def test_the_audit_is_in_the_order_of_content_keys_whatever_the_names():
    names = tuple(f"{n:02d}.png" for n in range(40))
    keys = [np.random.default_rng(n).bytes(16) for n in range(39)]
    contents = (*keys, keys[7])
    session = after(replace(OPENED, held_out="x"), FolderChanged(added=(*names, "unread.png", "x/a.png")))
    session = after(predicted((*names, "x/a.png"), (0.6,) * 41, contents=(*contents, bytes(16))), session=session)
    said = {key: Verdict(key, "Dog", "Cat", 0) for key in sorted(keys)[3:9]}
    session = session.judged(said, said)
    found = [session.rows.names[row] for row in arranged(session, "audit")]
    wanted_order = sorted(range(40), key=lambda n: (contents[n] in said, contents[n], n))
    first = [names[n] for n in wanted_order if contents[n] not in said]
    assert found[: len(first)] == first
    assert set(found[-6:]) <= {names[n] for n in range(40) if contents[n] in said}
    assert found.index("unread.png") == len(first) and found.index("x/a.png") == len(first) + 1


def test_restored():
    assert after(ModelRestored(0), session=ready()).notice == "Version 0 is back."
