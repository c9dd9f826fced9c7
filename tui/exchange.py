"""The commands that take labels out of a folder and bring them in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from engine.errors import BadSetting
from tui.output import Json, printer, say, write

if TYPE_CHECKING:
    from engine.exports import Row

Flag = Annotated[bool, Parameter(negative="")]
FOLDERS = "folders"


def labels(
    folder: Path,
    /,
    *,
    format: str = "csv",  # noqa: A002 - the option's name
    out: Path | None = None,
    copy: Flag = False,
) -> int:
    """Write the verdicts on a folder's images, for other programs.

    Parameters
    ----------
    folder
        A folder that was opened before.
    format
        csv (path,label,kind,shown,version,at), json (the same, as an array), createml, or folders.
    out
        The file to write, or the folder; nothing is overwritten. Standard output if left out.
    copy
        With --format folders: copies of the images, not links to them.
    """
    from engine.exports import FORMATS, placed, write_new
    from tui.text import count, safe

    _require(format, (*FORMATS, FOLDERS), out, copy)
    rows = _rows(folder)
    if format == FOLDERS:
        assert out is not None
        _as_folders(rows, folder, out, copy)
        return 0
    data = FORMATS[format](rows, placed(folder, out))
    if out is None:
        write(data)
    else:
        write_new(out, data)
        say(f"{count(len(rows), 'image')} in {safe(str(out))}.")
    return 0


def _require(form: str, known: Sequence[str], out: Path | None, copy: bool) -> None:
    if form not in known:
        raise BadSetting(f"There is no format {form!r}.", f"There are {', '.join(known)}.")
    if form == FOLDERS and out is None:
        raise BadSetting("--format folders needs --out.", "Give a new folder.")
    if copy and form != FOLDERS:
        raise BadSetting(f"--format {form} writes one file: it takes no --copy.")


def _rows(folder: Path) -> "list[Row]":
    from engine.catalogue import Catalogue
    from engine.exports import judged
    from engine.journal import Journal
    from engine.places import opened_before

    kept = opened_before(folder)
    with (
        Catalogue(kept / "catalogue.db", read_only=True) as catalogue,
        Journal(kept / "journal.db", read_only=True) as journal,
    ):
        held_out, links = catalogue.setting("held_out"), bool(catalogue.setting("follow_links"))
        return judged(folder, catalogue.images(), journal.entries(), held_out, links)


def _as_folders(rows: "Sequence[Row]", folder: Path, out: Path, copy: bool) -> None:
    from engine.label_folders import write_folders
    from tui.text import count, safe

    folders = write_folders(rows, folder, out, copy)
    for label, name in folders.items():
        if name != label:
            say(f"The label {safe(label)} is the folder {safe(name)}.")
    done = sum(row.label is not None for row in rows)
    say(f"{count(done, 'image')} in {count(len(folders), 'folder')} below {safe(str(out))}.")


def import_labels(
    folder: Path,
    labels: Path,
    /,
    *,
    model: Path | None = None,
    replace: Flag = False,
    held_out: str = "",
    json: Json = False,
) -> int:
    """Take labels in as verdicts, as one step that u in the app takes back; they count as imported until confirmed.

    Parameters
    ----------
    folder
        The folder of images; folders in it are looked through as well.
    labels
        A CSV file with the header path,label, or a folder whose sub-folders are labels, such as FOLDER itself.
    model
        The model; may be left out when the folder was opened before, or holds exactly one.
    replace
        Also where a person has given another label.
    held_out
        A folder inside FOLDER, relative to it, whose images are measured and never trained on; or none. Remembered.
    json
        One JSON object a line.
    """
    from tui import importing

    return importing.import_labels(printer(json), folder, labels, model, replace, held_out)
