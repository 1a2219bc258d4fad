"""Rows that the next store cannot hold are set aside: counted, shown masked, read again."""

from __future__ import annotations

import pytest

from bridge.failpoint import arm, at
from tests.scenario.world import World, cursor_job, cut_off

TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, name varchar(5), born date, amount decimal(6,2), "
    "small smallint, updated_at timestamp)"
)
COLUMNS = {
    "id": "number",
    "name": "text",
    "born": "text",
    "amount": "number",
    "small": "number",
    "updated_at": "moment",
}
BAD = {
    2: ("'ok'", "'2023-02-30'", "1", "1"),
    3: ("'ok'", "'not a day'", "1", "1"),
    4: ("'sixsix'", "'2023-01-01'", "1", "1"),
    5: ("'a' || char(0) || 'b'", "'2023-01-01'", "1", "1"),
    6: ("'ok'", "'2023-01-01'", "12345.6", "1"),
    7: ("'ok'", "'2023-01-01'", "1", "40000"),
    8: ("'ok'", "'2023-01-01'", "'1.005'", "1"),
    9: ("x'ff'", "'2023-01-01'", "1", "1"),
}
CHAINS = [("sqlite", "postgresql", "postgresql"), ("sqlite",) * 3]
everywhere = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)
CAPTURES = pytest.mark.parametrize(
    "capture", [cursor_job(), {"capture": {"method": "compare"}}], ids=["cursor", "compare"]
)


def fill(world: World, stamp: str) -> None:
    rows = [
        f"({i}, {name}, {born}, {amount}, {small}, {stamp})"
        for i, (name, born, amount, small) in BAD.items()
    ]
    good = [f"({i}, '好{i}', '2023-01-0{i % 9 + 1}', {i}.5, {i}, {stamp})" for i in (1, 10, 11)]
    world.sql("source", f"INSERT INTO t VALUES {', '.join(rows + good)}")


def entries(world: World, condition: str = "open_key IS NOT NULL") -> dict[str, tuple]:
    rows = world.sql(
        "exchange",
        f'SELECT "key", "column", reason, sample, seen, closed_why FROM bh_quarantine '
        f"WHERE {condition}",
    )
    return {row[0]: row[1:] for row in rows}


def judge(world: World, bad: dict) -> list:
    return world.findings(columns=COLUMNS, without=frozenset((str(i),) for i in bad))


@everywhere
@CAPTURES
def test_set_aside_and_accepted_later(world: World, capture: dict) -> None:
    world.sql("source", TABLE)
    fill(world, world.ago(3600))
    world.job("j", **capture)
    (first,) = world.run_well().batches
    assert (first.tally.read, first.tally.inserted, first.tally.quarantined) == (11, 3, 8)
    assert judge(world, BAD) == []
    found = entries(world)
    assert set(found) == {f'["{i}"]' for i in BAD}
    for key, (column, reason, sample, _, _) in found.items():
        assert column in COLUMNS, key
        assert reason, key
        assert sample is None or not any(v.strip("'") == sample for v in BAD[int(key[2:-2])])

    (again,) = world.run_well().batches  # nothing new: read once more, still refused
    assert again.tally.quarantined in (0, 8)
    assert set(entries(world)) == set(found)
    assert judge(world, BAD) == []

    world.sql(
        "source",
        f"UPDATE t SET name = 'ok', born = '2024-02-29', amount = 1, small = 2, "
        f"updated_at = {world.now} WHERE id BETWEEN 2 AND 5",
        "DELETE FROM t WHERE id = 6",
    )
    (put_right,) = world.run_well().batches
    assert put_right.tally.inserted == 4
    assert set(entries(world)) == {'["7"]', '["8"]', '["9"]'}
    closed = entries(world, "open_key IS NULL")
    assert {key: entry[-1] for key, entry in closed.items()} == {
        f'["{i}"]': "accepted" if i < 6 else "no longer at the source" for i in range(2, 7)
    }
    assert judge(world, {7: 0, 8: 0, 9: 0}) == []


@everywhere
@CAPTURES
def test_the_last_good_version_stays(world: World, capture: dict) -> None:
    """A row that turns bad is set aside; what was accepted before stays as it was."""
    world.sql("source", TABLE, f"INSERT INTO t VALUES (1, 'gut', NULL, 1, 1, {world.ago(3600)})")
    world.sql("source", f"INSERT INTO t VALUES (2, 'gut', NULL, 1, 1, {world.ago(3600)})")
    world.job("j", **capture)
    world.run_well()
    world.sql("source", f"UPDATE t SET born = 'never', updated_at = {world.now} WHERE id = 1")
    (batch,) = world.run_well().batches
    assert (batch.tally.quarantined, batch.tally.gone, batch.sent.total) == (1, 0, 0)
    world.run_well()
    assert sorted(world.sql("target", "SELECT id, name, born FROM t")) == [
        (1, "gut", None),
        (2, "gut", None),
    ]
    world.sql("source", "DELETE FROM t WHERE id = 1")
    world.run_well()
    assert world.findings(columns=COLUMNS) == []
    assert entries(world) == {}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
@CAPTURES
def test_a_refused_row_alone_is_sealed_at_once(world: World, capture: dict) -> None:
    """Silence may be told later; that a row was set aside may not."""
    world.sql("source", TABLE, f"INSERT INTO t VALUES (1, 'gut', NULL, 1, 1, {world.ago(3600)})")
    world.job("j", empty_every="1h", **capture)
    assert [batch.kind for batch in world.run_well().batches] == ["first"]
    assert [batch.kind for batch in world.run_well().batches] == ["empty"]
    world.sql("source", f"INSERT INTO t VALUES (2, 'gut', 'never', 1, 1, {world.now})")
    batches = world.run_well().batches
    assert [batch.kind for batch in batches] == ["data"]
    (batch,) = batches
    assert (batch.tally.quarantined, batch.sent.total) == (1, 0)
    (entry,) = world.sql("exchange", "SELECT epoch, seq FROM bh_quarantine")
    assert entry == (batch.epoch, batch.seq)
    assert judge(world, {2: 0}) == []
    assert [batch.kind for batch in world.run_well().batches] == ["empty"]  # it is no news


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_a_resync_reads_every_entry_again(world: World) -> None:
    stamp = world.ago(3600)
    rows = [f"({i}, 'gut', '{born}', 1, 1, {stamp})" for i, born in ((1, "?"), (2, "?"))]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", **cursor_job())
    world.run_well()
    assert set(entries(world)) == {'["1"]', '["2"]'}
    world.sql("source", "UPDATE t SET born = '2024-02-29' WHERE id = 1")
    assert world.resync().verdict == "reconciled"
    assert set(entries(world)) == {'["2"]'}
    assert judge(world, {2: 0}) == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "resumed"])
def test_a_first_part_of_refused_rows_keeps_its_entries(world: World, cut: bool) -> None:
    """It leaves no key behind, so that what follows looks as if it were the beginning."""
    world.write(retry=0)
    stamp = world.ago(3600)
    rows = [f"({i}, 'gut', {'NULL' if i > 2 else repr('?')}, 1, 1, {stamp})" for i in range(1, 6)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", chunk_rows=2, **cursor_job())
    if cut:
        arm(at("image.sealed", 1, cut_off))
        assert world.run().error is not None
        arm(None)
    world.run_well()
    assert set(entries(world)) == {'["1"]', '["2"]'}
    assert entries(world, "open_key IS NULL") == {}
    assert judge(world, {1: 0, 2: 0}) == []


@everywhere
@CAPTURES
def test_parts_of_refused_rows_alone_delete_nothing(world: World, capture: dict) -> None:
    """They tell of no key up to which anything would be missing. What was good stays."""
    stamp, rows = world.ago(3600), range(1, 10)
    good = [f"({i}, 'gut', NULL, 1, 1, {stamp})" for i in rows]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(good)}")
    world.job("j", chunk_rows=2, **capture)
    world.run_well()
    world.sql("source", f"UPDATE t SET born = '?', updated_at = {world.now} WHERE id <= 5")
    batches = world.run_well().batches
    assert sum(batch.tally.deleted for batch in batches) == 0
    world.sql("source", f"UPDATE t SET born = '?', updated_at = {world.now}")
    batches = world.run_well().batches
    assert sum(batch.tally.deleted for batch in batches) == 0
    assert [i for (i,) in world.sql("target", "SELECT id FROM t ORDER BY id")] == [*rows]
    assert set(entries(world)) == {f'["{i}"]' for i in rows}


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_wherever_refused_rows_stand_they_delete_nothing(world: World, rows: int) -> None:
    """In a comparison in parts: at the end of one, behind its last good key, they are met once."""
    stamp, keys = world.ago(3600), range(1, 8)
    good = [f"({i}, 'gut', NULL, 1, 1, {stamp})" for i in keys]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(good)}")
    world.job("j", chunk_rows=rows, capture={"method": "compare"})
    world.run_well()
    for number in range(1, 2 ** len(keys), 7):
        bad = [i for i in keys if number & 1 << i - 1]
        among = f"id IN ({', '.join(map(str, bad))})"
        world.sql("source", f"UPDATE t SET born = CASE WHEN {among} THEN '?' END")
        assert sum(batch.tally.deleted for batch in world.run_well().batches) == 0, bad
        assert set(entries(world)) == {f'["{i}"]' for i in bad}
    assert len(world.sql("target", "SELECT id FROM t")) == len(keys)


@everywhere
def test_a_first_part_of_refused_rows_empties_no_target(world: World) -> None:
    """What a resync sends anew is there until it comes."""
    stamp = world.ago(3600)
    good = [f"({i}, 'gut', NULL, 1, 1, {stamp})" for i in range(1, 8)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(good)}")
    world.job("j", chunk_rows=2, **cursor_job())
    world.run_well()
    world.sql("source", f"UPDATE t SET born = '?', updated_at = {world.now} WHERE id <= 4")
    batches = world.resync().batches
    assert [batch.received.deleted for batch in batches] == [0, 0, 4, 0]
    assert [batch.received.updated for batch in batches] == [0, 0, 2, 1]
    assert judge(world, dict.fromkeys(range(1, 5))) == []


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids="-".join)
def test_a_sweep_in_parts_closes_what_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part of it sees everything: at the end of the round what is set aside is looked for."""
    monkeypatch.setattr("bridge.capture.sweep.BUDGET_ROWS", 4)
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 2)
    stamp = world.ago(3600)
    bad = {1, 2, 7, 8}
    rows = [f"({i}, 'gut', {repr('?') if i in bad else 'NULL'}, 1, 1, {stamp})" for i in range(10)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", **cursor_job(overlap=0))
    world.run_well()
    world.sql(
        "source",
        "DELETE FROM t WHERE id IN (1, 7)",
        f"UPDATE t SET born = NULL, updated_at = {stamp} WHERE id = 8",
    )
    for _ in range(4):
        world.run_well()
    assert set(entries(world)) == {'["2"]'}
    closed = {key: entry[-1] for key, entry in entries(world, "open_key IS NULL").items()}
    gone = "no longer at the source"
    assert closed == {'["1"]': gone, '["7"]': gone, '["8"]': "accepted"}
    assert judge(world, {2: 0}) == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_a_part_of_a_comparison_closes_no_entry(world: World) -> None:
    """It has not come by the rows that the next parts will read."""
    stamp = world.ago(3600)
    rows = [f"({i}, 'gut', {'NULL' if i < 8 else repr('?')}, 1, 1, {stamp})" for i in range(1, 9)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", chunk_rows=3, capture={"method": "compare"})
    world.run_well()
    world.sql("source", "UPDATE t SET small = 2")
    assert len(world.run_well().batches) == 3
    assert set(entries(world)) == {'["8"]'}
    assert entries(world, "open_key IS NULL") == {}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_a_comparison_that_was_cut_off_closes_no_entry(world: World) -> None:
    """What goes on behind the row has not seen that it is still there."""
    world.write(retry=0)
    stamp = world.ago(3600)
    rows = [f"({i}, 'gut', {'NULL' if i > 1 else repr('?')}, 1, 1, {stamp})" for i in range(1, 9)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", chunk_rows=3, capture={"method": "compare"})
    world.run_well()
    assert set(entries(world)) == {'["1"]'}
    world.sql("source", "UPDATE t SET small = 2")
    arm(at("window.sealed", 1, cut_off))
    outcome = world.run()
    arm(None)
    assert outcome.error is not None
    world.run_well()
    assert set(entries(world)) == {'["1"]'}
    assert entries(world, "open_key IS NULL") == {}
    assert judge(world, {1: 0}) == []


@pytest.mark.parametrize("world", [("sqlite", "postgresql", "postgresql")], indirect=True)
def test_bad_keys_and_bad_stamps(world: World) -> None:
    """A stamp that is none is NULL to the window; the sweep brings its row, refused or not."""
    world.sql(
        "source",
        "CREATE TABLE t (id varchar(4) PRIMARY KEY, name text, updated_at timestamp)",
        f"INSERT INTO t VALUES ('good', 'a', {world.ago(3600)}), (NULL, 'b', {world.ago(3600)}), "
        f"('too long', 'c', {world.ago(3600)})",
    )
    columns = {"id": "text", "name": "text"}
    world.job("j", columns={"id": {}, "name": {}}, key=["id"], **cursor_job())
    (first,) = world.run_well().batches
    assert (first.tally.read, first.tally.inserted, first.tally.quarantined) == (3, 1, 2)
    world.sql("source", "INSERT INTO t VALUES ('odd', 'd', 'yesterday'), ('wee', 'e', '')")
    (second,) = world.run_well().batches
    assert (second.tally.inserted, second.tally.late) == (2, 2)
    without = frozenset({("None",), ("too long",)})
    assert world.findings(columns=columns, without=without) == []
    (third,) = world.run_well().batches
    assert third.sent.total == 0


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids="-".join)
@CAPTURES
def test_a_row_without_a_key_stands_for_no_other(world: World, capture: dict) -> None:
    """What is deleted beside it is deleted."""
    world.sql(
        "source",
        "CREATE TABLE t (id varchar(4), part integer, name text, updated_at timestamp)",
        *(
            f"INSERT INTO t VALUES ({key}, 'n', {world.ago(3600)})"
            for key in ("'a', 1", "'a', 2", "'b', 1", "'b', NULL", "NULL, 1")
        ),
    )
    world.job("j", key=["id", "part"], **capture)
    assert world.run_well().quarantined == 2
    world.sql("source", "DELETE FROM t WHERE id = 'a' AND part = 2")
    assert [batch.tally.deleted for batch in world.run_well().batches] == [1]
    assert world.sql("target", "SELECT id, part FROM t ORDER BY id") == [("a", 1), ("b", 1)]
    assert set(entries(world)) == {'["b",null]', '[null,"1"]'}


@pytest.mark.parametrize(
    "world", [("sqlite", "postgresql", "postgresql")], indirect=True, ids="-".join
)
@CAPTURES
def test_keys_that_the_exchange_cannot_hold_stop_nothing(world: World, capture: dict) -> None:
    """Nor where a column before the key is at fault as well."""
    stamp = world.ago(3600)
    world.sql(
        "source",
        "CREATE TABLE t (name varchar(3), at time PRIMARY KEY, updated_at timestamp)",
        f"INSERT INTO t VALUES ('a', '08:00:00', {stamp}), ('b', '-00:00:03', {stamp}), "
        f"('much', '25:00:00', {stamp}), ('d', '09:00:00', {stamp})",
    )
    world.job("j", key=["at"], **capture)
    assert sum(batch.tally.quarantined for batch in world.run_well().batches) == 2
    world.sql(
        "source",
        f"UPDATE t SET name = 'c', updated_at = {world.now} WHERE at <> '09:00:00'",
        f"INSERT INTO t VALUES ('much', '26:00:00', {world.now})",
    )
    world.run_well()
    assert world.sql("target", "SELECT name, CAST(at AS text) FROM t ORDER BY at") == [
        ("c", "08:00:00"),
        ("d", "09:00:00"),
    ]
    assert set(entries(world)) == {'["-00:00:03"]', '["25:00:00"]', '["26:00:00"]'}
    world.sql("source", "DELETE FROM t WHERE at < '08:00:00'")
    world.run_well()
    assert set(entries(world)) == {'["25:00:00"]', '["26:00:00"]'}


@everywhere
@pytest.mark.parametrize(("kind", "late"), [("integer", "7"), ("text", "'None'")])
def test_a_key_that_lacks_a_part_is_no_other_key(world: World, kind: str, late: str) -> None:
    """It stands in the way of no row, whatever that is called, and of no run."""
    stamp = world.ago(3600)
    world.sql(
        "source",
        f"CREATE TABLE t (id integer, part {kind}, updated_at timestamp, PRIMARY KEY (id, part))",
        f"INSERT INTO t VALUES (1, 1, {stamp}), (1, NULL, {stamp})",
    )
    world.job("j", **cursor_job(overlap=0))
    assert world.run_well().quarantined == 1
    world.sql("source", f"INSERT INTO t VALUES (1, {late}, {stamp})")
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.late, batch.tally.quarantined) == (1, 1, 1)
    parts = [str(part) for (part,) in world.sql("target", "SELECT part FROM t ORDER BY part")]
    assert parts == ["1", late.strip("'")]
    assert len(entries(world)) == 1


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids="-".join)
def test_the_rest_of_a_sweep_closes_no_entry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its budget has cut off has not seen the rows before."""
    monkeypatch.setattr("bridge.capture.sweep.BUDGET_ROWS", 4)
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 4)
    good = ", ".join(f"({i}, 'gut', NULL, 1, 1, {world.ago(3600)})" for i in range(2, 12))
    bad = f"INSERT INTO t VALUES (1, 'gut', 'never', 1, 1, {world.ago(3600)}), {good}"
    world.sql("source", TABLE, bad)
    world.job("j", **cursor_job())
    assert [world.run_well().quarantined for _ in range(5)] == [1] * 5
    for _ in range(3):  # mended in each part of a round: what the window has read is not read again
        for born, quarantined in (("NULL", 0), ("'never'", 1)):
            mended = f"UPDATE t SET born = {born}, updated_at = {world.now} WHERE id = 1"
            world.sql("source", mended)
            assert world.run_well().quarantined == quarantined


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids="-".join)
def test_the_rest_of_a_sweep_closes_no_entry_without_a_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but coming by it tells that such a row is still there; another is read by its key."""
    monkeypatch.setattr("bridge.capture.sweep._AT_ONCE", 1)
    monkeypatch.setattr("bridge.capture.sweep.BUDGET_ROWS", 4)
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 4)
    rows = ", ".join(
        f"({key}, {world.ago(3600)})" for key in ["NULL", *map(repr, [*"abcd", "eeeee", *"fghij"])]
    )
    world.sql(
        "source",
        "CREATE TABLE t (id varchar(4) PRIMARY KEY, updated_at timestamp)",
        f"INSERT INTO t VALUES {rows}",
    )
    world.job("j", **cursor_job())
    assert [world.run_well().quarantined for _ in range(5)] == [2] * 5
    assert entries(world, "open_key IS NULL") == {}


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids="-".join)
def test_what_is_set_aside_is_read_once_in_each_part_of_a_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the round each entry is looked for, however many there are, but for those that
    the last part has just come by."""
    monkeypatch.setattr("bridge.capture.sweep._AT_ONCE", 1)
    monkeypatch.setattr("bridge.capture.sweep.BUDGET_ROWS", 4)
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 4)
    stamp, bad = world.ago(3600), {1, 2, 5, 10}
    rows = [f"({i}, 'gut', {repr('?') if i in bad else 'NULL'}, 1, 1, {stamp})" for i in range(11)]
    world.sql("source", TABLE, f"INSERT INTO t VALUES {', '.join(rows)}")
    world.job("j", **cursor_job(overlap=0))
    world.run_well()
    found = [[b.tally.quarantined for b in world.run_well().batches] for _ in range(3)]
    assert sorted(found) == [[1], [2], [4]]
    assert set(entries(world)) == {f'["{i}"]' for i in bad}
    assert entries(world, "open_key IS NULL") == {}


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids="-".join)
@CAPTURES
def test_hundreds_that_turn_bad_at_once_stay_as_they_were(world: World, capture: dict) -> None:
    """More than one statement names."""
    rows = ", ".join(f"({i}, 'gut', NULL, 1, 1, {world.ago(3600)})" for i in range(1100))
    world.sql("source", TABLE, f"INSERT INTO t VALUES {rows}")
    world.job("j", **capture)
    world.run_well()
    world.sql("source", f"UPDATE t SET born = 'never', updated_at = {world.now} WHERE id > 0")
    outcome = world.run_well()
    assert (outcome.quarantined, sum(b.tally.gone for b in outcome.batches)) == (1099, 0)
    world.sql("source", f"UPDATE t SET born = NULL, updated_at = {world.now} WHERE id > 0")
    assert world.run_well().quarantined == 0
    closed = entries(world, "open_key IS NULL").values()
    assert (len(closed), {entry[-1] for entry in closed}) == (1099, {"accepted"})
    assert judge(world, {}) == []
