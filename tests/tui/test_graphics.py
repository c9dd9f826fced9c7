"""Kitty's graphics and Sixel: what reaches a terminal, held against decoders written here from the formats."""

import base64
import re
import unicodedata
import zlib

import numpy as np
import pytest

from tui.graphics import kitty, sixel
from tui.widgets.picture import PLACEHOLDER, ROW_MARKS

APP = """
import numpy as np
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Static
from tui.widgets.picture import Picture

class Box(ModalScreen):
    BINDINGS = [Binding("z", "app.ring"), Binding("c", "dismiss")]
    CSS = "Box {{ align: center middle; }} Static {{ width: 30; height: 5; background: red; }}"

    def compose(self):
        yield Static("in between")

class Shown(App):
    BINDINGS = [Binding(key, action) for key, action in
                (("z", "ring"), ("p", "picture"), ("n", "note"), ("m", "box"), ("h", "hide"), ("w", "words"))]
    CSS = "#words {{ width: 1fr; }} Picture {{ width: 30; }}"
    ENABLE_COMMAND_PALETTE = False

    def compose(self):
        with Horizontal():
            yield Static("ready", id="words")
            yield Picture("{mode}", id="picture")

    def on_mount(self):
        self.animation_level = "none"

    def action_picture(self):
        pixels = np.zeros(({height}, {width}, 3), np.uint8)
        pixels[:, :, 0] = np.arange({width}) * 255 // {width}
        pixels[:, :, 1] = np.arange({height})[:, None] * 255 // {height}
        self.query_one(Picture).show(pixels)

    def action_note(self):
        self.query_one(Picture).show(None, "\\x1b[2Jno picture [/nope]")

    def action_box(self):
        self.push_screen(Box())

    def action_hide(self):
        picture = self.screen_stack[0].query_one(Picture)
        picture.display = not picture.display

    def action_words(self):
        self.query_one("#words", Static).update("other words", layout=False)

    def action_ring(self, refreshes=3):
        if refreshes:
            self.screen.call_after_refresh(self.action_ring, refreshes - 1)
        else:
            self.copy_to_clipboard("rung")

Shown().run()
"""
KITTY = re.compile(rb"\x1b_G([^;\x1b]*)(?:;([A-Za-z0-9+/=]*))?\x1b\\")
SIXEL = re.compile(rb"\x1b7\x1b\[(\d+);(\d+)H(\x1bP[^\x1b]*\x1b\\)\x1b8")


def start(terminal, mode, height=120, width=90, **variables):
    opened = terminal(APP.format(mode=mode, height=height, width=width), 80, 24, **variables)
    opened.wait_for("ready")
    opened.cost("")
    return opened


def received(data):
    """The pixels of one image under Kitty's protocol, and the keys of its first part."""
    parts = [(dict(pair.split("=") for pair in keys.decode().split(",")), body) for keys, body in KITTY.findall(data)]
    parts = [(keys, body) for keys, body in parts if "m" in keys]
    assert [keys["m"] for keys, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
    assert all(len(body) <= 4096 and len(body) % 4 == 0 for _, body in parts)
    keys = parts[0][0]
    raw = zlib.decompress(base64.standard_b64decode(b"".join(body for _, body in parts)))
    return np.frombuffer(raw, np.uint8).reshape(int(keys["v"]), int(keys["s"]), 3), keys


@pytest.mark.parametrize(("height", "width"), [(7, 5), (90, 130), (1, 3)])
def test_kitty_sends_the_pixels(height, width):
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    found, keys = received(kitty(pixels, 4, 3, 73).encode())
    assert np.array_equal(found, pixels)
    assert (keys["c"], keys["r"], keys["i"], keys["q"], keys["f"], keys["o"]) == ("4", "3", "73", "2", "24", "z")


def test_the_marks_of_rows_are_kittys():
    """Its rule: above the letter, without a decomposition, and none of those that fuse with letters."""
    fusing = {*range(0x0300, 0x0305), *range(0x0306, 0x030D), 0x030F, 0x0311, 0x0313, 0x0314, 0x0342, 0x0653, 0x0654}
    marks = [chr(code) for code in range(0x0300, ord(ROW_MARKS[-1]) + 1) if code not in fusing]
    assert list(ROW_MARKS) == [
        each for each in marks if unicodedata.combining(each) == 230 and not unicodedata.decomposition(each)
    ]


def test_kitty_shows_through_placeholders(terminal, ramps):
    opened = start(terminal, "kitty")
    sent = opened.cost("p")
    pixels, keys = received(sent)
    assert np.array_equal(pixels, ramps(120, 90))
    assert (keys["c"], keys["r"]) == ("9", "6")
    orders = [
        dict(pair.split("=") for pair in found.decode().split(",")) for found, body in KITTY.findall(sent) if not body
    ]
    assert [order["a"] for order in orders] == ["d", "d", "p"]
    assert orders[-1]["U"] == "1"
    text = sent.decode()
    for row in range(6):
        assert f"\x1b[38;5;73;48;2;18;18;18m{PLACEHOLDER}{ROW_MARKS[row]}{ROW_MARKS[0]}{PLACEHOLDER * 8}\x1b[0m" in text
    assert text.count(PLACEHOLDER) == 54
    assert b"_G" not in opened.cost("w")


def test_kittys_image_goes_with_what_showed_it(terminal):
    opened = start(terminal, "kitty")
    opened.cost("p")
    assert KITTY.findall(opened.cost("n"))[0][0] == b"a=d,d=I,i=73,q=2"
    opened.cost("p")
    hidden = opened.cost("h")
    assert b"_G" not in hidden and PLACEHOLDER.encode() not in hidden
    assert PLACEHOLDER.encode() in opened.cost("h")


@pytest.mark.parametrize("mode", ["kitty", "sixel"])
def test_what_lies_over_a_picture_never_sends_half_a_sequence(terminal, mode):
    opened = start(terminal, mode, height=500, width=300)
    opened.cost("p")
    whole = KITTY if mode == "kitty" else SIXEL
    for keys in ("m", "c", "h", "h"):
        data = opened.cost(keys)
        rest = whole.sub(b"", data)
        assert b"\x1b_" not in rest and b"\x1bP" not in rest and b"\x1b\\" not in rest
        assert not re.search(rb"[A-Za-z0-9+/]{60}|[?-~!0-9]{200}", re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b" ", rest))
        if keys == "c":
            assert whole.search(data)


def decoded(data):
    """Sixel, (height, width, 3) in percent; what is not drawn is -1."""
    assert data.startswith(b"\x1bP") and data.endswith(b"\x1b\\")
    size, body = re.fullmatch(rb'\x1bP[\d;]*q"1;1;(\d+;\d+)(.*)\x1b\\', data, re.DOTALL).groups()
    width, height = map(int, size.split(b";"))
    picture, palette = np.full((height + 6, width, 3), -1), {}
    x, y, colour = 0, 0, None
    for code, red, green, blue, times, sign in re.findall(rb"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|(?:!(\d+))?([?-~$-])", body):
        if code and red:
            palette[int(code)] = [int(red), int(green), int(blue)]
        elif code:
            colour = palette[int(code)]
        elif sign == b"$":
            x = 0
        elif sign == b"-":
            x, y = 0, y + 6
        else:
            bits = sign[0] - 63
            for _ in range(int(times or 1)):
                for bit in range(6):
                    if bits >> bit & 1:
                        picture[y + bit, x] = colour
                x, y = x + 1, y
    assert (picture[height:] == -1).all()
    return picture[:height]


@pytest.mark.parametrize(("height", "width"), [(7, 5), (60, 90), (1, 3), (12, 8)])
def test_sixel_draws_every_pixel(height, width, ramps):
    pixels = ramps(height, width)
    found = decoded(sixel(pixels).encode())
    assert found.shape == pixels.shape
    assert (found >= 0).all()
    assert abs(found * 2.55 - pixels).max() < 60
    assert abs((found * 2.55 - pixels).mean(axis=(0, 1))).max() < (6 if height > 50 else 60)


def test_sixel_shortens_repeats():
    assert len(sixel(np.full((60, 400, 3), 255, np.uint8))) < len(sixel(np.full((60, 8, 3), 255, np.uint8))) + 100


def test_sixel_is_drawn_over_its_cells_once_they_are_blank(terminal):
    opened = start(terminal, "sixel", height=160, width=88)
    data = opened.cost("p")
    (found,) = SIXEL.finditer(data)
    row, column = int(found[1]), int(found[2])
    assert (row, column) == (1 + (24 - 10) // 2, 1 + 50 + (30 - 11) // 2)
    after = re.sub(rb"\x1b\[\?2026l|\x1b\[\d*;?\d*H", b"", data[found.end() :])
    assert after == b""
    assert decoded(found[3]).shape == (160, 88, 3)
    assert b"\x1bP" not in opened.cost("w")
    assert b"\x1bP" not in opened.cost("n")
    opened.cost("p")
    assert b"\x1bP" not in opened.cost("h")


@pytest.mark.parametrize("mode", ["kitty", "sixel"])
def test_no_colour_sends_no_graphics(terminal, mode):
    opened = start(terminal, mode, NO_COLOR="1")
    data = opened.cost("p")
    assert b"\x1b_" not in data and b"\x1bP" not in data and b":" * 9 in data


@pytest.mark.parametrize("mode", ["blocks", "kitty", "sixel", "off"])
def test_nothing_is_asked_of_the_terminal(terminal, mode):
    opened = start(terminal, mode)
    opened.cost("p")
    asked = bytes(opened.said)
    for question in (b"a=q", b"\x1b[c", b"\x1b[16t", b"\x1b[14t", b"\x1b[18t", b"\x1b]4;"):
        assert question not in asked
