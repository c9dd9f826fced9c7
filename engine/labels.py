"""Labels that a person brings along: a CSV file, or a folder whose sub-folders are labels."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cells import taken_back
from engine.errors import BadLabels
from engine.journal import EXCLUDED, HELD, LABEL
from engine.listing import scan


@dataclass(frozen=True)
class Labelled:
    """One file and its label."""

    file: Path
    label: str
    """Empty where the image is excluded."""
    where: str
    """Where it was said, for errors: `line 3` or the sub-folder."""
    kind: str = LABEL
    """HELD or EXCLUDED where a CSV file's column `kind` says so."""

    @property
    def said(self) -> str:
        """The label, for errors."""
        return repr(self.label) if self.label else "excluded"


def read_labels(source: Path, labels: Sequence[str] | None) -> dict[str, Labelled]:
    """What `source` says, by a name that a person knows the file by; None allows any label. Raises BadLabels.

    A CSV file has the header `path,label`, its paths relative to itself; further columns may follow. What `as_csv` wrote
    is read as it was before cells were made inert.
    """
    found = _from_folder(source) if source.is_dir() else _from_csv(source)
    if not found:
        raise BadLabels(f"{str(source)!r} holds no labelled image.", "Give a CSV file with the header path,label.")
    for name, each in found.items():
        if labels is not None and each.label not in labels and each.kind != EXCLUDED:
            raise BadLabels(
                f"{each.where}: {name!r} has the label {each.label!r}, which the model does not know.",
                f"It knows {', '.join(labels)}.",
            )
    return found


def refuse_contradictions(labelled: Mapping[str, Labelled], contents: Mapping[str, bytes]) -> None:
    """Raise BadLabels if one picture content has two labels; both places are named."""
    first: dict[bytes, str] = {}
    for name, content in contents.items():
        if not content:
            continue
        other = first.setdefault(content, name)
        one, two = labelled[other], labelled[name]
        if one.label != two.label:
            raise BadLabels(
                f"The same picture has two labels: {one.said} ({one.where}, {other!r}) and {two.said} "
                f"({two.where}, {name!r}).",
                "Keep the one that is right.",
            )


def _from_folder(source: Path) -> dict[str, Labelled]:
    found = (path for path in sorted(scan(source)) if "/" in path)
    return {path: Labelled(source / path, path.split("/")[0], f"folder {path.split('/')[0]!r}") for path in found}


def _from_csv(source: Path) -> dict[str, Labelled]:
    found: dict[str, Labelled] = {}
    try:
        with source.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            if not {"path", "label"} <= set(rows.fieldnames or ()):
                raise BadLabels(f"{source.name!r} lacks the header path,label.", "Its first line must be: path,label")
            for row in rows:
                path, each = _from_row(source, row, f"line {rows.line_num}")
                before = found.setdefault(path, each)
                if before.label != each.label:
                    raise BadLabels(
                        f"{source.name!r} gives {path!r} two labels: {before.said} ({before.where}) and {each.said} "
                        f"({each.where}).",
                        "Keep the one that is right.",
                    )
    except (OSError, csv.Error) as error:
        raise BadLabels(f"The labels {str(source)!r} cannot be read: {error}.", "Give a CSV file or a folder.") from error
    return found


def _from_row(source: Path, row: Mapping[str, str | None], where: str) -> tuple[str, Labelled]:
    path, label, kind = (taken_back(row.get(name) or "") for name in ("path", "label", "kind"))
    if not path or not (label or kind == EXCLUDED):
        raise BadLabels(f"{source.name!r}, {where}, lacks a path or a label.")
    kind = EXCLUDED if not label else kind if kind == HELD else LABEL
    return path, Labelled(source.parent / path, label, where, kind)
