"""The published form of a row and its digest: anyone can compute them from the words alone."""

from __future__ import annotations

import hashlib
import math
import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.agentdigest import canonical_real, finished, float_mark
from connectors.canonical import ABSENT, NULL, Digest, canonical_float, canonical_line
from connectors.table import Kind, Type

FIELDS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1)
LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"])))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (["a", None, ""], "a\t\\N\t"),
        (["a\tb\\c", "\\N", "\\D"], "a\\tb\\\\c\t\\\\N\t\\\\D"),
        (["line\nbreak\r", "𠮷"], "line\nbreak\r\t𠮷"),
        ([None], "\\N"),
        ([""], ""),
    ],
)
def test_a_line_is_fields_and_tabs(fields: list[str | None], line: str) -> None:
    assert canonical_line(fields) == line


def _read(line: str) -> list[str | None]:
    def field(text: str) -> str | None:
        if text == NULL:
            return None
        parts = iter(text)
        return "".join({"\\": "\\", "t": "\t"}[next(parts)] if c == "\\" else c for c in parts)

    return [field(text) for text in line.split("\t")]


@given(FIELDS)
def test_a_line_reads_back_to_its_fields(fields: list[str | None]) -> None:
    assert _read(canonical_line(fields)) == fields


@given(FIELDS)
def test_no_row_looks_like_an_absent_key(fields: list[str | None]) -> None:
    assert canonical_line(fields).split("\t")[-1] != ABSENT


def test_a_digest_is_what_the_documentation_says() -> None:
    words = struct.unpack(">QQ", hashlib.sha256("1\t中文\t\\N".encode()).digest()[:16])
    assert Digest.of_lines(["1\t中文\t\\N"]) == Digest(*words)
    assert str(Digest.of_lines(["a"])) == hashlib.sha256(b"a").hexdigest()[:32]
    assert str(Digest(1, 2)) == "0" * 15 + "1" + "0" * 15 + "2"


@given(LINES, st.randoms(use_true_random=False))
def test_a_digest_adds_up_in_any_order(lines: list[str], choose: random.Random) -> None:
    whole = Digest.of_lines(lines)
    cut = choose.randint(0, len(lines))
    assert Digest.of_lines(lines[:cut]) + Digest.of_lines(lines[cut:]) == whole
    assert whole - Digest.of_lines(lines[cut:]) == Digest.of_lines(lines[:cut])
    assert Digest.of_lines(choose.sample(lines, len(lines))) == whole


def test_equal_lines_do_not_cancel() -> None:
    assert Digest.of_lines(["a", "a"]) != Digest() != Digest.of_lines(["a"])
    assert Digest.of_lines([]) == Digest()


def test_a_server_may_sum_signed_or_unsigned_words() -> None:
    assert Digest.of_sums(None, None) == Digest()
    assert Digest.of_sums("-1", 2**64) == Digest(2**64 - 1, 0)
    assert Digest.of_sums(str(2**70 + 5), -(2**64)) == Digest(5, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e14, "100000000000000"),
        (123456789012345.0, "123456789012345"),
        (1e15, "1e+15"),
        (1234567890123456.0, "1.234567890123456e+15"),
        (1e16, "1e+16"),
        (1e100, "1e+100"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (0.00001, "1e-05"),
        (1.5e-5, "1.5e-05"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_a_float_is_its_shortest_text(value: float, text: str) -> None:
    assert canonical_float(value) == text


@given(st.floats(allow_nan=False))
def test_a_float_reads_back_to_itself(value: float) -> None:
    text = canonical_float(value)
    assert float(text) == value
    digits = len(repr(abs(value)).replace("e", "").replace(".", ""))
    assert len(text) <= digits + 30
    assert ("e" in text) == (
        value not in (0, math.inf, -math.inf) and not 1e-4 <= abs(value) < 1e15
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_single_has_the_shortest_text_that_reads_back(sign: int) -> None:
    """Of every power of two, below which numbers lie closer than above, and of others."""
    choose = random.Random(20240229)
    patterns = [choose.getrandbits(31) for _ in range(3_000)]
    numbers = [2.0**exponent for exponent in range(-149, 128)]
    numbers += [n for n in map(_single, patterns) if n < float("inf")]
    for number in numbers:
        shortest = np.format_float_scientific(np.float32(number), unique=True)
        assert canonical_real(sign * number) == canonical_float(sign * float(shortest))


def _single(pattern: int) -> float:
    (number,) = struct.unpack("<f", pattern.to_bytes(4, "little"))
    return float(number)


def test_a_marked_float_is_finished_by_its_width() -> None:
    """0.1 in single precision, as a server tells it exactly: the fewest digits are those of 0.1."""
    exact = "0.100000001490116"
    single, double = (float_mark(Type(Kind.FLOAT, bits=bits)) for bits in (32, 64))
    assert finished(f"1\t{single}{exact}\tF") == "1\t0.1\tF"
    assert finished(f"1\t{double}{exact}") == f"1\t{exact}"
    assert finished(f"\\\\F\t{NULL}") == f"\\\\F\t{NULL}"
