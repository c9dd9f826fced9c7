"""How right the model is, in words and lines: on unseen verdicts, at random, as one went, with more. No Textual here."""

from collections.abc import Iterator

from engine.events import CurveMeasured, VerdictsReviewed
from engine.findings import Sample
from engine.review.intervals import gain, interval
from tui.running import LAST, Running
from tui.text import count, percent

MOST_TRACK = 60
"""Cells of the longest line of the curve."""
NUMBERS = 26
"""Cells before it."""
CURVE = f"{'learned':>8}  {'right':>5}  {'95 %':^7}"


def spread(correct: int, of: int) -> str:
    """`70–96`: the 95 % interval, in percent."""
    low, high = interval(correct, of)
    return f"{round(100 * low)}–{round(100 * high)}"


def unseen(review: VerdictsReviewed | None) -> str:
    """`Unseen 71 → 88 %, 70–96.`: how right models are on verdicts that they did not learn, the untouched one first."""
    if review is None:
        return ""
    of = len(review.contents)
    before = percent(review.before / of).removesuffix(" %")
    return f"Unseen {before} → {percent(review.correct / of)}, {spread(review.correct, of)}."


def words(review: VerdictsReviewed | None, running: Running, waiting: str) -> Iterator[str]:
    """What is known so far; `waiting` stands for what is not."""
    if review is not None:
        yield _at_random(review.sample)
        yield _unseen(review)
    else:
        yield waiting
    if running.of:
        yield _running(running)
        both = "Both are" if review is not None else "This is"
        yield f"{both} of what you looked at: unsure images first make it lower than it is for the folder."


def _at_random(sample: Sample) -> str:
    """What a random sample says, and what it lacks."""
    missing = f"{count(sample.missing, 'verdict')} more in the order audit"
    if not sample.of:
        return f"At random: nothing yet. {missing} give an unbiased estimate for the folder."
    more = f" {missing} make it surer." if sample.missing else ""
    share = f"{percent(sample.correct / sample.of)} ({spread(sample.correct, sample.of)})"
    return f"At random: on {count(sample.of, 'image')}, as if unseen, {share}; unbiased for the folder.{more}"


def _unseen(review: VerdictsReviewed) -> str:
    """How right models are on verdicts that they did not learn, and how much more than the one that learned none."""
    of, lost = len(review.contents), review.before + review.won - review.correct
    share = f"{percent(review.correct / of)} ({spread(review.correct, of)})"
    return (
        f"Unseen: models that learned the other verdicts are right on {review.correct:,} of {of:,}, {share}; "
        f"the untouched one on {review.before:,}: {gained(review.won, lost, of)}."
    )


def _running(running: Running) -> str:
    """How often the model was right at the moment."""
    share = f"{percent(running.correct / running.of)} ({spread(running.correct, running.of)})"
    lately = ""
    if running.of > LAST:
        lately = f", of the last {LAST} {percent(running.lately / LAST)} ({spread(running.lately, LAST)})"
    return f"As you went: the model had said {running.correct:,} of {count(running.of, 'verdict')} before, {share}{lately}."


def curve_words(curve: CurveMeasured) -> str:
    """Whether more verdicts would help."""
    if len(curve.sizes) < 2:
        return "Too few verdicts to tell whether more would help."
    before, after = curve.correct[-2:]
    low, high = (points(each) for each in curve.gain)
    sizes = f"from {curve.sizes[-2]:,} to {curve.sizes[-1]:,} verdicts"
    won = f"{points((after - before) / curve.of)} points {sizes} ({low} to {high})"
    said = {
        True: "More verdicts would likely help",
        False: "More verdicts would hardly help",
        None: "Too few verdicts to tell whether more would help",
    }
    return f"{said[curve.more_help]}: {won}."


def gained(won: int, lost: int, of: int) -> str:
    """`+15 points (2 to 27)`: a rise of a share that was counted twice on the same, and its 95 % interval."""
    low, high = gain(won, lost, of)
    chance = "" if low > 0 or high < 0 else ", which may be chance"
    return f"{points((won - lost) / of)} points ({points(low)} to {points(high)}{chance})"


def points(share: float) -> str:
    """`+3`, `-2`: hundredths."""
    return f"{round(100 * share):+d}"


def curve_lines(curve: CurveMeasured, cells: int) -> Iterator[str]:
    """A line for each number of verdicts learned: the share that is right, its interval, and both drawn."""
    track = min(MOST_TRACK, cells - NUMBERS)
    lowest = min((interval(correct, curve.of)[0] for correct in curve.correct), default=0.0)
    floor = min(int(10 * lowest), 9) / 10
    yield f"{CURVE}  {f'{round(100 * floor)} %':<{track - 5}}100 %" if track >= 12 else CURVE
    for size, correct in zip(curve.sizes, curve.correct, strict=True):
        drawn = f"  {_drawn(correct, curve.of, floor, track)}" if track >= 12 else ""
        yield f"{size:>8,}  {percent(correct / curve.of):>5}  {spread(correct, curve.of):^7}{drawn}"


def _drawn(correct: int, of: int, floor: float, cells: int) -> str:
    """The interval as a line from end to end, the share as a dot."""
    low, high = interval(correct, of)
    first, here, last = (round((each - floor) / (1 - floor) * (cells - 1)) for each in (low, correct / of, high))
    line = ["─" if first <= at <= last else " " for at in range(cells)]
    line[first], line[last] = "├", "┤"
    line[here] = "●"
    return "".join(line).rstrip()
