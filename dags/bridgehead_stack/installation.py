"""Brings Airflow's own database up to date: tables, roles, a login for each role, pools; and runs
of a clock that was ahead hold up no schedule.

`python -m bridgehead_stack.installation`, with AIRFLOW_HOME and BRIDGEHEAD_CONFIG set; it may be
called at any time, also while Airflow runs. What people have changed since stays: passwords, users,
slots. Roles are set to exactly what `role.py` says.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from airflow.configuration import conf
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
from airflow.utils.db import upgradedb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State
from airflow.utils.types import DagRunType
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from bridgehead_dag.pool import pools_file
from bridgehead_dag.reading import config_directory
from bridgehead_stack.home import Home
from bridgehead_stack.role import ROLES, TITLES

__all__ = ["install", "install_pools", "release_schedules"]

_FAB = f"{FabAuthManager.__module__}.{FabAuthManager.__name__}"

SLOTS = 3
"""Less than `core.parallelism`: a store that has become slow does not hold up all the others."""


def install(home: Home) -> None:
    """May be repeated."""
    if not issubclass(conf.getimport("core", "auth_manager") or object, FabAuthManager):
        sys.exit(f"the roles need {_FAB}: name it in AIRFLOW__CORE__AUTH_MANAGER")
    home.logins.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    upgradedb()
    release_schedules()
    application: Any
    with get_application_builder() as application:
        manager = application.sm
        application.add_permissions(update_perms=True)
        manager.sync_roles()
        for name, rights in ROLES.items():
            _set_rights(manager, name, rights)
        made = {name: password for name in ROLES if (password := _make_user(manager, name))}
    if made:
        home.write(home.logins, json.dumps({**home.passwords(), **made}, indent=2))
    install_pools(_endpoints(config_directory()))


def release_schedules() -> None:
    """Airflow plans no run before the last one that it has planned, and none beside one that waits
    for its date. Those of a time that has not come yet stay: as if a person had started them, and
    as failed where they are not over."""
    now = datetime.now(UTC)
    ahead = update(DagRun).where(DagRun.logical_date > now)
    planned = ahead.where(DagRun.run_type == DagRunType.SCHEDULED)
    waiting = ahead.where(DagRun.state.in_(State.unfinished_dr_states))
    with create_session() as session:
        session.execute(planned.values(run_type=DagRunType.MANUAL))
        session.execute(waiting.values(state=DagRunState.FAILED, end_date=now))


def install_pools(endpoints: Iterable[str]) -> None:
    """One per endpoint. The slots of a pool that is there stay as somebody has set them."""
    with create_session() as session:
        known = {pool.pool: pool.slots for pool in session.scalars(select(Pool))}
    pools = {}
    for endpoint in endpoints:
        name = f"endpoint_{endpoint}"
        text = f"tasks at {endpoint} at once 同时访问 {endpoint} 的任务数"
        if name not in known:
            Pool.create_or_update_pool(name, SLOTS, text, include_deferred=False)
        pools[name] = {"slots": known.get(name, SLOTS), "description": text}
    listed = {name: {**pool, "include_deferred": False} for name, pool in pools.items()}
    Home.write(pools_file(), json.dumps(listed, ensure_ascii=False, indent=2))


def _set_rights(manager: Any, name: str, rights: Mapping[str, Iterable[str]]) -> None:
    """Exactly these: a right that was added by hand is taken away again."""
    role = manager.find_role(name) or manager.add_role(name)
    wanted = {(action, resource) for resource in rights for action in rights[resource]}
    for permission in list(role.permissions):
        if (permission.action.name, permission.resource.name) not in wanted:
            manager.remove_permission_from_role(role, permission)
    for action, resource in sorted(wanted):
        manager.add_permission_to_role(role, manager.create_permission(action, resource))


def _make_user(manager: Any, name: str) -> str | None:
    """The new user's password; None where there is somebody with this name."""
    if manager.find_user(username=name):
        return None
    password = secrets.token_urlsafe(12)
    made = manager.add_user(
        username=name,
        first_name=name,
        last_name=TITLES[name],
        email=f"{name}@bridgehead.invalid",
        role=manager.find_role(name),
        password=password,
    )
    if not made:
        raise SystemExit(f"the user {name} could not be made")
    return password


def _endpoints(directory: Path) -> list[str]:
    """By name. A file that cannot be read has no pools; the DAGs tell what is wrong with it."""
    try:
        text = (directory / "bridgehead.yaml").read_text(encoding="utf-8")
        found = yaml.load(text, yaml.BaseLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return []
    endpoints = found.get("endpoints") if isinstance(found, dict) else None
    return sorted(endpoints) if isinstance(endpoints, dict) else []


if __name__ == "__main__":
    try:
        install(Home(pools_file().parent))
    except OperationalError as error:
        sys.exit(f"Airflow's database cannot be used: {str(error.orig).strip().splitlines()[0]}")
