"""When does a column hold the values of another?"""

from __future__ import annotations

import pytest

from connectors.table import Column, Fit, Kind, Table, TableName, Type

INT16, INT32, INT64 = (Type(Kind.INTEGER, bits=bits) for bits in (16, 32, 64))
UINT16, UINT32, UINT64 = (Type(Kind.INTEGER, bits=b, unsigned=True) for b in (16, 32, 64))
INT8, UINT8 = Type(Kind.INTEGER, bits=8), Type(Kind.INTEGER, bits=8, unsigned=True)
TEXT = Type(Kind.TEXT)
DECIMAL = Type(Kind.DECIMAL)
NATIVE = Type(Kind.NATIVE, family="postgresql", native="inet")
JSON = Type(Kind.JSON)
JSONB = Type(Kind.JSON, family="postgresql", native="jsonb")
PLAIN_JSON = Type(Kind.JSON, family="postgresql", native="json")


def _text(length: int, *, padded: bool = False) -> Type:
    return Type(Kind.TEXT, length=length, padded=padded)


def _decimal(precision: int, scale: int) -> Type:
    return Type(Kind.DECIMAL, precision=precision, scale=scale)


def _stamp(fraction: int, *, zoned: bool = False) -> Type:
    return Type(Kind.TIMESTAMP, fraction=fraction, zoned=zoned)


EXACT = [
    (INT64, INT16),
    (INT16, INT8),
    (INT16, UINT8),
    (_decimal(5, 0), UINT8),
    (INT32, UINT16),
    (INT64, UINT32),
    (UINT64, UINT16),
    (_decimal(20, 0), UINT64),
    (_decimal(5, 0), INT16),
    (_decimal(10, 0), INT32),
    (_decimal(21, 2), INT32),
    (DECIMAL, INT64),
    (DECIMAL, _decimal(38, 10)),
    (_decimal(10, 4), _decimal(8, 2)),
    (_decimal(5, 0), Type(Kind.DECIMAL, precision=5)),
    (Type(Kind.FLOAT), Type(Kind.FLOAT, bits=32)),
    (TEXT, _text(10)),
    (_text(10), _text(10, padded=True)),
    (TEXT, NATIVE),
    (TEXT, JSON),
    (_text(36), Type(Kind.UUID)),
    (TEXT, DECIMAL),
    (TEXT, _decimal(39, 0)),
    (TEXT, Type(Kind.TIME, zoned=True)),
    (_text(20), _text(5)),
    (Type(Kind.BINARY), Type(Kind.BINARY, length=5)),
    (_stamp(6), _stamp(3)),
    (JSON, JSONB),
    (JSONB, JSONB),
    (Type(Kind.DATE), Type(Kind.DATE)),
]
CHECKED = [
    (INT8, INT16),
    (UINT8, INT8),
    (Type(Kind.INTEGER, bits=24), INT32),
    (INT16, INT32),
    (INT16, UINT16),
    (UINT64, INT16),
    (_decimal(4, 0), INT16),
    (_decimal(9, 0), INT32),
    (_decimal(11, 2), INT32),
    (_decimal(19, 0), UINT64),
    (_decimal(10, 2), DECIMAL),
    (_decimal(10, 4), _decimal(10, 2)),
    (_decimal(10, 2), _decimal(10, 4)),
    (Type(Kind.FLOAT, bits=32), Type(Kind.FLOAT)),
    (_text(5), TEXT),
    (_text(5), _text(6)),
    (_text(5, padded=True), _text(5)),
    (Type(Kind.BINARY, length=4), Type(Kind.BINARY)),
    (_stamp(0), _stamp(6)),
    (_text(35), Type(Kind.UUID)),
    (UINT64, _decimal(20, 0)),
    (INT16, _decimal(5, 0)),
]
NO = [
    (INT64, _decimal(5, 2)),
    (INT64, DECIMAL),
    (TEXT, INT64),
    (INT64, TEXT),
    (_stamp(6), _stamp(6, zoned=True)),
    (_stamp(6, zoned=True), _stamp(6)),
    (_stamp(6), Type(Kind.DATE)),
    (Type(Kind.BOOLEAN), INT16),
    (NATIVE, Type(Kind.NATIVE, family="postgresql", native="cidr")),
    (Type(Kind.FLOAT), _decimal(5, 2)),
    (JSONB, PLAIN_JSON),
    (PLAIN_JSON, JSONB),
]


@pytest.mark.parametrize(
    ("store", "value", "fit"),
    [
        *((store, value, Fit.EXACT) for store, value in EXACT),
        *((store, value, Fit.CHECKED) for store, value in CHECKED),
        *((store, value, Fit.NO) for store, value in NO),
    ],
    ids=str,
)
def test_fit(store: Type, value: Type, fit: Fit) -> None:
    assert store.fit(value) is fit


def test_what_is_between_the_usual_widths_is_held_by_the_next() -> None:
    assert INT8.widened == UINT8.widened == INT16
    assert Type(Kind.INTEGER, bits=24, unsigned=True).widened == INT32
    for kind in (INT16, UINT16, UINT64, TEXT):
        assert kind.widened is kind


def test_every_type_fits_itself_and_has_a_name() -> None:
    for pair in (*EXACT, *CHECKED, *NO):
        for kind in pair:
            assert kind.fit(kind) is Fit.EXACT
            assert str(kind)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (UINT32, "unsigned integer(32)"),
        (_decimal(10, 2), "decimal(10,2)"),
        (DECIMAL, "decimal"),
        (_text(18, padded=True), "char(18)"),
        (TEXT, "text"),
        (_stamp(3, zoned=True), "timestamp(3) with zone"),
        (NATIVE, "inet"),
        (Type(Kind.BINARY, length=3), "binary(3)"),
        (Type(Kind.BOOLEAN), "boolean"),
    ],
)
def test_a_type_is_named_as_operators_read_it(kind: Type, name: str) -> None:
    assert str(kind) == name


def test_the_resolution_of_a_stamp() -> None:
    assert Type(Kind.DATE).resolution_seconds == 86400
    assert _stamp(0).resolution_seconds == 1
    assert _stamp(3).resolution_seconds == 0.001


def test_a_table_finds_its_columns_by_name() -> None:
    table = Table(TableName("t", "s"), (Column("a", TEXT), Column("b", INT64)), key=("a",))
    assert str(table.name) == "s.t"
    assert table.names == ("a", "b")
    assert table.column("b").type == INT64
    with pytest.raises(KeyError):
        table.column("c")
