"""Keys whose order is not what it seems: every part of a load, window or comparison ends between
two of them."""

from __future__ import annotations

from hashlib import sha512

import pytest

from bridge.capture import sweep
from bridge.comparison import reconcile_job
from tests.scenario.world import CAPTURES, STAMPS, MakeWorld, World, cursor_job

COLUMNS = {"part": "text", "name": "text", "updated_at": "moment", "id": "number"}
KEY = ("id", "part")
_HARD = "".join(sha512(bytes([number])).hexdigest() for number in range(22))
"""2,816 characters that no index compresses."""


def _write(world: World, ids: range, parts: str, name: str, stamp: str) -> None:
    rows = ", ".join(f"('{part}', '{name}', {stamp}, {i})" for i in ids for part in parts)
    world.sql("source", f"REPLACE INTO t VALUES {rows}")


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("rows", [2, 5])
def test_parts_end_within_a_first_column(
    make: MakeWorld, monkeypatch: pytest.MonkeyPatch, capture: str, rows: int
) -> None:
    """Of a key whose columns stand in the table in another order, and whose first alone tells no
    row from the next."""
    monkeypatch.setattr(sweep, "SEGMENT_ROWS", rows)
    world = make(*["sqlite"] * 3)
    world.job("j", chunk_rows=rows, **CAPTURES[capture])
    world.sql(
        "source",
        "CREATE TABLE t (part text NOT NULL, name text, updated_at TIMESTAMP, id integer NOT NULL, "
        "PRIMARY KEY (id, part))",
    )
    _write(world, range(1, 5), "abcd", "first", world.ago(3600))
    lives = {
        "loaded": lambda: None,
        "changed": lambda: _write(world, range(2, 4), "abcde", "second", world.now),
        "deleted": lambda: world.sql("source", "DELETE FROM t WHERE part IN ('a', 'd')"),
        "resent": lambda: world.sql("source", "UPDATE t SET name = 'third' WHERE part = 'c'"),
    }
    for what, live in lives.items():
        live()
        outcome = world.resync() if what == "resent" else world.run_well()
        assert (outcome.error, outcome.verdict) == (None, "reconciled"), what
        assert world.findings(key=KEY, columns=COLUMNS) == [], what
        content = reconcile_job(world.deployment, "j", 0).content
        assert content is not None
        assert not content.sample, what
    world.sql("target", "DELETE FROM t WHERE id = 2 AND part = 'b'")
    content = reconcile_job(world.deployment, "j", 0).content
    assert content is not None
    assert (content.missing, content.extra, content.different) == (1, 0, 0)


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize(
    "world",
    [("mysql",) * 3, ("mysql", "mysql", "sqlite"), ("postgresql", "mysql", "mysql")],
    indirect=True,
    ids="-".join,
)
def test_bits_are_a_key(world: World, capture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SEGMENT_ROWS", 2)
    world.job("j", chunk_rows=2, **CAPTURES[capture])
    moment = "datetime(6)" if world.family == "mysql" else "timestamp"
    keys = ("000000000001", "000011111111", "000100000000", "010000000000", "111111111111")
    rows = ", ".join(f"(b'{key}', 'first', {world.ago(3600)})" for key in keys)
    world.sql(
        "source",
        f"CREATE TABLE t (k bit(12) PRIMARY KEY, name varchar(9), updated_at {moment})",
        f"INSERT INTO t VALUES {rows}",
    )
    world.run_well()
    seen = len(world.batches())
    world.sql(
        "source",
        f"UPDATE t SET name = 'second', updated_at = {world.now} WHERE k = b'{keys[1]}'",
        f"DELETE FROM t WHERE k IN (b'{keys[0]}', b'{keys[3]}')",
        f"INSERT INTO t VALUES (b'{'10' * 6}', 'second', {world.now})",
    )
    world.run_well()
    assert world.counted(seen) == (1, 1, 2)
    world.resync()
    content = reconcile_job(world.deployment, "j", 0).content
    assert content is not None
    assert (content.target_rows, content.sample) == (4, [])


@pytest.mark.parametrize(
    ("world", "role"),
    [
        (("postgresql", "postgresql", "mysql"), "target"),
        (("postgresql", "mysql", "sqlite"), "exchange"),
    ],
    indirect=["world"],
    ids=["target", "exchange"],
)
def test_a_number_that_a_store_keeps_as_text_is_no_key(world: World, role: str) -> None:
    """It would be sent by ranges of numbers, and measured by those of texts."""
    world.sql(
        "source",
        "CREATE TABLE t (k numeric PRIMARY KEY, name text, updated_at timestamp)",
        f"INSERT INTO t VALUES (9, 'a', {world.ago(3600)}), (10, 'b', {world.ago(3600)})",
    )
    world.job("j", **cursor_job())
    error = world.run().error
    assert f"the family mysql of the {role} keeps as text, in another order" in str(error)
    assert world.batches() == []


def test_a_number_is_no_key_in_a_column_of_texts(world: World) -> None:
    """In a table that was there before: parts of a load, and of each resync, deleted rows of
    others."""
    world.sql("source", "CREATE TABLE t (k numeric PRIMARY KEY)", "INSERT INTO t VALUES (1), (10)")
    world.sql("target", "CREATE TABLE t (k text PRIMARY KEY)")
    world.job("j", **CAPTURES["compare"])
    outcome = world.run()
    assert (outcome.exit_code, outcome.batches) == (4, [])
    told = "key column k is text, which sorts otherwise than decimal"
    assert told in str(outcome.error)


@pytest.mark.parametrize(
    "world",
    [("postgresql", "mysql", "mysql"), ("postgresql", "postgresql", "mysql")],
    indirect=True,
    ids="-".join,
)
@pytest.mark.parametrize("capture", CAPTURES)
def test_a_key_longer_than_an_index_takes_is_set_aside(world: World, capture: str) -> None:
    """From the first run on, before there is a table to ask."""
    world.sql(
        "source",
        "CREATE TABLE t (k text, part text, updated_at timestamp, PRIMARY KEY (k, part))",
        f"INSERT INTO t VALUES ('a', repeat('x', 384), {world.ago(3600)}), "
        f"('b', repeat('x', 385), {world.ago(3600)}), (repeat('张', 384), '', {world.ago(3600)})",
    )
    world.job("j", **CAPTURES[capture])
    assert [(b.sent.total, b.tally.quarantined) for b in world.run_well().batches] == [(2, 1)]
    world.sql("source", f"UPDATE t SET updated_at = {world.now}")
    assert sum(b.tally.updated for b in world.run_well().batches) == 2
    reasons = world.sql("exchange", "SELECT reason FROM bh_quarantine WHERE closed_at IS NULL")
    assert reasons == [("too_long",)]


@pytest.mark.parametrize(
    "world",
    [("postgresql", "postgresql", "postgresql"), ("sqlite", "sqlite", "postgresql")],
    indirect=True,
    ids="-".join,
)
@pytest.mark.parametrize("capture", CAPTURES)
def test_a_key_longer_than_an_index_of_postgresql_takes_is_set_aside(
    world: World, capture: str
) -> None:
    """However well it could be compressed, and only as long as it is so long."""
    world.sql(
        "source",
        "CREATE TABLE t (k varchar(2900) NOT NULL, part varchar(100) NOT NULL, name text, "
        f"updated_at {STAMPS[world.family]})",
        *(
            f"INSERT INTO t VALUES ('{key}', '{'x' * part}', 'first', {world.ago(3600)})"
            for key, part in [
                *(("a", 1), (_HARD, 0), ("x" * 2621, 0), ("x" * 2600, 20), ("c", 99)),
                ("x" * 2600, 21),  # neither is too long by itself
            ]
        ),
    )
    world.job("j", key=["k", "part"], **CAPTURES[capture])
    assert sum(b.tally.quarantined for b in world.run_well().batches) == 3
    assert world.sql("target", "SELECT count(*) FROM t") == [(3,)]
    world.sql("source", f"UPDATE t SET name = 'second', updated_at = {world.now}")
    assert sum(b.tally.updated for b in world.run_well().batches) == 3
    entries = "SELECT reason FROM bh_quarantine WHERE closed_at IS NULL"
    assert world.sql("exchange", entries) == [("too_long",)] * 3
    gone = "DELETE FROM t WHERE length(part) IN (0, 21)"
    world.sql("source", gone, f"UPDATE t SET updated_at = {world.now}")
    world.run_well()
    assert world.sql("exchange", entries) == []


@pytest.mark.parametrize("world", [("sqlite", "sqlite", "postgresql")], indirect=True, ids="-".join)
def test_of_a_binary_key_its_bytes_count(world: World) -> None:
    world.sql(
        "source",
        "CREATE TABLE t (k blob PRIMARY KEY NOT NULL, name text)",
        "INSERT INTO t VALUES (zeroblob(2660), 'fits'), (zeroblob(2661), 'does not')",
    )
    world.job("j", capture={"method": "compare"})
    assert [(b.sent.total, b.tally.quarantined) for b in world.run_well().batches] == [(1, 1)]
    assert world.sql("target", "SELECT length(k) FROM t") == [(2660,)]


@pytest.mark.parametrize(
    "world",
    [("mysql", "mysql", "sqlite"), ("postgresql", "postgresql", "mysql")],
    indirect=True,
    ids="-".join,
)
def test_a_key_declared_wider_than_an_index_shares_its_room(world: World) -> None:
    """3,072 bytes, of which a charset of one byte a character takes fewer at its source."""
    charset = " CHARACTER SET latin1" if world.family == "mysql" else ""
    world.sql(
        "source",
        f"CREATE TABLE t (a varchar(255){charset}, b varchar(255){charset}, "
        f"c varchar(255){charset}, d varchar(255){charset}, PRIMARY KEY (a, b, c, d))",
        f"INSERT INTO t VALUES ('{'x' * 192}', 'x', 'x', 'x'), ('{'x' * 193}', 'x', 'x', 'x')",
    )
    world.job("j", capture={"method": "compare"})
    assert [(b.sent.total, b.tally.quarantined) for b in world.run_well().batches] == [(1, 1)]


@pytest.mark.parametrize("world", [("mysql", "mysql", "postgresql")], indirect=True, ids=["mysql"])
def test_a_key_of_mariadb_may_be_longer_than_postgresql_takes(world: World) -> None:
    """Its rows travel without a look, where no key can be so long."""
    world.sql(
        "source",
        "CREATE TABLE t (k varchar(768) PRIMARY KEY, name text) CHARACTER SET utf8mb4",
        f"INSERT INTO t VALUES ('{'张' * 768}', 'fits'), ('{'𠮷' * 768}', 'does not')",
    )
    world.job("j", capture={"method": "compare"})
    world.run_well()
    assert world.sql("target", "SELECT name FROM t") == [("fits",)]
    assert world.sql("exchange", "SELECT reason FROM bh_quarantine") == [("too_long",)]


@pytest.mark.parametrize(
    "world",
    [("mysql", "mysql", "mysql"), ("postgresql", "mysql", "postgresql")],
    indirect=True,
    ids="-".join,
)
@pytest.mark.parametrize("capture", CAPTURES)
def test_a_char_before_blanks_is_a_key(world: World, capture: str) -> None:
    """MariaDB sorts a CHAR by the blanks that fill it, and compares it without them."""
    tab = "_utf8mb4 x'6109'" if world.family == "mysql" else "E'a\\t'"
    stamp = STAMPS[world.family]
    world.sql(
        "source",
        f"CREATE TABLE t (k char(4) PRIMARY KEY, name varchar(9), updated_at {stamp})",
        f"INSERT INTO t VALUES ('a', 'x', {world.ago(3600)}), ({tab}, 'x', {world.ago(3600)}), "
        f"('b', 'x', {world.ago(3600)})",
    )
    world.job("j", chunk_rows=1, **CAPTURES[capture])
    assert sum(b.sent.total for b in world.run_well().batches) == 3
    world.sql("source", "DELETE FROM t WHERE k = 'a'", f"UPDATE t SET updated_at = {world.now}")
    seen = len(world.batches())
    world.run_well()
    assert world.counted(seen) == (0, 2, 1)
    content = reconcile_job(world.deployment, "j", 0).content
    assert content is not None
    assert (content.target_rows, content.sample) == (2, [])


@pytest.mark.parametrize("world", [("mysql",) * 3], indirect=True, ids=["mysql"])
@pytest.mark.parametrize("kind", ["date", "datetime", "date with n", "timestamp"])
@pytest.mark.parametrize("capture", CAPTURES)
def test_days_that_are_none_are_a_key(world: World, capture: str, kind: str) -> None:
    """IS NULL is true of them, where a column may not be NULL."""
    kind, with_number, _ = kind.partition(" with n")
    key = "k, n" if with_number else "k"
    rows = ", ".join(
        f"('{day}', 1, 'x', {world.ago(3600)})" for day in ("0000-00-00", "2024-02-29")
    )
    world.sql(
        "source",
        "SET sql_mode = ''",
        f"CREATE TABLE t (k {kind} NOT NULL, n int NOT NULL, name varchar(9), "
        f"updated_at datetime(6), PRIMARY KEY ({key}))",
        f"INSERT INTO t VALUES {rows}",
    )
    world.job("j", chunk_rows=1, **CAPTURES[capture])
    world.run_well()
    seen = len(world.batches())
    world.sql("source", f"UPDATE t SET name = 'y', updated_at = {world.now} WHERE n = 1")
    world.run_well()
    assert world.counted(seen) == (0, 2, 0)
    world.sql("source", "DELETE FROM t ORDER BY k LIMIT 1")
    world.run_well()
    assert world.counted(seen) == (0, 2, 1)
    assert len(world.sql("target", "SELECT * FROM t")) == 1
