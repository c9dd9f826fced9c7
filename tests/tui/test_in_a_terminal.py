"""Settings, colours, sizes and a mouse in a real terminal, from the command to its end."""

import re
import signal

import pytest

from tests.pseudo_terminal import CATFLAP, PseudoTerminal, ready

COLOUR = re.compile(rb"\x1b\[([0-9;]*)m")


def colours(data):
    """What was said of colours: the parameters of all SGR sequences that set one, and are not the default."""
    found = set()
    for parameters in COLOUR.findall(data):
        numbers = [int(each or 0) for each in parameters.split(b";")]
        while numbers:
            number = numbers.pop(0)
            if number in (38, 48):
                kind = numbers.pop(0)
                found.add((number, kind))
                del numbers[: 3 if kind == 2 else 1]
            elif 30 <= number < 38 or 40 <= number < 48 or 90 <= number < 98 or 100 <= number < 108:
                found.add((number,))
    return found


@pytest.fixture
def started(pictures, model_path, tmp_path):
    """Start the app with these settings, in a terminal of a size, with these variables."""

    def start(settings="", options=(), size=(80, 24), **variables):
        file = tmp_path / "settings.toml"
        file.write_text(settings)
        arguments = [*CATFLAP, pictures, "--model", model_path, *options]
        return PseudoTerminal(arguments, *size, env={"CATFLAP_SETTINGS": str(file), **variables})

    return start


def test_own_keys_and_order(started):
    settings = '[keys]\naccept = "y"\nquit = "X"\nretrain = ";"\n[look]\norder = "name"\npreview = "off"\n'
    with started(settings) as app:
        ready(app)
        assert "· name" in app.text
        assert "y accepts the label" in app.text
        app.send("aqrj")
        app.settle()
        app.send("yy")
        app.wait_for("2 verdicts")
        mark = len(app.said)
        app.send(";")
        app.wait_for("accepted broken", since=mark)
        app.settle()
        app.send("X")
        assert app.wait() == 0


def test_a_file_that_is_wrong_is_told_before_the_screen_is_taken(started, tmp_path):
    with started('[look]\ntheme = "nord"\norder = "best"\n') as app:
        assert app.wait() == 2
        assert f"{tmp_path / 'settings.toml'}, line 3: There is no order 'best'." in app.text.replace("\r\n", "")
        assert b"\x1b[?1049h" not in app.said


def test_no_colour_is_no_colour_and_everything_is_still_told(started):
    with started(NO_COLOR="1", options=("--order", "name")) as app:
        ready(app)
        app.send("x")
        app.wait_for("✗")
        app.send("a")
        app.wait_for("✓")
        app.send("v")
        app.settle()
        app.send("j")
        app.wait_for("┃")
        assert "▸" in app.text
        app.send("\x1b")
        app.settle()
        app.send("?")
        app.wait_for("Moving")
        app.settle()
        app.send("q")
        app.settle()
        app.send("q")
        assert app.wait() == 0
        assert colours(bytes(app.said)) == set()


@pytest.mark.parametrize("theme", ["ansi-dark", pytest.param("ansi-light", marks=pytest.mark.slow)])
def test_sixteen_colours_are_the_terminals_own(started, theme):
    with started(options=("--theme", theme, "--preview", "off")) as app:
        ready(app)
        app.send("xa")
        app.wait_for("2 verdicts")
        app.send("?")
        app.wait_for("Moving")
        app.send("q")
        app.settle()
        app.send("q")
        assert app.wait() == 0
        found = colours(bytes(app.said))
        assert found and not [each for each in found if each[0] in (38, 48)]


@pytest.mark.parametrize("size", [pytest.param((60, 16), marks=pytest.mark.slow), (40, 10)])
def test_the_main_job_on_a_small_screen(started, size):
    with started(size=size) as app:
        ready(app)
        app.send("xxa")
        app.wait_for("3 verdicts")
        mark = len(app.said)
        app.send("r")
        app.wait_for("learned" if size[0] > 40 else "flips l", since=mark)
        app.settle()
        mark = len(app.said)
        app.send("?")
        app.wait_for("Moving", since=mark)
        app.send("q")
        app.settle()
        mark = len(app.said)
        app.send("p")
        app.wait_for("▀", since=mark)
        app.send("q")
        assert app.wait() == 0


def click(column, row, button=0):
    """As terminals send it, from 1: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, SGR (1006)."""
    return f"\x1b[<{button};{column};{row}M\x1b[<{button};{column};{row}m"


def test_a_mouse_chooses_a_row_runs_the_footer_and_changes_the_order(started):
    with started(options=("--preview", "off")) as app:
        ready(app)
        mark = len(app.said)
        app.send(click(8, 5))
        app.wait_for("▸", since=mark)
        mark = len(app.said)
        app.send(click(9, 24))
        app.wait_for("1 verdict", since=mark)
        title = re.search(r" Catflap · .*? · uncertain first", app.text)[0]
        mark = len(app.said)
        app.send(click(len(title) - 3, 1))
        app.wait_for("· mixed", since=mark)
        app.settle()
        app.send("q")
        assert app.wait() == 0


def test_the_hint_is_there_until_a_key_and_gone_the_next_day(started):
    with started() as app:
        ready(app)
        assert "? shows all keys" in app.text
        app.send("x")
        app.wait_for("1 verdict")
        app.send("q")
        assert app.wait() == 0
    with started() as app:
        ready(app)
        app.wait_for("1 verdict")
        assert "shows all keys" not in app.text
        app.send("q")
        assert app.wait() == 0


def test_a_terminal_that_becomes_small_and_large_again(started):
    import fcntl
    import os
    import struct
    import termios

    with started() as app:
        ready(app)
        for rows, columns in ((10, 40), (1, 1), (3, 200), (24, 80)):
            fcntl.ioctl(app.handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.kill(app.pid, signal.SIGWINCH)
            app.settle()
        mark = len(app.said)
        app.send("x")
        app.wait_for("1 verdict", since=mark)
        app.send("q")
        assert app.wait() == 0
