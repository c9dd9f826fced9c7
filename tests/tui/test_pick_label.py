"""Labels by typing a part of them: what is found, by the names of ImageNet; the dialog, by Pilot and in a terminal."""

import pytest
from textual.widgets import OptionList

from engine.events import ModelOpened
from tests.pseudo_terminal import CATFLAP, PseudoTerminal, ready
from tests.tui.test_main import LABELS, ROWS, cursor_name, given, no_haste, opened, predicted, until
from tui.label_search import search
from tui.screens.pick_label import PickLabel

__all__ = ["no_haste", "opened"]

DOGS = (
    "Staffordshire bullterrier", "golden_retriever", "American Staffordshire terrier", "tabby, tabby cat",
    "giant-schnauzer", "retriever", "catamaran", "Straße", "bobcat",
)  # fmt: skip
MANY = (*(f"breed {letter}" for letter in "abcdefghijkl"), "Zebra")
CHANCES = [[0.01] * 12 + [0.88], [0.02] * 11 + [0.58, 0.2]]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("retriever", ["retriever", "golden_retriever"]),
        ("CAT", ["catamaran", "tabby, tabby cat", "bobcat", "American Staffordshire terrier"]),
        ("cat", ["catamaran", "tabby, tabby cat", "bobcat", "American Staffordshire terrier"]),
        ("schnauzer", ["giant-schnauzer"]),
        ("american staff", ["American Staffordshire terrier"]),
        ("gr", ["golden_retriever", "giant-schnauzer"]),
        ("retreiver", ["golden_retriever", "retriever"]),
        ("strasse", ["Straße"]),
        ("golden retrievers of the north and of the south", []),
        ("xylophone", []),
        ("  ", list(DOGS)),
    ],
)
def test_what_may_be_meant_comes_first(typed, found):
    assert [DOGS[at] for at in search(typed, DOGS)] == found


def test_labels_that_are_as_likely_stay_in_their_order():
    assert search("b", ("crab", "bb", "ba", "b")) == [3, 1, 2, 0]


def test_a_label_with_the_same_letters_many_times_is_no_work():
    long = "ab" * 2000
    assert search("ba" * 40 + "c", (long, long + "c")) == [1, 0]


def lines(pilot):
    listed = pilot.app.screen.query_one(OptionList)
    return [str(listed.get_option_at_index(at).prompt) for at in range(listed.option_count)]


def test_a_label_beyond_ten_by_typing(opened):
    async def story(pilot, said, journal):
        await until(pilot, lambda: cursor_name(pilot) == "image01.png")
        await pilot.press("t")
        assert lines(pilot)[:3] == ["breed l  58 %", "Zebra    20 %", "breed a  2 %  1"]
        await pilot.press(*"zebr")
        assert lines(pilot) == ["Zebra  20 %"]
        await pilot.press("enter")
        assert given(journal) == {1: "Zebra"}
        assert cursor_name(pilot) == "image00.png"
        await pilot.press("t", "down", "down", "up", "enter")
        assert given(journal) == {1: "Zebra", 0: "breed a"}
        await pilot.press("u", "t", *"qqq")
        assert lines(pilot) == ["There is no such label."]
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PickLabel)
        await pilot.press("escape")
        assert given(journal) == {1: "Zebra"}

    opened(story, labels=MANY, rows=CHANCES)


def test_for_several_images_the_labels_are_in_the_model_s_order(opened):
    async def story(pilot, said, journal):
        await pilot.press("V", "t")
        assert lines(pilot) == ["Cat   1", "Dog   2", "Hare  3"]
        await pilot.press("h", "enter")
        assert given(journal) == dict.fromkeys(range(len(ROWS)), "Hare")
        await pilot.press("u")
        assert given(journal) == {}

    opened(story)


def test_an_image_without_a_prediction_has_no_label_to_pick(opened):
    async def story(pilot, said, journal):
        await pilot.press("slash", *"nothing at all", "enter", "t")
        assert not isinstance(pilot.app.screen, PickLabel)
        assert pilot.app._main.session.notice == "There is no image here."

    opened(story)


def test_a_new_label_comes_after_those_that_may_be_meant(opened):
    async def story(pilot, said, journal):
        said.to_say = [ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True, "", True), predicted(ROWS)]
        await until(pilot, lambda: pilot.app._main.session.learns_labels)
        await pilot.press("t", *"Ha")
        assert [line.split("  ")[0] for line in lines(pilot)] == ["Hare", "Ha"]
        await pilot.press("down", "enter")
        assert list(given(journal).values()) == ["Ha"]
        await pilot.press("t", *"Hare")
        assert len(lines(pilot)) == 1
        await pilot.press("escape")

    opened(story)


def test_a_click_gives_the_label(opened):
    async def story(pilot, said, journal):
        await pilot.press("t")
        await pilot.click(OptionList, offset=(2, 1))
        assert list(given(journal).values()) == [lines_before[0]]

    lines_before = ["Dog"]
    opened(story, rows=[[0.5, 0.3, 0.2]])


def test_text_that_hides_is_shown_as_it_is_and_given_as_it_was(opened):
    hidden = "\x1b[31mRed"

    async def story(pilot, said, journal):
        await pilot.press("t")
        assert lines(pilot)[0].startswith("\\x1b[31mRed  70 %")
        await pilot.press("enter")
        assert list(given(journal).values()) == [hidden]

    opened(story, labels=("Cat", hidden), rows=[[0.3, 0.7]])


def test_keys_that_come_many_at_once_are_all_typed(pictures, model_path):
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path]) as app:
        ready(app)
        app.send("taxqueu")
        app.wait_for("axqueu")
        app.settle()
        assert "0 verdicts" in app.text
        assert "There is no such label" in app.text
        app.send("\x1b")
        app.settle()
        app.send("q")
        assert app.wait() == 0
