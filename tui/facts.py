"""What is known of the picture under the cursor, as lines of words. No Textual here."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tui.pictures import Answer
from tui.status import ROOMY, status, verdict_sign
from tui.table_rows import Line
from tui.text import bar, fit, percent, safe, size, width
from tui.zoom import WHOLE, Part

MOST_LABELS = 5
"""Labels whose probabilities are drawn, the most probable ones."""
LONGEST_LABEL = 20
LINES = ((18, 3), (12, 2), (8, 1), (0, 0))
"""By the height of the pane, from which on so many lines are for words."""


@dataclass(frozen=True, eq=False)
class Subject:
    """An image, and what is said of it."""

    line: Line
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """(labels,); may be shorter than `labels`, where verdicts brought more."""
    answer: Answer | None
    """Of the child that decodes; None while it is under way."""
    times: int = 1
    """How many times enlarged."""
    part: Part = WHOLE
    """What is seen of it."""
    keys: tuple[str, ...] = ()
    """What shows more of it to the left, to the right, below, above."""


def fact_lines(subject: Subject, cells: int, height: int, large: bool) -> list[str]:
    """Name, file, prediction and verdict for a pane of that size; where it is large, each label with a bar."""
    most = max(next(lines for least, lines in LINES if height >= least), int(large and height > 3))
    named, file = safe(subject.line.name), fit(_file(subject, cells), cells)
    if large and most == LINES[0][1]:
        told = " · ".join(part for part in (named, _status(subject)) if part)
        return [fit(told, cells, middle=True), file, *_bars(subject, cells)]
    name, said = fit(named, cells, middle=True), fit(_said(subject), cells)
    # A part says first what is hidden of it, where not all is said.
    about = (file, name) if subject.times > 1 and most < LINES[0][1] else (name, file)
    # Beside the table, that says it as well; where the picture takes its place, nothing else does.
    return [said, *about][:most] if large else [*about, said][:most]


def _status(subject: Subject) -> str:
    return status(subject.line, tuple(map(safe, subject.labels)), ROOMY)


def _file(subject: Subject, cells: int) -> str:
    """`500×375 · 42.1 kB · taken 2024-05-01 12:33 · file 2024-05-02 08:00`, or as much of that as there is room for."""
    answer = subject.answer
    if answer is None:
        return ""
    near = [f"{subject.times}× {_more(subject)}".rstrip()] if subject.times > 1 else []
    file = time.strftime("%Y-%m-%d %H:%M", time.localtime(answer.modified_s)) if answer.modified_s else ""
    taken = safe(answer.taken)
    pixels = f"{answer.width}×{answer.height}" if answer.width else ""
    stored = size(answer.size_bytes) if answer.modified_s else ""
    day = (taken or file)[:10]
    dates = [f"taken {taken}" if taken else "", f"file {file}" if file else ""]
    plans = ([*near, pixels, stored, *dates], [*near, pixels, stored, day], [*near, pixels, stored], [*near, pixels])
    said = [" · ".join(part for part in plan if part) for plan in plans]
    return next((words for words in said if width(words) <= cells), said[-1])


def _more(subject: Subject) -> str:
    """The keys that show what is hidden: `< K`."""
    left, top, right, bottom = subject.part
    hidden = left > 0, right < 1, bottom < 1, top > 0
    return " ".join(key for key, more in zip(subject.keys, hidden, strict=False) if more)


def _said(subject: Subject) -> str:
    """`Cat 93 % · you: Dog ✗ · held out`"""
    line = subject.line
    if line.why:
        return safe(line.why)
    if line.predicted < 0:
        return "not predicted yet"
    given = f"you: {safe(subject.labels[line.verdict])} {verdict_sign(line)}" if line.verdict >= 0 else ""
    parts = (f"{safe(subject.labels[line.predicted])} {percent(line.share)}", given, _status(subject))
    return " · ".join(part for part in parts if part)


def _bars(subject: Subject, cells: int) -> list[str]:
    """The most probable labels, each with its probability; and which of them the person gave."""
    if subject.line.predicted < 0:
        return [fit(_said(subject), cells)]
    shares = subject.probabilities
    best = np.argsort(-shares, kind="stable")[:MOST_LABELS].tolist()
    given = subject.line.verdict
    shown = best if given < 0 or given in best else [*best[:-1], given]
    wide = min(LONGEST_LABEL, max(width(safe(subject.labels[label])) for label in shown))
    verdict = f"you {verdict_sign(subject.line)} " if given >= 0 else ""
    room = max(0, cells - wide - len(verdict) - 8)
    lines: list[str] = []
    for label in shown:
        share = float(shares[label]) if label < len(shares) else 0.0
        mark = verdict if label == given else " " * len(verdict)
        name = fit(safe(subject.labels[label]), wide)
        lines.append(fit(f"{name} {percent(share):>5} {mark}{bar(share, room)}", cells))
    return lines
