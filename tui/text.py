"""Numbers and facts as words; and any text from outside made safe to show. No Textual here."""

import unicodedata

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that move the cursor, turn the direction of text, are invisible, or mean nothing."""
UNSEEN = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x1160, 0x11FF),  # vowels and final consonants of Hangul without their syllable; fillers
    (0x115F, 0x115F),
    (0x17B4, 0x17B5),  # inherent vowels of Khmer
    (0x180B, 0x180F),  # variation selectors of Mongolian
    (0x2800, 0x2800),  # the empty pattern of Braille
    (0x3164, 0x3164),
    (0xD7B0, 0xD7FF),
    (0xFE00, 0xFE0F),  # variation selectors: terminals disagree on how wide they make the character before
    (0xFFA0, 0xFFA0),
    (0x1F3FB, 0x1F3FF),  # skin tones: terminals disagree on whether they are drawn on the emoji before
    (0xE0100, 0xE01EF),
)
"""Ranges of other characters, some of them letters by category, that are invisible or of unknown width alone."""
MARKS = frozenset({"Mn", "Me", "Mc"})
MOST_MARKS = 2
"""Combining marks on one character; more of them would cover the lines around."""
WIDE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D376))
"""Wide since Unicode 16, which the oldest Python that runs this does not know."""
EIGHTHS = " ▏▎▍▌▋▊▉█"
ELLIPSIS = "…"


def safe(text: str) -> str:
    r"""Any text from outside with everything that is not plainly visible escaped: `\x1b`, `\u202e`, `\xff`.

    Composed (NFC), as terminals draw letters that macOS stores in pieces.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category, code = unicodedata.category(character), ord(character)
        marks = marks + 1 if category in MARKS else 0
        if category in UNSAFE or _within(code, UNSEEN):
            shown.append(_escaped(code))
        elif marks <= MOST_MARKS:
            shown.append(character)
    return "".join(shown)


def visible(text: str) -> str:
    """The text without whatever `safe` would escape; lines stay apart."""
    return "".join(character for character in text if character == "\n" or safe(character) == character)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


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
    return 2 if unicodedata.east_asian_width(character) in "WF" or _within(ord(character), WIDE) else 1


def fit(text: str, cells: int, middle: bool = False) -> str:
    """The text in exactly `cells` cells: padded on the right, or cut, with an ellipsis at the end or in the middle.

    Cut in the middle, the end of a file's name, with its suffix, stays.
    """
    short = cells - width(text)
    if short >= 0:
        return text + " " * short
    if cells < 2:
        return ELLIPSIS[: max(cells, 0)]
    right = (cells - 1) // 2 if middle else 0
    start, end = _start(text, cells - 1 - right), _end(text, right)
    cut = start + ELLIPSIS + end
    return cut + " " * (cells - width(cut))


def wrap(text: str, cells: int) -> list[str]:
    """The text in lines of at most so many cells, broken between words; inside a word only where it is longer than that."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= cells:
            lines[-1] += f" {word}"
            continue
        while width(word) > cells:
            lines.append(_start(word, max(2, cells)))
            word = word[len(lines[-1]) :]
        lines.append(word)
    return lines


def window(cursor: int, first: int, seen: int, of: int) -> int:
    """What is seen first of a list, of which `seen` fit: `first` as before, moved no more than the cursor needs."""
    first = min(max(first, cursor - seen + 1), cursor)
    return max(0, min(first, of - seen))


def _start(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _cells(character)
        if used > cells:
            return text[:index]
    return text


def _end(text: str, cells: int) -> str:
    """Never begins with a mark, which would sit on what stands before."""
    used, first = 0, len(text)
    for index in range(len(text) - 1, -1, -1):
        used += _cells(text[index])
        if used > cells:
            break
        if _cells(text[index]):
            first = index
    return text[first:]


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


def held_words(of: int, before: int, after: int) -> str:
    """`held out: 20 of 25 before, 22 after`; empty where nothing is held out."""
    return f"held out: {before} of {of} before, {after} after" if of else ""


def lacking(free_bytes: int, full_bytes: int, half_bytes: int) -> str:
    """A sentence about a disk that has no room for all features; empty where it has."""
    if free_bytes > full_bytes:
        return ""
    half = "in full precision" if free_bytes > half_bytes else "even in half precision"
    return f" That is not enough for all, {half}."


def unread(images: int, full_bytes: int, half_bytes: int, free_bytes: int) -> str:
    """Why images are not read, and what to do."""
    return (
        f"{count(images, 'image')} not read: what is kept of them would take {size(full_bytes)}, in half precision "
        f"{size(half_bytes)}; the disk has {size(free_bytes)} left.{lacking(free_bytes, full_bytes, half_bytes)} "
        "Choose: catflap FOLDER --features full, or half, or --store-limit SIZE."
    )


def size(size_bytes: int) -> str:
    """`950 bytes`, `8.8 MB`; powers of ten, as disks are sold."""
    if size_bytes < 1000:
        return count(size_bytes, "byte")
    amount = float(size_bytes)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
