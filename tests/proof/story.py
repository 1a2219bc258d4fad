"""The life of a job, act by act: what happens at the source, and what is then run.

Every `run` may be cut off anywhere and called again: like an operator, it looks at what has
become of what he had asked for, and asks for it again only if nothing has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bridge.batch import instant
from bridge.comparison import reconcile_job
from bridge.decision import approve, reject
from bridge.purge import purge_jobs
from bridge.run import Outcome, read_quarantined_again
from connectors.mysql.types import UTC_MARK
from tests.scenario.world import BASIC, World, cursor_job

__all__ = ["ACTS", "CAPTURES", "DIRECTIONS", "Act", "Scene", "prepare"]

CAPTURES = ("cursor", "compare")
DIRECTIONS = ("outbound", "inbound")
_COLUMNS = "id integer PRIMARY KEY, name text, amount numeric(10,2), updated_at {stamp}"
_ZONED = {
    "sqlite": "TIMESTAMPTZ",
    "mysql": f"datetime(6) COMMENT '{UTC_MARK}'",
    "postgresql": "timestamptz",
}
_UNZONED = {"sqlite": "TIMESTAMP", "mysql": "datetime(6)", "postgresql": "timestamp"}


@dataclass(frozen=True)
class Scene:
    """What the seed has decided about one life."""

    world: World
    direction: str
    capture: str
    chunk_rows: int
    rows: int

    @classmethod
    def of(cls, world: World, direction: str, capture: str, seed: str) -> Scene:
        chance = Random(seed)
        chunk_rows = chance.randint(4, 6)
        return cls(world, direction, capture, chunk_rows, 2 * chunk_rows + chance.randint(1, 4))

    def write_job(self, **more: Any) -> None:
        how = (
            cursor_job(overlap=1)
            if self.capture == "cursor"
            else {"capture": {"method": "compare"}}
        )
        target: dict[str, Any] = {"endpoint": "target", "table": "t"}
        if self.direction == "inbound":
            target["adopt"] = True
        self.world.job("j", **{"chunk_rows": self.chunk_rows, "target": target, **how, **more})


@dataclass(frozen=True)
class Act:
    """`change` goes before; `run` is what is killed and called again; `after` are the acts that
    must have been played on the same stores."""

    name: str
    change: Callable[[Scene], None]
    run: Callable[[World], Outcome]
    after: tuple[str, ...]
    outbound_only: bool = False
    columns: Mapping[str, str] = field(default_factory=lambda: BASIC)
    """What is shared in the end, and how the oracle compares it."""


# -- what happens --------------------------------------------------------------------------------


def begin(scene: Scene) -> None:
    """Nothing is there yet: no ledger, no table of ours at the target."""
    world = scene.world
    scene.write_job()
    world.make_table(scene.rows)
    if scene.direction == "inbound":
        _make_business_table(world)


def begin_beside_another(scene: Scene) -> None:
    """On a ledger that another job has made already."""
    world = scene.world
    begin(scene)
    world.job("other", target={"endpoint": "target", "table": "other"}, **cursor_job())
    world.run_well("other")


def change_much(scene: Scene) -> None:
    """More than two parts, with every kind of change."""
    world = scene.world
    world.sql(
        "source",
        f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id <= 5",
        "DELETE FROM t WHERE id IN (7, 9)",
        f"UPDATE t SET amount = amount + 1, updated_at = {world.ago(7200)} WHERE id = 8",
    )
    world.insert(range(100, 100 + scene.chunk_rows + 1), stamp=world.now)
    world.insert([50, 51])


def change_nothing(scene: Scene) -> None:
    pass


def change_a_little(scene: Scene) -> None:
    world = scene.world
    scene.write_job(chunk_rows=100)
    world.sql("source", f"UPDATE t SET amount = amount * 2, updated_at = {world.now} WHERE id = 3")


def grow_old(scene: Scene) -> None:
    """The receipts of all batches are older than any backup."""
    earlier = instant(datetime.now(UTC) - timedelta(days=400))
    scene.world.sql("exchange", f"UPDATE bh_batch SET reconciled_at = '{earlier}'")


def delete_too_many(scene: Scene) -> None:
    scene.write_job(chunk_rows=100, max_delete=2)
    scene.world.sql("source", "DELETE FROM t WHERE id <= 3")


def falsify(scene: Scene) -> None:
    """The target changes what is inserted into it."""
    world = scene.world
    world.insert([200, 201], stamp=world.now)
    world.sql("target", *_FALSIFIED[_at_target(world)])


def share_more(scene: Scene) -> None:
    """A column that the job has not carried yet."""
    scene.world.sql(
        "source", "ALTER TABLE t ADD COLUMN more integer", "UPDATE t SET more = id WHERE id > 2"
    )


_FALSIFIED = {
    "sqlite": (
        "CREATE TRIGGER falsify AFTER INSERT ON t WHEN NEW.name <> 'false' "
        "BEGIN UPDATE t SET name = 'false' WHERE id = NEW.id; END",
    ),
    "mysql": ("CREATE TRIGGER falsify BEFORE INSERT ON t FOR EACH ROW SET NEW.name = 'false'",),
    "postgresql": (
        "CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN NEW.name := 'false'; RETURN NEW; END $$",
        "CREATE TRIGGER falsify BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION falsify()",
    ),
}
_HONEST = {
    "sqlite": "DROP TRIGGER IF EXISTS falsify",
    "mysql": "DROP TRIGGER IF EXISTS falsify",
    "postgresql": "DROP TRIGGER IF EXISTS falsify ON t",
}


def _at_target(world: World) -> str:
    """The family of the target, or what is behind its driver."""
    store = world.stores["target"]
    if store.family != "odbc":
        return store.family
    return "mysql" if "MariaDB" in str(store.driver) else "postgresql"


def _make_business_table(world: World) -> None:
    """It has a column of its own, rows that the source has too, and one that it has not."""
    family = _at_target(world)
    stamp = (_ZONED if world.family == "postgresql" else _UNZONED)[family]
    columns = _COLUMNS.format(stamp=stamp)
    world.sql(
        "target",
        f"CREATE TABLE t ({columns}, remark varchar(40) DEFAULT 'ours')",
        "INSERT INTO t (id, name, amount) VALUES (2, 'old', 1), (4, 'old', 2), (1000, 'only', 3)",
    )


# -- what is run ---------------------------------------------------------------------------------


def purge(world: World) -> Outcome:
    for purged in purge_jobs(world.deployment, ["j"], "tester", 10):
        if purged.error is not None:
            raise purged.error
    return world.run()


def resync(world: World) -> Outcome:
    """Asked for again unless the new epoch has begun."""
    return world.resync() if _epoch(world) == 1 else world.run()


def approve_what_is_held(world: World) -> Outcome:
    return _decided(world, approve)


def reject_what_is_held(world: World) -> Outcome:
    """Still without the rows: what follows waits for a person too."""
    outcome = _decided(world, reject)
    return world.resync() if outcome.verdict == "held" else outcome


def put_right(world: World) -> Outcome:
    """A deviation is seen, what caused it is taken away, and everything is sent again."""
    outcome = world.run()
    if outcome.verdict != "deviation":
        return outcome
    world.sql("target", _HONEST[_at_target(world)])
    return world.resync()


def read_again(world: World) -> Outcome:
    return world.run("j", read_quarantined_again)


def compare_contents(world: World) -> Outcome:
    return reconcile_job(world.deployment, "j").outcome


def _decided(world: World, decide: Callable[..., object]) -> Outcome:
    outcome = world.run()
    if not any(batch["state"] == "held" for batch in world.batches()):
        return outcome
    decide(world.deployment, "j", world.batches()[-1]["seq"], "tester", "because")
    return world.run()


def _epoch(world: World) -> int:
    return int(world.sql("exchange", "SELECT epoch FROM bh_job WHERE job = 'j'")[0][0])


_LIVED = ("first load", "change")
ACTS = {
    act.name: act
    for act in (
        Act("first load", begin, World.run, ()),
        Act("second job", begin_beside_another, World.run, ()),
        Act("change", change_much, World.run, ("first load",)),
        Act("rest", change_nothing, World.run, _LIVED),
        Act("purge", grow_old, purge, _LIVED),
        Act("resync", change_a_little, resync, _LIVED),
        Act("little", change_a_little, World.run, _LIVED),
        Act("approve", delete_too_many, approve_what_is_held, ("first load",)),
        Act("reject", delete_too_many, reject_what_is_held, ("first load",)),
        Act("deviation", falsify, put_right, ("first load",)),
        Act("read again", change_a_little, read_again, ("first load",)),
        Act("contents", change_nothing, compare_contents, ("first load",)),
        Act("new column", share_more, resync, ("first load",), True, BASIC | {"more": "number"}),
    )
}


def prepare(scene: Scene, act: Act) -> None:
    """Plays what goes before, and the change; what is left to do is the act's run."""
    for name in act.after:
        ACTS[name].change(scene)
        outcome = ACTS[name].run(scene.world)
        assert (outcome.error, outcome.verdict) == (None, "reconciled"), outcome
    act.change(scene)
