"""Where the commands print: results on standard output, words for people on standard error."""

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from tui.headless import Printer

Json = Annotated[bool, Parameter(name="--json", negative="")]


def say(text: str) -> None:
    """Words for people go to standard error; standard output is for results."""
    print(text, file=sys.stderr)


def show(text: str) -> None:
    """A result as it is, on standard output."""
    print(text, end="")


def write(data: bytes) -> None:
    """A result that is a file's content, byte for byte."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def printer(json: bool) -> "Printer":
    """What a command's results go to."""
    from tui.headless import Printer

    return Printer(json, print, say)
