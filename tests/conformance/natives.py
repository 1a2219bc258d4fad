"""Every type of a family as its own users declare it, with the awkward values, and what they mean.

The tests of fidelity carry all of this through every pair of families. A family joins by its rows
here and a line in LACKS.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.table import Kind, Type

__all__ = ["ALIASES", "LACKS", "NATIVES", "PREPARED", "Native", "Value", "types_of"]


@dataclass(frozen=True)
class Value:
    """A value in the family's SQL, its canonical text, and what a store must know to hold it: a
    word of LACKS. `never`: the reason why no store of ours takes it."""

    sql: str
    text: str
    needs: str = ""
    never: str = ""

    def refused(self, *families: str) -> str:
        """Why one of these stores does not take it; empty if all do."""
        found = [LACKS[ALIASES.get(family, family)].get(self.needs, "") for family in families]
        return self.never or next(filter(None, found), "")


@dataclass(frozen=True)
class Native:
    """A declared type, the shared type that it is, and values."""

    declared: str
    type: Type
    values: tuple[Value, ...] = field(default=())


# What a family cannot hold in a column of the right type, and the reason that quarantine gives.
LACKS: dict[str, dict[str, str]] = {
    "postgresql": {"long time": "out_of_range", "unreal date": "malformed"},
    "mysql": {
        "infinite time": "infinite",
        "far year": "out_of_range",
        "float NaN": "not_a_number",
        "float infinity": "infinite",
    },
    "sqlite": {
        "infinite time": "infinite",
        "far year": "out_of_range",
        "decimal NaN": "not_a_number",
        "decimal infinity": "infinite",
        "float NaN": "not_a_number",
        "float infinity": "infinite",
        "long time": "out_of_range",
        "unreal date": "malformed",
    },
}


def _native(declared: str, kind: Type, *values: Value | tuple[str, str]) -> Native:
    made = tuple(v if isinstance(v, Value) else Value(*v) for v in values)
    return Native(declared, kind, made)


def _quoted(*texts: str) -> tuple[Value, ...]:
    return tuple(Value("'" + text.replace("'", "''") + "'", text) for text in texts)


def _plain(*texts: str) -> tuple[Value, ...]:
    return tuple(Value(text, text) for text in texts)


def _integer(bits: int, *, unsigned: bool = False) -> Type:
    return Type(Kind.INTEGER, bits=bits, unsigned=unsigned)


def _decimal(precision: int, scale: int) -> Type:
    return Type(Kind.DECIMAL, precision=precision, scale=scale)


def _own(family: str, name: str) -> Type:
    return Type(Kind.NATIVE, family=family, native=name)


INT16 = ("-32768", "-1", "0", "32767")
INT32 = ("-2147483648", "2147483647")
INT64 = ("-9223372036854775808", "9007199254740993", "9223372036854775807")
DIGITS38 = ("9" * 28 + "." + "9" * 10, "-" + "9" * 28 + "." + "9" * 10, "0.0000000001")
DIGITS60 = ("1" + "0" * 59, "-0." + "0" * 59 + "1", "9" * 40 + "." + "9" * 20)
DOUBLES = ("0.1", "-1.5", "123456789012345", "1e+15", "1e-05", "1.7976931348623157e+308")
DOUBLES += ("2.2250738585072014e-308", "5e-324", "0.30000000000000004", "-9.007199254740992e+15")
DOUBLES += ("-5.140551043047566e+16", "1e+23")  # half way between two doubles
SINGLES = ("0.1", "16777216", "3.4028235e+38", "1e-45", "-1.1754944e-38", "-1.4757395e+20")
SINGLES += ("1.2621775e-29", "1.5474251e+26", "-1.2379401e+27")  # see SHORT_POWERS
SINGLES += ("1e+15", "9999999", "0.0001", "9.999999e-05", "1.8014399e+16")
TEXTS = ("", " ", " 两端空格 ", "NULL", "\\N", "\\D", "a\tb", "a\\tb", "line\r\nline\nline\rend")
TEXTS += ("\x01\x7f", "𠮷野家 䶮 㛃", "e\u0301", "é", "\ufeffbom", "1.10", "007", "😀\U0010ffff")
TEXTS += ("it's", '"quoted","comma"', "%s %(a)s ? :a {}", "�?", "null", "e\u0301\u0323 ﬁ Å ½")
SHORT_TEXTS = ("𠮷𠮷𠮷𠮷𠮷", "", "a  ", "㛃")
DATES = ("0001-01-01", "1582-10-10", "1900-02-28", "2024-02-29", "9999-12-31")
TIMES = ("00:00:00", "12:30:00.5", "23:59:59.999999")
STAMPS = ("0001-01-01 00:00:00", "1970-01-01 00:00:00.000001", "2024-02-29 12:00:00.5")
STAMPS += ("9999-12-31 23:59:59.999999",)
UUIDS = ("00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
JSONS = ('{"b": 1, "a":\t[1.10, "𠮷"], "a": null}', "1e400", "null", '"\\u0041"', "{}", " [ ] ")
BYTES = ("", "00", "5c4e0a", "ff00ff", "00" * 300)

POSTGRESQL = (
    _native("smallint", _integer(16), *_plain(*INT16)),
    _native("integer", _integer(32), *_plain(*INT32)),
    _native("bigint", _integer(64), *_quoted(*INT64)),
    _native(
        "numeric(5,2)", _decimal(5, 2), ("-999.99", "-999.99"), ("1.10", "1.1"), ("100", "100")
    ),
    _native("numeric(38,10)", _decimal(38, 10), *_quoted(*DIGITS38)),
    _native(
        "numeric",
        Type(Kind.DECIMAL),
        *_quoted(*DIGITS60),
        ("'1.500'", "1.5"),
        ("1e-70", f"0.{'0' * 69}1"),
        Value("'NaN'", "NaN", "decimal NaN"),
        Value("'Infinity'", "Infinity", "decimal infinity"),
        Value("'-Infinity'", "-Infinity", "decimal infinity"),
    ),
    _native("numeric(3,-2)", Type(Kind.DECIMAL), ("12345", "12300")),
    _native("numeric(2,4)", _decimal(4, 4), ("0.0012", "0.0012")),
    _native(
        "double precision",
        Type(Kind.FLOAT),
        *_quoted(*DOUBLES),
        ("'-0'", "0"),
        Value("'NaN'", "NaN", "float NaN"),
        Value("'-Infinity'", "-Infinity", "float infinity"),
    ),
    _native(
        "real",
        Type(Kind.FLOAT, bits=32),
        *_quoted(*SINGLES),
        Value("'Infinity'", "Infinity", "float infinity"),
    ),
    _native("money", _decimal(19, 2), ("'-92233720368547758.08'", "-92233720368547758.08")),
    _native("boolean", Type(Kind.BOOLEAN), ("true", "true"), ("false", "false")),
    _native("text", Type(Kind.TEXT), *_quoted(*TEXTS)),
    _native("varchar(5)", Type(Kind.TEXT, length=5), *_quoted(*SHORT_TEXTS)),
    _native(
        "char(5)",
        Type(Kind.TEXT, length=5, padded=True),
        ("'ab'", "ab"),
        ("''", ""),
        ("'𠮷'", "𠮷"),
        ("' a '", " a"),
    ),
    _native("name", Type(Kind.TEXT, length=63), *_quoted("a", "字" * 21)),
    _native("心情", Type(Kind.TEXT), *_quoted("高兴 😀", "Sad's")),
    _native("bytea", Type(Kind.BINARY), *(Value(rf"'\x{b}'", b) for b in BYTES)),
    _native(
        "date",
        Type(Kind.DATE),
        *_quoted(*DATES),
        Value("'infinity'", "infinity", "infinite time"),
        Value("'0044-03-15 BC'", "0044-03-15 BC", "far year"),
        Value("'10000-01-01'", "10000-01-01", "far year"),
    ),
    _native("time", Type(Kind.TIME), *_quoted(*TIMES, "24:00:00")),
    _native("time(0)", Type(Kind.TIME, fraction=0), *_quoted("23:59:59")),
    _native(
        "timestamp",
        Type(Kind.TIMESTAMP),
        *_quoted(*STAMPS),
        Value("'-infinity'", "-infinity", "infinite time"),
        Value("'4713-01-01 00:00:00 BC'", "4713-01-01 00:00:00 BC", "far year"),
    ),
    _native(
        "timestamptz",
        Type(Kind.TIMESTAMP, zoned=True),
        ("'2024-02-29 12:00:00.123456+08'", "2024-02-29 04:00:00.123456+00"),
        ("'0001-01-01 00:00:00+00'", "0001-01-01 00:00:00+00"),
        ("'9999-12-31 23:59:59.999999+00'", "9999-12-31 23:59:59.999999+00"),
        Value("'infinity'", "infinity", "infinite time"),
        Value("'294276-12-31 23:59:59+00'", "294276-12-31 23:59:59+00", "far year"),
    ),
    _native("timestamptz(3)", Type(Kind.TIMESTAMP, fraction=3, zoned=True)),
    _native("uuid", Type(Kind.UUID), *_quoted(*UUIDS)),
    _native("json", Type(Kind.JSON, family="postgresql", native="json"), *_quoted(*JSONS)),
    _native(
        "jsonb",
        Type(Kind.JSON, family="postgresql", native="jsonb"),
        ('\'{"b": 1,"a":[1.10]}\'', '{"a": [1.10], "b": 1}'),
        ("'\"\\u4e2d\"'", '"中"'),
    ),
    _native("bit(8)", _own("postgresql", "bit(8)"), ("B'10100101'", "10100101")),
    _native("bit varying", _own("postgresql", "bit varying"), ("B''", ""), ("B'101'", "101")),
    _native(
        "time with time zone",
        _own("postgresql", "time with time zone"),
        ("'12:00+08'", "12:00:00+08"),
    ),
    _native("interval", _own("postgresql", "interval"), ("'-1 year 2 days'", "-1 years +2 days")),
    _native("inet", _own("postgresql", "inet"), ("'10.0.0.1'", "10.0.0.1/32")),
    _native("integer[]", _own("postgresql", "integer[]"), ("'{1,NULL}'", "{1,NULL}")),
    _native(
        "char(5)[]",
        _own("postgresql", "character(5)[]"),
        ("'{abcde,xy}'", '{abcde,"xy   "}'),
    ),
    _native("bit(3)[]", _own("postgresql", "bit(3)[]"), ("'{101,011}'", "{101,011}")),
    _native('"char"', Type(Kind.TEXT, length=4), ("'a'", "a"), ("'\\200'", "\\200")),
    _native("tstzrange", _own("postgresql", "tstzrange"), ("'empty'", "empty")),
)

SQLITE = (
    _native(
        "INTEGER",
        _integer(64),
        *_plain(*INT16, *INT64),
        Value("'abc'", "abc", never="malformed"),
        Value("1.5", "1.5", never="malformed"),
        Value("9223372036854775808", "9.223372036854775807e+18", never="malformed"),
    ),
    _native("SMALLINT", _integer(16), ("7", "7"), Value("70000", "70000", never="out_of_range")),
    _native(
        "DECIMAL(10,2)",
        _decimal(10, 2),
        ("'1.50'", "1.5"),
        ("0.1", "0.1"),
        Value("1.005", "1.005", never="too_many_digits"),
        Value("123456789", "123456789", never="out_of_range"),
    ),
    _native("DECIMAL_TEXT(38,10)", _decimal(38, 10), *_quoted(*DIGITS38)),
    _native("DECIMAL_TEXT", Type(Kind.DECIMAL), *_quoted(*DIGITS60), ("'007.50'", "7.5")),
    _native(
        "DOUBLE",
        Type(Kind.FLOAT),
        *_plain(*DOUBLES),
        ("-0.0", "0"),
        ("3", "3"),
        Value("9e999", "Infinity", "float infinity"),
    ),
    _native("BOOLEAN", Type(Kind.BOOLEAN), ("1", "true"), ("'FALSE'", "false")),
    _native("TEXT", Type(Kind.TEXT), *_quoted(*TEXTS), ("12.50", "12.5")),
    _native(
        "VARCHAR(5)",
        Type(Kind.TEXT, length=5),
        *_quoted(*SHORT_TEXTS),
        Value("'123456'", "123456", never="too_long"),
        Value("CAST(x'ff' AS TEXT)", "", never="unreadable"),
        Value("CAST(x'6100' AS TEXT)", "", never="nul_in_text"),
        Value("x'6162'", "", never="unreadable"),
    ),
    _native("CHAR(5)", Type(Kind.TEXT, length=5), *_quoted("ab ", "")),
    _native("BLOB", Type(Kind.BINARY), *(Value(f"x'{b}'", b) for b in BYTES)),
    _native("BINARY(3)", Type(Kind.BINARY, length=3), ("x'00ff'", "00ff")),
    _native(
        "DATE",
        Type(Kind.DATE),
        *_quoted(*DATES),
        ("'2024-02-29 00:00:00'", "2024-02-29"),
        Value("'2023-02-29'", "", never="malformed"),
        Value("'0000-00-00'", "0000-00-00", "unreal date"),
    ),
    _native(
        "TIME",
        Type(Kind.TIME),
        *_quoted(*TIMES, "24:00:00"),
        Value("'25:00:00'", "25:00:00", "long time"),
    ),
    _native(
        "TIMESTAMP",
        Type(Kind.TIMESTAMP),
        *_quoted(*STAMPS),
        ("'2024-02-29T08:30'", "2024-02-29 08:30:00"),
        Value("'2024-02-29 00:00:00.1234567'", "", never="too_many_digits"),
    ),
    _native(
        "TIMESTAMPTZ",
        Type(Kind.TIMESTAMP, zoned=True),
        ("'2024-02-29T08:30:01.5-0330'", "2024-02-29 12:00:01.5+00"),
    ),
    _native("UUID", Type(Kind.UUID), *_quoted(*UUIDS)),
    _native(
        "JSON",  # whose affinity turns digits into a number
        Type(Kind.JSON),
        *_quoted(*(text for text in JSONS if text != "1e400")),
        Value("'1e400'", "Infinity", never="malformed"),
        Value("'{1}'", "", never="malformed"),
    ),
)

# MariaDB's. A session of ours is strict: what only a lax one could have written comes by its words.
LAX = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'"
MYSQL = (
    _native("tinyint", _integer(8), *_plain("-128", "127")),
    _native("tinyint(3) unsigned zerofill", _integer(8, unsigned=True), ("7", "7"), ("255", "255")),
    _native("smallint unsigned", _integer(16, unsigned=True), *_plain("0", "65535")),
    _native("mediumint", _integer(24), *_plain("-8388608", "8388607")),
    _native("int unsigned", _integer(32, unsigned=True), *_plain("0", "4294967295")),
    _native("bigint", _integer(64), *_plain(*INT64)),
    _native("bigint unsigned", _integer(64, unsigned=True), *_plain("0", "18446744073709551615")),
    _native("decimal(38,10)", _decimal(38, 10), *_plain(*DIGITS38)),
    _native("decimal(65,30)", _decimal(65, 30), *_plain("9" * 35 + "." + "9" * 30)),
    _native("double", Type(Kind.FLOAT), *_plain(*DOUBLES), ("-0e0", "0")),
    _native("float", Type(Kind.FLOAT, bits=32), *_plain(*SINGLES)),
    _native("bit(1)", Type(Kind.BOOLEAN), ("b'1'", "true"), ("b'0'", "false")),
    _native(
        "bit(64)",
        _own("mysql", "bit(64)"),
        (f"b'{'1' * 64}'", "1" * 64),
        ("b'101'", "101".zfill(64)),
    ),
    _native("year", _integer(16), ("2024", "2024"), ("1901", "1901")),
    _native("text", Type(Kind.TEXT), *_quoted(*TEXTS)),
    _native("varchar(5)", Type(Kind.TEXT, length=5), *_quoted(*SHORT_TEXTS)),
    _native(
        "char(5)",
        Type(Kind.TEXT, length=5, padded=True),
        ("'ab'", "ab"),
        ("''", ""),
        ("'𠮷'", "𠮷"),
    ),
    _native("enum('高兴 😀','it''s')", Type(Kind.TEXT, length=4), *_quoted("高兴 😀", "it's")),
    _native("set('a','b','c')", Type(Kind.TEXT, length=5), *_quoted("a,c", "")),
    _native("blob", Type(Kind.BINARY), *(Value(f"x'{b}'", b) for b in BYTES)),
    _native("binary(3)", Type(Kind.BINARY, length=3), ("x'00ff'", "00ff00")),
    _native(
        "date",
        Type(Kind.DATE),
        *_quoted(*DATES),
        Value("'0000-00-00'", "0000-00-00", "unreal date"),
        Value("'2024-00-00'", "2024-00-00", "unreal date"),
    ),
    _native(
        "time(6)",
        Type(Kind.TIME),
        *_quoted(*TIMES),
        Value("'838:59:59'", "838:59:59", "long time"),
        Value("'-00:30:00.5'", "-00:30:00.5", "long time"),
        Value("'25:00:00'", "25:00:00", "long time"),
    ),
    _native(
        "datetime(6)",
        Type(Kind.TIMESTAMP),
        *_quoted(*STAMPS),
        Value("'0000-00-00 00:00:00'", "0000-00-00 00:00:00", "unreal date"),
    ),
    _native("datetime", Type(Kind.TIMESTAMP, fraction=0), *_quoted("2024-02-29 12:00:00")),
    _native(
        "timestamp(3) NULL",
        Type(Kind.TIMESTAMP, fraction=3, zoned=True),
        ("'2024-02-29 12:00:00.5'", "2024-02-29 12:00:00.5+00"),
    ),
    _native("uuid", Type(Kind.UUID), *_quoted(*UUIDS)),
    _native("json", Type(Kind.JSON), *_quoted(*JSONS)),
    _native("inet6", _own("mysql", "inet6"), *_quoted("::1", "2001:db8::a")),
)

NATIVES: dict[str, tuple[Native, ...]] = {
    "postgresql": POSTGRESQL,
    "sqlite": SQLITE,
    "mysql": MYSQL,
}

ALIASES = {
    "kingbase": "postgresql",
    "opengauss": "postgresql",
    "odbc-postgresql": "postgresql",
    "odbc-mariadb": "mysql",
}
"""Families that speak of another one's types."""


def types_of(family: str) -> tuple[Native, ...]:
    return NATIVES[ALIASES.get(family, family)]


PREPARED = {
    "postgresql": ("CREATE TYPE 心情 AS ENUM ('高兴 😀', 'Sad''s')",),
    "mysql": (LAX,),
}
"""What comes before a table of these types is made and filled."""
