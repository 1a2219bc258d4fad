"""Canonical texts of floats, by expressions of the server.

MariaDB and MySQL print the fewest digits that read back to the same double, but choose between
plain digits and an exponent in their own way, and cut a FLOAT off after six digits.
"""

from __future__ import annotations

from connectors.canonical import SHORT_POWERS

__all__ = ["canonical_double", "parsed_single", "shortest_single"]

_LARGEST = "3.4028234663852886e38"
_TOO_LARGE = "3.4028235677973366e38"  # a FLOAT's largest value would stand for it and all above


def canonical_double(number: str) -> str:
    """An expression for the canonical text of a double."""
    size = f"ABS({number})"
    text = f"CAST({size} + 0e0 AS CHAR)"
    sign = f"CASE WHEN {number} < 0 THEN '-' ELSE '' END"
    tiny = f"TRIM(LEADING '0' FROM SUBSTR({text}, 3))"
    huge = f"TRIM(TRAILING '0' FROM REPLACE({text}, '.', ''))"
    tiny_exponent = f"LPAD(CHAR_LENGTH({text}) - 1 - CHAR_LENGTH({tiny}), 2, '0')"
    huge_exponent = f"CHAR_LENGTH(SUBSTRING_INDEX({text}, '.', 1)) - 1"
    return (
        f"CASE WHEN {number} = 0 THEN '0' "
        f"WHEN {size} >= 1e-4 AND {size} < 1e15 THEN CONCAT({sign}, {text}) "
        f"WHEN LOCATE('e-', {text}) THEN CONCAT({sign}, {text}) "
        f"WHEN LOCATE('e', {text}) THEN CONCAT({sign}, REPLACE({text}, 'e', 'e+')) "
        f"WHEN {size} < 1 THEN CONCAT({sign}, {_mantissa(tiny)}, 'e-', {tiny_exponent}) "
        f"ELSE CONCAT({sign}, {_mantissa(huge)}, 'e+', {huge_exponent}) END"
    )


def shortest_single(number: str) -> str:
    """An expression for the double that has the fewest digits that read back to the same FLOAT."""
    exponent = f"FLOOR(LOG10(ABS({number} + 0e0)))"
    cases = [
        f"WHEN ABS({number}) = CAST({power} AS FLOAT) THEN SIGN({number}) * {power}"
        for power in SHORT_POWERS
    ]
    for digits in range(1, 10):
        whole = f"ROUND(({number} + 0e0) * POW(10, {digits - 1} - {exponent}))"
        short = f"(CONCAT({whole}, 'e', {exponent} - {digits - 1}) + 0e0)"
        fits = f"ABS({short}) < {_TOO_LARGE} AND CAST({short} AS FLOAT) = {number}"
        cases.append(f"WHEN {fits} THEN {short}")
    return f"(CASE {' '.join(cases)} ELSE {number} + 0e0 END)"


def parsed_single(text: str) -> str:
    """An expression for what a FLOAT takes for such a text. The fewest digits of its largest value
    are a little above it, and would be refused."""
    number = f"({text} + 0e0)"
    return (
        f"CASE WHEN ABS({number}) > {_LARGEST} AND ABS({number}) < {_TOO_LARGE} "
        f"THEN SIGN({number}) * {_LARGEST} ELSE {number} END"
    )


def _mantissa(digits: str) -> str:
    return (
        f"LEFT({digits}, 1), "
        f"CASE WHEN CHAR_LENGTH({digits}) > 1 THEN CONCAT('.', SUBSTR({digits}, 2)) ELSE '' END"
    )
