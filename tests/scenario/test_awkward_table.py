"""Every type of PostgreSQL under every kind of name, through three stores, cell by cell."""

from __future__ import annotations

import pytest

from tests.scenario.world import World, cursor_job

COLUMNS = {
    "身份证号": "text",
    "Order": "integer",
    "select": "smallint",
    "100%": "bigint",
    ":colon": "numeric",
    "a b": "numeric(38,10)",
    'quo"te': "numeric(1000,500)",
    "back`tick": "real",
    "%s": "double precision",
    "%(x)s": "boolean",
    "bytes": "bytea",
    "CamelCase": "varchar(20)",
    "char": "char(5)",
    "text": "text",
    "date": "date",
    "time": "time(3)",
    "timetz": "timetz",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz(2)",
    "interval": "interval",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
    "inet": "inet",
    "cidr": "cidr",
    "mac": "macaddr",
    "bit": "bit(3)",
    "varbit": "bit varying",
    "enum": "心情",
    "domain": "郵便",
    "ints": "integer[]",
    "texts": "text[]",
    "range": "tstzrange",
    "point": "point",
    "money": "money",
    "tsv": "tsvector",
    "oid": "oid",
    "更新时间": "timestamptz",
}
KEY = ("身份证号", "Order")

FULL = {
    "身份证号": "'张三 \\ \t''𠮷 e\u0301'",
    "Order": "-2147483648",
    "select": "32767",
    "100%": "-9223372036854775808",
    ":colon": "'123456789012345678901234567890.1234567890123456789'",
    "a b": "'-9999999999999999999999999999.9999999999'",
    'quo"te': "('0.' || repeat('0', 499) || '1')::numeric",
    "back`tick": "'-Infinity'",
    "%s": "'1.7976931348623157e308'",
    "%(x)s": "true",
    "bytes": r"'\x00ff5c5c0a09'",
    "CamelCase": "E'a\\tb\\nc\\rd\\\\N\\u0001'",
    "char": "'ab'",
    "text": "E'\\ufeff\\\\.\\n\\\\N,\"quoted\",'",
    "date": "'infinity'",
    "time": "'24:00:00'",
    "timetz": "'23:59:59.999999+15:59'",
    "timestamp": "'4713-01-01 00:00:00 BC'",
    "timestamptz": "'-infinity'",
    "interval": "'-1 year 2 mons -3 days 04:05:06.000007'",
    "json": '\'{"a" : 1, "a" : [null, 1.50]}\'',
    "jsonb": '\'{"b": "\\u4e2d", "n": 1e400}\'',
    "uuid": "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "inet": "'::ffff:1.2.3.4/24'",
    "cidr": "'10.1.0.0/16'",
    "mac": "'08:00:2b:01:02:03'",
    "bit": "B'101'",
    "varbit": "B''",
    "enum": "'高兴 😀'",
    "domain": "'310000'",
    "ints": "'[0:1]={1,NULL}'",
    "texts": "ARRAY['', 'a,b', 'NULL', NULL, '{\"\\']",
    "range": "'[2020-01-01 00:00+08, infinity)'",
    "point": "'(1e-300,-0)'",
    "money": "'-92233720368547758.08'",
    "tsv": "'fat:2,4 cat:3A'",
    "oid": "4294967295",
}
ODD = {
    "身份证号": "''",
    "Order": "0",
    ":colon": "'NaN'",
    "a b": "'0.0000000001'",
    "back`tick": "'1e-45'",
    "%s": "'-0'",
    "bytes": "''",
    "CamelCase": "''",
    "char": "''",
    "text": "''",
    "date": "'4713-01-01 BC'",
    "timestamp": "'294276-12-31 23:59:59.999999'",
    "timestamptz": "'0001-01-01 00:00:00+00'",
    "interval": "'178000000 years'",
    "json": "'null'",
    "jsonb": "'null'",
    "ints": "'{}'",
    "texts": "'{}'",
    "range": "'empty'",
}
EMPTY = {"身份证号": "' '", "Order": "1"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def insert(values: dict[str, str]) -> str:
    names = ", ".join(map(quoted, values))
    return f"INSERT INTO 人口表 ({names}, 更新时间) VALUES ({', '.join(values.values())}, now())"


def test_awkward_table(world: World) -> None:
    body = ", ".join(f"{quoted(name)} {kind}" for name, kind in COLUMNS.items())
    for role in ("source", "exchange", "target"):
        world.sql(
            role,
            "CREATE TYPE 心情 AS ENUM ('高兴 😀', 'Sad''s')",
            "CREATE DOMAIN 郵便 AS varchar(6) CHECK (VALUE ~ '^[0-9]{6}$')",
        )
    world.sql(
        "source",
        f"CREATE TABLE 人口表 ({body}, PRIMARY KEY ({', '.join(map(quoted, KEY))}))",
        insert(FULL),
        insert(ODD),
        insert(EMPTY),
    )
    world.job(
        "j",
        source={"endpoint": "source", "table": "人口表"},
        target={"endpoint": "target", "table": "人口表"},
        **cursor_job(column="更新时间"),
    )
    about = {
        "key": KEY,
        "columns": dict.fromkeys(COLUMNS, "text") | {"money": "number"},
        "source_table": "人口表",
        "target_table": "人口表",
    }
    (first,) = world.run_well().batches
    assert (first.tally.inserted, first.tally.quarantined) == (3, 0)
    assert world.findings(**about) == []

    moved = {name: ODD.get(name, "NULL") for name in FULL if name not in KEY}
    sets = ", ".join(f"{quoted(name)} = {value}" for name, value in moved.items())
    world.sql(
        "source",
        f'UPDATE 人口表 SET {sets}, 更新时间 = now() WHERE "Order" < 0',
        insert(FULL | {"Order": "7"}),
        "DELETE FROM 人口表 WHERE 身份证号 = ''",
    )
    (changed,) = world.run_well().batches
    tally = changed.tally
    assert (tally.inserted, tally.updated, tally.deleted, tally.quarantined) == (1, 1, 1, 0)
    assert world.findings(**about) == []

    (nothing,) = world.run_well().batches
    assert (nothing.kind, nothing.tally.unchanged) == ("empty", nothing.tally.read)
    assert world.resync().verdict == "reconciled"
    assert world.findings(**about) == []


def test_an_object_of_a_database_is_told_by_its_name(world: World) -> None:
    """Its number is another object's elsewhere, or nobody's."""
    world.sql("target", "CREATE TABLE another (i integer)", "CREATE TABLE a_third (i integer)")
    world.sql(
        "source",
        "CREATE SCHEMA own",
        "CREATE TABLE own.one (i integer)",
        "CREATE DOMAIN place AS regclass",
        "CREATE TABLE t (id integer PRIMARY KEY, v regclass, many regnamespace[], d place, "
        "acl aclitem)",
        "INSERT INTO t VALUES (1, 'own.one', '{own,pg_catalog}', 'own.one', "
        "makeaclitem(10, 10, 'SELECT', false))",
    )
    world.job("j", capture={"method": "compare"})
    world.run_well()
    there = "SELECT CAST(v AS text), CAST(many AS text), CAST(d AS text), CAST(acl AS text) FROM t"
    assert world.sql("target", there) == world.sql("source", there)


def test_types_that_somebody_made_arrive_in_a_table_that_was_there(world: World) -> None:
    """They travel as text, which is not what such a column takes unread."""
    for role in ("source", "target"):
        world.sql(
            role,
            "CREATE TYPE pair AS (a integer, b text)",
            "CREATE TYPE span AS RANGE (subtype = float8)",
            "CREATE TYPE mood AS ENUM ('glad', 'sad')",
            "CREATE DOMAIN small AS integer",
            "CREATE TABLE t (id integer PRIMARY KEY, v pair, r span, m mood[], s small[], "
            "o regclass)",
        )
    values = "ROW(1, 'a b'), '[0.5,1)', '{sad,glad}', '{1,2}', 'pg_class'"
    world.sql("source", f"INSERT INTO t VALUES (1, {values})")
    world.job("j", capture={"method": "compare"})
    world.run_well()
    world.sql("source", "UPDATE t SET r = 'empty'", f"INSERT INTO t VALUES (2, {values})")
    world.run_well()
    held = "SELECT CAST(t AS text) FROM t ORDER BY id"
    assert world.sql("target", held) == world.sql("source", held)


@pytest.mark.parametrize("kind", ["xid", "point", "jsonpath[]", "json[]"])
def test_a_type_without_an_order_is_no_key(world: World, kind: str) -> None:
    world.sql("source", f"CREATE TABLE t (k {kind} NOT NULL, name text)")
    world.job("j", key=["k"], capture={"method": "compare"})
    outcome = world.run()
    assert f"key column k is {kind}" in str(outcome.error)
    assert (outcome.exit_code, world.batches()) == (4, [])
