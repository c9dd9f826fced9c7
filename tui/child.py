"""The engine's process: iterates the workspace's generators, one task at a time, and sends what they say."""

import os
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import CatflapError
from engine.events import Event, LiveWorked, ModelRestored, ModelSaved, Retrained
from engine.folder import Watch
from engine.head import Head
from engine.trainers import Settings
from engine.workspace import Workspace
from tui.messages import Ended, Failed, Keep, Live, Opening, Request, Retrain, Room, Said, Stop

NICE = 10
"""Keys stay as quick as in an idle app only if the engine gives way to it."""
SEND_EVERY_S = 0.05
IDLE_S = 0.1
"""How long the child sleeps between looks at the folder when there is nothing to do."""


def serve(pipe: Connection, opening: Opening, log: Path) -> None:
    """Open the folder and serve requests until the pipe closes."""
    _step_back(log)
    try:
        workspace = opening.workspace()
    except CatflapError as error:
        pipe.send([Failed(error.sentence, error.hint, fatal=True)])
        return
    with workspace, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send([workspace.opened()])
        _Server(pipe, workspace).run()


def _step_back(log: Path) -> None:
    """Give way to the app, leave Ctrl+C to it, and print nowhere near its screen."""
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)


@dataclass(eq=False)
class _Task:
    """Something that is done step by step."""

    kind: str
    """`scan`, `live`, or `retrain`, which nothing overtakes."""
    events: Iterator[Event]


class _Server:
    """Tasks wait in line; a retrain goes before a scan, which resumes afterwards, a newer live edit before an older one."""

    def __init__(self, pipe: Connection, workspace: Workspace) -> None:
        self._pipe, self._workspace = pipe, workspace
        self._tasks = [_Task("scan", workspace.scan())]
        self._watch = Watch(workspace.folder, workspace.images)
        self._outbox: list[Said] = []
        self._sent_at = 0.0
        self._result: Retrained | None = None
        self._trainer = ""

    def run(self) -> None:
        """Serve until the app is gone."""
        self._watch.start()
        try:
            while True:
                self._listen()
                self._look()
                if self._tasks:
                    self._advance()
                self._send()
        finally:
            self._watch.close()
            self._drop_tasks()

    def _listen(self) -> None:
        """Take requests; with nothing to do, wait for one a moment."""
        while self._pipe.poll(0 if self._tasks or self._outbox else IDLE_S):
            request: Request = self._pipe.recv()
            match request:
                case Retrain(verdicts=verdicts, at=at, trainer=trainer):
                    self._trainer = trainer
                    self._go_first("retrain", self._workspace.retrain(verdicts, trainer, Settings(), at))
                case Keep(at=at):
                    if self._result is not None:
                        self._go_first("retrain", self._workspace.promote(self._result, self._trainer, at))
                case Live(verdicts=None):
                    self._go_first("live", self._workspace.end_live())
                case Live(verdicts=verdicts) if verdicts is not None:
                    self._go_first("live", self._workspace.live(verdicts))
                case Room(keeping=keeping):
                    self._tasks.append(_Task("scan", self._workspace.keep(keeping)))
                case Stop():
                    self._drop_tasks()
                    self._outbox.append(Ended(stopped=True))

    def _go_first(self, kind: str, events: Iterator[Event]) -> None:
        """Do this next, but for a retrain under way; live edits that are not done yet are overtaken."""
        for task in [each for each in self._tasks if each.kind == "live"]:
            _close(task)
            self._tasks.remove(task)
        retraining = kind == "live" and bool(self._tasks) and self._tasks[0].kind == "retrain"
        self._tasks.insert(int(retraining), _Task(kind, events))

    def _look(self) -> None:
        """Ask the watch what became of the folder."""
        change = self._watch.tick(time.monotonic())
        if change is not None:
            self._tasks.append(_Task("scan", self._workspace.noticed(change, self._watch.known)))

    def _advance(self) -> None:
        """One step of the first task."""
        try:
            event = next(self._tasks[0].events)
        except StopIteration:
            self._finish()
        except CatflapError as error:
            self._outbox.append(Failed(error.sentence, error.hint))
            self._finish()
        else:
            self._note(event)

    def _finish(self) -> None:
        del self._tasks[0]
        if not self._tasks:
            self._outbox.append(Ended())

    def _note(self, event: Event) -> None:
        if isinstance(event, Retrained):
            # Weights stay here: the app needs only the figures.
            self._result, event = event, replace(event, head=Head(()))
        elif isinstance(event, ModelSaved | ModelRestored):
            # What waits was begun with the model before; the task that goes on predicts all images with the new one.
            # A live edit that was asked for meanwhile has not begun: it will be of the new one.
            for task in [each for each in self._tasks[1:] if each.kind != "live"]:
                _close(task)
                self._tasks.remove(task)
        if not isinstance(event, LiveWorked) or event.total > 1:
            self._outbox.append(event)

    def _send(self) -> None:
        """In batches: one message for each event would cost the app its time."""
        now = time.monotonic()
        if self._outbox and (not self._tasks or now - self._sent_at >= SEND_EVERY_S):
            self._pipe.send(self._outbox)
            self._outbox, self._sent_at = [], now

    def _drop_tasks(self) -> None:
        for task in self._tasks:
            _close(task)
        self._tasks = []


def _close(task: _Task) -> None:
    """Let a generator clean up."""
    if isinstance(task.events, Generator):
        task.events.close()
