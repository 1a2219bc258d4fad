"""What MariaDB alone does: warnings for refusals, engines, folding keys, FLOAT, rights, errors."""

from __future__ import annotations

import random
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import MySQLdb
import pytest

from connectors.agentdigest import canonical_real
from connectors.allowed import any_of
from connectors.canonical import Digest, canonical_float, canonical_line
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, KeyRange, Statement
from connectors.effects import Effects
from connectors.endpoint import Endpoint, Secret
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConnectionLost,
    MissingObject,
    MissingRight,
    PermanentError,
    RowRefused,
    StatementTimeout,
    StoreFull,
    StructureMismatch,
    TransientError,
)
from connectors.mysql.dialect import MysqlDialect
from connectors.mysql.errors import of_mysql
from connectors.mysql.grant import covers
from connectors.mysql.session import MysqlSession
from connectors.registry import connect
from connectors.selection import Format, Span
from connectors.table import Column, Kind, Table, TableName, Type
from tests.conformance.samples import EXTREMES, Line, fetch, load, make, selection_of
from tests.mariadb import MariaDB

Database = Callable[..., Endpoint]
INTEGER, TEXT = Type(Kind.INTEGER), Type(Kind.TEXT)


@pytest.fixture
def place(database: Database) -> Endpoint:
    return database("mysql")


@pytest.fixture
def store(place: Endpoint) -> Iterator[Connector]:
    with connect(place) as opened:
        yield opened


@pytest.mark.parametrize("others", ["", "'c1'", "'b1', 'É', 'Z_', 'A ', ''"])
def test_what_was_stamped_is_read_in_the_order_of_bytes(store: Connector, others: str) -> None:
    """Whether the span holds keys of digits and capitals alone, or the table does, or neither."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    table = _table(
        store,
        "id VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, at DATETIME(6), KEY (at)",
    )
    plain = ["2B", "A1", "B2", "Z"]
    within = [*plain, *(word.strip("'") for word in others.split(", ") if others)]
    with store.transaction():
        for at, words in (("2026-01-01", within), ("2026-01-02", ["a2", "y", "Ö"])):
            for word in words:
                store.execute(Statement(f"INSERT INTO t VALUES (%s, '{at}')", (word,)))
    span = Span(table.column("at"), day, day + timedelta(days=1), "UTC")
    expected = sorted(within, key=str.encode)
    assert [key for key, _ in fetch(store, selection_of(table, span=span))] == expected
    for low in ("A1", "a"):
        read = fetch(store, selection_of(table, KeyRange((low,), ("z",)), span))
        assert [key for key, _ in read] == [w for w in expected if low < w <= "z"]


def test_a_key_that_is_gone_still_bounds_a_range_by_its_bytes(store: Connector) -> None:
    """What is left sorts alike everywhere; the bound does not."""
    table = _table(store, "id VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY")
    load(store, table, [("AB",), ("B",)])
    assert fetch(store, selection_of(table, KeyRange(("a",), None))) == []
    assert fetch(store, selection_of(table, KeyRange(("A",), ("a",)))) == [("AB",), ("B",)]


def test_members_are_read_as_they_were_declared(store: Connector) -> None:
    members = ["", "it's", "a,b", "back\\slash", "two\nlines", "')", "高兴", "%s"]
    declared = ", ".join("'" + m.replace("'", "''") + "'" for m in members)
    with store.definition():
        store.connection.exec_driver_sql(
            f"CREATE TABLE t (id INT PRIMARY KEY, v ENUM({declared}))".replace("%", "%%")
        )
        store.execute("CREATE TABLE u (id INT PRIMARY KEY, v ENUM('😀', 'x'))")
    assert store.describe(TableName("t")).column("v").allowed == any_of(members)
    assert store.describe(TableName("u")).column("v").allowed == ""  # what it is, no catalogue says


def _table(store: Connector, body: str, more: str = "") -> Table:
    with store.definition():
        store.execute(f"CREATE TABLE t ({body}) {more}")
    return store.describe(TableName("t"))


# -- structure -----------------------------------------------------------------------------------

TYPES = {
    "tinyint": Type(Kind.INTEGER, bits=8),
    "tinyint(1)": Type(Kind.INTEGER, bits=8),
    "tinyint unsigned": Type(Kind.INTEGER, bits=8, unsigned=True),
    "smallint unsigned": Type(Kind.INTEGER, bits=16, unsigned=True),
    "mediumint unsigned": Type(Kind.INTEGER, bits=24, unsigned=True),
    "int unsigned": Type(Kind.INTEGER, bits=32, unsigned=True),
    "bigint unsigned": Type(Kind.INTEGER, unsigned=True),
    "year": Type(Kind.INTEGER, bits=16),
    "bit(1)": Type(Kind.BOOLEAN),
    "bit(64)": Type(Kind.NATIVE, family="mysql", native="bit(64)"),
    "decimal(65,30)": Type(Kind.DECIMAL, precision=65, scale=30),
    "float": Type(Kind.FLOAT, bits=32),
    "double(8,3)": Type(Kind.FLOAT),
    "datetime": Type(Kind.TIMESTAMP, fraction=0),
    "datetime(6) comment 'since [UTC]'": Type(Kind.TIMESTAMP, zoned=True),
    "timestamp(3) null": Type(Kind.TIMESTAMP, fraction=3, zoned=True),
    "time(2)": Type(Kind.TIME, fraction=2),
    "char(3)": Type(Kind.TEXT, length=3, padded=True),
    "varchar(700)": Type(Kind.TEXT, length=700),
    "enum('a','bcd')": Type(Kind.TEXT, length=3),
    "tinytext": TEXT,
    "binary(4)": Type(Kind.BINARY, length=4),
    "json": Type(Kind.JSON),
    "uuid": Type(Kind.UUID),
    "inet6": Type(Kind.NATIVE, family="mysql", native="inet6"),
    "point": Type(Kind.NATIVE, family="mysql", native="geometry"),
    "varchar(9) as (concat('a', 'b')) stored": Type(Kind.TEXT, length=9),
}


def test_every_type_of_the_catalogue_is_known(store: Connector) -> None:
    columns = ", ".join(f"c{place} {spelled}" for place, spelled in enumerate(TYPES))
    table = _table(store, f"id int primary key, {columns}", "COMMENT '人口'")
    found = {spelled: c.type for spelled, c in zip(TYPES, table.columns[1:], strict=True)}
    assert found == TYPES
    assert table.comment == "人口"
    assert table.column("c14").comment == "since"
    assert store.describe_query("SELECT * FROM t").columns[-1].type == TYPES[list(TYPES)[-1]]


def test_no_backslash_of_a_comment_stands_in_what_a_dba_may_run(store: Connector) -> None:
    """There it may end the literal: what follows would be run."""
    column = Column("id", INTEGER, comment="\\'; DROP TABLE kept; -- ")
    made = Effects(store.dialect, TableName("t"), (column,), ("id",), owned=True).create("a\\")
    assert [s for s in made if "\\" in s] == []
    with store.definition():
        store.execute_all(made)
    table = store.describe(TableName("t"))
    carried = (table.comment, table.column("id").comment.rstrip())
    wide = "\N{FULLWIDTH REVERSE SOLIDUS}"
    assert carried == (f"a{wide}", f"{wide}'; DROP TABLE kept; --")


def test_comments_are_carried_into_a_table_of_ours(store: Connector) -> None:
    held = (
        Column("id", INTEGER, comment="it's 100% the key"),
        Column("at", Type(Kind.TIMESTAMP, zoned=True), comment="时间"),
        Column("no", Type(Kind.TIMESTAMP, zoned=True)),
    )
    with store.definition():
        store.execute_all(
            Effects(store.dialect, TableName("t"), held, ("id",), owned=True).create("人口")
        )
    table = store.describe(TableName("t"))
    assert [c.comment for c in table.columns] == ["it's 100% the key", "时间", ""]
    assert [c.type for c in table.columns[1:]] == [held[1].type] * 2
    assert table.comment == "人口"


@pytest.mark.parametrize("family", ["mysql", "odbc-mariadb"])
def test_a_name_alone_is_looked_for_in_the_database_of_the_endpoints_schema(
    database: Database, family: str
) -> None:
    own, other = database(family), database("mysql")
    for place, name in (own, "own"), (other, "other"):
        with connect(replace(place, family="mysql", driver=None)) as store, store.definition():
            store.execute(f"CREATE TABLE t ({name} integer PRIMARY KEY)")
    with connect(replace(own, schema=other.database)) as store:
        assert store.describe(store.resolve(TableName("t"))).key == ("other",)
        assert [c.name for c in store.describe_query("SELECT * FROM t").columns] == ["other"]
        made = make(store, "made", [("id", INTEGER)], ["id"])
        assert store.describe(TableName("made", other.database)).key == made.key
        assert [table.name for table in store.tables()] == ["made", "t"]


@pytest.mark.parametrize("engine", ["MyISAM", "Aria TRANSACTIONAL=1", "MEMORY"])
def test_a_table_without_transactions_is_known(store: Connector, engine: str) -> None:
    assert not _table(store, "id int primary key", f"ENGINE={engine}").transactional
    with store.definition():
        store.execute("CREATE TABLE u (id int primary key)")
    assert store.describe(TableName("u")).transactional


@pytest.mark.parametrize("engine", ["MyISAM", "InnoDB"])
def test_a_view_is_no_more_than_the_tables_under_it(store: Connector, engine: str) -> None:
    with store.definition():
        store.execute_all(
            [
                f"CREATE TABLE `a``b` (id int primary key, `x.y` text) ENGINE={engine}",
                "CREATE TABLE sound (id int primary key)",
                "CREATE VIEW inner_one AS SELECT a.id, `x.y` AS v FROM `a``b` a",
                "CREATE VIEW v AS SELECT i.id, '`a`.`c`' AS v FROM sound s "
                "JOIN (SELECT id FROM inner_one WHERE v IS NULL) i ON i.id = s.id",
                "CREATE VIEW plain AS SELECT id FROM sound",
            ]
        )
    table = store.describe(TableName("v"))
    assert (table.is_view, table.transactional) == (True, engine == "InnoDB")
    assert store.describe(TableName("plain")).transactional


def test_a_view_that_may_not_be_looked_through(mariadb: MariaDB, place: Endpoint) -> None:
    mariadb.sql(
        "CREATE TABLE under (id int primary key) ENGINE=MyISAM",
        "CREATE VIEW seen AS SELECT id FROM under",
        database=place.database or "",
    )
    for name, rights, sound in (("few", "SELECT", True), ("more", "SELECT, SHOW VIEW", False)):
        mariadb.create_user(name, "secret", f"{rights} ON {place.database}.*")
        try:
            with connect(replace(place, user=name, password=Secret("secret"))) as opened:
                assert opened.describe(TableName("seen")).transactional is sound
        finally:
            mariadb.drop_user(name)


def test_names_have_64_characters_of_the_basic_plane(store: Connector) -> None:
    name = "字" * 64
    table = make(store, "表" * 40, [(name, TEXT), ("v", TEXT)], [name])
    load(store, table, [("a", "b")])
    assert fetch(store, selection_of(table)) == [("a", "b")]
    assert store.dialect.name_problem(name) is None
    for wrong in ("字" * 65, "𠮷野", "野𠮷", "blank "):
        assert store.dialect.name_problem(wrong)


@pytest.mark.parametrize(
    ("zone", "name"),
    [("+08:00", "Etc/GMT-8"), ("SYSTEM", "UTC"), ("-03:30", "UTC-1 day, 20:30:00")],
)
def test_a_zone_of_whole_hours_has_a_name(
    mariadb: MariaDB, place: Endpoint, zone: str, name: str
) -> None:
    mariadb.sql(f"SET GLOBAL time_zone = '{zone}'")
    try:
        with connect(place) as store:
            assert store.timezone() == name
    finally:
        mariadb.sql("SET GLOBAL time_zone = '+00:00'")


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (("Asia/Shanghai", 28800, 28800), "Asia/Shanghai"),
        (("SYSTEM", 3600, 7200), "SYSTEM"),  # an hour that is not there all the year is no name
        (("SYSTEM", -18000, -18000), "Etc/GMT+5"),
    ],
)
def test_a_zone_with_a_summer_keeps_its_own_name(
    store: Connector, monkeypatch: pytest.MonkeyPatch, found: tuple[str, int, int], name: str
) -> None:
    """No table of zones is loaded here; a server that has one answers so."""
    monkeypatch.setattr(store, "rows", lambda _: [found])
    assert store.timezone() == name


def test_a_lock_has_one_name_whoever_asks(store: Connector) -> None:
    """Any process, under any name of the endpoint, of this version or an older one."""
    with store.lock("人口", 0.0):
        named = "CONCAT('bridgehead ', LEFT(SHA2(CONVERT('人口' USING utf8mb4), 256), 53))"
        assert store.value(f"SELECT IS_USED_LOCK({named}) = CONNECTION_ID()") == 1


UNSAFE = (
    (
        {"innodb_flush_log_at_trx_commit": "0"},
        "innodb_flush_log_at_trx_commit is 0: a crash of the",
    ),
    ({"innodb_flush_log_at_trx_commit": "2"}, "a crash of its machine"),
    ({"innodb_flush_log_at_trx_commit": "3"}, None),
    ({"log_bin": "ON", "binlog_format": "STATEMENT"}, "STATEMENT"),
    ({"innodb_doublewrite": "OFF"}, "innodb_doublewrite"),
    ({"innodb_doublewrite": "ON", "log_bin": "OFF", "binlog_format": "STATEMENT"}, None),
)


@pytest.mark.parametrize(("settings", "told"), UNSAFE)
def test_a_server_that_is_unsafe_is_told(
    store: Connector,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    told: str | None,
) -> None:
    assert "innodb_flush" in str(store.settings_problem())  # as it is for these tests
    sound = {"innodb_flush_log_at_trx_commit": "1", "binlog_format": "ROW", "log_bin": "ON"}
    monkeypatch.setattr(store, "rows", lambda _: list((sound | settings).items()))
    problem = store.settings_problem()
    assert (problem is None) if told is None else told in str(problem)


@pytest.mark.parametrize(
    ("on", "place", "is_held"),
    [
        ("*.*", "shop.t", True),
        ("shop.*", "shop.t", True),
        ("shop.*", "shop.*", True),
        ("shop.t", "shop.t", True),
        ("shop.t", "shop.*", False),
        ("shop.u", "shop.t", False),
        ("other.*", "shop.t", False),
        ("sh%.*", "shop.t", True),
        ("s__p.*", "shop.t", True),
        ("s__p.*", "soop.t", True),
        ("s\\_p.*", "s_p.t", True),
        ("s\\_p.*", "sap.t", False),
        ("s\\%.*", "shop.t", False),
    ],
)
def test_a_grant_holds_where_its_pattern_fits(on: str, place: str, is_held: bool) -> None:
    assert covers(on, place) is is_held


def test_missing_rights_are_told_from_grants(mariadb: MariaDB, store: Connector) -> None:
    _table(store, "id int primary key")
    home = store.endpoint.database
    mariadb.create_user("reader", "x", f"SELECT ON {home}.*")
    mariadb.create_user("writer", "x", f"SELECT, INSERT, UPDATE, DELETE ON {home}.t")
    mariadb.create_user("maker", "x", f"ALL ON {home}_.*", f"CREATE, INSERT ON {home}.*")
    making = ["DROP", "ALTER", "INDEX", "CREATE VIEW", "CREATE TEMPORARY TABLES"]
    rest = ["SELECT", "UPDATE", "DELETE"]
    try:
        for user, missing, made in (
            ("reader", ["INSERT", "UPDATE", "DELETE"], ["CREATE", *making, "INSERT", *rest[1:]]),
            ("writer", [], ["CREATE", *making, "SELECT", "INSERT", *rest[1:]]),
            ("maker", rest, [*making, *rest]),
        ):
            with connect(replace(store.endpoint, user=user, password=Secret("x"))) as other:
                assert other.missing_rights(TableName("t")) == missing
                assert other.missing_rights(None) == made
        assert store.missing_rights(TableName("t")) == store.missing_rights(None) == []
    finally:
        for user in ("reader", "writer", "maker"):
            mariadb.drop_user(user)


# -- values --------------------------------------------------------------------------------------

HOSTILE = {
    "time_zone": "'+09:00'",
    "sql_mode": "'ANSI_QUOTES'",
    "sql_select_limit": "1",
    "sql_safe_updates": "1",
    "max_join_size": "1",
    "sql_auto_is_null": "1",
    "tx_isolation": "'SERIALIZABLE'",
    "completion_type": "'CHAIN'",
    "max_sort_length": "8",
    "character_set_client": "latin1",
    "collation_connection": "latin1_swedish_ci",
    "default_storage_engine": "MyISAM",
    "div_precision_increment": "0",
    "group_concat_max_len": "4",
    "explicit_defaults_for_timestamp": "0",
    "lc_messages": "'zh_CN'",
    "wait_timeout": "60",
    "idle_transaction_timeout": "60",
    "idle_write_transaction_timeout": "60",
    "idle_readonly_transaction_timeout": "60",
}


def test_a_server_that_shows_its_past_is_read_as_it_is_now(
    mariadb: MariaDB, database: Database
) -> None:
    mariadb.sql("SET GLOBAL system_versioning_asof = '2020-01-01 00:00:00'")
    try:
        with connect(database("mysql")) as store:
            table = _table(store, "id INT PRIMARY KEY", "WITH SYSTEM VERSIONING")
            load(store, table, [("1",)])
            assert fetch(store, selection_of(table)) == [("1",)]
    finally:
        mariadb.sql("SET GLOBAL system_versioning_asof = DEFAULT")


@pytest.mark.parametrize("family", ["mysql", "odbc-mariadb"])
def test_a_table_that_numbers_its_rows_takes_a_zero(database: Database, family: str) -> None:
    with connect(database(family)) as store:
        table = _table(store, "id INT AUTO_INCREMENT PRIMARY KEY")
        load(store, table, [("0",), ("5",)])
        assert fetch(store, selection_of(table)) == [("0",), ("5",)]


@pytest.mark.parametrize("family", ["mysql", "odbc-mariadb"])
def test_what_a_server_sets_for_its_sessions_changes_no_value(
    mariadb: MariaDB, database: Database, family: str
) -> None:
    before = {name: mariadb.sql(f"SELECT @@global.{name}")[0][0] for name in HOSTILE}
    mariadb.sql(*(f"SET GLOBAL {name} = {value}" for name, value in HOSTILE.items()))
    try:
        with connect(database(family)) as store:
            for name, (kind, values) in EXTREMES.items():
                lines: list[Line] = [(str(n), text) for n, text in enumerate((*values, None))]
                table = make(store, f"t {name}", [("id", INTEGER), ("v", kind)], ["id"])
                load(store, table, lines)
                assert fetch(store, selection_of(table)) == lines, name
                query = store.dialect.range_lines(
                    table.name, table.columns, [table.columns[0]], EVERYTHING
                )
                with store.snapshot():
                    found = store.digest_all(query)
                assert found == (len(lines), Digest.of_lines(map(canonical_line, lines))), name
            keys = [("x" * 40 + end,) for end in "aBc"]
            table = _table(store, "id VARCHAR(50) COLLATE utf8mb4_general_ci PRIMARY KEY")
            load(store, table, keys)
            assert fetch(store, selection_of(table)) == sorted(keys)
            with store.transaction():
                store.execute("DELETE FROM t WHERE id <> ''")
                store.execute("CREATE TABLE moments (at TIMESTAMP(6) NOT NULL)")
            moments = replace(store.describe(TableName("moments")), key=("at",))
            load(store, moments, [("2024-02-29 12:00:00.5+00",)])
            asked = "SELECT UNIX_TIMESTAMP(at) FROM moments"
            wide = "SET SESSION sql_big_selects = 1"
            ((held,),) = mariadb.sql(wide, asked, database=store.endpoint.database or "")
            assert float(held) == datetime(2024, 2, 29, 12, 0, 0, 500000, UTC).timestamp()
            with pytest.raises(MissingObject, match="nowhere"), store.transaction():
                store.rows("SELECT * FROM nowhere")
            engines = "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = "
            with store.transaction():  # what is half done is taken back
                assert store.rows(f"{engines}DATABASE()") == [("InnoDB",)]
                # A session that holds a lock while others work is not closed.
                assert int(store.value("SELECT @@wait_timeout")) >= 3600
                for kind in ("", "write_", "readonly_"):
                    assert int(store.value(f"SELECT @@idle_{kind}transaction_timeout")) == 0
            with store.transaction():  # whoever has waited for a row sees what is there by then
                assert str(store.value("SELECT @@tx_isolation")) == "READ-COMMITTED"
    finally:
        mariadb.sql(*(f"SET GLOBAL {name} = {_literal(value)}" for name, value in before.items()))


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def test_floats_are_the_shortest_texts_that_read_back(store: Connector) -> None:
    choose = random.Random(20240229)
    doubles = [_any(choose, "d") for _ in range(1_000)]
    doubles += [choose.random() * 10.0 ** choose.randint(-20, 22) for _ in range(1_000)]
    doubles += [10.0**e for e in range(-30, 30)]
    singles = [_any(choose, "f") for _ in range(1_000)] + [2.0**e for e in range(-149, 128)]
    table = _table(store, "id int auto_increment primary key, d double, f float")
    with store.transaction():
        cursor = store.driver.cursor()
        for name, numbers in (("d", doubles), ("f", singles)):
            values = ", ".join(f"({number!r})" for number in numbers)
            cursor.execute(f"INSERT INTO t ({name}) VALUES {values}")
    rows = fetch(store, selection_of(table))
    assert [row[1] for row in rows if row[1]] == list(map(canonical_float, doubles))
    assert [row[2] for row in rows if row[2]] == list(map(canonical_real, singles))


@pytest.mark.parametrize("files", [True, False], ids=["load data", "insert"])
def test_a_float_takes_every_text_that_it_gives(
    store: Connector, files: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest text of the largest ones is above what it takes; what is larger is refused."""
    monkeypatch.setitem(vars(store), "_takes_files", files)
    texts = ("3.4028235e+38", "-3.4028235e+38", "3.4028233e+38", "16777216", "1e-45", "0.1", None)
    table = _table(store, "id int primary key, f float")
    lines: list[Line] = [(str(number), text) for number, text in enumerate(texts)]
    load(store, table, lines)
    assert fetch(store, selection_of(table)) == lines
    for text in ("3.40282357e+38", "-1e+39"):
        with pytest.raises(RowRefused):
            load(store, table, [("99", text)])


def _any(choose: random.Random, code: str) -> float:
    number: float = float("nan")
    while number - number != 0:
        (number,) = struct.unpack(code, choose.randbytes(struct.calcsize(code)))
    return number


BAD = {
    "VARCHAR(3)": "abcd",
    "INT": "2147483648",
    "BIGINT UNSIGNED": "-1",
    "DECIMAL(5,2)": "1.005",
    "DATE": "2023-02-29",
    "TIME": "839:00:00",
    "ENUM('a')": "b",
    "VARCHAR(9) NOT NULL": None,
    "VARCHAR(9) CHARACTER SET gbk": "𠮷",
    "VARBINARY(1)": "ffff",
}


@pytest.mark.parametrize("files", [True, False], ids=["load data", "insert"])
def test_what_the_server_only_warns_of_is_refused(
    store: Connector, files: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(store), "_takes_files", files)
    for number, (spelled, text) in enumerate(BAD.items()):
        with store.definition():
            store.execute(f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {spelled})")
        table = store.describe(TableName(f"t{number}"))
        with pytest.raises(RowRefused) as error:
            load(store, table, [("1", None if "NULL" not in spelled else "a"), ("2", text)])
        assert text is None or f" {text}" not in str(error.value)
        assert ": v (" in str(error.value)
        assert fetch(store, selection_of(table)) == []


def test_no_load_outlives_an_interruption_as_it_begins(
    store: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for its file for ever, in a transaction that holds what others wait for."""
    started: list[threading.Thread] = []

    def interrupted(thread: threading.Thread) -> None:
        started.append(thread)
        threading.Thread.start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr("connectors.mysql.load._Loading.start", interrupted)
    table = make(store, "t", [("id", INTEGER)], ["id"])
    with pytest.raises(KeyboardInterrupt):
        load(store, table, [("1",)])
    started[0].join(20)
    assert not started[0].is_alive()


def test_rows_arrive_by_insert_where_files_are_not_taken(mariadb: MariaDB, place: Endpoint) -> None:
    mariadb.sql("SET GLOBAL local_infile = OFF")
    try:
        with connect(place) as store:
            point = Type(Kind.NATIVE, family="mysql", native="geometry")
            own = {"geometry": (point, ("SRID=4326;POINT(1 2)",))}
            for name, (kind, values) in (EXTREMES | own).items():
                lines: list[Line] = [(str(n), text) for n, text in enumerate((*values, None))]
                table = make(store, f"t {name}", [("id", INTEGER), ("v", kind)], ["id"])
                copy = make(store, f"u {name}", [("id", INTEGER), ("v", kind)], ["id"])
                assert load(store, table, lines) == len(lines)
                assert fetch(store, selection_of(table)) == lines, name
                with store.snapshot():
                    ready = list(store.read(selection_of(table), Format.CSV).part(99))
                with store.transaction():
                    store.load(copy.name, copy.columns, iter(ready), Format.CSV)
                assert fetch(store, selection_of(copy)) == lines, name
            many: list[Line] = [(f"{n:05}", "a") for n in range(1203)]  # more than one statement
            table = make(store, "many", [("id", TEXT), ("v", TEXT)], ["id"])
            assert load(store, table, many) == len(many)
            assert fetch(store, selection_of(table)) == many
            with pytest.raises(RowRefused, match="NUL"):
                load(store, table, [("a", "b\0c")])
    finally:
        mariadb.sql("SET GLOBAL local_infile = ON")


KEYS = ["", "10", "9", "A", "B1", "Z"]


@pytest.mark.parametrize(
    "collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "latin1_swedish_ci"]
)
@pytest.mark.parametrize("more", [[], ["a"], ["_"], ["é"]], ids=repr)
def test_folding_keys_are_read_in_the_order_of_their_bytes(
    store: Connector, collation: str, more: list[str]
) -> None:
    keys = [k for k in KEYS if k != "A"] + more if more == ["a"] else KEYS + more
    charset = collation.partition("_")[0]
    table = _table(
        store, f"k VARCHAR(9) CHARACTER SET {charset} COLLATE {collation} PRIMARY KEY, v INT"
    )
    assert table.column("k").folds
    load(store, table, [(key, "1") for key in keys])
    assert [line[0] for line in fetch(store, selection_of(table))] == sorted(keys, key=str.encode)


def test_keys_of_another_charset_are_read_in_the_order_of_utf_8(store: Connector) -> None:
    """They fold nothing, and yet their own bytes have another order."""
    keys = ["王", "张", "李", "A", "丁"]
    table = _table(store, "k VARCHAR(9) CHARACTER SET gbk COLLATE gbk_nopad_bin PRIMARY KEY")
    key = table.column("k")
    assert (key.folds, key.bytewise, key.charset) == (False, False, "gbk")
    load(store, table, [(k,) for k in keys])
    selection = selection_of(replace(table, columns=(replace(key, charset=""),)))
    in_order = sorted(keys, key=str.encode)
    assert [line[0] for line in fetch(store, selection)] == in_order
    within = replace(selection, keys=KeyRange((in_order[1],), (in_order[3],)))
    assert [line[0] for line in fetch(store, within)] == in_order[2:4]


UUIDS = [
    "00000000-0000-1000-8000-000000000000",
    "00000001-0000-1000-8000-000000000000",
    "00000000-0001-1000-8000-000000000000",
    "00000000-0000-1001-8000-000000000000",
    "ffffffff-0000-4000-8000-000000000000",
    "00000000-ffff-4000-8000-000000000000",
    "7fffffff-0000-7000-8000-000000000001",
    "80000000-0000-7000-8000-000000000000",
]


@pytest.mark.parametrize(
    ("spelled", "keys"),
    [
        ("ENUM('z', 'b', 'a') COLLATE utf8mb4_nopad_bin", ["z", "b", "a"]),
        ("SET('z', 'b', 'a') COLLATE utf8mb4_nopad_bin", ["", "z", "b", "z,b", "a", "b,a"]),
        ("UUID", UUIDS),
        ("INET4", ["9.0.0.1", "10.0.0.1", "100.0.0.9", "255.0.0.0"]),
        ("INET6", ["::1", "2001:db8::a", "::ffff:10.0.0.1", "fe80::"]),
        ("BIT(12)", ["000000000001", "000011111111", "000100000000", "111111111111"]),
    ],
    ids=["enum", "set", "uuid", "inet4", "inet6", "bits"],
)
def test_keys_with_an_order_of_their_own_are_read_in_that_of_texts(
    store: Connector, spelled: str, keys: list[str]
) -> None:
    table = _table(store, f"k {spelled} PRIMARY KEY")
    load(store, table, [(k,) for k in keys])
    in_order = sorted(keys)
    assert [line[0] for line in fetch(store, selection_of(table))] == in_order
    for place in range(len(keys)):
        below = selection_of(table, KeyRange(None, (in_order[place],)))
        above = selection_of(table, KeyRange((in_order[place],), None))
        assert [line[0] for line in fetch(store, below)] == in_order[: place + 1]
        assert [line[0] for line in fetch(store, above)] == in_order[place + 1 :]


def test_a_line_that_the_server_gives_up_is_an_error(mariadb: MariaDB, store: Connector) -> None:
    """Longer than max_allowed_packet, a text is NULL there, and nothing but a warning says so."""
    table = make(store, "t", [("id", INTEGER), ("v", TEXT), ("w", TEXT)], ["id"])
    with store.transaction():
        half = "REPEAT('x', 9000000)"
        store.execute(f"INSERT INTO t VALUES (1, {half}, {half}), (2, 'x', 'y')")
    with pytest.raises(PermanentError, match="max_allowed_packet"):
        fetch(store, selection_of(table))
    query = store.dialect.range_lines(
        table.name, table.columns, [table.column("id")], selection_of(table).keys
    )
    with pytest.raises(PermanentError, match="max_allowed_packet"), store.transaction():
        store.digest_all(query)


# -- errors --------------------------------------------------------------------------------------


def test_a_lock_that_is_waited_for_too_long_is_busy(store: Connector, place: Endpoint) -> None:
    load(store, make(store, "t", [("id", INTEGER)], ["id"]), [("1",)])
    with connect(place) as other, other.transaction():
        other.rows("SELECT * FROM t FOR UPDATE")
        store.execute("SET SESSION innodb_lock_wait_timeout = 1")
        with pytest.raises(Busy), store.transaction():
            store.execute("UPDATE t SET id = 2")


def test_a_deadlock_is_transient(store: Connector, place: Endpoint) -> None:
    load(
        store, make(store, "t", [("id", INTEGER), ("v", INTEGER)], ["id"]), [("1", "0"), ("2", "0")]
    )
    barrier, errors = threading.Barrier(2), []

    def work(first: int, second: int) -> None:
        with connect(place) as session:
            try:
                with session.transaction():
                    session.execute(f"UPDATE t SET v = 1 WHERE id = {first}")
                    barrier.wait(10)
                    session.execute(f"UPDATE t SET v = 2 WHERE id = {second}")
            except BridgeheadError as error:
                errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [type(error) for error in errors] == [TransientError]


def test_a_statement_that_takes_too_long_is_ended(place: Endpoint) -> None:
    with (
        connect(replace(place, statement_timeout=0.2)) as store,
        pytest.raises(StatementTimeout),
        store.transaction(),
    ):
        store.value("SELECT SLEEP(5) FROM (SELECT 1) x")


@pytest.mark.parametrize("family", ["mysql", "odbc-mariadb"])
def test_a_killed_session_is_lost(mariadb: MariaDB, database: Database, family: str) -> None:
    """Its locks are gone: none that a driver would open by itself takes its place."""
    with connect(database(family)) as store, store.lock("job", 0.0):
        mariadb.sql(f"KILL {store.value('SELECT CONNECTION_ID()')}")
        for _ in range(2):
            with pytest.raises(ConnectionLost), store.transaction():
                store.value("SELECT 1")


def test_too_many_connections_and_a_read_only_server(mariadb: MariaDB, place: Endpoint) -> None:
    home = place.database
    mariadb.create_user("plain", "x", f"ALL ON {home}.*")
    login = replace(place, user="plain", password=Secret("x"))
    try:
        with connect(login) as store:
            table = make(store, "t", [("id", INTEGER)], ["id"])
            mariadb.sql("SET GLOBAL read_only = ON")
            with pytest.raises(MissingRight):
                load(store, table, [("1",)])
            mariadb.sql(
                "SET GLOBAL read_only = OFF", "ALTER USER plain@'%' WITH MAX_USER_CONNECTIONS 1"
            )
            with connect(login), pytest.raises(StoreFull):
                connect(login)
    finally:
        mariadb.sql("SET GLOBAL read_only = OFF")
        mariadb.drop_user("plain")


def test_a_right_that_is_missing_is_named(mariadb: MariaDB, store: Connector) -> None:
    _table(store, "id int primary key")
    mariadb.create_user("nobody", "x", f"INSERT ON {store.endpoint.database}.t")
    try:
        with connect(replace(store.endpoint, user="nobody", password=Secret("x"))) as other:
            with pytest.raises(MissingRight):
                other.describe(TableName("t"))
            with pytest.raises(MissingRight):
                other.describe_query("SELECT * FROM t")
            denied = r"SELECT command denied to user 'nobody'@.* for table .*`t` \(1142\)"
            with pytest.raises(MissingRight, match=denied), other.transaction():
                other.rows("SELECT * FROM t")
    finally:
        mariadb.drop_user("nobody")


NUMBERS = {
    "transient": (1020, 1213, 1412, 1614, 1615, 3058),
    "busy": (1205, 3572),
    "timeout": (1317, 1969, 3024),
    "connection_lost": (1053, 1077, 1079, 1152, 1158, 1160, 1927, 2006, 2013, 2055, 4031),
    "store_full": (1021, 1040, 1041, 1114, 1203, 1226),
    "missing_right": (1044, 1142, 1143, 1227, 1290, 1792, 1836),
    "missing_object": (1046, 1049, 1054, 1146),
    "login_refused": (1045, 1130, 1698, 1820, 4151),
    "structure_mismatch": (1050, 1062, 1586),
    "row_refused": (1048, 1264, 1366, 1406, 1452, 1644, 4025, 30001),
}


@pytest.mark.parametrize("code", NUMBERS)
def test_a_number_says_what_to_do_next(code: str) -> None:
    found = [of_mysql(Exception(n, "words"), Endpoint("e", "mysql")) for n in NUMBERS[code]]
    assert {error.code for error in found} == {code}
    assert all(error.remedy for error in found)


def test_a_table_that_cannot_be_made_for_want_of_room() -> None:
    at = Endpoint("centre", "mysql")
    for number, kind in ((28, StoreFull), (135, StoreFull), (150, PermanentError)):
        told = MySQLdb.OperationalError(1005, f'Can\'t create table `b`.`t` (errno: {number} "x")')
        assert type(of_mysql(told, at)) is kind


def test_every_number_of_the_driver_is_one_of_ours(place: Endpoint) -> None:
    words = ("'a secret'", "value 'secret'", "no key 'secret' for column `secret`")
    found = [
        of_mysql(MySQLdb.OperationalError(number, text), place)
        for number in range(1, 5000)
        for text in words
    ]
    kinds = {type(error) for error in found}
    assert {Busy, ConnectionLost, MissingRight, RowRefused, StoreFull, StructureMismatch} <= kinds
    assert not [error for error in found if "secret" in str(error)]


def test_files_are_only_ever_sent_to_a_store_that_is_filled(place: Endpoint) -> None:
    with connect(replace(place, is_filled=False)) as store:
        make(store, "t", [("id", INTEGER)], ["id"])
        with closing(store.driver.cursor()) as cursor, pytest.raises(store.driver.Error):
            cursor.execute("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t")


def test_mysql_8_counts_a_limit_in_milliseconds(place: Endpoint) -> None:
    with connect(replace(place, statement_timeout=3600)) as store:
        assert isinstance(store, MysqlSession)
        statements = list(store._session_statements(mariadb=False))
    assert "SET SESSION max_execution_time = 3600000" in statements


def test_mysql_8_has_a_collation_of_its_own_and_rewrites_json() -> None:
    dialect = MysqlDialect("utf8mb4_0900_bin", keeps_json=False)
    assert dialect.ddl(Type(Kind.TEXT, length=9)).endswith("COLLATE utf8mb4_0900_bin")
    assert dialect.represent(Type(Kind.JSON)) == TEXT
