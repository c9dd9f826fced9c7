"""How the contact sheet shares out its room, and what its captions say."""

import numpy as np
import pytest
from rich.cells import cell_len

from engine.journal import EXCLUDED, HELD, IMPORTED, LABEL
from tui.grid import MOST_COLUMNS, caption, grid


@pytest.mark.parametrize("pictures", [True, False])
def test_places_fit_into_any_room(pictures):
    for cells in [*range(1, 60), 79, 80, 142, 200, 333, 500]:
        for lines in [*range(0, 30), 56, 120]:
            made = grid(cells, lines, pictures)
            assert 1 <= made.across <= MOST_COLUMNS and made.down >= 1
            assert made.across * made.cells <= max(1, cells - 1)
            assert made.down * made.lines <= max(1, lines)
            width, height = made.picture
            assert (width, height) == (0, 0) or (0 < width <= made.cells and 0 < height // 2 < made.lines)


@pytest.mark.parametrize(
    ("room", "across", "down"), [((57, 20), 3, 2), ((80, 20), 4, 2), ((142, 56), 6, 5), ((200, 56), 7, 4), ((40, 12), 2, 2)]
)
def test_usual_screens(room, across, down):
    made = grid(*room, True)
    assert (made.across, made.down) == (across, down)
    assert made.picture[0] > 12 and made.picture[1] >= 10


def test_words_alone_take_little_room():
    made = grid(80, 20, False)
    assert made.across * made.down == 30 and made.named and made.picture == (0, 0)


STATES = {
    "predicted": {},
    "right": {"verdicts": {0: 0}},
    "wrong": {"verdicts": {0: 1}},
    "changed": {"previous": {0: 1}},
    "new": {"arrived": (0,)},
    "skipped": {"problems": {0: "The file is empty."}},
}


@pytest.mark.parametrize("cells", [8, 12, 18, 27])
def test_no_two_states_differ_in_colour_alone(columns, cells):
    said = [
        "".join(caption(columns(("a",), [[0.7, 0.3]], **others).line(0), ("Cat", "Dog"), False, cells))
        for others in STATES.values()
    ]
    waiting = columns(("a",), [[np.nan, np.nan]]).line(0)
    said.append("".join(caption(waiting, ("Cat", "Dog"), False, cells)))
    said += [
        "".join(caption(waiting, ("Cat", "Dog"), True, cells)),
        "".join(caption(waiting._replace(marked=True), ("Cat", "Dog"), False, cells)),
    ]
    assert len(set(said)) == len(STATES) + 3
    assert {cell_len(each) for each in said} == {cells}


def test_what_captions_say(columns):
    labels = ("Cat", "Dog")
    line = columns(("a",), [[0.93, 0.07]], labels, verdicts={0: 1}).line(0)
    assert caption(line, labels, True, 18) == ("▸✗ Dog≠Cat", "    93 %")
    assert caption(line, labels, True, 12) == ("▸✗ Dog≠Cat", "  ")
    assert caption(line, labels, False, 9) == (" ✗ Dog", "   ")
    assert caption(line._replace(verdict=0), labels, False, 18) == (" ✓ Cat", "        93 %")


def test_the_kind_of_a_verdict_has_a_sign(columns):
    labels = ("Cat", "Dog")
    line = columns(("a",), [[0.93, 0.07]], labels, verdicts={0: 1}).line(0)
    kinds = {kind: caption(line._replace(kind=kind), labels, False, 18)[0] for kind in (LABEL, HELD, IMPORTED)}
    assert kinds == {LABEL: " ✗ Dog≠Cat", HELD: " ✗=Dog≠Cat", IMPORTED: " ? Dog≠Cat"}
    assert caption(line._replace(kind=EXCLUDED, verdict=-2), labels, True, 18) == ("▸– excluded", "       ")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(24, (" ✗ Dog≠Cat", "     ≠ group 1")), (18, (" ✗ Dog", "   ≠ group 1")), (12, (" ✗ Dog", "      "))],
)
def test_an_order_that_tells_why_says_so(columns, cells, expected):
    line = columns(("a",), [[0.93, 0.07]], ("Cat", "Dog"), verdicts={0: 1}).line(0)
    told = line._replace(place="≠ group 1", telling=True)
    assert caption(told, ("Cat", "Dog"), False, cells) == expected
    assert "group" not in "".join(caption(told._replace(telling=False), ("Cat", "Dog"), False, cells))


@pytest.mark.parametrize("cells", range(0, 40))
def test_captions_fit(columns, cells):
    labels = ("長い名前のラベル", "x" * 30)
    for verdict in (-1, 0, 1):
        line = columns(("a",), [[0.93, 0.07]], labels).line(0)._replace(verdict=verdict)
        if cells >= 3:
            assert cell_len("".join(caption(line, labels, False, cells))) == cells
