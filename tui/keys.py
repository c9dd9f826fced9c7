"""Keys by name: those that a terminal sends and Textual tells apart, and how a person reads them. No Textual here."""

import unicodedata
from collections.abc import Iterable, Mapping
from string import ascii_lowercase, punctuation

from engine.errors import BadSetting

FAR = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
NAMED = frozenset(
    (
        "enter", "escape", "space", "tab", "shift+tab", "backspace", "delete", "insert", *FAR,
        *(f"{held}+{key}" for held in ("shift", "ctrl") for key in FAR),
        *(f"f{number}" for number in range(1, 13)),
        *(f"alt+{letter}" for letter in ascii_lowercase if letter not in "bf"),
        *(f"ctrl+{letter}" for letter in ascii_lowercase if letter not in "chimq"),
    )
)  # fmt: skip
"""Beside characters. To a terminal Ctrl+h, i, m are Backspace, Tab, Enter, Alt+b, f are Ctrl+←, →; Ctrl+c, q leave."""
HINT = "Give a character such as x or ?, or a name: enter, space, tab, pagedown, f1 ... f12, ctrl+a, alt+a, shift+up."
RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""What Textual calls some characters: KEY_NAME_REPLACEMENTS in textual/keys.py."""
FACES: Mapping[str, str] = {
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "enter": "Enter",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
}
"""What stands on the key, where that is neither Textual's name nor a character."""


def _of_character(character: str) -> str:
    """As Textual names the key that types it."""
    name = unicodedata.name(character, "")
    if character.isalnum() or not name:
        return character
    name = name.lower().replace("-", "_").replace(" ", "_")
    return RENAMED.get(name, name)


SIGNS = {_of_character(sign): sign for sign in punctuation}
"""By name, the signs of the keyboard."""


def key_named(text: str) -> str:
    """Textual's name of a key that a person names, by its character or in words. Raises BadSetting where there is none."""
    if len(text) == 1 and text.isprintable():
        return _of_character(text)
    name = text.lower()
    if name not in NAMED and name not in SIGNS:
        raise BadSetting(f"There is no key {text!r}.", HINT)
    return name


def face(key: str) -> str:
    """The key as a person reads it: `?` for `question_mark`, `Esc`, `Ctrl+f`."""
    held, _, last = key.rpartition("+")
    shown = FACES.get(last) or SIGNS.get(last) or last
    return f"{held.capitalize()}+{shown}" if held else shown


def faces(keys: Iterable[str]) -> str:
    """Several, with a space between."""
    return " ".join(map(face, keys))
