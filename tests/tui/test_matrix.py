"""The confusion matrix: against scikit-learn, in lines, and on the screen."""

import numpy as np
import pytest

from engine.events import FolderChanged, ImagesPredicted, ModelOpened
from engine.journal import Verdict
from tests.tui.test_main import key, names, opened, predicted, until
from tui import matrix_lines
from tui.filters import wanted
from tui.matrix import Matrix, cell_filter, matrix
from tui.session import Session
from tui.text import width
from tui.widgets.lines import Title
from tui.widgets.page import Page

__all__ = ["opened"]

AWKWARD = (
    "Cat",
    "cat",
    "New York",
    "it's",
    'the "big" one',
    "back\\slash $HOME `x`",
    "-wrong",
    "wrong",
    "<60%",
    "a:b",
    "you:Cat",
)
"""Labels that a filter could take for something else."""


def content(number):
    return number.to_bytes(16, "big")


def labelled(labels, images=211, seed=0):
    """A session: every third image is a copy, two thirds have a verdict; and verdict and prediction by picture."""
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(len(labels)), images).astype(np.float32)
    keys = [content(n - 1 if n % 3 == 2 else n) for n in range(images)]
    rows[2::3] = rows[1::3][: len(rows[2::3])]
    paths = tuple(f"image{n:03d}.png" for n in range(images))
    session = Session()
    for event in (
        ModelOpened("m.mlmodel", labels, 0, (9, 7), True),
        FolderChanged(added=(*paths, "unread.png")),
        ImagesPredicted(paths, tuple(keys), tuple(range(images)), rows, 0),
    ):
        session = session.after(event)
    says = {each: labels[int(row.argmax())] for each, row in zip(keys, rows, strict=True)}
    pictures = list(says)
    given = {
        each: says[each] if rng.random() < 0.5 else str(rng.choice(labels)) for each in pictures[: len(pictures) * 2 // 3]
    }
    verdicts = {each: Verdict(each, label, says[each], 0) for each, label in given.items()}
    verdicts[content(9999)] = Verdict(content(9999), labels[0], labels[1], 0)  # its image is gone
    return session.judged(verdicts, verdicts), given, says


@pytest.mark.parametrize("labels", [("Cat", "Dog"), tuple(f"label {n}" for n in range(7)), AWKWARD])
def test_counts_precision_and_recall_are_those_of_scikit_learn(labels):
    metrics = pytest.importorskip("sklearn.metrics")
    session, given, says = labelled(labels)
    found = matrix(session)
    true, predicted_ones = list(given.values()), [says[each] for each in given]
    np.testing.assert_array_equal(found.counts, metrics.confusion_matrix(true, predicted_ones, labels=list(labels)))
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        true, predicted_ones, labels=list(labels), zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_array_equal(found.given, support)


def test_a_label_that_nobody_gives_has_no_recall():
    found = Matrix(("a", "b", "c"), np.array([[2, 1, 0], [0, 0, 0], [0, 4, 0]]))
    assert np.isnan(found.recall).tolist() == [False, True, False]
    assert np.isnan(found.precision).tolist() == [False, False, True]
    assert found.mistakes() == [(2, 1), (0, 1)]
    assert matrix(Session()).counts.shape == (0, 0)


@pytest.mark.parametrize(("counts", "few"), [((40, 4), []), ((40, 3), [1]), ((0, 0), []), ((0, 5), [0])])
def test_under_a_tenth_of_the_largest_is_few(counts, few):
    found = Matrix(("a", "b"), np.diag(counts))
    assert np.flatnonzero(found.few).tolist() == few
    assert bool(matrix_lines.few_words(found)) == bool(few)


@pytest.mark.parametrize("labels", [AWKWARD, ("Cat", "Dog"), ("\nx", "\x1b[2J", "\u202eabc")])
def test_a_cell_shows_exactly_its_images(labels):
    session, given, says = labelled(labels)
    contents = session.rows.contents
    for verdict in labels:
        for said in labels:
            shown = np.flatnonzero(wanted(session, cell_filter(verdict, said))).tolist()
            expected = [row for row in range(211) if (given.get(contents[row]), says[contents[row]]) == (verdict, said)]
            assert shown == expected, (verdict, said)


LABELS = {
    "two": ("Cat", "Dog"),
    "thirty": tuple(f"label{n:02d}" for n in range(30)),
    "long": tuple(f"{n:02d} the label of forty characters, or so, {n:02d}" for n in range(13)),
    "alike": tuple(f"the label of forty characters, number {n:02d}" for n in range(13)),
    "wide": tuple(f"\u732b\u72ac\u514e {n} \u65e5\u672c\u8a9e" for n in range(5)),
}


@pytest.mark.parametrize("cells", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
@pytest.mark.parametrize("largest", [3, 12_345])
def test_lines_share_out_the_cells(cells, labels, largest):
    counts = np.random.default_rng(0).integers(0, largest + 1, (len(labels), len(labels)))
    found = Matrix(labels, counts)
    plan = matrix_lines.plan(cells, labels, largest)
    head = matrix_lines.head(plan, 0, 0)
    assert 1 <= plan.columns <= len(labels)
    assert len(set(plan.names)) == len(labels), "columns can be told from one another"
    fits = cells >= 60 or plan.columns > 1
    assert not fits or width(head) <= cells
    for row in range(len(labels)):
        before = matrix_lines.label_of(plan, row, row == 1)
        inner = [words for words, _ in matrix_lines.cells_of(plan, found, row, 0)]
        assert {width(words) + 2 for words in inner} == {plan.cell}
        after, bar = matrix_lines.balance(plan, found, row)
        line = width(before) + plan.cell * plan.columns + width(after)
        assert line == width(head) - 9 * (plan.bar > 0)
        assert width(bar) == (plan.bar + 2) * (plan.bar > 0)
        assert not fits or line + width(bar) <= cells


def test_marks_tell_mistakes_without_colours():
    found = Matrix(("Cat", "Dog"), np.array([[12, 3], [0, 1]]))
    plan = matrix_lines.plan(80, found.labels, 12)
    rows = [[(words.strip(), wrong) for words, wrong in matrix_lines.cells_of(plan, found, row, 0)] for row in (0, 1)]
    assert rows == [[("12\u2713", False), ("3\u2717", True)], [("\u00b7", False), ("1\u2713", False)]]
    assert matrix_lines.balance(plan, found, 1)[0].split() == ["1!", "100", "%", "25", "%"]
    assert matrix_lines.few_words(found) == "! Few verdicts beside Cat 15: Dog 1."
    assert "right on 13 of 16 verdicts, 81 %. Your pace: 7.5 verdicts" in matrix_lines.total_words(found, 7.5)


def page(pilot):
    return pilot.app.screen.query_one(Page).text


def test_a_cell_is_found_and_opened(opened):
    async def story(pilot, said, journal):
        await pilot.press("m")
        assert len(pilot.app.screen_stack) == 1
        assert "Give some verdicts first" in pilot.app._main.session.notice
        await pilot.press("g", "2", "2", "x", "a", "a")
        await pilot.press("m")
        await pilot.pause()
        assert "1 picture; Enter shows it. You say Dog, the model says Cat." in page(pilot)
        await pilot.press("n")
        assert "You say Dog, the model says Hare." in page(pilot)
        await pilot.press("N", "left", "j")
        assert "No picture. You say Hare, the model says Cat." in page(pilot)
        await pilot.press("enter", "l", "k", "enter")
        assert len(pilot.app.screen_stack) == 1
        main = pilot.app._main
        shown = [(main.session.labels[main.session.rows.verdict[row]], int(row)) for row in main._order]
        assert shown == [("Dog", row) for _, row in shown] and shown
        assert {main.session.labels[main.session.rows.predicted_labels[row]] for _, row in shown} == {"Dog"}
        assert "/ you:Dog says:Dog" in main.query_one(Title).content
        await pilot.press("m")
        await pilot.pause()
        assert "You and the model say Dog." in page(pilot), "where it was left"
        await pilot.press("m", "escape")
        assert len(names(pilot)) == 5

    opened(story)


def test_it_follows_the_engine_while_it_is_open(opened):
    async def story(pilot, said, journal):
        await pilot.press("g", "2", "m")
        await pilot.pause()
        assert "right on 0 of 1 verdict" in page(pilot)
        said.to_say = [predicted([[0.1, 0.8, 0.1]], first=1)]
        await until(pilot, lambda: "right on 1 of 1 verdict" in page(pilot))
        said.to_say = [ModelOpened("m.mlmodel", ("Dog", "Hen"), 1, (9, 7), True), predicted([[0.1, 0.9]], 1, first=1)]
        await until(pilot, lambda: "right on 0 of 1 verdict" in page(pilot) and "Hen" in page(pilot))
        assert journal.in_force()[key(1)].label == "Dog"

    opened(story)


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (60, 16)])
@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
def test_it_fits_and_scrolls(opened, size, labels):
    rows = np.random.default_rng(1).dirichlet(np.ones(len(labels)), 5)

    async def story(pilot, said, journal):
        await pilot.press("a", "a", "x", "m")
        for move in ((0, 0), (99, 99), (-99, -99)):
            pilot.app.screen.action_move(*move)
            await pilot.pause()
            lines = page(pilot).split("\n")
            assert len(lines) == size[1]
            assert max(map(width, lines)) <= size[0]
            assert sum("[" in line for line in lines) == 2, "the column's name and the cell"
            assert "Esc back" in lines[-1]
            assert any(line.startswith("▸") for line in lines)

    opened(story, labels=labels, rows=rows, size=size)
