"""Versions that are kept, those that are let go of, and files that are nobody's to lose."""

import pytest

from engine.errors import BadSetting
from engine.events import ModelRefused, ModelSaved
from engine.keeping import Keeping
from engine.model import Model
from engine.retention import Kept, Retention
from engine.spec.file import read
from engine.trainers import Settings
from engine.workspace import Workspace


@pytest.mark.parametrize(
    ("versions", "limit", "present", "gone"),
    [
        ("all", "none", 9, []),
        ("4", "none", 9, [2, 3, 5]),
        ("4", "none", 3, [2, 5, 6]),
        ("2", "none", 9, [2, 3, 5, 6, 7]),
        ("all", "50B", 9, [2, 3]),
        ("all", "50B", 2, [3, 5, 6, 7]),
        ("all", "1B", 5, [2, 3, 6, 7, 8]),
        ("6", "68B", 9, [2]),
        ("6", "55B", 9, [2, 3]),
    ],
)
def test_the_oldest_go_but_for_the_present_and_the_newest(versions, limit, present, gone):
    sizes = {2: 30, 3: 11, 5: 7, 6: 13, 7: 17, 8: 5, 9: 3}
    kept = [Kept(version, size) for version, size in sizes.items()]
    assert Keeping(versions=versions, versions_limit=limit).retention.beyond(kept, present) == gone


@pytest.mark.parametrize(("versions", "limit"), [("0", ""), ("1", ""), ("-3", ""), ("many", ""), ("", "much"), ("2.5", "")])
def test_what_there_is_not_is_refused(versions, limit):
    with pytest.raises(BadSetting):
        Keeping(versions=versions, versions_limit=limit)


def test_what_is_said_later_counts_and_nothing_goes_where_nothing_is_said():
    assert Keeping().retention == Retention(None, None)
    found = Keeping(versions="5", versions_limit="2GB").but(Keeping(versions_limit="none"))
    assert found.retention == Retention(5, None)
    assert Keeping(versions="5").but(Keeping(versions="all", versions_limit="7MB")).retention == Retention(None, 7_000_000)


def opened(pictures, model_path, **said):
    return Workspace(pictures, model_path, **said)


def trained(workspace, turn):
    contents = [content for _, content, _ in workspace._shown]
    verdicts = {content: ("Cat", "Dog")[(at + turn) % 2] for at, content in enumerate(contents[turn : turn + 7])}
    events = list(workspace.retrain(verdicts, "edit", Settings(), float(turn), force=True))
    return next(event.version for event in events if isinstance(event, ModelSaved))


def files(workspace):
    return sorted(file.name for file in (workspace.home / "versions").iterdir())


def test_versions_beyond_the_limit_lose_their_file_and_stay_in_the_history(pictures, model_path):
    original = model_path.read_bytes()
    with opened(pictures, model_path, keeping=Keeping(versions="3")) as workspace:
        list(workspace.scan())
        digests = [read(model_path).digest]
        for turn in range(6):
            assert trained(workspace, turn) == turn + 1
            digests.append(read(model_path).digest)
        assert files(workspace) == ["0000.mlmodel", "0004.mlmodel", "0005.mlmodel", "0006.mlmodel"]
        assert (workspace.home / "versions" / "0000.mlmodel").read_bytes() == original
        assert [each.digest for each in workspace.versions.all()] == digests
        assert [bool(each.file) for each in workspace.versions.all()] == [True, False, False, False, True, True, True]
        with pytest.raises(BadSetting, match=r"version 2 is not kept any more"):
            list(workspace.restore(2, 1.0))
        list(workspace.restore(4, 1.0))
        trained(workspace, 6)
        assert files(workspace) == ["0000.mlmodel", "0005.mlmodel", "0006.mlmodel", "0007.mlmodel"]
    with opened(pictures, model_path) as again:
        assert again.version == 7
        assert files(again) == ["0000.mlmodel", "0005.mlmodel", "0006.mlmodel", "0007.mlmodel"]
    with opened(pictures, model_path, keeping=Keeping(versions="2")) as again:
        assert files(again) == ["0000.mlmodel", "0006.mlmodel", "0007.mlmodel"]


@pytest.mark.parametrize("limit", ["", "1GB"])
def test_where_nobody_said_how_many_all_stay(pictures, model_path, limit):
    """As for whoever opens a folder without the settings that the app goes by; something else may have been said."""
    with opened(pictures, model_path, usual=Keeping(versions="all")) as workspace:
        list(workspace.scan())
        for turn in range(23):
            trained(workspace, turn % 11)
    with opened(pictures, model_path, keeping=Keeping(versions_limit=limit)) as again:
        list(again.scan())
        trained(again, 5)
        assert len(files(again)) == 25
    with opened(pictures, model_path, usual=Keeping(versions="2")) as again:
        assert files(again) == ["0000.mlmodel", "0023.mlmodel", "0024.mlmodel"]


def test_the_present_version_stays_though_it_is_old(pictures, model_path):
    with opened(pictures, model_path, keeping=Keeping(versions="all")) as workspace:
        list(workspace.scan())
        for turn in range(4):
            trained(workspace, turn)
        list(workspace.restore(1, 1.0))
    with opened(pictures, model_path, keeping=Keeping(versions="2")) as again:
        assert again.version == 1
        assert files(again) == ["0000.mlmodel", "0001.mlmodel", "0004.mlmodel"]


def test_a_version_that_comes_back_from_elsewhere_is_kept_again(pictures, model_path, tmp_path):
    with opened(pictures, model_path, keeping=Keeping(versions="2")) as workspace:
        list(workspace.scan())
        trained(workspace, 0)
        mine = model_path.read_bytes()
        for turn in range(1, 4):
            trained(workspace, turn)
        assert "0001.mlmodel" not in files(workspace)
        model_path.write_bytes(mine)
        list(workspace.adopt(9.0))
        assert workspace.version == 1
        list(workspace.restore(3, 10.0))
        assert (workspace.home / "versions" / "0001.mlmodel").read_bytes() == mine
        list(workspace.restore(1, 11.0))
        assert model_path.read_bytes() == mine
        assert [each.version for each in workspace.versions.all()] == [0, 1, 2, 3, 4]


def test_a_file_that_a_kill_left_goes_when_the_folder_is_opened(pictures, model_path):
    with opened(pictures, model_path, keeping=Keeping(versions="2")) as workspace:
        list(workspace.scan())
        for turn in range(4):
            trained(workspace, turn)
        left = workspace.home / "versions" / "0001.mlmodel"
        other = workspace.home / "versions" / "mine.mlmodel"
        for each in (left, other):
            each.write_bytes(b"something")
    with opened(pictures, model_path):
        assert not left.exists() and other.exists()


@pytest.mark.parametrize("way", ["retrain", "restore"])
def test_what_somebody_wrote_over_the_model_is_copied_before_it_is_replaced(pictures, model_path, way):
    with opened(pictures, model_path) as workspace:
        list(workspace.scan())
        trained(workspace, 0)
        stranger = b"not a model, but somebody's work"
        model_path.write_bytes(stranger)
        (refused,) = workspace.adopt(5.0)
        assert isinstance(refused, ModelRefused)
        if way == "retrain":
            trained(workspace, 1)
        else:
            list(workspace.restore(0, 6.0))
        (kept,) = (workspace.home / "versions").glob("refused-*.mlmodel")
        assert kept.read_bytes() == stranger
        Model(read(model_path)).require_classifier()
        assert [each.version for each in workspace.versions.all()] == list(range(3 if way == "retrain" else 2))


def test_a_write_that_spoils_what_it_writes_is_noticed_and_the_old_model_stays(pictures, model_path, monkeypatch):
    with opened(pictures, model_path) as workspace:
        list(workspace.scan())
        before = model_path.read_bytes()
        # A disk that gives back other weights than it was given.
        from engine.spec import file as module

        class Spoilt(module.ModelFile):
            def __init__(self, data, *more):
                at = len(data) - 900
                super().__init__(data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :], *more)

        monkeypatch.setattr(module, "ModelFile", Spoilt)
        with pytest.raises(Exception, match=r"\w") as caught:
            trained(workspace, 0)
        assert type(caught.value).__module__ == "engine.errors"
        monkeypatch.undo()
        assert model_path.read_bytes() == before
        assert workspace.version == 0
        assert trained(workspace, 0) == 1
