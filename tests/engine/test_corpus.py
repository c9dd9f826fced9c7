"""Pictures that were made to do harm: each a row that says why, or right pixels, in little time and memory."""

import errno
import os
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.decoders import Decoders
from engine.limits import Limits
from engine.reading import readings
from engine.spec.interface import ImageFeature
from tests.conftest import picture
from tests.hostile.corpus import HARMFUL, READ, SLOW, cut, saved, scans
from tests.hostile.pictures import mutated

SIZE = ImageFeature("image", 9, 7, "RGB")
MOST_PEAK = 400_000_000
"""Bytes; by far the most is taken by the pictures whose files are large."""


@pytest.fixture(scope="module")
def pool():
    with Decoders() as made:
        yield made


def peak(pool: Decoders) -> int:
    """The most bytes that its process ever had in memory."""
    status = Path(f"/proc/{pool._idle[0]._process.pid}/status")
    if not status.exists():
        return psutil.Process(pool._idle[0]._process.pid).memory_info().rss
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024


def fits(found, said: tuple[str, ...]) -> bool:
    """Whether what came of a picture is what may be said of it."""
    if found.pixels is not None:
        return READ in said and found.pixels.shape == (7, 9, 3)
    return any(each and each in found.problem for each in said) and len(found.problem) < 60


@pytest.mark.parametrize("name", [name for name in HARMFUL if name not in SLOW])
def test_what_was_made_to_do_harm_does_none(name: str, pool: Decoders, tmp_path: Path) -> None:
    make, said = HARMFUL[name]
    (tmp_path / name).write_bytes(make())
    found = pool.read(tmp_path / name, SIZE, lambda _: True)
    assert fits(found, said), found
    assert peak(pool) < MOST_PEAK


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_the_largest_and_the_slowest_stay_within_the_limits(name: str, tmp_path: Path) -> None:
    make, said = HARMFUL[name]
    (tmp_path / name).write_bytes(make())
    with Decoders() as pool:
        found = pool.read(tmp_path / name, SIZE, lambda _: True)
        assert fits(found, said), found
        assert not pool._idle or peak(pool) < Limits().most_bytes


def test_thousands_of_scans_are_given_up_in_time(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(scans(4_000))
    with Decoders(Limits(seconds=1)) as pool:
        assert "seconds" in pool.read(tmp_path / "a.jpg", SIZE, lambda _: True).problem


def test_what_ends_too_early_is_read_or_named(pool: Decoders, tmp_path: Path) -> None:
    refused = 0
    for name, data in cut():
        (tmp_path / name).write_bytes(data)
        found = pool.read(tmp_path / name, SIZE, lambda _: True)
        assert fits(found, (READ, "too early", "damaged", "Not an image")), (name, found)
        refused += bool(found.problem)
    assert refused > 60


def test_changed_bytes_end_no_process(pool: Decoders, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    refused = 0
    for number, (kind, data) in enumerate(mutated(rng, 200)):
        file = tmp_path / f"{number}.{kind.lower()}"
        file.write_bytes(data)
        found = pool.read(file, SIZE, lambda _: True)
        assert found.problem or found.pixels is not None
        assert "ends the program" not in found.problem, kind
        refused += bool(found.problem)
    assert 40 < refused < 200 and peak(pool) < MOST_PEAK


NAMES = [
    *("a\x1b[31mred\x07.png", "new\nline.png", "\u202egnp.exe.png", "[bold red]a.png", "e" * 251 + ".png"),
    *("tab\there.png", " .png", "-rf.png", "$(touch x).png", "\ufeffbom.png", "%s%n.png", "*.png"),
]


def test_a_name_is_a_name(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d" * 40] * 40)
    deep.mkdir(parents=True)
    files = {name: tmp_path / name for name in NAMES} | {"deep": deep / "a.png", "hard": tmp_path / "hard.png"}
    files |= {"bytes": Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe\x9b.png"))}
    for number, (name, file) in enumerate(files.items()):
        if name != "hard":
            picture(number % 3, number, (11, 13)).save(file)
    os.link(files["deep"], files["hard"])
    found = [each for batch in readings(files, SIZE, means, Decoders()) for each in batch]
    assert [each.name for each in found] == list(files) and not any(each.problem for each in found)
    by_name = {each.name: each.content for each in found}
    assert by_name["hard"] == by_name["deep"] and len(set(by_name.values())) == len(files) - 1


def means(batch):
    return batch.reshape(len(batch), -1).astype(np.float32)


def test_files_that_go_or_may_not_be_read_are_said_to(tmp_path: Path, pool: Decoders) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(saved("PNG"))
    assert not pool.read(file, SIZE, lambda _: True).problem
    if os.geteuid():
        file.chmod(0)
        assert pool.read(file, SIZE, lambda _: True).problem == "The file may not be read."
    file.unlink()
    assert pool.read(file, SIZE, lambda _: True).problem == "The file is gone."
    too_long = pool.read(tmp_path / ("a" * 300 + ".png"), SIZE, lambda _: True).problem
    assert os.strerror(errno.ENAMETOOLONG) in too_long
