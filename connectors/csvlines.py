r"""Lines of CSV as more than one family reads and writes them: every value in quotes, NULL bare.

A value is its canonical text; bytes have `\x` before their hex. So a line may go from one store to
another without being looked at. Record batches are made of such lines, and written as them.
"""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
from pyarrow import csv

from connectors.charset import decoded, read_as_utf8
from connectors.connector import Chunk
from connectors.table import Column, Kind

__all__ = ["NULL_WORD", "batch_of", "csv_blocks"]

NULL_WORD = "NULL"
_LARGEST_BLOCK = 1 << 30
pc: Any = pyarrow.compute


def batch_of(lines: list[bytes], names: Sequence[str], charsets: Sequence[str]) -> pa.RecordBatch:
    """The record batch of some lines whose bytes are plain hex; every column is text. A store may
    hold what it alone takes for UTF-8, half a surrogate pair for example: such a row is unreadable.
    """
    text = b"".join(lines)
    if text.startswith(BOM_UTF8):  # the reader would take a value's own for the file's
        text = BOM_UTF8 + text
    try:
        batch = _read(text, names, pa.string())
    except pa.ArrowInvalid:
        batch = read_as_utf8(_read(text, names, pa.binary()))
    return decoded(batch, charsets)


def _read(text: bytes, names: Sequence[str], kind: pa.DataType) -> pa.RecordBatch:
    table = csv.read_csv(
        io.BytesIO(text),
        read_options=csv.ReadOptions(
            column_names=list(map(str, range(len(names)))),
            use_threads=False,
            block_size=_LARGEST_BLOCK,
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types={str(place): kind for place in range(len(names))},
            null_values=[NULL_WORD],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    batch = table.combine_chunks().to_batches()[0]
    return pa.RecordBatch.from_arrays(batch.columns, list(names))


def csv_blocks(
    chunks: Iterator[Chunk], columns: Sequence[Column]
) -> Iterator[tuple[int, memoryview]]:
    """Rows and lines of record batches of canonical texts."""
    for batch in chunks:
        if batch.num_rows:
            arrays = batch.columns[: len(columns)]
            fields = [_field(a, c) for a, c in zip(arrays, columns, strict=True)]
            yield batch.num_rows, _bytes_of(pc.binary_join_element_wise(*fields, ","))


def _field(array: pa.StringArray, column: Column) -> Any:
    mark = "\\x" if column.type.kind is Kind.BINARY else ""
    doubled = pc.replace_substring(array, '"', '""')
    quoted = pc.binary_join_element_wise(f'"{mark}', doubled, '"', "")
    return pc.fill_null(quoted, NULL_WORD)


def _bytes_of(lines: pa.StringArray) -> memoryview:
    """All lines, each with its newline: an array keeps its texts one behind the other."""
    ended = pc.binary_join_element_wise(lines, "\n", "")
    offsets, data = ended.buffers()[1:]
    ends = memoryview(cast(Any, offsets)).cast("i")
    low, high = ends[ended.offset], ends[ended.offset + len(ended)]
    return memoryview(cast(Any, data))[low:high]
