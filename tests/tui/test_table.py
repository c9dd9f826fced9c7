"""The table by Pilot: what its lines say, how it moves, what it sends again."""

import asyncio

import numpy as np
import pytest
from rich.cells import cell_len
from textual.app import App
from textual.binding import Binding

from tui.table_rows import TableRows
from tui.widgets.table import Table

HOSTILE = (
    "犬/" * 9 + "写真.jpeg",
    "a\x1b[2Jb.png",
    "x" * 300 + ".heic",
    "e\u0301\u0332\u0333\u0333.gif",
    "",
    "\udcff\u202e.jpg",
)
KEYS = {"down": 1, "up": -1, "pagedown": 7, "pageup": -7, "home": -1000, "end": 1000, "left": 0, "right": 0}


class Shown(App):
    """A table, and a screen whose keys move its cursor."""

    BINDINGS = [Binding(key, f"move({by})") for key, by in KEYS.items()]  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.moved = []
        self.pressed = []
        self.animation_level = "none"

    def compose(self):
        yield Table(id="table")

    def action_move(self, by):
        self.pressed.append(by)
        self.query_one(Table).cursor += by

    def on_view_moved(self, message):
        assert message.control is self.query_one(Table)
        self.moved.append(message.position)


@pytest.fixture
def shown():
    """Run a coroutine on an app with a table; gives it the pilot and the table."""

    def run(story, size=(80, 24)):
        async def play():
            app = Shown()
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await story(pilot, app.query_one(Table))

        asyncio.run(play())

    return run


@pytest.fixture
def many(columns):
    """So many rows, most of them alike."""

    def make(count, **others):
        names = tuple(f"folder/image{row:06d}.jpg" for row in range(count))
        return columns(names, np.tile(np.float32([0.7, 0.3]), (count, 1)), **others)

    return make


def lines(table):
    return [table.render_line(y).text for y in range(table.size.height)]


@pytest.mark.parametrize("cells", [24, 37, 60, 61, 79, 80, 100, 133, 200])
@pytest.mark.parametrize("labels", [("Cat", "Dog"), ("a\x1b[31mred", "長い名前のラベル", "[/nope]" * 9)])
def test_every_line_is_as_wide_as_the_table(shown, columns, cells, labels):
    shares = np.full((len(HOSTILE), len(labels)), 1 / len(labels))
    rows = columns(HOSTILE, shares, labels, {0: 0, 1: 1}, {3: 1}, (2,), {4: "The file is empty. " * 5})

    async def story(pilot, table):
        table.show(rows, 1)
        await pilot.pause()
        for text in lines(table):
            assert cell_len(text) == cells
            assert "\x1b" not in text

    shown(story, (cells, 12))


def test_a_scrollbar_takes_its_cell_from_the_lines(shown, many):
    async def story(pilot, table):
        table.show(many(3), 0)
        await pilot.pause()
        assert {cell_len(text) for text in lines(table)} == {80}
        table.show(many(300), 0)
        await pilot.pause()
        assert {cell_len(text) for text in lines(table)} == {80}
        assert "status" in lines(table)[0]
        assert [y for y, text in enumerate(lines(table)) if text.endswith("▐")] == [1, 2]
        table.cursor = 299
        await pilot.pause()
        assert lines(table)[-1].endswith("▐") and not lines(table)[1].endswith("▐")

    shown(story)


STATES = {
    "predicted": {},
    "right": {"verdicts": {0: 0}},
    "wrong": {"verdicts": {0: 1}},
    "learned": {"verdicts": {0: 0}, "shown": {0: 1}},
    "changed": {"previous": {0: 1}},
    "new": {"arrived": (0,)},
    "skipped": {"problems": {0: "The file is empty."}},
}


@pytest.mark.parametrize(("cells", "alike"), [(200, set()), (80, set()), (50, set()), (34, {"right", "learned"})])
def test_no_two_states_differ_in_colour_alone(shown, columns, cells, alike):
    async def story(pilot, table):
        said = {}
        for state, others in STATES.items():
            table.show(columns(("a.jpg",), [[0.7, 0.3]], **others), 0)
            await pilot.pause()
            said[state] = lines(table)[1]
        table.show(columns(("a.jpg",), [[np.nan, np.nan]]), 0)
        said["waiting"] = lines(table)[1]
        assert len(set(said.values())) == len(said) - len(alike) // 2

    shown(story, (cells, 9))


def test_what_a_row_says(shown, columns):
    rows = columns(
        ("cat.jpg", "dog.jpg", "bad.jpg", "late.jpg"),
        [[0.93, 0.07], [0.4, 0.6], [0.5, 0.5], [np.nan, np.nan]],
        verdicts={0: 1, 1: 1},
        previous={1: 0},
        problems={2: "The file is empty."},
        shown={0: 0},
    )

    async def story(pilot, table):
        table.show(rows, 1)
        header, cat, dog, bad, late, *rest = lines(table)
        assert header.split() == ["image", "says", "sure", "you", "status"]
        assert cat.split()[:4] == ["✗", "cat.jpg", "Cat", "██████████████████▋"]
        assert cat.split()[4:] == ["93", "%", "Dog", "flip"]
        assert dog.split()[:3] == ["▸✓", "dog.jpg", "Dog"]
        assert dog.split()[-4:] == ["Dog", "learned:", "was", "Cat"]
        assert bad.endswith("The file is empty.        ")
        assert "%" not in late
        assert late.rstrip().endswith("waiting")
        assert not "".join(rest).strip()

    shown(story, (120, 12))


def test_keys_belong_to_the_screen(shown, many):
    async def story(pilot, table):
        table.show(many(100), 50)
        await pilot.pause()
        for key, by in KEYS.items():
            await pilot.press(key)
            assert pilot.app.pressed[-1] == by
        assert len(pilot.app.pressed) == len(KEYS)

    shown(story)


def test_the_cursor_stays_inside_and_in_view(shown, many):
    async def story(pilot, table):
        rows = many(100)
        table.show(rows, 0)
        await pilot.pause()
        for cursor, first in ((22, 0), (23, 12), (99, 77), (300, 77), (76, 65), (-4, 0)):
            table.cursor = cursor
            await pilot.pause()
            assert table.cursor == max(0, min(cursor, 99))
            assert table.row == rows.order[table.cursor]
            assert table.top == first
            texts = lines(table)
            assert texts[table.cursor - first + 1].startswith("▸")
            assert "".join(texts).count("▸") == 1
            assert f"image{first:06d}" in texts[1]
            assert "image" in texts[0]
        assert pilot.app.moved == [22, 23, 99, 76, 0]

    shown(story)


def test_pages(shown, many):
    async def story(pilot, table):
        table.show(many(100), 0)
        await pilot.pause()
        for pages, cursor in ((1, 23), (1, 46), (-1, 23), (-2, 0), (9, 99)):
            table.page(pages)
            assert table.cursor == cursor

    shown(story)


def test_an_empty_table(shown, many):
    async def story(pilot, table):
        table.show(many(3), 2)
        table.show(TableRows(), 2)
        assert (table.row, table.cursor) == (-1, 0)
        table.page(1)
        await pilot.press("down")
        await pilot.click(Table, offset=(5, 3))
        assert table.cursor == 0
        assert not "".join(lines(table)[1:]).strip()

    shown(story)


def test_the_mouse(shown, many):
    async def story(pilot, table):
        table.show(many(100), 40)
        await pilot.pause()
        first = table.top
        assert first == 40
        await pilot.click(Table, offset=(9, 4))
        assert table.cursor == first + 3
        await pilot.click(Table, offset=(9, 0))
        assert table.cursor == first + 3
        assert pilot.app.moved == [first + 3]

    shown(story)


def test_rows_that_come_above_leave_the_cursor_on_its_line(shown, many):
    async def story(pilot, table):
        table.show(many(100), 60)
        await pilot.pause()
        line = table.cursor - table.top
        for count, cursor in ((110, 70), (300, 260), (290, 250)):
            table.show(many(count), cursor)
            await pilot.pause()
            assert table.cursor == cursor
            assert table.cursor - table.top == line
        assert pilot.app.moved == []

    shown(story)


def test_only_lines_that_look_different_are_sent(shown, many, monkeypatch):
    sent = []

    async def story(pilot, table):
        table.show(many(100), 0)
        table.cursor = 5
        await pilot.pause()
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: sent.append([each.y for each in regions]))
        for rows, cursor, changed in (
            (many(100), 5, []),
            (many(100, verdicts={7: 1}), 5, [[8]]),
            (many(100, verdicts={7: 1, 60: 0}), 5, []),
            (many(100, verdicts={2: 0, 7: 1, 60: 0, 21: 0, 22: 0}), 5, [[3], [22], [23]]),
        ):
            sent.clear()
            table.show(rows, cursor)
            assert sent == changed
            lines(table)
        sent.clear()
        table.cursor = 9
        assert sent == [[6], [10]]

    shown(story)


def test_a_hundred_thousand_rows_cost_what_is_seen(shown, many, monkeypatch):
    drawn = []

    async def story(pilot, table):
        rows = many(100_000)
        draw = Table._draw
        monkeypatch.setattr(Table, "_draw", lambda self, *line: drawn.append(line) or draw(self, *line))
        table.show(rows, 99_999)
        await pilot.pause()
        assert "image099999" in lines(table)[-1]
        table.cursor = 50_000
        await pilot.pause()
        table.show(rows, 50_000)
        assert "▸" in "".join(lines(table))
        assert len(drawn) < 23 * 12

    shown(story)
