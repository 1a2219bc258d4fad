"""Pools: how many tasks may be at one endpoint at once.

A task whose pool does not exist is never started, so a DAG names a pool only once it has been made.
Which ones were made stands in a file beside Airflow's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

__all__ = ["DEFAULT", "known_pools", "pool_of", "pools_file"]

DEFAULT = "default_pool"
_FILE = "bridgehead_pools.json"


def pools_file() -> Path:
    """In the form that `airflow pools import` reads."""
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser() / _FILE


def known_pools() -> frozenset[str]:
    """Empty where none has been made."""
    try:
        found = json.loads(pools_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()


def pool_of(endpoint: str, known: Collection[str]) -> str:
    """The pool of an endpoint, or the one that every Airflow has."""
    name = f"endpoint_{endpoint}"
    return name if name in known else DEFAULT
