"""Loads the DAGs of several configurations, for test_load.py."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag

HEAVY = {"bridge", "connectors", "reconcile", "pyarrow", "numpy", "celery", "pydantic_settings"}


def told(config: Path, only: str = "") -> dict[str, object]:
    os.environ["BRIDGEHEAD_CONFIG"] = str(config)
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = only
    if not only:
        del os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"]
    before = time.process_time()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    return {
        "seconds": time.process_time() - before,
        "errors": bag.import_errors,
        "heavy": sorted({name.partition(".")[0] for name in sys.modules} & HEAVY),
        "dags": {name: described(dag) for name, dag in bag.dags.items()},
    }


def described(dag: Any) -> dict[str, object]:
    return {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "pools": {task.task_id: task.pool for task in dag.tasks},
        "retries": {task.task_id: task.retries for task in dag.tasks},
        "schedule": str(getattr(dag.timetable, "expression", getattr(dag.timetable, "delta", ""))),
        "timetable": type(dag.timetable).__name__,
        "settings": [dag.catchup, dag.max_active_runs, dag.is_paused_upon_creation],
        "failures": dag.max_consecutive_failed_dag_runs,
        "limit": dag.dagrun_timeout and str(dag.dagrun_timeout),
        "doc": dag.doc_md,
        "shown": dag.dag_display_name,
    }


if __name__ == "__main__":
    *configs, answer = map(Path, sys.argv[1:])
    found = {config.name: told(config) for config in configs}
    found["one"] = told(configs[0], "cron")
    answer.write_text(json.dumps(found))
