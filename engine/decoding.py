"""The process that reads pictures: files to pixels, one after the other, until nobody asks any more.

What is asked and answered are plain bytes, so nothing that comes from a process in which strangers' pictures are decoded is
ever unpickled.
"""

import json
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.errors import UnreadableImage
from engine.images import NO_ROOM, content_key, limit, load_readers, pixels, read
from engine.limits import Limits

PROGRAM = "import sys; sys.path[:] = sys.argv[4:]; from engine.decoding import main; main(*map(int, sys.argv[1:4]))"
"""What Python runs: with a descriptor, the most pixels and seconds, and where to find modules."""
HELLO = b"hello"
GOOD, BAD = b"=", b"!"
"""What an answer begins with: a content key or pixels follow, or a sentence."""
LONGEST_SENTENCE = 500
"""In bytes."""
WANTED, ENOUGH = b"+", b"-"
"""What is said to a content key: whether pixels are wanted as well."""


def main(descriptor: int, max_pixels: int, seconds: int) -> None:
    """Answer until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine(Limits(max_pixels))
    load_readers()
    with suppress(EOFError, OSError):
        pipe = Connection(descriptor)
        pipe.send_bytes(HELLO)
        while True:
            asked = json.loads(pipe.recv_bytes())
            # Whoever asked ends this process long before; should he be gone himself, the system does.
            signal.alarm(3 * seconds)
            _answer(pipe, asked)
            signal.alarm(0)


def confine(limits: Limits) -> None:
    """Hold this process to its limits. It writes no files, and leaves none when it is ended."""
    limit(limits.max_pixels)
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    if sys.platform == "linux":
        # Elsewhere the system takes no notice of it, or refuses.
        wanted[resource.RLIMIT_AS] = limits.most_bytes
    for kind, most in wanted.items():
        _, before = resource.getrlimit(kind)
        most = most if before == resource.RLIM_INFINITY else min(most, before)
        resource.setrlimit(kind, (most, most))


def _answer(pipe: Connection, asked: dict[str, Any]) -> None:
    """Say the file's content key, and, if they are wanted, send its pixels; or say why not."""
    try:
        data = read(Path(asked["path"]), asked["inside"])
        pipe.send_bytes(GOOD + content_key(data))
        if pipe.recv_bytes() == WANTED:
            found = pixels(data, *asked["size"])
            pipe.send_bytes(GOOD + found.tobytes())
    except UnreadableImage as error:
        pipe.send_bytes(BAD + error.sentence.encode("utf-8", "backslashreplace")[:LONGEST_SENTENCE])
    except MemoryError:
        pipe.send_bytes(BAD + NO_ROOM.encode())
