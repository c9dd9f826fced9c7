"""How features are kept: what may be chosen, what is remembered, and that a small store gives what a large one gives."""

import shutil

import numpy as np
import pytest

from engine.catalogue import Catalogue
from engine.errors import BadSetting, CannotTrain
from engine.events import FeaturesRead, ImagesPredicted, ModelSaved, Retrained, RoomAsked
from engine.keeping import Keeping
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions, wrong_ones

ROW_BYTES = 4 * 5 * 4 * 6
"""Of the small model's features."""


@pytest.mark.parametrize(
    ("said", "size_bytes"),
    [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1.5g", 15 * 10**8), ("123456789", 123456789), ("None", None), ("", None)],
)
def test_sizes(said, size_bytes):
    assert Keeping("", said).limit_bytes == size_bytes


@pytest.mark.parametrize(
    ("precision", "limit", "match"),
    [
        ("quarter", "", "no precision 'quarter'"),
        ("", "2 XB", "no size"),
        ("", "-3GB", "no size"),
        ("", "9" * 400, "no size"),
        ("", "٢GB", "no size"),
        ("", "99MB", "too small"),
    ],
)
def test_what_there_is_not_is_refused(precision, limit, match):
    with pytest.raises(BadSetting, match=match):
        Keeping(precision, limit)


def test_what_was_said_is_remembered(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        assert not workspace.keeping.chosen
    with Workspace(pictures, keeping=Keeping("half")) as workspace:
        list(workspace.scan())
    with Workspace(pictures, keeping=Keeping("", "3GB")) as workspace:
        assert (workspace.keeping.half, workspace.keeping.limit_bytes) == (True, 3 * 10**9)
        assert workspace._store.matrix().dtype == np.float16
    with Catalogue(pictures / ".catflap/catalogue.db", read_only=True) as catalogue:
        assert (catalogue.setting("features"), catalogue.setting("store_limit")) == ("half", "3GB")


def test_what_is_usual_holds_where_nothing_was_said_of_the_folder(pictures, model_path, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(pictures, other)
    usual = Keeping("half", "5GB")
    with Workspace(pictures, model_path, ask_above_bytes=0, usual=usual) as workspace:
        assert workspace.keeping == usual
        assert not [event for event in workspace.scan() if isinstance(event, RoomAsked)]
        assert workspace._store.matrix().dtype == np.float16
    with Workspace(pictures, usual=Keeping("full", "7GB")) as workspace:
        assert workspace.keeping == usual
    with Workspace(other, model_path, keeping=Keeping("full"), usual=usual) as workspace:
        assert workspace.keeping == Keeping("full", "5GB")


def test_half_precision_predicts_the_same_now_and_later(pictures, model_path):
    with Workspace(pictures, model_path, keeping=Keeping("half")) as workspace:
        first = predictions(workspace.scan())
        workspace._catalogue.put_predictions("another model", [b"0" * 16], np.zeros((1, 2), np.float32))
        again = predictions(workspace.predict_again())
    for path, (_, row) in first.items():
        np.testing.assert_allclose(again[path][1], row, rtol=1e-6)


def test_a_large_scan_asks_first_and_goes_on_when_answered(pictures, model_path):
    with Workspace(pictures, model_path, ask_above_bytes=24 * ROW_BYTES - 1) as workspace:
        *_, asked = workspace.scan()
        assert isinstance(asked, RoomAsked)
        assert (asked.images, asked.full_bytes, asked.half_bytes) == (24, 24 * ROW_BYTES, 12 * ROW_BYTES)
        assert asked.free_bytes > 0
        assert not len(workspace._store)
        answered = list(workspace.keep(Keeping("half", "none")))
        assert len(predictions(answered)) == 24
        assert answered[-1] == FeaturesRead(24, 24, 0)
        assert not any(isinstance(event, RoomAsked) for event in workspace.scan())
    with Workspace(pictures, ask_above_bytes=0) as again:
        assert not any(isinstance(event, RoomAsked) for event in again.scan())


def test_a_small_scan_does_not_ask(pictures, model_path):
    with Workspace(pictures, model_path, ask_above_bytes=24 * ROW_BYTES) as workspace:
        assert not any(isinstance(event, RoomAsked) for event in workspace.scan())


def test_what_is_known_is_shown_while_the_question_waits(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
    (pictures / "new.png").write_bytes((pictures / "c00.png").read_bytes() + b"more")
    with Workspace(pictures, ask_above_bytes=24 * ROW_BYTES) as again:
        *before, asked = again.scan()
        assert len(predictions(before)) == 24
        assert isinstance(asked, RoomAsked)
        assert asked.images == 1
        assert any(
            isinstance(e, ModelSaved) for e in again.retrain(wrong_ones(predictions(before)), "auto", Settings(), 1.0)
        )
        assert "new.png" not in predictions(again.predict_again())


@pytest.fixture
def small(monkeypatch):
    """Stores of so many rows."""
    monkeypatch.setattr("engine.keeping.LEAST_BYTES", 1)
    return lambda rows: Keeping("", f"{rows * ROW_BYTES}B")


@pytest.mark.parametrize("rows", [1, 7, 19])
def test_a_small_store_gives_what_a_large_one_gives(pictures, model_path, tmp_path, small, rows):
    for name in ("one.png", "two.png"):
        (pictures / name).write_bytes((pictures / "c00.png").read_bytes())
    with Workspace(pictures, model_path) as workspace:
        expected = predictions(workspace.scan())
    (pictures / ".catflap/catalogue.db").unlink()
    with Workspace(pictures, model_path, keeping=small(rows)) as workspace:
        events = list(workspace.scan())
        found = predictions(events)
        assert events[-1].done == events[-1].total == 26
        assert found.keys() == expected.keys()
        for path, (content, row) in found.items():
            assert content == expected[path][0]
            np.testing.assert_allclose(row, expected[path][1], rtol=1e-5)
        assert len(workspace._store) <= rows
        again = predictions(workspace.predict_again())
        assert again.keys() == expected.keys()


def test_a_small_store_trains_saves_and_predicts_all(pictures, model_path, small):
    with Workspace(pictures, model_path, keeping=small(13)) as workspace:
        before = predictions(workspace.scan())
        verdicts = dict(sorted(wrong_ones(before).items())[:5])
        events = list(workspace.retrain(verdicts, "auto", Settings(), 1.0))
        result = next(event for event in events if isinstance(event, Retrained))
        assert (result.flips, result.learned) == (5, 5)
        assert any(isinstance(event, ModelSaved) for event in events)
        after = predictions(event for event in events[events.index(result) :])
        assert after.keys() == before.keys()
        assert {content for content, row in after.values() if ("Cat", "Dog")[row.argmax()] == verdicts.get(content)} == set(
            verdicts
        )


def test_live_on_a_small_store_learns(pictures, model_path, small):
    with Workspace(pictures, model_path, keeping=small(13)) as workspace:
        verdicts = dict(sorted(wrong_ones(predictions(workspace.scan())).items())[:4])
        for count in (1, 4):
            some = dict(list(verdicts.items())[:count])
            *_, shown = (event for event in workspace.live(some) if isinstance(event, ImagesPredicted))
            said = dict(zip(shown.contents, shown.probabilities.argmax(axis=1), strict=True))
            assert all(("Cat", "Dog")[said[content]] == label for content, label in some.items())


def test_more_verdicts_than_there_is_room_for_are_refused(pictures, model_path, small):
    with Workspace(pictures, model_path, keeping=small(3)) as workspace:
        found = predictions(workspace.scan())
        verdicts = {content: "Cat" for content, _ in found.values()}
        with pytest.raises(CannotTrain, match="of 24 verdicts do not fit into the 1440B"):
            list(workspace.retrain(verdicts, "auto", Settings(), 1.0))


def test_stores_of_other_backbones_go_for_want_of_room(pictures, model_path, tmp_path, small, make_model):
    other = tmp_path / "other.mlmodel"
    other.write_bytes(make_model(seed=5).SerializeToString())
    for model in (model_path, other):
        with Workspace(pictures, model) as workspace:
            list(workspace.scan())
            key = workspace.model.backbone_key
    assert len(list((pictures / ".catflap/features").iterdir())) == 2
    with Workspace(pictures, other, keeping=small(50)):
        assert [each.name for each in (pictures / ".catflap/features").iterdir()] == [key]


def test_a_retrain_without_an_answer_reads_again_only_what_it_learns(pictures, model_path):
    with Workspace(pictures, model_path) as workspace:
        verdicts = dict(sorted(wrong_ones(predictions(workspace.scan())).items())[:4])
    shutil.rmtree(pictures / ".catflap/features")
    with Workspace(pictures, ask_above_bytes=0) as workspace:
        list(workspace.scan())
        events = list(workspace.retrain(verdicts, "auto", Settings(), 1.0))
        assert any(isinstance(event, Retrained) for event in events)
        assert len(workspace._store) == len(verdicts)
