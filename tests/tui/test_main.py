"""The main screen by Pilot, with what the engine says put in by hand."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from engine.aside import Aside
from engine.events import (
    BatchEnded,
    EpochEnded,
    FolderChanged,
    ImageSkipped,
    ImagesPredicted,
    ModelOpened,
    ModelSaved,
    Retrained,
    Score,
    TrainingBegan,
)
from engine.head import Head
from engine.journal import Journal
from tui.app import Catflap
from tui.messages import Alike, Ended, Failed, Keep, Retrain, Stop
from tui.settings import Choices
from tui.widgets.lines import Counts, Notice, Title
from tui.widgets.picture import Picture
from tui.widgets.table import Table
from tui.widgets.training import Progress
from tui.work import prepare

LABELS = ("Cat", "Dog", "Hare")


class Said:
    """Stands for the engine's process: what it heard, and what it says."""

    def __init__(self):
        self.asked, self.to_say, self.started, self.running = [], [], [], False

    def start(self, again=False):
        self.started.append(again)
        self.running = True

    def close(self):
        self.running = False

    def ask(self, request):
        self.asked.append(request)

    def heard(self):
        said, self.to_say = self.to_say, []
        return said


def key(index):
    return bytes([index]) * 16


def predicted(rows, version=0, first=0):
    count = len(rows)
    names = tuple(f"image{first + index:02d}.png" for index in range(count))
    contents = tuple(key(first + index) for index in range(count))
    return ImagesPredicted(names, contents, tuple(range(count)), np.array(rows, np.float32), version)


ROWS = [[0.9, 0.08, 0.02], [0.4, 0.35, 0.25], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.05, 0.92, 0.03]]


@pytest.fixture
def opened(tmp_path):
    """Run a coroutine on an open app; gives it the app's pilot, the stand-in, and the journal."""

    prepare()

    def run(story, labels=LABELS, rows=ROWS, trainable="", size=(80, 24), choices=Choices()):  # noqa: B008
        async def play():
            said = Said()
            with Journal(tmp_path / "journal.db") as journal:
                app = Catflap(tmp_path, said, journal, choices)
                said.to_say = [
                    ModelOpened("model.mlmodel", labels, 0, (9, 7), not trainable, trainable),
                    FolderChanged(added=predicted(rows).paths),
                    predicted(rows),
                    Ended(),
                ]
                async with app.run_test(size=size) as pilot:
                    await until(pilot, lambda: app._main.session.labels == labels)
                    await story(pilot, said, journal)

        asyncio.run(play())

    return run


async def until(pilot, true):
    for _ in range(100):
        await pilot.pause(0.02)
        if true():
            return
    raise AssertionError("it never came true")


def names(pilot):
    main = pilot.app._main
    return [main.session.rows.names[row] for row in main._order]


def cursor_name(pilot):
    main = pilot.app._main
    return main.session.rows.names[main.query_one(Table).row]


def test_uncertain_first(opened):
    async def story(pilot, said, journal):
        assert names(pilot) == [f"image{n:02d}.png" for n in (1, 3, 2, 0, 4)]
        assert cursor_name(pilot) == "image01.png"

    opened(story)


def test_verdicts_are_kept_and_the_cursor_goes_on(opened):
    async def story(pilot, said, journal):
        await pilot.press("a", "x", "3", "space", "2")
        given = {image: verdict.label for image, verdict in journal.in_force().items()}
        assert given == {key(1): "Cat", key(3): "Dog", key(2): "Hare", key(4): "Dog"}
        assert [journal.in_force()[key(n)].flip for n in (1, 3, 2)] == [False, True, True]
        assert all(verdict.version == 0 for verdict in journal.in_force().values())

    opened(story)


def test_flip_goes_round_the_other_labels(opened):
    async def story(pilot, said, journal):
        for expected in ("Dog", "Hare", "Dog"):
            await pilot.press("g", "x")
            assert journal.in_force()[key(1)].label == expected

    opened(story)


def test_undo_and_redo_move_to_the_image(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "a", "u")
        assert set(journal.in_force()) == {key(1)}
        assert cursor_name(pilot) == "image03.png"
        await pilot.press("u", "u")
        assert "nothing to take back" in pilot.app._main.session.notice
        await pilot.press("U")
        assert set(journal.in_force()) == {key(1)}

    opened(story)


def test_next_open_skips_verdicts_and_bad_images(opened):
    async def story(pilot, said, journal):
        said.to_say = [ImageSkipped("image03.png", "The file is empty.")]
        await until(pilot, lambda: pilot.app._main.session.rows.problems)
        await pilot.press("g", "a", "g", "n")
        assert cursor_name(pilot) == "image02.png"
        await pilot.press("N")
        assert "No image without a verdict" in pilot.app._main.session.notice
        await pilot.press("g", "j", "x")
        assert "empty" in pilot.app._main.session.notice
        assert set(journal.in_force()) == {key(1)}

    opened(story)


def test_one_more_retrain_follows_however_often_it_is_asked_for(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "r", "r", "r", "r", "a")
        assert len(said.asked) == 1
        score = Score(1, 1, 0.1)
        said.to_say = [Retrained(Head(()), 1, 1, 0, 0, 0, score, score), ModelSaved(Path("m.mlmodel"), 1, score, score)]
        await until(pilot, lambda: len(said.asked) == 2)
        assert len(said.asked[0].verdicts) == 1 and len(said.asked[1].verdicts) == 2
        await pilot.press("r", "escape")
        await until(pilot, lambda: isinstance(said.asked[-1], Stop))
        said.to_say = [Ended(stopped=True)]
        await until(pilot, lambda: not pilot.app._main.session.busy)
        await pilot.pause(0.3)
        assert [type(each) for each in said.asked if not isinstance(each, Alike)] == [Retrain, Retrain, Stop]

    opened(story)


def test_excluded_and_held_out_pictures_are_not_learned(opened):
    async def story(pilot, said, journal):
        await pilot.press("e", "a", "H")
        assert "Give a label first" in pilot.app._main.session.notice
        await pilot.press("k", "H")
        kinds = {image[0]: verdict.kind for image, verdict in journal.in_force().items()}
        assert sorted(kinds.values()) == ["excluded", "held"]
        session = pilot.app._main.session
        assert (session.given, session.excluded) == (1, 1)
        assert "1 excluded" in str(pilot.app._main.query_one(Counts).content)
        await pilot.press("r")
        assert said.asked == [] and "verdicts first" in pilot.app._main.session.notice
        await pilot.press("a", "r")
        (request,) = said.asked
        (out,) = [image for image, verdict in journal.in_force().items() if verdict.kind == "excluded"]
        (held,) = [image for image, verdict in journal.in_force().items() if verdict.kind == "held"]
        assert set(request.verdicts) == set(journal.in_force()) - {out, held}
        assert request.aside == Aside({held: journal.in_force()[held].label}, frozenset({out, held}))

    opened(story)


def test_excluding_again_takes_it_back_and_a_held_out_picture_keeps_its_kind(opened):
    async def story(pilot, said, journal):
        await pilot.press("g", "e", "g", "e")
        assert not journal.in_force()
        await pilot.press("g", "a", "g", "H", "g", "x")
        (verdict,) = journal.in_force().values()
        assert verdict.kind == "held" and verdict.flip
        await pilot.press("g", "H")
        (verdict,) = journal.in_force().values()
        assert verdict.kind == "label" and verdict.flip

    opened(story)


def test_retrain_asks_with_all_verdicts_and_shows_what_came_of_it(opened):
    async def story(pilot, said, journal):
        await pilot.press("r")
        assert said.asked == []
        assert "verdicts first" in pilot.app._main.session.notice
        await pilot.press("x")
        assert pilot.app._main.session.notice == ""
        await pilot.press("a", "r")
        (request,) = said.asked
        assert isinstance(request, Retrain)
        assert request.verdicts == {key(1): "Dog", key(3): "Hare"}
        said.to_say = [TrainingBegan("edit", 5, 10), BatchEnded(1, 1, 1, 0.7), EpochEnded(1, 10, 0.5, 0.5)]
        await until(pilot, lambda: pilot.app._main.session.losses)
        await pilot.press("j", "a")
        assert len(journal.in_force()) == 3
        before, after = Score(1, 2, 0.9), Score(2, 2, 0.1)
        changed = [ROWS[0], [0.3, 0.6, 0.1], *ROWS[2:]]
        said.to_say = [
            Retrained(Head(()), 1, 1, 1, 1, 0, before, after),
            ModelSaved(Path("model.mlmodel"), 1, before, after),
            predicted(changed, 1),
            Ended(),
        ]
        at = cursor_name(pilot)
        await until(pilot, lambda: pilot.app._main.session.version == 1)
        session = pilot.app._main.session
        assert "1 of 1 flip learned, 0 of 1 accepted broken" in session.notice
        assert cursor_name(pilot) == at
        table = pilot.app._main.query_one(Table)
        text = "\n".join(table._line(y).text for y in range(8))
        assert "was Cat" in text

    opened(story)


def test_a_worse_challenger_is_the_persons_to_decide(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "r")
        worse = Retrained(Head(()), 1, 0, 1, 0, 1, Score(1, 2, 0.5), Score(0, 2, 0.9))
        for answer, asked in (("n", 1), ("y", 2)):
            said.to_say = [worse, Ended()]
            await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
            await pilot.press("enter", answer)
            assert len(pilot.app.screen_stack) == 1
            assert len(said.asked) == asked
        assert isinstance(said.asked[-1], Keep)

    opened(story)


def test_escape_stops(opened):
    async def story(pilot, said, journal):
        await pilot.press("escape")
        assert said.asked == []
        await pilot.press("x", "r", "escape")
        await until(pilot, lambda: isinstance(said.asked[-1], Stop))
        said.to_say = [Ended(stopped=True)]
        await until(pilot, lambda: not pilot.app._main.session.busy)
        assert "model is as it was" in pilot.app._main.session.notice
        assert "100 %" not in pilot.app._main.query_one(Progress).content

    opened(story)


def test_a_frozen_model_says_why_it_is_not_trained(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "r")
        assert said.asked == []
        assert pilot.app._main.session.notice == "It is frozen."

    opened(story, trainable="It is frozen.")


def test_a_failure_is_told_and_labelling_goes_on(opened):
    async def story(pilot, said, journal):
        await pilot.press("x", "r")
        said.to_say = [Failed("The disk is full.", "Make room.")]
        await until(pilot, lambda: pilot.app._main.session.problem)
        assert not pilot.app._main.session.busy
        await pilot.press("a")
        assert len(journal.in_force()) == 2

    opened(story)


def test_new_images_come_last_once_a_person_works(opened):
    async def story(pilot, said, journal):
        await pilot.press("j")
        said.to_say = [FolderChanged(added=("image05.png",)), predicted([[0.34, 0.33, 0.33]], first=5)]
        await until(pilot, lambda: len(names(pilot)) == 6)
        assert names(pilot)[-1] == "image05.png"
        assert "1 new: image05.png" in pilot.app._main.session.notice
        await pilot.press(*"sssssss")
        assert names(pilot)[0] == "image05.png"
        assert pilot.app._main.query_one(Title).order == "uncertain first"

    opened(story)


def test_images_that_go_take_their_row_along(opened):
    async def story(pilot, said, journal):
        await pilot.press("j", "j")
        at = cursor_name(pilot)
        said.to_say = [FolderChanged(removed=("image03.png",))]
        await until(pilot, lambda: len(names(pilot)) == 4)
        assert cursor_name(pilot) == at

    opened(story)


def test_copies_show_one_verdict(opened):
    async def story(pilot, said, journal):
        copy = ImagesPredicted(("copy.png",), (key(1),), (9,), np.array([ROWS[1]], np.float32), 0)
        said.to_say = [FolderChanged(added=("copy.png",)), copy]
        await until(pilot, lambda: "copy.png" in names(pilot))
        await pilot.press("g", "x")
        rows = pilot.app._main.session.rows
        assert rows.verdict[rows.at["copy.png"]] == rows.verdict[rows.at["image01.png"]] == 1
        assert sum(pilot.app._main.session.label_counts.values()) == 1

    opened(story)


def test_help_shows_every_command(opened):
    from tui.commands import COMMANDS
    from tui.screens.help import help_text

    async def story(pilot, said, journal):
        await pilot.press("question_mark")
        assert len(pilot.app.screen_stack) == 2
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1

    opened(story)
    assert all(command.help in help_text() for command in COMMANDS if not command.action.startswith("label("))
    assert "1 ... 9, 0" in help_text()
    assert max(map(len, help_text().splitlines())) <= 76


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (60, 16)])
def test_it_fits(opened, size):
    async def story(pilot, said, journal):
        table = pilot.app._main.query_one(Table)
        assert table.size.width + pilot.app._main.query_one("#side").size.width <= size[0]
        assert all(table._line(y).cell_length == table.size.width for y in range(8))
        for _ in range(3):
            await pilot.press("p")

    opened(story, size=size)


def test_a_new_key_gives_a_new_label_where_the_model_learns_labels(opened):
    async def story(pilot, said, journal):
        said.to_say = [ModelOpened("model.mlmodel", LABELS, 0, (9, 7), True, "", True), predicted(ROWS)]
        await until(pilot, lambda: pilot.app._main.session.learns_labels)
        first = cursor_name(pilot)
        await pilot.press("5")
        await pilot.press("4", *"Fox", "enter")
        await until(pilot, lambda: cursor_name(pilot) != first)
        assert [each.label for each in journal.in_force().values()] == ["Fox"]
        assert pilot.app._main.session.labels == (*LABELS, "Fox")
        await pilot.press("4")
        assert [each.label for each in journal.in_force().values()] == ["Fox", "Fox"]
        await pilot.press("5", "escape", "u")
        assert len(journal.in_force()) == 1
        said.to_say = [ModelOpened("model.mlmodel", ("Fox", *LABELS), 1, (9, 7), True, "", True)]
        await until(pilot, lambda: pilot.app._main.session.labels[0] == "Fox")
        rows = pilot.app._main.session.rows
        assert [rows.names[row] for row in range(len(rows)) if rows.verdict[row] == 0] == [first]

    opened(story)


def test_other_models_have_no_new_labels(opened):
    async def story(pilot, said, journal):
        await pilot.press("4")
        assert not journal.in_force()
        assert "There is no label 4" in pilot.app._main.session.notice

    opened(story)


@pytest.fixture(autouse=True)
def no_haste(monkeypatch):
    monkeypatch.setattr("tui.screens.choose.HASTE_S", 0.0)


def table_of(pilot):
    return pilot.app._main.query_one(Table)


def counts(pilot):
    return pilot.app._main.query_one(Counts).content


def given(journal):
    return {image[0]: verdict.label for image, verdict in journal.in_force().items()}


def test_a_range_gets_one_verdict_and_one_undo(opened):
    async def story(pilot, said, journal):
        await pilot.press("j", "v", "j", "j")
        marked = [table_of(pilot)._rows.line(at).marked for at in range(5)]
        assert marked == [False, True, True, True, False]
        assert "┃" in "".join(str(strip.text) for strip in table_of(pilot)._on_screen.values())
        await pilot.press("x")
        assert given(journal) == {3: "Dog", 2: "Hare", 0: "Dog"}
        assert "3 verdicts given" in pilot.app._main.session.notice
        assert not any(table_of(pilot)._rows.line(at).marked for at in range(5))
        await pilot.press("u")
        assert given(journal) == {}
        await pilot.press("g", "v", "G", "a")
        assert given(journal) == {n: label for n, label in zip(range(5), ("Cat", "Cat", "Dog", "Hare", "Dog"), strict=True)}

    opened(story)


def test_escape_ends_a_range_and_stops_nothing(opened):
    async def story(pilot, said, journal):
        for keys_pressed in (("v", "j"), ("V",)):
            await pilot.press(*keys_pressed, "escape")
            assert not any(table_of(pilot)._rows.line(at).marked for at in range(5))
        await pilot.press("x")
        assert len(given(journal)) == 1
        assert said.asked == []

    opened(story)


def test_a_filter_shows_some_and_escape_shows_all(opened):
    async def story(pilot, said, journal):
        await pilot.press("slash", *"<60")
        assert names(pilot) == ["image01.png", "image03.png"]
        await pilot.press("enter")
        assert "2 of 5 images · 0 verdicts" in counts(pilot)
        assert "/ <60" in pilot.app._main.query_one(Title).content
        await pilot.press("V", "1")
        assert given(journal) == {1: "Cat", 3: "Cat"}
        assert names(pilot) == ["image01.png", "image03.png"]
        assert "2 verdicts: 2 Cat · 1 flip" in counts(pilot)
        await pilot.press("escape")
        assert len(names(pilot)) == 5
        assert "5 images · 2 verdicts" in counts(pilot)
        await pilot.press("slash", *"flips", "enter")
        assert names(pilot) == ["image03.png"]
        await pilot.press("slash", "escape")
        assert len(names(pilot)) == 5

    opened(story)


def test_nothing_shown_takes_no_verdict(opened):
    async def story(pilot, said, journal):
        await until(pilot, lambda: pilot.app._main._drawn is not None)
        await pilot.press("slash", *"nowhere", "enter")
        assert names(pilot) == []
        await pilot.press("a", "V", "x", "v", "j", "a", "n", "G", "g")
        assert given(journal) == {}
        assert pilot.app._main._drawn is None
        assert pilot.app._main.query_one(Picture)._pixels is None
        await pilot.press("escape", "escape", "a")
        assert len(given(journal)) == 1

    opened(story)


def test_images_that_come_are_shown_if_they_are_wanted(opened):
    async def story(pilot, said, journal):
        await pilot.press("slash", *"image0 -image02", "enter")
        assert names(pilot) == [f"image{n:02d}.png" for n in (1, 3, 0, 4)]
        said.to_say = [FolderChanged(added=("image09.png", "other.png"), removed=("image03.png",)), Ended()]
        await until(pilot, lambda: "image09.png" in pilot.app._main.session.rows.at)
        assert names(pilot) == [f"image{n:02d}.png" for n in (1, 0, 4, 9)]
        said.to_say = [FolderChanged(added=("image08.png", "another.png")), Ended()]
        await until(pilot, lambda: "image08.png" in pilot.app._main.session.rows.at)
        assert names(pilot) == [f"image{n:02d}.png" for n in (1, 0, 4, 9, 8)]

    opened(story)


def test_a_verdict_for_many_leaves_the_cursor_and_what_is_not_predicted(opened):
    async def story(pilot, said, journal):
        said.to_say = [FolderChanged(added=("late.png",)), Ended()]
        await until(pilot, lambda: "late.png" in pilot.app._main.session.rows.at)
        await pilot.press("j", "V", "1")
        assert sorted(given(journal)) == [0, 1, 2, 3, 4]
        assert cursor_name(pilot) == "image03.png"

    opened(story)


def test_a_verdict_goes_on_to_the_next_without_one(opened):
    async def story(pilot, said, journal):
        await pilot.press("j", "j", "a", "g", "j", "a")
        assert cursor_name(pilot) == "image00.png"
        await pilot.press("a")
        assert cursor_name(pilot) == "image04.png"

    opened(story)


def test_what_is_typed_can_be_mended(opened):
    async def story(pilot, said, journal):
        await pilot.press("slash", *"dogx", "backspace")
        assert names(pilot) == ["image02.png", "image04.png"]
        assert "/ dog▏" in pilot.app._main.query_one(Notice).content
        await pilot.press("down", "ctrl+u")
        assert len(names(pilot)) == 5
        assert cursor_name(pilot) == "image04.png"
        await pilot.press(*"hare", "enter", "slash", *" <10", "enter")
        assert names(pilot) == []
        assert pilot.app._main.session.filter == "hare <10"

    opened(story)
