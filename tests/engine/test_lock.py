"""Who holds a folder: one of many processes, and none that has ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import FolderError
from engine.lock import Held, Lock, holder_of, refuse_if_held

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import sys, time
from pathlib import Path
from engine.lock import Held, Lock
home, folder = Path(sys.argv[1]), Path(sys.argv[2])
sys.stdin.readline()
try:
    lock = Lock(home, folder, "is open", 1_700_000_000.0)
except Held as error:
    print("refused", error.holder.pid if error.holder else 0, flush=True)
else:
    print("holds", flush=True)
    sys.stdin.readline()
    lock.close()
"""


@pytest.fixture
def start(tmp_path):
    """Start a process that takes the lock at its first line, and lets go at the second."""
    started = []

    def run():
        command = [sys.executable, "-c", HOLDS, tmp_path / "kept", tmp_path]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
        return started[-1]

    yield run
    for each in started:
        each.kill()
        each.communicate()


def told(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().split()


def test_the_second_is_told_who_holds_the_folder_until_that_one_lets_go(start, tmp_path):
    first, second = start(), start()
    assert told(first) == ["holds"]
    assert told(second) == ["refused", str(first.pid)]
    with pytest.raises(
        Held, match=rf"{tmp_path}' is open in another Catflap \(process {first.pid} of .* on .*, since \d"
    ) as held:
        Lock(tmp_path / "kept", tmp_path, "is open", 0.0)
    assert held.value.hint and held.value.holder == holder_of(tmp_path / "kept")
    with pytest.raises(Held):
        refuse_if_held(tmp_path / "kept", tmp_path)
    told(first)
    assert first.wait() == 0
    assert holder_of(tmp_path / "kept") is None
    refuse_if_held(tmp_path / "kept", tmp_path)
    Lock(tmp_path / "kept", tmp_path, "is open", 0.0).close()


def test_whoever_is_killed_holds_nothing(start, tmp_path):
    first = start()
    assert told(first) == ["holds"]
    first.kill()
    first.wait()
    assert json.loads((tmp_path / "kept" / "lock").read_text())["pid"] == first.pid
    assert holder_of(tmp_path / "kept") is None
    with Lock(tmp_path / "kept", tmp_path, "is open", 5.0):
        found = holder_of(tmp_path / "kept")
        assert found is not None and (found.pid, found.since) == (os.getpid(), 5.0)


def test_of_many_at_once_exactly_one_holds_it(start):
    many = [start() for _ in range(7)]
    for each in many:
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.stdout.readline().split() for each in many]
    (winner,) = (each for each, words in zip(many, said, strict=True) if words == ["holds"])
    assert {tuple(words) for words in said} == {("holds",), ("refused", str(winner.pid))}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        b"[" * 4000,
        b'{"pid": "x"}',
        b"\xff\xfe",
        b'{"pid": 1, "host": "h"}',
        # A process that runs, but holds no lock: the number is another's by now.
        json.dumps({"pid": os.getppid(), "host": "here", "user": "u", "since": 1, "what": "is open"}).encode(),
        json.dumps({"pid": 10**30, "host": "here", "user": "u", "since": 1, "what": "is open"}).encode(),
    ],
)
def test_what_the_file_says_blocks_nobody(tmp_path, data):
    (tmp_path / "lock").write_bytes(data)
    refuse_if_held(tmp_path, tmp_path)
    assert (tmp_path / "lock").read_bytes() == data
    with Lock(tmp_path, tmp_path, "is open", 3.0):
        assert json.loads((tmp_path / "lock").read_bytes())["since"] == 3.0


@pytest.mark.parametrize("data", [b"", b"nothing"])
def test_whoever_says_nothing_of_itself_holds_it_all_the_same(start, tmp_path, data):
    first, second = start(), start()
    assert told(first) == ["holds"]
    (tmp_path / "kept" / "lock").write_bytes(data)
    assert told(second) == ["refused", "0"]


def test_links_pipes_and_folders_in_its_place_are_refused_and_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    for name, make in {
        "link": os.symlink,
        "pipe": lambda _, path: os.mkfifo(path),
        "folder": lambda _, path: path.mkdir(),
    }.items():
        home = tmp_path / name
        home.mkdir()
        make(elsewhere, home / "lock")
        with pytest.raises(FolderError, match="lock"):
            Lock(home, tmp_path, "is open", 0.0)
        refuse_if_held(home, tmp_path)
        assert holder_of(home) is None
    assert elsewhere.read_text() == "mine"


def test_where_nothing_may_be_written_it_says_so(tmp_path):
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(FolderError, match=r"cannot be locked: .*\.$"):
        Lock(tmp_path / "kept", tmp_path, "is open", 0.0)


def test_a_lock_is_not_handed_on_to_children(tmp_path):
    lock = Lock(tmp_path, tmp_path, "is open", 0.0)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.close()
    Lock(tmp_path, tmp_path, "is open", 0.0).close()
    child.communicate(b"\n")
