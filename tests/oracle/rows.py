"""Rows as they stand in the stores: one spelling for one value, compared, and counted anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.oracle.books import IMAGES, place_of, sent_total
from tests.oracle.canonical import digest_of, line_of
from tests.oracle.finding import Finding, Row

__all__ = ["Stamped", "as_many", "compare", "plain", "recount"]

Record = dict[str, Any]
Stamped = defaultdict[tuple[int, int], list[tuple[str | None, list[str | None]]]]


def recount(
    batches: Sequence[Record], copy: Stamped, change: Stamped, keys: Sequence[int], *, exact: bool
) -> Iterator[Finding]:
    for batch in batches:
        at = place_of(batch)
        if batch["kind"] in IMAGES:
            lines = [line_of(row) for _, row in copy[at]]
            if len(lines) != sent_total(batch):
                continue  # later batches have touched its rows
        elif batch["state"] == "purged":
            continue
        else:
            counted = Counter(operation for operation, _ in change[at])
            sealed = {"I": batch["inserted"], "U": batch["updated"], "D": batch["deleted"]}
            if +counted != +Counter(sealed):
                yield Finding("books", f"{at}: its change rows are {dict(counted)}, not {sealed}")
            lines = [_change_line(operation, row, keys) for operation, row in change[at]]
        if exact and digest_of(lines) != batch["digest"]:
            yield Finding("books", f"{at}: its rows have another digest")
    known = set(map(place_of, batches))
    newest = max(known)
    for at in sorted(set(copy) | set(change)):
        if at[0] == newest[0] and at not in known and (copy[at] or change[at]):
            yield Finding("books", f"{at}: there are rows of a batch that is not in the ledger")


def _change_line(operation: str | None, row: Sequence[str | None], keys: Sequence[int]) -> str:
    return line_of([row[i] for i in keys]) + "\t\\D" if operation == "D" else line_of(row)


def as_many(batches: Sequence[Record], rows: int) -> Iterator[Finding]:
    """Those of the images, and of what came after them those inserted less those deleted."""
    came = sum(
        sent_total(b) if b["kind"] in IMAGES else b["inserted"] - b["deleted"] for b in batches
    )
    if batches[0]["seq"] == 1 and came != rows:
        yield Finding("books", f"{came} rows came in, and the copy holds {rows}")


def compare(
    name: str, wanted: Sequence[Row], found: Sequence[Row], columns: Sequence[str]
) -> Iterator[Finding]:
    expected = dict(wanted)
    counted = Counter(key for key, _ in found)
    for key, times in counted.items():
        if times > 1:
            yield Finding("twice", f"{name}: {key} stands there {times} times")
    yield from (Finding("lost", f"{name}: {key}") for key in expected if key not in counted)
    for key, values in found:
        if key not in expected:
            yield Finding("extra", f"{name}: {key}")
            continue
        for column, one, other in zip(columns, expected[key], values, strict=True):
            if one != other:
                yield Finding("differs", f"{name}: {key}, {column}: {one!r} is {other!r}")


def plain(text: str | None, kind: str) -> str | None:
    """One spelling for one value, where two families write it differently."""
    if text is None or kind == "text":
        return text
    if kind == "number":
        number = Decimal(text.replace("$", "").replace(",", ""))  # PostgreSQL's money
        return f"{number.normalize():f}" if number.is_finite() and number else str(abs(number))
    if kind == "bytes":
        return text.removeprefix("\\x")
    if kind == "boolean":
        return {"1": "true", "0": "false"}.get(text, text)
    stamp = text.replace("T", " ").removesuffix("+00:00").removesuffix("+00").removesuffix("Z")
    return stamp.rstrip("0").rstrip(".") if "." in stamp else stamp
