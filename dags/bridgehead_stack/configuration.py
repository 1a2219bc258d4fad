"""Airflow's own settings, written at every start into airflow.cfg.

They stand in the file rather than in the environment, so that `airflow` on the command line finds
them too. An operator's `AIRFLOW__SECTION__KEY` in the environment still comes first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path
from zoneinfo import available_timezones

from bridgehead_stack.home import Home

__all__ = ["HOST", "airflow_settings", "local_zone", "write_settings"]

HOST = "127.0.0.1"
_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_HEADING = (
    "# Written anew at every start. Own settings: AIRFLOW__SECTION__KEY in the environment.\n"
)

_LOGIN_PAGES = """\
# Written anew at every start. These pages do not ask the browser for its language.
import os

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
WTF_CSRF_ENABLED = True
BABEL_DEFAULT_LOCALE = "zh" if os.environ.get("LANG", "").startswith("zh") else "en"
"""

Settings = Mapping[str, Mapping[str, object]]


def airflow_settings(
    home: Home, dags: Path, port: int, database: str, broker: str | None
) -> dict[str, dict[str, object]]:
    """`broker` is the queue's URL, where several workers share the tasks."""
    settings: dict[str, dict[str, object]] = {
        "core": {
            "auth_manager": _FAB,
            "dags_folder": dags,
            "default_timezone": local_zone(),
            "execution_api_server_url": f"http://{HOST}:{port}/execution/",
            "executor": "CeleryExecutor" if broker else "LocalExecutor",
            "fernet_key": home.secret("fernet_key"),
            "load_examples": False,
            "min_serialized_dag_update_interval": 10,
            "parallelism": 4,
        },
        "database": {"sql_alchemy_conn": database, "sql_alchemy_conn_async": database},
        "api": {
            "base_url": f"http://{HOST}:{port}",
            "expose_config": False,
            "host": HOST,
            "instance_name": "桥头堡 Bridgehead",
            "port": port,
            "secret_key": home.secret("secret_key"),
            "workers": 1,
        },
        "api_auth": {"jwt_secret": home.secret("jwt_secret")},
        # A job file that is dropped into the folder becomes a DAG with the next look at jobs.py.
        "dag_processor": {
            "min_file_process_interval": 10,
            "parsing_processes": 1,
            "print_stats_interval": 0,
            "refresh_interval": 30,
        },
        "scheduler": {"task_instance_heartbeat_timeout": 60},
        # A task on a busy machine waits for the api-server rather than to fail.
        "workers": {"execution_api_timeout": 30},
        "fab": {"session_lifetime_minutes": 480},
    }
    if broker:
        settings["celery"] = {
            "broker_url": broker,
            "result_backend": f"db+{database}",
            "worker_concurrency": 2,
        }
    return settings


def write_settings(home: Home, settings: Settings) -> None:
    parser = RawConfigParser()
    for section, values in settings.items():
        # Airflow interpolates: a per cent sign in a password must be doubled.
        texts = {key: str(value).replace("%", "%%") for key, value in values.items()}
        parser.read_dict({section: texts})
    written = StringIO()
    parser.write(written)
    home.write(home.path / "airflow.cfg", _HEADING + written.getvalue())
    home.write(home.path / "webserver_config.py", _LOGIN_PAGES)


def local_zone() -> str:
    """The machine's zone by its IANA name, in which cron lines are meant; UTC if it has none."""
    link = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    named = (os.environ.get("TZ", "").removeprefix(":"), link)
    return next((name for name in named if name in available_timezones()), "UTC")
