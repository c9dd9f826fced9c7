"""Make the samples again: `python -m samples.make` from the repository's root; without a network, from a fixed seed.

Draws the photographs into `samples/images`, says in `samples/truth.csv` what they show, and trains
`samples/CatDog.mlmodel`. `--images` or `--model` makes only the one or the other.
"""

import argparse
import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from samples.bodies import POSES
from samples.coats import CATS, DOGS
from samples.photographs import MISTAKEN, Subject, photograph

HERE = Path(__file__).parent
SEED = 20
EACH = 60
"""Photographs of cats, and of dogs."""
MISTAKES = 12
"""Of each, those with a coat that the model is taught wrongly."""
LONGER = 300
"""The longer side of a photograph in pixels."""
SUFFIXES: Mapping[int, str] = {11: ".png", 27: ".heic", 38: ".png", 64: ".png", 93: ".png", 115: ".png"}
"""By number; all others are JPEG."""
TURNED = 52
"""The photograph whose pixels lie on their side, with an EXIF tag that says so."""
ORIENTATION = 0x0112
QUARTER_TURN = 6
"""EXIF: to be turned by 90 degrees clockwise to be seen upright."""


def subjects() -> list[Subject]:
    """What the photographs show, in their order: all coats in all poses, in no order that tells a label."""
    found: list[Subject] = []
    for label, coats, wrong in (("Cat", CATS, MISTAKEN[0]), ("Dog", DOGS, MISTAKEN[1])):
        others = [coat for coat in coats if coat not in MISTAKEN]
        names = [wrong] * MISTAKES + [others[number % len(others)] for number in range(EACH - MISTAKES)]
        turns = [number + number // len(others) for number in range(EACH)]
        found += [Subject(label, coat, [*POSES][turn % len(POSES)]) for coat, turn in zip(names, turns, strict=True)]
    order = np.random.default_rng(SEED).permutation(len(found))
    return [found[at] for at in order]


def picture(number: int) -> Image.Image:
    """The photograph of this number, counted from 1, as it is to be seen."""
    return photograph(subjects()[number - 1], np.random.default_rng([SEED, 0, number]), LONGER)


def name(number: int) -> str:
    """Its file name."""
    return f"IMG_{number:04}{SUFFIXES.get(number, '.jpg')}"


def _save_jpeg(image: Image.Image, path: Path) -> None:
    image.save(path, quality=82)


def _save_turned(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    image.transpose(Image.Transpose.ROTATE_90).save(path, quality=82, exif=exif)


def _save_png(image: Image.Image, path: Path) -> None:
    """Half as large, since noise hardly packs."""
    image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX).save(path, optimize=True)


def _save_heic(image: Image.Image, path: Path) -> None:
    from pillow_heif import from_pillow

    from_pillow(image).save(path, quality=70)


SAVERS: Mapping[str, Callable[[Image.Image, Path], None]] = {
    ".jpg": _save_jpeg,
    ".png": _save_png,
    ".heic": _save_heic,
}


def make_images(folder: Path) -> None:
    """Draw all photographs, and the table of what they show beside the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str]] = []
    for number, what in enumerate(subjects(), 1):
        path = folder / name(number)
        save = _save_turned if number == TURNED else SAVERS[path.suffix]
        save(picture(number), path)
        rows.append((f"{folder.name}/{path.name}", what.label))
    with (folder.parent / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label"))
        writer.writerows(rows)


def make_model(path: Path) -> None:
    """Train and write the model."""
    from samples.network import save, trained

    save(trained(SEED, print), path)


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--images", action="store_true", help="only the photographs and truth.csv")
    only.add_argument("--model", action="store_true", help="only the model")
    asked = parser.parse_args()
    if not asked.model:
        make_images(HERE / "images")
    if not asked.images:
        make_model(HERE / "CatDog.mlmodel")


if __name__ == "__main__":
    main()
