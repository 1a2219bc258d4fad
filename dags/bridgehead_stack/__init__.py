"""Airflow on one machine: its settings, its accounts, and its processes under one supervisor."""
