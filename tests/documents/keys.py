"""The blocks of docs/keys.md: commands, filter words, and the keys of the screens that lie over the table."""

import inspect
import pkgutil
import re
from importlib import import_module

from textual.binding import Binding
from textual.screen import Screen

import tui.screens
from tests.documents.blocks import code, table
from tui.commands import groups
from tui.filters import WORDS
from tui.keys import face


def blocks():
    """By name, what the code says."""
    return {"commands": commands(), "filter words": filter_words(), "other screens": other_screens()}


def commands():
    """A table for each group."""
    head = ("key", "name", "in the file", "does")
    text = ""
    for group, those in groups():
        rows = [(keys(each.keys), each.name, code(each.id), each.help) for each in those]
        text += f"\n### {group}\n\n{table(head, rows)}"
    return f"{text.lstrip()}\n"


def keys(names):
    """As they stand on the keyboard."""
    return " ".join(code(face(name)) for name in names) or "palette only"


def filter_words():
    """Each with what it shows."""
    return table(("word", "shows"), [(code(word), shows) for word, (_, shows) in WORDS.items()])


def screens():
    """The screens with keys of their own, by name."""
    modules = [import_module(each.name) for each in pkgutil.iter_modules(tui.screens.__path__, "tui.screens.")]
    classes = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    ours = [each for each in classes if issubclass(each, Screen) and each.__module__.startswith("tui.")]
    own = [each for each in ours if each.__dict__.get("BINDINGS")]
    return sorted(own, key=lambda screen: screen.__name__)


def other_screens():
    """A table for each."""
    text = ""
    for screen in screens():
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", screen.__name__).capitalize()
        bindings = [Binding(*each) if isinstance(each, tuple) else each for each in screen.BINDINGS]
        rows = [(keys(each.key.split(",")), each.description) for each in bindings]
        text += f"\n### {name}\n\n{table(('key', 'does'), rows)}"
    return f"{text.lstrip()}\n"
