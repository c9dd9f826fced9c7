"""Images on which the engine ends: the process's end is an exception that nothing catches, which leaves all as it is."""

import os
import shutil

import pytest

from engine import reading
from engine.errors import FolderError
from engine.events import ImageSkipped, ImagesPredicted
from engine.in_work import ENDED_TWICE, InWork
from engine.places import IN_WORK
from engine.reading import BATCH, Reading, under_way
from engine.workspace import Workspace


class Died(BaseException):
    """The engine's end."""


@pytest.fixture
def many(pictures):
    """More pictures than are in work at the same time, of which two end the engine."""
    sources = sorted(pictures.glob("*.png"))
    for index in range(under_way() + 3 * BATCH):
        shutil.copy(sources[index % 18], pictures / f"e{index:03d}.png")
        with (pictures / f"e{index:03d}.png").open("ab") as file:
            file.write(b"%d" % index)
    for name in ("e031.png", "e040.png"):
        (pictures / name).write_bytes((pictures / name).read_bytes() + b"deadly")
    return pictures


@pytest.fixture
def deadly(monkeypatch):
    """Pictures with that word end the engine; gives the sizes of the batches that went through the backbone."""
    sizes = []

    def read_all(files, *arguments):
        sizes.append(len(files))
        if any(b"deadly" in file.read_bytes() for _, file in files):
            raise Died
        return whole(files, *arguments)

    whole = reading._read_all
    monkeypatch.setattr(reading, "_read_all", read_all)
    return sizes


def open_and_scan(folder, model_path):
    """A process's life: the events until its end, and whether that came without a word."""
    events, workspace = [], Workspace(folder, model_path)
    try:
        with workspace:
            for event in workspace.scan():
                events.append(event)
    except Died:
        return events, True
    return events, False


def predicted(events):
    return {path for event in events if isinstance(event, ImagesPredicted) for path in event.paths}


def skipped(events):
    return {event.image: event.reason for event in events if isinstance(event, ImageSkipped)}


def test_an_image_that_ends_the_engine_twice_is_put_aside_until_it_changes(many, model_path, deadly):
    lives = []
    while not lives or lives[-1][1]:
        deadly.clear()
        lives.append((*open_and_scan(many, model_path), list(deadly)))
        assert len(lives) < 9
    assert [died for _, died, _ in lives] == [True, True, True, False], "once in a batch, once each alone"
    everything = {str(path.relative_to(many)) for path in many.rglob("*.png")}
    assert set(lives[0][2]) == {BATCH}
    assert set(lives[1][2]) == {1}
    found = skipped(lives[-1][0])
    assert set(found.values()) == {ENDED_TWICE}
    assert set(found) <= {"e031.png", "e040.png"} and found
    assert predicted(lives[-1][0]) == everything - {"e031.png", "e040.png"}
    assert not (many / ".catflap" / IN_WORK).exists()
    events, died = open_and_scan(many, model_path)
    assert not died, "they are not tried again"
    assert set(skipped(events)) == {"e031.png", "e040.png"}
    for name in skipped(events):
        data = (many / name).read_bytes()
        (many / name).write_bytes(data.replace(b"deadly", b"cured"))
    events, died = open_and_scan(many, model_path)
    assert not died and not skipped(events)
    assert predicted(events) == everything


def test_innocent_images_are_only_read_once_more(many, model_path, deadly, monkeypatch):
    """As when something else took the memory."""
    with pytest.raises(Died), Workspace(many, model_path) as workspace:
        for event in workspace.scan():
            if isinstance(event, ImagesPredicted):
                raise Died
    for path in many.glob("e*.png"):
        path.write_bytes(path.read_bytes().replace(b"deadly", b"cured"))
    events, died = open_and_scan(many, model_path)
    assert not died and not skipped(events)
    assert len(predicted(events)) == len(list(many.rglob("*.png")))


def test_stopping_and_errors_leave_no_suspects(tmp_path):
    file = tmp_path / IN_WORK
    names = {f"{index:03d}": tmp_path for index in range(2 * under_way())}

    def read(files):
        order = list(files)
        for at in range(0, len(order), BATCH):
            yield [Reading(name, b"") for name in order[at : at + BATCH]]

    started = InWork(file).read(names, read)
    next(started)
    assert file.exists()
    started.close()
    assert not file.exists()

    def fails(files):
        yield from ()
        raise FolderError("The disk is full.")

    with pytest.raises(FolderError):
        list(InWork(file).read(names, fails))
    assert not file.exists()
    assert sum(map(len, InWork(file).read(names, read))) == len(names)
    assert not file.exists()


@pytest.mark.parametrize("note", [b"", b"{}", b"[1, 2]", b'{"alone": true, "names": []}', b"\xff\xfe", b"null"])
def test_a_note_that_says_nothing_is_no_note(tmp_path, note):
    (tmp_path / IN_WORK).write_bytes(note)
    names = {"a": tmp_path, "b": tmp_path}
    assert len(next(InWork(tmp_path / IN_WORK).read(names, lambda some: iter([[Reading(n, b"") for n in some]])))) == 2


def test_names_that_are_no_text_and_a_disk_that_takes_no_note(tmp_path):
    name = os.fsdecode(b"\xff\n.png")

    def dies(files):
        yield from ()
        raise Died

    with pytest.raises(Died):
        list(InWork(tmp_path / IN_WORK).read({name: tmp_path}, dies))
    with pytest.raises(Died):
        list(InWork(tmp_path / IN_WORK).read({name: tmp_path, "b": tmp_path}, dies))
    [aside] = next(InWork(tmp_path / IN_WORK).read({"b": tmp_path, name: tmp_path}, dies))
    assert (aside.name, aside.problem) == (name, ENDED_TWICE)
    with pytest.raises(FolderError):
        list(InWork(tmp_path / "gone" / IN_WORK).read({name: tmp_path}, dies))
