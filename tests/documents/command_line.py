"""The blocks of docs/command-line.md: all commands, and what each takes, from the parser's own arguments."""

import re
from pathlib import Path
from types import UnionType
from typing import Union, get_args, get_origin

from tests.documents.blocks import code, table
from tui.command_line import app

SHORT = {Path: "PATH", int: "N", float: "X", str: "TEXT"}
"""What stands for a value of that type."""


def names():
    """The commands, in the order in which the app has them."""
    return [name for name in app if not name.startswith("-")]


def blocks():
    """By name, what the code says."""
    everything = [(f"[catflap {name}](#catflap-{name})", sentence(app[name])) for name in names()]
    opening = ("[catflap FOLDER](#catflap-folder)", "Open the app on a folder of photographs.")
    return {
        "commands": table(("command", "does"), [opening, *everything]),
        "catflap FOLDER": block("catflap", app),
        **{f"catflap {name}": block(f"catflap {name}", app[name]) for name in names()},
    }


def sentence(command):
    """The first of its help."""
    return command.help.strip().split("\n")[0]


def block(name, command):
    """How it is called, and a table of what it takes."""
    arguments = [each for each in command.assemble_argument_collection(parse_docstring=True) if each.show]
    given = [each for each in arguments if each.required]
    usage = " ".join((name, *map(called, given), *(["[OPTIONS]"] if len(given) < len(arguments) else [])))
    rows = [(shown(each), values(each), usual(each), each.parameter.help or "") for each in arguments]
    return f"\n    {usage}\n\n{table(('takes', 'values', 'if left out', 'what'), rows)}\n"


def positional(argument):
    """Whether it is known by its place."""
    return not argument.names[0].startswith("-")


def called(argument):
    """In the line of usage."""
    if positional(argument):
        return argument.names[0] + ("..." if get_origin(argument.hint) is list else "")
    return f"{argument.names[0]} {stand_in(argument)}"


def stand_in(argument):
    """What stands for its value."""
    hints = [each for each in without_none(argument.hint) if get_origin(each) is tuple] or without_none(argument.hint)
    types = get_args(hints[0]) if get_origin(hints[0]) is tuple else hints[:1]
    return " ".join(SHORT.get(each, "") for each in types)


def without_none(hint):
    """The types that a value may be of."""
    several = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return [each for each in several if each is not type(None)]


def shown(argument):
    """Its names."""
    return code(called(argument)) if positional(argument) else ", ".join(map(code, argument.names))


def values(argument):
    """Those that can be counted, or what stands for one."""
    choices = argument.get_choices() or ()
    return ", ".join(map(code, choices)) or ("" if positional(argument) else code(stand_in(argument)))


def usual(argument):
    """What holds where it is not said."""
    default = argument.field_info.default
    if argument.required or default is None or default is False or default == "":
        return ""
    return code(re.sub(r"^True$", argument.names[0], str(default)))
