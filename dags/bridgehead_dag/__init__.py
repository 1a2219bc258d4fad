"""What the DAG files are made of. It stands beside them, so Airflow finds it by this name."""
