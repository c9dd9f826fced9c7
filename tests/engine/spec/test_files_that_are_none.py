"""What stands where a model should: pipes, devices, links in a circle, packages that point outside, files without an end.

A pipe that nobody writes to would wait for ever: a run that hangs here is the failure.
"""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import engine
from engine.errors import UnreadableModel
from engine.spec.describe import DEEPEST
from engine.spec.file import read
from engine.spec.regular import LARGEST, LARGEST_MANIFEST
from tests.pipelines import dense, embedding, linked, pipeline

MODEL = dense().SerializeToString()
INNER = "com.apple.CoreML/model.mlmodel"


def as_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is no file"),
    "link to a pipe": (lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")), "is no file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is no file"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "is no file|cannot be read"),
    "socket": (as_socket, "is no file"),
    "link in a circle": (lambda path: path.symlink_to(path.name), "There is no model|cannot be read"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "There is no model"),
    "folder": (Path.mkdir, "is not a model package|cannot be read"),
    "longer than any model": (lambda path: sparse(path, LARGEST + 1), "are the most"),
    "empty": (Path.touch, "not a Core ML model"),
    "a file that says it is empty": (
        lambda path: path.symlink_to("/proc/self/mem"),
        "not a Core ML model|cannot be read|There is no model",
    ),
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_model_is_refused_at_once(name: str, tmp_path: Path) -> None:
    make, words = NO_FILES[name]
    make(tmp_path / "it.mlmodel")
    with pytest.raises(UnreadableModel, match=words):
        engine.open_model(tmp_path / "it.mlmodel")


@pytest.mark.parametrize("name", ["x" * 300 + ".mlmodel", "a\0b.mlmodel", "/" + "y/" * 3000])
def test_names_that_no_file_can_have_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel):
        read(tmp_path / name)


def package(folder: Path, path: object = INNER, manifest: bytes | None = None) -> Path:
    """A model package whose manifest names `path`, or is `manifest`; beside it a model that is not for it."""
    it = folder / "it.mlpackage"
    inner = it / "Data" / INNER
    inner.parent.mkdir(parents=True)
    inner.write_bytes(MODEL)
    (folder / "outside.mlmodel").write_bytes(MODEL)
    said = {"itemInfoEntries": {"1": {"path": path}}, "rootModelIdentifier": "1"}
    (it / "Manifest.json").write_bytes(json.dumps(said).encode() if manifest is None else manifest)
    return it


def test_a_package_opens(tmp_path: Path) -> None:
    assert engine.open_model(package(tmp_path)).labels == ("Cat", "Dog")


@pytest.mark.parametrize(
    "path", ["../../outside.mlmodel", "../../../../../../../../etc/passwd", "/etc/passwd", "{outside}"]
)
def test_a_package_does_not_lead_outside(path: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match="points outside the package"):
        read(package(tmp_path, path.format(outside=tmp_path / "outside.mlmodel")))


@pytest.mark.parametrize("what", ["model", "folder", "manifest", "data"])
def test_links_in_a_package_do_not_lead_outside(what: str, tmp_path: Path) -> None:
    it = package(tmp_path)
    other = package(tmp_path / "other")
    place = {"model": f"Data/{INNER}", "folder": "Data/com.apple.CoreML", "manifest": "Manifest.json", "data": "Data"}[what]
    (it / place).rename(tmp_path / "away")
    (it / place).symlink_to(other / place)
    with pytest.raises(UnreadableModel, match="outside the package"):
        read(it)


@pytest.mark.parametrize("where", ["Manifest.json", f"Data/{INNER}"])
@pytest.mark.parametrize("kind", ["pipe", "device", "circle"])
def test_pipes_devices_and_circles_in_a_package_are_refused(kind: str, where: str, tmp_path: Path) -> None:
    it = package(tmp_path)
    (it / where).unlink()
    make = {
        "pipe": lambda: os.mkfifo(it / where),
        "device": lambda: (it / where).symlink_to("/dev/zero"),
        "circle": lambda: (it / where).symlink_to(Path(where).name),
    }
    make[kind]()
    with pytest.raises(UnreadableModel):
        read(it)


MANIFESTS = {
    "no JSON": b"\xff{",
    "deep": b"[" * 500_000,
    "a list": b"[1]",
    "a number": b"7",
    "a root that is a list": b'{"itemInfoEntries": {}, "rootModelIdentifier": []}',
    "a path that is a number": b'{"itemInfoEntries": {"1": {"path": 5}}, "rootModelIdentifier": "1"}',
    "a path with a zero byte": rb'{"itemInfoEntries": {"1": {"path": "a\u0000b"}}, "rootModelIdentifier": "1"}',
    "a path without an end": b'{"itemInfoEntries": {"1": {"path": "' + b"x/" * 4000 + b'"}}, "rootModelIdentifier": "1"}',
    "a number without an end": b'{"itemInfoEntries": ' + b"9" * 10_000 + b"}",
    "entries without an end": b'{"a": 1,' * 200_000,
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_names_no_model_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel):
        read(package(tmp_path, manifest=MANIFESTS[name]))


def test_a_manifest_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    it = package(tmp_path)
    sparse(it / "Manifest.json", 10 << 30)
    with pytest.raises(UnreadableModel, match=f"{LARGEST_MANIFEST:,} are the most"):
        read(it)


HOSTILE_LINKS = {
    "above": ("../outside.mlmodel", ""),
    "far above": ("../../../../../../etc/passwd", ""),
    "absolute": ("/etc/passwd.mlmodel", ""),
    "by the search path": ("outside.mlmodel", "here:../"),
    "by an absolute search path": ("passwd.mlmodel", "/etc"),
    "link file": ("link.mlmodel", ""),
}


@pytest.mark.parametrize("name", HOSTILE_LINKS)
def test_a_linked_model_does_not_lead_outside(name: str, tmp_path: Path) -> None:
    (tmp_path / "outside.mlmodel").write_bytes(MODEL)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.mlmodel").symlink_to(tmp_path / "outside.mlmodel")
    (folder / "outer.mlmodel").write_bytes(linked(*_with_like(HOSTILE_LINKS[name])).SerializeToString())
    with pytest.raises(UnreadableModel, match="outside its own folder"):
        engine.open_model(folder / "outer.mlmodel")


def _with_like(link: tuple[str, str]) -> tuple[str, object, str]:
    return link[0], dense(), link[1]


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 300, "y/" * 3000 + "z", ".", "pipe.mlmodel", "circle.mlmodel"])
@pytest.mark.parametrize("search", ["", ":" * 100_000, "\0", "$BUNDLE_MAIN"])
def test_a_link_that_leads_nowhere_is_refused(name: str, search: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mlmodel")
    (tmp_path / "circle.mlmodel").symlink_to("circle.mlmodel")
    (tmp_path / "outer.mlmodel").write_bytes(linked(name, dense(), search).SerializeToString())
    with pytest.raises(UnreadableModel):
        engine.open_model(tmp_path / "outer.mlmodel")


@pytest.mark.parametrize("long", [DEEPEST, 1500])
def test_links_from_one_to_the_next_end(long: int, tmp_path: Path) -> None:
    """As many as pipelines may be deep still open; without an end, the stack would run over."""
    for at in range(long):
        (tmp_path / f"{at}.mlmodel").write_bytes(linked(f"{at + 1}.mlmodel", dense()).SerializeToString())
    (tmp_path / f"{long}.mlmodel").write_bytes(MODEL)
    if long == DEEPEST:
        assert engine.open_model(tmp_path / "0.mlmodel").description.last.kind == "neuralNetworkClassifier"
    else:
        with pytest.raises(UnreadableModel, match="each to the next"):
            engine.open_model(tmp_path / "0.mlmodel")


def test_a_pipeline_in_itself_is_refused(tmp_path: Path) -> None:
    its = linked("it.mlmodel", embedding())
    (tmp_path / "it.mlmodel").write_bytes(pipeline(its, dense(), updatable=False).SerializeToString())
    with pytest.raises(UnreadableModel, match=r"back to itself|deep"):
        engine.open_model(tmp_path / "it.mlmodel")
