"""Makes the two DAGs that are no job's: the agent's and the auditor's."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from bridgehead_dag import step
from bridgehead_dag.building import new_dag

__all__ = ["AGENT", "AUDIT", "STEPS", "agent_dag", "audit_dag"]

AGENT = "bridgehead_agent"
AUDIT = "bridgehead_audit"

STEPS = ("configuration", "ledger", "standing", "events", "purge")
"""Names in `housekeeping.STEPS`, which is not loaded here; a test holds them together."""

_AT_NIGHT = "30 2 * * *"
_AGENT_LIMIT, _AUDIT_LIMIT = timedelta(hours=1), timedelta(days=2)
_SIDE_BY_SIDE = 2
_AGENT_DOC = """\
What the agent looks after, a task each. 代理的日常检查，每项一个任务。

- `configuration` all files of the configuration are right 配置文件全部有效
- `ledger` the ledger answers, and its tables are of this release 台账可用
- `standing` no job waits for a person 没有桥接服务等待人工处理
- `events` what is overdue is noted, and alarms that wait are sent 记录逾期，发送待发告警
- `purge` change rows that are old enough go 清除到期的变更数据
"""
_AUDIT_DOC = """\
Every night: the contents of exchange and target key by key, a task per job, then the report of the
day that is over. 每晚逐键核对内容，并生成前一日的核对报告。
"""


def agent_dag() -> DAG:
    """One task per step of housekeeping: one that fails hides no other."""
    with new_dag(
        AGENT,
        timedelta(minutes=5),
        display="agent 代理",
        tags=["bridgehead"],
        text=_AGENT_DOC,
        limit=_AGENT_LIMIT,
    ) as dag:
        for name in STEPS:
            task(task_id=name, retries=1, retry_delay=timedelta(seconds=30))(step.keep)(name)
    return dag


def audit_dag() -> DAG:
    """The report is made whatever a comparison finds; the run is red if any of them failed."""
    with new_dag(
        AUDIT,
        _AT_NIGHT,
        display="audit 审计",
        tags=["bridgehead"],
        text=_AUDIT_DOC,
        retries={"retries": 2, "retry_delay": timedelta(minutes=5)},
        limit=_AUDIT_LIMIT,
    ) as dag:
        compared = task(
            map_index_template="{{ task.op_kwargs['job'] }}",
            max_active_tis_per_dag=_SIDE_BY_SIDE,
        )(step.compare).expand(job=task(step.jobs)())
        compared >> task(trigger_rule="all_done")(step.report)()
        compared >> task(step.all_compared)()
    return dag
