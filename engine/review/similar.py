"""Near-duplicates: shots of a burst, and pictures encoded again, resized, brightened or cropped a little."""

from collections.abc import Generator, Iterator, Sequence

import numpy as np

from engine.events import ImagesCompared
from engine.review.linkage import Numbers, complete, connected, members
from engine.review.projections import Projections, Vectors

ALIKE = 0.85
"""The least cosine between the vectors of any two pictures in a group.

Measured on 200 photographs of cats and dogs and 45 of hands before a few backgrounds, by the features of the bundled
starter (S) and of the tutorial's network (T). Pairs of different photographs that are as alike: of cats and dogs none of
79,600; of hands 8 to 21 (S) and 0 or 1 (T) of 3,960. Copies of cats and dogs that are as alike: JPEG quality 60 and 85,
10 % brighter or darker, 2 % cropped, 98 to 100 %; half the size 96 % (S) and 100 % (T); turned by up to a degree, shifted
and noisy, as in a burst, 98 to 100 % (S) and 84 to 88 % (T); mirrored 100 % (S) and 0 % (T). Of hands at half the size,
112 pixels where S takes 224, 9 % (S).

Groups of all 245 with up to 9 copies: 99.7 % (S) and 100 % (T) of the pairs in them are of one photograph, and they hold
92 and 88 % of all such pairs, as complete linkage parts copies that were changed in different ways. At 0.9 they hold 76
and 72 %; single linkage at 0.85 makes a group of 22 from several photographs (S).
"""
ALONE = -1
LEADING = 47
"""Principal components of the vectors that are multiplied for every pair; what they leave is bounded."""
ROWS, COLUMNS = 256, 2048
"""Pictures that are compared with each other at once: the products stay in a core's cache."""
DENSE = 1 << 12
"""Pairs beyond which all of a block's products are formed, rather than those of the pairs."""
PENDING = 1 << 17
"""Pairs that are joined at once."""
MOST = 1024
"""Pictures that are grouped together."""
LEADERS = 128
"""Of a longer chain, the pictures that are compared with all others at once."""
STEP = 1 << 20
"""Pairs that are looked at between two events while groups are made."""

Pairs = tuple[Numbers, Numbers]


def groups(projections: Projections, contents: Sequence[bytes]) -> Generator[ImagesCompared, None, Numbers]:
    """The number of each picture's group of near-duplicates, (n,), in the order of first members; ALONE where it has none.

    Each content comes once. Linkage is complete: any two of a group have a cosine of at least ALIKE. Single linkage would
    go from neighbour to neighbour through all photographs of one scene, the first and last of which have little in common.
    """
    vectors = projections.vectors(contents)
    yield ImagesCompared(0, len(contents))
    part = yield from _connected(vectors)
    found, done = np.full(len(contents), ALONE), 0
    for chain in members(part):
        for some in _pieces(vectors, chain):
            found[some] = some[complete(vectors[some] @ vectors[some].T, ALIKE)]
            done += 1000 + len(some) ** 2 + len(chain)
            if done > STEP:
                yield ImagesCompared(len(contents), len(contents))
                done = 0
    return _numbered(found)


def _numbered(group: Numbers) -> Numbers:
    """0, 1, ... for groups of two or more, ALONE for all others."""
    numbers = np.full(len(group), ALONE)
    several = [each for each in members(group) if group[each[0]] != ALONE]
    for number, each in enumerate(several):
        numbers[each] = number
    return numbers


def contradictions(groups: Numbers, labels: Sequence[str | None]) -> list[Numbers]:
    """The groups whose verdicts name more than one label: of each, the pictures with a verdict, by position, ascending.

    `groups` is what the function of that name gives, `labels` the verdicts in the same order, None where there is none.
    """
    number = {label: n for n, label in enumerate(dict.fromkeys(labels)) if label is not None}
    named = np.array([-1 if label is None else number[label] for label in labels], np.int64)
    judged = np.flatnonzero((named >= 0) & (groups != ALONE))
    found = [judged[each] for each in members(groups[judged])]
    return [each for each in found if len(set(named[each].tolist())) > 1]


def _connected(vectors: Vectors) -> Generator[ImagesCompared, None, Numbers]:
    """Which part each picture belongs to, (n,), where chains of alike pictures make a part; named by its first picture."""
    turned, short = _short(vectors)
    count = len(vectors)
    part, pending = np.arange(count), list[Pairs]()
    yield ImagesCompared(0, count)
    for row in range(0, count, ROWS):
        for column in range(row, count, COLUMNS):
            rows, columns = slice(row, row + ROWS), slice(column, column + COLUMNS)
            pending.append(_alike(turned, short, part, rows, columns))
            if sum(len(first) for first, _ in pending) > PENDING:
                part, pending = _joined(part, pending), []
        part, pending = _joined(part, pending), []
        yield ImagesCompared(min(row + ROWS, count), count)
    return part


def _joined(part: Numbers, pairs: Sequence[Pairs]) -> Numbers:
    if not pairs:
        return part
    first, second = map(np.concatenate, zip(*pairs, strict=True))
    return connected(part, first, second)


def _pieces(vectors: Vectors, chain: Numbers) -> Iterator[Numbers]:
    """A chain whole; of a longer one than MOST, what is alike to its first picture, then to the first of the rest."""
    while len(chain) > MOST:
        inside = vectors[chain]
        near = inside[:LEADERS] @ inside.T >= ALIKE
        left = np.ones(len(chain), np.bool_)
        for leader in range(LEADERS):
            if left[leader]:
                star = np.flatnonzero(near[leader] & left)[:MOST]
                left[star] = False
                yield chain[star]
        chain = chain[left]
    yield chain


def _short(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """The vectors turned to their principal components, (n, DIMENSIONS), and their bounds, (n, LEADING + 1).

    A bound is the leading components and the length of the rest: the product of two bounds is no less than that of the
    vectors (Cauchy and Schwarz), and takes half the time.
    """
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    turned = vectors @ axes[:, ::-1]
    rest = np.linalg.norm(turned[:, LEADING:], axis=1, keepdims=True)
    return turned, np.concatenate([turned[:, :LEADING], rest], axis=1)


def _alike(turned: Vectors, short: Vectors, part: Numbers, rows: slice, columns: slice) -> Pairs:
    """The pairs of a picture of `rows` and one of `columns` that are alike, by position.

    Where there are many, those that are in one part already are left out.
    """
    # The products are rounded.
    near = short[rows] @ short[columns].T >= ALIKE - 1e-5
    many = np.count_nonzero(near) > DENSE
    if many:
        near &= part[rows, None] != part[columns]
        near &= turned[rows] @ turned[columns].T >= ALIKE
    first, second = np.divmod(np.flatnonzero(near), near.shape[1])
    first, second = first + rows.start, second + columns.start
    if not many:
        sure = np.einsum("ij,ij->i", turned[first], turned[second]) >= ALIKE
        first, second = first[sure], second[sure]
    return first, second
