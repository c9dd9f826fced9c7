"""A second Catflap on a folder: it shows what the first one does, and writes nothing."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from engine.journal import Journal
from engine.lock import Lock, holder_of
from engine.onlooker import Onlooker
from engine.workspace import Workspace
from tests.pseudo_terminal import CATFLAP, PseudoTerminal, ready
from tests.tui.test_main import LABELS, ROWS, Said, predicted, until
from tui.app import Catflap
from tui.commands import COMMANDS
from tui.messages import Retrain
from tui.settings import Choices
from tui.work import prepare

WRITES = {
    "accept",
    "flip",
    "label_1",
    "label_2",
    "label_10",
    "type_a_label",
    "exclude",
    "hold_out",
    "undo",
    "redo",
    "retrain",
    "live",
}


def test_every_key_that_writes_says_who_holds_the_folder(tmp_path):
    prepare()

    async def play():
        from engine.events import FolderChanged, ModelOpened

        with Journal(tmp_path / "journal.db"):
            pass
        with (
            Lock(tmp_path / ".catflap", tmp_path, "is open", 0.0),
            Journal(tmp_path / "journal.db", read_only=True) as journal,
        ):
            said = Said()
            said.to_say = [
                ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True, ""),
                FolderChanged(added=predicted(ROWS).paths),
                predicted(ROWS),
            ]
            app = Catflap(tmp_path, said, journal, Choices(), holder_of(tmp_path / ".catflap"))
            async with app.run_test(size=(80, 24)) as pilot:
                await until(pilot, lambda: app._main.session.labels == LABELS and len(app._main.session.rows))
                main = app._main
                assert (
                    f"process {os.getpid()} of" in main.session.notice
                    and "LOOKING ONLY" in main.query_one("#title").content
                )
                refused = set()
                for command in COMMANDS:
                    if command.keys and command.id in WRITES:
                        main._tell("")
                        asked = len(said.asked)
                        await pilot.press(command.keys[0])
                        assert len(said.asked) == asked, command.id
                        assert app.screen is main, command.id
                        if "Looking only" in main.session.notice:
                            refused.add(command.id)
                assert refused == WRITES - {"label_10"}
                assert not main.session.verdicts and not main.session.busy
                main._restore(0)
                assert not any(isinstance(each, Retrain) for each in said.asked)
                assert not said.asked
                await pilot.press("j", "j")
                assert main.table.cursor == 2

    asyncio.run(play())


def test_it_follows_what_another_process_keeps(pictures, model_path, tmp_path):
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        before = contents(workspace.home)
        with Onlooker(pictures) as onlooker:
            first = list(onlooker.news())
            names = {type(each).__name__: each for each in first}
            assert set(names) == {"ModelOpened", "FolderChanged", "ImagesPredicted"}
            assert len(names["FolderChanged"].added) == len(names["ImagesPredicted"].paths) == 24
            assert list(onlooker.news()) == []
            assert contents(workspace.home) == before
            shutil.copy(pictures / "c00.png", pictures / "c99.png")
            (pictures / "broken.png").write_bytes(b"nothing")
            (pictures / "d01.png").unlink()
            list(workspace.scan())
            later = {type(each).__name__: each for each in onlooker.news()}
            assert later["FolderChanged"].added == ("broken.png", "c99.png") and later["FolderChanged"].removed == (
                "d01.png",
            )
            assert later["ImagesPredicted"].paths == ("c99.png",)
            assert later["ImageSkipped"].image == "broken.png"


def contents(home):
    """What stands in all files but the one that readers mark their place in."""
    return {
        path: path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file() and not path.name.endswith("-shm")
    }


def test_two_apps_on_one_folder(pictures, model_path, catflap):
    arguments = [*CATFLAP, pictures, "--model", model_path, "--preview", "off", "--order", "name"]
    with PseudoTerminal(arguments, 110, 30) as first:
        ready(first)
        with PseudoTerminal(arguments, 110, 30) as second:
            second.wait_for("LOOKING ONLY")
            second.wait_for(f"process {first.pid} of ")
            ready(second)
            second.send("xu")
            first.send("x")
            first.wait_for("1 verdict")
            second.wait_for("1 verdict changed by another program")
            for command in (
                ("retrain", pictures),
                ("restore", pictures, "0"),
                ("train", model_path, pictures, "--out", "x.mlmodel"),
            ):
                code, _, words = catflap(*command)
                assert code == 2 and f"process {first.pid} " in words, command
            first.send("r")
            second.wait_for("loaded as version 1")
            os.kill(first.pid, signal.SIGKILL)
            second.wait_for("has ended")
            with PseudoTerminal(arguments, 110, 30) as third:
                ready(third)
                mark = len(third.said)
                third.send("jjx")
                third.wait_for("2 verdicts", since=mark)
                assert "LOOKING" not in third.text
                third.send("q")
                assert third.wait() == 0
            second.send("q")
            assert second.wait() == 0
    with Journal(pictures / ".catflap" / "journal.db") as journal:
        assert len(list(journal.entries())) == 2
    assert not Path("x.mlmodel").exists()
    code, _, words = catflap("retrain", pictures)
    assert code == 0, words


@pytest.mark.parametrize("command", ["retrain", "restore"])
def test_commands_hold_the_folder_while_they_write(pictures, model_path, catflap, command):
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        home = workspace.home
    with Lock(home, pictures, "is being retrained", 0.0):
        code, _, words = catflap(command, pictures, *(["0"] if command == "restore" else []))
    assert code == 2
    assert "is being retrained in another Catflap" in words
