"""Live: what the keys ask for, what the screen shows, and what the engine's process overtakes."""

import numpy as np
import pytest

from engine.events import (
    BatchEnded,
    FolderChanged,
    ImagesPredicted,
    LiveLearned,
    LiveWaits,
    LiveWorked,
    ModelReplaced,
    ModelRestored,
    ModelSaved,
    Retrained,
    Score,
    TrainingBegan,
)
from engine.head import Head
from tests.tui.test_main import ROWS, key, names, opened, predicted, until
from tui.child import _Server
from tui.messages import Ended, Live, Restore, Retrain, Stop
from tui.widgets.lines import Title

__all__ = ["opened"]


def changed(row, to):
    rows = [list(each) for each in ROWS]
    rows[row] = to
    return predicted(rows)


def labels_asked(said):
    return [each.verdicts if isinstance(each, Live) else each for each in said.asked]


def test_every_verdict_is_asked_for_and_rows_stay_where_they_are(opened):
    async def story(pilot, said, journal):
        await pilot.press("a", "l")
        assert labels_asked(said) == [{key(1): "Cat"}]
        assert "LIVE" in pilot.app._main.query_one(Title)._said
        before, cursor = names(pilot), pilot.app._main.table.cursor
        await pilot.press("x")
        await until(pilot, lambda: len(said.asked) == 2)
        judged = pilot.app._main.session.rows.contents[pilot.app._main._order[cursor]]
        assert said.asked[-1].verdicts[judged] != "Cat"
        said.to_say = [LiveLearned(2, 1, 1, 1, 0), changed(0, [0.1, 0.2, 0.7]), Ended()]
        await until(pilot, lambda: "1 of 1 flip learned" in pilot.app._main.session.notice)
        assert names(pilot) == before
        assert pilot.app._main.table.cursor == cursor + 1
        assert pilot.app._main.session.rows.predicted_labels[0] == 2
        await pilot.press("u")
        await until(pilot, lambda: len(said.asked) == 3)
        assert said.asked[-1].verdicts == {key(1): "Cat"}

    opened(story)


def test_off_is_asked_for_and_nothing_after_it(opened):
    async def story(pilot, said, journal):
        await pilot.press("l", "x", "l", "a")
        await pilot.pause(0.1)
        assert said.asked[-1] == Live(None)
        assert not pilot.app._main.session.live
        assert "LIVE" not in pilot.app._main.query_one(Title)._said

    opened(story)


def test_what_live_showed_stays_marked_when_it_is_saved(opened, tmp_path):
    async def story(pilot, said, journal):
        await pilot.press("x", "l")
        said.to_say = [LiveLearned(1, 1, 1, 0, 0), changed(0, [0.1, 0.2, 0.7]), Ended()]
        main = pilot.app._main
        await until(pilot, lambda: main.session.rows.predicted_labels[0] == 2)
        await pilot.press("r")
        assert isinstance(said.asked[-1], Retrain)
        score = Score(1, 1, 0.1)
        result = Retrained(Head(()), 1, 1, 0, 0, 0, score, score)
        saved = ModelSaved(tmp_path / "m.mlmodel", 1, score, score)
        said.to_say = [TrainingBegan("live", 1, 1, "what live showed"), result, saved, changed(0, [0.1, 0.2, 0.7]), Ended()]
        await until(pilot, lambda: main.session.version == 1)
        assert main.session.rows.previous[0] == 0
        assert "what live showed" in str(main.query_one("#epoch").content)

    opened(story)


@pytest.mark.parametrize(
    ("event", "notice", "title"),
    [
        (LiveWaits("So far all verdicts give one label."), "all verdicts give one label", "LIVE"),
        (LiveWorked(300, 4000), "verdicts show at once", "LIVE 300 of 4,000"),
    ],
)
def test_what_live_waits_for_is_told(opened, event, notice, title):
    async def story(pilot, said, journal):
        await pilot.press("l")
        said.to_say = [event]
        await until(pilot, lambda: notice in pilot.app._main.session.notice)
        await until(pilot, lambda: title in pilot.app._main.query_one(Title)._said)

    opened(story)


def test_a_frozen_model_has_no_live(opened):
    async def story(pilot, said, journal):
        await pilot.press("l")
        assert said.asked == []
        assert not pilot.app._main.session.live
        assert pilot.app._main.session.notice == "It is frozen."

    opened(story, trainable="It is frozen.")


class Folder:
    """Stands for the workspace: tells which of its generators were begun, and closed before their end."""

    def __init__(self, tmp_path):
        self.folder, self.images, self.log, self.follow_links = tmp_path, {}, [], False

    def _steps(self, name, count, event):
        self.log.append(f"{name} begun")
        try:
            for _ in range(count):
                yield event
        except GeneratorExit:
            self.log.append(f"{name} overtaken")
            raise
        self.log.append(f"{name} done")

    def scan(self):
        return self._steps("scan", 2, LiveWorked(0, 1))

    def noticed(self, change, stamps):
        self.log.append("noticed")
        return self._steps("read", 2, LiveWorked(0, 1))

    def model_changed(self, now):
        return False

    def live(self, verdicts, aside):
        return self._steps(f"live {len(verdicts)}", 3, LiveWorked(0, 1))

    def end_live(self):
        return self._steps("off", 1, LiveWorked(0, 1))

    def restore(self, version, at):
        return self._steps("restore", 3, ModelRestored(version))

    def retrain(self, verdicts, trainer, settings, at, aside, offered):
        score = Score(1, 1, 0.1)
        yield from self._steps("retrain", 2, TrainingBegan("edit", 1, 1))
        while not offered():
            yield BatchEnded(1, 1, 1, 0.5)
        assert settings.out_of_time()
        yield Retrained(Head(()), 1, 1, 0, 0, 0, score, score, offered=True)
        self.log.append("retrain offered")
        yield ModelSaved(self.folder / "m.mlmodel", 1, score, score)


class Pipe:
    def __init__(self):
        self.to_come, self.sent = [], []

    def poll(self, seconds):
        return bool(self.to_come)

    def recv(self):
        return self.to_come.pop(0)

    def send(self, said):
        self.sent += said


@pytest.fixture
def server(tmp_path):
    pipe, folder = Pipe(), Folder(tmp_path)
    server = _Server(pipe, folder)

    def play(*requests, steps):
        pipe.to_come += requests
        server._listen()
        for _ in range(steps):
            if server._tasks:
                server._advance()

    play.send, play.server = server._send, server
    return play, folder.log, pipe


def test_a_change_of_the_folder_is_told_though_what_follows_is_stopped(server, monkeypatch):
    """The watch tells each change once: what is dropped before its first step would never be told."""
    play, log, pipe = server
    change = FolderChanged(("new.png",), (), ("old.png",))
    told = [change]
    monkeypatch.setattr(play.server._watch, "tick", lambda now: told.pop() if told else None)
    play(Live({b"a": "Cat"}), steps=1)
    play.server._look()
    play(Stop(), steps=5)
    play.send()
    assert [each for each in pipe.sent if isinstance(each, FolderChanged)] == [change]
    assert "noticed" in log and "read begun" not in log


def test_a_newer_verdict_overtakes_a_live_edit_and_the_scan_goes_on(server):
    play, log, _ = server
    play(steps=1)
    play(Live({b"a": "Cat"}), steps=2)
    play(Live({b"a": "Cat", b"b": "Dog"}), steps=9)
    assert log == ["scan begun", "live 1 begun", "live 1 overtaken", "live 2 begun", "live 2 done", "scan done"]


def test_a_retrain_comes_before_live_and_is_not_overtaken(server):
    play, log, _ = server
    play(Live({b"a": "Cat"}), steps=1)
    play(Retrain({b"a": "Cat"}, 0.0), steps=1)
    play(Live({b"a": "Cat", b"b": "Dog"}), steps=3)
    play(Stop(), steps=1)
    play(Live({b"a": "Cat", b"b": "Dog"}), steps=9)
    kept = [each for each in log if not each.startswith("scan")]
    assert kept == [
        "live 1 begun",
        "live 1 overtaken",
        "retrain begun",
        "retrain done",
        "retrain offered",
        "live 2 begun",
        "live 2 done",
    ]


def test_what_was_not_trained_yet_is_dropped(server):
    play, log, pipe = server
    play(Retrain({b"a": "Cat"}, 0.0), steps=1)
    play(Stop(), steps=9)
    assert log == ["retrain begun", "retrain overtaken"]
    play.send()
    assert pipe.sent[-1] == Ended(stopped=True)


def test_another_model_is_shown_to_its_end_once_it_is_the_present_one(server):
    play, log, pipe = server
    play(Restore(0, 1.0), steps=1)
    play(Stop(), steps=9)
    assert log == ["restore begun", "restore done"]
    play.send()
    assert pipe.sent[-1] == Ended()


def test_steps_without_images_are_not_sent(server):
    play, _, pipe = server
    play(Live({b"a": "Cat"}), steps=9)
    assert not [each for each in pipe.sent if isinstance(each, LiveWorked)]


def test_a_model_that_another_program_wrote_ends_live():
    from tests.tui.test_session import ready

    session = ready().lived(True).after(ModelReplaced(3))
    assert (session.live, session.version) == (False, 3)
    assert "Another program replaced" in session.notice


def test_live_rows_are_compared_with_the_saved_model():
    from tests.tui.test_session import ready

    session = ready().lived(True)
    assert session.rows.previous.tolist() == [0, 1, 0]
    event = predicted_session([0.2, 0.3, 0.6])
    assert session.after(event).rows.predicted_labels.tolist() == [1, 1, 0]
    assert not session.lived(False).live


def predicted_session(shares):
    from tests.tui.test_session import predicted as by_name

    found = by_name(shares=shares)
    assert isinstance(found, ImagesPredicted)
    assert found.probabilities.dtype == np.float32
    return found
