"""Colours: the themes of high contrast by WCAG's own formula, and what is left where there are none."""

import asyncio

import pytest
from textual.command import CommandPalette
from textual.theme import BUILTIN_THEMES

from engine.events import EpochEnded, FolderChanged, ImageSkipped, ModelOpened, TrainingBegan
from engine.journal import Journal
from tests.tui.test_main import LABELS, ROWS, Said, no_haste, predicted, until
from tui.app import Catflap
from tui.messages import Ended, Failed
from tui.screens.choose import Choice, Choose
from tui.screens.pick_label import PickLabel
from tui.settings import THEMES, Choices
from tui.themes import CONTRAST
from tui.widgets.picture import Picture
from tui.work import prepare

__all__ = ["no_haste"]

AAA = 7
"""WCAG 2.2, 1.4.6: text against what lies behind it."""
SIGN = 3
"""1.4.11: bars, handles, marks."""
DECORATION = "▔▁🔎"


def luminance(rgb):
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [each / 255 for each in rgb]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_gives_what_is_known_of_it():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_there_is_every_theme_that_may_be_named():
    assert set(THEMES) == {*BUILTIN_THEMES, *(theme.name for theme in CONTRAST)}


def play(tmp_path, choices, story, size=(100, 30)):
    """Run a coroutine on an app in which rows of every kind are on the screen."""
    prepare()

    async def run():
        said = Said()
        with Journal(tmp_path / "journal.db") as journal:
            app = Catflap(tmp_path, said, journal, choices)
            said.to_say = [
                ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True, ""),
                FolderChanged(added=predicted(ROWS).paths),
                predicted(ROWS),
                Ended(),
            ]
            async with app.run_test(size=size) as pilot:
                await until(pilot, lambda: len(app._main.session.rows) == len(ROWS))
                await pilot.press("a", "x", "v", "j")
                said.to_say = [
                    FolderChanged(added=("late.png", "bad.png")),
                    ImageSkipped("bad.png", "The file is empty."),
                    TrainingBegan("edit", 5, 10),
                    EpochEnded(1, 10, 0.5, 0.5),
                ]
                await until(pilot, lambda: app._main.session.rows.problems)
                await story(pilot, said)

    asyncio.run(run())


def segments(pilot):
    """Every segment with something to see, but those of the picture, and what a dialog leaves in the shade."""
    screen = pilot.app.screen
    inside = [each.region for each in screen.query("*") if each.display]
    pictures = [each.region for each in screen.query(Picture)]
    for y, strip in enumerate(screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            seen = any(region.contains(x, y) for region in inside) and not any(each.contains(x, y) for each in pictures)
            if segment.text.strip(DECORATION + " ") and seen:
                yield segment
            x += segment.cell_length


async def every_screen(pilot, said):
    """The main screen; with a problem; help; questions; the palette."""
    app = pilot.app
    yield "main"
    said.to_say = [Failed("The disk is full.", "Make room.")]
    await until(pilot, lambda: app._main.session.problem)
    yield "a problem"
    await pilot.press("question_mark")
    await pilot.pause()
    yield "help"
    await pilot.press("escape")
    for screen in (
        Choose("Which?", (Choice("y", "yes", True),), "no"),
        PickLabel("Which?", LABELS, ("70 %", "20 %", "10 %")),
    ):
        app.push_screen(screen)
        await pilot.pause()
        yield type(screen).__name__
        await pilot.press("escape")
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette))
    await pilot.press("l", "a")
    await until(pilot, lambda: "label number" in "".join(segment.text for segment in segments(pilot)))
    yield "palette"


@pytest.mark.parametrize("theme", [theme.name for theme in CONTRAST])
def test_high_contrast_is_high_everywhere(tmp_path, theme):
    async def story(pilot, said):
        async for screen in every_screen(pilot, said):
            found = list(segments(pilot))
            assert len(found) > 5, screen
            for segment in found:
                colours = segment.style.color.triplet, segment.style.bgcolor.triplet
                least = AAA if any(character.isalnum() for character in segment.text) else SIGN
                assert contrast(*colours) >= least, (screen, segment.text, *(each.hex for each in colours))
                assert not segment.style.dim, (screen, segment.text)

    play(tmp_path, Choices(theme=theme), story)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_the_usual_themes_can_be_read(tmp_path, theme):
    async def story(pilot, said):
        for segment in segments(pilot):
            colours = segment.style.color.triplet, segment.style.bgcolor.triplet
            assert contrast(*colours) >= SIGN, (segment.text, *(each.hex for each in colours))

    play(tmp_path, Choices(theme=theme), story)
