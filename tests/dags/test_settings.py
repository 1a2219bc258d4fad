"""What `scripts/airflow` decides before anything runs: settings, secrets, rights, places."""

from __future__ import annotations

import configparser
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridgehead_stack.configuration import airflow_settings, local_zone, write_settings
from bridgehead_stack.home import Home
from bridgehead_stack.role import ROLES, TITLES
from bridgehead_stack.stack import DATABASE_VARIABLE, _database, open_port
from bridgehead_stack.trouble import Trouble
from tests.dags.conftest import DAGS, ROOT

URL = "postgresql+psycopg://airflow:a%40b@localhost/airflow"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make().release()
    return made


def test_secrets_are_made_once(home: Home) -> None:
    assert home.secret("fernet_key") == home.secret("fernet_key")
    assert home.secret("fernet_key") != home.secret("jwt_secret")
    assert (home.path / "secret").stat().st_mode & 0o777 == 0o700


def test_a_checkout_is_no_home() -> None:
    with pytest.raises(Trouble, match="is a checkout"):
        Home(ROOT).make()


def test_one_machine_or_several_workers(home: Home) -> None:
    alone = airflow_settings(home, DAGS, 8080, URL, None)
    assert alone["core"]["executor"] == "LocalExecutor"
    assert alone["core"]["parallelism"] == 4
    assert (alone["core"]["load_examples"], "celery" in alone) == (False, False)
    shared = airflow_settings(home, DAGS, 8080, URL, "redis://:p@127.0.0.1:1/0")
    assert shared["core"]["executor"] == "CeleryExecutor"
    assert shared["celery"]["broker_url"] == "redis://:p@127.0.0.1:1/0"


def test_a_per_cent_sign_survives_the_file(home: Home) -> None:
    write_settings(home, airflow_settings(home, DAGS, 8080, URL, None))
    written = configparser.ConfigParser()
    written.read(home.path / "airflow.cfg", encoding="utf-8")
    assert written["database"]["sql_alchemy_conn"] == URL
    assert (home.path / "airflow.cfg").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_database_that_is_there_already(
    home: Home, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, URL.replace("postgresql+psycopg", scheme))
    with _database(home) as found:
        assert found == URL
    assert not (home.path / "postgres").exists()


def test_cron_lines_are_meant_in_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    assert local_zone() == "Asia/Shanghai"
    monkeypatch.setenv("TZ", ":nowhere")
    assert local_zone() != ":nowhere"


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Trouble, match="choose another one with --port"):
            open_port(taken.getsockname()[1])
    assert open_port(0) > 1024


def test_no_role_has_what_makes_another() -> None:
    """三员分立."""
    may = {name: {(a, r) for r in rights for a in rights[r]} for name, rights in ROLES.items()}
    assert TITLES.keys() == may.keys()
    works = {("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "Task Instances")}
    gives = {("can_edit", "Users"), ("can_create", "Users"), ("can_edit", "Passwords")}
    watches = {("can_read", "Audit Logs"), ("can_read", "All Audit Logs")}
    for own, role in ((works, "operator"), (gives, "security"), (watches, "auditor")):
        assert own <= may[role]
        assert not any(own & may[other] for other in may.keys() - {role})
    everything = set.union(*may.values())
    assert ("can_delete", "DAG Runs") not in everything
    assert not {r for a, r in everything if a in ("can_edit", "can_create")} & {"Roles"}
    changes = {a for a, r in may["auditor"] if a != "can_read" and not r.startswith("My ")}
    assert changes == {"menu_access"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--config", "/nowhere"], 2, "no configuration directory at '/nowhere' (--config)"),
        (["--home", str(ROOT), "--config", str(ROOT / "config")], 1, "is a checkout"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    home = [] if "--home" in arguments else ["--home", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "bridgehead_stack", *home, *arguments],
        env={**os.environ, "PYTHONPATH": str(DAGS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_airflow_that_is_there_already_gets_roles_logins_and_pools(tmp_path: Path) -> None:
    """As docs/airflow.md says, in a home that `scripts/airflow` has never seen."""
    settings = {"AIRFLOW_HOME": str(tmp_path), "BRIDGEHEAD_CONFIG": str(ROOT / "config")}
    place = {"PYTHONPATH": f"{DAGS}:{ROOT}"}
    manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

    def call(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bridgehead_stack.installation"]
        environ = {**os.environ, **settings, **place, **more}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    refused = call()
    told = f"the roles need {manager}: name it in AIRFLOW__CORE__AUTH_MANAGER"
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (1, told)
    done = call(AIRFLOW__CORE__AUTH_MANAGER=manager)
    assert done.returncode == 0, done.stderr
    home = Home(tmp_path)
    assert home.passwords().keys() == ROLES.keys()
    assert home.logins.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "bridgehead_pools.json").exists()
