"""One Airflow DAG per job file: pull, push, reconcile.

Airflow runs this every few seconds, and once more in every task: nothing heavy is imported here.
"""

from airflow.sdk import get_parsing_context

from bridgehead_dag.building import job_dags

globals().update(job_dags(get_parsing_context().dag_id))
