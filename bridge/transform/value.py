"""Can the stores hold the values of a column as they are?"""

from __future__ import annotations

import json
from typing import NoReturn

import numpy as np
import pyarrow as pa

from bridge.route.mapping import Limits
from bridge.transform.number import decimal_findings, float_findings, integer_findings
from bridge.transform.refusal import Finding, Reason
from bridge.transform.temporal import temporal_findings
from bridge.transform.textarray import Rows, TextArray, byte_lengths, has_byte, matches, pc, rows_of
from connectors.table import Kind, Type

__all__ = ["check_values"]

_BOOLEAN = pa.array(["true", "false"])
_UUID = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def check_values(
    values: TextArray, kind: Type, before: Type, limits: Limits
) -> tuple[TextArray, list[Finding]]:
    """The canonical text for a column of type `kind`, and what is wrong with it, worst first.

    `before` is the type the values come from. NULL is never wrong. Values are looked at even where
    the types say that all fit: some stores keep other values than their columns declare.
    """
    match kind.kind:
        case Kind.INTEGER:
            return integer_findings(values, kind)
        case Kind.DECIMAL:
            return decimal_findings(values, kind, limits)
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
            return temporal_findings(values, kind, limits)
        case Kind.UUID:
            return _uuid(values)
        case Kind.FLOAT:
            return values, float_findings(values, kind, before, limits)
        case Kind.BOOLEAN:
            return values, [_unless(rows_of(pc.is_in(values, value_set=_BOOLEAN)), values)]
        case Kind.BINARY:
            return values, [*_empty(values, limits), *_binary(values, kind)]
        case Kind.JSON:
            return values, [*_nul(values, limits), *_json(values, kind, before)]
        case Kind.TEXT | Kind.NATIVE:
            found = [*_nul(values, limits), *_empty(values, limits)]
            return values, [*found, *_text(values, kind, before)]


def _unless(good: Rows, values: TextArray) -> Finding:
    return Finding(Reason.MALFORMED, rows_of(values.is_valid()) & ~good)


def _uuid(values: TextArray) -> tuple[TextArray, list[Finding]]:
    good = matches(values, _UUID)
    if good.sum() < len(values) - values.null_count:
        lower = pc.ascii_lower(values)
        good = matches(lower, _UUID)
        values = pc.if_else(pa.array(good), lower, values)
    return values, [_unless(good, values)]


def _nul(values: TextArray, limits: Limits) -> list[Finding]:
    if limits.nul_in_text or not has_byte(values, 0):
        return []
    return [Finding(Reason.NUL_IN_TEXT, rows_of(pc.match_substring(values, "\0")))]


def _empty(values: TextArray, limits: Limits) -> list[Finding]:
    if limits.empty_text:
        return []
    return [Finding(Reason.EMPTY_TEXT, rows_of(pc.equal(values, "")))]


def _text(values: TextArray, kind: Type, before: Type) -> list[Finding]:
    findings = []
    # No text has more characters than bytes, so the cheap length settles most columns.
    if kind.length is not None and byte_lengths(values).max(initial=0) > kind.length:
        findings.append(_longer(pc.utf8_length(values), kind.length))
    if kind.padded and not before.padded:
        blank = rows_of(pc.ends_with(values, " "))
        findings.append(Finding(Reason.TRAILING_BLANK, blank))
    return findings


def _binary(values: TextArray, kind: Type) -> list[Finding]:
    findings = [_unless(matches(values, r"^(?:[0-9a-f]{2})*$"), values)]
    if kind.length is not None:
        findings.append(_longer(pc.binary_length(values), 2 * kind.length))
    return findings


def _longer(lengths: pa.Int32Array, limit: int) -> Finding:
    return Finding(Reason.TOO_LONG, rows_of(pc.greater(lengths, limit)))


def _json(values: TextArray, kind: Type, before: Type) -> list[Finding]:
    """A store with a JSON of its own has looked at its values; no other has, and there is no
    whole-column parser for values of any shape."""
    if before == kind and before.family:
        return []
    texts = values.to_pylist()
    good = np.fromiter((t is None or _is_json(t) for t in texts), dtype=bool, count=len(texts))
    return [Finding(Reason.MALFORMED, ~good)]


def _is_json(text: str) -> bool:
    try:
        # Numbers stay text: reading them would cost time, and refuse those of many digits.
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
