"""Which part of a picture is looked at. No Textual here."""

from dataclasses import dataclass, replace

Part = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the picture's width and height."""
WHOLE: Part = (0.0, 0.0, 1.0, 1.0)
STEP = 0.5
"""How far the part moves, as a share of itself."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Zoom:
    """How many times larger than a picture that just fits, and where its middle is."""

    times: int = 1
    x: float = 0.5
    y: float = 0.5

    def part(self, picture: Size, room: Size) -> Part:
        """What is seen of a picture in a room of so many pixels of the screen."""
        if self.times == 1:
            return WHOLE
        across, down = self._shares(picture, room)
        left, top = _inside(self.x, across) - across / 2, _inside(self.y, down) - down / 2
        return max(0.0, left), max(0.0, top), min(1.0, left + across), min(1.0, top + down)

    def closer(self, picture: Size, room: Size) -> "Zoom":
        """Twice as large; the same where every pixel of the picture is on the screen already."""
        hidden = min(room[0] / picture[0], room[1] / picture[1]) * self.times < 1
        return replace(self, times=self.times * 2) if hidden else self

    def wider(self, picture: Size, room: Size) -> "Zoom":
        """Half as large; the whole at least."""
        return replace(self, times=max(1, self.times // 2)).moved(0, 0, picture, room)

    def moved(self, right: int, down: int, picture: Size, room: Size) -> "Zoom":
        """Half of what is seen to a side; never beyond the picture's edge."""
        shares = self._shares(picture, room)
        return replace(self, x=_inside(self.x + right * STEP * shares[0], shares[0]),
                       y=_inside(self.y + down * STEP * shares[1], shares[1]))  # fmt: skip

    def _shares(self, picture: Size, room: Size) -> tuple[float, float]:
        """Of the picture's width and height that are seen."""
        scale = self.times * min(room[0] / picture[0], room[1] / picture[1])
        return min(1.0, room[0] / (scale * picture[0])), min(1.0, room[1] / (scale * picture[1]))


def _inside(middle: float, share: float) -> float:
    return min(max(middle, share / 2), 1 - share / 2)
