"""A disk that is full, or fails: what was there stays, what is said to be kept is, and the next opening works."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import FolderError
from engine.journal import Journal
from tests.hostile.damage import verdict
from tests.hostile.faults import CASES, preloaded

ROOT = Path(__file__).resolve().parents[2]
REAL = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="a library is compiled, and put before the C library"
)


@REAL
def test_whichever_call_fails_a_verdict_is_kept_or_it_is_not(tmp_path: Path) -> None:
    assert preloaded(tmp_path, "a verdict") == 0


@REAL
@pytest.mark.slow
def test_whichever_call_fails_all_is_old_or_new(tmp_path: Path) -> None:
    assert preloaded(tmp_path, *(case.name for case in CASES)) == 0


LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine.errors import FolderError
from engine.journal import Journal
from tests.hostile.damage import verdict
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal(Path(sys.argv[1])) as journal:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        for step in range(1000):
            journal.append([verdict(100 * step + n) for n in range(20)], 0.0)
            print(step + 1, flush=True)
    except FolderError as error:
        print(error)
    before = len(journal.in_force())
"""


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    done = subprocess.run([sys.executable, "-c", LIMITED, path], cwd=ROOT, capture_output=True, text=True)
    *said, last = done.stdout.splitlines()
    assert done.returncode == 0 and len(said) > 3 and "cannot" in last, done.stderr
    with Journal(path) as journal:
        assert [entry.id for entry in journal.entries()] == [int(each) for each in said]
        journal.append([verdict(1)], 1.0)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_small_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        kept = 0
        with Journal(disk / "journal.db") as journal:
            with pytest.raises(FolderError, match="disk is full"):
                for step in range(1000):
                    journal.append([verdict(100 * step + n) for n in range(20)], 0.0)
                    kept += 1
            assert len(list(journal.entries())) == kept > 10
        with Journal(disk / "journal.db") as journal:
            assert len(list(journal.entries())) == kept
    finally:
        subprocess.run(["umount", disk], check=True)
