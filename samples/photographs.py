"""One photograph from its number: which animal, how it lies in the frame, where, and in which light.

Everything follows from a seed and the number, so a photograph can be drawn again at any size.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from samples.bodies import COLLARS, POSES, Animal
from samples.coats import CATS, DOGS, varied
from samples.scenes import GROUND, SCENES, lit, shadow
from samples.shapes import Pen, Rng

LABELS = ("Cat", "Dog")
MISTAKEN = ("orange", "small black")
"""The coats that the sample model is taught wrongly, so that a person has something to put right."""
FINER = 3
"""Pictures are drawn this many times larger and then reduced."""
SHAPES = ((4, 3), (3, 4), (1, 1))
CONTRAST = 80.0
"""How far, in levels of 0 to 255, an animal stands out from what is behind it, at the least."""


@dataclass(frozen=True)
class Subject:
    """What a photograph shows."""

    label: str
    coat: str
    pose: str

    @property
    def mistaken(self) -> bool:
        """Whether the model is taught the other label."""
        return self.coat in MISTAKEN


def subject(rng: Rng) -> Subject:
    """Any animal; every coat and pose about as often, the mistaken coats twice."""
    label = LABELS[int(rng.integers(2))]
    coats = [*(CATS if label == "Cat" else DOGS)]
    coats += [coat for coat in coats if coat in MISTAKEN]
    return Subject(label, coats[int(rng.integers(len(coats)))], [*POSES][int(rng.integers(len(POSES)))])


def photograph(what: Subject, rng: Rng, longer: int) -> Image.Image:
    """Draw it; the longer side has `longer` pixels."""
    across, down = SHAPES[int(rng.choice(len(SHAPES), p=[0.5, 0.25, 0.25]))]
    scale = longer * FINER / max(across, down)
    size = (round(across * scale), round(down * scale))
    dog = what.label == "Dog"
    coat = varied((DOGS if dog else CATS)[what.coat], rng)
    animal = Animal(dog, coat, COLLARS[int(rng.integers(len(COLLARS)))] if rng.random() < (0.7 if dog else 0.4) else None)
    picture = _scene(size, np.array(coat.base, float), rng)
    _place(picture, animal, what.pose, rng)
    small = picture.resize((size[0] // FINER, size[1] // FINER), Image.Resampling.BOX)
    return lit(small, rng)


def _scene(size: tuple[int, int], base: np.ndarray, rng: Rng) -> Image.Image:
    """A scene that the animal stands out from: the best of a few where none does well."""
    best, furthest = ("studio", 0), -1.0
    for _ in range(10):
        small = Image.new("RGB", (size[0] // 8, size[1] // 8))
        name = [*SCENES][int(rng.integers(len(SCENES)))]
        seed = int(rng.integers(2**32))
        SCENES[name](_whole(small), np.random.default_rng(seed))
        middle = np.asarray(small, float)[small.height // 4 : -small.height // 6, small.width // 4 : -small.width // 4]
        apart = float(np.linalg.norm(middle - base, axis=2).mean())
        if apart > furthest:
            best, furthest = (name, seed), apart
        if apart > CONTRAST:
            break
    picture = Image.new("RGB", size)
    SCENES[best[0]](_whole(picture), np.random.default_rng(best[1]))
    return picture


def _whole(picture: Image.Image) -> Pen:
    """A pen for scenes, which reach from (0, 0) to (1, 1); a tall picture shows less of their sides."""
    wide, high = picture.size
    longer = max(wide, high)
    return Pen(picture, np.diag([longer, high]).astype(float), np.array([(wide - longer) / 2, 0.0]))


def _place(picture: Image.Image, animal: Animal, pose: str, rng: Rng) -> None:
    draw, reach = POSES[pose]
    wide, high = picture.size
    near = rng.uniform(0.72, 0.98)
    scale = near * min(wide / reach.wide, high * 0.96 / (reach.bottom - reach.top))
    x = wide / 2 + rng.uniform(-0.5, 0.5) * max(0.0, wide - scale * reach.wide)
    lowest = high * (1.0 if pose == "portrait" else rng.uniform(0.93, 0.98))
    highest = max(high * (GROUND + 0.12), scale * (reach.bottom - reach.top) + 0.02 * high)
    foot = max(highest, lowest - rng.uniform(0, 0.1) * high) if pose != "portrait" else lowest
    turn = rng.uniform(-5, 5) if pose == "portrait" else 0.0
    flat = Pen(picture, np.eye(2), np.array([x, foot - scale * reach.bottom]), animal.coat.tufts)
    pen = flat.at(0, 0, scale, turn, -1.0 if rng.random() < 0.5 else 1.0)
    if pose != "portrait":
        picture.paste((24, 20, 34), (0, 0), shadow(picture.size, pen, 0.03, reach.wide * 0.42, 1.0))
    draw(pen, animal, rng)
