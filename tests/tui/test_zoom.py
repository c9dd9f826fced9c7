"""Which part of a picture is seen: never beyond its edge, never more of it than there is."""

import numpy as np
import pytest

from tui.zoom import WHOLE, Zoom

ROOMS = [(80, 44), (30, 38), (1000, 700), (7, 90)]
PICTURES = [(500, 375), (375, 500), (4032, 3024), (60, 40), (3000, 9), (1, 1)]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("picture", PICTURES)
def test_closer_until_every_pixel_is_shown(picture, room):
    zoom, fits = Zoom(), min(room[0] / picture[0], room[1] / picture[1])
    assert zoom.part(picture, room) == WHOLE
    while (closer := zoom.closer(picture, room)) != zoom:
        assert closer.times == 2 * zoom.times and fits * zoom.times < 1
        zoom = closer
    assert fits * zoom.times >= 1
    left, top, right, bottom = zoom.part(picture, room)
    assert (right - left) * picture[0] <= room[0] * 1.001 and (bottom - top) * picture[1] <= room[1] * 1.001
    for _ in range(20):
        zoom = zoom.wider(picture, room)
    assert zoom == Zoom()


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("picture", PICTURES)
def test_parts_stay_inside_and_fill_the_room(picture, room):
    random, zoom = np.random.default_rng(7), Zoom()
    for _ in range(200):
        step = int(random.integers(6))
        moves = [(1, 0), (-1, 0), (0, 1), (0, -1)]
        zoom = (zoom.closer(picture, room) if step == 5 else zoom.wider(picture, room) if step == 4
                else zoom.moved(*moves[step], picture, room))  # fmt: skip
        left, top, right, bottom = zoom.part(picture, room)
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1
        scale = zoom.times * min(room[0] / picture[0], room[1] / picture[1])
        if zoom.times > 1:
            assert (right - left) * picture[0] * scale == pytest.approx(min(room[0], scale * picture[0]))
            assert (bottom - top) * picture[1] * scale == pytest.approx(min(room[1], scale * picture[1]))


def test_every_edge_is_reached_and_no_more():
    picture, room = (1200, 900), (40, 30)
    zoom = Zoom().closer(picture, room).closer(picture, room)
    assert zoom.part(picture, room) == (0.375, 0.375, 0.625, 0.625)
    assert zoom.moved(1, 0, picture, room).part(picture, room) == (0.5, 0.375, 0.75, 0.625)
    for right, down, part in ((1, 0, (0.75, 0.375, 1, 0.625)), (0, -1, (0.75, 0, 1, 0.25))):
        for _ in range(5):
            zoom = zoom.moved(right, down, picture, room)
        assert zoom.part(picture, room) == part
        assert zoom.moved(right, down, picture, room) == zoom


def test_a_smaller_room_moves_a_part_inside():
    zoom = Zoom(4, 0.95, 0.5)
    left, _, right, _ = zoom.part((1000, 1000), (100, 100))
    assert (left, right) == (0.75, 1.0)
