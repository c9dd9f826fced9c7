"""Verdicts as other programs read them: what holds of each image in a folder, and the files that say it."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import whole_file
from engine.aside import below
from engine.catalogue import Known
from engine.cells import inert
from engine.errors import BadSetting, FolderError, UnreadableImage
from engine.images import content_key, read
from engine.journal import ACTIONS, EXCLUDED, HELD, Entry, Standing
from engine.listing import scan
from engine.provenance import iso


@dataclass(frozen=True)
class Row:
    """One image with a verdict."""

    path: str
    """Relative to the folder."""
    label: str | None
    """None where the image is excluded."""
    kind: str
    shown: str
    version: int
    at: str
    """When the verdict was given, ISO 8601."""


def judged(
    folder: Path, known: Mapping[str, Known], entries: Iterable[Entry], held_out: str = "", follow_links: bool = False
) -> list[Row]:
    """All images of the folder, copies as well, that have a verdict, by path; `known` is what its catalogue says.

    What lies below the sub-folder `held_out` is of the kind `held`. Files that the catalogue does not know as they are
    now are read, links that lead out of the folder only with `follow_links`. Raises FolderError.
    """
    standing, given_at = _standing(entries)
    contents = _contents(folder, known, follow_links)
    apart = below(held_out, contents.items())
    rows: list[Row] = []
    for path, content in contents.items():
        verdict = standing.in_force.get(content)
        if verdict is not None:
            kind = HELD if content in apart and verdict.kind != EXCLUDED else verdict.kind
            rows.append(Row(path, verdict.label, kind, verdict.shown, verdict.version, iso(given_at[content])))
    return rows


def _standing(entries: Iterable[Entry]) -> tuple[Standing, dict[bytes, float]]:
    """What holds after all entries, and when each verdict in force was given, in Unix seconds."""
    standing = Standing()
    # By identity, since undo and redo bring the very objects back; the list keeps them alive.
    every = list(entries)
    at = {id(verdict): entry.at for entry in every for verdict in entry.verdicts}
    for entry in every:
        ACTIONS[entry.action](standing, entry)
    return standing, {content: at[id(verdict)] for content, verdict in standing.in_force.items()}


def _contents(folder: Path, known: Mapping[str, Known], follow_links: bool) -> dict[str, bytes]:
    """The content key of every image that is in the folder now, by path."""
    found: dict[str, bytes] = {}
    inside = () if follow_links else (os.path.realpath(folder),)
    for path, stamp in scan(folder, follow_links).items():
        before = known.get(path)
        if before is not None and before.stamp == stamp:
            found[path] = before.content or b""
        else:
            with suppress(UnreadableImage):
                found[path] = content_key(read(folder / path, inside))
    return found


def placed(folder: Path, out: Path | None) -> Callable[[str], str]:
    """How an image's path is written: relative to where the file `out` lies; to the folder, without one."""
    if out is None:
        return lambda path: path
    start = os.path.realpath(out.parent)
    return lambda path: os.path.relpath(os.path.join(os.path.realpath(folder), path), start)


COLUMNS = ("path", "label", "kind", "shown", "version", "at")


def as_csv(rows: Sequence[Row], place: Callable[[str], str]) -> bytes:
    """A header, then a line an image; the first two columns are what `read_labels` reads. Excluded: an empty label."""
    text = io.StringIO()
    usual = csv.writer(text, lineterminator="\n")
    # A carriage return, which ends a line to Python's reader, is not quoted by its writer.
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    usual.writerow(COLUMNS)
    for row in rows:
        cells = [place(row.path), row.label or "", row.kind, row.shown, str(row.version), row.at]
        writer = quoted if any("\r" in cell for cell in cells) else usual
        writer.writerow(map(inert, cells))
    return _encoded(text.getvalue())


def as_json(rows: Sequence[Row], place: Callable[[str], str]) -> bytes:
    """One array of objects with the names of COLUMNS; an excluded image's label is null."""
    return _json([{**vars(row), "path": place(row.path)} for row in rows])


def as_create_ml(rows: Sequence[Row], place: Callable[[str], str]) -> bytes:
    """Image and label under the names that Create ML gives the two in annotation files; excluded images are left out.

    https://developer.apple.com/documentation/createml/building-an-object-detector-data-source has the names. Create ML's
    data source for image classifiers takes folders (`write_folders`); those that take an annotation file of one label an
    image are told the names of the columns, as https://developer.apple.com/documentation/createml/mlhandposeclassifier/
    datasource/directorywithimagesandannotation(at:annotationfile:imagecolumn:labelcolumn:) is.
    """
    return _json([{"imagefilename": place(row.path), "annotation": row.label} for row in rows if row.label is not None])


def _json(objects: Sequence[Mapping[str, object]]) -> bytes:
    lines = ",\n".join(json.dumps(each, ensure_ascii=True) for each in objects)
    return f"[\n{lines}\n]\n".encode() if objects else b"[]\n"


def _encoded(text: str) -> bytes:
    """Bytes of a name that is not UTF-8 stay what they are."""
    return text.encode("utf-8", "surrogateescape")


FORMATS: Mapping[str, Callable[[Sequence[Row], Callable[[str], str]], bytes]] = {
    "csv": as_csv,
    "json": as_json,
    "createml": as_create_ml,
}
"""By name: rows, and how paths are written, to a file's bytes."""


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, whole or not at all.

    Raises BadSetting if it is there, FolderError where it cannot be written.
    """
    try:
        whole_file.create(path, data)
    except FileExistsError as error:
        raise BadSetting(f"{str(path)!r} is there already.", "Nothing is overwritten: give another name.") from error
    except OSError as error:
        raise FolderError(f"{str(path)!r} could not be written: {error.strerror}.") from error
