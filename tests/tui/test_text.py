"""Words and numbers; and names from outside, held against what Textual itself takes their width to be."""

import sys
import unicodedata

import pytest
from rich.cells import cell_len

from tui.text import bar, count, fit, learned, percent, safe, size, width, window, wrap

PLAINS = (
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xAC00, 0xD7A0),
    (0xE000, 0xF8FF),
    (0x20000, 0xE0000),
    (0xE0200, sys.maxunicode + 1),
)
"""Blocks of thousands of characters of one kind: a sample of them does."""
ALL = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if code % 97 == 0 or not any(first <= code < last for first, last in PLAINS)
]


def test_every_character_is_shown_or_escaped():
    for character in ALL:
        shown = safe(character)
        assert all(unicodedata.category(each)[0] != "C" for each in shown)
        assert not {"\u2028", "\u2029", "\ufe0f", "\u3164", "\u200d"} & set(shown)
        if len(character.encode("utf-8", "surrogatepass")) == 1 and character.isprintable():
            assert shown == character


def test_every_character_is_as_wide_as_textual_takes_it_to_be():
    shown = {each: safe(each) for each in ALL}
    wrong = [hex(ord(each)) for each, words in shown.items() if width(words) != cell_len(words)]
    assert wrong == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("a\x1b]0;b\x07", r"a\x1b]0;b\x07"),
        ("a\x9b2J", r"a\x9b2J"),
        ("a\n\r\t\x00", r"a\x0a\x0d\x09\x00"),
        ("jpg.\u202egpj", r"jpg.\u202egpj"),
        ("a\u200b\u2028b", r"a\u200b\u2028b"),
        (b"caf\xe9.jpg".decode("utf-8", "surrogateescape"), r"caf\xe9.jpg"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("👩\u200d🚀", r"👩\u200d🚀"),
        ("[red]Z[/red]", "[red]Z[/red]"),
        ("e" + "\u0332\u0333\u033a\u033b" * 40, "e\u0332\u0333"),
        ("e\u0301\u0332\u0333x\u0332", "é\u0332\u0333x\u0332"),
        (unicodedata.normalize("NFD", "한글 é"), "한글 é"),
        ("❤\ufe0f", r"❤\ufe0f"),
    ],
)
def test_safe(given, shown):
    assert safe(given) == shown


@pytest.mark.parametrize(("text", "cells"), [("", 0), ("ab", 2), ("犬.jpg", 6), ("é", 1), ("e\u0332", 1), ("🐕", 2)])
def test_width(text, cells):
    assert width(text) == cells


TEXTS = ["", "a", "photograph_0123.jpg", "犬と猫の写真.jpeg", "x" + "\u0332" * 2 + "yz" + "\u0333" + "w" * 9, "🐕🐈" * 7]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("middle", [False, True])
def test_fit_is_exactly_as_wide_as_asked(text, middle):
    for cells in range(30):
        fitted = fit(text, cells, middle)
        assert cell_len(fitted) == width(fitted) == cells
        assert ("…" in fitted) == (width(text) > cells and cells > 0)


def test_fit_keeps_what_tells_names_apart():
    assert fit("photograph_0123.jpg", 12) == "photograph_…"
    assert fit("photograph_0123.jpg", 12, middle=True) == "photog…3.jpg"
    assert fit("short.jpg", 12, middle=True) == "short.jpg   "
    assert fit("anything", 1) == "…"
    assert fit("anything", 0) == fit("anything", -3) == ""


def test_fit_leaves_no_mark_without_its_letter():
    name = "abcdefghij" + "k\u0332" + "lmn"
    for cells in range(2, 13):
        assert "…\u0332" not in fit(name, cells, middle=True)


@pytest.mark.parametrize("cells", [2, 7, 11, 40])
@pytest.mark.parametrize(
    "text", ["", "one two three four", "a_very_long_word_without_any_blank and more", "猫犬 兎猫犬兎猫犬兎 x"]
)
def test_wrap_loses_no_word_and_fits(text, cells):
    lines = wrap(text, cells)
    assert all(0 < cell_len(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    if max(map(width, text.split()), default=0) <= cells:
        assert " ".join(lines) == text
        starts = [line.split()[0] for line in lines[1:]]
        assert all(width(line) + 1 + width(word) > cells for line, word in zip(lines, starts, strict=False))


@pytest.mark.parametrize(
    ("cursor", "first", "seen", "of", "expected"),
    [(0, 0, 5, 9, 0), (4, 0, 5, 9, 0), (5, 0, 5, 9, 1), (8, 0, 5, 9, 4), (3, 4, 5, 9, 3), (6, 4, 5, 9, 4), (1, 3, 5, 4, 0)],
)
def test_a_window_moves_no_more_than_its_cursor_needs(cursor, first, seen, of, expected):
    assert window(cursor, first, seen, of) == expected


@pytest.mark.parametrize(
    ("share", "cells", "drawn"),
    [
        (0.0, 4, "    "),
        (1.0, 4, "████"),
        (0.5, 4, "██  "),
        (0.40, 4, "█▋  "),
        (1 / 32, 4, "▏   "),
        (2.5, 3, "███"),
        (-1.0, 3, "   "),
        (float("nan"), 3, "   "),
        (0.7, 0, ""),
    ],
)
def test_bar(share, cells, drawn):
    assert bar(share, cells) == drawn


def test_a_longer_share_is_never_a_shorter_bar():
    drawn = [bar(share / 1000, 7) for share in range(1001)]
    inked = [sum(" ▏▎▍▌▋▊▉█".index(each) for each in one) for one in drawn]
    assert inked == sorted(inked)
    assert {width(one) for one in drawn} == {7}


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.001, "1 %"), (0.404, "40 %"), (0.999, "99 %"), (1.0, "100 %"), (float("nan"), "–")],
)
def test_percent(share, words):
    assert percent(share) == words


def test_counts():
    assert count(0, "image") == "0 images"
    assert count(1, "image") == "1 image"
    assert count(1200, "image") == "1,200 images"
    assert learned(20, 18, 30, 0) == "18 of 20 flips learned, 0 of 30 accepted broken"
    assert learned(1, 0, 1000, 2) == "0 of 1 flip learned, 2 of 1,000 accepted broken"


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (8_800_000, "8.8 MB"),
        (3_200_000_000, "3.2 GB"),
        (4_000_000_000_000, "4.0 TB"),
    ],
)
def test_size(size_bytes, words):
    assert size(size_bytes) == words
