"""Is this a unified social credit code of a legal person (统一社会信用代码, GB 32100)?"""

from __future__ import annotations

import re

__all__ = ["credit_code_fault"]

# GB 32100 leaves out I, O, S, V and Z; a character's place is its value.
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE = re.compile(f"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}")
_WEIGHTS = [pow(3, i, 31) for i in range(17)]

# GB 11714, for the organisation code in places 9 to 17, whose letters count on from 10.
_ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]


def credit_code_fault(code: str) -> str | None:
    """What is wrong with `code`, or None. Both check characters are computed."""
    if len(code) != 18:
        return f"must have 18 characters, has {len(code)}"
    if _SHAPE.fullmatch(code) is None:
        return "must be digits and capitals without I, O, S, V, Z, with digits in places 3 to 8"
    expected = _organisation_check(code[8:16])
    if code[16] != expected:
        return f"place 17 (check character of the organisation code) must be {expected}"
    expected = _check(code[:17])
    if code[17] != expected:
        return f"place 18 (check character) must be {expected}"
    return None


def _check(body: str) -> str:
    total = sum(_ALPHABET.index(c) * w for c, w in zip(body, _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]


def _organisation_check(body: str) -> str:
    total = sum(int(c, 36) * w for c, w in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]
