"""A damaged catalogue: what it knew of versions and settings is read back, or found again; all else a scan finds."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from engine.catalogue import RETRAINED, Catalogue, Version, path_of, version_file
from engine.database import Damaged
from engine.errors import CatflapError
from engine.keeping import Keeping
from engine.recovery import finish, mend
from engine.salvage import Row, Value, rows
from engine.spec.file import ModelFile
from engine.spec.metadata import PREFIX

_KINDS: Mapping[type, tuple[type, ...]] = {int: (int,), str: (str,), float: (int, float)}
_FILE = re.compile(r"(\d{4,})\.mlmodel")


def open_catalogue(home: Path, folder: Path) -> tuple[Catalogue, str]:
    """The catalogue in `home`, and what became of a damaged or a lost one, in words; empty where there was neither.

    `folder` is where the images lie. Raises FolderError.
    """
    path = home / "catalogue.db"
    finish(path)
    lost = not path.exists() and versions([], home / "versions")
    try:
        catalogue = _read_through(path)
        for version in lost or ():
            catalogue.put_version(version)
        return catalogue, f"The catalogue was gone; {_again(catalogue)}." if lost else ""
    except Damaged:
        said = mend(path, lambda kept, draft: _catalogue_again(kept, draft, home / "versions", folder))
    return _read_through(path), f"The catalogue was damaged; {said}"


def _read_through(path: Path) -> Catalogue:
    """What a scan will ask for is read now, while it can be set right."""
    catalogue = Catalogue(path)
    catalogue.read_through()
    return catalogue


def _catalogue_again(kept: Path, draft: Path, models: Path, folder: Path) -> str:
    found = list(rows(kept))
    with Catalogue(draft) as catalogue:
        for version in versions(found, models):
            catalogue.put_version(version)
        for name, value in settings(found, folder).items():
            catalogue.remember(name, value)
        return _again(catalogue)


def _again(catalogue: Catalogue) -> str:
    return f"it was made again, with {len(catalogue.versions())} of the model's versions"


def versions(rows: Iterable[Row], folder: Path) -> list[Version]:
    """Versions as their rows say, and of files in `folder` that no row names, as the files themselves do."""
    found: dict[int, Version] = {}
    for rowid, values in rows:
        said = (rowid, *values[1:])
        if rowid >= 0 and _is_version(said):
            found[rowid] = Version(*cast(tuple[Any, ...], said))
    for file in sorted(folder.glob("*.mlmodel")):
        if (named := _FILE.fullmatch(file.name)) and int(named[1]) not in found:
            found[int(named[1])] = _version(int(named[1]), file)
    return [found[number] for number in sorted(found)]


def _is_version(said: Sequence[Value]) -> bool:
    """Whether values are of the kinds of a version's fields; an older catalogue has fewer, but never less than five."""
    usual = map(type, vars(Version(0, "", "", 0.0, "")).values())
    # SQLite keeps a real number that is whole as an integer.
    fits = 5 <= len(said) <= len(fields(Version)) and all(
        type(one) in _KINDS[like] for one, like in zip(said, usual, strict=False)
    )
    return fits and said[2] in ("", version_file(cast(int, said[0])))


def _version(number: int, file: Path) -> Version:
    """What a model's own metadata tells of how it was trained; see `provenance`."""
    model, at = ModelFile(file.read_bytes(), file.name), file.stat().st_mtime
    try:
        said: Mapping[str, Any] = model.message.description.metadata.userDefined
    except CatflapError:
        said = {}
    trainer = said.get(PREFIX + "trainer", "")
    figures = {name: _figure(said, name) for name in ("flips", "learned", "broken")}
    accepted = max(0, _figure(said, "verdicts") - figures["flips"])
    origin = RETRAINED if trainer else "original" if number == 0 else "changed outside"
    return Version(number, model.digest, file.name, at, origin, trainer, accepted=accepted, **figures)


def _figure(said: Mapping[str, str], name: str) -> int:
    text = said.get(PREFIX + name, "")
    return int(text) if text.isdecimal() else 0


def settings(rows: Iterable[Row], folder: Path) -> dict[str, str]:
    """What a person had said of the folder whose images are at `folder`, as far as it can be so."""
    found: dict[str, str] = {}
    for rowid, values in rows:
        match rowid, values:
            case 0, (str() as name, str() as text) if name in _POSSIBLE and _POSSIBLE[name](folder, path_of(text)):
                found[name] = path_of(text)
            case _:
                pass
    return found


def _keeps(**said: str) -> bool:
    try:
        Keeping(**said)
    except CatflapError:
        return False
    return True


_POSSIBLE: Mapping[str, Callable[[Path, str], bool]] = {
    "model": lambda folder, text: Path(text).exists(),
    "out": lambda folder, text: text.endswith(".mlmodel") and Path(text).parent.is_dir(),
    "held_out": lambda folder, text: (folder / text).is_dir(),
    "features": lambda folder, text: _keeps(precision=text),
    "store_limit": lambda folder, text: _keeps(limit=text),
    "follow_links": lambda folder, text: text == "yes",
    "max_pixels": lambda folder, text: text.isdecimal(),
    "keep_versions": lambda folder, text: _keeps(versions=text),
    "versions_limit": lambda folder, text: _keeps(versions_limit=text),
}
"""By a setting's name, whether this could be one."""
