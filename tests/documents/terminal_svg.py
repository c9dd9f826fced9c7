"""Screens of a terminal as one animated SVG: text and rectangles, no script, no font of its own, nothing from elsewhere.

A piece that several frames share, a line or a picture, is drawn once. Pieces are put together to frames, and frames shown
one after the other by CSS, which browsers also run in a picture. Blocks are drawn as rectangles: fonts leave gaps between
them.
"""

import re
from dataclasses import dataclass
from html import escape

from PIL import Image

WIDTH, HEIGHT = 8, 16
"""Of a cell, in pixels."""
COLORS = 32
"""Of a picture: it has some more, and each costs its place in the file."""
BACK, FORE = "#121212", "#e0e0e0"
"""Where the terminal's own colours stand; the first is the usual theme's."""
MARGIN, BELOW = 8, 40
"""Round the screen, and below it, for what is done."""
FULL = {"█": 8, "▉": 7, "▊": 6, "▋": 5, "▌": 4, "▍": 3, "▎": 2, "▏": 1}
"""Blocks that begin on the left: how many eighths they are wide."""
HIGH = {"▁": 1, "▂": 2, "▃": 3, "▄": 4, "▅": 5, "▆": 6, "▇": 7}
"""Those that stand on the ground: how many eighths they are high."""
SCROLLBAR, HALF = "▐", "▀"
STYLE = """.f{visibility:hidden;animation-timing-function:step-end;animation-iteration-count:infinite}
#f0{visibility:visible}
.b{font-weight:bold}
.l,.i{shape-rendering:crispEdges}
.l{stroke-width:16}
.i{transform:scale(8)}
@media (prefers-reduced-motion:reduce){.f{animation:none!important}}
"""
"""Frames, bold words, lines, pictures, whose pixels are half a cell. Where nothing moves, the first frame is seen."""
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


@dataclass(frozen=True)
class Frame:
    """A screen for some time."""

    cells: tuple
    """Of each line, its cells: (character, foreground, background, bold)."""
    key: str
    """What was pressed."""
    words: str
    """What that does."""
    seconds: float


def cells(screen):
    """All cells of a `pyte.Screen`; colours as #rrggbb."""
    return tuple(tuple(map(cell, (screen.buffer[y][x] for x in range(screen.columns)))) for y in range(screen.lines))


def cell(char):
    """One, with reversed colours put right."""
    fore, back = color(char.fg, FORE), color(char.bg, BACK)
    return (char.data, back, fore, char.bold) if char.reverse else (char.data, fore, back, char.bold)


def color(name, usual):
    """As SVG writes it."""
    return f"#{name}" if re.fullmatch("[0-9a-f]{6}", name) else usual


def svg(frames):
    """The whole file."""
    lines, columns = len(frames[0].cells), len(frames[0].cells[0])
    width, height = columns * WIDTH + 2 * MARGIN, lines * HEIGHT + 2 * MARGIN + BELOW
    pieces, groups, times = {}, [], []
    total, start = sum(frame.seconds for frame in frames), 0.0
    for number, frame in enumerate(frames):
        parts = [*map(line, range(lines), frame.cells), picture(frame.cells), caption(frame, height)]
        uses = [f'<use href="#{pieces.setdefault(part, f"p{len(pieces)}")}"/>' for part in parts if part[1]]
        groups.append(f'<g id="f{number}" class="f">{"".join(uses)}</g>')
        times.append(shown(number, start / total, (start + frame.seconds) / total, total))
        start += frame.seconds
    defined = "\n".join(f'<g id="{name}" class="{kind}">{part}</g>' for (kind, part), name in pieces.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="{FONT}" font-size="13.3">\n<title>Catflap: {escape(frames[0].words)}</title>\n'
        f"<style>\n{STYLE}{''.join(times)}</style>\n<defs>\n{defined}\n</defs>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACK}"/>\n'
        f'<g transform="translate({MARGIN} {MARGIN})">\n{chr(10).join(groups)}\n</g>\n</svg>\n'
    )


def shown(number, begin, end, total):
    """When a frame is seen, in shares of the whole."""
    off, on = "{visibility:hidden}", "{visibility:visible}"
    before, after = f"0%{off}" if begin else "", f"{100 * end:.3f}%{off}" if end < 1 else ""
    steps = f"{before}{100 * begin:.3f}%{on}{after}"
    return f"@keyframes k{number}{{{steps}}}\n#f{number}{{animation-name:k{number};animation-duration:{total:.1f}s}}\n"


def line(y, row):
    """Its background, its bars and its words."""
    boxes = []
    for x, (char, fore, back, _) in enumerate(row):
        boxes += [(x * WIDTH, WIDTH, back)] if back != BACK and char != HALF else []
        boxes += [(x * WIDTH, FULL[char], fore)] if char in FULL else []
        boxes += [(x * WIDTH + 4, 4, fore)] if char == SCROLLBAR else []
    middle = y * HEIGHT + HEIGHT // 2
    drawn = strokes([(x, middle, wide, tint) for x, wide, tint in boxes])
    return "l", "".join((drawn, *columns(y, row), *words(y, row)))


def columns(y, row):
    """What stands on the ground, cell by cell."""
    for x, (char, fore, _, _) in enumerate(row):
        if char in HIGH:
            high = HIGH[char] * HEIGHT // 8
            yield f'<path fill="{fore}" d="M{x * WIDTH} {(y + 1) * HEIGHT}v-{high}h{WIDTH}v{high}"/>'


def words(y, row):
    """Each run of one colour, up to two spaces; its length is said, so that columns stand whatever the font."""
    for style, begin, end in runs([(fore, bold) if is_text(char) else None for char, fore, _, bold in row]):
        text = "".join(row[x][0] for x in range(begin, end))
        for match in re.finditer(r"\S+(?: \S+)*", text):
            x, many = (begin + match.start()) * WIDTH, len(match[0])
            wide = f' textLength="{many * WIDTH}"' if many > 2 else ""
            bold = ' class="b"' if style[1] else ""
            yield f'<text x="{x}" y="{y * HEIGHT + 12}" fill="{style[0]}"{wide}{bold}>{escape(match[0])}</text>'


def is_text(char):
    """Not one that is drawn."""
    return char not in FULL and char not in HIGH and char not in (HALF, SCROLLBAR)


def runs(values):
    """(value, begin, end) of neighbours that are equal; None is nothing."""
    begin = 0
    for x in range(1, len(values) + 1):
        if x == len(values) or values[x] != values[begin]:
            if values[begin] is not None:
                yield values[begin], begin, x
            begin = x


def picture(rows):
    """All half blocks of the screen, in few colours."""
    pixels = {}
    for y, row in enumerate(rows):
        for x, (char, fore, back, _) in enumerate(row):
            if char == HALF:
                pixels[x, 2 * y], pixels[x, 2 * y + 1] = fore, back
    tints = dict(zip(pixels, few([*pixels.values()]), strict=True))
    drawn = ([tints.get((x, y)) for x in range(len(rows[0]))] for y in range(2 * len(rows)))
    return "i", strokes([(x, y + 0.5, end - x, tint) for y, row in enumerate(drawn) for tint, x, end in runs(row)])


def few(tints):
    """The nearest of COLORS colours for each."""
    if not tints:
        return []
    flat = Image.new("RGB", (len(tints), 1))
    flat.putdata([tuple(bytes.fromhex(tint[1:])) for tint in tints])
    reduced = flat.quantize(COLORS, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE).convert("RGB")
    return ["#{:02x}{:02x}{:02x}".format(*reduced.getpixel((x, 0))) for x in range(len(tints))]


def strokes(boxes):
    """Boxes (x, middle, width, colour), as high as the piece's class says: a path for each colour."""
    paths = {}
    for x, middle, wide, tint in boxes:
        last = paths.setdefault(tint, [])
        if last and last[-1][1] == middle and last[-1][0] + last[-1][2] == x:
            last[-1] = (last[-1][0], middle, last[-1][2] + wide)
        else:
            last.append((x, middle, wide))
    return "".join(f'<path stroke="{tint}" d="{drawn(each)}"/>' for tint, each in paths.items())


def drawn(strips):
    """As a path says it."""
    text, at = "", (0, 0)
    for x, middle, wide in strips:
        text += f"m{x - at[0]:g} {middle - at[1]:g}h{wide}".replace(" -", "-")
        at = x + wide, middle
    return text


def caption(frame, height):
    """What is pressed, as a key, and what that does."""
    y, wide = height - MARGIN - BELOW + 14, len(frame.key) * WIDTH + 16
    key = (
        f'<rect x="4" y="{y - 4}" width="{wide}" height="24" rx="5" fill="#2b2b2b" stroke="#5a5a5a"/>'
        f'<text x="12" y="{y + 12}" fill="#ffffff">{escape(frame.key)}</text>'
    )
    said = f'<text x="{wide + 16 if frame.key else 8}" y="{y + 12}" fill="#b0b0b0">{escape(frame.words)}</text>'
    return "", (key if frame.key else "") + said
