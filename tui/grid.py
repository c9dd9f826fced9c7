"""How the contact sheet shares out its cells, and what stands below a thumbnail. No Textual here."""

from dataclasses import dataclass

from tui.rows import EXCLUDED
from tui.status import marks
from tui.table_rows import SKIPPED, WAITING, Line
from tui.text import fit, percent, width

LEAST_CELLS, MOST_CELLS = 16, 28
"""What a thumbnail takes of a line, about: on a narrow screen, and on a wide one."""
COLUMNS = 6
"""From so many on, thumbnails are larger rather than more."""
MOST_COLUMNS = 12
LEAST_LINES = 3
"""Of a place with a thumbnail."""
LOW = 6
"""Lines of a place at least, where that makes two lines of images out of one."""
SHAPE = 0.75
"""Height by width of most photographs."""
NAMED = 8
"""Lines of a place from which on one is for the file's name."""
CAPTION_CELLS = 24
"""A place without a thumbnail: its name and its caption."""
LEAST_WORD = 3
"""Cells of a long label that are left at least, before the percentage is left out."""
BAR = 1
"""The scrollbar's cell."""

WITHOUT = {SKIPPED: "skipped", WAITING: "waiting"}
"""What there is to say, by the state, where no label is given and none is predicted."""
WITHOUT_LABEL = {EXCLUDED: "excluded"}
"""Likewise, by the verdict."""


@dataclass(frozen=True)
class Grid:
    """Places for images, all of a size."""

    across: int
    down: int
    cells: int
    """Of a place, with the gap on its right."""
    lines: int
    """Of a place: thumbnail, perhaps the name, caption."""
    named: bool
    picture: tuple[int, int]
    """Width and height of a thumbnail in pixels; (0, 0) where there is none."""


def grid(cells: int, lines: int, pictures: bool) -> Grid:
    """Share out a room of so many cells and lines: one place at least."""
    cells = max(1, cells - BAR)
    if not pictures or lines < LEAST_LINES:
        named = lines > 1
        across = _fitting(cells, CAPTION_CELLS)
        return Grid(across, max(1, lines // (1 + named)), cells // across, 1 + named, named, (0, 0))
    across = _fitting(cells, min(MOST_CELLS, max(LEAST_CELLS, cells // COLUMNS)))
    width = cells // across
    # Two pixels to a line; and the caption.
    down = min(lines // LEAST_LINES, max(1, min(2, lines // LOW), int(lines / (width * SHAPE / 2 + 1))))
    height = lines // down
    named = height >= NAMED
    return Grid(across, down, width, height, named, (max(1, width - 1), 2 * (height - 1 - named)))


def _fitting(cells: int, wanted: int) -> int:
    return min(MOST_COLUMNS, max(1, cells // wanted))


def caption(line: Line, labels: tuple[str, ...], under_cursor: bool, cells: int) -> tuple[str, str]:
    """Signs and label, `▸✓ Cat`, `▸✗ Dog≠Cat`; and how sure, `    93 %`, or why it stands there, `  group 2`.

    `labels` are safe to show. Both together fill the cells.
    """
    mark = marks(line, under_cursor)
    room = max(0, cells - width(mark))
    says = labels[line.predicted] if line.predicted >= 0 else ""
    given = labels[line.verdict] if line.verdict >= 0 else ""
    words = given or WITHOUT.get(line.state) or WITHOUT_LABEL.get(line.verdict, says)
    place = line.place if line.telling else ""
    against = f"{given}≠{says}" if given and says and given != says else ""
    if against and width(against) + bool(place) + width(place) <= room:
        words = against
    why = place or (percent(line.share) if says and words in (given, says, against) else "")
    least, left = width(words) if words == against else min(width(words), LEAST_WORD), room - width(why) - 1
    label, rest = (fit(words, left), f" {why}") if why and left >= least else (fit(words, room), "")
    shown = label.rstrip()
    return mark + shown, label[len(shown) :] + rest
