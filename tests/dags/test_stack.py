"""The whole of it, as an operator meets it: `scripts/airflow`, a job file, the pages in a browser.

The first Airflow runs tasks itself; it is ended, and a second one in the same folder gives them to
two workers.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bridge.demo.postgres import EmbeddedPostgres
from connectors.endpoint import Endpoint, Secret
from tests.dags.conftest import DAGS
from tests.scenario.world import World, cursor_job

USERS = ("operator", "security", "auditor")
SECRET = "n77"
SEEN_SECONDS = 30.0

_CHROMIUM = "/usr/bin/chromium"
_QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_PATIENCE_MS = 60_000


class Running:
    """One call of scripts/airflow, from its first word to its last."""

    def __init__(self, home: Path, config: Path, *options: str) -> None:
        self.home = home
        self._heard = home.parent / "heard.txt"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
        command = [sys.executable, "-m", "bridgehead_stack", "--home", home, "--config", config]
        with self._heard.open("w") as heard:
            self.process = subprocess.Popen(
                [*map(str, command), "--port", "0", *options],
                env={**environ, "PYTHONPATH": str(DAGS), "LANG": "zh_CN.UTF-8"},
                cwd="/",
                stdout=heard,
                stderr=subprocess.STDOUT,
            )
        self.address = ""
        self._tokens: dict[str, str] = {}

    @property
    def heard(self) -> str:
        return self._heard.read_text("utf-8")

    def wait_until_ready(self) -> None:
        eventually(lambda: "结束全部进程" in self.heard or self.process.poll() is not None, 240)
        assert self.process.poll() is None, self.heard
        self.address = re.findall(r"http://\S+", self.heard)[0]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    # -- its pages, as programs ask for them ---------------------------------------------------

    def ask(self, user: str, place: str, data: object = None) -> tuple[int, Any]:
        """The status, and the answer."""
        if user not in self._tokens:
            answer = self._request("/auth/token", self.login(user))[1]
            self._tokens[user] = answer["access_token"]
        headers = {"Authorization": f"Bearer {self._tokens[user]}"}
        return self._request(place if place[0] == "/" else f"/api/v2/{place}", data, headers)

    def login(self, user: str) -> dict[str, str]:
        passwords = json.loads((self.home / "secret" / "logins.json").read_text("utf-8"))
        return {"username": user, "password": passwords[user]}

    def _request(
        self, place: str, data: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        body = None if data is None else json.dumps(data).encode()
        kind = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.address + place, body, kind)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.reason


def eventually(reached: Callable[[], Any], seconds: float) -> Any:
    until = time.monotonic() + seconds
    while not (found := reached()) and time.monotonic() < until:
        time.sleep(0.5)
    assert found, f"not reached within {seconds:.0f} s"
    return found


# -- the parts --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    stores = {}
    for role in ("source", "exchange", "target"):
        postgres.create_database(f"stack_{role}")
        stores[role] = Endpoint(
            role,
            "postgresql",
            host=postgres.host,
            port=postgres.port,
            database=f"stack_{role}",
            user=postgres.user,
            password=Secret(postgres.password),
        )
    made = World(tmp_path_factory.mktemp("world") / "config", stores)
    made.make_table(rows=100)
    yield made
    made.close()
    for role in stores:
        postgres.drop_database(f"stack_{role}")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where also the account can go that runs PostgreSQL for root: not below pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="bridgehead-stack-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def airflow(world: World, home: Path) -> Iterator[Running]:
    running = Running(home, world.directory)
    try:
        running.wait_until_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(browser: Browser, airflow: Running, pictures: Path) -> Iterator[Page]:
    """The operator, logged in."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(_PATIENCE_MS)
    opened.goto(f"{airflow.address}/auth/login/")
    login = airflow.login("operator")
    for name, value in login.items():
        opened.fill(f"input[name={name}]", value)
    opened.screenshot(path=pictures / "login.png")
    opened.click("[type=submit]")
    yield opened
    context.close()


def _dags(running: Running) -> set[str]:
    return {dag["dag_id"] for dag in running.ask("auditor", "dags?limit=100")[1]["dags"]}


def _count(world: World) -> int:
    """Rows at the target; 0 while there is no table."""
    (found,) = world.sql("target", "SELECT to_regclass('public.t') IS NOT NULL")
    return int(world.sql("target", "SELECT count(*) FROM t")[0][0]) if found[0] else 0


# -- the story --------------------------------------------------------------------------------


def test_it_says_where_it_is_and_who_may_log_in(airflow: Running) -> None:
    assert "address 地址  http://127.0.0.1:" in airflow.heard
    shown = dict(re.findall(r"user    用户  (\w+) \S+  password 口令 (\S+)", airflow.heard))
    assert shown == {user: airflow.login(user)["password"] for user in USERS}


def test_nothing_listens_beyond_loopback(airflow: Running) -> None:
    listening = set()
    for process in airflow.family():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            found = process.net_connections("inet")
            listening |= {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_secrets_are_readable_by_this_account_alone(airflow: Running) -> None:
    files = [airflow.home / "airflow.cfg", *(airflow.home / "secret").iterdir()]
    assert len(files) >= 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_job_file_is_scheduled_within_30_s_and_moves_rows(
    airflow: Running, world: World, page: Page, pictures: Path
) -> None:
    assert _dags(airflow) == {"bridgehead_agent", "bridgehead_audit"}
    world.job("register", title="登记信息", schedule="30s", **cursor_job())
    dropped = time.monotonic()
    eventually(lambda: "register" in _dags(airflow), SEEN_SECONDS)
    assert time.monotonic() - dropped < SEEN_SECONDS
    eventually(lambda: _count(world) == 100, 60)
    world.sql("source", f"INSERT INTO t VALUES (777, '{SECRET}', 1, clock_timestamp())")
    eventually(lambda: _count(world) == 101, 60)

    page.goto(f"{airflow.address}/dags")
    expect(page.get_by_role("link", name="register 登记信息")).to_be_visible()
    page.screenshot(path=pictures / "dags.png")


def test_the_page_of_a_run_shows_its_stages(airflow: Running, page: Page, pictures: Path) -> None:
    place = "dags/register/dagRuns?state=success&order_by=run_after&limit=1"
    (run,) = eventually(lambda: airflow.ask("operator", place)[1]["dag_runs"], 60)
    page.goto(f"{airflow.address}/dags/register/runs/{run['dag_run_id']}/tasks/run")
    for stage in ("pull 抽取", "push 推送", "reconcile 核对"):
        page.get_by_text(stage).click()
    expect(page.get_by_text("发送 100 (100/0/0)，接收 100 (100/0/0)")).to_be_visible()
    expect(page.get_by_text("register: 已核对 reconciled")).to_be_visible()
    page.screenshot(path=pictures / "run.png")


def test_a_bad_file_is_shown_and_harms_no_other(
    airflow: Running, world: World, page: Page, pictures: Path
) -> None:
    (world.directory / "jobs" / "broken.yaml").write_text("job: broken\nsource: {", "utf-8")
    eventually(lambda: "bridge_config_errors" in _dags(airflow), SEEN_SECONDS)
    assert "register" in _dags(airflow)
    _, shown = airflow.ask("operator", "dags/bridge_config_errors/details")
    assert "jobs/broken.yaml:3" in shown["doc_md"]
    failed = "dags/bridge_config_errors/dagRuns?state=failed"
    run = eventually(lambda: airflow.ask("operator", failed)[1]["dag_runs"], 60)[0]
    page.goto(f"{airflow.address}/dags/bridge_config_errors")
    expect(page.get_by_text("bridge_config_errors 配置错误").first).to_be_visible()
    page.screenshot(path=pictures / "errors.png")
    task = f"runs/{run['dag_run_id']}/tasks/check_configuration"
    page.goto(f"{airflow.address}/dags/bridge_config_errors/{task}")
    expect(page.get_by_text("jobs/broken.yaml:3：YAML 格式有误").first).to_be_visible()
    page.screenshot(path=pictures / "errors-log.png")


def test_each_role_has_rights_that_the_others_lack(airflow: Running) -> None:
    """三员分立: who runs jobs, who gives out logins, and who watches both."""
    trigger = {"logical_date": None}
    asked: dict[str, tuple[str, object]] = {
        "look": ("dags/register", None),
        "act": ("dags/register/dagRuns", trigger),
        "watch": ("eventLogs?limit=1", None),
        "give logins": ("/auth/fab/v1/users", None),
    }
    allowed = {
        user: {
            name
            for name, (place, data) in asked.items()
            if airflow.ask(user, place, data)[0] == 200
        }
        for user in USERS
    }
    assert allowed == {
        "operator": {"look", "act"},
        "security": {"give logins"},
        "auditor": {"look", "watch"},
    }


def test_no_value_of_a_row_is_in_any_log(airflow: Running) -> None:
    logs = list(airflow.home.rglob("*.log"))
    assert any("task_id=run" in str(log) for log in logs)
    assert [log for log in logs if SECRET in log.read_text("utf-8", "replace")] == []


def test_a_second_call_in_the_same_folder_is_refused(airflow: Running, world: World) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "bridgehead_stack", "--home", airflow.home, "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(DAGS), "BRIDGEHEAD_CONFIG": str(world.directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr == f"error: Airflow is running in {airflow.home} already\n"


def test_everything_ends_with_it(airflow: Running) -> None:
    family = airflow.family()
    assert len(family) > 8
    assert airflow.end() == 0
    assert airflow.heard.endswith("Everything has ended. 已全部停止。\n")
    assert [process for process in family if process.is_running()] == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(airflow.address.rpartition(":")[2]))) != 0


def test_jobs_of_one_department_run_on_two_workers(
    airflow: Running, home: Path, world: World
) -> None:
    """In the folder of the first: logins and runs are still there."""
    assert airflow.process.poll() is not None
    (world.directory / "jobs" / "broken.yaml").unlink()
    before = (home / "secret" / "logins.json").read_text("utf-8")
    target = {"endpoint": "target", "table": "t2"}
    for job in ("register", "second"):
        place = target if job == "second" else {"endpoint": "target", "table": "t"}
        world.job(job, schedule="1h", target=place, **cursor_job())
    running = Running(home, world.directory, "--celery")
    try:
        running.wait_until_ready()
        assert "password" not in running.heard.replace("first passwords", "")
        assert (home / "secret" / "logins.json").read_text("utf-8") == before
        assert "register" in _dags(running)
        eventually(lambda: "second" in _dags(running), SEEN_SECONDS)
        eventually(lambda: _both_worked(running), 120)
        eventually(lambda: world.sql("target", "SELECT to_regclass('t2') IS NOT NULL")[0][0], 60)
        assert world.sql("target", "SELECT count(*) FROM t2") == [(101,)]
        family = running.family()
    finally:
        code = running.end() if running.process.poll() is None else None
    assert code == 0
    assert [process for process in family if process.is_running()] == []


def _both_worked(running: Running) -> bool:
    """Two more runs, unless either worker has had a task."""
    logs = [running.home / "logs" / f"worker-{number}.log" for number in (1, 2)]
    worked = ["succeeded in" in log.read_text("utf-8", "replace") for log in logs]
    if not all(worked):
        for job in ("register", "second"):
            running.ask("operator", f"dags/{job}/dagRuns", {"logical_date": None})
        time.sleep(3)
    return all(worked)
