"""A sub-folder that is held out: measured at every retrain, and in no way trained on."""

import shutil

import numpy as np
import pytest
from PIL import Image

from engine.errors import BadSetting
from engine.events import ModelSaved, Retrained
from engine.trainers import Settings
from engine.workspace import Workspace
from tests.engine.test_workspace import noted_lessons, predictions, truth


def test_a_folder_that_is_held_out_is_measured_and_never_trained(pictures, model_path, monkeypatch):
    shutil.copy(pictures / "more" / "d19.png", pictures / "copy.png")
    seen = noted_lessons(monkeypatch)
    with Workspace(pictures, model_path, held_out="more") as workspace:
        assert workspace.opened().held_out == "more"
        found = predictions(workspace.scan())
        below = {content for path, (content, _) in found.items() if path.startswith("more/")}
        assert len(below) == 6 and found["copy.png"][0] in below
        verdicts = {content: truth(path) for path, (content, _) in sorted(found.items()) if path != "copy.png"}
        del verdicts[found["c00.png"][0]]
        events = list(workspace.retrain(verdicts, "edit", Settings(), at=1.0))
    ((taught, anchors),) = seen
    assert taught == set(verdicts) - below
    assert anchors == {found["c00.png"][0]}
    (result,) = [event for event in events if isinstance(event, Retrained)]
    (saved,) = [event for event in events if isinstance(event, ModelSaved)]
    now = predictions(events)
    right = sum(("Cat", "Dog")[now[path][1].argmax()] == truth(path) for path in now if path.startswith("more/"))
    assert (result.held.of, result.held.before, result.held.after) == (6, 3, right)
    assert saved.held == result.held


def test_a_held_out_folder_is_remembered_until_it_is_forgotten(pictures, model_path):
    for said, kept in (("more", "more"), ("", "more"), ("none", ""), ("", ""), (str(pictures / "more"), "more")):
        with Workspace(pictures, model_path, held_out=said) as workspace:
            assert workspace.opened().held_out == kept, said


@pytest.mark.parametrize("said", ["nowhere", "c00.png", ".", "..", "../pictures", "more/..", "link"])
def test_what_is_no_folder_inside(pictures, model_path, tmp_path, said):
    (tmp_path / "elsewhere").mkdir()
    (pictures / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadSetting, match="no folder inside"):
        Workspace(pictures, model_path, held_out=said)
    with Workspace(pictures, model_path) as workspace:
        assert workspace.opened().held_out == ""


def test_live_holds_out_what_comes_into_that_folder_meanwhile(pictures, model_path, monkeypatch):
    with Workspace(pictures, model_path, held_out="more") as workspace:
        found = predictions(workspace.scan())
        verdicts = {content: truth(path) for path, (content, _) in sorted(found.items())[:8]}
        list(workspace.live(verdicts))
        kept = []
        teaching = Workspace.teaching
        monkeypatch.setattr(
            Workspace, "teaching", lambda self, aside: kept.append(teaching(self, aside).kept({})) or teaching(self, aside)
        )
        Image.fromarray(np.full((20, 30, 3), 77, np.uint8)).save(pictures / "more" / "new.png")
        predictions(workspace.scan())
        known = workspace._catalogue.images()
        below = {each.content for path, each in known.items() if path.startswith("more/")}
        assert len(below) == 7 and known["more/new.png"].content in below
        assert kept and not set(kept[-1]) & below
        assert set(kept[-1]) == {each.content for path, each in known.items()} - below
