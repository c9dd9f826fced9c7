"""A terminal that tells what a key costs, and the table's columns for the tests."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.events import FolderChanged, ImagesPredicted, ModelOpened
from engine.journal import Verdict
from tests.pseudo_terminal import PseudoTerminal
from tui.session import Session
from tui.table_rows import TableRows

PATIENCE_S = 30
"""How long the slowest machine may take; nothing is measured."""
RUNG = b"\x1b]52;c;cnVuZw==\x07"
"""What an app sends on `copy_to_clipboard("rung")`: a sign that it is done, which nothing else sends."""
SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[78=>]|\x1b\([AB0]")
"""What an app sends to place and colour text."""


class Terminal(PseudoTerminal):
    """A pseudo-terminal for apps that ring when they have painted (key z)."""

    def cost(self, keys: str) -> bytes:
        """Type, and give what the app wrote until it had painted."""
        before, deadline = len(self.said), time.monotonic() + PATIENCE_S
        self.send(keys + "z")
        while (at := self.said.find(RUNG, before)) < 0:
            if self.read(0.1) is None or time.monotonic() > deadline:
                raise AssertionError(f"it never painted; the last was {bytes(self.said[-1500:])!r}")
        return bytes(self.said[before:at])


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start a Python program, given as source, in a terminal of a given size; more variables by name."""
    with ExitStack() as opened:
        started: list[Terminal] = []

        def start(source: str, columns: int = 80, rows: int = 24, **variables: str) -> Terminal:
            program = tmp_path / f"program{len(started)}.py"
            program.write_text(source)
            started.append(opened.enter_context(Terminal([sys.executable, program], columns, rows, variables)))
            return started[-1]

        yield start


def plain(data: bytes) -> bytes:
    """Without the sequences that place and colour text; any other escape stays."""
    return SEQUENCE.sub(b"", data)


@pytest.fixture(name="plain")
def plain_fixture() -> Callable[[bytes], bytes]:
    """`plain`."""
    return plain


def columns(
    names: tuple[str, ...],
    probabilities: np.ndarray,
    labels: tuple[str, ...] = ("Cat", "Dog"),
    verdicts: dict[int, int] | None = None,
    previous: dict[int, int] | None = None,
    arrived: tuple[int, ...] = (),
    problems: dict[int, str] | None = None,
    shown: dict[int, int] | None = None,
) -> TableRows:
    """What the table shows of these images, in this order; the rest by row number."""
    count, keys = len(names), tuple(b"%016d" % row for row in range(len(names)))
    given = {
        keys[row]: Verdict(keys[row], labels[label], labels[(shown or {}).get(row, label)], 0)
        for row, label in (verdicts or {}).items()
    }
    session = Session(labels=labels).after(ModelOpened("m.mlmodel", labels, 0, (5, 7), True)).after(FolderChanged(names))
    known = [row for row in range(count) if not np.isnan(probabilities[row][0])]
    said = ImagesPredicted(
        tuple(names[row] for row in known), tuple(keys[row] for row in known), (0,) * len(known),
        np.asarray(probabilities, np.float32)[known], 0,
    )  # fmt: skip
    session = session.after(said).judged(given, given)
    before = np.full(count, -1, np.int16)
    before[list(previous or {})] = list((previous or {}).values())
    came = np.isin(np.arange(count), arrived)
    why = {names[row]: reason for row, reason in (problems or {}).items()}
    rows = replace(session.rows, previous=before, arrived=came, problems=why)
    return TableRows(replace(session, rows=rows), np.arange(count))


@pytest.fixture(name="columns")
def columns_fixture() -> Callable[..., TableRows]:
    """`columns`."""
    return columns


def ramps(height: int, width: int) -> np.ndarray:
    """(height, width, 3): red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0] = np.arange(width) * 255 // width
    pixels[:, :, 1] = np.arange(height)[:, None] * 255 // height
    return pixels


@pytest.fixture(name="ramps")
def ramps_fixture() -> Callable[[int, int], np.ndarray]:
    """`ramps`."""
    return ramps


RUN = "import sys; from tui.command_line import main; main(sys.argv[1:])"


@pytest.fixture
def catflap(tmp_path: Path) -> Callable[..., tuple[int, list[str], str]]:
    """Run a command; gives exit code, lines of standard output, and standard error."""

    def run(*arguments: object) -> tuple[int, list[str], str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUN, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run
