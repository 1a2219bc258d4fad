"""Columns of text looked at as a whole: matches, lengths, and bytes at fixed places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from connectors.canonical import NULL

__all__ = [
    "Rows",
    "TextArray",
    "byte_lengths",
    "digits_at",
    "has_byte",
    "lines_of",
    "matches",
    "pc",
    "rows_of",
]

# The published stubs know too few of the calls that the library takes.
pc: Any = pyarrow.compute
TextArray: TypeAlias = pa.StringArray
Rows: TypeAlias = NDArray[np.bool_]
"""One flag per row of a column."""


def rows_of(flags: Any) -> Rows:
    """The flags of an Arrow boolean array; NULL is False."""
    flat: Rows = flags.fill_null(False).to_numpy(zero_copy_only=False)
    return flat


def lines_of(columns: Sequence[Any]) -> TextArray:
    """The canonical line of every row (see connectors/canonical.py), from canonical texts."""
    fields = [pc.fill_null(_escaped(column), NULL) for column in columns]
    lines: TextArray = pc.binary_join_element_wise(*fields, "\t")
    return lines


def _escaped(values: TextArray) -> TextArray:
    for plain, escape in (("\\", "\\\\"), ("\t", "\\t")):
        if has_byte(values, ord(plain)):
            values = pc.replace_substring(values, plain, escape)
    return values


def matches(values: TextArray, pattern: str) -> Rows:
    """Rows where the RE2 `pattern` matches somewhere; `$` is the end of the text alone."""
    return rows_of(pc.match_substring_regex(values, pattern))


def byte_lengths(values: TextArray) -> NDArray[np.int32]:
    """Bytes of each text; what it says of a NULL means nothing."""
    return np.diff(_offsets(values))


def has_byte(values: TextArray, byte: int) -> bool:
    """Whether the column may hold the byte: True for a byte left behind under a NULL, too."""
    offsets = _offsets(values)
    data = _data(values)[offsets[0] : offsets[-1]]
    return bool((data == byte).any())


def digits_at(
    values: TextArray, rows: NDArray[np.intp], width: int, start: Any = 0
) -> NDArray[np.uint8]:
    """The `width` bytes from byte `start` of each of `rows`, less the byte `0`.

    The shape is (width, rows). A digit is its value; every other byte is above 9. Each row
    must have start + width bytes.
    """
    begins = _offsets(values)[:-1][rows] + start
    places = np.arange(width, dtype=np.int32)[:, None]
    gathered: NDArray[np.uint8] = _data(values)[begins[None, :] + places]
    gathered -= ord("0")
    return gathered


def _offsets(values: TextArray) -> NDArray[np.int32]:
    buffer = values.buffers()[1]
    if buffer is None or buffer.size == 0:
        return np.zeros(1, dtype=np.int32)
    whole = np.frombuffer(memoryview(buffer), dtype=np.int32)
    return whole[values.offset : values.offset + len(values) + 1]


def _data(values: TextArray) -> NDArray[np.uint8]:
    buffer = values.buffers()[2]
    if buffer is None:
        return np.zeros(0, dtype=np.uint8)
    return np.frombuffer(memoryview(buffer), dtype=np.uint8)
