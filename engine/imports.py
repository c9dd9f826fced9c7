"""Labels that a person brings along, as verdicts on a folder's images: by path, or by the picture's content."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadLabels, UnreadableImage
from engine.images import content_key, read
from engine.journal import EXCLUDED, HELD, IMPORTED, LABEL, Verdict
from engine.labels import Labelled, refuse_contradictions


@dataclass(frozen=True)
class Shown:
    """What the present model says of a folder's images."""

    contents: Mapping[str, bytes]
    """Content key by path."""
    labels: Mapping[bytes, str]
    """The predicted label by content key."""
    version: int


@dataclass(frozen=True)
class Imported:
    """What is to be appended to the journal, and what becomes of the rest."""

    verdicts: tuple[Verdict, ...]
    kept: int
    """Pictures on which a person has said something else, which stays."""
    same: int
    """Pictures of which the same was said before."""
    missing: tuple[str, ...]
    """The names of what is no image of the folder."""


def imported(
    labelled: Mapping[str, Labelled],
    folder: Path,
    shown: Shown,
    in_force: Mapping[bytes, Verdict],
    replace: bool = False,
) -> Imported:
    """The verdicts that `labelled` comes to; with `replace`, also where a person said something else.

    Raises BadLabels where one picture has two labels, or nothing in `labelled` is an image of the folder.
    """
    contents = _contents(labelled, folder, shown)
    refuse_contradictions(labelled, contents)
    if not contents:
        raise BadLabels(f"None of the {len(labelled)} labelled images is in {str(folder)!r}.", "Check the paths.")
    given: dict[bytes, Verdict] = {}
    for name, content in contents.items():
        verdict = _verdict(content, labelled[name], shown)
        # Of copies, one that is held out counts for all.
        if given.setdefault(content, verdict).kind != HELD:
            given[content] = verdict
    came: list[Verdict] = []
    kept = 0
    for content, verdict in given.items():
        before = in_force.get(content)
        if before is None or (before.kind == IMPORTED and not _agrees(before, verdict)):
            came.append(verdict)
        elif not _agrees(before, verdict):
            kept += not replace
            came += [_in_place_of(before, verdict)] * replace
    missing = tuple(name for name in labelled if name not in contents)
    return Imported(tuple(came), kept, len(given) - len(came) - kept, missing)


def path_inside(folder: Path, file: Path) -> str:
    """The path of a file relative to the folder; it begins with `..` where it lies outside."""
    # The file itself may be a link.
    return os.path.relpath(os.path.join(os.path.realpath(file.parent), file.name), os.path.realpath(folder))


def _verdict(content: bytes, said: Labelled, shown: Shown) -> Verdict:
    kind = IMPORTED if said.kind == LABEL else said.kind
    return Verdict(content, said.label or None, shown.labels[content], shown.version, kind)


def _agrees(before: Verdict, now: Verdict) -> bool:
    """A person's label stays confirmed, and held out if it is."""
    return before.label == now.label and (before.kind == now.kind or before.kind in (LABEL, HELD))


def _in_place_of(before: Verdict, now: Verdict) -> Verdict:
    held = before.kind == HELD and now.kind != EXCLUDED
    return Verdict(now.image, now.label, now.shown, now.version, HELD) if held else now


def _contents(labelled: Mapping[str, Labelled], folder: Path, shown: Shown) -> dict[str, bytes]:
    """The content key of each that is an image of the folder, by name.

    A file in the folder, or one with the content of an image in it; or, where there is no such file, a path that is
    relative to the folder.
    """
    found: dict[str, bytes] = {}
    inside = set(shown.labels)
    for name, each in labelled.items():
        content = shown.contents.get(path_inside(folder, each.file))
        if content is None and each.file.is_file():
            with suppress(UnreadableImage):
                content = content_key(read(each.file))
        elif content is None:
            content = shown.contents.get(name)
        if content in inside:
            found[name] = content
    return found
