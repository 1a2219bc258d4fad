"""Logins with the rights that the page on stores names, and no others: whole lives of a job go
well, and `check` names each right that is taken away, where a run would stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bridge.claim import release
from bridge.comparison import reconcile_job
from bridge.inspection.check import check_deployment, ddl_of
from connectors.errors import MissingRight
from tests.mariadb import MariaDB
from tests.scenario.world import ROLES, MakeWorld, World, cursor_job

PAGES = [Path(__file__).resolve().parents[2] / f"docs/{place}stores.md" for place in ("", "zh/")]
HEADINGS = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}
Grant = tuple[str, str]
"""A right, and the object that it is on: `*`, `database`, `schema`, or a table."""

_RIGHT = re.compile(r"\b[A-Z]{4,}(?: [A-Z]{4,})*\b")
_ONLY_SOMETIMES = {"SHOW VIEW"}


def _rows(page: Path, family: str) -> list[tuple[str, str]]:
    _, _, section = page.read_text("utf-8").partition(f"\n## {HEADINGS[family]}")
    table = section.partition("\n## ")[0].partition("\n### ")[2].partition("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(store, rights) for store, rights in rows[1:]]


def _named(family: str, store: str) -> list[Grant]:
    """What the page names for a store: parts that say what a right is on."""
    rows = dict(_rows(PAGES[0], family))
    said = rows[store]
    if said.startswith("the same"):
        said = rows["exchange"]
    return [
        (right, on)
        for part in said.split(";")
        if " where " not in part
        for right in _RIGHT.findall(re.sub("`.*?`", "", part))
        if right not in _ONLY_SOMETIMES
        for on in _objects(family, part, right)
    ]


def _objects(family: str, part: str, right: str) -> Sequence[str]:
    if right == "PROCESS":
        return ["*"]
    tables = re.findall("`(bh_[a-z_]+)`", part)
    if tables:
        return tables
    if re.search("on the (target )?table", part) and "TEMPORARY" not in right:
        return ["t"]
    return ["schema" if "on the schema" in part else "database"]


@pytest.mark.parametrize("family", HEADINGS)
def test_both_pages_name_the_same_rights(family: str) -> None:
    english, chinese = (
        [(_RIGHT.findall(rights), re.findall("`.*?`", rights)) for _, rights in _rows(page, family)]
        for page in PAGES
    )
    assert [(sorted(r), sorted(t)) for r, t in chinese] == [
        (sorted(r), sorted(t)) for r, t in english
    ]
    assert len(english) == 4


class Logins:
    """One for each store, which may do what it was granted and nothing else."""

    def __init__(self, world: World, server: MariaDB | None) -> None:
        self.world, self.server = world, server
        (world.directory / "pw").write_text("pw", "ascii")
        for role in ROLES:
            if server is not None:
                server.drop_user(f"few_{role}")
                server.create_user(f"few_{role}", "pw")
                continue
            database = world.stores[role].database
            world.sql(
                role,
                f"DROP ROLE IF EXISTS few_{role}",
                f"CREATE ROLE few_{role} LOGIN PASSWORD 'pw'",
                f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            )

    def use(self) -> None:
        login = {"password": {"file": "pw"}}
        self.world.write({role: {"user": f"few_{role}", **login} for role in ROLES})

    def grant(self, role: str, grant: Grant) -> None:
        self._sql(role, "GRANT {right} ON {on} TO {who}", grant)

    def revoke(self, role: str, grant: Grant) -> None:
        self._sql(role, "REVOKE {right} ON {on} FROM {who}", grant)

    def _sql(self, role: str, statement: str, grant: Grant) -> None:
        right, on = grant
        database = self.world.stores[role].database
        if self.server is None:
            place = {"database": f"DATABASE {database}", "schema": "SCHEMA public"}.get(on, on)
            self.world.sql(role, statement.format(right=right, on=place, who=f"few_{role}"))
        else:
            place = {"database": f"{database}.*", "*": "*.*"}.get(on, f"{database}.{on}")
            self.server.sql(statement.format(right=right, on=place, who=f"'few_{role}'@'%'"))


@pytest.fixture(params=HEADINGS)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def logins(
    family: str, make: MakeWorld, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Logins]]:
    server: MariaDB | None = None
    if family == "mysql":
        server = request.getfixturevalue("mariadb")

    def given(target: str) -> Logins:
        """A job with a table, and what the page names for source, exchange and this target."""
        world = make(*[family] * 3)
        made = Logins(world, server)
        world.make_table(5)
        ddl = {"ddl": "true" in target}
        world.job("j", **cursor_job(), target={"endpoint": "target", "table": "t", **ddl})
        if not ddl["ddl"]:
            world.sql("target", *ddl_of(world.deployment, ["j"])["target"])
        for role, store in zip(ROLES, ("source", "exchange", target), strict=True):
            for grant in _named(family, store):
                made.grant(role, grant)
        made.use()
        return made

    yield given
    for role in ROLES if server is not None else ():
        server.drop_user(f"few_{role}")


def _refused(world: World) -> list[str]:
    return [str(found.found) for found in check_deployment(world.deployment) if found.exit_code]


@pytest.mark.parametrize("target", ["target, `ddl: true`", "target, `ddl: false`"])
def test_what_the_page_names_is_enough(logins: Callable[[str], Logins], target: str) -> None:
    world = logins(target).world
    assert _refused(world) == []
    world.run_well()
    world.sql("source", f"UPDATE t SET name = 'new', updated_at = {world.now} WHERE id = 2")
    world.sql("source", "DELETE FROM t WHERE id = 3")
    world.run_well()
    assert world.resync().error is None
    assert reconcile_job(world.deployment, "j").outcome.verdict == "reconciled"
    assert _refused(world) == []
    assert world.findings() == []


def test_check_names_what_is_not_granted(logins: Callable[[str], Logins], family: str) -> None:
    """It looked at nearly none of these, and the run ended with exit code 4."""
    made = logins("target, `ddl: false`")
    made.world.run_well()
    temporary = "TEMPORARY" if family == "postgresql" else "CREATE TEMPORARY TABLES"
    for role, grant, named in (
        ("exchange", (temporary, "database"), temporary),
        ("target", (temporary, "database"), temporary),
        ("target", ("UPDATE", "bh_position"), "bh_position (UPDATE)"),
        ("target", ("SELECT", "bh_receipt"), "bh_receipt (SELECT)"),
        ("target", ("INSERT", "bh_receipt"), "bh_receipt (INSERT)"),
        ("target", ("INSERT", "bh_claim"), "bh_claim (INSERT)"),
    ):
        made.revoke(role, grant)
        assert _refused(made.world) == [f"missing at {role}: {named}"]
        made.grant(role, grant)
    assert _refused(made.world) == []


def test_to_give_up_a_table_a_claim_is_deleted(logins: Callable[[str], Logins]) -> None:
    made = logins("target, `ddl: false`")
    made.world.run_well()
    (made.world.directory / "jobs/j.yaml").unlink()
    with pytest.raises(MissingRight):
        release(made.world.deployment, "target", "t", "tester", "because")
    made.grant("target", ("DELETE", "bh_claim"))
    release(made.world.deployment, "target", "t", "tester", "because")
