"""Everything that can go wrong, as one family.

    CatflapError                a sentence that names the thing at fault, and a hint what to do next
    ├── ModelError
    │   ├── UnreadableModel     the file is missing, damaged or not a Core ML model
    │   ├── UnsupportedModel    a kind of model, or a use of it, that the engine does not serve
    │   ├── UnsupportedLayer    one layer that cannot be translated, named with its kind
    │   └── CannotTrain         the model cannot learn, or not from what was given
    ├── BadSetting              a value that the model, or the command, does not allow
    ├── BadLabels               verdicts or a labels file that contradict the model or themselves
    ├── BadInput                what was given to `predict` does not fit the model's inputs
    ├── UnreadableImage         one picture that cannot be used; the rest goes on
    └── FolderError             the folder, or what Catflap keeps in it, cannot be used

Anything else that is raised is a bug.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

LONGEST = 2000
"""Letters of a sentence: names come from files, and may be of any length."""


class CatflapError(Exception):
    """A failure that a person can do something about."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        sentence, hint = _held(sentence), _held(hint)
        super().__init__(sentence)
        self.sentence = sentence
        """Names the thing at fault."""
        self.hint = hint
        """What to do next; may be empty."""

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.sentence, self.hint))


def _held(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"


def _rebuild(kind: type[CatflapError], sentence: str, hint: str) -> CatflapError:
    """Errors cross from the engine's process to the app's, whatever their constructors take."""
    error = kind.__new__(kind)
    CatflapError.__init__(error, sentence, hint)
    return error


class ModelError(CatflapError):
    """Something about a model file."""


class UnreadableModel(ModelError):
    """The file is missing, damaged or not a Core ML model."""


class UnsupportedModel(ModelError):
    """A kind of model, or a use of it, that the engine does not serve."""


class UnsupportedLayer(ModelError):
    """One layer that cannot be translated."""

    def __init__(self, layer: str, kind: str, known: Iterable[str] = (), why: str = "") -> None:
        reason = why or "which is not supported"
        hint = f"Supported kinds: {', '.join(sorted(known))}." if known else ""
        super().__init__(f"Layer {layer!r} is of kind {kind!r}, {reason}.", hint)


class CannotTrain(ModelError):
    """The model cannot learn, or not from what was given."""


class BadSetting(CatflapError):
    """A value that the model, or the command, does not allow."""


class BadLabels(CatflapError):
    """Verdicts or a labels file that contradict the model or themselves."""


class BadInput(CatflapError):
    """What was given to `predict` does not fit the model's inputs."""


class UnreadableImage(CatflapError):
    """One picture that cannot be used; the rest goes on."""


class FolderError(CatflapError):
    """The folder, or what Catflap keeps in it, cannot be used."""


@contextmanager
def fitting(layer: str, kind: str) -> Generator[None, None, None]:
    """Numbers of a file count, divide and pick things; where they do not fit the blobs, say whose they are."""
    try:
        yield
    except (ArithmeticError, LookupError, ValueError) as error:
        why = f"Layer {layer!r} of kind {kind!r} does not fit what it is given: {error}."
        raise UnsupportedModel(why, "The file is damaged, or was written by a program with a defect.") from error
