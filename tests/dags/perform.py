"""Plays a list of steps with real task runs, for test_runs.py: SQL, files, commands, and DAGs. What
a continuous task does for five minutes it does here for three seconds."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.db import upgradedb
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from bridge.cli import main
from bridgehead_dag import work
from bridgehead_dag.verdict import failure
from bridgehead_stack.installation import release_schedules


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append([record.levelname, record.getMessage()])


def run(dag_id: str, days_late: str = "0") -> dict[str, Any]:
    kept = Kept()
    logging.getLogger("bridgehead").addHandler(kept)
    dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[dag_id]
    for task in dag.tasks:
        task.retries = 0
    began = time.monotonic()
    done = dag.test(logical_date=datetime.now(UTC) - timedelta(days=int(days_late)))
    seconds = time.monotonic() - began
    logging.getLogger("bridgehead").removeHandler(kept)
    with create_session() as session:
        wanted = select(XComModel).where(XComModel.run_id == done.run_id)
        found = {f"{x.task_id}/{x.map_index}": x.value for x in session.scalars(wanted)}
    return {
        "state": done.state,
        "tasks": {f"{ti.task_id}/{ti.map_index}": ti.state for ti in done.get_task_instances()},
        "xcom": found,
        "log": kept.lines,
        "seconds": seconds,
    }


def ahead(dag_id: str) -> list[object]:
    """In how many hours the next run is due after one of a clock that was three days ahead, and
    when that was put right; and what became of one that waits for its day."""
    DagBundlesManager().sync_bundles_to_db()
    _plan(dag_id, "scheduled", "success")
    waiting = _plan(dag_id, "manual", "running")
    first = _due(dag_id)
    release_schedules()
    with create_session() as session:
        states = session.scalars(select(DagRun.state).where(DagRun.run_id == waiting)).all()
    return [first, _due(dag_id), *states]


def _plan(dag_id: str, kind: str, state: str) -> str:
    at = datetime.now(UTC) + timedelta(days=3)
    with create_session() as session:
        run = DagRun(dag_id, f"{kind}__{at.isoformat()}", run_type=DagRunType(kind))
        run.logical_date = run.run_after = run.data_interval_start = run.data_interval_end = at
        run.triggered_by, run.state = DagRunTriggeredByType.TIMETABLE, state
        session.add(run)
        return str(run.run_id)


def _due(dag_id: str) -> float:
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag = DagBag(folder, bundle_path=folder, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    with create_session() as session:
        found = session.get(DagModel, dag_id)
        assert found is not None
        return (found.next_dagrun_create_after - datetime.now(UTC)).total_seconds() / 3600


def command(*arguments: str) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def sql(database: str, script: str) -> None:
    with closing(sqlite3.connect(database)) as opened:
        opened.executescript(script)


def put(place: str, text: str) -> None:
    """Nothing is put by taking the file away."""
    if text:
        Path(place).write_text(text, "utf-8")
    else:
        Path(place).unlink()


def put_at_pause(place: str, text: str) -> None:
    """When the next continuous task pauses."""

    def sleep(seconds: float) -> None:
        vars(work)["time"] = time
        put(place, text)
        time.sleep(seconds)

    vars(work)["time"] = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)


def write(database: str) -> None:
    """Begins a transaction, which stays open."""
    _writers.append(sqlite3.connect(database))
    _writers[-1].execute("BEGIN IMMEDIATE")


def end() -> None:
    while _writers:
        _writers.pop().close()


_writers: list[sqlite3.Connection] = []

PLAYED: dict[str, Callable[..., Any]] = {
    "run": run,
    "ahead": ahead,
    "command": command,
    "sql": sql,
    "put": put,
    "put at pause": put_at_pause,
    "write": write,
    "end": end,
}

if __name__ == "__main__":
    plan, answer = map(Path, sys.argv[1:])
    work.FOLLOW_SECONDS, work.PAUSE_SECONDS, work.REST_SECONDS = 3.0, 0.5, 3.0
    upgradedb()
    played = [PLAYED[verb](*words) for verb, *words in json.loads(plan.read_text("utf-8"))]
    kinds = {code: type(failure(code, "")).__name__ for code in (1, 2, 3, 4)}
    answer.write_text(json.dumps({"played": played, "kinds": kinds}), "utf-8")
