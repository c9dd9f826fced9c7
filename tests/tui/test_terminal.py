"""What really reaches a terminal: names from outside as escapes, and few bytes for a key."""

import re

import pytest

APP = """
import sys
import numpy as np
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal
from engine.events import FolderChanged, ImagesPredicted, ImageSkipped, ModelOpened
from engine.journal import Verdict
from tui.session import Session
from tui.table_rows import TableRows
from tui.widgets.lines import Title
from tui.widgets.picture import Picture
from tui.widgets.table import Table

NAMES, LABELS, WHY = {names!r}, {labels!r}, {why!r}

class Shown(App):
    BINDINGS = [Binding("z", "ring"), Binding("j", "move(1)"), Binding("f", "page(1)"), Binding("x", "judge"),
                Binding("p", "picture")]
    CSS = "Table {{ width: 60; }} Picture {{ width: 1fr; }}"
    ENABLE_COMMAND_PALETTE = False

    def compose(self):
        with Horizontal():
            yield Table(id="table")
            yield Picture("{mode}", id="picture")

    def on_mount(self):
        self.animation_level = "none"
        count = len(NAMES)
        self.keys = tuple(b"%016d" % row for row in range(count))
        shares = np.zeros((count - 1, len(LABELS)), np.float32)
        shares[:, :2] = 0.7, 0.3
        said = ImagesPredicted(NAMES[:-1], self.keys[:-1], (0,) * (count - 1), shares, 0)
        skipped = ImageSkipped(NAMES[-1], WHY)
        self.session = Session()
        for event in (ModelOpened("m", LABELS, 0, (5, 7), True), FolderChanged(NAMES), said, skipped):
            self.session = self.session.after(event)
        self.query_one(Picture).show(None, WHY)
        self.put()

    def put(self):
        table = self.query_one(Table)
        table.show(TableRows(self.session, np.arange(len(NAMES))), table.cursor)

    def action_move(self, by):
        self.query_one(Table).cursor += by

    def action_page(self, pages):
        self.query_one(Table).page(pages)

    def action_judge(self):
        key = self.keys[self.query_one(Table).cursor]
        given = {{**self.session.verdicts, key: Verdict(key, LABELS[1], LABELS[0], 0)}}
        self.session = self.session.judged(given, [key])
        self.put()

    def action_picture(self):
        picture = self.query_one(Picture)
        width, height = picture.wanted
        ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
        picture.show(ramp)

    def action_ring(self, refreshes=3):
        # A widget tells the screen of a change when it is next idle, so one refresh may still be without it.
        if refreshes:
            self.query_one(Table).call_after_refresh(self.action_ring, refreshes - 1)
        else:
            self.copy_to_clipboard("rung")

Shown().run()
"""
PAYLOADS = {
    "osc": "\x1b]0;PWNED\x07",
    "clear": "\x1b[2JPWNED",
    "c1": "\x9b2JPWNED",
    "dcs": "\x1bPqPWNED\x1b\\",
    "apc": "\x1b_GPWNED\x1b\\",
    "newline": "a\nPWNED\r\t\x08",
    "nul": "a\x00PWNED",
    "bidi": "\u202ePWNED\u2066",
    "hidden": "a\u200bPW\u200dNED\ufeff\u2028",
    "byte": "\udcffPWNED",
    "marks": "P" + "\u0332" * 50 + "WNED",
    "markup": "[red]PWNED[/red]",
    "broken markup": "[/nope]PWNED",
    "link": "[@click=app.quit]PWNED[/]",
}


def start(terminal, names, labels=("Cat", "Dog"), why="The file is empty.", mode="blocks", columns=120, **variables):
    opened = terminal(APP.format(names=names, labels=labels, why=why, mode=mode), columns, 24, **variables)
    opened.wait_for("status")
    opened.cost("")
    return opened


@pytest.mark.parametrize("place", ["names", "labels", "why"])
def test_nothing_from_outside_reaches_the_terminal_raw(terminal, plain, place):
    hostile = tuple(PAYLOADS.values())
    given = {
        "names": {"names": hostile},
        "labels": {"names": ("a.jpg", "b.jpg"), "labels": hostile},
        "why": {"names": ("a.jpg", "b.jpg"), "why": "".join(hostile[:3]) + "\u202e[/nope]"},
    }[place]
    opened = start(terminal, columns=240 if place == "why" else 120, **given)
    opened.cost("j")
    opened.cost("x")
    raw = bytes(opened.said)
    assert not [name for name, payload in PAYLOADS.items() if sent_raw(payload, raw)]
    text = re.sub(rb"\x1b\](22;default|52;c;cnVuZw==)\x07|[\r\n]", b"", plain(raw)).decode()
    assert "\x1b" not in text and "\x07" not in text
    assert not set("\u202e\u2066\u200b\u200d\ufeff\u2028\x9b\x00\x08\r\t") & set(text)
    assert "\u0332" * 3 not in text
    assert r"\x1b" in text


def sent_raw(payload, data):
    """Whether the payload arrived as it is; markup may, since it is only text then."""
    return not payload.startswith("[") and payload.encode("utf-8", "surrogateescape") in data


def test_markup_is_text(terminal, plain):
    opened = start(terminal, ("[red]Z[/red].jpg", "[/nope]q.jpg", "[@click=app.quit]x", "last.jpg"))
    text = plain(bytes(opened.said)).decode()
    for name in ("[red]Z[/red].jpg", "[/nope]q.jpg", "[@click=app.quit]x"):
        assert name in text


def test_keys_cost_few_bytes(terminal):
    names = tuple(f"image{row:05d}.jpg" for row in range(10_000))
    opened = start(terminal, names, columns=80)
    first = opened.cost("")
    move, judge, page = opened.cost("j"), opened.cost("x"), opened.cost("f")
    again = opened.cost("x"), opened.cost("x")
    assert len(first) < 100
    assert b"image00001" in move and b"image00002" not in move
    assert len(move) < 500
    assert b"Dog" in judge and judge.count(b"image") == 1
    assert len(judge) < 250
    assert len(page) < 7000
    assert len(again[1]) < 100


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"COLORTERM": ""}, {"TEXTUAL_COLOR_SYSTEM": "standard"}])
def test_fewer_colours_leave_the_words(terminal, plain, variables):
    opened = start(terminal, ("a.jpg", "b.jpg"), **variables)
    assert b"Dog" not in opened.said
    opened.cost("x")
    text = plain(bytes(opened.said)).decode()
    assert "a.jpg" in text and "✗" in text and "Dog" in text and "▸" in text
