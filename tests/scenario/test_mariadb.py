"""MariaDB as source, exchange and target: every type under every kind of name, cell by cell.

What a column must arrive as is written beside it, in canonical form, and read at each store by a
session of its own.
"""

from __future__ import annotations

import json
import os
import signal
import warnings
from dataclasses import replace

import pytest

from bridge.failpoint import arm, at
from connectors.registry import connect
from connectors.table import TableName
from tests.conformance.samples import Line, fetch, selection_of
from tests.scenario.world import MakeWorld, World, cursor_job

Cell = tuple[str, str, str | None]
PG, MARIA, LITE = "postgresql", "mysql", "sqlite"

# name: its type at the source, a value, and the canonical text of that value
COLUMNS: dict[str, Cell] = {
    "身份证号": (
        "varchar(18) COLLATE utf8mb4_general_ci",
        "'11010519491231002X'",
        "11010519491231002X",
    ),
    "Order": ("int", "-2147483648", "-2147483648"),
    "select": ("tinyint unsigned", "255", "255"),
    "100%": ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
    ":colon": ("decimal(65,30)", f"-{'9' * 35}.{'9' * 29}8", f"-{'9' * 35}.{'9' * 29}8"),
    "a b": ("decimal(10,2)", "1.10", "1.1"),
    'quo"te': ("float", "0.1", "0.1"),
    "back`tick": ("double", "-1.7976931348623157e308", "-1.7976931348623157e+308"),
    "%s": ("bit(1)", "b'1'", "true"),
    "%(x)s": ("bit(9)", "b'100000001'", "100000001"),
    "tinyint(1)": ("tinyint(1)", "7", "7"),
    "zerofill": ("int(8) unsigned zerofill", "42", "42"),
    "year": ("year", "2024", "2024"),
    "date": ("date", "'9999-12-31'", "9999-12-31"),
    "time": ("time(3)", "'23:59:59.999'", "23:59:59.999"),
    "datetime": ("datetime(6)", "'0001-01-01 00:00:00.000001'", "0001-01-01 00:00:00.000001"),
    "timestamp": ("timestamp(3) NULL", "'2038-01-19 03:14:07.5'", "2038-01-19 03:14:07.5+00"),
    "char": ("char(5)", "'ab   '", "ab"),
    "text": (
        "mediumtext",
        "CONCAT('𠮷野家䶮㛃 e\u0301 ''q'' \"d\" ,\\\\N\\\\', "
        "CHAR(9), CHAR(10), CHAR(13), CHAR(12), 'NULL')",
        "𠮷野家䶮㛃 e\u0301 'q' \"d\" ,\\N\\\t\n\r\fNULL",
    ),
    "gbk": ("varchar(20) CHARACTER SET gbk", "'中文'", "中文"),
    "uca": ("varchar(20) COLLATE utf8mb4_unicode_ci", "'ÀÉ \"'", 'ÀÉ "'),
    "utf8mb3": ("varchar(20) CHARACTER SET utf8mb3", "'中'", "中"),
    "latin1": ("varchar(20) CHARACTER SET latin1", "'é€'", "é€"),
    "null": ("varchar(4)", "'NULL'", "NULL"),
    "empty": ("varchar(4)", "''", ""),
    "nothing": ("varchar(4)", "NULL", None),
    "blob": ("blob", "x'00ff5c0a0922'", "00ff5c0a0922"),
    "binary": ("binary(4)", "x'01'", "01000000"),
    "enum": ("enum('高兴 😀','it''s')", "'it''s'", "it's"),
    "set": ("set('a','b','c')", "'a,c'", "a,c"),
    "json": ("json", '\'{"a" : 1, "a" : [null, 1.50]}\'', '{"a" : 1, "a" : [null, 1.50]}'),
    "uuid": (
        "uuid",
        "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    "inet6": ("inet6", "'2001:DB8::1'", "2001:db8::1"),
    "字" * 20: ("text", "'64'", "64"),
}
KEY = ("身份证号", "Order")
STAMP = "更新时间"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _insert(**changes: str) -> str:
    values = {name: cell[1] for name, cell in COLUMNS.items()} | changes
    names = ", ".join(map(_quoted, values))
    return (
        f"INSERT INTO 人口表 ({names}, {STAMP}) VALUES ({', '.join(values.values())}, SYSDATE(6))"
    )


def _make_source(world: World) -> None:
    body = ", ".join(f"{_quoted(name)} {cell[0]}" for name, cell in COLUMNS.items())
    world.sql(
        "source",
        f"CREATE TABLE 人口表 ({body}, {STAMP} timestamp(6) NULL, "
        f"PRIMARY KEY ({', '.join(map(_quoted, KEY))})) CHARACTER SET utf8mb4",
        _insert(),
        _insert(身份证号="'b'", Order="0", **{n: "NULL" for n in COLUMNS if n not in KEY}),
        _insert(身份证号="'A'", Order="1"),
    )


def _rows(world: World, role: str, table: str) -> list[Line]:
    with connect(world.stores[role]) as store:
        found = store.describe(TableName(table))
        names = tuple(COLUMNS)
        columns = tuple(found.column(name) for name in names)
        return fetch(store, selection_of(replace(found, columns=columns, key=KEY)))


def _expected(key: str, order: str, *, blank: bool = False, **changes: str) -> Line:
    texts: dict[str, str | None] = {name: None if blank else c[2] for name, c in COLUMNS.items()}
    return tuple((texts | {"身份证号": key, "Order": order} | changes).values())


ROUTES = [
    pytest.param((MARIA, PG, PG), id="mariadb-pg-pg"),
    pytest.param((MARIA, PG, MARIA), id="mariadb-pg-mariadb"),
    pytest.param((MARIA, MARIA, PG), id="mariadb-mariadb-pg"),
    pytest.param((MARIA, MARIA, MARIA), id="mariadb-mariadb-mariadb"),
]


@pytest.mark.parametrize("world", ROUTES, indirect=True)
def test_every_type_of_mariadb_arrives_as_it_is(world: World) -> None:
    _make_source(world)
    world.job(
        "j",
        source={"endpoint": "source", "table": "人口表"},
        target={"endpoint": "target", "table": "人口表"},
        **cursor_job(column=STAMP),
    )
    (first,) = world.run_well().batches
    assert (first.tally.inserted, first.tally.quarantined) == (3, 0)
    rows = [
        _expected("11010519491231002X", "-2147483648"),
        _expected("A", "1"),
        _expected("b", "0", blank=True),
    ]
    for role, table in (("exchange", "bh_copy_j"), ("target", "人口表")):
        assert _rows(world, role, table) == rows

    world.sql(
        "source",
        f"UPDATE 人口表 SET text = 'new', {STAMP} = SYSDATE(6) WHERE 身份证号 = 'b'",
        _insert(身份证号="'c'", Order="2"),
        "DELETE FROM 人口表 WHERE 身份证号 = 'A'",
    )
    (changed,) = world.run_well().batches
    tally = changed.tally
    assert (tally.inserted, tally.updated, tally.deleted, tally.quarantined) == (1, 1, 1, 0)
    rows = [rows[0], _expected("b", "0", blank=True, text="new"), _expected("c", "2")]
    for role, table in (("exchange", "bh_copy_j"), ("target", "人口表")):
        assert _rows(world, role, table) == rows
    (nothing,) = world.run_well().batches
    assert (nothing.kind, nothing.tally.unchanged) == ("empty", nothing.tally.read)
    assert world.resync().verdict == "reconciled"


IRREGULAR = {
    "born": ["'0000-00-00'", "'2020-00-00'", "'2020-02-30'", "'2020-02-29'"],
    "seen": ["'0000-00-00 00:00:00'", "'2021-05-00 10:00:00'", "'2021-05-01 10:00:00'"],
    "spent": ["'25:00:00'", "'-00:00:01'", "'838:59:59'", "'23:59:59'"],
    "said": ["CONCAT('a', CHAR(0), 'b')", "'ab'"],
}


@pytest.mark.parametrize("world", [pytest.param((MARIA, PG, PG), id="pg")], indirect=True)
def test_what_no_calendar_has_is_set_aside_with_its_text(world: World) -> None:
    """Zero and partial dates, times beyond a day, a NUL: never None, never another value."""
    opened = world.connect("source")
    cursor = opened.cursor()
    cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
    cursor.execute(
        "CREATE TABLE t (id int PRIMARY KEY, born date, seen datetime, spent time, said text, "
        "updated_at timestamp(6) NULL)"
    )
    good, bad = 0, []
    for number, (column, value) in enumerate((c, v) for c, vs in IRREGULAR.items() for v in vs):
        cursor.execute(
            f"INSERT INTO t (id, {column}, updated_at) VALUES ({number}, {value}, SYSDATE(6))"
        )
        if value == IRREGULAR[column][-1]:
            good += 1
        else:
            bad.append((str(number), column))
    world.job("j", **cursor_job())
    outcome = world.run()
    assert outcome.error is None, outcome.error
    (batch,) = outcome.batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (good, len(bad))
    found = world.sql("exchange", 'SELECT key, "column", reason FROM bh_quarantine ORDER BY number')
    assert sorted((json.loads(key)[0], column) for key, column, _ in found) == sorted(bad)
    reasons = {reason for *_, column, reason in found if column != "said"}
    assert reasons <= {"malformed", "out_of_range"}
    assert world.sql("target", "SELECT count(*) FROM t") == [(good,)]

    cursor.execute("UPDATE t SET born = '2020-02-28', updated_at = SYSDATE(6) WHERE id = 0")
    (batch,) = world.run().batches
    assert batch.tally.inserted == 1
    assert world.sql("target", "SELECT born::text FROM t WHERE id = 0") == [("2020-02-28",)]


@pytest.mark.parametrize(
    "families",
    [(PG, PG, MARIA), (PG, MARIA, PG), (LITE, PG, MARIA), (LITE, MARIA, LITE)],
    ids="-".join,
)
def test_other_families_travel_through_mariadb(make: MakeWorld, families: tuple[str, ...]) -> None:
    world = make(*families)
    world.make_table(rows=2_000)
    world.write(chunk_rows=600)
    world.job("j", **cursor_job())
    first = world.run_well()
    assert sum(batch.tally.inserted for batch in first.batches) == 2_000
    assert len(first.batches) == 4
    assert world.findings() == []
    world.sql(
        "source",
        f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id < 100",
        "DELETE FROM t WHERE id BETWEEN 200 AND 299",
    )
    world.insert(range(3_000, 3_050), stamp=world.now)
    tally = world.run_well().batches[-1].tally
    assert (tally.inserted, tally.updated, tally.deleted) == (50, 99, 100)
    assert world.findings() == []


POINTS = ["target.claiming", "target.claimed", "image.beginning", "image.begun", "image.sealed"]
POINTS += ["push.applying", "push.applied"]


@pytest.mark.parametrize("point", POINTS)
def test_a_first_load_killed_around_tables_that_are_made(make: MakeWorld, point: str) -> None:
    """Each table that is made commits what stands before it: half of a beginning is found."""
    world = make(LITE, MARIA, MARIA)
    world.make_table(rows=30)
    world.job("j", chunk_rows=12, **cursor_job())
    assert _is_killed(world, point)
    if point == "target.claimed":  # between the claim and the table
        world.sql("target", "DROP TABLE t")
    if point == "image.begun":  # between the two tables at the exchange
        world.sql("exchange", "DROP TABLE bh_change_j")
    assert sum(b.tally.inserted for b in world.run_well().batches) <= 30
    assert world.findings() == []
    assert {batch["state"] for batch in world.batches()} == {"reconciled"}


def _is_killed(world: World, point: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child runs one thread only
        child = os.fork()
    if child == 0:
        try:
            arm(at(point, 1, lambda _: os.kill(os.getpid(), signal.SIGKILL)))
            world.run()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("mode", ["ANSI_QUOTES", "ORACLE", "NO_BACKSLASH_ESCAPES"])
def test_a_server_of_another_sql_mode(make: MakeWorld, mode: str) -> None:
    """Every session has a mode of its own, and names are quoted by that."""
    world = make(MARIA, MARIA, MARIA)
    world.make_table(3)
    ((before,),) = world.sql("source", "SELECT @@global.sql_mode")
    world.sql("source", f"SET GLOBAL sql_mode = '{mode}'")
    try:
        world.job("j", **cursor_job())
        assert world.run().verdict == "reconciled"
    finally:
        world.sql("source", f"SET GLOBAL sql_mode = '{before}'")
    assert world.findings() == []


@pytest.mark.parametrize("engine", ["MyISAM", "Aria"])
def test_tables_without_transactions_are_refused(make: MakeWorld, engine: str) -> None:
    world = make(MARIA, LITE, MARIA)
    world.make_table(rows=3)
    world.job("j", **cursor_job())
    world.sql("source", f"ALTER TABLE t ENGINE={engine}")
    refused = world.run().error
    assert refused is not None
    assert (refused.exit_code, refused.endpoint) == (4, "source")
    assert "transactions" in refused.message
    world.job("j", capture={"method": "compare"}, target={"endpoint": "target", "table": "u"})
    world.sql(
        "target",
        "CREATE TABLE u (id int PRIMARY KEY, name text, amount decimal(10,2), "
        f"updated_at datetime(6)) ENGINE={engine}",
    )
    refused = world.run().error
    assert refused is not None
    assert (refused.exit_code, refused.endpoint) == (4, "target")
    world.sql("target", "ALTER TABLE u ENGINE=InnoDB")
    assert world.run_well().batches[0].tally.inserted == 3


def test_a_key_that_mariadb_would_keep_in_another_order_is_refused(make: MakeWorld) -> None:
    world = make(PG, MARIA, PG)
    world.sql("source", "CREATE TABLE t (id numeric PRIMARY KEY, v text)")
    world.job("j", capture={"method": "compare"})
    refused = world.run().error
    assert refused is not None
    assert refused.exit_code == 4
    assert "order" in refused.message


def test_a_number_beyond_a_narrow_column_of_the_target_is_set_aside(make: MakeWorld) -> None:
    world = make("postgresql", "postgresql", "mysql")
    world.sql(
        "source",
        "CREATE TABLE t (id integer PRIMARY KEY, a integer, b smallint, c bigint)",
        "INSERT INTO t VALUES (1, 127, 255, 8388607), (2, -128, 0, -8388608), (3, 128, 0, 0), "
        "(4, 0, -1, 0), (5, 0, 256, 0), (6, 0, 0, 8388608), (7, NULL, NULL, NULL)",
    )
    world.sql(
        "target",
        "CREATE TABLE t (id int PRIMARY KEY, a tinyint, b tinyint unsigned, c mediumint)",
    )
    world.job("j", capture={"method": "compare"})
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (3, 4)
    rows = world.sql("target", "SELECT * FROM t ORDER BY id")
    assert rows == [(1, 127, 255, 8388607), (2, -128, 0, -8388608), (7, None, None, None)]
    reasons = world.sql("exchange", 'SELECT "column", reason FROM bh_quarantine ORDER BY key')
    assert reasons == [(name, "out_of_range") for name in "abbc"]


def test_keys_that_mariadb_sorts_by_their_time(make: MakeWorld) -> None:
    """A UUID's own order is that of its bytes in another place: parts of a load, and of a
    comparison, are ranges of texts."""
    world = make(MARIA, LITE, MARIA)
    world.sql("source", "CREATE TABLE t (id uuid PRIMARY KEY, name text, updated_at datetime(6))")
    ids = [f"{n * 37 % 40:08x}-{n * 11 % 40:04x}-1{n % 7:03x}-8000-000000000000" for n in range(40)]
    rows = ", ".join(f"('{i}', 'x', NOW(6) - INTERVAL 1 HOUR)" for i in ids)
    world.sql("source", f"INSERT INTO t VALUES {rows}")
    world.job("j", chunk_rows=7, **cursor_job())
    world.run_well()
    held = "SELECT CAST(id AS CHAR), name FROM t"
    assert sorted(world.sql("target", held)) == [(i, "x") for i in sorted(ids)]
    world.sql("source", "UPDATE t SET name = 'y', updated_at = NOW(6)")
    world.run_well()
    world.sql("source", f"DELETE FROM t WHERE id IN ('{ids[3]}', '{ids[9]}', '{ids[31]}')")
    world.run_well()
    left = sorted({*ids} - {ids[3], ids[9], ids[31]})
    assert sorted(world.sql("target", held)) == [(i, "y") for i in left]


def test_uuids_enter_a_table_that_is_there_already(make: MakeWorld) -> None:
    """As the target spells them, through an exchange that keeps them as text; what is none does
    not, nor does a text of any other origin."""
    world = make(LITE, MARIA, MARIA)
    for role, text in (("source", "text"), ("target", "varchar(50)")):
        world.sql(role, f"CREATE TABLE t (id integer PRIMARY KEY, v uuid, other {text})")
    known = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    world.sql("source", f"INSERT INTO t VALUES (1, '{known.upper()}', NULL), (2, 'none', NULL)")
    world.job("j", capture={"method": "compare"})
    assert world.run_well().quarantined == 1
    assert world.sql("target", "SELECT id, v FROM t") == [(1, known)]
    for columns in {"other": {"to": "v"}}, {"v": {"mask": "id"}}:
        world.job("j", columns={"id": {}} | columns, capture={"method": "compare"})
        assert "column v is uuid, and text comes" in str(world.resync().error)
