"""Keys that a person chose, the first hint, the palette, a mouse, small screens: by Pilot."""

import pytest
from textual.command import CommandPalette
from textual.widgets import Static

from engine.events import Retrained, RoomAsked, Score
from engine.head import Head
from tests.tui.test_main import cursor_name, given, names, no_haste, opened, table_of, until
from tui.commands import COMMANDS, shown, with_keys
from tui.messages import Ended, Retrain
from tui.screens.choose import Choose
from tui.screens.help import Help, help_text
from tui.settings import Choices
from tui.widgets.lines import Notice, Title
from tui.widgets.picture import Picture

__all__ = ["no_haste", "opened"]

OWN = Choices(
    keys={
        "accept": ("y",), "flip": ("a",), "undo": ("f5",), "retrain": ("semicolon",), "help": ("b",), "quit": (),
        "stop": ("backspace",), "palette": ("f2",), "live": (), "room": ("R",), "label_3": ("z",),
    }
)  # fmt: skip


def notice(pilot):
    return pilot.app._main.query_one(Notice).content


def footer(pilot):
    return {each.key_display: each.description for each in pilot.app.screen.query("FooterKey")}


def test_keys_that_were_chosen_do_and_those_of_old_do_not(opened):
    async def story(pilot, said, journal):
        await pilot.press("y")
        assert given(journal) == {1: "Cat"}
        await pilot.press("x", "enter", "u", "r", "3", "q", "ctrl+p")
        assert given(journal) == {1: "Cat"}
        assert said.asked == []
        await pilot.press("g", "a")
        assert given(journal) == {1: "Dog"}
        await pilot.press("f5")
        assert given(journal) == {1: "Cat"}
        await pilot.press("z")
        assert given(journal) == {1: "Hare"}
        await pilot.press("semicolon")
        assert isinstance(said.asked[-1], Retrain)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))

    opened(story, choices=OWN)


def test_keys_that_textual_has_for_itself_can_be_had(opened):
    async def story(pilot, said, journal):
        for number, name in enumerate(("tab", "shift+tab", "ctrl+a", "alt+x", "backspace", "pageup", "delete"), 1):
            await pilot.press("g", name)
            assert pilot.app._main.session.notice == f"There is no label {number + 3}: the model has 3."

    taken = ("tab", "shift+tab", "ctrl+a", "alt+x", "backspace", "pageup", "delete")
    keys = {f"label_{number + 3}": (name,) for number, name in enumerate(taken, 1)}
    opened(story, choices=Choices(keys=keys | {"page_up": ("pagedown",), "page_down": ("ctrl+d",)}))


def test_footer_help_and_notices_show_the_keys_that_are_bound(opened):
    async def story(pilot, said, journal):
        assert notice(pilot) == " b shows all keys: y accepts the label, a flips it, f5 takes it back, ; retrains."
        await until(pilot, lambda: "y" in footer(pilot))
        said_below = footer(pilot)
        assert [said_below[each] for each in ("y", "a", ";", "b")] == ["Accept", "Flip", "Retrain", "Help"]
        others = [each.name for each in COMMANDS if each.footer and each.id not in ("help", "quit")]
        assert list(said_below.values()) == ["Help", *others]
        await pilot.press("semicolon")
        assert "y accepts, a flips" in notice(pilot)
        await pilot.press("v")
        assert "backspace ends it" in notice(pilot)
        await pilot.press("j", "y")
        assert "f5 takes them back" in notice(pilot)
        await pilot.app.run_action("live()", pilot.app._main)
        assert "; keeps it, Live (palette) ends it" in notice(pilot)
        await pilot.press("b")
        text = str(pilot.app.screen.query_one(Static).render())
        for line in (
            "  y            The predicted",
            "  ;            Retrain",
            "  (palette)    Leave",
            "  z            Give label number 3",
        ):
            assert line in text
        await pilot.press("b")
        assert not isinstance(pilot.app.screen, Help)

    opened(story, choices=OWN)


def test_usual_keys_are_in_the_help_as_they_were():
    assert "1 ... 9, 0" in help_text()
    assert "1 ... 9, 0" not in help_text(with_keys({"label_3": ("z",)}))
    assert all(command.help in help_text(with_keys({"label_3": ("z",)})) for command in COMMANDS)


def test_the_palette_has_every_command(opened):
    async def story(pilot, said, journal):
        offered = {each.title: each.help for each in pilot.app.get_system_commands(pilot.app.screen)}
        assert list(offered) == [command.name for command in COMMANDS if command.id != "palette"]
        for command in with_keys(OWN.keys):
            if command.id != "palette":
                assert (f"({shown(command)})" if command.keys else command.help) in offered[command.name]
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.press(*"flip", "enter")
        await until(pilot, lambda: given(journal) == {1: "Dog"})
        for each in pilot.app.get_system_commands(pilot.app.screen):
            if each.title == "Help":
                await each.callback()
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))

    opened(story, choices=OWN)


def test_room_and_theme_are_commands_like_others(opened):
    async def story(pilot, said, journal):
        said.to_say = [RoomAsked(5, 50, 25, 1000), Ended()]
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("n", "R")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("n")
        pilot.app.theme = "high-contrast"
        await until(pilot, lambda: 'theme = "high-contrast" below [look]' in notice(pilot))
        await pilot.app.run_action("theme()", pilot.app._main)
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))

    opened(story, choices=OWN)


def test_the_hint_goes_with_the_first_key_and_stays_away_with_a_verdict(opened):
    async def first(pilot, said, journal):
        assert "? shows all keys" in notice(pilot)
        await pilot.press("j")
        assert notice(pilot).strip() == ""
        await pilot.press("a")

    async def later(pilot, said, journal):
        assert notice(pilot).strip() == ""

    opened(first)
    opened(later)


def test_the_hint_comes_again_where_nothing_was_said(opened):
    async def story(pilot, said, journal):
        assert "? shows all keys" in notice(pilot)
        await pilot.press("f9")
        assert notice(pilot).strip() == ""

    opened(story)
    opened(story)


def test_the_order_is_the_one_chosen(opened):
    async def story(pilot, said, journal):
        assert "· name" in pilot.app._main.query_one(Title).content
        assert names(pilot) == sorted(names(pilot))
        await pilot.press("s")
        assert "· newest" in pilot.app._main.query_one(Title).content

    opened(story, choices=Choices(order="name"))


def test_a_click_on_the_titles_order_sorts_and_elsewhere_opens_the_palette(opened):
    async def story(pilot, said, journal):
        title = pilot.app._main.query_one(Title)
        at = title.content.index("changed")
        await pilot.click(Title, (at, 0))
        assert names(pilot) == sorted(names(pilot))
        assert title.content[at:].strip() == "name"
        await pilot.click(Title, (at + 3, 0))
        assert title.content[at:].strip() == "newest"
        await pilot.click(Title, (at + 7, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))

    opened(story, size=(120, 24), choices=Choices(order="changed"))


def test_clicks_on_rows_footer_and_picture(opened):
    async def story(pilot, said, journal):
        main, table = pilot.app._main, table_of(pilot)
        await pilot.click(table, (5, 3))
        assert cursor_name(pilot) == "image02.png"
        assert "shows all keys" not in notice(pilot)
        below = {each.description: each for each in pilot.app.screen.query("FooterKey")}
        await pilot.click(below["Flip"])
        await until(pilot, lambda: given(journal) == {2: "Hare"})
        assert not main.has_class("-large")
        await pilot.click(table, (5, 1), times=2)
        assert main.has_class("-large")
        assert cursor_name(pilot) == "image01.png"
        await pilot.pause()
        await pilot.click(Picture)
        assert not main.has_class("-large")
        await pilot.click(Picture)
        assert main.has_class("-large")
        await pilot.press("question_mark")
        await pilot.click(Static)
        assert not isinstance(pilot.app.screen, Help)

    opened(story, size=(120, 24))


def test_a_click_on_an_answer_is_its_key(opened):
    async def story(pilot, said, journal):
        worse = Retrained(Head(()), 1, 0, 1, 0, 1, Score(1, 2, 0.5), Score(0, 2, 0.9))
        for word, answer in (("keep the present", 0), ("use the new", 1)):
            said.to_say = [worse, Ended()]
            await until(pilot, lambda: isinstance(pilot.app.screen, Choose) and pilot.app.screen.query(Static))
            await pilot.pause()
            lines = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
            (y,) = [at for at, line in enumerate(lines) if word in line]
            await pilot.click(offset=(1, 1))
            assert isinstance(pilot.app.screen, Choose)
            await pilot.click(offset=(lines[y].index(word) + 3, y))
            assert not isinstance(pilot.app.screen, Choose)
            assert len(said.asked) == answer

    opened(story)


@pytest.mark.parametrize(
    "size",
    [*(pytest.param(size, marks=pytest.mark.slow) for size in ((60, 16), (49, 12), (8, 3))), (40, 10), (20, 6), (1, 1)],
)
def test_small_screens_break_nothing(opened, size):
    async def story(pilot, said, journal):
        main, table = pilot.app._main, table_of(pilot)
        assert table.size.width <= size[0]
        await pilot.press("j", "a", "x", "p", "p", "p", "v", "j", "escape", "slash", *"image", "enter", "escape", "s")
        assert len(given(journal)) == 2
        worse = Retrained(Head(()), 1, 0, 1, 0, 1, Score(1, 2, 0.5), Score(0, 2, 0.9))
        said.to_say = [worse, Ended()]
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("n", "question_mark", "j", "escape", "ctrl+p", "escape")
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert main.query_one("#side").region.x >= table.region.right
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.press("g")
        assert table.cursor == 0
        for strip in pilot.app.screen._compositor.render_strips():
            assert strip.cell_length == size[0]

    opened(story, size=size)


def test_where_there_is_little_room_the_table_has_it(opened):
    async def story(pilot, said, journal):
        table = table_of(pilot)
        await until(pilot, lambda: table.size.width == 40)
        assert "Cat" in table._line(1).text and "%" in table._line(1).text
        await pilot.press("p")
        assert pilot.app._main.query_one(Picture).size.width >= 38

    opened(story, size=(40, 10))


def test_the_help_can_be_read_to_its_end_on_a_small_screen(opened):
    async def story(pilot, said, journal):
        await pilot.press("question_mark", *["j"] * 120)
        await pilot.pause()
        text = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        assert "Esc closes this." in text

    opened(story, size=(40, 10))
