"""What a task tells Airflow."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Counts"]

Counts = Mapping[str, object]
"""All that a task leaves in Airflow's database: words and numbers, no value of a row."""
