"""Poses: bodies of cats and dogs, each drawn around the origin on ground at y = 1, with the head where it belongs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from samples.coats import Coat, marks
from samples.heads import cat_head, dog_head, dog_profile
from samples.shapes import Color, Pen, Place, Points, Rng, blob, furry, mix, oval, stroke, twin

COLLARS: tuple[Color, ...] = ((200, 52, 56), (44, 96, 180), (40, 150, 110), (236, 180, 40), (150, 70, 160))
TAG: Color = (240, 206, 90)


@dataclass(frozen=True, eq=False)
class Animal:
    """One cat or dog."""

    dog: bool
    coat: Coat
    collar: Color | None

    @property
    def far(self) -> Color:
        """Of legs on the far side."""
        return mix(self.coat.base, (30, 22, 34), 0.28)


class Reach(NamedTuple):
    """How far a pose reaches: its width, and its top and bottom."""

    wide: float
    top: float
    bottom: float


def _leg(pen: Pen, path: Place, width: float, color: Color, paw: Color, thigh: float = 1.25) -> None:
    (x, y), low = path[-1], path[-2]
    sock: Points = stroke([((low[0] + x) / 2, (low[1] + y) / 2), (x, y + 0.1)], [width * 2, width * 2])
    pen.part(stroke(path, [width * thigh, width, width]), color, [(sock, paw)], shade=0.22)
    pen.part(oval(x - width * 0.15, y + width * 0.12, width * 0.72, width * 0.42), paw, shade=0.22)


def _tail(pen: Pen, animal: Animal, path: Place, rng: Rng) -> None:
    coat = animal.coat
    widths = [0.17, 0.2 + 2 * pen.tufts, 0.08] if animal.dog else [0.13, 0.12 + pen.tufts, 0.1]
    tip = [] if animal.dog and coat.pattern not in ("blaze", "mask") else [(oval(*path[-1], 0.16, 0.16), coat.paws)]
    if coat.pattern == "tabby":
        steps = [path[0], path[len(path) // 2], path[-1]]
        tip = [(oval(x, y, 0.05, 0.14), coat.mark) for x, y in steps]
    color = coat.mark if coat.pattern == "points" else coat.base
    pen.part(furry(stroke(path, widths), pen.tufts * 0.7, rng), color, tip, shade=0.22)


def _collar(pen: Pen, animal: Animal, x: float, y: float, rx: float, angle: float = 0.0) -> None:
    if animal.collar is None:
        return
    neck = pen.at(x, y, angle=angle)
    neck.part(
        blob([(-rx, -0.06), (0, 0.04), (rx, -0.06), (rx * 0.96, 0.03), (0, 0.14), (-rx * 0.96, 0.03)]),
        animal.collar,
        shade=0,
    )
    neck.part(oval(0, 0.16, 0.055, 0.055), TAG, shade=0)


def _head(pen: Pen, animal: Animal, rng: Rng) -> None:
    (dog_head if animal.dog else cat_head)(pen, animal.coat, rng)


def portrait(pen: Pen, animal: Animal, rng: Rng) -> None:
    """Head and shoulders, close up."""
    coat = animal.coat
    chest = twin([(0, 0.1), (0.36, 0.3), (0.62, 0.75), (0.8, 1.5), (0, 1.7)])
    bib = twin([(0, 0.3), (0.2, 0.5), (0.26, 1), (0.16, 1.6), (0, 1.7)])
    on = [*marks(coat, -0.8, 0.3, 0.8, 1.5, rng), (bib, coat.belly)]
    pen.part(furry(chest, pen.tufts, rng), coat.base, on)
    _collar(pen, animal, 0, 0.56, 0.42)
    _head(pen.at(0, -0.06, 0.62, rng.uniform(-12, 12)), animal, rng)


def sitting(pen: Pen, animal: Animal, rng: Rng) -> None:
    """Sitting upright, seen from the front."""
    coat = animal.coat
    if animal.dog:
        _tail(pen, animal, [(0.3, 0.84), (0.62, 0.8), (0.84, 0.5), (0.86, 0.3)], rng)
    else:
        _tail(pen, animal, [(0.3, 0.86), (0.66, 0.92), (0.86, 0.66), (0.74, 0.3), (0.86, 0.06)], rng)
    for side in (-1, 1):
        haunch = pen.at(0, 0, wide=side)
        haunch.part(
            furry(oval(0.34, 0.72, 0.28, 0.3), pen.tufts * 0.7, rng), coat.base, marks(coat, 0.1, 0.4, 0.62, 1, rng)
        )
        haunch.part(oval(0.42, 0.97, 0.2, 0.08), coat.paws, shade=0.2)
    wide = 1.0 if animal.dog else 0.92
    body = twin([(0, -0.3), (0.26 * wide, -0.16), (0.4 * wide, 0.3), (0.42 * wide, 0.74), (0.24, 0.96), (0, 0.98)])
    bib = twin([(0, -0.2), (0.17, 0.0), (0.2, 0.3), (0.1, 0.66), (0, 0.72)])
    pen.part(furry(body, pen.tufts, rng), coat.base, [*marks(coat, -0.4, -0.1, 0.4, 0.9, rng), (bib, coat.belly)])
    width = 0.17 if animal.dog else 0.14
    for side in (-1, 1):
        _leg(pen.at(0, 0, wide=side), [(0.17, 0.34), (0.16, 0.66), (0.17, 0.96)], width, coat.base, coat.paws)
    _collar(pen, animal, 0, -0.06, 0.27)
    _head(pen.at(0, -0.48, 0.44, rng.uniform(-14, 14)), animal, rng)


def standing(pen: Pen, animal: Animal, rng: Rng) -> None:
    """Standing or walking to the left, seen from the side."""
    coat, step = animal.coat, rng.uniform(-0.12, 0.12)
    width = 0.15 if animal.dog else 0.125
    paw = mix(coat.paws, (40, 30, 44), 0.25)
    for x in (-0.36, 0.48):
        _leg(pen, [(x, 0.3), (x + step * 0.5, 0.62), (x + step, 0.92)], width, animal.far, paw)
    if animal.dog:
        _tail(pen, animal, [(0.6, 0.02), (0.82, -0.14), (0.94, -0.4), (0.84, -0.6)], rng)
    else:
        _tail(pen, animal, [(0.62, 0.04), (0.9, -0.1), (0.98, -0.44), (0.84, -0.74), (0.96, -0.98)], rng)
    high = 0.0 if animal.dog else 0.05
    back = [(-0.68, 0.1), (-0.6, -0.2), (-0.2, -0.14 + high), (0.3, -0.12 + high), (0.66, 0.0)]
    trunk = [*back, (0.7, 0.32), (0.36, 0.42), (-0.2, 0.48), (-0.56, 0.4)]
    under = blob([(-0.72, 0.1), (-0.44, 0.26), (0, 0.34), (0.4, 0.34), (0.2, 0.6), (-0.6, 0.6)])
    saddle = blob([(-0.36, -0.3), (0.5, -0.3), (0.56, 0.06), (0.2, 0.2), (-0.2, 0.16), (-0.4, 0)])
    on = [*marks(coat, -0.6, -0.16, 0.7, 0.44, rng), (under, coat.belly)]
    if coat.pattern in ("blaze", "mask") and animal.dog:
        on.insert(0, (saddle, coat.second if coat.pattern == "blaze" else coat.ears))
    pen.part(furry(blob(trunk), pen.tufts, rng), coat.base, on)
    for x, sign in ((-0.48, -1), (0.58, -1)):
        _leg(pen, [(x, 0.2), (x + sign * step * 0.5, 0.62), (x + sign * step, 0.96)], width, coat.base, coat.paws, 2.0)
    if animal.dog and rng.random() < 0.55:
        pen.part(stroke([(-0.5, 0.02), (-0.72, -0.34)], [0.42, 0.34]), coat.base, shade=0.15)
        _collar(pen, animal, -0.62, -0.16, 0.2, -30)
        dog_profile(pen.at(-0.76, -0.5, 0.36, rng.uniform(-8, 10)), coat, rng)
    else:
        _collar(pen, animal, -0.64, -0.02, 0.24)
        _head(pen.at(-0.68, -0.34, 0.38, rng.uniform(-12, 12)), animal, rng)


def lying(pen: Pen, animal: Animal, rng: Rng) -> None:
    """Lying down, the head to the left."""
    coat = animal.coat
    if animal.dog:
        _tail(pen, animal, [(0.7, 0.8), (0.96, 0.86), (1.12, 0.72)], rng)
    mound = [
        (-0.7, 0.96),
        (-0.76, 0.5),
        (-0.44, 0.24),
        (0.1, 0.24),
        (0.56, 0.22),
        (0.86, 0.52),
        (0.9, 0.86),
        (0.7, 0.98),
        (0, 1.0),
    ]
    on = marks(coat, -0.5, 0.26, 0.9, 0.96, rng)
    if coat.pattern == "blaze" and animal.dog:
        on = [(blob([(-0.1, 0.1), (0.6, 0.1), (0.7, 0.5), (0.3, 0.66), (-0.1, 0.5)]), coat.second)]
    pen.part(furry(blob(mound), pen.tufts, rng), coat.base, on)
    pen.part(
        furry(oval(0.56, 0.74, 0.3, 0.25), pen.tufts * 0.6, rng),
        coat.base,
        marks(coat, 0.3, 0.5, 0.86, 0.98, rng),
        shade=0.25,
    )
    pen.part(oval(0.34, 0.95, 0.2, 0.075), coat.paws, shade=0.2)
    if not animal.dog:
        _tail(pen, animal, [(0.86, 0.8), (0.8, 1.0), (0.5, 1.06), (0.14, 1.03)], rng)
    for x in (-0.62, -0.3):
        _leg(pen, [(x + 0.16, 0.72), (x, 0.9), (x - 0.16, 0.95)], 0.16 if animal.dog else 0.13, coat.base, coat.paws)
    pen.part(oval(-0.48, 0.56, 0.26, 0.26), coat.belly if coat.pattern != "points" else coat.base, shade=0.2)
    _collar(pen, animal, -0.48, 0.46, 0.24)
    _head(pen.at(-0.48, 0.1, 0.42, rng.uniform(-16, 16)), animal, rng)


POSES: Mapping[str, tuple[Callable[[Pen, Animal, Rng], None], Reach]] = {
    "portrait": (portrait, Reach(1.5, -0.95, 0.9)),
    "sitting": (sitting, Reach(1.5, -1.1, 1.06)),
    "standing": (standing, Reach(2.2, -1.06, 1.02)),
    "lying": (lying, Reach(2.1, -0.5, 1.06)),
}
"""How each pose is drawn, and how far it reaches."""
