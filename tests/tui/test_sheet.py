"""The contact sheet by Pilot: what it shows, how it moves, what it paints again."""

import asyncio

import numpy as np
import pytest
from rich.cells import cell_len
from textual.app import App
from textual.color import Color
from textual.geometry import Region

from tui.pictures import Answer
from tui.table_rows import TableRows
from tui.widgets.sheet import Column, Sheet


class Shown(App):
    """A sheet, with thumbnails from a dictionary."""

    def __init__(self, pictures):
        super().__init__()
        self.moved, self.scrolled, self.thumbs = [], 0, {}
        self._with_pictures = pictures

    def compose(self):
        yield Sheet(self._with_pictures, lambda name, size: self.thumbs.get(name))

    def on_view_moved(self, message):
        assert isinstance(message.control, Sheet)
        self.moved.append(message.position)

    def on_sheet_scrolled(self):
        self.scrolled += 1


@pytest.fixture
def shown():
    """Run a coroutine on an app with a sheet; gives it the pilot and the sheet."""

    def run(story, size=(80, 24), pictures=True):
        async def play():
            app = Shown(pictures)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await story(pilot, app.query_one(Sheet))

        asyncio.run(play())

    return run


@pytest.fixture
def many(columns):
    def make(count, **others):
        names = tuple(f"image{row:06d}.jpg" for row in range(count))
        return columns(names, np.tile(np.float32([0.7, 0.3]), (count, 1)), **others)

    return make


def lines(sheet):
    """The sheet's lines as text, column by column."""
    seen = [column for column in sheet.query(Column) if column.display]
    return ["".join(column.render_line(y).text for column in seen) for y in range(sheet.size.height)]


def solid(colour, width=9, height=14):
    return Answer(np.full((height, width, 3), colour, np.uint8), "", 90, 140)


def painted(sheet, monkeypatch):
    """What is painted from now on: column, first line, lines."""
    seen = []
    for number, column in enumerate(sheet.query(Column)):
        monkeypatch.setattr(
            column, "refresh", lambda *regions, number=number, **_: seen.extend((number, r.y, r.height) for r in regions)
        )
    return seen


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (60, 16), (20, 9), (9, 3), (3, 1)])
@pytest.mark.parametrize("pictures", [True, False])
def test_it_fits(shown, columns, many, size, pictures):
    hostile = columns(
        ("犬/" * 9, "a\x1b[2Jb.png", "x" * 300, "\udcff\u202e.jpg", "e.jpg"), np.full((5, 2), 0.5),
        ("a\x1b[31mred", "長い名前のラベル"), {0: 0, 1: 1}, {3: 1}, (2,), {4: "The file is empty. " * 5},
    )  # fmt: skip

    async def story(pilot, sheet):
        grid = sheet.grid
        assert grid.across * grid.cells < size[0] or size[0] < 3
        assert [column.display for column in sheet.query(Column)].count(True) == grid.across
        pilot.app.thumbs = {name: solid(9, *grid.picture) for name in hostile.session.rows.names if grid.picture[0]}
        pilot.app.thumbs["e.jpg"] = Answer(None, "\x1b[2JNo.")
        for rows in (hostile, many(300), TableRows()):
            sheet.show(rows, 2)
            await pilot.pause()
            for text in lines(sheet):
                assert cell_len(text) == grid.across * grid.cells
                assert "\x1b" not in text and "\u202e" not in text

    shown(story, size, pictures)


def test_what_a_place_shows(shown, columns):
    rows = columns(
        ("cat.jpg", "dog.jpg", "bad.jpg"), [[0.93, 0.07], [0.4, 0.6], [0.5, 0.5]], verdicts={0: 1}, problems={2: "No."}
    )

    async def story(pilot, sheet):
        cells, height = sheet.grid.cells, sheet.grid.lines
        assert sheet.grid.picture == (18, 20)
        pilot.app.thumbs = {"cat.jpg": solid((250, 10, 20)), "bad.jpg": Answer(None, "It is empty.")}
        sheet.show(rows, 1)
        await pilot.pause()
        texts = lines(sheet)
        assert texts[height - 2].split() == ["cat.jpg", "dog.jpg", "bad.jpg"]
        captions = [texts[height - 1][at * cells : (at + 1) * cells] for at in range(3)]
        assert [each.strip() for each in captions] == ["✗ Dog≠Cat    93 %", "▸  Dog        60 %", "!skipped"]
        drawn = [y for y, text in enumerate(texts) if "▀" in text]
        assert drawn == list(range(1, 8))
        column = next(iter(sheet.query(Column)))
        (block,) = [each for each in column.render_line(4) if "▀" in each.text]
        assert block.text == "▀" * 9 and Color.from_rich_color(block.style.color).rgb == (250, 10, 20)
        assert "It is empty." in texts[5]

    shown(story)


def test_verdicts_are_filled_and_labels_have_colours(shown, columns):
    rows = columns(("a", "b", "c"), [[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], verdicts={0: 0})

    async def story(pilot, sheet):
        sheet.show(rows, 2)
        await pilot.pause()
        looks = [next(iter(column.render_line(sheet.grid.lines - 1))).style for column in list(sheet.query(Column))[:3]]
        assert [bool(look.reverse) for look in looks] == [True, False, False]
        assert looks[0].color != looks[1].color and looks[2].bgcolor != looks[1].bgcolor

    shown(story)


def test_no_colour_leaves_light_and_dark(shown, many, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(pilot, sheet):
        pilot.app.thumbs = {"image000000.jpg": solid(0), "image000001.jpg": solid(255)}
        sheet.show(many(2), 0)
        await pilot.pause()
        text = "\n".join(lines(sheet))
        assert "@" * 9 in text and "▀" not in text

    shown(story)


def test_words_alone_ask_for_no_pictures(shown, many):
    async def story(pilot, sheet):
        def never(name, size):
            raise AssertionError(name)

        sheet._picture_of = never
        sheet.show(many(300), 0)
        sheet.cursor = 200
        await pilot.pause()
        assert "image000200" in "\n".join(lines(sheet))
        assert sheet.seen > 20

    shown(story, pictures=False)


def test_moving_by_images_and_lines(shown, many):
    async def story(pilot, sheet):
        sheet.show(many(30), 0)
        await pilot.pause()
        assert (sheet.across, sheet.down) == (4, 2)
        for step, at in (
            (("move", -1), 0), (("move", 1), 4), (("step", 1), 5), (("move", -1), 1), (("step", -1), 0), (("step", -1), 0),
            (("page", 1), 8), (("page", 9), 29), (("move", 1), 29), (("move", -1), 25), (("step", 2), 27),
            (("move", 1), 29), (("page", -1), 21), (("page", -9), 0),
        ):  # fmt: skip
            if step[0] == "step":
                sheet.cursor += step[1]
            else:
                getattr(sheet, step[0])(step[1])
            assert sheet.cursor == at, step
            assert sheet.top % 4 == 0 and sheet.top <= at < sheet.top + 8
        for cursor, lines_down in ((2, -1), (28, 1)):
            sheet.cursor = cursor
            sheet.move(lines_down)
            assert sheet.cursor == cursor
        await pilot.pause()
        assert sum("▸" in text for text in lines(sheet)) == 1

    shown(story)


def test_a_cursor_that_leaves_turns_the_page(shown, many):
    async def story(pilot, sheet):
        sheet.show(many(300), 0)
        await pilot.pause()
        before = pilot.app.scrolled
        for cursor, top in ((7, 0), (8, 8), (15, 8), (16, 16), (15, 8), (7, 0), (299, 292), (150, 144)):
            sheet.cursor = cursor
            assert sheet.top == top
        await pilot.pause()
        assert pilot.app.scrolled > before
        assert "▸" in lines(sheet)[2 * sheet.grid.lines - 1]

    shown(story)


def test_moving_paints_the_words_of_two(shown, many, monkeypatch):
    async def story(pilot, sheet):
        sheet.show(many(30), 0)
        await pilot.pause()
        lines(sheet)
        seen = painted(sheet, monkeypatch)
        assert sheet.grid.named
        last = sheet.grid.lines - 2
        sheet.cursor = 1
        assert seen == [(0, last, 2), (1, last, 2)]
        seen.clear()
        sheet.move(1)
        assert seen == [(1, last, 2), (1, last + sheet.grid.lines, 2)]

    shown(story)


def test_only_places_that_look_different_are_painted(shown, many, monkeypatch):
    async def story(pilot, sheet):
        height = sheet.grid.lines
        sheet.show(many(30), 0)
        await pilot.pause()
        lines(sheet)
        seen = painted(sheet, monkeypatch)
        for rows, expected in (
            (many(30), []),
            (many(30, verdicts={2: 1, 20: 0}), [(2, height - 2, 2)]),
            (many(30, verdicts={2: 1, 6: 0, 7: 0}), [(2, 2 * height - 2, 2), (3, 2 * height - 2, 2)]),
            (
                TableRows(many(30).session, np.array([0, 1, 9, 3])),
                [(2, 0, height), *((c, height, height) for c in range(4))],
            ),
        ):
            seen.clear()
            sheet.show(rows, 0)
            assert seen == expected
            lines(sheet)
        sheet.show(many(30), 0)
        lines(sheet)
        seen.clear()
        pilot.app.thumbs["image000005.jpg"] = solid(7)
        sheet.paint_changed()
        assert seen == [(1, height, height)]
        lines(sheet)
        seen.clear()
        sheet.paint_changed()
        assert seen == []

    shown(story)


def test_a_thumbnail_that_is_another_one_is_drawn_anew(shown, many):
    async def story(pilot, sheet):
        sheet.show(many(3), 0)
        for brightness in (10, 200):
            pilot.app.thumbs["image000000.jpg"] = solid(brightness)
            sheet.paint_changed()
            await pilot.pause()
            (block,) = [each for each in next(iter(sheet.query(Column))).render_line(4) if "▀" in each.text]
            assert Color.from_rich_color(block.style.color).rgb == (brightness,) * 3

    shown(story)


def test_the_mouse(shown, many):
    async def story(pilot, sheet):
        sheet.show(many(300), 8)
        await pilot.pause()
        cells, height = sheet.grid.cells, sheet.grid.lines
        await pilot.click(Sheet, offset=(2 * cells + 3, height + 1))
        assert sheet.cursor == 8 + 6
        await pilot.click(Sheet, offset=(4 * cells, 2))
        assert sheet.cursor == 14
        assert pilot.app.moved == [14]
        sheet.on_mouse_scroll_down()
        assert (sheet.top, sheet.cursor) == (12, 14)
        sheet.on_mouse_scroll_up()
        sheet.on_mouse_scroll_up()
        assert (sheet.top, sheet.cursor) == (4, 11)

    shown(story)


def test_a_resize_keeps_the_cursor_in_view(shown, many):
    async def story(pilot, sheet):
        sheet.show(many(300), 150)
        for size in ((200, 60), (60, 16), (24, 5), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert sheet.top % sheet.across == 0
            assert sheet.top <= 150 == sheet.cursor < sheet.top + sheet.seen
            assert sum("▸" in text for text in lines(sheet)) == 1

    shown(story)


def test_a_hundred_thousand_rows_cost_what_is_seen(shown, many, monkeypatch):
    looked = []

    async def story(pilot, sheet):
        rows = many(100_000)
        line = TableRows.line
        monkeypatch.setattr(TableRows, "line", lambda self, at: looked.append(at) or line(self, at))
        sheet.show(rows, 99_999)
        await pilot.pause()
        assert "image099999" in "\n".join(lines(sheet))
        sheet.cursor = 50_000
        await pilot.pause()
        sheet.show(rows, 50_000)
        assert "▸" in "".join(lines(sheet))
        assert len(looked) < 12 * sheet.seen
        assert sheet.render_lines(Region(0, 0, *sheet.size))

    shown(story)
