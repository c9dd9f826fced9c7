"""Heads of cats and dogs, about one unit in radius, and what tells the two apart: ears, eyes, muzzle, whiskers."""

import numpy as np

from samples.coats import NOSE, PINK, WHITE, Coat
from samples.shapes import Color, Mark, Pen, Points, Rng, blob, curve, furry, mix, oval, stroke, twin

DARK: Color = (34, 26, 30)
CAT_FACE = twin([(0, -0.8), (0.5, -0.74), (0.86, -0.3), (1.0, 0.2), (0.82, 0.6), (0.42, 0.82), (0, 0.86)])
DOG_FACE = twin([(0, -0.88), (0.5, -0.8), (0.76, -0.4), (0.78, 0.05), (0.62, 0.5), (0.4, 0.86), (0, 0.98)])
MUZZLE = twin([(0, -0.05), (0.22, 0.02), (0.42, 0.32), (0.44, 0.62), (0.26, 0.9), (0, 0.98)])
TONGUE: Color = (232, 112, 122)


def cat_head(pen: Pen, coat: Coat, rng: Rng) -> None:
    """A cat's head from the front: upright ears, large eyes with slits, a small nose, whiskers."""
    for side in (-1, 1):
        _cat_ear(pen.at(0, 0, wide=side), coat, rng)
    pen.part(furry(CAT_FACE, pen.tufts * 1.3, rng), coat.base, _face_marks(coat), shade=0.22)
    puff = mix(coat.belly, WHITE, 0.15) if coat.pattern != "points" else coat.mark
    for x in (-0.21, 0.21):
        pen.flat(oval(x, 0.42, 0.27, 0.22), puff)
    pen.flat(oval(0, 0.6, 0.18, 0.14), puff)
    awake = rng.random() < 0.85
    for side in (-1, 1):
        (_cat_eye if awake else _closed_eye)(pen.at(0.43 * side, -0.02, wide=side), coat, rng)
    pen.part(blob([(-0.13, 0.2), (0, 0.17), (0.13, 0.2), (0.03, 0.32), (-0.03, 0.32)]), coat.nose, shade=0)
    for side in (-1, 1):
        half = pen.at(0, 0, wide=side)
        half.thread([(0, 0.32), (0.02, 0.44), (0.14, 0.5), (0.26, 0.44)], DARK, 0.8)
        bright = sum(coat.base) > 450
        for y in (0.34, 0.42, 0.5):
            tip = (1.38 + rng.uniform(-0.1, 0.1), y * 2.2 - 0.6 + rng.uniform(-0.06, 0.06))
            half.thread([(0.3, y), (0.8, y * 1.3 - 0.15), tip], (96, 84, 84) if bright else (226, 224, 220), 0.55)


def _cat_ear(pen: Pen, coat: Coat, rng: Rng) -> None:
    lean = rng.uniform(-0.05, 0.08)
    outer = [(0.93, -0.1), (0.98 + lean, -0.8), (0.86 + lean, -1.4), (0.5, -1.08), (0.12, -0.7), (0.4, -0.3)]
    pen.part(_sharp(outer), coat.ears, shade=0.2)
    pink = mix(PINK, coat.ears, 0.35)
    pen.flat(
        _sharp([(0.8, -0.5), (0.86 + lean, -0.85), (0.82 + lean, -1.22), (0.58, -0.98), (0.36, -0.72), (0.5, -0.5)]),
        pink,
    )


def _sharp(corners: list[tuple[float, float]]) -> Points:
    """An ear: sides bent a little, the third corner a point."""
    base, outer, tip, inner, end, middle = corners
    return np.concatenate([curve([base, outer, tip]), curve([tip, inner, end, middle, base])])


def _cat_eye(pen: Pen, coat: Coat, rng: Rng) -> None:
    pen.flat(oval(0, 0, 0.27, 0.26, -12), DARK)
    pen.flat(oval(0, 0.01, 0.235, 0.225, -12), coat.eyes)
    pen.flat(oval(0, 0.07, 0.17, 0.14, -12), mix(coat.eyes, (255, 255, 220), 0.3))
    pen.flat(oval(0, 0.0, 0.085, 0.2), (18, 14, 18))
    pen.flat(oval(-0.07, -0.09, 0.06, 0.06), (255, 255, 255))


def _closed_eye(pen: Pen, coat: Coat, rng: Rng) -> None:
    pen.thread([(-0.24, -0.04), (0, 0.1), (0.24, -0.06)], mix(DARK, coat.belly, 0.25 if sum(coat.base) < 300 else 0), 1.6)


def _face_marks(coat: Coat) -> list[Mark]:
    if coat.pattern == "tabby":
        lines = [
            ([(0, -0.9), (0, -0.4)], 0.12),
            ([(0.28, -0.9), (0.2, -0.42)], 0.11),
            ([(-0.28, -0.9), (-0.2, -0.42)], 0.11),
        ]
        for side in (-1, 1):
            lines += [([(1.05 * side, y), (0.62 * side, y + 0.06)], 0.09) for y in (0.1, 0.32)]
        return [(stroke(path, [width, width * 0.4]), coat.mark) for path, width in lines]
    return {
        "blaze": [(twin([(0, -1), (0.1, -0.9), (0.1, -0.2), (0.34, 0.2), (0.6, 1.1), (0, 1.2)]), coat.belly)],
        "points": [(oval(0, 0.25, 0.62, 0.62), coat.mark), (oval(0, -0.2, 0.3, 0.42), coat.mark)],
        "patches": [(oval(0.62, -0.5, 0.52, 0.5), coat.mark), (oval(-0.75, -0.6, 0.42, 0.5), coat.second)],
        "spots": [
            (oval(0.4, -0.6, 0.1, 0.09), coat.mark),
            (oval(-0.3, -0.5, 0.08, 0.1), coat.mark),
            (oval(0.6, 0.1, 0.07, 0.08), coat.mark),
        ],
        "mask": [
            (twin([(0, 0.0), (0.16, -0.45), (0.44, -0.5), (0.6, -0.15), (0.85, 0.2), (0.6, 1.1), (0, 1.2)]), coat.belly)
        ],
    }.get(coat.pattern, [])


def dog_head(pen: Pen, coat: Coat, rng: Rng) -> None:
    """A dog's head from the front: a long face, a large muzzle and nose, often a tongue."""
    if coat.pointed:
        for side in (-1, 1):
            _upright_ear(pen.at(0, 0, wide=side), coat)
    pen.part(furry(DOG_FACE, pen.tufts * 1.2, rng), coat.base, _face_marks(coat), shade=0.22)
    if not coat.pointed:
        for side in (-1, 1):
            _hanging_ear(pen.at(0, 0, wide=side), coat, rng)
    if rng.random() < 0.65:
        pen.part(blob([(-0.15, 0.74), (0.15, 0.74), (0.19, 1.1), (0.03, 1.28), (-0.13, 1.1)]), TONGUE, shade=0.2)
    pen.part(furry(MUZZLE, pen.tufts, rng), mix(coat.belly, WHITE, 0.1), shade=0.2)
    _nose_and_mouth(pen)
    for side in (-1, 1):
        _dog_eye(pen.at(0.37 * side, -0.2, wide=side), coat)


def _nose_and_mouth(pen: Pen) -> None:
    pen.part(twin([(0, 0.0), (0.2, 0.04), (0.24, 0.16), (0.1, 0.3), (0, 0.32)]), NOSE, shade=0)
    pen.flat(oval(-0.08, 0.08, 0.06, 0.035), (150, 144, 148))
    for side in (-1, 1):
        pen.at(0, 0, wide=side).thread([(0, 0.3), (0, 0.58), (0.16, 0.72), (0.34, 0.6)], DARK, 1.0)


def _dog_eye(pen: Pen, coat: Coat) -> None:
    pen.flat(oval(0, 0, 0.15, 0.16), DARK if sum(coat.base) > 250 else (150, 140, 140))
    pen.flat(oval(0, 0, 0.125, 0.135), coat.eyes)
    pen.flat(oval(0, 0.01, 0.08, 0.085), (16, 12, 14))
    pen.flat(oval(-0.04, -0.05, 0.04, 0.04), (255, 255, 255))


def _upright_ear(pen: Pen, coat: Coat) -> None:
    pen.part(
        _sharp([(0.78, -0.2), (0.86, -0.8), (0.74, -1.5), (0.34, -1.1), (0.1, -0.75), (0.4, -0.4)]),
        coat.ears,
        shade=0.2,
    )
    inner = _sharp([(0.66, -0.55), (0.73, -0.9), (0.69, -1.28), (0.46, -1.02), (0.32, -0.8), (0.46, -0.6)])
    pen.flat(inner, mix(PINK, coat.ears, 0.5))


def _hanging_ear(pen: Pen, coat: Coat, rng: Rng) -> None:
    low = rng.uniform(-0.08, 0.15)
    ear = blob(
        [
            (0.42, -0.84),
            (0.8, -0.78),
            (1.08, -0.3),
            (1.16, 0.32 + low),
            (0.94, 0.6 + low),
            (0.72, 0.36 + low),
            (0.66, -0.3),
        ]
    )
    pen.part(furry(ear, pen.tufts, rng), coat.ears, shade=0.28)


def dog_profile(pen: Pen, coat: Coat, rng: Rng) -> None:
    """A dog's head from the side, looking left: a long snout with the nose at its end."""
    if coat.pointed:
        pen.part(
            _sharp([(0.5, -0.3), (0.62, -0.9), (0.5, -1.5), (0.1, -1.1), (-0.1, -0.7), (0.2, -0.3)]),
            mix(coat.ears, DARK, 0.3),
            shade=0.2,
        )
    if rng.random() < 0.6:
        pen.part(blob([(-0.9, 0.42), (-0.6, 0.42), (-0.62, 0.86), (-0.78, 1.0), (-0.92, 0.84)]), TONGUE, shade=0.2)
    face = [
        (-0.1, -0.72),
        (0.4, -0.8),
        (0.78, -0.4),
        (0.8, 0.2),
        (0.4, 0.62),
        (-0.3, 0.6),
        (-1.1, 0.5),
        (-1.28, 0.24),
        (-1.2, -0.06),
        (-0.6, -0.2),
    ]
    pale = blob([(-1.5, 0.1), (-0.7, 0.02), (-0.3, 0.3), (-0.2, 0.8), (-1.5, 0.8)])
    found = [(pale, mix(coat.belly, WHITE, 0.1))]
    if coat.pattern in ("spots", "patches"):
        found.append((oval(0.35, -0.45, 0.24, 0.26), coat.mark))
    pen.part(furry(blob(face), pen.tufts * 0.8, rng), coat.base, found, shade=0.24)
    pen.part(oval(-1.2, 0.02, 0.2, 0.17), NOSE, shade=0)
    pen.thread([(-1.22, 0.36), (-0.8, 0.38), (-0.42, 0.26)], DARK, 1.0)
    _dog_eye(pen.at(-0.22, -0.28), coat)
    if coat.pointed:
        pen.part(
            _sharp([(0.74, -0.25), (0.86, -0.85), (0.76, -1.5), (0.34, -1.1), (0.12, -0.7), (0.4, -0.3)]),
            coat.ears,
            shade=0.2,
        )
    else:
        ear = blob([(0.18, -0.66), (0.5, -0.7), (0.78, -0.2), (0.82, 0.5), (0.58, 0.76), (0.34, 0.44), (0.26, -0.1)])
        pen.part(furry(ear, pen.tufts, rng), coat.ears, shade=0.28)
