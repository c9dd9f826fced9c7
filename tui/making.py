"""The commands that make an updatable model: from a Keras file, from a frozen model, from nothing."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from engine.errors import BadSetting, CatflapError, UnreadableModel
from tui.output import Json, printer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from engine.convert.prepare import Preparation

Flag = Annotated[bool, Parameter(negative="")]
Triple = Annotated[tuple[float, float, float] | None, Parameter(negative="")]
Pair = Annotated[tuple[int, int] | None, Parameter(negative="")]


def convert(
    file: Path,
    /,
    *,
    labels: str,
    out: Path,
    scale: float | None = None,
    bias: Triple = None,
    bgr: Flag = False,
    size: Pair = None,
    force: Flag = False,
    json: Json = False,
) -> int:
    """Make an updatable model of a Keras file, without TensorFlow.

    Parameters
    ----------
    file
        A .h5 or .keras file of Keras 1, 2 or 3 that holds a whole model.
    labels
        In the order of the model's outputs, with commas between: Cat,Dog; of one sigmoid, the second is its 1.
    out
        Where the new model is written (.mlmodel).
    scale
        The model is given scale * pixel + bias, pixels from 0 to 255; what the file says, or the pixels, if left out.
    bias
        Three numbers: for red, green and blue.
    bgr
        The model takes blue, green, red.
    size
        Height and width, for a file that leaves them open.
    force
        Write over a file that is there already.
    json
        One JSON object.
    """
    _require_place(out, force)
    return _prepared(_in_a_child(file, _labels(labels), scale, bias, bgr, size), out, json, _preparation())


SECONDS = 900
"""That reading a file may take."""
ROOM_BYTES, TIMES = 3 << 30, 30
"""Memory that it may take: so much, and so many times the file's size."""


def _in_a_child(file: Path, *choices: Any) -> Any:
    """Read the file in a process of its own, which has limits: the library that reads HDF5 can end it, or go on and on.

    Raises what the reader raises, or UnreadableModel.
    """
    from multiprocessing import get_context

    from engine.spec.schema import Model

    context = get_context("spawn")
    answers, answer = context.Pipe(duplex=False)
    child = context.Process(target=_from_keras, args=(answer, file, choices), daemon=True)
    child.start()
    answer.close()
    try:
        if not answers.poll(SECONDS):
            raise UnreadableModel(
                f"{file.name!r} was not read in {SECONDS // 60} minutes.", "It is damaged, or far too large."
            )
        found = answers.recv()
    except EOFError as error:
        raise UnreadableModel(f"{file.name!r} is damaged: the reader of HDF5 files broke down over it.") from error
    finally:
        child.kill()
        child.join()
    if isinstance(found, CatflapError):
        raise found
    return Model.FromString(found)


def _from_keras(answer: "Connection", file: Path, choices: tuple[Any, ...]) -> None:
    from engine.convert.keras import convert as from_keras

    _hold_memory(file)
    try:
        answer.send(from_keras(file, *choices).SerializeToString())
    except CatflapError as error:
        answer.send(error)
    except MemoryError:
        answer.send(UnreadableModel(f"{file.name!r} would take more memory than its size allows for.", "It is damaged."))


def _hold_memory(file: Path) -> None:
    """What a small file unpacks to may be large; where the system sets no limit, there is none."""
    import resource

    with suppress(OSError, ValueError):
        most = ROOM_BYTES + TIMES * file.stat().st_size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def prepare(
    model: Path,
    /,
    *,
    out: Path,
    layers: str = "",
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    batch_size: int = 5,
    epochs: int = 10,
    momentum: float = 0.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    seed: int | None = None,
    shuffle: bool = True,
    force: Flag = False,
    json: Json = False,
) -> int:
    """Make a frozen classifier updatable, and say what had to be changed for it.

    Parameters
    ----------
    model
        A .mlmodel or .mlpackage that holds a neural network classifier.
    out
        Where the new model is written (.mlmodel).
    layers
        The layers to be updatable, with commas between; the last two dense ones, or the last convolutions, if left out.
    optimizer
        What trains them on a device: sgd or adam.
    learning_rate
        The default that the model says.
    batch_size
        The default that the model says.
    epochs
        The default that the model says.
    momentum
        For sgd.
    beta1
        For adam.
    beta2
        For adam.
    eps
        For adam.
    seed
        Of the order in which samples are seen.
    shuffle
        Whether samples are seen in another order in every epoch.
    force
        Write over a file that is there already.
    json
        One JSON object.
    """
    from engine.spec.file import read

    _require_place(out, force)
    numbers = (learning_rate, batch_size, epochs, momentum, beta1, beta2, eps, seed, shuffle)
    return _prepared(read(model).message, out, json, _preparation(layers, optimizer, *numbers))


def new(
    out: Path,
    /,
    *,
    labels: str,
    hidden: int = 0,
    seed: int = 0,
    force: Flag = False,
    json: Json = False,
) -> int:
    """Make a classifier that knows nothing yet, on a network that knows what photographs look like.

    Parameters
    ----------
    out
        Where the new model is written (.mlmodel).
    labels
        With commas between: Cat,Dog.
    hidden
        Units of a dense layer between the network and the labels; none if 0.
    seed
        Of that layer's first weights.
    force
        Write over a file that is there already.
    json
        One JSON object.
    """
    from engine.convert.starter import starter
    from tui.samples import STARTER, samples_folder

    _require_place(out, force)
    return _written(starter(_labels(labels), samples_folder() / STARTER, hidden, seed), (), out, json)


def _labels(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _preparation(layers: str = "", *choices: Any) -> "Preparation":
    from engine.convert.prepare import Preparation

    return Preparation(_labels(layers) if layers else (), *choices)


def _require_place(out: Path, force: bool) -> None:
    """Raise BadSetting before anything is worked out."""
    if out.suffix.lower() != ".mlmodel":
        raise BadSetting(f"{str(out)!r} does not end in .mlmodel.", "New models are written as one file.")
    if out.exists() and not force:
        raise BadSetting(f"There is a file at {str(out)!r} already.", "--force writes over it.")


def _prepared(model: Any, out: Path, json: bool, choice: "Preparation") -> int:
    from engine.convert.prepare import prepare as make_updatable

    return _written(*make_updatable(model, choice), out, json)


def _written(model: Any, changes: tuple[str, ...], out: Path, json: bool) -> int:
    """Write the model, read back and opened before it takes its place."""
    from engine.model import Model
    from engine.spec.file import write
    from tui.text import count, safe

    made: list[Model] = []
    write(out, model.SerializeToString(deterministic=True), lambda saved: made.append(Model(saved)))
    labels = list(made[0].labels)
    words = [safe(each) for each in changes]
    words.append(f"{safe(str(out))}: {count(len(labels), 'label')} ({safe(', '.join(labels))}), ready to be trained.")
    fact = {"event": "model_made", "path": str(out), "labels": labels, "changes": list(changes)}
    printer(json).give(fact, "\n".join(words))
    return 0
