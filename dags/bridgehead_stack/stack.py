"""All that runs: Airflow's four processes, its database, and with --celery a queue and workers."""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.demo.postgres import EmbeddedPostgres
from bridgehead_stack.broker import broker_url, queue_service
from bridgehead_stack.configuration import HOST, airflow_settings, write_settings
from bridgehead_stack.home import Home
from bridgehead_stack.process import offspring
from bridgehead_stack.service import Service
from bridgehead_stack.supervisor import Supervisor
from bridgehead_stack.trouble import Trouble

__all__ = ["Stack", "open_port"]

DAGS = Path(__file__).resolve().parents[1]
DATABASE_VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
WORKERS = 2
_READY_SECONDS = 240.0
_WATCHED = ("metadatabase", "scheduler", "triggerer", "dag_processor")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """What was asked for. Nothing of it listens beyond loopback."""

    home: Home
    config: Path
    port: int
    celery: bool

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def run(self, tell: Tell, greet: Callable[[], None]) -> None:
        """Until it is asked to end; leaves no process behind. Raises Trouble."""
        supervisor = Supervisor(tell)
        supervisor.listen()
        with _database(self.home) as database:
            spared = [process.pid for process in offspring()]
            broker = open_port(0) if self.celery else None
            queue = broker_url(self.home, broker) if broker else None
            write_settings(self.home, airflow_settings(self.home, DAGS, self.port, database, queue))
            environ = self._environ(database)
            try:
                self._install(supervisor, environ)
                services = [queue_service(self.home, broker, environ)] if broker else []
                services += self._services(environ)
                supervisor.run(services, self._ready, greet, _READY_SECONDS)
            finally:
                supervisor.stop(spared)

    def _install(self, supervisor: Supervisor, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "bridgehead_stack.installation"]
        path = {"PYTHONPATH": str(DAGS)}
        log = self.home.logs / "installation.log"
        if supervisor.call(Service("installation", command, environ | path, log)):
            last = (log.read_text("utf-8", "replace").strip().splitlines() or [""])[-1]
            raise Trouble(f"Airflow's database could not be prepared: {last} (see {log})")

    def _services(self, environ: dict[str, str]) -> Iterator[Service]:
        """Logs are read from the folder itself, so that no process has to serve them."""
        parts = {
            "api-server": ["api-server", "--host", HOST, "--port", str(self.port)],
            "scheduler": ["scheduler", "--skip-serve-logs"],
            "dag-processor": ["dag-processor"],
            "triggerer": ["triggerer", "--skip-serve-logs"],
        }
        for number in range(1, WORKERS + 1) if self.celery else ():
            worker = ["celery", "worker", "--skip-serve-logs", "--without-gossip"]
            parts[f"worker-{number}"] = [*worker, "--celery-hostname", f"worker-{number}@%h"]
        for name, part in parts.items():
            command = [sys.executable, "-m", "airflow", *part]
            yield Service(name, command, environ, self.home.logs / f"{name}.log")

    def _environ(self, database: str) -> dict[str, str]:
        """A proxy must not come between Airflow's own processes, nor a module of ours before one of
        theirs: Airflow itself puts the folder of the DAGs at the end of Python's path."""
        inherited = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
        direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST]))
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.home.path),
            "BRIDGEHEAD_CONFIG": str(self.config),
            DATABASE_VARIABLE: database,
            "NO_PROXY": direct,
            "no_proxy": direct,
        }

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/v2/monitor/health", timeout=2) as told:
                health = json.load(told)
        except (OSError, ValueError, urllib.error.URLError):
            return False
        return all(health.get(part, {}).get("status") == "healthy" for part in _WATCHED)


@contextmanager
def _database(home: Home) -> Iterator[str]:
    """The URL of the database that the environment names, or of one of our own that is kept in the
    home."""
    named = os.environ.get(DATABASE_VARIABLE)
    if named:
        plain = named.partition("://")
        yield f"postgresql+psycopg://{plain[2]}" if plain[0].startswith("postgres") else named
        return
    place = home.path / "postgres"
    settings = {"max_connections": "100", "shared_buffers": "64MB"}
    with EmbeddedPostgres(place, settings=settings, kept=True) as server:
        if not server.sql("SELECT 1 FROM pg_database WHERE datname = 'airflow'"):
            server.create_database("airflow")
        yield server.url("airflow")


def open_port(wanted: int) -> int:
    """The port, or a free one for 0. Raises Trouble when somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            raise Trouble(f"port {wanted} is taken; choose another one with --port N") from None
        port: int = probe.getsockname()[1]
        return port
