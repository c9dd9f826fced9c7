"""A program in a real pseudo-terminal: keys in, bytes out, the queries that Textual makes answered as a terminal would."""

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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CATFLAP = [sys.executable, "-c", "from tui.command_line import main; main()"]
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[_P][^\x1b]*\x1b\\|[ -/]*[0-~])")
ANSWERS = ((rb"\x1b\[\?2026\$p", b"\x1b[?2026;2$y"), (rb"\x1b\[\?2048\$p", b"\x1b[?2048;0$y"))


class PseudoTerminal:
    """Start `arguments` in a terminal of that size; used as a context manager, it ends the program at the end."""

    def __init__(self, arguments, columns=80, rows=24, env=None):
        environment = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TERM_PROGRAM", "NO_COLOR", "CI")}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), **(env or {})}
        self.said = bytearray()
        self.chunks = []
        self.code = None
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(arguments[0], [str(each) for each in arguments], environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()

    def hang_up(self):
        """The line drops: from now on there is no terminal."""
        if self.handle is not None:
            os.close(self.handle)
        self.handle = None

    def resize(self, columns, rows):
        """Another size, and the signal that tells of it."""
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Take what comes within so many seconds; gives the number of bytes, and None at the program's end."""
        if not select.select([self.handle], [], [], seconds)[0]:
            return 0
        try:
            data = os.read(self.handle, 65536)
        except OSError:
            return None
        if not data:
            return None
        self.said += data
        self.chunks.append((time.monotonic(), len(data)))
        for query, answer in ANSWERS:
            if re.search(query, data):
                os.write(self.handle, answer)
        return len(data)

    def send(self, keys):
        """Type."""
        os.write(self.handle, keys.encode() if isinstance(keys, str) else keys)

    @property
    def text(self):
        """All that was printed, without its escape sequences."""
        return ESCAPES.sub(b"", bytes(self.said)).decode(errors="replace")

    def wait_for(self, words, seconds=60, since=0):
        """Read until `words` are printed behind position `since` of the raw bytes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if words in ESCAPES.sub(b"", bytes(self.said[since:])).decode(errors="replace"):
                return
            if self.read(0.1) is None:
                break
        raise AssertionError(f"{words!r} did not come; the last was: {self.text[-600:]!r}")

    def settle(self, quiet=0.15, seconds=10):
        """Read until nothing comes for a while; gives how many bytes came."""
        start, last = len(self.said), time.monotonic()
        end = last + seconds
        while time.monotonic() - last < quiet and time.monotonic() < end:
            if self.read(0.02):
                last = time.monotonic()
        return len(self.said) - start

    def wait(self, seconds=20):
        """Wait for the program to end; gives its exit code."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.code is None:
            if self.handle is None:
                time.sleep(0.05)
            else:
                self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        assert self.code is not None, "it did not end"
        return self.code


def ready(app):
    """Wait until the app has predicted the 24 pictures of the fixture `pictures`."""
    app.wait_for("24 images")
    app.wait_for(" %")
    app.settle()
