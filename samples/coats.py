"""The coats: colours and patterns of the cats and dogs that are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from samples.shapes import Color, Mark, Rng, mix, oval, stroke

PINK: Color = (228, 150, 150)


@dataclass(frozen=True)
class Coat:
    """How an animal looks, apart from its pose."""

    base: Color
    belly: Color
    """Of chest and muzzle."""
    paws: Color
    mark: Color
    """Of stripes, spots and patches."""
    pattern: str = "plain"
    """`plain`, `tabby`, `spots`, `patches`, `blaze` (a white stripe down the face), `points` (a dark face), `mask`."""
    second: Color = (40, 36, 38)
    """Of every other patch; of a dog's back where the pattern is `blaze`."""
    eyes: Color = (190, 178, 70)
    nose: Color = PINK
    ears: Color = (0, 0, 0)
    pointed: bool = True
    tufts: float = 0.0
    """How fluffy: the depth of tufts."""


WHITE: Color = (246, 243, 236)
CREAM: Color = (250, 228, 194)
BLACK: Color = (50, 47, 54)
NOSE: Color = (38, 32, 34)

CATS: Mapping[str, Coat] = {
    "orange": Coat((230, 140, 54), CREAM, CREAM, (184, 92, 26), "tabby", eyes=(170, 190, 70), ears=(230, 140, 54)),
    "grey tabby": Coat((154, 156, 160), (224, 222, 218), (224, 222, 218), (82, 84, 92), "tabby", ears=(140, 142, 146)),
    "brown tabby": Coat((142, 120, 94), (216, 200, 174), (200, 180, 150), (70, 54, 42), "tabby", ears=(130, 108, 82)),
    "black": Coat(BLACK, (66, 63, 70), BLACK, BLACK, eyes=(226, 200, 60), nose=(80, 66, 72), ears=BLACK, tufts=0.02),
    "white": Coat(WHITE, WHITE, WHITE, WHITE, eyes=(96, 160, 214), ears=WHITE, tufts=0.03),
    "tuxedo": Coat((48, 47, 54), WHITE, WHITE, (48, 47, 54), "blaze", (48, 47, 54), (130, 190, 90), ears=(48, 47, 54)),
    "siamese": Coat(
        (232, 214, 184), (240, 228, 206), (98, 76, 64), (92, 70, 60), "points", eyes=(90, 150, 220), ears=(88, 66, 58)
    ),
    "grey": Coat(
        (122, 130, 146),
        (140, 148, 162),
        (122, 130, 146),
        (122, 130, 146),
        eyes=(230, 160, 60),
        nose=(96, 92, 104),
        ears=(112, 120, 136),
        tufts=0.03,
    ),
    "calico": Coat(WHITE, WHITE, WHITE, (222, 142, 66), "patches", eyes=(160, 180, 80), ears=(60, 54, 56)),
}

DOGS: Mapping[str, Coat] = {
    "small black": Coat(
        (46, 42, 46), (96, 74, 62), (74, 58, 52), (46, 42, 46), eyes=(60, 38, 24), nose=(26, 22, 24), ears=(46, 42, 46)
    ),
    "golden": Coat(
        (222, 172, 98),
        (240, 208, 152),
        (232, 190, 122),
        (222, 172, 98),
        eyes=(70, 44, 26),
        nose=NOSE,
        ears=(188, 130, 64),
        pointed=False,
        tufts=0.045,
    ),
    "chocolate": Coat(
        (122, 80, 52),
        (146, 102, 70),
        (112, 72, 46),
        (122, 80, 52),
        eyes=(86, 54, 26),
        nose=(70, 42, 34),
        ears=(94, 58, 38),
        pointed=False,
    ),
    "beagle": Coat((190, 122, 62), WHITE, WHITE, WHITE, "blaze", (58, 48, 46), (66, 40, 24), NOSE, (150, 88, 42), False),
    "dalmatian": Coat(
        WHITE, WHITE, WHITE, (48, 44, 48), "spots", eyes=(60, 40, 28), nose=NOSE, ears=(48, 44, 48), pointed=False
    ),
    "husky": Coat(
        (112, 120, 134),
        WHITE,
        WHITE,
        (112, 120, 134),
        "mask",
        eyes=(110, 180, 226),
        nose=NOSE,
        ears=(88, 94, 108),
        tufts=0.035,
    ),
    "sheepdog": Coat(
        (176, 178, 182), WHITE, WHITE, WHITE, "blaze", (120, 122, 130), (60, 44, 34), NOSE, (120, 122, 130), False, 0.06
    ),
    "cream": Coat(
        (238, 222, 192),
        (248, 238, 218),
        (240, 226, 198),
        (238, 222, 192),
        eyes=(62, 40, 26),
        nose=NOSE,
        ears=(206, 176, 132),
        pointed=False,
        tufts=0.03,
    ),
    "spaniel": Coat(
        WHITE, WHITE, WHITE, (132, 66, 40), "patches", (132, 66, 40), (66, 42, 26), NOSE, (132, 66, 40), False, 0.03
    ),
}


def varied(coat: Coat, rng: Rng) -> Coat:
    """The same coat a little lighter or darker, warmer or cooler."""
    light, warm = rng.uniform(-0.1, 0.1), rng.uniform(-8, 8)

    def turned(color: Color) -> Color:
        lit = mix(color, (255, 250, 240) if light > 0 else (20, 16, 24), abs(light))
        red, green, blue = np.clip(np.add(lit, (warm, 0, -warm)), 0, 255).astype(int).tolist()
        return red, green, blue

    names = ("base", "belly", "paws", "mark", "second", "ears")
    return replace(coat, **{name: turned(getattr(coat, name)) for name in names})


def marks(coat: Coat, left: float, top: float, right: float, bottom: float, rng: Rng) -> list[Mark]:
    """What the pattern puts on a part of the body that fills this box."""
    wide, high = right - left, bottom - top
    if coat.pattern == "tabby":
        return [(_stripe(left + wide * at, top, wide, high, rng), coat.mark) for at in np.arange(0.08, 1, 0.15)]
    if coat.pattern == "spots":
        return [(_spot(left, top, wide, high, 0.05, rng), coat.mark) for _ in range(16)]
    if coat.pattern == "patches":
        both = (coat.mark, coat.second)
        return [(_spot(left, top, wide, high, 0.2, rng), both[number % 2]) for number in range(4)]
    return []


def _stripe(x: float, top: float, wide: float, high: float, rng: Rng) -> np.ndarray:
    bend, length = rng.uniform(-0.05, 0.05) * wide, high * rng.uniform(0.4, 0.62)
    path = [(x, top - 0.1 * high), (x + bend, top + length / 2), (x - bend, top + length)]
    return stroke(path, [0.07 * wide, 0.055 * wide, 0.01])


def _spot(left: float, top: float, wide: float, high: float, size: float, rng: Rng) -> np.ndarray:
    x, y = left + wide * rng.uniform(0.05, 0.95), top + high * rng.uniform(0, 0.9)
    radius = size * min(wide, high) * rng.uniform(0.7, 1.5)
    return oval(x, y, radius * rng.uniform(0.8, 1.4), radius, rng.uniform(0, 180))
