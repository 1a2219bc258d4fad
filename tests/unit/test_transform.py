"""Every row that was read is accepted or refused, once, for its first bad column."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.route.mapping import ColumnRoute, Limits, Route
from bridge.transform.key import holdable
from bridge.transform.refusal import Reason, Refusal, masked_sample
from bridge.transform.rows import transform
from connectors.table import Column, Kind, Type

LIMITS = Limits(False, False, True, False, 1, 9999)
TEXT = Type(Kind.TEXT)
SEX = {"男": "1", "M": "1", "女": "2"}


def varchar(length: int) -> Type:
    return Type(Kind.TEXT, length=length)


def decimal(precision: int, scale: int) -> Type:
    return Type(Kind.DECIMAL, precision=precision, scale=scale)


def route_of(*columns: ColumnRoute, key: tuple[str, ...] = ("id",)) -> Route:
    return Route(columns, key, LIMITS)


def travels(source: str, kind: Type, *stores: Type, name: str | None = None) -> ColumnRoute:
    exchange = stores[0] if stores else kind
    return ColumnRoute(
        Column(source, kind), name or source, exchange, stores[-1] if stores else kind
    )


ID = travels("id", Type(Kind.INTEGER))


def batch_of(**columns: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch({name: pa.array(v, pa.string()) for name, v in columns.items()})


def refused(column: ColumnRoute, *values: str | None) -> list[tuple[str | None, Reason]]:
    """Which of the values of one column are refused, and why."""
    keys = [str(i) for i in range(len(values))]
    done = transform(batch_of(id=keys, **{column.source.name: list(values)}), route_of(ID, column))
    assert done.accepted.num_rows + len(done.refused) == len(values)
    assert {r.column for r in done.refused} <= {column.name}
    return [(values[int(r.key[0] or 0)], r.reason) for r in done.refused]


def test_a_batch_travels() -> None:
    route = route_of(
        travels("ID", Type(Kind.INTEGER, bits=32), decimal(10, 0), name="id"),
        ColumnRoute(Column("SEX", TEXT), "sex_code", TEXT, varchar(1), codes=SEX),
        ColumnRoute(Column("PHONE", TEXT), "phone", TEXT, varchar(11), mask="phone"),
        travels("AMOUNT", decimal(10, 3), decimal(10, 2), name="amount"),
    )
    batch = batch_of(
        ID=["1", "2", "3", None, "5", "6"],
        SEX=["男", None, "x", "女", "M", "女"],
        PHONE=["13812341234", None, "1", "2", "3", "13900000000"],
        AMOUNT=["1.500", None, "1.005", "1", "1.005", "-0"],
        bh_cursor=["c1", "c2", "c3", "c4", "c5", "c6"],
        bh_unreadable=[None] * 5 + ["AMOUNT"],
    )
    done = transform(batch, route)
    assert done.accepted.to_pydict() == {
        "id": ["1", "2"],
        "sex_code": ["1", None],
        "phone": ["138****1234", None],
        "amount": ["1.5", None],
        "bh_cursor": ["c1", "c2"],
    }
    assert done.refused == (
        Refusal(("3",), "sex_code", Reason.UNKNOWN_CODE, "**(1)", "c3"),
        Refusal((None,), "id", Reason.NULL_KEY, None, "c4"),
        Refusal(("5",), "amount", Reason.TOO_MANY_DIGITS, "9{1}.9{3}", "c5"),
        Refusal(("6",), "amount", Reason.UNREADABLE, "-9{1}", "c6"),
    )


def test_an_unreadable_column_that_is_not_shared_refuses_the_row() -> None:
    batch = batch_of(id=["1", "2"], bh_cursor=[None, "c"], bh_unreadable=["updated_at", None])
    done = transform(batch, route_of(ID))
    assert done.accepted.to_pydict() == {"id": ["2"], "bh_cursor": ["c"]}
    assert done.refused == (Refusal(("1",), "updated_at", Reason.UNREADABLE, None, None),)


def test_without_a_cursor_and_without_rows() -> None:
    done = transform(batch_of(id=[]), route_of(ID))
    assert (done.accepted.num_rows, done.accepted.schema.names, done.refused) == (0, ["id"], ())
    done = transform(batch_of(id=["x"]), route_of(ID))
    assert done.refused == (Refusal(("x",), "id", Reason.MALFORMED, "**(1)", None),)


def test_a_key_of_several_parts() -> None:
    """In the order of the key, not of the columns."""
    batch = batch_of(a=["1", "2"], b=["x", None])
    done = transform(batch, route_of(travels("a", TEXT), travels("b", TEXT), key=("b", "a")))
    assert done.refused == (Refusal((None, "2"), "b", Reason.NULL_KEY, None),)
    batch = batch_of(a=["1", None], b=["x", "y"])
    done = transform(batch, route_of(travels("a", TEXT), travels("b", TEXT), key=("b", "a")))
    assert done.refused == (Refusal(("y", None), "a", Reason.NULL_KEY, None),)


def test_which_keys_the_exchange_can_hold() -> None:
    columns = ID, travels("a", varchar(3)), travels("other", varchar(1))
    keys = [["1", "abc"], [None, "a"], ["x", "a"], ["2", None], ["3", "abcd"], ["4", "a\0"]]
    route = route_of(*columns, key=("id", "a"))
    assert holdable([*keys, ["5", ""]], route) == [("1", "abc"), ("5", "")]


def test_a_key_is_as_long_as_an_index_takes() -> None:
    """In bytes: of its texts in UTF-8, and of its binaries, not of their digits."""
    columns = travels("n", Type(Kind.INTEGER)), travels("a", TEXT), travels("b", Type(Kind.BINARY))
    route = Route((*columns, travels("other", TEXT)), ("a", "b", "n"), LIMITS, key_bytes=6)
    batch = batch_of(
        n=["1", "123456789", "3", "4"],
        a=["张", "abcdef", "张张", "abcd"],
        b=["00ff00", "", "00", "00ff00"],
        other=["x" * 9] * 4,
    )
    done = transform(batch, route)
    assert done.accepted.column("n").to_pylist() == ["1", "123456789"]
    assert [(r.key[2], r.column, r.reason) for r in done.refused] == [
        ("3", "a", Reason.TOO_LONG),
        ("4", "a", Reason.TOO_LONG),
    ]


def test_a_code_is_looked_up_byte_for_byte() -> None:
    column = ColumnRoute(Column("v", TEXT), "v", TEXT, TEXT, codes=SEX | {"": "0"})
    given = ("M", "M ", " M", "m", "", None)
    assert refused(column, *given) == [(v, Reason.UNKNOWN_CODE) for v in given[1:4]]
    without = ColumnRoute(Column("v", TEXT), "v", TEXT, TEXT, codes=SEX)
    assert refused(without, "M", "", None) == [("", Reason.UNKNOWN_CODE)]
    char = Type(Kind.TEXT, length=2, padded=True)  # it keeps no blank at the end of a code
    blank = ColumnRoute(Column("v", char), "v", char, char, codes={"M": "1 ", "F": "2"})
    assert refused(blank, "M", "F") == [("M", Reason.TRAILING_BLANK)]


def test_other_columns_than_the_route_says_are_an_error() -> None:
    with pytest.raises(ValueError, match="instead of"):
        transform(batch_of(other=["1"]), route_of(ID))


def test_wider_strings_are_taken() -> None:
    batch = pa.record_batch({"id": pa.array(["1", "x"], pa.large_string())})
    done = transform(batch, route_of(ID))
    assert done.accepted.schema.types == [pa.string()]
    assert len(done.refused) == 1


def test_the_target_is_checked_as_well_as_the_exchange() -> None:
    narrow = travels("v", Type(Kind.INTEGER), Type(Kind.INTEGER), Type(Kind.INTEGER, bits=16))
    assert refused(narrow, "32767", "32768") == [("32768", Reason.OUT_OF_RANGE)]
    wide = travels("v", Type(Kind.INTEGER), Type(Kind.INTEGER), decimal(20, 17))
    assert refused(wide, "999", "1000", "x") == [
        ("1000", Reason.OUT_OF_RANGE),
        ("x", Reason.MALFORMED),
    ]
    padded = travels("v", varchar(4), varchar(4), Type(Kind.TEXT, length=4, padded=True))
    assert refused(padded, "ab ", " ab") == [("ab ", Reason.TRAILING_BLANK)]


@pytest.mark.parametrize("kind", [Kind.UUID, Kind.JSON, Kind.NATIVE])
def test_kinds_that_travel_as_text(kind: Kind) -> None:
    column = travels("v", Type(kind, native="inet"), TEXT, varchar(8))
    assert refused(column, "{12345}", "{1234567}", None) == [("{1234567}", Reason.TOO_LONG)]


def test_values_that_a_store_without_types_may_hold() -> None:
    """They are found although the types say that everything fits."""
    assert refused(travels("v", Type(Kind.DATE)), "2020-02-30", "2020-02-29", "soon") == [
        ("2020-02-30", Reason.MALFORMED),
        ("soon", Reason.MALFORMED),
    ]
    assert refused(travels("v", varchar(3)), "张三丰", "张三丰李", "a\0") == [
        ("张三丰李", Reason.TOO_LONG),
        ("a\0", Reason.NUL_IN_TEXT),
    ]


INTEGERS = {8: ("127", "-128"), 16: ("32767", "-32768"), 24: ("8388607", "-8388608")}
INTEGERS |= {32: ("2147483647", "-2147483648"), 64: (str(2**63 - 1), str(-(2**63)))}
EDGES: list[tuple[Type, tuple[str, ...], dict[str, Reason]]] = [
    *(
        (
            Type(Kind.INTEGER, bits=bits),
            (high, low, "0"),
            dict.fromkeys((str(int(high) + 1), str(int(low) - 1), "9" * 25), Reason.OUT_OF_RANGE),
        )
        for bits, (high, low) in INTEGERS.items()
    ),
    (Type(Kind.INTEGER, bits=8, unsigned=True), ("255", "0"), {"256": Reason.OUT_OF_RANGE}),
    (Type(Kind.INTEGER, bits=8, unsigned=True), ("9",), {"-1": Reason.OUT_OF_RANGE}),
    (Type(Kind.BOOLEAN), ("true", "false"), dict.fromkeys(("TRUE", "t", "1"), Reason.MALFORMED)),
    (
        Type(Kind.UUID),
        ("00112233-4455-6677-8899-aabbccddeeff",),
        dict.fromkeys(
            ("00112233445566778899aabbccddeeff", "00112233-445566778899-aabbccddeeff"),
            Reason.MALFORMED,
        ),
    ),
    (varchar(3), ("abc", "张三丰"), dict.fromkeys(("abc ", "abc\n", "张三丰四"), Reason.TOO_LONG)),
    (
        Type(Kind.JSON),
        ('{"a": [1, null]}', "1e400"),
        dict.fromkeys(("{", "[1,]", "NaN", '{"a": -Infinity}', ""), Reason.MALFORMED),
    ),
    (
        Type(Kind.BINARY, length=2),
        ("", "00ff"),
        {"00ff00": Reason.TOO_LONG, "0": Reason.MALFORMED, "0g": Reason.MALFORMED},
    ),
    (
        decimal(5, 2),
        ("999.99", "-999.99", "0.01"),
        {"1000": Reason.OUT_OF_RANGE, "0.001": Reason.TOO_MANY_DIGITS, "NaN": Reason.NOT_A_NUMBER}
        | dict.fromkeys(("Infinity", "-Infinity"), Reason.INFINITE),
    ),
    (decimal(3, -2), ("99900", "0"), {"100000": Reason.OUT_OF_RANGE, "50": Reason.TOO_MANY_DIGITS}),
    (decimal(2, 4), ("0.0099",), {"0.01": Reason.OUT_OF_RANGE, "0.00001": Reason.TOO_MANY_DIGITS}),
    (
        Type(Kind.DATE),
        ("2000-02-29", "2024-02-29", "0001-01-01", "9999-12-31"),
        dict.fromkeys(("1900-02-29", "2023-02-29", "2024-04-31", "2024-13-01"), Reason.MALFORMED)
        | {"10000-01-01": Reason.OUT_OF_RANGE, "infinity": Reason.INFINITE},
    ),
    (
        Type(Kind.TIMESTAMP, fraction=3),
        ("2024-02-29 23:59:59.999",),
        {"2024-02-29 23:59:59.9999": Reason.TOO_MANY_DIGITS}
        | dict.fromkeys(("2024-02-29 24:00:00", "2024-02-30 00:00:00"), Reason.MALFORMED)
        | {"infinity": Reason.INFINITE},
    ),
    (
        Type(Kind.TIMESTAMP, fraction=3, zoned=True),
        ("2024-02-29 23:59:59.999+00",),
        {"2024-02-29 23:59:59.9999+00": Reason.TOO_MANY_DIGITS},
    ),
    (
        Type(Kind.TIME, fraction=0),
        ("00:00:00", "24:00:00"),
        {"24:00:01": Reason.OUT_OF_RANGE, "00:00:00.1": Reason.TOO_MANY_DIGITS},
    ),
]


@pytest.mark.parametrize(("kind", "good", "bad"), EDGES, ids=lambda value: str(value)[:20])
def test_at_the_edge_of_what_a_column_holds(
    kind: Type, good: tuple[str, ...], bad: dict[str, Reason]
) -> None:
    found = refused(travels("v", kind), *good, None, *bad)
    assert dict(found) == bad
    for value in (*good, *bad):  # also where nothing else is wrong in the column
        assert bool(refused(travels("v", kind), value)) is (value in bad)


CANONICAL = [
    (
        Type(Kind.UUID),
        {"00112233-4455-6677-8899-AABBCCDDEEFF": "00112233-4455-6677-8899-aabbccddeeff"},
    ),
    (Type(Kind.INTEGER), {"007": "7", "+1": "1", "-0": "0", "-010": "-10", "000": "0"}),
    (
        decimal(9, 4),
        {
            "1.50": "1.5",
            ".5": "0.5",
            "-.50": "-0.5",
            "100": "100",
            "10.0": "10",
            "-0.00": "0",
            "5.": "5",
        },
    ),
    (Type(Kind.TIME, fraction=3), {"01:02:03.500000": "01:02:03.5", "01:02:00.000": "01:02:00"}),
    (
        Type(Kind.TIMESTAMP, fraction=3, zoned=True),
        {"2024-01-02 03:04:05.1200+00": "2024-01-02 03:04:05.12+00"},
    ),
]


def test_a_uuid_that_travels_as_text_arrives_as_the_target_writes_it() -> None:
    upper = "00112233-4455-6677-8899-AABBCCDDEEFF"
    route = route_of(ID, travels("v", varchar(40), varchar(40), Type(Kind.UUID)))
    done = transform(batch_of(id=["1", "2"], v=[upper, "0011"]), route)
    assert done.accepted.column("v").to_pylist() == [upper.lower()]
    assert [(r.key, r.reason) for r in done.refused] == [(("2",), Reason.MALFORMED)]


@pytest.mark.parametrize(("kind", "texts"), CANONICAL, ids=lambda value: str(value)[:20])
def test_values_come_in_canonical_form(kind: Type, texts: dict[str, str]) -> None:
    """Or the digests of two stores would differ, and a row read twice would look changed."""
    keys = [str(number) for number in range(len(texts))]
    done = transform(batch_of(id=keys, v=list(texts)), route_of(ID, travels("v", kind)))
    assert done.refused == ()
    assert done.accepted.column("v").to_pylist() == list(texts.values())


def test_what_the_targets_column_takes_beside_its_type() -> None:
    """A pattern says nothing of NULL, and `required` nothing of any other value."""
    few = ColumnRoute(Column("v", TEXT), "v", TEXT, TEXT, allowed="^(?:a|b)$")
    assert refused(few, "a", None, "c", "ab") == [(v, Reason.NOT_ALLOWED) for v in ("c", "ab")]
    needed = ColumnRoute(Column("v", TEXT), "v", TEXT, TEXT, required=True)
    assert refused(needed, "a", None, "") == [(None, Reason.NOT_ALLOWED)]


def test_of_very_many_columns_the_one_at_fault_is_named() -> None:
    columns = [travels(f"c{number}", varchar(1)) for number in range(400)]
    for fault in (127, 128, 256, 399):
        row = {
            column.name: ["xx" if place == fault else "x"] for place, column in enumerate(columns)
        }
        done = transform(batch_of(id=["1"], **row), route_of(ID, *columns))
        assert [(r.column, r.reason) for r in done.refused] == [(f"c{fault}", Reason.TOO_LONG)]


def test_what_a_mask_leaves_is_what_must_fit() -> None:
    column = ColumnRoute(Column("v", varchar(20)), "v", TEXT, varchar(4), mask="phone")
    assert refused(column, "110", "13812341234", "") == [("13812341234", Reason.TOO_LONG)]
    # A mask takes a value of any type, whatever is wrong with it.
    column = ColumnRoute(Column("v", Type(Kind.DATE)), "v", TEXT, TEXT, mask="name")
    assert refused(column, "2020-02-30") == []


def test_a_rule_looks_at_the_value_before_codes_and_masks() -> None:
    column = ColumnRoute(Column("v", TEXT), "v", TEXT, TEXT, rule="resident_id", mask="id")
    assert refused(column, "11010519491231002X", "110105********002X", None) == [
        ("110105********002X", Reason.BAD_VALUE)
    ]


def test_a_column_is_judged_by_its_first_fault() -> None:
    column = ColumnRoute(Column("v", TEXT), "v", varchar(2), varchar(2), rule="credit_code")
    assert refused(column, "abc", "91350100M000100Y43") == [
        ("abc", Reason.BAD_VALUE),
        ("91350100M000100Y43", Reason.TOO_LONG),
    ]


CELL = st.sampled_from(
    [None, "", "1", "12", "123", "男", "女", "x", "a\0", "2020-02-30", "2020-02-29"]
)
ROW = st.tuples(CELL, CELL, CELL, CELL, st.sampled_from([None, None, None, "k", "s", "d", "other"]))


def bad_column(row: tuple[str | None, ...]) -> tuple[str, str] | None:
    """The first bad column of a row of the route below, one cell after the other."""
    key, sex, text, day, unreadable = row
    if unreadable == "k":
        return "key", "unreadable"
    if key is None or key not in ("1", "12", "123"):
        return "key", "null_key" if key is None else "malformed"
    if unreadable == "s":
        return "sex", "unreadable"
    if sex is not None and sex not in SEX:
        return "sex", "unknown_code"
    if text is not None and ("\0" in text or len(text) > 2):
        return "text", "nul_in_text" if "\0" in text else "too_long"
    if unreadable == "d":
        return "day", "unreadable"
    if day is not None and day != "2020-02-29":
        return "day", "malformed"
    return ("other", "unreadable") if unreadable == "other" else None


@given(st.lists(ROW, max_size=60), st.integers(0, 3))
@settings(deadline=None, max_examples=200)
def test_rows_are_conserved(rows: list[tuple[str | None, ...]], skipped: int) -> None:
    route = route_of(
        travels("k", Type(Kind.INTEGER), name="key"),
        ColumnRoute(Column("s", TEXT), "sex", TEXT, TEXT, codes=SEX),
        travels("t", varchar(2), name="text"),
        travels("d", Type(Kind.DATE), name="day"),
        key=("key",),
    )
    cells = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(5)]
    number = [str(i) for i in range(len(rows))]
    names = ("k", "s", "t", "d", "bh_unreadable")
    whole = batch_of(**dict(zip(names, cells, strict=True)), bh_cursor=number)
    done = transform(whole.slice(skipped), route)

    good, bad = [], []
    for place, row in enumerate(rows[skipped:], skipped):
        found = bad_column(row)
        if found is None:
            good.append((row[0], SEX.get(row[1] or ""), row[2], row[3], str(place)))
        else:
            bad.append((row[0], *found, str(place)))
    columns = done.accepted.to_pydict()
    assert list(columns) == ["key", "sex", "text", "day", "bh_cursor"]
    assert list(zip(*columns.values(), strict=True)) == good
    assert [(*r.key, r.column, str(r.reason), r.cursor) for r in done.refused] == bad


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        (None, None),
        ("张小明", "张**(3)"),
        ("张", "**(1)"),
        ("", "**(0)"),
        ("\0张", "**(2)"),
        ("杭州1号", "杭**(4)"),
        ("11010519491231002X", "9{17}X"),
        ("11010519491231002x", "9{17}x"),
        ("2020-02-30", "9{4}-9{2}-9{2}"),
        ("Ab\t1", "Xx?9{1}"),
        ("hello", "h**(5)"),
    ],
)
def test_samples(value: str | None, sample: str | None) -> None:
    assert masked_sample(value, Kind.TEXT) == sample


def test_a_sample_of_bytes_is_their_number() -> None:
    assert masked_sample("00ff", Kind.BINARY) == "(2 bytes)"


@given(st.text("ab9X张{}-\0", min_size=1) | st.text(min_size=1))
@settings(deadline=None, max_examples=200)
def test_a_sample_is_short_and_never_the_value(value: str) -> None:
    sample = masked_sample(value, Kind.TEXT) or ""
    assert sample != value
    assert len(sample) <= 64
    assert sample.isprintable()
