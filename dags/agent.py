"""The agent's own Airflow DAG: it looks after the deployment every few minutes."""

from airflow.sdk import get_parsing_context

from bridgehead_dag.care import AGENT, agent_dag

if get_parsing_context().dag_id in (None, AGENT):
    dag = agent_dag()
