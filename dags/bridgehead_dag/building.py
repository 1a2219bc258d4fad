"""Makes the DAG of one job, and the one DAG that tells which files could not become any.

No Bridgehead module is imported here: Airflow builds every DAG again every few seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, task
from airflow.settings import TIMEZONE

from bridgehead_dag import step
from bridgehead_dag.pool import DEFAULT, known_pools, pool_of
from bridgehead_dag.reading import Entry, Fault, config_directory, read_job, read_jobs, shown
from bridgehead_dag.timing import timetable

__all__ = ["CONFIG_ERRORS", "job_dags", "new_dag"]

CONFIG_ERRORS = "bridge_config_errors"
_START = datetime(2024, 1, 1, tzinfo=TIMEZONE)
"""Long ago: nothing is caught up on, whatever was missed."""

# A run already tries again for 20 s what is transient; after that come 30 s, 1, 2 and 4 minutes.
_RETRIES = {
    "retries": 4,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=5),
}


def job_dags(only: str | None = None) -> dict[str, DAG]:
    """By dag_id: all of them, or for a worker the one that it needs."""
    if only is not None and only != CONFIG_ERRORS:
        return _built([read_job(config_directory(), only)])[0]
    dags, faults = _built(read_jobs(config_directory()))
    if faults:
        dags[CONFIG_ERRORS] = _config_errors(faults)
    return dags


def check_configuration() -> None:
    """The task that fails with every problem of every file, also those that only the scheduler
    has. Loads the engine when it runs, as all tasks do."""
    from bridgehead_dag import housekeeping

    _, faults = _built(read_jobs(config_directory()))
    housekeeping.configuration(map(str, faults))


def _built(found: Iterable[Entry | Fault]) -> tuple[dict[str, DAG], list[Fault]]:
    pools = known_pools()
    dags: dict[str, DAG] = {}
    faults: list[Fault] = []
    for entry in found:
        if isinstance(entry, Fault):
            faults.append(entry)
            continue
        try:
            dags[entry.job] = _checked(_job_dag(entry, pools))
        except Exception as error:  # noqa: BLE001 — one bad file must not make the others stale
            faults.append(Fault(f"jobs/{entry.job}.yaml", " ".join(str(error).split())))
    return dags, faults


def _checked(dag: DAG) -> DAG:
    """What Airflow would check later, for all DAGs of the file at once."""
    dag.validate()  # type: ignore[no-untyped-call]
    dag.check_cycle()
    return dag


def _job_dag(entry: Entry, pools: Collection[str]) -> DAG:
    with new_dag(
        entry.job,
        entry.schedule,
        display=f"{entry.job} {entry.title}".strip(),
        tags=("job", f"{entry.source} → {entry.target}"),
        text=_doc(entry),
        retries=_RETRIES,
    ) as dag:
        source, target = (pool_of(end, pools) for end in (entry.source, entry.target))
        if entry.tasks == "three":
            # What is sealed is delivered whatever `pull` came to; the run is red with either.
            pull = _task(step.pull, source)(entry.job)
            push = _task(step.push, target, trigger_rule="none_skipped")(entry.job)
            reconcile = _task(step.reconcile, target)(entry.job)
            pull >> [push, reconcile]
            push >> reconcile
        elif entry.schedule == "continuous":
            _task(step.follow, source, "run")(entry.job)
        else:
            _task(step.run, source)(entry.job)
    return dag


def _config_errors(faults: Iterable[Fault]) -> DAG:
    lines = [shown(f"- `{fault.file}` {fault.message}") for fault in faults]
    text = "These files could not be scheduled. 以下文件无法调度。\n\n" + "\n".join(lines)
    with new_dag(
        CONFIG_ERRORS,
        timedelta(hours=1),
        display="bridge_config_errors 配置错误",
        tags=("bridgehead",),
        text=text,
    ) as dag:
        _task(check_configuration, DEFAULT)()
    return _checked(dag)


def new_dag(
    dag_id: str,
    schedule: str | timedelta,
    *,
    display: str,
    tags: Iterable[str],
    text: str,
    retries: dict[str, Any] | None = None,
    limit: timedelta | None = None,
) -> DAG:
    """A DAG that is on from the start and stays on, runs once at a time, and catches up on nothing.
    A run that is not over within the `limit` has failed, and the next one may begin: it hangs, or
    somebody has started it with a date to come, for which Airflow waits."""
    return DAG(
        dag_id,
        schedule=timetable(schedule, TIMEZONE),
        start_date=_START,
        catchup=False,
        max_active_runs=1,
        max_consecutive_failed_dag_runs=0,
        dagrun_timeout=limit,
        auto_register=False,
        is_paused_upon_creation=False,
        dag_display_name=display,
        tags=list(tags),
        doc_md=text,
        default_args={"owner": "bridgehead", **(retries or {})},
    )


def _task(function: Any, pool: str, name: str | None = None, **more: Any) -> Any:
    return task(task_id=name or function.__name__, pool=pool, **more)(function)


def _doc(entry: Entry) -> str:
    return (
        f"**{entry.title or entry.job}**\n\n"
        f"| | |\n|---|---|\n"
        f"| source 源库 | `{entry.source}`: `{entry.source_table}` |\n"
        f"| target 目标库 | `{entry.target}`: `{entry.target_table}` |\n"
        f"| schedule 调度 | `{entry.schedule}` |\n"
        f"| file 文件 | `jobs/{entry.job}.yaml` |\n\n"
        "The log of a red run says in one line what is wrong. "
        "失败的运行在日志中用一行说明原因。\n\n"
        f"    bridgehead status\n    bridgehead batches {entry.job}\n"
    )
