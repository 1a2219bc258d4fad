"""What is PostgreSQL's alone, and its versions'."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from connectors.canonical import Digest, canonical_line
from connectors.dialect import EVERYTHING, KeyRange, Statement
from connectors.endpoint import Endpoint, Secret
from connectors.errors import BridgeheadError, LoginRefused, MissingObject, MissingRight, RowRefused
from connectors.kingbase.connector import KingbaseConnector
from connectors.opengauss.connector import OpengaussConnector
from connectors.postgresql import server
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.dialect import Postgresql18Dialect, PostgresqlDialect
from connectors.registry import connect
from connectors.selection import Format
from connectors.table import Fit, Kind, Table, TableName, Type
from tests.conformance.samples import EXTREMES, Line, fetch, load, make, selection_of
from tests.postgres import Postgres

KIN = ["postgresql", "opengauss", "kingbase", "odbc-postgresql"]
INTEGER, TEXT = Type(Kind.INTEGER), Type(Kind.TEXT)


def test_every_version_computes_the_same_digest(database: Callable[..., Endpoint]) -> None:
    lines = [(str(number), f"{number} 桥") for number in range(500)]
    columns = [("id", Type(Kind.INTEGER)), ("v", Type(Kind.TEXT))]
    with PostgresqlConnector(database()) as store:
        table = make(store, "t", columns, ["id"])
        load(store, table, lines)
        expected = Digest.of_lines(canonical_line(line) for line in lines)
        for dialect in (PostgresqlDialect(), Postgresql18Dialect()):
            store.dialect = dialect
            with store.transaction():
                query = dialect.range_lines(
                    table.name, table.columns, [table.columns[0]], EVERYTHING
                )
                assert store.digest_all(query) == (500, expected)


def test_prepared_work_is_open_until_it_ends(database: Callable[..., Endpoint]) -> None:
    """PREPARE turns a session's work into that of nobody; its rows are still to come."""
    with PostgresqlConnector(database()) as store, PostgresqlConnector(store.endpoint) as writer:
        make(store, "t", [("id", Type(Kind.INTEGER))], ["id"])
        gid = f"late {store.endpoint.database}"
        writer.driver.autocommit = True
        writer.driver.execute("BEGIN")
        writer.driver.execute("INSERT INTO t VALUES (1)")
        (running,) = store.open_work()
        assert running.startswith("vxid ")
        writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
        try:
            assert store.open_work() == {f"prepared {gid}"}
            assert store.heirs(frozenset({running}), store.open_work()) == {f"prepared {gid}"}
        finally:
            writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")
        assert store.open_work() == frozenset()


@pytest.mark.parametrize("family", KIN)
def test_work_in_another_database_of_the_server_is_not_open_here(
    database: Callable[..., Endpoint], family: str
) -> None:
    """It cannot touch a table of this one: a neighbour's report or forgotten work holds nobody."""
    place = database()
    gid = f"next door {place.database}"
    with (
        connect(database(family)) as store,
        connect(place) as neighbour,
        PostgresqlConnector(place) as writer,
    ):
        writer.driver.autocommit = True
        writer.driver.execute("CREATE TABLE t (id integer)")
        writer.driver.execute("BEGIN")
        writer.driver.execute("INSERT INTO t VALUES (1)")
        assert len(neighbour.open_work()) == 1
        assert store.open_work() == frozenset()
        writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
        try:
            assert neighbour.open_work() == {f"prepared {gid}"}
            assert store.open_work() == frozenset()
        finally:
            writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")


def test_who_sends_the_log_to_a_subscriber_holds_nothing(
    database: Callable[..., Endpoint],
) -> None:
    """It is in a transaction while it copies a table at first, and commits no row."""
    place = database()
    with PostgresqlConnector(place) as store:
        sender = psycopg.connect(
            host=place.host,
            port=place.port,
            dbname=place.database,
            user=place.user,
            password=place.password.reveal() if place.password else None,
            replication="database",
            autocommit=True,
        )
        with closing(sender):
            sender.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            sender.execute("SELECT count(*) FROM pg_class")
            held = "SELECT 1 FROM pg_locks WHERE locktype = 'virtualxid' AND pid = %s"
            with store.transaction():
                assert store.rows(Statement(held, (sender.info.backend_pid,)))
            assert store.open_work() == frozenset()


def test_a_vacuum_of_the_servers_own_holds_nothing(
    postgres: Postgres, database: Callable[..., Endpoint]
) -> None:
    """It may take hours over a big table, and commits no row."""
    slowly = "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, "
    slowly += "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    with PostgresqlConnector(database()) as store:
        with store.transaction():
            store.execute(f"CREATE TABLE t (id integer, filler text) WITH ({slowly})")
            store.execute(
                "INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(1, 9000) n"
            )
        with store.transaction():
            store.execute("DELETE FROM t WHERE mod(id, 2) = 0")
        postgres.sql("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        try:
            postgres.sql("SELECT pg_reload_conf()")
            until = time.monotonic() + 30
            while not _vacuums(store) and time.monotonic() < until:
                time.sleep(0.05)
            assert store.open_work() == frozenset()
            assert _vacuums(store)
        finally:
            postgres.sql("ALTER SYSTEM RESET autovacuum_naptime")
            postgres.sql("SELECT pg_reload_conf()")


def _vacuums(store: PostgresqlConnector) -> bool:
    """Whether it is at `t`: a catalog that all databases share is done in a moment, in any."""
    with store.transaction():
        return bool(
            store.rows(
                "SELECT 1 FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid\n"
                "WHERE a.query ~ '^autovacuum: VACUUM (ANALYZE )?public.t$'\n"
                "AND a.datname = current_database() AND l.locktype = 'virtualxid'"
            )
        )


def test_the_key_of_a_table_without_a_primary_key_outlives_a_reindex(
    postgres: Postgres, database: Callable[..., Endpoint]
) -> None:
    """It gives an index another number, which is no reason to take another key: the job would be
    held."""
    with PostgresqlConnector(place := database()) as store:
        with store.transaction():
            store.execute("CREATE TABLE t (a integer NOT NULL, b integer NOT NULL)")
            store.execute("CREATE UNIQUE INDEX one ON t (a)")
            store.execute("CREATE UNIQUE INDEX two ON t (b)")
        for index in ("one", "two"):
            assert store.describe(TableName("t")).unique[0] == ("a",)
            postgres.sql(f"REINDEX INDEX CONCURRENTLY {index}", str(place.database))
        assert store.describe(TableName("t")).unique[0] == ("a",)


def test_a_lock_has_one_number_whoever_asks(database: Callable[..., Endpoint]) -> None:
    """Any process, under any name of the endpoint, of this version or an older one."""
    with PostgresqlConnector(database()) as store, store.lock("人口", 0.0), store.transaction():
        held = store.rows(
            "SELECT lpad(to_hex(classid::bigint), 8, '0') || lpad(to_hex(objid::bigint), 8, '0')\n"
            "FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert held == store.rows("SELECT left(encode(sha256('人口'), 'hex'), 16)")


@contextmanager
def _roles(postgres: Postgres, database: str | None, *names: str) -> Iterator[None]:
    for name in names:
        postgres.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    try:
        yield
    finally:
        for name in names:
            postgres.sql(f"DROP OWNED BY {name}; DROP ROLE {name}", str(database))


def test_who_has_no_right_sees_the_work_of_everybody(
    postgres: Postgres, database: Callable[..., Endpoint]
) -> None:
    """The server hides of another's session what it does, and since when. A transaction has its
    now() from its first statement on, also where that only reads."""
    place = database()
    reads, writes = (replace(place, user=f"{w}s_{place.name}") for w in ("read", "write"))
    reads, writes = (replace(each, password=Secret("x")) for each in (reads, writes))
    gid = f"of another {place.name}"
    with (
        connect(place) as owner,
        _roles(postgres, place.database, str(reads.user), str(writes.user)),
        PostgresqlConnector(reads) as store,
    ):
        with owner.transaction():
            owner.execute("CREATE TABLE t (id integer)")
            owner.execute(f"GRANT ALL ON t TO {writes.user}")
        with PostgresqlConnector(writes) as writer:
            writer.driver.autocommit = True
            writer.driver.execute("BEGIN")
            writer.driver.execute("SELECT 1")
            running = store.open_work()
            assert len(running) == 1
            writer.driver.execute("INSERT INTO t VALUES (1)")
            assert store.open_work() == running
            assert str(writes.user) in store.describe_work(running)[0]
            writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
            try:
                assert store.open_work() == {f"prepared {gid}"}
            finally:
                writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")


def test_missing_rights_are_told_before_they_are_needed(
    postgres: Postgres, database: Callable[..., Endpoint]
) -> None:
    place = database()
    few = replace(place, user=f"few_{place.name}", password=Secret("x"))
    with PostgresqlConnector(place) as owner, _roles(postgres, place.database, str(few.user)):
        make(owner, "t", [("id", INTEGER)], ["id"])
        assert owner.missing_rights(None) == owner.missing_rights(TableName("t")) == []
        with owner.transaction():
            owner.execute("REVOKE CREATE ON SCHEMA public FROM public")
        with PostgresqlConnector(few) as store:
            assert store.missing_rights(None) == ["CREATE in the schema"]
            missing = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            while missing:
                assert store.missing_rights(TableName("t")) == missing
                with owner.transaction():
                    owner.execute(f"GRANT {missing.pop(0)} ON t TO {few.user}")
            assert store.missing_rights(TableName("t")) == []


def test_what_may_be_read_is_offered_whatever_it_is(
    postgres: Postgres, database: Callable[..., Endpoint]
) -> None:
    place = database()
    few = replace(place, user=f"few_{place.name}", password=Secret("x"))
    with PostgresqlConnector(place) as owner, _roles(postgres, place.database, str(few.user)):
        with owner.transaction():
            for statement in (
                "CREATE TABLE plain (id integer)",
                "CREATE TABLE parted (id integer) PARTITION BY RANGE (id)",
                "CREATE VIEW seen AS SELECT 1 AS id",
                "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id",
                "CREATE EXTENSION postgres_fdw",
                "CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw",
                "CREATE FOREIGN TABLE far (id integer) SERVER there",
                "CREATE SEQUENCE number",
                "CREATE TEMPORARY TABLE passing (id integer)",
                "CREATE SCHEMA another",
                "CREATE TABLE another.plain (id integer)",
                f"GRANT SELECT ON plain, seen TO {few.user}",
            ):
                owner.execute(statement)
        kinds = {"far": True, "kept": True, "parted": False, "plain": False, "seen": True}
        found = owner.tables()
        assert [str(t) for t in found] == ["another.plain", *(f"public.{name}" for name in kinds)]
        described = [owner.describe(table) for table in found[1:]]
        assert [table.is_view for table in described] == list(kinds.values())
        assert {table.row_estimate for table in described} == {0}  # nobody has counted yet
        assert [str(t) for t in owner.tables("another")] == ["another.plain"]
        with PostgresqlConnector(few) as store:
            assert [str(t) for t in store.tables()] == ["public.plain", "public.seen"]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("SQL_ASCII", "no known encoding"), ("LATIN1", "every character"), ("UTF8", "fsync is off")],
)
def test_a_database_that_is_unsafe_is_told(
    postgres: Postgres, database: Callable[..., Endpoint], encoding: str, told: str
) -> None:
    place = database()
    postgres.drop_database(str(place.database))
    how = f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0 STRATEGY file_copy"
    postgres.sql(f"CREATE DATABASE {place.database} {how}")
    with PostgresqlConnector(place) as store:
        assert told in str(store.settings_problem())


def test_a_database_whose_pages_may_tear_is_told(
    database: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresqlConnector(database()) as store:
        ask = store.value
        monkeypatch.setattr(store, "value", lambda q: "on" if q == "SHOW fsync" else ask(q))
        assert "full_page_writes is off" in str(store.settings_problem())


@pytest.mark.parametrize("family", KIN)
@pytest.mark.parametrize("made", ["TABLE %I", "SELECT %I FROM t", "SELECT 1 %s"])
def test_what_a_trigger_puts_together_is_not_repeated(
    database: Callable[..., Endpoint], family: str, made: str
) -> None:
    """A value may be the name of a table, as where rows are spread over tables by hand."""
    secret = "张三 13800138000"
    with connect(database(family)) as store:
        table = make(store, "t", [("id", INTEGER), ("v", TEXT)], ["id"])
        with store.transaction():
            store.execute(
                "CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
                f"EXECUTE format('{made.replace('%', '%%')}', NEW.v); RETURN NULL; END $$"
            )
            store.execute(
                "CREATE TRIGGER spread BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION spread()"
            )
        with pytest.raises(BridgeheadError) as error:
            load(store, table, [("1", secret)])
        assert not any(part in str(error.value) for part in secret.split())


@pytest.mark.parametrize("family", KIN)
def test_what_another_server_says_through_a_foreign_table_is_not_repeated(
    database: Callable[..., Endpoint], family: str
) -> None:
    """Its functions and triggers choose their words too, and the code comes along."""
    secret = "11010519491231002X"
    with connect(database(family)) as store, PostgresqlConnector(database()) as remote:
        place = remote.endpoint
        password = place.password.reveal() if place.password else ""
        with remote.transaction():
            remote.execute(
                "CREATE FUNCTION refuse(v text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN\n"
                "RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'not ' || v; END $$"
            )
            remote.execute(f"CREATE VIEW v AS SELECT refuse(v) AS v FROM (SELECT '{secret}') q(v)")
        with store.transaction():
            store.execute("CREATE EXTENSION postgres_fdw")
            store.execute(
                "CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS\n"
                f"(host '{place.host}', port '{place.port}', dbname '{place.database}')"
            )
            store.execute(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS\n"
                f"(user '{place.user}', password '{password}')"
            )
            store.execute("CREATE FOREIGN TABLE v (v text) SERVER other")
        with pytest.raises(MissingRight) as error, store.transaction():
            store.rows("SELECT v FROM v")
    assert "42501" in error.value.message
    assert secret not in str(error.value)


@pytest.mark.parametrize("family", ["postgresql", "odbc-postgresql", "kingbase"])
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("idle_in_transaction_session_timeout", "1h"),
        ("idle_session_timeout", "1h"),
        ("transaction_timeout", "0"),
    ],
)
def test_a_session_that_waits_for_another_store_is_not_ended(
    postgres: Postgres, database: Callable[..., Endpoint], family: str, name: str, kept: str
) -> None:
    place = database(family)
    with connect(place) as store:
        assert store.value(f"SHOW {name}") == "0"
    postgres.sql(f"ALTER DATABASE {place.database} SET {name} = '500ms'")
    with connect(place) as store:
        assert store.value(f"SHOW {name}") == kept


@pytest.mark.parametrize("family", KIN)
@pytest.mark.parametrize(("given", "kept"), [("off", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_is_answered_when_it_is_written(
    postgres: Postgres, database: Callable[..., Endpoint], family: str, given: str, kept: str
) -> None:
    place = database(family)
    postgres.sql(f"ALTER DATABASE {place.database} SET synchronous_commit = {given}")
    with connect(place) as store, store.transaction():
        assert store.value("SHOW synchronous_commit") == kept


@pytest.mark.parametrize("family", KIN)
def test_a_query_is_described_by_what_its_columns_may_hold(
    database: Callable[..., Endpoint], family: str
) -> None:
    """A driver may tell less than the catalogue: then they are wider, and never narrower."""
    exact = ["numeric(12,2)", "numeric(3,3)", "numeric", "varchar(18)", "varchar", "char(3)"]
    exact += ["text", "integer", "bigint", "real", "double precision", "date", "boolean", "bytea"]
    wider = ["numeric(28,6)", "timestamp(3)", "timestamptz(0)", "time(3)", "timestamp", "bit(9)"]
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(exact + wider))
    with connect(database(family)) as store:
        with store.transaction():
            store.execute(f"CREATE TABLE t ({columns})")
        table, query = store.describe(TableName("t")), store.describe_query("SELECT * FROM t")
    types = [
        (there.type, here.type) for there, here in zip(table.columns, query.columns, strict=True)
    ]
    assert [found for found in types[: len(exact)] if found[0] != found[1]] == []
    assert [found for found in types if found[1].fit(found[0]) is not Fit.EXACT] == []


@pytest.mark.parametrize("family", KIN)
def test_a_name_alone_is_looked_for_in_the_schema_of_the_endpoint(
    database: Callable[..., Endpoint], family: str
) -> None:
    """And nowhere else: the table of that name in another schema is another table."""
    place, name = database(family), 'its "own" 100%'
    with connect(place) as store, store.transaction():
        its = store.dialect.quote(name)
        for statement in (
            f"CREATE SCHEMA {its}",
            f"CREATE TABLE {its}.t (own integer PRIMARY KEY)",
            "CREATE TABLE public.t (other integer PRIMARY KEY)",
            "CREATE TABLE public.only (other integer PRIMARY KEY)",
        ):
            store.execute(statement)
    with connect(replace(place, schema=name)) as store:
        found = store.describe(store.resolve(TableName("t")))
        assert (found.schema, found.key) == (name, ("own",))
        assert [c.name for c in store.describe_query("SELECT * FROM t").columns] == ["own"]
        assert not store.exists(store.resolve(TableName("only")))
        made = make(store, "made", [("id", INTEGER)], ["id"])
        assert store.describe(made.name).schema == name


@pytest.mark.parametrize("family", [name for name in KIN if name != "opengauss"])
def test_what_an_index_only_carries_is_no_part_of_a_key(
    database: Callable[..., Endpoint], family: str
) -> None:
    with connect(database(family)) as store:
        with store.transaction():
            store.execute(
                "CREATE TABLE t (id integer, code integer NOT NULL, name text NOT NULL,\n"
                "PRIMARY KEY (id) INCLUDE (name))"
            )
            store.execute("CREATE UNIQUE INDEX of_code ON t (code) INCLUDE (name)")
        table = store.describe(TableName("t"))
    assert (table.key, table.unique) == (("id",), (("code",),))


@pytest.mark.parametrize("family", KIN)
def test_a_name_that_would_be_cut_off_is_no_other_table(
    database: Callable[..., Endpoint], family: str
) -> None:
    known = "x" * 63
    with connect(database(family)) as store:
        make(store, known, [("id", INTEGER)], ["id"])
        assert store.exists(TableName(known))
        assert not store.exists(TableName(known + "x"))
        with pytest.raises(MissingObject):
            store.describe(TableName(known + "x"))


def test_keys_that_fold_case_are_read_in_the_order_of_their_bytes(
    database: Callable[..., Endpoint],
) -> None:
    """Whatever the type itself sorts by: a range of keys has the same rows at both ends."""
    with PostgresqlConnector(database()) as store:
        with store.transaction():
            store.execute_all(["CREATE EXTENSION citext", "CREATE TABLE t (id citext PRIMARY KEY)"])
        table = store.describe(TableName("t"))
        load(store, table, [("a",), ("B",), ("c",), ("D",)])
        assert fetch(store, selection_of(table)) == [("B",), ("D",), ("a",), ("c",)]
        below = selection_of(table, KeyRange(None, ("C",)))
        assert fetch(store, below) == [("B",)]


OF_THEIR_OWN_ORDER = {
    "mood": ["z", "b", "a"],
    "of_mood": ["z", "b", "a"],
    "inet": ["10.0.0.0/8", "9.0.0.1/32", "::1/128"],
    "timetz": ["10:00:00+00", "09:00:00+08"],
    '"char"': ["b", "B", "a"],
}


@pytest.mark.parametrize("family", KIN)
def test_keys_with_an_order_of_their_own_are_read_in_that_of_texts(
    database: Callable[..., Endpoint], family: str
) -> None:
    with connect(database(family)) as store:
        with store.transaction():
            store.execute("CREATE TYPE mood AS ENUM ('z', 'b', 'a')")
            store.execute("CREATE DOMAIN of_mood AS mood")
        for number, (spelled, keys) in enumerate(OF_THEIR_OWN_ORDER.items()):
            with store.transaction():
                store.execute(f"CREATE TABLE t{number} (k {spelled} PRIMARY KEY)")
            table = store.describe(TableName(f"t{number}"))
            load(store, table, [(k,) for k in keys])
            in_order = [(k,) for k in sorted(keys)]
            assert fetch(store, selection_of(table)) == in_order
            for place, key in enumerate(in_order):
                below = fetch(store, selection_of(table, KeyRange(None, key)))
                above = fetch(store, selection_of(table, KeyRange(key, None)))
                assert [*below, *above] == in_order
                assert len(below) == place + 1
                assert fetch(store, selection_of(table, among=(key,))) == [key]


# As it stands in the catalogue of a server with ICU, which this build lacks.
ICU_15 = "(SELECT datname, datcollate, 'und' AS daticulocale FROM pg_catalog.pg_database)"
FOLDING = (
    "(SELECT oid, collname, collnamespace, collname <> 'own' AS collisdeterministic\n"
    "FROM pg_catalog.pg_collation)"
)
COLLATED = (
    "CREATE COLLATION own (provider = libc, locale = 'C.UTF-8')",
    'CREATE TABLE t (id text PRIMARY KEY, a text COLLATE own, b text, c text COLLATE "C")',
    "CREATE UNIQUE INDEX ON t (b COLLATE own)",
)


@pytest.mark.parametrize(
    ("catalogue", "shape", "bytewise", "folding"),
    [
        ("pg_collation", "pg_catalog.pg_collation", "id b c", ""),
        ("pg_collation", FOLDING, "id b c", "a b"),
        ("pg_database", ICU_15, "c", ""),
    ],
    ids=["as it is", "a collation that folds", "PostgreSQL 15 with ICU"],
)
def test_a_collation_tells_how_texts_sort_and_fold(
    database: Callable[..., Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    catalogue: str,
    shape: str,
    bytewise: str,
    folding: str,
) -> None:
    asked = server.COLUMNS.replace(f"pg_catalog.{catalogue}", shape)
    monkeypatch.setattr(server, "COLUMNS", asked)
    with PostgresqlConnector(database()) as store:
        with store.transaction():
            store.execute_all(COLLATED)
        columns = store.describe(TableName("t")).columns
    assert " ".join(c.name for c in columns if c.bytewise) == bytewise
    assert " ".join(c.name for c in columns if c.folds) == folding


HOSTILE = {
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-5",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
}
SPANS = Type(Kind.NATIVE, family="postgresql", native="interval")
BYTES = Type(Kind.NATIVE, family="postgresql", native="bytea[]")
OWN = {
    "interval": (SPANS, ("1 mon -2 days +00:00:03.5", "-00:00:01")),
    "bytea[]": (BYTES, ('{"\\\\x00ff5c",NULL}',)),
    "text[]": (Type(Kind.NATIVE, family="postgresql", native="text[]"), ('{NULL,"NULL",""}',)),
}


@pytest.mark.parametrize("family", KIN)
def test_what_a_database_sets_for_its_sessions_changes_no_value(
    postgres: Postgres, database: Callable[..., Endpoint], family: str
) -> None:
    place = database(family)
    for setting, value in HOSTILE.items():
        postgres.sql(f"ALTER DATABASE {place.database} SET {setting} = '{value}'")
    with connect(place) as store:
        assert store.timezone() == HOSTILE["TimeZone"]  # that of stamps without one
        for name, (kind, values) in (EXTREMES | OWN).items():
            lines: list[Line] = [(str(n), text) for n, text in enumerate((*values, None))]
            table = make(store, name, [("id", INTEGER), ("v", kind)], ["id"])
            load(store, table, lines)
            assert fetch(store, selection_of(table)) == lines, name
            query = store.dialect.range_lines(
                table.name, table.columns, [table.columns[0]], EVERYTHING
            )
            with store.snapshot():
                found = store.digest_all(query)
            assert found == (len(lines), Digest.of_lines(map(canonical_line, lines))), name


@pytest.mark.parametrize("family", KIN)
def test_a_transaction_that_has_failed_goes_on_with_nothing(
    database: Callable[..., Endpoint], family: str
) -> None:
    """A driver that began another by itself would commit the rest alone."""
    with connect(database(family)) as store:
        make(store, "t", [("id", INTEGER)], ["id"])

        def go_on() -> None:
            with store.transaction():
                store.execute("INSERT INTO t VALUES (1)")
                with pytest.raises(store.driver_error):
                    store.execute("SELECT * FROM nowhere")
                store.execute("INSERT INTO t VALUES (2)")

        with pytest.raises(BridgeheadError):
            go_on()
        with store.transaction():
            assert int(store.value("SELECT count(*) FROM t")) == 0


BROKEN = (
    "CREATE TABLE n (id integer PRIMARY KEY)",
    "INSERT INTO n SELECT generate_series(0, 20000)",
    "CREATE VIEW v AS SELECT id, 1 / (19999 - id) AS v FROM n",
)


@pytest.mark.parametrize("family", KIN)
@pytest.mark.parametrize("sort", ["on", "off"])
def test_rows_that_end_in_an_error_are_not_all_there_is(
    database: Callable[..., Endpoint], family: str, sort: str
) -> None:
    """The server fails before the first row, or, where it sorts nothing, after many."""
    with connect(database(family)) as store:
        with store.transaction():
            store.execute_all([*BROKEN, f"SET enable_sort = {sort}"])
        view = replace(store.describe(TableName("v")), key=("id",))
        for format in sorted({Format.ARROW, *store.capabilities.reads}):
            with pytest.raises(RowRefused):
                _read_to_the_end(store, view, format)
        assert store.value("SELECT 1") == 1


def _read_to_the_end(store: Any, table: Table, format: Format) -> None:
    with store.snapshot():
        rows = store.read(selection_of(table), format)
        for _ in rows.part(30_000):
            assert rows.handed_out < 20_000


def test_work_that_is_prepared_between_two_readings_is_seen(
    database: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one reading or the other; the other way round, in neither."""
    with PostgresqlConnector(database()) as store, PostgresqlConnector(store.endpoint) as writer:
        gid = f"between {store.endpoint.database}"
        read, asked = store.rows, []

        def then_prepare(query: str | Statement) -> list[tuple[Any, ...]]:
            found = read(query)
            asked.append(str(query))
            if "pg_locks" in asked[-1] or "pg_prepared_xacts" in asked[-1]:
                monkeypatch.setattr(store, "rows", read)
                writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
            return found

        writer.driver.autocommit = True
        writer.driver.execute("CREATE TABLE t (id integer)")
        writer.driver.execute("BEGIN")
        writer.driver.execute("INSERT INTO t VALUES (1)")
        monkeypatch.setattr(store, "rows", then_prepare)
        try:
            assert store.open_work()
        finally:
            writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")
        assert asked


@pytest.mark.parametrize("family", KIN)
def test_a_login_that_failed_leaves_nobody_at_the_door(
    database: Callable[..., Endpoint], family: str
) -> None:
    """A server that waits for a login waits a minute, and no database can be dropped meanwhile."""
    place = database(family)
    with pytest.raises(LoginRefused) as error:
        connect(replace(place, password=None))
    with PostgresqlConnector(database()) as store:
        deadline = time.monotonic() + 10
        while (waiting := _at_the_door(store)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert error.tb is not None  # what it refers to is still there
    assert waiting == 0


def _at_the_door(store: PostgresqlConnector) -> int:
    """A transaction of its own: within one the server tells what it told at first."""
    with store.transaction():
        found = store.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'starting'")
    return int(found)


@pytest.mark.parametrize("format", [Format.PGCOPY, Format.CSV, Format.ARROW])
def test_wide_rows_come_a_few_at_once(database: Callable[..., Endpoint], format: Format) -> None:
    wide = 1 << 20
    with PostgresqlConnector(database()) as store:
        table = make(store, "t", [("id", Type(Kind.INTEGER)), ("v", Type(Kind.TEXT))], ["id"])
        with store.transaction():
            store.execute(
                f"INSERT INTO t SELECT n, repeat('x', {wide}) FROM generate_series(1, 50) n"
            )
        with store.snapshot():
            chunks = list(store.read(selection_of(table), format).part(50))
    sizes = [chunk.num_rows if format is Format.ARROW else len(chunk) for chunk in chunks]
    assert sum(sizes) == 50
    assert sizes[0] <= 20
    assert max(sizes[1:]) <= 5


@pytest.mark.parametrize("family", KIN)
def test_a_server_does_not_keep_a_session_whose_agent_is_gone(
    database: Callable[..., Endpoint], family: str
) -> None:
    """An agent that lost its power says no goodbye; its locks would be held for hours."""
    with connect(database(family)) as store:
        told = [
            store.value(f"SHOW tcp_keepalives_{what}") for what in ("idle", "interval", "count")
        ]
    assert [int(str(seconds).rstrip("s")) for seconds in told] == [30, 10, 3]


@pytest.mark.parametrize(
    ("name", "value"),
    [("enable_ci", "on"), ("case_sensitive", "off"), ("char_default_type", "byte")],
)
def test_a_kingbase_that_changes_values_or_names_is_told(
    database: Callable[..., Endpoint], name: str, value: str
) -> None:
    class Unsafe(KingbaseConnector):
        def _setting(self, asked: str) -> str | None:
            return value if asked == name else None

    with Unsafe(database("kingbase")) as store:
        assert str(store.settings_problem()).startswith(f"the setting {name} is {value}: ")


@pytest.mark.parametrize(("mode", "keeps"), [("A", False), ("PG", True)])
def test_an_opengauss_in_oracles_mode_keeps_no_empty_text(
    database: Callable[..., Endpoint], mode: str, keeps: bool
) -> None:
    place = database("opengauss")
    with connect(place) as store, store.transaction():
        store.execute(f"ALTER DATABASE {place.database} SET search_path = public, pg_catalog")
        store.execute("CREATE TABLE pg_settings (name text, setting text)")
        store.execute(f"INSERT INTO public.pg_settings VALUES ('sql_compatibility', '{mode}')")
    with connect(place) as store:
        assert store.capabilities.empty_text is keeps
    assert OpengaussConnector.capabilities.empty_text
