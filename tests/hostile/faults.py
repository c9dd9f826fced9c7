"""Every write and every flush fails in turn, as on a full or a failing disk: `python -m tests.hostile.faults`.

Each case is tried with the first call failing, then with the second, until none is left to fail. The call fails once, or
all after it do. Linux with a C compiler; the process starts itself anew with `faults.c` before the C library.
"""

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.catalogue import Catalogue, Known, Version
from engine.errors import CatflapError
from engine.exports import write_new
from engine.features import FeatureStore
from engine.journal import Journal
from engine.journal_recovery import open_journal
from engine.listing import Stamp
from engine.spec.file import ModelFile, read
from engine.versions import Versions
from tests.hostile.damage import verdict
from tests.hostile.record import Line, write
from tui import settings_file

IN_MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
"""Flushing a real disk thousands of times takes minutes."""
SOURCE = Path(__file__).with_name("faults.c")
FAULTS = {
    "the disk is full": (errno.ENOSPC, 1),
    "writing fails": (errno.EIO, 1),
    "flushing fails": (errno.EIO, 2),
}
"""By what happens: the error number, and which calls fail: 1 for writes, 2 for flushes."""
WRONG, REFUSED = 1, 3


@dataclass(frozen=True)
class Case:
    """Something that writes."""

    name: str
    prepare: Callable[[Path], None]
    act: Callable[[Path], None]
    state: Callable[[Path], object]
    """What is there, read by opening it; asserts that it is whole, and that it can be written to again."""


def _journal(folder: Path) -> None:
    with Journal(folder / "journal.db") as journal:
        journal.append([verdict(n) for n in range(40)], 1.0)


def _append(folder: Path) -> None:
    with Journal(folder / "journal.db") as journal:
        journal.append([verdict(n) for n in range(100, 160)], 2.0)


def _journal_state(folder: Path) -> object:
    with Journal(folder / "journal.db") as journal:
        entries = list(journal.entries())
        assert [len(each.verdicts) for each in entries] in ([40], [40, 60])
        journal.append([verdict(999)], 3.0)
        assert journal.undo(4.0)
    return len(entries)


def _damaged(folder: Path) -> None:
    _journal(folder)
    data = (folder / "journal.db").read_bytes()
    (folder / "journal.db").write_bytes(bytes(100) + data[100:])


def _recover(folder: Path) -> None:
    open_journal(folder / "journal.db")[0].close()


def _recovered_state(folder: Path) -> object:
    journal, words = open_journal(folder / "journal.db")
    with journal:
        assert len(journal.in_force()) == len([n for n in range(40) if not verdict(n).withdraws])
        journal.append([verdict(999)], 3.0)
    return words == ""


def _catalogue(folder: Path) -> None:
    with Catalogue(folder / "catalogue.db") as catalogue:
        catalogue.put_images({f"{n}.jpg": Known(Stamp(n, n, n), bytes([n]) * 16) for n in range(50)})


def _put(folder: Path) -> None:
    with Catalogue(folder / "catalogue.db") as catalogue:
        catalogue.put_images({f"{n}.jpg": Known(Stamp(n, n, n), bytes([n]) * 16) for n in range(100, 150)})


def _catalogue_state(folder: Path) -> object:
    with Catalogue(folder / "catalogue.db") as catalogue:
        catalogue.read_through()
        assert len(catalogue.images()) in (50, 100)
        found = len(catalogue.images())
        catalogue.put_version(Version(0, "d", "f", 1.5, "original"))
        assert len(catalogue.versions()) == 1
    return found


def _model(seed: int) -> bytes:
    from tests.conftest import small_model

    return small_model(seed=seed).SerializeToString()


OLD, NEW = _model(1), _model(2)


def _models(folder: Path) -> None:
    (folder / "model.mlmodel").write_bytes(OLD)
    Catalogue(folder / "catalogue.db").close()


def _promote(folder: Path) -> None:
    with Catalogue(folder / "catalogue.db") as catalogue:
        versions = Versions(folder / "versions", catalogue, folder / "model.mlmodel")
        said = Version(0, "", "", 2.0, "retrained", "edit")
        versions.promote(read(folder / "model.mlmodel"), lambda number: NEW, said, lambda saved: None)


def _versions_state(folder: Path) -> object:
    present = (folder / "model.mlmodel").read_bytes()
    assert present in (OLD, NEW)
    with Catalogue(folder / "catalogue.db") as catalogue:
        catalogue.read_through()
        versions = Versions(folder / "versions", catalogue, folder / "model.mlmodel")
        assert all(versions.kept(each.version).digest == each.digest for each in versions.all())
        # The original is kept before another model takes its place.
        assert present == OLD or versions.kept(0).data == OLD
        versions.keep_champion(ModelFile(_model(3), "model.mlmodel"), 3.0)
    return present == NEW


def _rows(first: int) -> tuple[list[bytes], np.ndarray]:
    numbers = range(first, first + 23)
    return [n.to_bytes(16, "big") for n in numbers], np.arange(23 * 30, dtype=np.float32).reshape(23, 2, 3, 5) + first


def _store(folder: Path) -> None:
    with FeatureStore(folder / "features", (2, 3, 5)) as store:
        store.append(*_rows(0))


def _features(folder: Path) -> None:
    with FeatureStore(folder / "features", (2, 3, 5)) as store:
        store.append(*_rows(100))


def _store_state(folder: Path) -> object:
    with FeatureStore(folder / "features", (2, 3, 5)) as store:
        found = len(store)
        for first in (0, 100) if found == 46 else (0,):
            keys, rows = _rows(first)
            assert store.sound(keys).all() and (store.read(store.find(keys)) == rows).all()
        assert found in (23, 46)
        store.append(*_rows(300))
    return found


EXPORT = b"path,label\n" * 4000


def _export(folder: Path) -> None:
    write_new(folder / "labels.csv", EXPORT)


def _settings(folder: Path) -> None:
    os.environ[settings_file.VARIABLE] = str(folder / "settings.toml")
    settings_file.write()


def _file_state(name: str, data: bytes) -> Callable[[Path], object]:
    def state(folder: Path) -> object:
        found = (folder / name).read_bytes() if (folder / name).exists() else None
        assert found in (None, data) and [each.name for each in folder.iterdir()] in ([], [name])
        return found is not None

    return state


def _nothing(folder: Path) -> None:
    """An empty folder will do."""


CASES = (
    Case("a verdict", _journal, _append, _journal_state),
    Case("reading a damaged journal back", _damaged, _recover, _recovered_state),
    Case("what is known of images", _catalogue, _put, _catalogue_state),
    Case("a new version of a model", _models, _promote, _versions_state),
    Case("features", _store, _features, _store_state),
    Case("labels written for other programs", _nothing, _export, _file_state("labels.csv", EXPORT)),
    Case("the settings file", _nothing, _settings, _file_state("settings.toml", settings_file.template().encode())),
)


def _acted(
    case: Case, folder: Path, library: ctypes.CDLL, nth: int, fault: tuple[int, int], once: bool
) -> tuple[int, bool]:
    """In a process of its own: how it ended, and whether anything failed."""
    seen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            library.faults_arm(os.fsencode(folder), nth, *fault, once)
            case.act(folder)
        except CatflapError:
            code = REFUSED
        except BaseException:
            traceback.print_exc()
            code = WRONG
        os.write(tell, bytes([library.faults_fired()]))
        os._exit(code)
    os.close(tell)
    fired = os.read(seen, 1) == b"\1"
    os.close(seen)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), fired


def _try(case: Case, fault: str, once: bool, library: ctypes.CDLL) -> tuple[int, list[str]]:
    """How often something failed, and what was wrong after it."""
    wrong: list[str] = []
    for nth in range(100_000):
        with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name:
            folder = Path(os.path.realpath(name))
            case.prepare(folder)
            code, fired = _acted(case, folder, library, nth, FAULTS[fault], once)
            try:
                case.state(folder)
            except Exception:
                traceback.print_exc()
                code = WRONG
            if not fired:
                return nth, [*wrong, *(["fails without a fault"] if code else [])]
            if code not in (0, REFUSED):
                wrong.append(f"{case.name}, {fault}, call {nth}{', once' if once else ''}")
                sys.stderr.write(f"{wrong[-1]}\n")
    raise AssertionError("calls without end")


def run(cases: tuple[Case, ...]) -> tuple[dict[str, int], list[str]]:
    """With the library loaded already: by fault, how often; and what was wrong."""
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    times, wrong = dict.fromkeys(FAULTS, 0), list[str]()
    for case in cases:
        for fault in FAULTS:
            for once in (False, True):
                tried, found = _try(case, fault, once, library)
                times[fault] += tried
                wrong += found
    return times, wrong


def preloaded(folder: Path, *arguments: str) -> int:
    """Compile the library into `folder`, and run this file with it; the exit code."""
    library = folder / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    environment = os.environ | {"LD_PRELOAD": str(library)}
    return subprocess.run([sys.executable, "-m", "tests.hostile.faults", *arguments], env=environment).returncode


def main() -> int:
    """All cases, and the record; with names of cases, whether all is well in these."""
    if "LD_PRELOAD" not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            return preloaded(Path(folder), *sys.argv[1:])
    times, wrong = run(tuple(case for case in CASES if case.name in sys.argv[1:]) or CASES)
    if not sys.argv[1:]:
        names = ", ".join(case.name for case in CASES)
        lines = [Line(f"{fault} while this is written: {names}", number, "nothing") for fault, number in times.items()]
        write("faults", "Disks that are full or fail", "python -m tests.hostile.faults", lines)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
