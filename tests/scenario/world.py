"""Three stores, a configuration, and a look at both from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import MySQLdb
import psycopg
import yaml

from bridge.run import Outcome, resync_job, run_job
from bridge.settings import Deployment, load
from connectors.endpoint import Endpoint
from connectors.errors import StoreFull
from tests.oracle import Finding, Oracle, Place, Subject, quoted

__all__ = ["CAPTURES", "DEPARTMENT", "STAMPS", "World", "cursor_job", "cut_off"]

DEPARTMENT = "113301000024895242"

ROLES = ("source", "exchange", "target")
STAMPS = {"sqlite": "TIMESTAMP", "mysql": "datetime(6)", "postgresql": "timestamptz"}
"""How a family declares the column of a row's last change."""
_BEHIND = {"PostgreSQL Unicode": "postgresql", "MariaDB Unicode": "mysql"}


class World:
    """One deployment. Its stores are reached by plain drivers here, by Bridgehead in `run`."""

    def __init__(self, directory: Path, stores: dict[str, Endpoint]) -> None:
        self.directory = directory
        self.stores = stores
        self._open: list[Any] = []
        (directory / "jobs").mkdir(parents=True, exist_ok=True)
        for store in stores.values():
            if store.family == "sqlite":
                with closing(sqlite3.connect(store.path)) as made:
                    made.execute("PRAGMA journal_mode = WAL")
        self.write()

    # -- configuration -----------------------------------------------------------------------

    def write(self, endpoints: dict[str, dict[str, Any]] | None = None, **defaults: Any) -> None:
        """bridgehead.yaml; `endpoints` overrides settings of the stores."""
        settings: dict[str, Any] = {
            "department": {"code": DEPARTMENT, "name": "市市场监督管理局"},
            "endpoints": {
                role: self._settings(store) | (endpoints or {}).get(role, {})
                for role, store in self.stores.items()
            },
            "exchange": "exchange",
            "defaults": {"retry": 5, **defaults},
        }
        self._dump("bridgehead.yaml", settings)

    def job(self, name: str, **content: Any) -> str:
        """A job file; source and target tables are called `t` unless told otherwise."""
        basic = {
            "job": name,
            "source": {"endpoint": "source", "table": "t"},
            "target": {"endpoint": "target", "table": "t"},
            "empty_every": 0,
        }
        self._dump(f"jobs/{name}.yaml", basic | content)
        return name

    def _settings(self, store: Endpoint) -> dict[str, Any]:
        if store.path:
            options = {"options": dict(store.options)} if store.options else {}
            return {"family": store.family, "path": store.path, **options}
        secret = self.directory / f"secret-{store.name}"
        secret.write_text(store.password.reveal() if store.password else "", "ascii")
        login = {"user": store.user, "password": {"file": secret.name}}
        place = {"host": store.host, "port": store.port, "database": store.database}
        driver = {"driver": store.driver} if store.driver else {}
        return {"family": store.family, **place, **login, **driver}

    def _dump(self, file: str, content: object) -> None:
        (self.directory / file).write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")

    # -- running -----------------------------------------------------------------------------

    @property
    def deployment(self) -> Deployment:
        deployment = load(self.directory)
        assert not deployment.problems, deployment.problems
        return deployment

    def run(self, job: str = "j", *steps: Any, wait: float = 10.0) -> Outcome:
        return run_job(self.deployment, job, steps, wait)

    def resync(self, job: str = "j", why: str = "because") -> Outcome:
        return resync_job(self.deployment, job, why, "tester")

    def run_well(self, job: str = "j") -> Outcome:
        """A run that must come to nothing but reconciled."""
        outcome = self.run(job)
        assert outcome.error is None, outcome.error
        assert (outcome.verdict, outcome.exit_code) == ("reconciled", 0), outcome
        return outcome

    # -- looking -----------------------------------------------------------------------------

    def connect(self, role: str) -> Any:
        store = self.stores[role]
        if store.path:
            opened: Any = sqlite3.connect(
                store.path or "", isolation_level=None, timeout=30, check_same_thread=False
            )
        elif _BEHIND.get(store.driver, store.family) == "mysql":
            opened = MySQLdb.connect(
                host=store.host,
                port=store.port,
                database=store.database,
                user=store.user,
                password=store.password.reveal() if store.password else "",
                charset="utf8mb4",
                autocommit=True,
            )
        else:
            opened = psycopg.connect(
                host=store.host,
                port=store.port,
                dbname=store.database,
                user=store.user,
                password=store.password.reveal() if store.password else None,
                autocommit=True,
            )
        self._open.append(opened)
        return opened

    def sql(self, role: str, *statements: str) -> list[tuple[Any, ...]]:
        """Runs the statements at a store; the rows of the last one."""
        opened = self.connect(role)
        try:
            cursor = opened.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            opened.close()

    def oracle(
        self,
        job: str = "j",
        key: tuple[str, ...] = ("id",),
        columns: dict[str, str] | None = None,
        **more: Any,
    ) -> Oracle:
        given = {"source_table": "t", "target_table": "t"} | more
        subject = Subject(DEPARTMENT, job, key=key, columns=columns or BASIC, **given)
        source, exchange, target = (Place(self.connect(role)) for role in ROLES)
        return Oracle(source, exchange, target, subject)

    def findings(self, job: str = "j", **more: Any) -> list[Finding]:
        return self.oracle(job, **more).findings()

    def batches(self, job: str = "j") -> list[dict[str, Any]]:
        place = Place(self.connect("exchange"))
        return place.records("SELECT * FROM bh_batch WHERE job = ? ORDER BY epoch, seq", (job,))

    def counted(self, seen: int, job: str = "j") -> tuple[int, int, int]:
        """Inserts, updates and deletes in the books, without those of the first `seen` batches."""
        batches = self.batches(job)[seen:]
        inserted, updated, deleted = (
            sum(batch[name] for batch in batches) for name in ("inserted", "updated", "deleted")
        )
        return inserted, updated, deleted

    def close(self) -> None:
        for opened in self._open:
            with suppress(sqlite3.Error, psycopg.Error, MySQLdb.Error):
                opened.close()

    # -- the usual table ---------------------------------------------------------------------

    @property
    def family(self) -> str:
        """Of the source, or of what is behind its driver."""
        store = self.stores["source"]
        return _BEHIND.get(store.driver, store.family)

    @property
    def is_sqlite(self) -> bool:
        return self.family == "sqlite"

    def make_table(self, rows: int = 0) -> None:
        """`t`: a key, a name, an amount, and a stamp that each write sets."""
        stamp = STAMPS.get(self.family, "timestamptz")
        self.sql(
            "source",
            f"CREATE TABLE t (id integer PRIMARY KEY, name text, amount numeric(10,2), "
            f"updated_at {stamp})",
        )
        self.insert(range(1, rows + 1))

    def insert(self, ids: Any, name: str = "n", stamp: str | None = None) -> None:
        """Rows stamped an hour ago, unless `stamp` says otherwise: below every horizon."""
        stamp = stamp or self.ago(3600)
        values = ", ".join(f"({i}, '{name}{i}', {i}.25, {stamp})" for i in ids)
        if values:
            self.sql("source", f"INSERT INTO t VALUES {values}")

    def ago(self, seconds: float) -> str:
        """SQL for the moment so many seconds before now, at the source."""
        if self.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{seconds} seconds')"
        if self.family == "mysql":
            return f"SYSDATE(6) - INTERVAL {seconds} SECOND"
        return f"clock_timestamp() - interval '{seconds} seconds'"

    @property
    def now(self) -> str:
        return self.ago(0)


BASIC = {"id": "number", "name": "text", "amount": "number", "updated_at": "moment"}


def cut_off(_: str) -> None:
    """What a failpoint may do: the run ends here."""
    raise StoreFull("no space left", endpoint="exchange")


def cursor_job(**capture: Any) -> dict[str, Any]:
    """A cursor job that takes no time: no margin, every sweep due."""
    usual = {"method": "cursor", "column": "updated_at", "margin": 0, "stamp": "database"}
    return {"capture": usual | {"deletes": {"sweep": "every_run"}} | capture}


CAPTURES: dict[str, dict[str, Any]] = {
    "cursor": cursor_job(),
    "compare": {"capture": {"method": "compare"}},
}

MakeWorld = Callable[..., World]
__all__ += ["BASIC", "MakeWorld", "quoted"]
