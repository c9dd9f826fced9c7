"""Cells of a CSV file that a spreadsheet would take for formulas, made inert, and taken back exactly."""

import re

_BEGINS = r"(?<![^;\t\r\n])"
"""Where a cell begins; and where one might, to a spreadsheet with other separators."""
_FORMULA = r"(?='*[=+\-@\t\r\n＝＋－＠])"
"""What is a formula to some spreadsheet (https://owasp.org/www-community/attacks/CSV_Injection), or would be without the
apostrophes before it."""


def inert(cell: str) -> str:
    """With an apostrophe before all that begins as a formula does: spreadsheets show the rest as text."""
    return re.sub(_BEGINS + _FORMULA, "'", cell)


def taken_back(cell: str) -> str:
    """What `inert` was given."""
    return re.sub(_BEGINS + "'" + _FORMULA, "", cell)
