"""How sure a share is that was counted on few, and the difference of two that were counted on the same."""

from math import sqrt

Z = 1.959963984540054
"""The normal distribution's quantile for 95 % on both sides."""


def interval(correct: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, from 0 to 1, of which `correct` of `of` were counted; (0, 1) of none.

    Wilson's score interval (Wilson 1927; recommended for small numbers by Brown, Cai and DasGupta 2001).
    """
    if not of:
        return 0.0, 1.0
    share = correct / of
    middle = share + Z * Z / (2 * of)
    half = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    below, above = (middle - half) / (1 + Z * Z / of), (middle + half) / (1 + Z * Z / of)
    # At the ends the rounding would leave a hair.
    return (0.0 if not correct else max(0.0, below)), (1.0 if correct == of else min(1.0, above))


def gain(won: int, lost: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a rise, from -1 to 1, of the share that is right: `won` of `of` came right, `lost` came wrong.

    For matched pairs, with half a count added to each of the four cells (Agresti and Min 2005), so that it is not narrow
    only because nothing changed among few.
    """
    whole = of + 2
    rise = (won - lost) / whole
    half = Z * sqrt((won + lost + 1) / whole - rise * rise) / sqrt(whole)
    return max(rise - half, -1.0), min(rise + half, 1.0)
