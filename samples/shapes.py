"""Outlines and the pen that fills them: all that the drawings are made of.

Outlines are arrays (n, 2) in the drawing's own units, x to the right and y down; a pen carries them to pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Points = NDArray[np.float64]
Color = tuple[int, int, int]
Mark = tuple[Points, Color]
Rng = np.random.Generator
Place = Sequence[tuple[float, float]]

LINE = 0.0055
"""The width of outlines as a share of the picture's shorter side."""


def mix(a: Color, b: Color, share: float) -> Color:
    """`a` with a share of `b` in it."""
    first, second = np.array(a, float), np.array(b, float)
    red, green, blue = np.clip(first + (second - first) * share, 0, 255).astype(int).tolist()
    return red, green, blue


def oval(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Points:
    """An ellipse around (x, y), turned by `angle` in degrees."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    flat = np.stack([np.cos(turn) * rx, np.sin(turn) * ry], axis=1)
    return flat @ _rotation(angle).T + (x, y)


def curve(through: Place, closed: bool = False, each: int = 10) -> Points:
    """A Catmull-Rom spline through points."""
    knots = np.array(through, float)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0, 1, each, endpoint=False)[:, None]
    pieces = [_spline(*four, t) for four in zip(knots, knots[1:], knots[2:], knots[3:], strict=False)]
    return np.concatenate([*pieces, knots[-2:-1]])


def _spline(a: Any, b: Any, c: Any, d: Any, t: Any) -> Points:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def blob(through: Place) -> Points:
    """A smooth closed outline."""
    return curve(through, closed=True)


def twin(right: Place) -> Points:
    """A smooth outline that is the same on both sides of x = 0, from its right half."""
    left = [(-x, y) for x, y in reversed(right) if x > 0]
    return blob([*right, *left])


def stroke(through: Place, widths: Sequence[float]) -> Points:
    """A band along a smooth path with round ends; `widths` are spread evenly along it."""
    path = curve(through)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    half = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * half
    turn = np.linspace(-np.pi / 2, np.pi / 2, 9)
    caps = [_cap(path[at], along[at] * sign, float(half[at, 0]), turn) for at, sign in ((-1, 1), (0, -1))]
    return np.concatenate([path - side, caps[0], (path + side)[::-1], caps[1]])


def _cap(at: Points, along: Points, half: float, turn: Points) -> Points:
    across = np.array([-along[1], along[0]])
    return at + half * (np.cos(turn)[:, None] * along + np.sin(turn)[:, None] * across)


def furry(outline: Points, depth: float, rng: Rng) -> Points:
    """The outline with tufts of about `depth` standing out."""
    if depth <= 0:
        return outline
    steps = np.linalg.norm(np.diff(outline, axis=0, append=outline[:1]), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    count = max(8, int(length[-1] / (depth * 1.3))) // 2 * 2
    at = np.linspace(0, length[-1], count, endpoint=False)
    whole = np.concatenate([outline, outline[:1]])
    even = np.stack([np.interp(at, length, whole[:, axis]) for axis in (0, 1)], axis=1)
    out = even - outline.mean(axis=0)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    reach = np.where(np.arange(count) % 2, 1.0, -0.25) * depth * rng.uniform(0.5, 1.1, count)
    return even + out * reach[:, None]


def _rotation(degrees: float) -> Points:
    turn = np.deg2rad(degrees)
    return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])


@dataclass(frozen=True, eq=False)
class Pen:
    """Draws on `layer`; `matrix` and `offset` carry the drawing's units to pixels."""

    layer: Image.Image
    matrix: Points
    offset: Points
    tufts: float = 0.0
    """The depth of tufts on furry parts, in the drawing's units; 0 for short hair."""

    def at(self, x: float, y: float, scale: float = 1.0, angle: float = 0.0, wide: float = 1.0) -> "Pen":
        """A pen whose origin is (x, y) of this one's, scaled and turned; a negative `wide` mirrors."""
        matrix = self.matrix @ _rotation(angle) @ np.diag([scale * wide, scale])
        return replace(self, matrix=matrix, offset=self.matrix @ (x, y) + self.offset)

    def pixels(self, points: Points) -> Points:
        """Where the points lie on the layer."""
        return points @ self.matrix.T + self.offset

    @property
    def line(self) -> int:
        """The width of an outline in pixels."""
        return max(1, round(min(self.layer.size) * LINE))

    def part(self, outline: Points, color: Color, marks: Sequence[Mark] = (), shade: float = 0.3) -> None:
        """Fill an outline, round it off with light from above left, and draw its edge."""
        placed = self.pixels(outline)
        low = np.floor(placed.min(axis=0)).astype(int) - 2
        wide, high = (np.ceil(placed.max(axis=0)).astype(int) + 3 - low).tolist()
        if wide > 4 * self.layer.width or high > 4 * self.layer.height:
            raise ValueError("The part is far larger than the picture.")
        mask = Image.new("L", (wide, high))
        ImageDraw.Draw(mask).polygon(_flat(placed - low), fill=255)
        fill = Image.new("RGB", mask.size, color)
        draw = ImageDraw.Draw(fill)
        for points, its in marks:
            draw.polygon(_flat(self.pixels(points) - low), fill=its)
        if shade:
            fill = _rounded(fill, mask, shade)
        self.layer.paste(fill, (int(low[0]), int(low[1])), mask)
        edge = mix(color, (24, 16, 20), 0.55)
        ring = _flat(np.concatenate([placed, placed[:2]]))
        ImageDraw.Draw(self.layer).line(ring, fill=edge, width=self.line, joint="curve")

    def flat(self, outline: Points, color: Color) -> None:
        """Fill an outline with one colour and no edge."""
        ImageDraw.Draw(self.layer).polygon(_flat(self.pixels(outline)), fill=color)

    def thread(self, through: Place, color: Color, width: float = 1.0) -> None:
        """A thin smooth line, `width` times as wide as an outline."""
        wide = max(1, round(self.line * width))
        ImageDraw.Draw(self.layer).line(_flat(self.pixels(curve(through))), fill=color, width=wide, joint="curve")


def _flat(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points.round(2).tolist()]


def _rounded(fill: Image.Image, mask: Image.Image, shade: float) -> Image.Image:
    """Darker where the light from above left does not reach."""
    reach = max(2, round(min(mask.size) * 0.16))
    lit = ImageChops.offset(_framed(mask, reach), -reach // 2, -reach // 2).filter(ImageFilter.BoxBlur(reach))
    lit = lit.crop((reach, reach, reach + mask.width, reach + mask.height))
    dark = lit.point([round((255 - level) * shade) for level in range(256)])
    shadow = Image.new("RGB", fill.size, (30, 20, 40))
    return Image.composite(shadow, fill, dark)


def _framed(mask: Image.Image, by: int) -> Image.Image:
    whole = Image.new("L", (mask.width + 2 * by, mask.height + 2 * by))
    whole.paste(mask, (by, by))
    return whole
