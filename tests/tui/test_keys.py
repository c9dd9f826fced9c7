"""The names of keys, against what Textual makes of what terminals send."""

import time

import pytest
from textual import constants
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.events import Key

from engine.errors import BadSetting
from tui.commands import COMMANDS
from tui.keys import NAMED, SIGNS, face, faces, key_named

PRINTABLE = [chr(code) for code in range(0x20, 0x3000) if chr(code).isprintable()]


def typed(sent):
    """What Textual makes of each of these from a terminal, once nothing follows it for a while."""
    parsers = [XTermParser() for _ in sent]
    events = [list(parser.feed(each)) for parser, each in zip(parsers, sent, strict=True)]
    time.sleep(1.5 * constants.ESCAPE_DELAY)
    events = [[*said, *parser.tick()] for parser, said in zip(parsers, events, strict=True)]
    return [[event.key for event in said if isinstance(event, Key)] for said in events]


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_characters_are_named_as_textual_names_them():
    assert [key_named(each) for each in PRINTABLE] == [keys[0] for keys in typed(PRINTABLE)]


def test_every_name_is_one_that_a_terminal_sends():
    told = {keys[0] for keys in typed([*ANSI_SEQUENCES_KEYS, *(f"\x1b{letter}" for letter in LETTERS)]) if len(keys) == 1}
    assert told >= NAMED


def test_every_command_is_bound_to_what_is_named_so():
    for command in COMMANDS:
        assert [key_named(key) for key in command.keys] == list(command.keys)


@pytest.mark.parametrize("name", ["question_mark", "?", "PageDown", "Ctrl+A", "F5", "ö", "ß", "字"])
def test_names_are_taken_as_people_write_them(name):
    key_named(name)


@pytest.mark.parametrize(
    "name", ["", "ctrl+c", "ctrl+q", "ctrl+m", "ctrl+enter", "cmd+s", "shift+1", "hyper", "f13", "\x07", "ab"]
)
def test_what_no_terminal_sends_is_refused(name):
    with pytest.raises(BadSetting, match="no key"):
        key_named(name)


def test_keys_are_shown_as_they_stand_on_the_keyboard():
    assert {face(name) for name in SIGNS} == set(SIGNS.values())
    assert faces(("question_mark", "escape", "ctrl+f", "shift+up", "G", "comma")) == "? Esc Ctrl+f Shift+↑ G ,"
