"""Numbers and facts as words; and any text from outside made safe to show. No Textual here."""

import unicodedata

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that move the cursor, turn the direction of text, are invisible, or mean nothing."""
MARKS = frozenset({"Mn", "Me"})
MOST_MARKS = 2
"""Combining marks on one character; more of them would cover the lines around."""
EIGHTHS = " ▏▎▍▌▋▊▉█"
ELLIPSIS = "…"


def safe(text: str) -> str:
    r"""Any text from outside with everything that is not plainly visible escaped: `\x1b`, `\u202e`, `\xff`."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in MARKS else 0
        if category not in UNSAFE and marks <= MOST_MARKS:
            shown.append(character)
        elif marks <= MOST_MARKS:
            shown.append(_escaped(ord(character)))
    return "".join(shown)


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """How many cells the text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, cells: int, middle: bool = False) -> str:
    """The text in exactly `cells` cells: padded on the right, or cut, with an ellipsis at the end or in the middle."""
    short = cells - width(text)
    if short >= 0:
        return text + " " * short
    if cells < 2:
        return ELLIPSIS[:cells]
    right = (cells - 1) // 2 if middle else 0
    start, end = _taken(text, cells - 1 - right), _taken(text[::-1], right)[::-1]
    cut = start + ELLIPSIS + end
    return cut + " " * (cells - width(cut))


def _taken(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _cells(character)
        if used > cells:
            return text[:index]
    return text


def bar(share: float, cells: int) -> str:
    """A bar of exactly `cells` cells, filled in eighths; empty where `share` is no number."""
    if not share >= 0:
        return " " * cells
    eighths = round(min(share, 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    return (EIGHTHS[8] * full + (EIGHTHS[rest] if rest else "")).ljust(cells)


def percent(share: float) -> str:
    """`93 %`; never 100 % for less than all, nor 0 % for more than nothing."""
    if not share >= 0:
        return "–"
    whole = round(share * 100)
    whole = 99 if whole == 100 and share < 1 else 1 if whole == 0 and share > 0 else whole
    return f"{whole} %"


def count(number: int, thing: str) -> str:
    """`1 image`, `120 images`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def learned(flips: int, done: int, accepted: int, broken: int) -> str:
    """`18 of 20 flips learned, 0 of 30 accepted broken`."""
    return f"{done} of {count(flips, 'flip')} learned, {broken} of {accepted:,} accepted broken"


def duration(seconds: float) -> str:
    """`4 s`, `2 min 05 s`, `3 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(size_bytes: int) -> str:
    """`950 bytes`, `8.8 MB`; powers of ten, as disks are sold."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
