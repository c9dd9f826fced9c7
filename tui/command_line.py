"""The command line: commands and exit codes. Textual is imported only to open the app."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from engine.errors import BadSetting, CatflapError
from engine.limits import Limits, pixels_of
from tui import examples, exchange, making, opening, setting_up, version
from tui.output import Json, printer, say
from tui.settings import Augment, Choices, Options, Trainer

REFUSED, INTERRUPTED = 2, 130
MAX_PIXELS = Choices.max_pixels

app = App(
    name="catflap",
    help="Relabel photographs and retrain an updatable Core ML classifier, in one terminal.",
    version=version,
    version_flags=["--version"],
    help_format="plaintext",
    result_action="return_value",
)

TrainerName = Annotated[Trainer | str, Parameter(name="--trainer")]
Augmentation = Annotated[Augment | str, Parameter(name="--augment")]


@app.command
def predict(
    model: Path,
    paths: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
    follow_links: Annotated[bool, Parameter(negative="")] = False,
    max_pixels: str = MAX_PIXELS,
    json: Json = False,
) -> int:
    """Predict images, or all images in folders.

    Parameters
    ----------
    model
        A .mlmodel or .mlpackage.
    paths
        Images or folders.
    follow_links
        Read files to which links lead out of a folder.
    max_pixels
        Larger pictures are refused, such as 50MP.
    json
        One JSON object a line.
    """
    from tui import headless

    return headless.predict(printer(json), model, paths, Limits(pixels_of(max_pixels)), follow_links)


@app.command
def train(
    model: Path,
    labels: Path,
    /,
    *,
    out: Path,
    trainer: TrainerName = "auto",
    augment: Augmentation = "none",
    anchors: Path | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    momentum: float | None = None,
    seed: int | None = None,
    shuffle: bool | None = None,
    max_epochs: int | None = None,
    seconds: float | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    max_pixels: str = MAX_PIXELS,
    json: Json = False,
) -> int:
    """Train a model on labelled images, and write the result.

    Parameters
    ----------
    model
        An updatable .mlmodel or .mlpackage.
    labels
        A CSV file with the header path,label, or a folder whose sub-folders are labels.
    out
        Where the new model is written.
    trainer
        What to train with.
    augment
        Views of each picture that are trained on as well: mirrored, shifted a little, or both.
    anchors
        A folder of images that keep their predictions; the CSV file's own folder if left out; not for plain and fit.
    epochs
        For sgd and plain.
    learning_rate
        For sgd and plain.
    batch_size
        For sgd and plain.
    momentum
        For sgd and plain.
    seed
        Of the order in which samples are seen.
    shuffle
        Whether samples are seen in another order in every epoch.
    max_epochs
        At most so many, for all trainers but plain.
    seconds
        Stop after so long, for all trainers but plain.
    force
        Write the model even if it is right on fewer labels than before.
    max_pixels
        Larger pictures are refused, such as 50MP.
    json
        One JSON object a line.
    """
    from tui import headless

    numbers = epochs, learning_rate, batch_size, momentum, seed, shuffle, max_epochs, seconds
    chosen = headless.chosen(trainer, *numbers, augment=augment)
    return headless.train(printer(json), model, labels, out, anchors, trainer, chosen, force, Limits(pixels_of(max_pixels)))


@app.command
def retrain(
    folder: Path,
    /,
    *,
    trainer: TrainerName | None = None,
    augment: Augmentation | None = None,
    max_epochs: int | None = None,
    seconds: float | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    max_pixels: str | None = None,
    kept: opening.Remembered = opening.AS_BEFORE,
    json: Json = False,
) -> int:
    """Do what r does: retrain on the verdicts kept in a folder.

    Parameters
    ----------
    folder
        A folder that was opened before.
    trainer
        What to train with; what the settings file says, if left out.
    augment
        Views of each picture that are trained on as well; what the settings file says, if left out.
    max_epochs
        At most so many, for all trainers but plain.
    seconds
        Stop after so long, for all trainers but plain.
    force
        Promote the model even if it is right on fewer verdicts than before.
    max_pixels
        Larger pictures are refused, such as 50MP; what the settings file says, if left out.
    json
        One JSON object a line.
    """
    from tui import headless, settings_file

    said = settings_file.read().but(Options(trainer=trainer, augment=augment, max_pixels=max_pixels))
    chosen = headless.chosen(said.trainer, max_epochs=max_epochs, seconds=seconds, augment=said.augment)
    asked = said.opening(folder, None, None, kept.keeping, kept.held_out, kept.keep_in, kept.follow_links)
    return headless.retrain(printer(json), asked, said.trainer, chosen, force)


@app.command
def inspect(model: Path, /, *, json: Json = False) -> int:
    """Show a model's inputs, labels, layers, where it is cut, and what its training allows.

    Parameters
    ----------
    model
        A .mlmodel or .mlpackage.
    json
        One JSON object.
    """
    from tui import headless

    return headless.inspect(printer(json), model)


@app.command
def status(folder: Path, /, *, json: Json = False) -> int:
    """Show what is known of a folder: images, verdicts, versions.

    Parameters
    ----------
    folder
        A folder that was opened before.
    json
        One JSON object.
    """
    from tui import folder_status

    return folder_status.status(printer(json), folder)


@app.command
def history(folder: Path, /, *, json: Json = False) -> int:
    """List the versions of a folder's model.

    Parameters
    ----------
    folder
        A folder that was opened before.
    json
        One JSON object a line.
    """
    from tui import headless

    return headless.history(printer(json), folder)


@app.command
def restore(folder: Path, version: int, /, *, json: Json = False) -> int:
    """Make an older version of a folder's model the present one again.

    Parameters
    ----------
    folder
        A folder that was opened before.
    version
        Its number, as `catflap history` shows it.
    json
        One JSON object a line.
    """
    from tui import headless

    return headless.restore(printer(json), folder, version)


app.default(opening.open_folder)
app.command(opening.demo)
app.command(exchange.labels)
app.command(exchange.import_labels, name="import")
app.command(making.new)
app.command(making.convert)
app.command(making.prepare)
app.command(setting_up.settings)
setting_up.completes(app)
app.help_epilogue = examples.shown("catflap")
for name in app:
    if not name.startswith("-"):
        app[name].help_epilogue = examples.shown(name)


def _refused(error: CatflapError) -> int:
    from tui.text import safe

    say(f"catflap: {safe(error.sentence)}")
    if error.hint:
        say(f"  {safe(error.hint)}")
    return REFUSED


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    try:
        code = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        code = _refused(BadSetting(" ".join(str(error).split()), "`catflap --help` shows what there is."))
    except CatflapError as error:
        code = _refused(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
