"""Everything that a job may ask for in one: a query, a key in another order and by other names,
masks, codes, a rule, small parts, another schema, and a table that was there before."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from bridge.comparison import reconcile_job
from tests.scenario.world import STAMPS, World, cursor_job

COLUMNS: dict[str, Any] = {
    "office": {"to": "dept"},
    "nr": {"to": "number"},
    "name": {"mask": "name"},
    "phone": {"mask": "phone", "to": "tel"},
    "sex": {"codes": "sex", "to": "sex_code"},
    "id_no": {"rule": "resident_id"},
    "amount": {},
    "at": {},
}
SEXES = {"男": "1", "女": "2"}
GOOD, BAD = "110101199003071233", "110101199003071231"
QUERY = "SELECT office, nr, name, phone, sex, id_no, amount, at FROM people WHERE active = 1"
CHAINS = [
    *((("sqlite",) * 3, source, capture) for source, capture in (
        ("table", "cursor"), ("query", "cursor"), ("query", "compare")
    )),
    (("postgresql",) * 3, "query", "cursor"),
    (("mysql",) * 3, "query", "compare"),
    (("mysql", "postgresql", "sqlite"), "table", "cursor"),
]  # fmt: skip

Key = tuple[str, int]


@dataclass
class Register:
    """The department's table, and what of it must be at the centre."""

    world: World
    by_query: bool
    expected: dict[Key, tuple[Any, ...]] = field(default_factory=dict)

    def write(self, *statements: str) -> None:
        self.world.sql("source", *statements)

    def insert(self, *keys: Key, name: str = "张小明", id_no: str = GOOD) -> None:
        for office, number in keys:
            self.write(
                f"INSERT INTO people VALUES ('{office}', {number}, '{name}', '1381234{number:04}', "
                f"'{'男女'[number % 2]}', '{id_no}', {number}.25, 1, {self.world.ago(3600)})"
            )

    def update(self, key: Key, what: str) -> None:
        office, number = key
        self.write(
            f"UPDATE people SET {what}, at = {self.world.now} "
            f"WHERE office = '{office}' AND nr = {number}"
        )

    def check(self) -> None:
        """What is set aside keeps its last good version; everything else is as it is now."""
        found = self.world.sql(
            "source", "SELECT office, nr, name, phone, sex, id_no, amount, active FROM people"
        )
        now, aside = {}, 0
        for office, number, name, phone, sex, id_no, amount, active in found:
            key = (office, number)
            if self.by_query and not active:
                continue
            if sex not in SEXES or id_no != GOOD:
                aside += 1
                if key in self.expected:
                    now[key] = self.expected[key]
                continue
            tel = f"{phone[:3]}****{phone[-4:]}"
            now[key] = (f"{name[0]}**", tel, SEXES[sex], id_no, Decimal(str(amount)))
        self.expected = now
        assert self.world.run_well().quarantined == aside
        assert self.target() == now
        others = f"SELECT dept, number FROM {self.place} WHERE remark <> 'new'"
        assert self.world.sql("target", others) == [key for key in now if key == ("a", 1)]

    def target(self) -> dict[Key, tuple[Any, ...]]:
        found = self.world.sql(
            "target", f"SELECT dept, number, name, tel, sex_code, id_no, amount FROM {self.place}"
        )
        assert len(found) == len({row[:2] for row in found})
        return {row[:2]: (*row[2:6], Decimal(str(row[6]))) for row in found}

    @property
    def place(self) -> str:
        is_served = self.world.stores["target"].family == "postgresql"
        return "centre.register" if is_served else "register"


@pytest.mark.parametrize(
    ("world", "source", "capture"),
    CHAINS,
    indirect=["world"],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_everything_at_once(world: World, source: str, capture: str) -> None:
    register = Register(world, by_query=source == "query")
    _make(world, register)
    place: dict[str, Any] = {"table": "people"} if source == "table" else {"query": QUERY}
    how = cursor_job(column="at") if capture == "cursor" else {"capture": {"method": "compare"}}
    target = dict(zip(("table", "schema"), reversed(register.place.split(".")), strict=False))
    world.job(
        "j",
        **how,
        source={"endpoint": "source", **place},
        key=["nr", "office"],
        columns=COLUMNS,
        target={"endpoint": "target", "adopt": True, **target},
        chunk_rows=3,
    )
    register.insert(("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("c", 1), ("c", 2))
    register.insert(("b", 9), id_no=BAD)
    register.check()

    register.update(("a", 2), "name = '李四'")
    register.update(("a", 3), "nr = 33")
    register.update(("b", 2), "active = 0")
    register.update(("c", 2), "sex = '?'")
    register.update(("b", 9), f"id_no = '{GOOD}'")
    register.write("DELETE FROM people WHERE office = 'b' AND nr = 1")
    register.insert(("0", 1), ("c", 9), ("d", 5), name="王五")
    register.check()

    register.update(("c", 2), "sex = '女'")
    register.update(("b", 2), "active = 1")
    register.update(("a", 33), "nr = 3")
    register.check()
    register.check()

    register.write("DELETE FROM people WHERE office = 'a' AND nr = 1")
    assert world.resync().verdict == "reconciled"
    register.check()
    comparison = reconcile_job(world.deployment, "j")
    assert (comparison.outcome.verdict, comparison.outcome.error) == ("reconciled", None)
    assert comparison.content is not None
    assert comparison.content.exchange_rows == len(register.expected)


def _make(world: World, register: Register) -> None:
    world.sql(
        "source",
        "CREATE TABLE people (office varchar(9), nr integer, name varchar(20), phone varchar(20), "
        "sex varchar(4), id_no varchar(18), amount numeric(10,2), active integer, "
        f"at {STAMPS[world.family]}, PRIMARY KEY (office, nr))",
    )
    (world.directory / "codes").mkdir()
    codes = "code,name,values\n1,男性,男\n2,女性,女\n"
    (world.directory / "codes/sex.csv").write_text(codes, "utf-8")
    if "." in register.place:
        world.sql("target", "CREATE SCHEMA centre")
    world.sql(
        "target",
        f"CREATE TABLE {register.place} (remark varchar(9) DEFAULT 'new', tel varchar(20), "
        "sex_code varchar(4), dept varchar(9), number integer, name varchar(20), "
        f"id_no varchar(18), amount numeric(10,2), at {STAMPS[world.stores['target'].family]}, "
        "PRIMARY KEY (dept, number))",
        f"INSERT INTO {register.place} (dept, number, remark) VALUES ('a', 1, 'seen')",
        f"INSERT INTO {register.place} (dept, number, remark) VALUES ('zz', 99, 'gone')",
    )
