"""COPY as CSV of canonical texts: what reads and writes record batches."""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from connectors.charset import decoded
from connectors.connector import Chunk
from connectors.table import Column, Kind

__all__ = ["batch_of", "csv_blocks"]


def batch_of(rows: list[bytes], names: Sequence[str], charsets: Sequence[str]) -> pa.RecordBatch:
    """The record batch of some rows of CSV; every column is text, an unquoted nothing is NULL."""
    text = b"".join(rows)
    if text.startswith(BOM_UTF8):  # the reader would take a value's own for the file's
        text = BOM_UTF8 + text
    table = csv.read_csv(
        io.BytesIO(text),
        read_options=csv.ReadOptions(
            column_names=list(names), use_threads=False, block_size=1 << 30
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return decoded(table.combine_chunks().to_batches()[0], charsets)


_WRITE = csv.WriteOptions(include_header=False, quoting_style="all_valid", batch_size=10_000)


def csv_blocks(
    chunks: Iterator[Chunk], columns: Sequence[Column], constants: Mapping[str, int]
) -> Iterator[tuple[int, bytes]]:
    """Rows and bytes of a CSV COPY FROM STDIN: NULL is empty, every value is quoted."""
    for batch in chunks:
        if batch.num_rows == 0:
            continue
        arrays = [
            _hexed(array) if column.type.kind is Kind.BINARY else array
            for column, array in zip(columns, batch.columns[: len(columns)], strict=True)
        ]
        arrays += [pa.array([str(v)] * batch.num_rows, pa.string()) for v in constants.values()]
        names = [f"c{position}" for position in range(len(arrays))]
        sink = io.BytesIO()
        csv.write_csv(pa.RecordBatch.from_arrays(arrays, names), sink, _WRITE)
        yield batch.num_rows, sink.getvalue()


def _hexed(array: pa.StringArray) -> pa.StringArray:
    prefix = pa.array(["\\x"] * len(array), pa.string())
    empty = pa.array([""] * len(array), pa.string())
    return pc.binary_join_element_wise(prefix, array, empty)
