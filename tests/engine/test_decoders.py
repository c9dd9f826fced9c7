"""The processes that read pictures: what dies, hangs or fills memory in one costs one picture, and nothing else."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine import decoders
from engine.decoders import ENDS, Decoders
from engine.decoding import PROGRAM
from engine.errors import CatflapError
from engine.files import NO_ROOM
from engine.images import content_key, pixels
from engine.limits import Limits
from engine.reading import BATCH, readings
from engine.spec.interface import ImageFeature
from tests.conftest import picture

SIZE = ImageFeature("image", 9, 7, "RGB")
PATIENCE_S = 30
FAULTY = (
    PROGRAM.rpartition(";")[0]
    + """
import os, signal, time
from engine import decoding
plain = decoding.pixels
def fault(data, *size):
    match data.partition(b"fault:")[2].split():
        case [b"abort"]: os.abort()
        case [b"once", place]: once(place)
        case [b"sleep"]: time.sleep(1000)
        case [b"spin"]:
            while True: pass
        case [b"room"]: bytearray(4 << 30)
        case [b"lie"]: return plain(data, 3, 2, "RGB")
        case [b"write"]: open(os.devnull + ".txt", "w")
    return plain(data, *size)
def once(place):
    try: os.mkdir(place)
    except FileExistsError: return
    os.kill(os.getpid(), signal.SIGSEGV)
decoding.pixels = fault
main(*map(int, sys.argv[1:4]))
"""
)
"""A process that does what the end of a picture's file says: as a decoder with a defect might."""


@pytest.fixture(autouse=True)
def none_waits(monkeypatch: pytest.MonkeyPatch):
    """Tests here have processes of their own."""
    monkeypatch.setattr(decoders, "SPARES", 1)
    decoders.end_spares()
    yield
    decoders.end_spares()


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoders, "PROGRAM", FAULTY)


def drawn(path: Path, number: int = 0, fault: str = "") -> Path:
    picture(number % 3, number, (11, 13)).save(path)
    if fault:
        with path.open("ab") as file:
            file.write(f"fault:{fault}".encode())
    return path


def always(content: bytes) -> bool:
    return True


def right(found: decoders.Found, path: Path) -> bool:
    assert found.pixels is not None, found.problem
    return found.content == content_key(path.read_bytes()) and (found.pixels == pixels(path, 9, 7, "RGB")).all()


def test_it_gives_what_this_process_would(tmp_path: Path) -> None:
    files = [drawn(tmp_path / f"{number}.png", number) for number in range(3)]
    odd = drawn(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9\n[b].png")))
    grey = ImageFeature("image", 5, 4, "GRAYSCALE")
    with Decoders().warm() as pool:
        assert all(right(pool.read(file, SIZE, always), file) for file in [*files, odd])
        assert (pool.read(odd, grey, always).pixels == pixels(odd, 5, 4, "GRAYSCALE")).all()
        content = content_key(files[1].read_bytes())
        assert pool.read(files[1], SIZE, lambda said: said != content) == (content, None, "")
        assert pool.read(tmp_path / "gone.png", SIZE, always) == (b"", None, "The file is gone.")
        files[0].write_bytes(b"text")
        found = pool.read(files[0], SIZE, always)
        assert found == (content_key(b"text"), None, "Not an image that can be read.")
        assert len(pool._idle) == 1


def test_a_picture_that_ends_its_process_costs_itself_alone(tmp_path: Path, faulty: None) -> None:
    files = {f"{number:02d}": drawn(tmp_path / f"{number:02d}.png", number) for number in range(2 * BATCH + 3)}
    drawn(files["05"], 5, "abort")
    drawn(files["20"], 20, f"once {tmp_path / 'tried'}")
    found = [each for batch in readings(files, SIZE, means, Decoders()) for each in batch]
    assert [each.name for each in found] == list(files)
    assert {each.name: each.problem for each in found if each.problem} == {"05": ENDS}
    assert found[5].content == content_key(files["05"].read_bytes())
    np.testing.assert_array_equal(found[20].features, means(pixels(files["20"], 9, 7, "RGB")[None])[0])


def means(batch):
    return batch.reshape(len(batch), -1).astype(np.float32)


@pytest.mark.parametrize("fault", ["sleep", "spin"])
def test_a_picture_that_takes_too_long_is_given_up(fault: str, tmp_path: Path, faulty: None) -> None:
    slow, good = drawn(tmp_path / "slow.png", 1, fault), drawn(tmp_path / "good.png", 2)
    with Decoders(Limits(seconds=1)) as pool:
        found = pool.read(slow, SIZE, always)
        assert found == (content_key(slow.read_bytes()), None, "The picture takes more than 1 seconds to read.")
        assert right(pool.read(good, SIZE, always), good)


@pytest.mark.skipif(sys.platform != "linux", reason="the system takes no notice of the limit")
def test_a_picture_that_wants_too_much_memory_is_refused_it(tmp_path: Path, faulty: None) -> None:
    large, good = drawn(tmp_path / "large.png", 1, "room"), drawn(tmp_path / "good.png", 2)
    with Decoders(Limits(max_pixels=1000)) as pool:
        assert pool.read(large, SIZE, always).problem == NO_ROOM
        # Twice, each time in a process of its own.
        assert not pool._idle
        assert right(pool.read(good, SIZE, always), good)


def test_an_answer_that_does_not_fit_is_none(tmp_path: Path, faulty: None) -> None:
    with Decoders() as pool:
        assert pool.read(drawn(tmp_path / "a.png", 1, "lie"), SIZE, always).problem == ENDS


def test_a_picture_with_more_pixels_than_allowed_is_refused(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.png")
    with Decoders(Limits(max_pixels=142)) as pool:
        assert pool.read(path, SIZE, always).problem == "More than 142 pixels."
    with Decoders(Limits(max_pixels=144)) as pool:
        assert right(pool.read(path, SIZE, always), path)


@pytest.mark.parametrize("begun", [True, False])
def test_closing_ends_what_is_at_work(begun: bool, tmp_path: Path, faulty: None) -> None:
    slow, good = drawn(tmp_path / "slow.png", 1, "sleep"), drawn(tmp_path / "good.png", 2)
    pool = Decoders()
    assert begun or right(pool.read(good, SIZE, always), good)
    said: list[decoders.Found] = []
    thread = threading.Thread(target=lambda: said.append(pool.read(slow, SIZE, always)))
    thread.start()
    until(lambda: pool._busy)
    (busy,) = pool._busy
    pool.close()
    thread.join(PATIENCE_S)
    assert said[0].problem == ENDS and busy._process.returncode == -signal.SIGKILL
    assert pool.read(slow, SIZE, always).problem == ENDS and not pool._idle and not pool._busy


@pytest.mark.parametrize("fault", ["", "spin"])
def test_no_process_outlives_the_one_that_asks(fault: str, tmp_path: Path) -> None:
    drawn(tmp_path / "a.png", 1, fault)
    code = f"""
import sys
from pathlib import Path
from engine import decoders
from engine.limits import Limits
from engine.spec.interface import ImageFeature
decoders.PROGRAM = {FAULTY!r}
pool = decoders.Decoders(Limits(seconds=2)).warm()
print(pool._idle[0]._process.pid, flush=True)
pool._idle[0]._limits = Limits(seconds=1000)
pool.read(Path({str(tmp_path / "a.png")!r}), ImageFeature("image", 9, 7, "RGB"), lambda _: True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.5)
        parent.kill()
    child.wait(PATIENCE_S)


def test_what_does_not_start_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drawn(tmp_path / "a.png")
    for attribute, value in (("executable", str(tmp_path / "python")), ("path", [])):
        with monkeypatch.context() as patch, Decoders() as pool:
            patch.setattr(decoders.sys, attribute, value)
            with pytest.raises(CatflapError, match="does not start"):
                pool.read(path, SIZE, always)


def test_it_holds_little_and_is_as_nice_as_its_parent(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.jpg")
    with Decoders() as pool:
        assert right(pool.read(path, SIZE, always), path)
        process = psutil.Process(pool._idle[0]._process.pid)
        assert process.nice() == psutil.Process().nice()
        assert process.memory_info().rss < 100_000_000
        process.send_signal(signal.SIGINT)
        assert right(pool.read(path, SIZE, always), path)
        assert pool._idle[0]._process.pid == process.pid
        if hasattr(process, "rlimit"):
            assert process.rlimit(psutil.RLIMIT_AS)[0] == Limits().most_bytes
            assert process.rlimit(psutil.RLIMIT_CORE) == process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)


def test_one_waits_for_the_next_pictures(tmp_path: Path) -> None:
    path, used = drawn(tmp_path / "a.png"), []
    for limits in (Limits(), Limits(inside=(str(tmp_path),)), Limits(max_pixels=1000), Limits(seconds=3)):
        with Decoders(limits) as pool:
            assert right(pool.read(path, SIZE, always), path)
            used.append(pool._idle[0]._process)
    assert used[0] is used[1] and len({each.pid for each in used}) == 3
    assert [each.poll() is None for each in used] == [False, False, False, True]
    used[3].kill()
    used[3].wait()
    with Decoders(Limits(seconds=3)) as pool:
        assert right(pool.read(path, SIZE, always), path)
    with Decoders().warm() as pool, Decoders().warm() as other:
        both = [each._idle[0]._process for each in (pool, other)]
    decoders.end_spares()
    assert all(each.poll() is not None for each in both)


def test_a_scan_that_is_dropped_half_done_gives_its_processes_back_whole(tmp_path: Path) -> None:
    files = {f"{number:02d}": drawn(tmp_path / f"{number:02d}.png", number) for number in range(3 * BATCH)}

    def dropped() -> None:
        events = readings(files, SIZE, means, Decoders())
        next(events)
        around: list[object] = [events]
        around.append(around)

    for _ in range(3):
        dropped()
        gc.collect()
        with Decoders() as pool:
            assert right(pool.read(files["00"], SIZE, always), files["00"])
    assert len(decoders._STARTED) == 1


def until(true) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
