"""Why a row is set aside, and what may be shown of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from connectors.table import Kind

if TYPE_CHECKING:
    from bridge.transform.textarray import Rows

__all__ = ["Finding", "Reason", "Refusal", "Refusals", "masked_sample"]

_SAMPLE_LENGTH = 64


class Reason(StrEnum):
    """Stable words: the ledger, reports and `quarantine --json` show them."""

    UNREADABLE = "unreadable"  # the connector could not render the value
    NULL_KEY = "null_key"
    MALFORMED = "malformed"  # no value of the column's type, or none that exists (2020-02-30)
    OUT_OF_RANGE = "out_of_range"
    TOO_MANY_DIGITS = "too_many_digits"  # would be rounded
    INFINITE = "infinite"
    NOT_A_NUMBER = "not_a_number"
    NUL_IN_TEXT = "nul_in_text"
    EMPTY_TEXT = "empty_text"  # the store would take it for NULL
    TOO_LONG = "too_long"
    TRAILING_BLANK = "trailing_blank"  # CHAR would strip it
    BAD_VALUE = "bad_value"  # breaks its rule
    CHECK_DIGIT = "check_digit"  # right shape, wrong check character
    UNKNOWN_CODE = "unknown_code"
    NOT_ALLOWED = "not_allowed"  # the target's column takes some values alone (ENUM), or no NULL
    # rows of files
    DIGITS_LOST = "digits_lost"  # a number of more digits than a spreadsheet keeps
    DOUBTFUL_DATE = "doubtful_date"  # a date cell before 1900-03-01: programs disagree by a day
    ERROR_VALUE = "error_value"  # #N/A and its like
    MERGED_CELLS = "merged_cells"  # the row shares a cell with others
    REPEATED_KEY = "repeated_key"  # more than one row of the file bears it
    UNDECODABLE = "undecodable"  # bytes that are no text of the file's charset
    WRONG_COLUMNS = "wrong_columns"  # more fields than there are columns, or fewer
    NOT_CSV = "not_csv"  # quotes that end in the middle of a field

    @property
    def hides_value(self) -> bool:
        """Whether the value that was meant cannot be known from what stands there."""
        return self in _HIDING


_HIDING = frozenset(
    {
        Reason.UNREADABLE,
        Reason.MALFORMED,
        Reason.DIGITS_LOST,
        Reason.DOUBTFUL_DATE,
        Reason.ERROR_VALUE,
        Reason.MERGED_CELLS,
        Reason.UNDECODABLE,
    }
)


class Finding(NamedTuple):
    """The rows of one column that are bad for one reason."""

    reason: Reason
    rows: Rows


@dataclass(frozen=True)
class Refusal:
    """One row that is set aside, for its first bad column.

    `key` holds the canonical texts of the key at the exchange, None for a NULL part (a bad part
    stands as it was read). `column` is the exchange's name, None for a row that is bad as a whole.
    `sample` never is the value. `place` is where in its file the row stands.
    """

    key: tuple[str | None, ...]
    column: str | None
    reason: Reason
    sample: str | None
    cursor: str | None = None
    place: str | None = None


Refusals: TypeAlias = tuple[Refusal, ...]


def masked_sample(value: str | None, kind: Kind) -> str | None:
    """Enough of a value to find out what is wrong with it, and not the value.

    ASCII with a digit in it becomes its shape, `9{17}X`; other text its first character and
    length, `张**(3)`; bytes their number.
    """
    if value is None:
        return None
    if kind is Kind.BINARY:
        return f"({len(value) // 2} bytes)"
    if value.isascii() and any(c.isdigit() for c in value):
        return _shape(value)
    first = value[0] if len(value) > 1 and value[0].isprintable() else ""
    return f"{first}**({len(value)})"


def _shape(value: str) -> str:
    """Runs of digits as 9{n}, of capitals as X, of small letters as x, each with its length."""
    head = value[: 4 * _SAMPLE_LENGTH]
    shape = re.sub(r"[^\x20-\x7e]", "?", head)
    shape = re.sub(r"[A-Z]+|[a-z]+|[0-9]+", lambda run: _run(run.group()), shape)
    return shape if len(shape) <= _SAMPLE_LENGTH else f"{shape[: _SAMPLE_LENGTH - 1]}…"


def _run(run: str) -> str:
    if run[0].isdigit():
        return f"9{{{len(run)}}}"
    letter = "X" if run[0].isupper() else "x"
    return letter if len(run) == 1 else f"{letter}{{{len(run)}}}"
