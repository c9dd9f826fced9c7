"""The model's history: in words, and on the screen, with a catalogue made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.catalogue import Catalogue, Version
from engine.events import ComparisonWorked, ModelRestored, ModelSaved, Score, VersionsCompared, VersionsNotCompared
from engine.journal import HELD, Verdict
from tests.pseudo_terminal import CATFLAP, PseudoTerminal
from tests.tui.test_live import Folder, server
from tests.tui.test_main import LABELS, ROWS, key, names, opened, predicted, until
from tui import history
from tui.comparison import Comparison, Right, compared
from tui.messages import Compare, Ended, Live, Restore
from tui.status import differing
from tui.table_rows import DIFFERS, TableRows
from tui.text import width
from tui.widgets.lines import Title
from tui.widgets.page import Page

__all__ = ["opened", "server"]

RETRAINED = Version(1, "b", "0001.mlmodel", 1_700_000_000.0, "retrained", "edit", 12, 11, 28, 2, 28, 37, 10, 7, 9, 0.0)
KEPT = (
    Version(0, "a", "0000.mlmodel", 1_690_000_000.0, "original", restored_at=1_710_000_000.0),
    RETRAINED,
    Version(2, "c", "0002.mlmodel", 1_700_100_000.0, "changed outside"),
)


@pytest.fixture
def kept(tmp_path):
    """Three versions; the app says that 0 is the present one until it hears of another."""
    (tmp_path / ".catflap").mkdir()

    def keep(*versions):
        with Catalogue(tmp_path / ".catflap" / "catalogue.db") as catalogue:
            for version in versions:
                catalogue.put_version(version)

    keep(*KEPT)
    return keep


@pytest.fixture(autouse=True)
def no_haste(monkeypatch):
    monkeypatch.setattr("tui.screens.choose.HASTE_S", 0.0)


def page(pilot):
    return pilot.app.screen.query_one(Page).text


def answer(first=0, second=1, images=5, said=((0, 1, 1, 2, 1), (0, 0, 1, 1, 1))):
    """What the engine says at the end of a comparison of the stand-in's five images."""
    return VersionsCompared(first, second, tuple(map(key, range(images))), LABELS, np.array(said, np.int16))


# In words.


def test_where_two_versions_differ_and_which_is_right():
    """Seven pictures: on one of them the second says nothing; one verdict is of a picture that is gone."""
    event = VersionsCompared(
        3, 5, tuple(map(key, range(7))), ("Cat", "Dog", "Hare"),
        np.array([[0, 1, 1, 2, 1, 0, 0], [0, 0, 1, 1, 1, 0, -1]], np.int16),
    )  # fmt: skip
    given = {0: "Cat", 1: "Cat", 2: "Hare", 3: "Hare", 6: "Cat", 9: "Dog"}
    verdicts = {key(n): Verdict(key(n), label, "Cat", 0) for n, label in given.items()}
    verdicts[key(4)] = Verdict(key(4), "Dog", "Cat", 0, HELD)
    verdicts[key(5)] = Verdict(key(5), "Dog", "Cat", 0, HELD)
    found = compared(event, verdicts)
    assert found.differing == {key(1): ("Dog", "Cat"), key(3): ("Hare", "Dog")}
    assert (found.compared, found.right, found.held) == (6, Right(4, 2, 2, 1), Right(2, 1, 1))
    apart = compared(event, verdicts, {key(1), key(3)})
    assert (apart.right, apart.held) == (Right(2, 1, 1), Right(4, 2, 2, 1))
    assert history.outcome(found) == [
        "Versions 3 and 5 differ on 2 of 6 pictures: 1 Dog → Cat; 1 Hare → Dog.",
        "Right on verdicts, learned or not: version 3 on 2 of 4, version 5 on 2 of 4: "
        "+0 points (-57 to +57, which may be chance).",
        "Of what is held out: version 3 on 1 of 2, version 5 on 1 of 2: +0 points (-49 to +49, which may be chance).",
    ]


def test_many_kinds_of_differences_are_summed_up():
    pairs = ["ab"] * 2 + ["ba"] * 4 + ["ca"] * 3 + ["ac"] + ["\x1bb"]
    found = Comparison(1, 2, ended=True, compared=20, differing={key(n): tuple(pair) for n, pair in enumerate(pairs)})
    line, nothing = history.outcome(found)
    assert line == "Versions 1 and 2 differ on 11 of 20 pictures: 4 b → a; 3 c → a; 2 a → b; 2 others."
    assert nothing == "No verdict says yet which of them is right."
    same = history.outcome(replace(found, differing={}))[0]
    assert same == "Versions 1 and 2 give each of 20 pictures the same label."
    hostile = replace(found, differing={key(1): ("\x1b[2J", "b")})
    assert "\\x1b[2J → b" in history.outcome(hostile)[0]


def test_everything_that_is_known_of_a_version_is_told():
    lines = history.told(RETRAINED, True)
    assert lines == [
        f"Version 1, the present one: retrained (edit) · {history.when(RETRAINED.at)}",
        "Trained on 40 verdicts: 11 of 12 flips learned, 2 of 28 accepted broken.",
        "Right on 28 of 40 before, 37 of 40 after.",
        "Of what is held out, right on 7 of 10 before, 9 of 10 after.",
    ]
    assert history.told(KEPT[0], False)[-1] == f"Restored {history.when(1_710_000_000.0)}."


def test_dates_are_local(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Pacific/Honolulu")
    time.tzset()
    try:
        assert history.when(1_700_000_000.0) == "2023-11-14 12:13"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert history.when(0.0) == ""


@pytest.mark.parametrize(
    ("versions", "present", "expected"),
    [
        ((), 0, [(0, "original")]),
        (KEPT, 1, [(2, "changed outside"), (1, "retrained"), (0, "original")]),
        (KEPT[:2], 2, [(2, "changed outside"), (1, "retrained"), (0, "original")]),
    ],
)
def test_the_present_one_is_listed_even_where_it_is_not_kept_yet(versions, present, expected):
    assert [(each.version, each.origin) for each in history.shown(versions, present)] == expected


@pytest.mark.parametrize("cells", [10, 52, 72, 192])
def test_as_many_columns_as_fit(cells):
    lines = history.table([*KEPT, replace(RETRAINED, correct_before=12_345, flips=20_000)], cells)
    assert len(lines) == 5
    assert len({width(line) for line in lines}) == 1
    assert width(lines[0]) <= cells
    wanted = {10: [], 52: ["date", "from"], 72: ["date", "from", "right"], 192: ["restored", "held out", "broken"]}[cells]
    assert all(name in lines[0] for name in wanted)


# On the screen.


def test_before_the_first_promotion(opened):
    async def story(pilot, said, journal):
        await pilot.press("h")
        await pilot.pause()
        assert history.ORIGINAL in page(pilot)
        assert "Version 0, the present one: original" in page(pilot)
        await pilot.press("r")
        assert "Version 0 is the present one." in page(pilot)
        await pilot.press("space", "j", "space", "h")
        assert len(pilot.app.screen_stack) == 1
        assert said.asked == []

    opened(story)


def lines_of(pilot, mark):
    return [line for line in page(pilot).split("\n") if mark in line[:3]]


def test_versions_newest_first_and_any_of_them_back(opened, kept):
    async def story(pilot, said, journal):
        await pilot.press("h")
        await pilot.pause()
        listed = [line.split()[-5:] for line in page(pilot).split("\n")[2:5]]
        assert [line[-2:] == ["changed", "outside"] for line in listed] == [True, False, False]
        assert "Version 0, the present one" in page(pilot), "the cursor begins on it"
        assert "▸●" in lines_of(pilot, "●")[0]
        await pilot.press("k")
        assert "Right on 28 of 40 before, 37 of 40 after." in page(pilot)
        assert "28→37 of 40" in page(pilot)
        await pilot.press("r")
        question = str(pilot.app.screen.query("Static").first().content)
        assert "Make version 1 the present model again" in question and "Version 0 (original" in question
        await pilot.press("enter", "n")
        assert said.asked == []
        await pilot.press("enter", "y")
        assert len(pilot.app.screen_stack) == 1
        (asked,) = said.asked
        assert isinstance(asked, Restore) and asked.version == 1
        assert "being restored" in pilot.app._main.session.notice
        said.to_say = [ModelRestored(1), predicted(ROWS, 1), Ended()]
        await until(pilot, lambda: pilot.app._main.session.version == 1)
        assert "Version 1 is back" in pilot.app._main.session.notice

    opened(story)


def test_a_restore_ends_live(opened, kept):
    async def story(pilot, said, journal):
        await pilot.press("x", "l", "h", "k", "r", "y")
        assert [type(each) for each in said.asked] == [Live, Restore]
        assert not pilot.app._main.session.live
        assert "being restored" in pilot.app._main.session.notice
        await pilot.press("x")
        await pilot.pause(0.1)
        assert len(said.asked) == 2

    opened(story)


def test_two_are_compared_and_their_differences_shown(opened, kept):
    async def story(pilot, said, journal):
        await pilot.press("g", "2", "h", "space")
        assert "Version 0 is marked" in page(pilot)
        assert len(lines_of(pilot, "+")) == 1
        await pilot.press("space", "space", "k", "c")
        assert said.asked == [Compare(0, 1)]
        assert "Comparing versions 0 and 1 ..." in page(pilot)
        said.to_say = [ComparisonWorked(0, 1, 3, 5)]
        await until(pilot, lambda: "3 of 5 pictures" in page(pilot))
        assert "j k move" in page(pilot)
        said.to_say = [answer(), Ended()]
        await until(pilot, lambda: "differ on 2 of 5 pictures: 1 Dog → Cat; 1 Hare → Dog" in page(pilot))
        assert "version 0 on 1 of 1, version 1 on 0 of 1" in page(pilot)
        assert "Enter shows these" in page(pilot)
        await pilot.press("k")
        assert "Enter shows these" not in page(pilot)
        await pilot.press("j", "enter")
        main = pilot.app._main
        assert names(pilot) == ["image03.png", "image01.png"]
        assert "/ differ" in main.query_one(Title).content
        lines = [TableRows(main.session, main._order).line(at) for at in range(2)]
        assert [(line.state, differing(line, 16)) for line in lines] == [
            (DIFFERS, "v0 Hare, v1 Dog"),
            (DIFFERS, "v0 Dog, v1 Cat"),
        ]
        assert differing(lines[1], 9) == "Dog→Cat"
        await pilot.press("escape")
        assert len(names(pilot)) == 5
        assert DIFFERS not in [TableRows(main.session, main._order).line(at).state for at in range(5)]
        await pilot.press("h", "o")
        assert names(pilot) == ["image03.png", "image01.png"]

    opened(story)


def test_what_cannot_be_compared_is_told(opened, kept):
    async def story(pilot, said, journal):
        await pilot.press("h", "space", "k", "k", "space")
        said.to_say = [VersionsNotCompared(0, 2, "Version 2 has \x1b other frozen layers."), Ended()]
        await until(pilot, lambda: "Version 2 has \\x1b other frozen layers." in page(pilot))
        await pilot.press("o")
        assert "Compare two versions first" in page(pilot)

    opened(story)


def test_a_retrain_meanwhile_is_listed_and_the_comparison_asked_for_again(opened, kept, tmp_path):
    async def story(pilot, said, journal):
        await pilot.press("x", "r", "h", "space", "k", "space")
        assert "retraining" in page(pilot)
        assert said.asked[1:] == [Compare(0, 1)]
        kept(replace(RETRAINED, version=3, digest="d"))
        score = Score(1, 1, 0.1)
        said.to_say = [ModelSaved(tmp_path / "m.mlmodel", 3, score, score), Ended()]
        await until(pilot, lambda: "4 versions" in page(pilot))
        assert [each for each in said.asked if isinstance(each, Compare)] == [Compare(0, 1)] * 2
        assert "Version 1: retrained (edit)" in page(pilot), "the cursor stays on its version"
        assert "3" in lines_of(pilot, "●")[0]
        said.to_say = [answer(), Ended()]
        await until(pilot, lambda: "differ on 2" in page(pilot))

    opened(story)


def test_a_comparison_that_was_stopped_is_forgotten(opened):
    async def story(pilot, said, journal):
        said.to_say = [ComparisonWorked(0, 1, 3, 5)]
        await until(pilot, lambda: pilot.app._main.session.comparison is not None)
        said.to_say = [Ended(stopped=True)]
        await until(pilot, lambda: pilot.app._main.session.comparison is None)

    opened(story)


def test_a_catalogue_that_cannot_be_read_is_told(opened, tmp_path):
    (tmp_path / ".catflap").mkdir()
    (tmp_path / ".catflap" / "catalogue.db").write_bytes(b"no database" * 100)

    async def story(pilot, said, journal):
        await pilot.press("h")
        assert len(pilot.app.screen_stack) == 1
        assert "catalogue.db' is damaged" in pilot.app._main.session.notice

    opened(story)


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (60, 16)])
def test_it_fits_and_scrolls(opened, kept, size):
    kept(*(replace(RETRAINED, version=n, digest=str(n)) for n in range(3, 80)))

    async def story(pilot, said, journal):
        await pilot.press("h")
        for keys in (("g",), ("G",), ("k", "space", "j", "space")):
            await pilot.press(*keys)
            await pilot.pause()
            lines = page(pilot).split("\n")
            assert len(lines) == size[1]
            assert max(map(width, lines)) <= size[0]
            assert "Esc back" in lines[-1]
            assert len(lines_of(pilot, "▸")) == 1
        assert "Comparing versions 0 and 1" in page(pilot)

    opened(story, size=size)


# In the engine's process, and all of it together.


def test_comparing_gives_way_to_a_retrain_and_to_the_scan(server, monkeypatch):
    monkeypatch.setattr(Folder, "compare", lambda self, *pair: self._steps(f"compare {pair}", 3, answer()), raising=False)
    play, log, _ = server
    play(Compare(0, 1), steps=3)
    assert log == ["scan begun", "scan done"]
    play(steps=1)
    play(Compare(0, 2), steps=1)
    play(Live({b"a": "Cat"}), steps=4)
    play(steps=4)
    kept = log[2:]
    assert kept == [
        "compare (0, 1) begun",
        "compare (0, 1) overtaken",
        "compare (0, 2) begun",
        "live 1 begun",
        "live 1 done",
        "compare (0, 2) done",
    ]
    play(Compare(1, 2), steps=1)
    play(Restore(0, 1.0), steps=1)
    assert log[-2:] == ["restore begun", "compare (1, 2) overtaken"], "it was of the model before"


def test_retrain_compare_and_restore_in_a_terminal(pictures, model_path):
    original = model_path.read_bytes()
    with PseudoTerminal([*CATFLAP, pictures, "--model", model_path, "--preview", "off"], 100, 24) as app:

        def press(keys, *expected):
            mark = len(app.said)
            app.send(keys)
            for words in expected:
                app.wait_for(words, since=mark)
            app.settle()

        app.wait_for(" %")
        app.settle()
        press("h", "Nothing was promoted yet")
        press("h", "24 images")
        press("xxa", "3 verdicts")
        press("r", "Saved as version 1")
        press("h", "2 versions", "Version 1, the present one", "Right on 1 of 3 before, 3 of 3 after")
        press(" j", "Version 0: original")
        press(" ", "Versions 0 and 1 differ on ", "version 0 on 1 of 3, version 1 on 3 of 3", "Enter shows these")
        press("\r", "/ differ", "v0 Cat, v1 Dog")
        press("m", "right on 3 of 3 verdicts, 100 %", "Your pace")
        press("\r", "1 of 24 images · 1 verdict: 1 Cat")
        press("h", "Versions 0 and 1 differ on ")
        press("jr", "Make version 0 the present model again")
        app.settle(quiet=0.7)
        press("y", "version 0", "Version 0 is back")
        app.send("q")
        assert app.wait() == 0
    assert model_path.read_bytes() == original
