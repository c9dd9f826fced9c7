"""The engine's process: iterates the workspace's generators, one task at a time, and sends what they say."""

import faulthandler
import os
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import CatflapError
from engine.events import BatchEnded, Event, LiveWorked, ModelReplaced, ModelRestored, ModelSaved, Retrained
from engine.folder import Watch
from engine.head import Head
from engine.workspace import Workspace
from tui.messages import OVERTAKEN, RANKS, Ended, Failed, Opening, Request, Said, Stop
from tui.onlooker import look

NICE = 10
"""Keys stay as quick as in an idle app only if the engine gives way to it."""
SEND_EVERY_S = 0.05
LOG_BYTES = 200_000
"""Of the log, what is kept when an engine begins."""
IDLE_S = 0.1
"""How long the child sleeps between looks at the folder when there is nothing to do."""


def serve(pipe: Connection, opening: Opening, log: Path) -> None:
    """Open the folder and serve requests until the pipe closes."""
    _step_back(log)
    if opening.onlooking:
        look(pipe, opening.folder)
        return
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
    sys.stdout.flush()
    sys.stderr.flush()
    handle = opened(log)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # Where native code crashes, the log says what Python was doing.
    faulthandler.enable()


def opened(log: Path) -> int:
    """The log, to write behind what stands in it: what the engines before this one said, the last LOG_BYTES of it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        with log.open("rb") as file:
            file.seek(-LOG_BYTES, os.SEEK_END)
            last = file.read().partition(b"\n")[2]
        log.write_bytes(last)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{time.strftime('%Y-%m-%d %H:%M:%S')} engine {os.getpid()} begins\n".encode())
    return handle


@dataclass(eq=False)
class _Task:
    """Something that is done step by step."""

    kind: str
    """A key of RANKS."""
    events: Iterator[Event]


class _Server:
    """Tasks wait in line by rank; what waits goes on where it was."""

    def __init__(self, pipe: Connection, workspace: Workspace) -> None:
        self._pipe, self._workspace = pipe, workspace
        self._tasks = [_Task("scan", workspace.scan())]
        self._watch = Watch(workspace.folder, workspace.images, follow_links=workspace.follow_links)
        self._outbox: list[Said] = []
        self._sent_at = 0.0
        self._bound = self._stopping = False
        """Whether the first task must come to its end, and whether the person wants it to: it has trained something that is
        to be offered, or another model is the present one, whose predictions are to be shown."""

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
            self._drop(self._tasks)

    def _listen(self) -> None:
        """Take requests; with nothing to do, wait for one a moment."""
        while self._pipe.poll(0 if self._tasks or self._outbox else IDLE_S):
            request: Request | Stop = self._pipe.recv()
            if isinstance(request, Stop):
                self._stop()
            else:
                self._put(_Task(request.kind, request.begin(self._workspace, self._is_stopping)))

    def _is_stopping(self) -> bool:
        return self._stopping

    def _stop(self) -> None:
        """Drop everything; but a training that has taken a step ends with the next, and what came of it is offered."""
        going_on = self._tasks[:1] if self._bound else []
        self._stopping = self._bound
        self._drop(self._tasks[len(going_on) :])
        if not going_on:
            self._outbox.append(Ended(stopped=True))

    def _put(self, new: _Task) -> None:
        """In line, behind all of its rank; in the place of what it overtakes."""
        self._drop([task for task in self._tasks if task.kind in OVERTAKEN[new.kind]])
        at = sum(RANKS[task.kind] <= RANKS[new.kind] for task in self._tasks)
        self._tasks.insert(at, new)

    def _look(self) -> None:
        """Ask what became of the folder, and of the model's file."""
        change = self._watch.tick(time.monotonic())
        if change is not None:
            self._outbox.append(change)
            self._put(_Task("scan", self._workspace.noticed(change, self._watch.known)))
        if self._workspace.model_changed(time.monotonic()):
            self._put(_Task("model", self._workspace.adopt(time.time())))

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
        self._bound = self._stopping = False
        if not self._tasks:
            self._outbox.append(Ended())

    def _note(self, event: Event) -> None:
        if isinstance(event, BatchEnded):
            self._bound = self._tasks[0].kind == "retrain"
        elif isinstance(event, Retrained):
            # Weights stay here: the app needs only the figures.
            event = replace(event, head=Head(()))
        elif isinstance(event, ModelSaved | ModelRestored | ModelReplaced):
            # What waits was begun with the model before; the task that goes on predicts all images with the new one.
            # A live edit that was asked for meanwhile has not begun: it will be of the new one.
            self._drop([task for task in self._tasks[1:] if RANKS[task.kind] > RANKS["live"]])
            self._bound = True
        if not isinstance(event, LiveWorked) or event.total > 1:
            self._outbox.append(event)

    def _send(self) -> None:
        """In batches: one message for each event would cost the app its time."""
        now = time.monotonic()
        if self._outbox and (not self._tasks or now - self._sent_at >= SEND_EVERY_S):
            self._pipe.send(self._outbox)
            self._outbox, self._sent_at = [], now

    def _drop(self, tasks: Sequence[_Task]) -> None:
        """Let generators clean up."""
        for task in tasks:
            if isinstance(task.events, Generator):
                task.events.close()
        self._tasks = [task for task in self._tasks if task not in tasks]
