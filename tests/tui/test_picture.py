"""The picture by Pilot: half blocks, notes, and what no colour leaves."""

import asyncio

import numpy as np
import pytest
from rich.cells import cell_len
from textual.app import App
from textual.color import Color
from textual.geometry import Region

from tui.widgets.picture import Carrier, Picture


@pytest.fixture
def shown():
    """Run a coroutine on an app that is one picture; gives it the pilot and the picture."""

    def run(story, mode="blocks", size=(31, 12)):
        class Shown(App):
            def compose(self):
                yield Picture(mode)

        async def play():
            app = Shown()
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await story(pilot, app.query_one(Picture))

        asyncio.run(play())

    return run


def test_blocks_are_two_pixels_a_cell(shown):
    pixels = np.random.default_rng(3).integers(0, 256, (11, 17, 3), np.uint8)

    async def story(pilot, picture):
        assert picture.wanted == (31, 24)
        picture.show(pixels)
        strips = [picture.render_line(y) for y in range(12)]
        assert {strip.cell_length for strip in strips} == {cell_len(strip.text) for strip in strips} == {31}
        rows = [y for y, strip in enumerate(strips) if "▀" in strip.text]
        assert rows == list(range(3, 9))
        for at, y in enumerate(rows):
            cells = [segment for segment in strips[y] for _ in segment.text]
            drawn = [each for each in cells if "▀" in each.text]
            assert len(drawn) == 17
            assert "▀" not in cells[6].text and "▀" in cells[7].text
            upper = [Color.from_rich_color(each.style.color).rgb for each in drawn]
            lower = [Color.from_rich_color(each.style.bgcolor).rgb for each in drawn]
            assert upper == [tuple(each) for each in pixels[2 * at].tolist()]
            assert lower == [tuple(each) for each in pixels[min(2 * at + 1, 10)].tolist()]

    shown(story)


def test_cells_of_one_colour_share_their_bytes(shown):
    pixels = np.zeros((6, 13, 3), np.uint8)
    pixels[:, 5:] = 200

    async def story(pilot, picture):
        picture.show(pixels)
        drawn = [each.text for each in picture.render_line(5) if "▀" in each.text]
        assert drawn == ["▀" * 5, "▀" * 8]

    shown(story)


def test_a_picture_that_is_too_large_is_cut(shown, ramps):
    async def story(pilot, picture):
        for height, width in ((200, 9), (5, 300), (1, 1), (24, 31)):
            picture.show(ramps(height, width))
            strips = [picture.render_line(y) for y in range(12)]
            assert {cell_len(strip.text) for strip in strips} == {31}

    shown(story)


def test_notes_are_safe(shown, ramps):
    async def story(pilot, picture):
        picture.show(None, "a\x1b[2J\u202e[/nope]")
        text = "".join(picture.render_line(y).text for y in range(12))
        assert text.strip() == r"a\x1b[2J\u202e[/nope]"
        picture.show(ramps(4, 4))
        assert "nope" not in "".join(picture.render_line(y).text for y in range(12))

    shown(story)


def test_no_colour_leaves_light_and_dark(shown, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    pixels = np.repeat(np.array([0, 128, 255], np.uint8), 3)[None, :, None] * np.ones((4, 1, 3), np.uint8)

    async def story(pilot, picture):
        for mode in ("blocks", "kitty", "sixel"):
            picture._mode = mode
            assert picture.wanted == (31, 24)
            picture.show(pixels.astype(np.uint8))
            assert picture.render_line(5).text.strip() == "+++@@@" or picture.render_line(5).text.strip() == "===@@@"
        pilot.app.theme = "textual-light"
        await pilot.pause()
        picture.show(pixels.astype(np.uint8))
        assert picture.render_line(5).text.strip().startswith("@@@")

    shown(story)


def test_off_wants_nothing(shown, ramps):
    async def story(pilot, picture):
        assert picture.wanted == (0, 0)
        picture.show(ramps(4, 4))
        assert not picture.render_line(5).text.strip()

    shown(story, "off")


def test_colours_follow_the_theme(shown):
    async def story(pilot, picture):
        picture.show(None, "words")
        before = picture.render_line(0)
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert next(iter(picture.render_line(0))).style.bgcolor != next(iter(before)).style.bgcolor

    shown(story)


def test_half_a_line_carries_nothing(shown, ramps):
    async def story(pilot, picture):
        picture.show(ramps(40, 40))
        for width, carriers in ((31, 1), (30, 0)):
            lines = picture.render_lines(Region(0, 0, width, 12))
            assert sum(isinstance(line, Carrier) for line in lines) == carriers

    for mode in ("kitty", "sixel"):
        shown(story, mode)
