"""The commands that open the app: on a folder, and on the bundled drawings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from engine.keeping import Keeping
from tui.output import say
from tui.settings import Options, Precision

Chosen = Annotated[Options, Parameter(name="*")]
AS_USUAL = Options()


@dataclass(frozen=True)
class Kept:
    """What is remembered with a folder until something else is said.

    Attributes
    ----------
    features
        Keep what the frozen layers made of each image in full or half precision. Remembered.
    store_limit
        Room that this may take, such as 500MB or 2GB, or none; what was unused for longest is read again. Remembered.
    held_out
        A folder inside FOLDER, relative to it, whose images are measured and never trained on; or none. Remembered.
    keep_versions
        How many versions of the model that were trained here are kept; the untouched one always is. Or all. Remembered.
    versions_limit
        Room that they may take, such as 2GB, or none. Remembered.
    keep_in
        Keep verdicts, versions and features below this folder; beside: in FOLDER/.catflap. They are moved. Remembered.
    follow_links
        Read files to which links lead out of FOLDER. Remembered.
    """

    features: Precision | str = ""
    store_limit: str = ""
    held_out: str = ""
    keep_versions: str = ""
    versions_limit: str = ""
    keep_in: str = ""
    follow_links: bool | None = None

    @property
    def keeping(self) -> Keeping:
        """How features and versions are kept."""
        return Keeping(self.features, self.store_limit, self.keep_versions, self.versions_limit)


Remembered = Annotated[Kept, Parameter(name="*")]
AS_BEFORE = Kept()


def open_folder(
    folder: Path,
    /,
    *,
    model: Path | None = None,
    out: Path | None = None,
    kept: Remembered = AS_BEFORE,
    options: Chosen = AS_USUAL,
) -> int:
    """Open the app on a folder of photographs.

    Parameters
    ----------
    folder
        The folder; folders in it are looked through as well.
    model
        The model to open; may be left out when the folder was opened before, or holds exactly one.
    out
        Leave the model as it is, and write new ones here (.mlmodel).
    """
    from tui import settings_file
    from tui.start import run

    return run(folder, model, out, settings_file.read().but(options), kept)


def demo(*, dir: Path | None = None, options: Chosen = AS_USUAL) -> int:  # noqa: A002
    """Open the app on the bundled drawings, with a model that makes mistakes.

    Parameters
    ----------
    dir
        Where to copy the samples; a new temporary folder if left out, whose path is printed at the end.
    """
    import tempfile

    from tui import settings_file
    from tui.samples import copy_samples
    from tui.start import run

    choices = settings_file.read().but(options)
    place = dir or Path(tempfile.mkdtemp(prefix="catflap-demo-"))
    images, model = copy_samples(place)
    code = run(images, model, None, choices)
    if code == 0:
        say(f"The photographs and the model are in {place}; go on with: catflap demo --dir {place}")
    return code
