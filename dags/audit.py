"""The auditor's Airflow DAG: every night the contents of both sides, and the report of the day."""

from airflow.sdk import get_parsing_context

from bridgehead_dag.care import AUDIT, audit_dag

if get_parsing_context().dag_id in (None, AUDIT):
    dag = audit_dag()
