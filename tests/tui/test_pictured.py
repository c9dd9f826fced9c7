"""Pictures on the main screen by Pilot: what is decoded when, zoom, facts, and the contact sheet under the table's keys."""

import asyncio
import os

import numpy as np
import pytest
from PIL import Image

from engine.events import FolderChanged, ImageSkipped, ImagesPredicted, ModelOpened
from engine.journal import Journal
from tui import pictures
from tui.app import Catflap
from tui.messages import Ended
from tui.settings import Choices
from tui.widgets.facts import Facts
from tui.widgets.picture import Picture
from tui.widgets.sheet import Sheet
from tui.widgets.table import Table
from tui.work import prepare

LABELS = ("Cat", "Dog", "Hare")
COUNT = 30
NAMES = tuple(f"image{index:02d}.png" for index in range(COUNT))


class Said:
    """Stands for the engine's process."""

    def __init__(self):
        self.to_say = []

    def start(self):
        pass

    close = start

    def ask(self, request):
        pass

    def heard(self):
        said, self.to_say = self.to_say, []
        return said


def picture(folder, index, size=(400, 300)):
    """One whose brightness tells its number."""
    Image.new("RGB", size, (5 * index, 7, 9)).save(folder / NAMES[index])


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Run a coroutine on an open app; gives it the pilot, the stand-in, and what was sent to the child, in order."""
    prepare()
    for index in range(COUNT):
        picture(tmp_path, index)
    sent = []
    send = pictures.Pictures._send

    def sending(self):
        before = self._running
        send(self)
        if self._running is not None and self._running is not before:
            sent.append(self._running)

    monkeypatch.setattr(pictures.Pictures, "_send", sending)

    def run(story, choices=Choices(), size=(100, 24)):  # noqa: B008 - it is frozen
        async def play():
            said = Said()
            shares = np.full((COUNT, 3), 0.25, np.float32)
            shares[:, 0] = np.linspace(0.4, 0.5, COUNT)
            keys = tuple(bytes([index]) * 16 for index in range(COUNT))
            with Journal(tmp_path / "journal.db") as journal:
                app = Catflap(tmp_path, said, journal, choices)
                said.to_say = [
                    ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True, ""), FolderChanged(added=NAMES),
                    ImagesPredicted(NAMES, keys, (0,) * COUNT, shares, 0), Ended(),
                ]  # fmt: skip
                async with app.run_test(size=size) as pilot:
                    await until(pilot, lambda: app._main.session.labels == LABELS)
                    await quiet(pilot)
                    await story(pilot, said, sent)

        asyncio.run(play())

    return run


async def until(pilot, true):
    for _ in range(300):
        await pilot.pause(0.02)
        if true():
            return
    raise AssertionError("it never came true")


async def quiet(pilot):
    """Until nothing is under way."""
    calm = 0
    for _ in range(500):
        await pilot.pause(0.02)
        calm = 0 if pilot.app._main._pictures.busy else calm + 1
        if calm == 4:
            return
    raise AssertionError("it never came to rest")


def shown(pilot):
    """The number of the picture that is seen."""
    return int(pilot.app._main.query_one(Picture)._pixels[0, 0, 0]) // 5


def facts(pilot):
    return [line.rstrip() for line in pilot.app._main.query_one(Facts).words]


def numbers(sent):
    return [NAMES.index(each.path.name) for each in sent]


def test_the_next_two_are_decoded_ahead_in_the_direction_of_movement(opened):
    async def story(pilot, said, sent):
        assert shown(pilot) == 0 and numbers(sent)[-3:] == [0, 1, 2]
        sent.clear()
        await pilot.press("j")
        assert shown(pilot) == 1
        await quiet(pilot)
        assert numbers(sent) == [3]
        sent.clear()
        await pilot.press("G")
        await quiet(pilot)
        assert shown(pilot) == 29 and numbers(sent) == [29]
        await pilot.press("k")
        await quiet(pilot)
        assert shown(pilot) == 28 and numbers(sent) == [29, 28, 27, 26]
        sent.clear()
        await pilot.press("k", "k")
        assert shown(pilot) == 26
        await quiet(pilot)
        assert numbers(sent) == [25, 24]

    opened(story)


def test_the_picture_under_the_cursor_goes_before_those_ahead(opened):
    async def story(pilot, said, sent):
        sent.clear()
        main = pilot.app._main
        for at in (10, 20):
            main.table.cursor = at
            main.show_picture()
        await quiet(pilot)
        assert numbers(sent) == [10, 20, 21, 22] and shown(pilot) == 20

    opened(story)


def test_idle_is_idle(opened):
    async def story(pilot, said, sent):
        sent.clear()
        await pilot.pause(0.3)
        assert sent == []
        timers = [timer for timer in pilot.app._main._timers if timer._active.is_set()]
        assert [timer._callback for timer in timers] == [pilot.app._main._listen]

    opened(story)


def test_a_file_that_was_replaced_is_shown_as_it_is(opened, tmp_path):
    async def story(pilot, said, sent):
        await pilot.press("j", "k")
        for index in (0, 1):
            Image.new("RGB", (300, 300), (5 * (index + 40), 0, 0)).save(tmp_path / NAMES[index])
        said.to_say = [FolderChanged(changed=NAMES[:2])]
        await until(pilot, lambda: shown(pilot) == 40)
        assert "300×300" in facts(pilot)[1]
        await quiet(pilot)
        await pilot.press("j")
        await quiet(pilot)
        assert shown(pilot) == 41

    opened(story)


def test_facts_follow_the_cursor_and_the_verdict(opened, tmp_path):
    async def story(pilot, said, sent):
        assert facts(pilot)[0] == "image00.png"
        assert facts(pilot)[1].startswith("400×300 · ") and facts(pilot)[2] == "Cat 40 % · toss-up"
        await pilot.press("x", "k")
        assert facts(pilot)[0] == "image00.png" and facts(pilot)[2] == "Cat 40 % · you: Dog ✗ · flip"
        await pilot.press("p")
        await quiet(pilot)
        assert [line.split()[0] for line in facts(pilot)[2:]] == ["Cat", "Dog", "Hare"]
        await pilot.press("p")
        assert facts(pilot) == []
        await pilot.press("p")
        await quiet(pilot)
        assert len(facts(pilot)) == 3
        os.remove(tmp_path / NAMES[20])
        pilot.app._main.table.cursor = 20
        await quiet(pilot)
        assert facts(pilot) == ["image20.png", "", "Cat 47 % · toss-up"]
        assert pilot.app._main.query_one(Picture)._note == "The file is gone."

    opened(story)


def test_zoom_and_pan(opened, tmp_path):
    halves = np.zeros((300, 400, 3), np.uint8)
    halves[:, 200:, 0] = 250
    halves[150:, :, 1] = 200

    async def story(pilot, said, sent):
        await pilot.press("j", "k")
        Image.fromarray(halves).save(tmp_path / NAMES[0])
        said.to_say = [FolderChanged(changed=NAMES[:1])]
        await until(pilot, lambda: not said.to_say)
        await quiet(pilot)

        def colour():
            return pilot.app._main.query_one(Picture)._pixels.mean(axis=(0, 1)).round().tolist()

        middle = colour()
        assert middle[:2] == pytest.approx([125, 100], abs=8)
        await pilot.press("less_than_sign")
        assert "+ zooms in" in pilot.app._main.session.notice
        await pilot.press("plus", "equals_sign")
        await quiet(pilot)
        assert pilot.app._main.session.notice == ""
        assert facts(pilot)[1].startswith("4× < > J K · ")
        for key, expected in (
            ("greater_than_sign", [250, 100]), ("J", [250, 200]), ("less_than_sign", [0, 200]), ("K", [0, 0])
        ):  # fmt: skip
            await pilot.press(*[key] * 7)
            await quiet(pilot)
            assert colour()[:2] == pytest.approx(expected, abs=8)
        assert "edge" in pilot.app._main.session.notice
        for _ in range(6):
            await pilot.press("minus")
        await quiet(pilot)
        assert colour() == middle and "All of the picture" in pilot.app._main.session.notice
        for _ in range(6):
            await pilot.press("plus")
        await quiet(pilot)
        assert "Every pixel" in pilot.app._main.session.notice
        await pilot.press("j")
        await quiet(pilot)
        assert shown(pilot) == 1 and "×" in facts(pilot)[1] and not facts(pilot)[1].startswith("16×")
        await pilot.press("p", "p", "plus")
        assert "no picture" in pilot.app._main.session.notice

    opened(story)


def test_the_sheet_has_the_tables_cursor_and_keys(opened):
    async def story(pilot, said, sent):
        main = pilot.app._main
        await pilot.press("j", "j", "c")
        await quiet(pilot)
        sheet = main.query_one(Sheet)
        assert main.table is sheet and sheet.cursor == 2 and not main.query_one(Table).display
        across = sheet.across
        assert across > 2
        await pilot.press("j", "right", "right", "left", "k")
        assert sheet.cursor == 3
        await pilot.press("down", "up", "x", "space", "a")
        given = {image[0]: verdict.label for image, verdict in main._journal.in_force().items()}
        assert given == {3: "Dog", 5: "Cat"}
        await pilot.press("v", "l", "right", "2", "u")
        assert {image[0] for image in main._journal.in_force()} == {3, 5}
        await pilot.press("g", "n", "n", "n", "n", "N")
        assert sheet.cursor == 4
        await pilot.press("slash", *"image1", "enter")
        assert [main.session.rows.names[row] for row in main._order] == list(NAMES[10:20])
        await pilot.press("V", "3", "escape", "pagedown", "G", "s")
        assert len(main._journal.in_force()) == 12
        name = main.session.rows.names[sheet.row]
        await pilot.press("c")
        assert main.table is main.query_one(Table)
        assert main.session.rows.names[main.table.row] == name
        await pilot.press("j", "c", "p", "c")
        assert main.table is sheet and sheet.display
        await pilot.press("c", "p", "c")
        assert main.table is sheet and not main.has_class("-large")
        await pilot.press("g", "p", "j", "j")
        assert sheet.cursor == 2

    opened(story)


def test_escape_leaves_the_large_picture_at_once_and_the_sheet_last(opened):
    async def story(pilot, said, sent):
        main = pilot.app._main
        await pilot.press("c", "slash", *"image1", "enter", "p", "v", "j")
        for large, sheet, shown in ((True, True, 10), (False, True, 10), (False, True, COUNT), (False, False, COUNT)):
            await pilot.press("escape")
            assert (main.has_class("-large"), main.has_class("-sheet"), len(main._order)) == (large, sheet, shown)
        assert main.marked == range(0)

    opened(story)


def test_a_click_on_the_sheet_moves_and_two_show_the_picture_large(opened):
    async def story(pilot, said, sent):
        main = pilot.app._main
        await pilot.press("c")
        await quiet(pilot)
        sheet = main.query_one(Sheet)
        place = (sheet.grid.cells + 2, sheet.grid.lines + 1)
        await pilot.click(Sheet, offset=place)
        assert sheet.cursor == sheet.across + 1 and not main.has_class("-large")
        await pilot.click(Sheet, offset=place, times=2)
        assert main.has_class("-large")
        await quiet(pilot)
        await pilot.click(Picture)
        assert not main.has_class("-large") and main.table is sheet and sheet.cursor == sheet.across + 1

    opened(story)


def test_a_range_a_verdict_and_its_undo_look_different_on_the_sheet(opened):
    async def story(pilot, said, sent):
        sheet = pilot.app._main.query_one(Sheet)

        def words():
            strips = [sheet._words(place, place)[-1] for place in range(3)]
            return [strip.text[:3] for strip in strips], ["Dog" in strip.text for strip in strips]

        await pilot.press("c", "v", "right")
        assert words() == (["┃  ", "▸  ", "   "], [False] * 3)
        await pilot.press("2")
        assert words() == ([" ✗ ", "▸✗ ", "   "], [True, True, False])
        await pilot.press("g", "e")
        assert words() == ([" – ", " ✗ ", "▸  "], [False, True, False])
        await pilot.press("u", "u")
        assert words()[1] == [False] * 3

    opened(story)


def test_thumbnails_that_are_seen_come_first_and_then_a_page_ahead(opened):
    async def story(pilot, said, sent):
        await quiet(pilot)
        sent.clear()
        await pilot.press("c")
        await quiet(pilot)
        main = pilot.app._main
        sheet = main.query_one(Sheet)
        small = [each for each in sent if (each.width, each.height) == sheet.grid.picture]
        assert sorted(numbers(small)) == list(range(2 * sheet.seen))
        assert numbers(small)[-sheet.seen :] == list(range(sheet.seen, 2 * sheet.seen))
        drawn = [entry[1] for entry in sheet._drawn.values()]
        assert len(drawn) == sheet.seen and all(drawn)
        assert sheet._thumbs[NAMES[3]][0].pixels[0, 0, 0] == 15

    opened(story)


@pytest.mark.parametrize("choices", [Choices(preview="off"), Choices(slow_link=True), Choices("blocks", slow_link=True)])
def test_where_bytes_count_the_sheet_is_of_words(opened, choices):
    async def story(pilot, said, sent):
        sent.clear()
        await pilot.press("c", "pagedown", "j", "right", "a")
        await quiet(pilot)
        sheet = pilot.app._main.query_one(Sheet)
        assert sheet.grid.picture == (0, 0)
        assert all((each.width, each.height) == pilot.app._main.query_one(Picture).wanted for each in sent)
        assert bool(sent) == (choices.preview == "blocks")

    opened(story, choices)


@pytest.mark.parametrize(
    "size", [(200, 60), (80, 24), *(pytest.param(size, marks=pytest.mark.slow) for size in ((60, 16), (30, 10))), (20, 6)]
)
def test_every_view_fits(opened, size):
    async def story(pilot, said, sent):
        main = pilot.app._main
        for key in ("c", "p", "plus", "J", "p", "c", "p", "c"):
            await pilot.press(key)
            await quiet(pilot)
            for widget in main.query("#table, #sheet, #side, #picture, #facts"):
                if widget.display and size[0] > 40:
                    assert widget.region.right <= size[0] and widget.region.bottom <= size[1]

    opened(story, size=size)


def test_what_was_refused_is_not_decoded_nor_a_link_before_the_engine_has_read_it(opened, tmp_path):
    async def story(pilot, said, sent):
        sent.clear()
        said.to_say = [ImageSkipped(NAMES[1], "The picture ends the program that reads it."), Ended()]
        (tmp_path / NAMES[3]).rename(tmp_path / "file")
        (tmp_path / NAMES[3]).symlink_to("file")
        said.to_say += [FolderChanged(changed=(NAMES[3],))]
        await until(pilot, lambda: pilot.app._main.session.rows.problems)
        pilot.app._main._pictures.forget({tmp_path / name for name in NAMES})
        for _ in range(4):
            await pilot.press("j")
            await quiet(pilot)
        assert {0, 2} & set(numbers(sent)) and not {1, 3} & set(numbers(sent))
        await pilot.press("k", "k", "k")
        await quiet(pilot)
        assert "ends the program" in pilot.app._main.query_one(Picture)._note

    opened(story)
