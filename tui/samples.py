"""Where the bundled samples are: inside the package when installed from a wheel, in `samples/` in a checkout."""

import shutil
from pathlib import Path

from engine.errors import FolderError

MODEL = "CatDog.mlmodel"
STARTER = "efficientnet_lite0.npz"
HERE = Path(__file__).resolve().parent


def samples_folder(package: Path = HERE) -> Path:
    """The folder that holds `images/` and the model. Raises FolderError if there is none."""
    for folder in (package / "samples", package.parent / "samples"):
        if (folder / MODEL).is_file() and (folder / "images").is_dir():
            return folder
    raise FolderError("The bundled samples are missing.", "Install Catflap again.")


def copy_samples(to: Path) -> tuple[Path, Path]:
    """Copy images and model into `to`, unless they are there already; gives the folder of images and the model.

    What is there already is kept: a demo can be gone on with. Raises FolderError.
    """
    source = samples_folder()
    images, model = to / "photographs", to / MODEL
    try:
        images.mkdir(parents=True, exist_ok=True)
        for each in sorted((source / "images").iterdir()):
            if not (images / each.name).exists():
                shutil.copyfile(each, images / each.name)
        if not model.exists():
            shutil.copyfile(source / MODEL, model)
    except OSError as error:
        raise FolderError(
            f"The samples cannot be copied to {str(to)!r}: {error.strerror}.", "Choose a place with --dir."
        ) from error
    return images, model
