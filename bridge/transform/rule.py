"""Rules that a column's values must keep: numbers of persons and of organisations.

Resident id (公民身份号码, GB 11643): six digits of a county (also one that no longer exists), the
birth date, three digits, and a check character by ISO 7064 MOD 11-2.
Unified social credit code (统一社会信用代码, GB 32100): see `bridge.configuration.creditcode`;
place 17 is the check character of the organisation code in places 9 to 17 (GB 11714), place 18 that
of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bridge.transform.refusal import Finding, Reason
from bridge.transform.temporal import is_real_date
from bridge.transform.textarray import Rows, TextArray, byte_lengths, digits_at, rows_of

__all__ = ["RULES", "rule_findings"]

_LENGTH = 18
_RESIDENT_WEIGHTS = [pow(2, 17 - place, 11) for place in range(17)]
_RESIDENT_CHECKS = b"10X98765432"
_CREDIT_ALPHABET = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = [pow(3, place, 31) for place in range(17)]
_ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]
_ORGANISATION_CHECKS = b"0123456789X"
_NONE = 255


def rule_findings(values: TextArray, rule: str) -> list[Finding]:
    """The rows that break the rule: `bad_value` for another shape, else `check_digit`. NULL keeps
    every rule."""
    valid = rows_of(values.is_valid())
    rows = np.flatnonzero(valid & (byte_lengths(values) == _LENGTH))
    digits = digits_at(values, rows, _LENGTH)
    shaped, checked = RULES[rule](digits)
    good_shape, good_check = np.zeros((2, len(values)), dtype=bool)
    good_shape[rows], good_check[rows] = shaped, checked
    return [
        Finding(Reason.BAD_VALUE, valid & ~good_shape),
        Finding(Reason.CHECK_DIGIT, good_shape & ~good_check),
    ]


def _resident_id(digits: NDArray[np.uint8]) -> tuple[Rows, Rows]:
    year = _number(digits[6:10])
    shaped = (digits[:17] <= 9).all(axis=0)
    shaped &= is_real_date(year, _number(digits[10:12]), _number(digits[12:14]))
    shaped &= (digits[17] <= 9) | (digits[17] == ord("X") - ord("0"))
    total = _weighted(digits, _RESIDENT_WEIGHTS)
    return shaped, digits[17] == _less_zero(_RESIDENT_CHECKS)[total % 11]


def _credit_code(digits: NDArray[np.uint8]) -> tuple[Rows, Rows]:
    places = _places(_CREDIT_ALPHABET)[digits]
    shaped = (places != _NONE).all(axis=0) & (digits[2:8] <= 9).all(axis=0)
    overall = places[17] == (-_weighted(places, _CREDIT_WEIGHTS)) % 31
    # GB 11714 counts its letters on from 10: A is 10, Z is 35.
    letters = np.where(digits[8:16] > 9, digits[8:16] - (ord("A") - ord("0") - 10), digits[8:16])
    total = -_weighted(letters, _ORGANISATION_WEIGHTS) % 11
    return shaped, overall & (digits[16] == _less_zero(_ORGANISATION_CHECKS)[total])


RULES: Mapping[str, Callable[[NDArray[np.uint8]], tuple[Rows, Rows]]] = {
    "resident_id": _resident_id,
    "credit_code": _credit_code,
}
"""Rule → the rows of 18 characters (less the byte `0`, as columns) of the right shape, and those
with the right check characters."""


def _number(digits: NDArray[np.uint8]) -> NDArray[np.int32]:
    number = np.zeros(digits.shape[1], dtype=np.int32)
    for place in digits:
        number = number * 10 + place
    return number


def _weighted(digits: NDArray[np.uint8], weights: list[int]) -> NDArray[np.int32]:
    total = np.zeros(digits.shape[1], dtype=np.int32)
    for place, weight in zip(digits, weights, strict=False):
        total += place.astype(np.int32) * weight
    return total


def _less_zero(characters: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(characters, dtype=np.uint8) - ord("0")


def _places(alphabet: bytes) -> NDArray[np.uint8]:
    """Byte less the byte `0` → its place in the alphabet, or _NONE."""
    table = np.full(256, _NONE, dtype=np.uint8)
    table[_less_zero(alphabet)] = np.arange(len(alphabet))
    return table
