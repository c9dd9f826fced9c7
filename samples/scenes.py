"""Where the animals are: gardens, rooms, a beach, snow; and the light that falls on them."""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from samples.shapes import Color, Pen, Rng, blob, curve, mix, oval, stroke

Scene = Callable[[Pen, Rng], None]
GROUND = 0.62
"""The height at which floor and wall, or grass and sky, meet. Scenes are drawn from (0, 0) to (1, 1)."""
FLOWERS: tuple[Color, ...] = ((246, 240, 232), (240, 196, 70), (226, 110, 130), (150, 120, 210))


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A rectangle's outline."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)


def _fade(pen: Pen, top: float, bottom: float, upper: Color, lower: Color) -> None:
    for at in np.linspace(0, 1, 40, endpoint=False):
        y = top + (bottom - top) * at
        pen.flat(box(-0.1, y, 1.1, bottom), mix(upper, lower, float(at)))


def _pick(rng: Rng, *colors: Color) -> Color:
    return colors[int(rng.integers(len(colors)))]


def _sky(pen: Pen, rng: Rng, low: float) -> None:
    upper, lower = ((112, 172, 228), (214, 234, 246)) if rng.random() < 0.7 else ((150, 150, 206), (250, 212, 178))
    _fade(pen, 0, low, upper, lower)
    for _ in range(int(rng.integers(1, 4))):
        x, y, size = rng.uniform(0, 1), rng.uniform(0.05, low * 0.6), rng.uniform(0.05, 0.1)
        for dx, dy, r in ((-1, 0.1, 0.7), (0, -0.1, 1), (1, 0.12, 0.75)):
            pen.flat(oval(x + dx * size, y + dy * size, size * r, size * r * 0.6), mix(lower, (255, 255, 255), 0.75))


def _blades(pen: Pen, rng: Rng, top: float, color: Color, count: int) -> None:
    for y in np.sort(rng.uniform(top, 1.02, count)):
        x, high = rng.uniform(0, 1), 0.02 + 0.07 * (y - top)
        shade = mix(color, _pick(rng, (20, 60, 20), (230, 240, 150)), rng.uniform(0.05, 0.35))
        lean = rng.uniform(-0.4, 0.4) * high
        pen.flat(np.array([(x - 0.006, y), (x + 0.006, y), (x + lean, y - high)]), shade)


def meadow(pen: Pen, rng: Rng) -> None:
    """Grass with flowers below hills and sky."""
    low = GROUND + rng.uniform(-0.12, 0.05)
    _sky(pen, rng, low)
    green = _pick(rng, (104, 166, 78), (124, 178, 90), (86, 148, 82))
    for lift in (0.12, 0.06):
        hill = [
            (-0.1, low),
            *[(x, low - lift * rng.uniform(0.4, 1.2)) for x in (0.1, 0.4, 0.7, 0.95)],
            (1.1, low),
            (0.5, low + 0.2),
        ]
        pen.flat(blob(hill), mix(green, (150, 180, 200), 0.2 + 2.5 * lift))
    _fade(pen, low, 1.02, mix(green, (255, 255, 200), 0.2), mix(green, (10, 50, 20), 0.2))
    _blades(pen, rng, low, green, 150)
    petal = _pick(rng, *FLOWERS)
    for _ in range(int(rng.integers(0, 22))):
        x, y = rng.uniform(0, 1), rng.uniform(low + 0.03, 0.98)
        pen.flat(oval(x, y, 0.012, 0.012), petal)
        pen.flat(oval(x, y, 0.005, 0.005), (250, 214, 90))


def park(pen: Pen, rng: Rng) -> None:
    """Tree trunks and fallen leaves."""
    leaves = _pick(rng, (206, 130, 54), (124, 156, 70), (190, 160, 70))
    _fade(pen, 0, GROUND, mix(leaves, (240, 240, 220), 0.6), mix(leaves, (240, 240, 200), 0.35))
    for x in np.sort(rng.uniform(0, 1, 5)):
        wide = rng.uniform(0.02, 0.05)
        pen.flat(box(x - wide, -0.1, x + wide, GROUND + 0.02), mix((110, 84, 66), leaves, rng.uniform(0, 0.4)))
    for _ in range(30):
        pen.flat(
            oval(rng.uniform(0, 1), rng.uniform(-0.05, 0.16), 0.09, 0.05),
            mix(leaves, (60, 90, 40), rng.uniform(0, 0.5)),
        )
    _fade(pen, GROUND, 1.02, mix(leaves, (120, 100, 60), 0.45), mix(leaves, (90, 70, 50), 0.6))
    for _ in range(60):
        x, y = rng.uniform(0, 1), rng.uniform(GROUND, 1)
        color = mix(leaves, _pick(rng, (230, 190, 80), (150, 70, 40)), rng.uniform(0, 0.6))
        pen.flat(oval(x, y, 0.016, 0.008, rng.uniform(0, 180)), color)


def beach(pen: Pen, rng: Rng) -> None:
    """Sand, sea and sky."""
    _sky(pen, rng, 0.4)
    _fade(pen, 0.38, GROUND, (44, 126, 172), (132, 204, 206))
    for _ in range(14):
        x, y = rng.uniform(-0.1, 1), rng.uniform(0.42, GROUND - 0.02)
        pen.flat(stroke([(x, y), (x + 0.06, y - 0.004), (x + 0.12, y)], [0.003, 0.006, 0.003]), (206, 232, 232))
    edge = [(x, GROUND + rng.uniform(-0.02, 0.02)) for x in np.linspace(-0.1, 1.1, 6)]
    shore = np.concatenate([curve(edge), [(1.2, 1.2), (-0.2, 1.2)]])
    pen.flat(shore - (0, 0.02), (240, 246, 240))
    pen.flat(shore, (232, 212, 164))
    for _ in range(120):
        at = oval(rng.uniform(0, 1), rng.uniform(GROUND + 0.04, 1), 0.005, 0.003)
        pen.flat(at, mix((232, 212, 164), (150, 120, 80), rng.uniform(0.1, 0.5)))


def snow(pen: Pen, rng: Rng) -> None:
    """Snow, firs and a grey sky."""
    _fade(pen, 0, GROUND, (150, 170, 196), (216, 224, 234))
    for x in np.sort(rng.uniform(-0.05, 1.05, 7)):
        high, foot = rng.uniform(0.2, 0.42), GROUND + rng.uniform(-0.03, 0.04)
        color = mix((62, 96, 92), (190, 206, 218), rng.uniform(0.1, 0.5))
        for part in (0, 0.3, 0.6):
            wide = high * 0.36 * (1 - part * 0.8)
            tip = foot - high * (part + 0.45)
            pen.flat(np.array([(x - wide, foot - high * part), (x + wide, foot - high * part), (x, tip)]), color)
    _fade(pen, GROUND, 1.02, (222, 230, 240), (198, 212, 230))
    for _ in range(50):
        pen.flat(oval(rng.uniform(0, 1), rng.uniform(0, 1), 0.005, 0.006), (250, 252, 255))


def yard(pen: Pen, rng: Rng) -> None:
    """A brick wall or a fence above paving."""
    if rng.random() < 0.5:
        brick = _pick(rng, (168, 92, 74), (190, 170, 150), (140, 110, 104))
        pen.flat(box(-0.1, -0.1, 1.1, GROUND), mix(brick, (220, 214, 206), 0.5))
        for row in range(9):
            for column in range(-1, 7):
                x, y = column * 0.18 + 0.09 * (row % 2), row * 0.076 - 0.03
                pen.flat(box(x, y, x + 0.168, y + 0.064), mix(brick, (40, 20, 20), rng.uniform(0, 0.22)))
    else:
        _sky(pen, rng, 0.4)
        pen.flat(box(-0.1, 0.3, 1.1, GROUND), _pick(rng, (84, 122, 82), (120, 140, 96), (96, 110, 130)))
        wood = _pick(rng, (176, 130, 86), (236, 232, 222), (110, 140, 150))
        for x in np.arange(-0.02, 1.05, 0.105):
            tall = 0.14 + rng.uniform(-0.01, 0.01)
            pale = np.array(
                [(x, tall + 0.05), (x + 0.046, tall), (x + 0.092, tall + 0.05), (x + 0.092, GROUND), (x, GROUND)]
            )
            pen.flat(pale, mix(wood, (40, 30, 20), rng.uniform(0.02, 0.18)))
    stone = _pick(rng, (176, 172, 166), (150, 152, 158), (190, 176, 156))
    _fade(pen, GROUND, 1.02, mix(stone, (60, 60, 60), 0.2), stone)
    for y in (GROUND, 0.7, 0.83):
        pen.flat(box(-0.1, y, 1.1, y + 0.008), mix(stone, (40, 40, 40), 0.35))
    for x in np.arange(-0.5, 1.6, 0.22):
        pen.flat(
            stroke([(0.5 + (x - 0.5) * 0.8, GROUND), (0.5 + (x - 0.5) * 1.5, 1.02)], [0.006, 0.01]),
            mix(stone, (40, 40, 40), 0.3),
        )


def room(pen: Pen, rng: Rng) -> None:
    """A papered wall, a wooden floor, a rug, and something on the wall or beside it."""
    wall = _pick(rng, (206, 218, 208), (226, 206, 190), (164, 186, 206), (232, 222, 196), (196, 180, 204), (120, 150, 150))
    pen.flat(box(-0.1, -0.1, 1.1, GROUND), wall)
    for x in np.arange(0, 1.1, 0.12) if rng.random() < 0.5 else []:
        pen.flat(box(x, -0.1, x + 0.05, GROUND), mix(wall, (255, 255, 255), 0.25))
    _thing(pen, rng, wall)
    wood = _pick(rng, (178, 128, 84), (146, 102, 72), (206, 170, 128))
    _fade(pen, GROUND, 1.02, mix(wood, (40, 20, 10), 0.25), wood)
    for y in (0.66, 0.73, 0.82, 0.92):
        pen.flat(box(-0.1, y, 1.1, y + 0.005), mix(wood, (40, 20, 10), 0.45))
    pen.flat(box(-0.1, GROUND - 0.03, 1.1, GROUND), mix(wall, (255, 255, 255), 0.6))
    if rng.random() < 0.6:
        rug = _pick(rng, (150, 60, 66), (60, 96, 130), (110, 130, 90), (226, 214, 190))
        for size, color in ((1.0, rug), (0.86, mix(rug, (255, 240, 210), 0.5)), (0.78, rug)):
            pen.flat(oval(0.5, 0.86, 0.52 * size, 0.15 * size), color)


def _thing(pen: Pen, rng: Rng, wall: Color) -> None:
    x = _side(rng)
    kind = int(rng.integers(4))
    if kind == 0:
        pen.flat(box(x - 0.15, 0.08, x + 0.15, 0.42), (240, 238, 230))
        for dx in (-0.135, 0.01):
            pen.flat(box(x + dx, 0.1, x + dx + 0.125, 0.4), (172, 210, 234))
    elif kind == 1:
        pen.flat(box(x - 0.12, 0.1, x + 0.12, 0.32), (110, 78, 54))
        pen.flat(box(x - 0.1, 0.12, x + 0.1, 0.3), _pick(rng, (214, 178, 120), (120, 160, 180), (190, 120, 110)))
        pen.flat(oval(x, 0.22, 0.05, 0.05), mix(wall, (60, 60, 80), 0.5))
    elif kind == 2:
        pen.flat(
            np.array([(x - 0.07, 0.5), (x + 0.07, 0.5), (x + 0.05, GROUND + 0.04), (x - 0.05, GROUND + 0.04)]),
            (180, 100, 70),
        )
        for turn in np.linspace(-70, 70, 7):
            leaf = pen.at(x, 0.5, 1, turn)
            leaf.flat(oval(0, -0.13, 0.028, 0.13), mix((70, 130, 76), (30, 80, 50), rng.uniform(0, 0.6)))
    else:
        pen.flat(box(x - 0.008, 0.2, x + 0.008, GROUND), (90, 80, 76))
        pen.flat(np.array([(x - 0.06, 0.1), (x + 0.06, 0.1), (x + 0.1, 0.27), (x - 0.1, 0.27)]), (252, 226, 160))


def _side(rng: Rng) -> float:
    return float(rng.choice([-1, 1]) * rng.uniform(0.26, 0.38) + 0.5)


def sofa(pen: Pen, rng: Rng) -> None:
    """On a sofa with cushions."""
    wall = _pick(rng, (214, 206, 192), (190, 204, 212), (226, 214, 214))
    pen.flat(box(-0.1, -0.1, 1.1, 0.5), wall)
    cloth = _pick(rng, (88, 124, 132), (170, 96, 88), (120, 118, 140), (206, 186, 150), (84, 110, 84), (52, 74, 112))
    pen.part(
        blob([(-0.2, 0.3), (0.1, 0.22), (0.5, 0.2), (0.9, 0.22), (1.2, 0.3), (1.2, 0.9), (-0.2, 0.9)]),
        cloth,
        shade=0.12,
    )
    pen.flat(box(0.497, 0.22, 0.503, 0.7), mix(cloth, (20, 20, 30), 0.35))
    for x in (0.08, 0.92):
        if rng.random() < 0.7:
            color = _pick(rng, (236, 200, 110), (230, 226, 216), (200, 110, 100), (110, 150, 170))
            pillow = pen.at(x, 0.5, 1, rng.uniform(-20, 20))
            pillow.part(
                blob(
                    [
                        (-0.15, -0.14),
                        (0, -0.11),
                        (0.15, -0.14),
                        (0.12, 0),
                        (0.15, 0.14),
                        (0, 0.11),
                        (-0.15, 0.14),
                        (-0.12, 0),
                    ]
                ),
                color,
                shade=0.15,
            )
    seat = mix(cloth, (255, 255, 255), 0.1)
    pen.part(blob([(-0.3, 0.72), (0, 0.66), (0.5, 0.65), (1, 0.66), (1.3, 0.72), (1.3, 1.3), (-0.3, 1.3)]), seat, shade=0.1)


def studio(pen: Pen, rng: Rng) -> None:
    """One colour out of focus, with discs of light."""
    color = _pick(rng, (72, 110, 130), (196, 168, 140), (120, 150, 110), (176, 130, 150), (210, 214, 218), (90, 84, 110))
    _fade(pen, -0.05, 1.05, mix(color, (255, 255, 255), 0.3), mix(color, (20, 20, 40), 0.25))
    for _ in range(int(rng.integers(4, 16))):
        size = rng.uniform(0.03, 0.09)
        pen.flat(
            oval(rng.uniform(0, 1), rng.uniform(0, 0.8), size, size),
            mix(color, (255, 250, 230), rng.uniform(0.25, 0.5)),
        )


SCENES: Mapping[str, Scene] = {
    "meadow": meadow,
    "park": park,
    "beach": beach,
    "snow": snow,
    "yard": yard,
    "room": room,
    "sofa": sofa,
    "studio": studio,
}


def lit(picture: Image.Image, rng: Rng) -> Image.Image:
    """The light and the camera: warmth, brightness, dark corners, a little blur, noise."""
    pixels = np.asarray(picture, np.float32) / 255
    high, wide = pixels.shape[:2]
    warm = rng.uniform(-0.09, 0.11)
    pixels = pixels * np.array([1 + warm, 1, 1 - warm], np.float32) * np.float32(rng.uniform(0.86, 1.16))
    y, x = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j].astype(np.float32)
    light = rng.uniform(-0.14, 0.14, 2)
    pixels *= (1 - rng.uniform(0, 0.2) * (x * x + y * y) + light[0] * x + light[1] * y)[..., None].astype(np.float32)
    grain = rng.choice([0.004, 0.008, 0.018], p=[0.5, 0.35, 0.15])
    pixels += rng.normal(0, grain, pixels.shape).astype(np.float32)
    done = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    blur = rng.uniform(0, 0.9) * wide / 320
    return done.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.35 * wide / 320 else done


def shadow(size: tuple[int, int], below: Pen, middle: float, wide: float, ground: float) -> Image.Image:
    """A soft mask of the shadow that an animal throws on the ground."""
    mask = Image.new("L", size)
    points = below.pixels(oval(middle, ground, wide, wide * 0.13))
    ImageDraw.Draw(mask).polygon([(x, y) for x, y in points.tolist()], fill=120)
    return mask.filter(ImageFilter.BoxBlur(max(1, min(size) // 50)))
