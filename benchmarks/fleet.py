"""Many small jobs in one call, as a department's night has them: `run --all --parallel N`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.database import Postgres
from benchmarks.measure import Usage, measure, server_cpu_seconds
from benchmarks.population import KEY, fill
from benchmarks.store import BUFFER, BUSINESS, EXCHANGE, WrongRows
from bridge.demo.postgres import EmbeddedPostgres

__all__ = ["Fleet", "measure_fleet"]

_COMMAND = "from bridge.cli import main; main()"
_ROWS = 2_000
_CHANGES = {"updated": 600, "inserted": 300, "deleted": 100}
_BEYOND_MARGIN_SECONDS = 1.5
_SECONDS_EACH = 10


@dataclass(frozen=True)
class Fleet:
    """So many jobs, each with a table of its own of 2,000 rows, and how many run side by side."""

    jobs: int
    parallel: int

    @property
    def names(self) -> list[str]:
        return [f"register_{number:03}" for number in range(1, self.jobs + 1)]


def measure_fleet(fleet: Fleet, tell: Callable[[str], None]) -> dict[str, Usage]:
    """What the first loads cost, a change set of 1,000 rows in each table, and a call in which
    nothing changed. Raises WrongRows unless every job's books say exactly that."""
    with (
        tempfile.TemporaryDirectory(prefix="bridgehead-bench-") as place,
        EmbeddedPostgres(Path(place) / "postgres") as server,
    ):
        for name in (BUSINESS, EXCHANGE, BUFFER):
            server.create_database(name)
        stores = {name: Postgres(name, server) for name in (BUSINESS, EXCHANGE, BUFFER)}
        directory = Path(place) / "config"
        _configure(directory, fleet, stores)
        stores[BUSINESS].sql(*fill(_ROWS + _CHANGES["inserted"]), *_tables(fleet))

        def run(expected: Mapping[str, int]) -> Usage:
            return _run(directory, fleet, stores, expected)

        found = {"first loads": run({"updated": 0, "inserted": _ROWS, "deleted": 0})}
        tell(f"{fleet.jobs} first loads: {found['first loads']}")
        stores[BUSINESS].sql(*(_change(name) for name in fleet.names))
        time.sleep(_BEYOND_MARGIN_SECONDS)
        found["changes"] = run(_CHANGES)
        tell(f"{fleet.jobs} change sets of 1,000 rows: {found['changes']}")
        time.sleep(_BEYOND_MARGIN_SECONDS)
        found["no change"] = run(dict.fromkeys(_CHANGES, 0))
        tell(f"{fleet.jobs} jobs without a change: {found['no change']}")
    return found


def _configure(directory: Path, fleet: Fleet, stores: Mapping[str, Postgres]) -> None:
    """JSON is YAML too."""
    (directory / "jobs").mkdir(parents=True)
    deployment = {
        "department": {"code": "113301000024895242", "name": "市市场监督管理局"},
        "endpoints": {name: store.endpoint for name, store in stores.items()},
        "exchange": EXCHANGE,
    }
    (directory / "bridgehead.yaml").write_text(json.dumps(deployment, ensure_ascii=False), "utf-8")
    capture = {"method": "cursor", "column": "updated_at", "stamp": "database"}
    for name in fleet.names:
        job = {
            "job": name,
            "source": {"endpoint": BUSINESS, "table": name},
            "capture": {**capture, "deletes": {"sweep": "every_run"}},
            "target": {"endpoint": BUFFER, "table": name},
            "empty_every": 0,
        }
        (directory / "jobs" / f"{name}.yaml").write_text(json.dumps(job), "utf-8")


def _tables(fleet: Fleet) -> list[str]:
    """Each a copy of the first rows of `population`; the rest are inserted later."""
    return [
        f"CREATE TABLE {name} (LIKE population INCLUDING ALL); INSERT INTO {name} "
        f"SELECT * FROM population ORDER BY household_no, {KEY} LIMIT {_ROWS}"
        for name in fleet.names
    ]


def _change(name: str) -> str:
    updated, deleted = _CHANGES["updated"], _CHANGES["deleted"]
    return (
        f"BEGIN; "
        f"DELETE FROM {name} WHERE {KEY} IN (SELECT {KEY} FROM {name} ORDER BY {KEY} "
        f"LIMIT {deleted}); "
        f"UPDATE {name} SET address = left(address || '（更正）', 200), updated_at = now() "
        f"WHERE {KEY} IN (SELECT {KEY} FROM {name} ORDER BY {KEY} DESC LIMIT {updated}); "
        f"INSERT INTO {name} SELECT p.* FROM (SELECT * FROM population "
        f"ORDER BY household_no, {KEY} OFFSET {_ROWS}) p; "
        f"UPDATE {name} SET updated_at = now() WHERE {KEY} IN (SELECT {KEY} FROM population "
        f"ORDER BY household_no, {KEY} OFFSET {_ROWS}); "
        f"COMMIT"
    )


def _run(
    directory: Path, fleet: Fleet, stores: Mapping[str, Postgres], expected: Mapping[str, int]
) -> Usage:
    words = ["run", "--all", "--parallel", str(fleet.parallel), "--json"]
    server = stores[EXCHANGE].server
    secrets = {store.variable: server.password for store in stores.values()}
    done = measure(
        [[sys.executable, "-c", _COMMAND, "--config", str(directory), *words]],
        [{**os.environ, **secrets}],
        lambda: server_cpu_seconds(server.pid),
        60 + _SECONDS_EACH * fleet.jobs,
    )
    outcomes = json.loads(done.output)
    if len(outcomes) != fleet.jobs:
        raise WrongRows(f"{len(outcomes)} outcomes of {fleet.jobs} jobs")
    for outcome in outcomes:
        _check(outcome, expected)
    for name in fleet.names:
        if stores[BUSINESS].tally(name) != stores[BUFFER].tally(name):
            raise WrongRows(f"{name}: the buffer holds other rows than the business database")
    return done.usage


def _check(outcome: dict[str, Any], expected: Mapping[str, int]) -> None:
    if outcome["verdict"] != "reconciled" or outcome["deviation"]:
        raise WrongRows(f"{outcome['job']}: verdict {outcome['verdict']}")
    counts = {n: sum(b["received"][n] for b in outcome["batches"]) for n in expected}
    if counts != dict(expected):
        raise WrongRows(f"{outcome['job']}: received {counts}, expected was {dict(expected)}")
