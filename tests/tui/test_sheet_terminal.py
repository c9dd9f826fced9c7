"""What the contact sheet sends to a terminal: few bytes for a key, a thumbnail's own for a thumbnail."""

import pytest

APP = """
import sys
import numpy as np
from textual.app import App
from textual.binding import Binding
from tests.tui.conftest import columns
from tui.pictures import Answer
from tui.widgets.sheet import Sheet

COUNT, PICTURES, LABELS = {count}, {pictures}, {labels!r}
rows = columns(tuple("image%05d.jpg" % row for row in range(COUNT)), np.tile(np.float32([0.7, 0.3]), (COUNT, 1)), LABELS)
judged = columns(tuple("image%05d.jpg" % row for row in range(COUNT)), np.tile(np.float32([0.7, 0.3]), (COUNT, 1)), LABELS,
                 verdicts={{3: 1}})
random = np.random.default_rng(3)
thumbs = {{}}

class Shown(App):
    BINDINGS = [Binding("z", "ring"), Binding("j", "move(1)"), Binding("l", "step(1)"), Binding("f", "page(1)"),
                Binding("x", "judge"), Binding("t", "thumb")]
    ENABLE_COMMAND_PALETTE = False

    def compose(self):
        yield Sheet(PICTURES, lambda name, size: thumbs.get(name))

    def on_mount(self):
        self.call_after_refresh(self.query_one(Sheet).show, rows, 0)

    def action_move(self, by):
        self.query_one(Sheet).move(by)

    def action_step(self, by):
        self.query_one(Sheet).cursor += by

    def action_page(self, pages):
        self.query_one(Sheet).page(pages)

    def action_judge(self):
        self.query_one(Sheet).show(judged, self.query_one(Sheet).cursor)

    def action_thumb(self):
        sheet = self.query_one(Sheet)
        width, height = sheet.grid.picture
        name = "image%05d.jpg" % sheet.cursor
        thumbs[name] = Answer(random.integers(0, 256, (height, width, 3), np.uint8), "", 90, 60)
        sheet.paint_changed()

    def action_ring(self, refreshes=3):
        if refreshes:
            self.query_one(Sheet).call_after_refresh(self.action_ring, refreshes - 1)
        else:
            self.copy_to_clipboard("rung")

Shown().run()
"""


def start(terminal, columns, rows, count=500, pictures=True, labels=("Cat", "Dog"), **variables):
    opened = terminal(APP.format(count=count, pictures=pictures, labels=labels), columns, rows, **variables)
    opened.wait_for("70 %")
    opened.cost("")
    return opened


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
@pytest.mark.parametrize("pictures", [True, False])
def test_keys_cost_few_bytes(terminal, columns, rows, pictures):
    opened = start(terminal, columns, rows, pictures=pictures)
    if pictures:
        for _ in range(2):
            # Thumbnails beside the cursor's must not be sent again with it.
            opened.cost("tl")
    idle, step, line = opened.cost(""), opened.cost("l"), opened.cost("j")
    assert len(idle) < 100
    assert "▸".encode() in step and "▸".encode() in line
    assert len(step) < 700 and len(line) < 700
    assert "▀".encode() not in step + line
    judge = opened.cost("x")
    assert b"Dog" in judge and len(judge) < 700
    assert len(opened.cost("x")) < 100


def test_a_thumbnail_sends_itself_alone(terminal):
    opened = start(terminal, 200, 60)
    costs = [opened.cost("t").count("▀".encode()) for _ in range(5) if opened.cost("l")]
    assert len(set(costs)) == 1 and 150 < costs[0] < 600


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"COLORTERM": ""}, {"TEXTUAL_COLOR_SYSTEM": "standard"}])
def test_fewer_colours_leave_the_words(terminal, plain, variables):
    opened = start(terminal, 80, 24, **variables)
    opened.cost("t")
    opened.cost("x")
    opened.cost("l")
    text = plain(bytes(opened.said)).decode()
    assert "Cat" in text and "✗" in text and "Dog≠Cat" in text and "▸" in text
    assert ("▀" in text) == ("NO_COLOR" not in variables)


def test_nothing_from_outside_reaches_the_terminal_raw(terminal, plain):
    opened = start(terminal, 80, 24, labels=("a\x1b]0;PWNED\x07", "b\u202e\x9b2J"))
    opened.cost("xjlf")
    for bad in (b"\x1b]0;PWNED", "\u202e".encode(), "\x9b".encode()):
        assert bad not in opened.said
    assert r"\x1b" in plain(bytes(opened.said)).decode()
