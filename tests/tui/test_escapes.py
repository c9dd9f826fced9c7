"""Escape sequences in one piece, in two, in three, byte by byte, with what keys a person presses between."""

import subprocess
import time

import pytest
from textual.events import Key, MouseDown

from engine.journal import LABEL, Journal
from tests.pseudo_terminal import CATFLAP, ROOT, PseudoTerminal, ready
from tests.tui.test_main import opened, until
from tui import escapes
from tui.escapes import HOLD_S, LATE_S, Escapes, Patient
from tui.messages import Stop

__all__ = ["opened"]

SEQUENCES = {
    "\x1b[A": "up", "\x1b[H": "home", "\x1b[5~": "pageup", "\x1b[1;5B": "ctrl+down", "\x1bOP": "f1", "\x1bOD": "left",
}  # fmt: skip


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def pressed(character):
    names = {"\x1b": "escape", "[": "left_square_bracket"}
    return Key(names.get(character, character), character)


def names(events):
    return [event.key for event in events]


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize(("sequence", "name"), SEQUENCES.items())
def test_what_comes_apart_after_esc_is_one_key(sequence, name, hold):
    clock = Clock()
    keys = Escapes(clock)
    assert names(keys.take(pressed("\x1b"), hold)) == ([] if hold else ["escape"])
    clock.now += HOLD_S - 0.01 if hold else LATE_S - 0.01
    for character in sequence[1:-1]:
        assert keys.take(pressed(character), hold) == []
        clock.now += 0.4
    assert names(keys.take(pressed(sequence[-1]), hold)) == [name]
    assert keys.wait_s is None
    assert names(keys.take(pressed("D"), hold)) == ["D"]


def test_an_esc_that_stops_something_comes_when_nothing_follows():
    clock = Clock()
    keys = Escapes(clock)
    assert keys.take(pressed("\x1b"), True) == []
    assert keys.wait_s == pytest.approx(HOLD_S)
    clock.now += HOLD_S - 0.1
    assert keys.late() == []
    clock.now += 0.1
    assert names(keys.late()) == ["escape"]
    assert keys.wait_s is None
    clock.now += 1
    assert keys.take(pressed("["), True) == []
    assert names(keys.take(pressed("H"), True)) == ["home"]


def test_another_key_lets_esc_go_before_it():
    keys = Escapes(Clock())
    keys.take(pressed("\x1b"), True)
    assert names(keys.take(pressed("j"), True)) == ["escape", "j"]
    assert names(keys.take(pressed("["), True)) == ["left_square_bracket"]


def test_esc_twice_is_esc_twice():
    clock = Clock()
    keys = Escapes(clock)
    keys.take(pressed("\x1b"), True)
    assert names(keys.take(pressed("\x1b"), True)) == ["escape"]
    clock.now += HOLD_S
    assert names(keys.late()) == ["escape"]


def test_a_bracket_of_its_own_comes_a_little_later():
    clock = Clock()
    keys = Escapes(clock)
    assert names(keys.take(pressed("\x1b"), False)) == ["escape"]
    clock.now += 1
    assert keys.take(pressed("["), False) == []
    clock.now += HOLD_S
    assert names(keys.take(pressed("H"), False)) == ["left_square_bracket", "H"]


def test_long_after_esc_a_bracket_is_a_bracket():
    clock = Clock()
    keys = Escapes(clock)
    assert names(keys.take(pressed("\x1b"), False)) == ["escape"]
    clock.now += LATE_S + 0.1
    assert names(keys.take(pressed("["), False)) == ["left_square_bracket"]
    assert names(keys.take(pressed("H"), False)) == ["H"]


def test_a_mouse_that_comes_apart_gives_no_labels():
    keys = Escapes(Clock())
    keys.take(pressed("\x1b"), False)
    assert [event for character in "[<0;10;5" for event in keys.take(pressed(character), False)] == []
    (event,) = keys.take(pressed("M"), False)
    assert isinstance(event, MouseDown)
    assert (event.x, event.y) == (9, 4)


@pytest.mark.parametrize(("sequence", "name"), SEQUENCES.items())
def test_the_parser_waits_for_what_can_only_be_a_rest(sequence, name, monkeypatch):
    now = [50.0]
    monkeypatch.setattr("textual._parser.get_time", lambda: now[0])
    parser = Patient()
    found = [*parser.feed(sequence[:2])]
    for character in sequence[2:]:
        now[0] += LATE_S - 0.1
        found += [*parser.tick(), *parser.feed(character)]
    assert names(found) == [name]
    assert names(parser.feed("j")) == ["j"]


def test_the_parser_takes_a_lone_esc_as_soon_as_textual_does(monkeypatch):
    now = [50.0]
    monkeypatch.setattr("textual._parser.get_time", lambda: now[0])
    parser = Patient()
    assert [*parser.feed("x\x1b"), *parser.tick()][1:] == []
    now[0] += 0.101
    assert names(parser.tick()) == ["escape"]
    assert [*parser.feed("\x1bj")] == []
    now[0] += 0.101
    assert names(parser.tick()) == ["alt+j"]


def test_home_in_pieces_is_home_and_holds_nothing_out(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--order", "name"]) as app:
        ready(app)
        app.send("jja")
        app.wait_for("1 verdict")
        for pieces in (("\x1b", "[H"), ("\x1b", "[", "H"), ("\x1b[", "H"), ("\x1b[1", "~")):
            app.send("gjj")
            app.settle()
            for piece in pieces:
                app.send(piece)
                time.sleep(0.3)
            app.settle()
            app.send("x")
            app.settle()
        app.send("q")
        assert app.wait() == 0
    with Journal(pictures / ".catflap" / "journal.db") as journal:
        steps = [entry.verdicts[0] for entry in journal.entries()]
        held = {each.kind for each in journal.in_force().values()}
    labels = subprocess.run([*CATFLAP, "labels", pictures], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert [line.split(",")[0] for line in labels.splitlines()[1:]] == ["c00.png", "c04.png"]
    accepted, *flips = steps
    assert not accepted.flip and len(flips) == 4
    assert all(each.flip and each.image != accepted.image for each in flips)
    assert held == {LABEL}


def test_an_arrow_in_pieces_stops_no_retrain(opened):
    """Without the terminal: how long a retrain takes there is not ours to say."""

    async def story(pilot, said, journal):
        await pilot.press("a", "r")
        asked = len(said.asked)
        await pilot.press("escape", "left_square_bracket", "A")
        await pilot.pause(escapes.HOLD_S + 0.2)
        assert len(said.asked) == asked
        await pilot.press("escape")
        assert len(said.asked) == asked
        await until(pilot, lambda: len(said.asked) == asked + 1)
        assert isinstance(said.asked[-1], Stop)

    opened(story)
