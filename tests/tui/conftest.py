"""A terminal for the tests: an app in a real pseudo-terminal, its bytes as they come, and keys as they are typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.journal import Verdict
from tui.rows import Rows
from tui.session import Session
from tui.table_rows import TableRows, table_rows

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30
"""How long the slowest machine may take; nothing is measured."""
BELL = b"\x07"
INHERITED = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")
SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[78=>]|\x1b\([AB0]")
"""What an app sends to place and colour text."""
ANSWERS = (
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
    (re.compile(rb"\x1b\[\?2048\$p"), b"\x1b[?2048;0$y"),
    (re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"),
)
"""What a modern terminal answers when asked what it can do."""


class Terminal:
    """A program in a pseudo-terminal of its own."""

    def __init__(self, source: str, columns: int, rows: int, environment: dict[str, str]) -> None:
        self.got = bytearray()
        """All that the program wrote."""
        self._answered = 0
        self.child, self._end = pty.fork()
        if self.child == 0:
            os.execve(sys.executable, [sys.executable, "-c", source], environment)
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * 10, rows * 20))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._end, keys.encode())

    def wait_for(self, wanted: bytes, after: int = 0) -> int:
        """Read until these bytes came behind `after`; gives where they end."""
        deadline = time.monotonic() + PATIENCE_S
        while (at := self.got.find(wanted, after)) < 0:
            left = deadline - time.monotonic()
            if left < 0 or not self._read(left):
                raise AssertionError(f"{wanted!r} never came; the last was {bytes(self.got[-1500:])!r}")
        return at + len(wanted)

    def cost(self, keys: str) -> bytes:
        """Type, let the app ring when it has painted (key z), and give what it wrote until then."""
        before = len(self.got)
        self.send(keys + "z")
        return bytes(self.got[before : self.wait_for(BELL, before) - 1])

    def close(self) -> None:
        """End the program, whatever it does."""
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self._end)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._end], [], [], min(seconds, 1))[0]:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:  # Linux says so when the program has ended
            return False
        self.got += data
        for question, answer in ANSWERS:
            for _ in question.finditer(self.got, self._answered):
                os.write(self._end, answer)
        self._answered = max(self._answered, len(self.got) - 16) if data else self._answered
        return bool(data)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Start a Python program, given as source, in a terminal of a given size; more variables by name."""
    opened: list[Terminal] = []

    def start(source: str, columns: int = 80, rows: int = 24, **variables: str) -> Terminal:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)} | variables
        opened.append(Terminal(source, columns, rows, environment))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


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
    count = len(names)
    verdict, before = np.full(count, -1, np.int16), np.full(count, -1, np.int16)
    for row, label in (verdicts or {}).items():
        verdict[row] = label
    for row, label in (previous or {}).items():
        before[row] = label
    contents = tuple(b"%d" % row for row in range(count))
    rows = Rows(
        names=names,
        contents=contents,
        probabilities=np.asarray(probabilities, np.float32),
        modified_ns=np.zeros(count, np.int64),
        previous=before,
        verdict=verdict,
        arrived=np.isin(np.arange(count), arrived),
        problems={names[row]: why for row, why in (problems or {}).items()},
        at={name: row for row, name in enumerate(names)},
    )
    given = {
        contents[row]: Verdict(contents[row], labels[label], labels[(shown or {}).get(row, label)], 0)
        for row, label in (verdicts or {}).items()
    }
    return table_rows(Session(labels=labels, rows=rows, verdicts=given), np.arange(count))


@pytest.fixture(name="columns")
def columns_fixture() -> Callable[..., TableRows]:
    """`columns`."""
    return columns
