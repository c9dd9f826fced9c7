"""What a folder's features and verdicts tell, through a workspace with a real model."""

import numpy as np
import pytest
from PIL import Image

import engine.insight
from engine.events import AlikeFound, QueueMixed
from engine.workspace import Workspace
from tests.engine.test_workspace import predictions


@pytest.fixture
def workspace(pictures, model_path):
    with Workspace(pictures, model_path) as opened:
        yield opened


def contents(found):
    return {path: content for path, (content, _) in found.items()}


def last(events, kind):
    *_, event = (event for event in events if isinstance(event, kind))
    return event


def test_groups_are_worked_out_once_for_the_same_pictures(workspace, monkeypatch):
    asked, groups = [], engine.insight.groups
    monkeypatch.setattr(engine.insight, "groups", lambda *given: asked.append(len(given[1])) or groups(*given))
    found = contents(predictions(workspace.scan()))
    first = last(workspace.alike(), AlikeFound)
    assert sorted(first.contents) == sorted(found.values()) and len(first.groups) == 24
    list(workspace.mix(()))
    again = last(workspace.alike(), AlikeFound)
    assert asked == [24]
    np.testing.assert_array_equal(again.groups, first.groups)
    one = sorted(found)[0]
    with Image.open(workspace.folder / one) as picture:
        picture.point(lambda value: min(255, value + 1)).save(workspace.folder / "again.png")
    (new,) = contents(predictions(workspace.scan())).values()
    grown = last(workspace.alike(), AlikeFound)
    assert asked == [24, 25]
    group = dict(zip(grown.contents, grown.groups.tolist(), strict=True))
    assert group[new] == group[found[one]] >= 0


def test_the_queue_puts_what_is_judged_last_and_says_why(workspace):
    found = contents(predictions(workspace.scan()))
    judged = frozenset(sorted(found.values())[:5])
    event = last(workspace.mix(judged), QueueMixed)
    rank = dict(zip(event.contents, event.ranks.tolist(), strict=True))
    assert sorted(rank.values()) == list(range(24))
    assert {content for content, place in rank.items() if place >= 19} == judged
    assert len(event.reasons) == 24
