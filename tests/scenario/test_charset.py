"""Sources that call their texts one charset and keep another: found, read right, never replaced."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from bridge.inspection.charset import judge
from bridge.inspection.check import Finding, Level, check_deployment
from tests.scenario.world import MakeWorld, World, cursor_job

NAMES = ("张三丰", "欧阳娜娜", "李小龙", "王建国", "刘德华", "䶮", "诸葛亮 a\\b\tc", "ABC", "")
_NUMBER = count(1)

# The store of the source, and how it takes bytes as a text.
WAYS = {
    "sqlite, text": ("sqlite", "CAST(x'{}' AS TEXT)"),
    "sqlite, blob": ("sqlite", "x'{}'"),
    "SQL_ASCII": ("SQL_ASCII", r"convert_from('\x{}', 'SQL_ASCII')"),
    "latin1 column": ("mysql", "x'{}'"),
    "ascii column": ("mysql", "x'{}'"),
    "LATIN1": ("LATIN1", r"convert_from('\x{}', 'LATIN1')"),
}


def _world(make: MakeWorld, way: str) -> World:
    family, _ = WAYS[way]
    if family in ("sqlite", "mysql"):
        world = make(family, "postgresql", "postgresql")
    else:
        world = make("postgresql", "postgresql", "postgresql")
        name = f"{family.lower()}_{next(_NUMBER)}"
        world.sql(
            "source",
            f"CREATE DATABASE {name} ENCODING '{family}' LOCALE 'C' TEMPLATE template0",
        )
        world.stores["source"] = replace(world.stores["source"], database=name)
        world.write()
    stamp = {"sqlite": "timestamp", "mysql": "datetime(6)"}.get(family, "timestamptz")
    charset = f" CHARACTER SET {way.split()[0]}" if family == "mysql" else ""
    columns = f"id varchar(9) PRIMARY KEY, name text, updated_at {stamp}"
    world.sql("source", f"CREATE TABLE t ({columns}){charset}")
    return world


def _job(world: World, **source: str) -> None:
    world.job("j", source={"endpoint": "source", "table": "t", **source}, **cursor_job())


def _insert(world: World, way: str, *values: bytes, first: int = 1) -> None:
    for number, value in enumerate(values, first):
        text = WAYS[way][1].format(value.hex())
        world.sql("source", f"INSERT INTO t VALUES ('{number}', {text}, {world.ago(3600)})")


def _found(world: World, subject: str) -> list[Finding]:
    return [f for f in check_deployment(world.deployment) if f.subject == subject]


def _names(world: World) -> list[str]:
    rows = world.sql("target", "SELECT name FROM t ORDER BY CAST(id AS integer)")
    return [name for (name,) in rows]


@pytest.mark.parametrize("way", WAYS)
def test_gbk_bytes_are_found_and_read_right(make: MakeWorld, way: str) -> None:
    world = _world(make, way)
    _insert(world, way, *(name.encode("gb18030") for name in NAMES))
    _job(world)
    (finding,) = _found(world, "charset")
    assert finding.level is Level.WARNING
    assert "name: of 7 texts beyond ASCII" in finding.found
    assert "read as gb18030, " in finding.found
    assert "sure (by chance: 1 in " in finding.found
    assert "charset: gb18030" in finding.remedy
    _job(world, charset="gb18030")
    (finding,) = _found(world, "charset")
    assert finding.level is Level.OK
    assert [f for f in _found(world, "lost characters") if f.level is Level.REFUSED] == []
    world.run_well()
    assert _names(world) == list(NAMES)


@pytest.mark.parametrize("text", ["名", "张三丰", "中文王"])
def test_gbk_that_is_read_as_gbk_is_taken_for_nothing_else(text: str) -> None:
    """The bytes of some names are common characters of Big5 as well."""
    samples = [(f"{text}{n}".encode("gbk"), f"{text}{n}") for n in range(200)]
    assert judge(samples).charset is None
    wrong = [(f"{name}{n}".encode("big5")) for n in range(20) for name in ("張三豐", "國家")]
    read = [(raw, raw.decode("gb18030", errors="replace")) for raw in wrong]
    assert judge(read).charset == "big5"


def test_what_the_server_would_read_as_a_question_mark_is_set_aside(make: MakeWorld) -> None:
    """MariaDB keeps any bytes in an ascii column, and characters of GBK's user-defined area."""
    world = make("mysql", "postgresql", "postgresql")
    gbk, gb2312, ascii = (f"varchar(9) CHARACTER SET {name}" for name in ("gbk", "gb2312", "ascii"))
    rows = ("'1', '\u5f20', 'a', '\u5f20', NOW(6)", "x'aaa1', 'b', 'b', NULL, NOW(6)")
    rows += ("'3', x'd5c5aaa1', 'c', NULL, NOW(6)", "'4', NULL, x'd5c5', NULL, NOW(6)")
    rows += ("'5', NULL, NULL, x'd5c5aaa1', NOW(6)",)
    world.sql(
        "source",
        f"CREATE TABLE t (id {gbk} PRIMARY KEY, name {gbk}, code {ascii}, town {gb2312},\n"
        "updated_at datetime(6))",
        *(f"INSERT INTO t VALUES ({row})" for row in rows),
        "UPDATE t SET updated_at = updated_at - INTERVAL 1 HOUR",
    )
    _job(world)
    (batch,) = world.run_well().batches
    assert (batch.tally.read, batch.tally.inserted, batch.tally.quarantined) == (5, 1, 4)
    arrived = world.sql("target", "SELECT id, name, code, town FROM t")
    assert arrived == [("1", "\u5f20", "a", "\u5f20")]
    told = [finding.found for finding in _found(world, "charset")]
    assert any(text.startswith("name: ") and "1 cannot be read as gbk" in text for text in told)
    assert any(text.startswith("code: ") and "cannot be read as us-ascii" in text for text in told)
    columns = {"id": {}, "name": {"charset": "gb18030"}, "updated_at": {}}
    source = {"endpoint": "source", "table": "t"}
    world.job("j", source=source, columns=columns, **cursor_job())
    world.resync()
    rows = world.sql("target", "SELECT id, name FROM t ORDER BY id")
    assert rows == [("1", "\u5f20"), ("3", "\u5f20\ue000"), ("4", None), ("5", None)]


def test_a_nul_inside_a_text_moves_no_other(make: MakeWorld) -> None:
    """Many texts are decoded at once."""
    world = _world(make, "latin1 column")
    names = (b"a", b"b\0c", "张".encode("gbk"), b"d")
    _insert(world, "latin1 column", *names)
    _job(world, charset="gb18030")
    (batch,) = world.run().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (3, 1)
    assert world.sql("target", "SELECT id, name FROM t ORDER BY id") == [
        ("1", "a"),
        ("3", "张"),
        ("4", "d"),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_bytes_that_no_charset_explains_are_set_aside(make: MakeWorld, way: str) -> None:
    world = _world(make, way)
    _insert(world, way, b"\xff\xff", "张".encode("gbk") + b"\xd5", "王五".encode("gbk"), b"ok")
    _job(world, charset="gb18030")
    outcome = world.run()
    (batch,) = outcome.batches
    assert (batch.tally.read, batch.tally.inserted, batch.tally.quarantined) == (4, 2, 2)
    assert _names(world) == ["王五", "ok"]
    reasons = world.sql("exchange", "SELECT key, reason FROM bh_quarantine ORDER BY key")
    assert reasons == [('["1"]', "unreadable"), ('["2"]', "unreadable")]
    (finding,) = _found(world, "charset")
    assert "2 cannot be read as gb18030" in finding.found
    world.sql("source", "DELETE FROM t WHERE id = '1'")
    world.sql("source", f"UPDATE t SET name = 'mended', updated_at = {world.now} WHERE id = '2'")
    world.run_well()
    assert _names(world) == ["mended", "王五", "ok"]


def test_without_a_charset_what_is_no_text_is_set_aside(make: MakeWorld) -> None:
    world = _world(make, "SQL_ASCII")
    _insert(world, "SQL_ASCII", "张三".encode(), "张三".encode("gbk"), b"")
    _job(world)
    (batch,) = world.run().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (2, 1)
    assert _names(world) == ["张三", ""]


@pytest.mark.parametrize("exchange", ["postgresql", "sqlite"])
def test_half_a_surrogate_is_set_aside(make: MakeWorld, exchange: str) -> None:
    """Programs that write UTF-16 as if it were UTF-8 leave them, and MariaDB takes them."""
    world = make("mysql", exchange, "postgresql")
    _with_surrogates(world)
    _job(world)
    (batch,) = world.run().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (1, 2)
    assert _names(world) == ["好"]
    reasons = world.sql("exchange", "SELECT reason FROM bh_quarantine")
    assert reasons == [("unreadable",), ("unreadable",)]


def test_half_a_surrogate_behind_odbc_is_read_by_its_bytes(make: MakeWorld) -> None:
    """Its driver hands over no row of which a text cannot be read."""
    world = make("odbc-mariadb", "postgresql", "postgresql")
    _with_surrogates(world)
    _job(world)
    error = world.run().error
    assert error is not None
    assert error.exit_code == 4
    assert "source.charset" in error.remedy
    _job(world, charset="utf-8")
    (batch,) = world.run().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (1, 2)
    assert _names(world) == ["好"]


def _with_surrogates(world: World) -> None:
    rows = ("'1', '好', 'a'", "'2', x'EDA182EDBEB7', 'b'", "'3', 'c', _utf8mb3 x'61EDA182'")
    world.sql(
        "source",
        "CREATE TABLE t (id varchar(9) CHARACTER SET ascii PRIMARY KEY, name text, "
        "more text CHARACTER SET utf8mb3, updated_at datetime(6)) CHARACTER SET utf8mb4",
        *(f"INSERT INTO t VALUES ({row}, {world.ago(3600)})" for row in rows),
    )


def test_a_key_beyond_ascii_is_set_aside(make: MakeWorld) -> None:
    world = _world(make, "SQL_ASCII")
    _job(world, charset="gb18030")
    key = WAYS["SQL_ASCII"][1].format("张三".encode("gbk").hex())
    world.sql("source", f"INSERT INTO t VALUES ({key}, 'x', {world.ago(3600)})")
    _insert(world, "SQL_ASCII", b"y")
    (finding,) = _found(world, "charset")
    assert finding.found.startswith("id: 1 keys go beyond ASCII")
    (batch,) = world.run().batches
    assert (batch.tally.inserted, batch.tally.quarantined) == (1, 1)
    for _ in range(2):  # neither the window nor the sweep takes it for gone or late
        (batch,) = world.run().batches
        assert (batch.tally.gone, batch.tally.inserted, batch.tally.deleted) == (0, 0, 0)


def test_one_column_may_have_another_charset(make: MakeWorld) -> None:
    world = make("sqlite", "sqlite", "sqlite")
    world.sql(
        "source",
        "CREATE TABLE t (id integer PRIMARY KEY, a text, b text, n integer, updated_at timestamp)",
        f"INSERT INTO t VALUES (1, CAST(x'{'张'.encode('gbk').hex()}' AS TEXT), "
        f"CAST(x'{'張'.encode('big5').hex()}' AS TEXT), 7, {world.ago(3600)})",
    )
    columns = {"id": {}, "a": {}, "b": {"charset": "big5"}, "n": {}}
    source = {"endpoint": "source", "table": "t", "charset": "gb18030"}
    world.job("j", source=source, columns=columns, **cursor_job())
    world.run_well()
    assert world.sql("target", "SELECT * FROM t") == [(1, "张", "張", 7)]
    columns["n"] = {"charset": "gbk"}
    world.job("j", source=source, columns=columns, **cursor_job())
    error = world.run().error
    assert error is not None
    assert "column n is integer(64), and has no charset" in str(error)


def test_texts_that_were_taken_for_latin_1_when_written_are_found(make: MakeWorld) -> None:
    world = make("postgresql", "postgresql", "postgresql")
    world.make_table()
    for number, name in enumerate(NAMES[:5], 1):
        world.insert([number], name.encode("gbk").decode("latin-1").replace("'", "''"))
    _job(world)
    (finding,) = _found(world, "charset")
    assert "read as gb18030" in finding.found
    assert "a view must turn them back" in finding.remedy


@pytest.mark.parametrize("text", ["café", "élève à Noël", "Ünïcödé", "𠮷野家䶮", "ÀÉÎÕÜ", "😀 ok"])
def test_texts_that_are_what_they_say_are_left_alone(make: MakeWorld, text: str) -> None:
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table()
    world.insert(range(1, 9), text)
    _job(world)
    assert [finding.level for finding in _found(world, "charset")] == [Level.OK]


def test_lost_characters_are_counted(make: MakeWorld) -> None:
    for family in ("sqlite", "postgresql"):
        world = make(family, "sqlite", "sqlite")
        world.make_table()
        for number, name in enumerate(("张?", "??", "\ufffd", "a\ufffdb?", "fine"), 1):
            world.insert([number], name)
        _job(world)
        (finding,) = _found(world, "lost characters")
        assert finding.level is Level.WARNING
        assert finding.found == "name: 2 texts hold U+FFFD, 3 hold ?"
        assert "only the source can mend" in finding.remedy
