"""What tasks do, in real task runs: move rows, skip, fail with one sentence, leave counts."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dags.conftest import Airflow

_SECRET, _PASSWORD = "张三丰", "Kanarie-dag-5b1c"
_TABLE = "CREATE TABLE {0} (id INTEGER PRIMARY KEY, name TEXT, updated_at TIMESTAMP);"
_ROWS = (
    "INSERT INTO {0} VALUES (1, '%s', datetime('now', '-1 hour')),"
    " (2, 'b', datetime('now', '-1 hour'));"
)
_SWALLOW = (
    "CREATE TRIGGER swallow_{0} BEFORE INSERT ON {0} WHEN NEW.id = 3 "
    "BEGIN SELECT RAISE(IGNORE); END;"
)
_KEEP = (
    "UPDATE bh_batch SET reconciled_at = '2020-01-01T00:00:00.000000Z' WHERE job = '{0}';"
    "CREATE TRIGGER keep BEFORE DELETE ON bh_change_{0} BEGIN SELECT RAISE(ABORT, 'no'); END;"
)
_LONG_AGO = (
    "UPDATE bh_candidate SET at = '2020-01-01T00:00:00.000000Z' "
    "WHERE job = '{0}' AND tokens <> '[]';"
)
_TOUCH = "UPDATE {0} SET updated_at = datetime('now') WHERE id = 2;"
_ONE_MORE = "INSERT INTO {0} VALUES ({1}, 'c', datetime('now', '-2 seconds'));"
_STATED = "the statement of "
JOBS = ("plain", "apart", "off", "lossy", "far", "steady")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    config = folder / "config"
    (config / "jobs").mkdir(parents=True)
    stores = {name: {"family": "sqlite", "path": str(folder / f"{name}.db")} for name in "abc"}
    for store in stores.values():
        store["options"] = {"create": "true"}
    closed = {"family": "postgresql", "host": "127.0.0.1", "port": 1, "database": "d", "user": "u"}
    closed["password"] = {"env": "FAR_PASSWORD"}
    _write(
        config / "bridgehead.yaml",
        {
            "department": {"code": "113301000024895242", "name": "市市场监督管理局"},
            "endpoints": {**stores, "closed": closed},
            "exchange": "b",
            "defaults": {"retry": 0},
        },
    )
    for job in JOBS:
        capture = {"method": "cursor", "column": "updated_at", "margin": 0}
        capture |= {"drain_wait": 0, "horizon_limit": 1} if job == "apart" else {}
        content: dict[str, Any] = {
            "job": job,
            "source": {"endpoint": "a", "table": job},
            "target": {"endpoint": "closed" if job == "far" else "c", "table": job},
            "capture": {**capture, "deletes": {"sweep": "every_run"}},
            "empty_every": 0,
            "tasks": "three" if job in ("apart", "off") else "one",
            "schedule": "continuous" if job == "steady" else "manual",
        }
        _write(config / "jobs" / f"{job}.yaml", content)
        with closing(sqlite3.connect(folder / "a.db")) as source:
            source.executescript(_TABLE.format(job) + (_ROWS % _SECRET).format(job))
    return config


def _write(place: Path, content: object) -> None:
    place.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


STEPS: dict[str, tuple[str, ...]] = {
    "late audit": ("run", "bridgehead_audit", "3"),
    "plain": ("run", "plain"),
    "idle": ("run", "plain"),
    "apart": ("run", "apart"),
    "held back": ("run", "apart"),
    "off": ("run", "off"),
    "lossy": ("run", "lossy"),
    "far": ("run", "far"),
    "steady": ("run", "steady"),
    "asleep": ("run", "steady"),
    "altered": ("run", "steady"),
    "stuck": ("run", "steady"),
    "stuck still": ("run", "steady"),
    "audit": ("run", "bridgehead_audit"),
    "agent": ("run", "bridgehead_agent"),
    "unheard": ("run", "bridgehead_agent"),
    "errors": ("run", "bridge_config_errors"),
    "own name": ("run", "bridge_config_errors"),
    "behind": ("run", "apart"),
    "ahead": ("ahead", "bridgehead_agent"),
}


@pytest.fixture(scope="module")
def played(deployment: Path, airflow: Airflow) -> Any:
    """Every step's outcome by name, in one process; between them the tables are prepared."""
    stores = deployment.parent
    a, b, c = (str(stores / f"{name}.db") for name in "abc")
    broken, own = (str(deployment / f"jobs/{n}.yaml") for n in ("broken", "bridgehead_agent"))
    plain = (deployment / "jobs/plain.yaml").read_text("utf-8")
    steady = str(deployment / "jobs/steady.yaml")
    (deployment / "nobody").write_text("json://127.0.0.1:1/", "utf-8")
    alarms = {"alarms": [{"name": "duty", "to": {"file": "nobody"}}]}
    settings = (deployment / "bridgehead.yaml").read_text("utf-8") + yaml.safe_dump(alarms)
    before: dict[str, list[tuple[str, ...]]] = {
        "held back": [
            ("sql", a, _ONE_MORE.format("apart", 5)),
            ("command", "pull", "apart"),
            ("write", a),
            ("command", "pull", "apart"),
            ("sql", b, _LONG_AGO.format("apart")),
        ],
        "off": [("end",), ("command", "disable", "off")],
        "lossy": [
            ("command", "run", "lossy"),
            ("sql", c, _SWALLOW.format("lossy")),
            ("sql", a, _ONE_MORE.format("lossy", 3)),
        ],
        "behind": [
            ("sql", c, _SWALLOW.format("apart")),
            ("sql", a, _ONE_MORE.format("apart", 3)),
            ("command", "run", "apart"),
            ("sql", a, _ONE_MORE.format("apart", 4)),
        ],
        "asleep": [("command", "disable", "steady")],
        "altered": [
            ("command", "enable", "steady"),
            ("put at pause", steady, "job: steady\ncapture: {method: guess}\n"),
        ],
        "stuck": [
            ("put", steady, Path(steady).read_text("utf-8")),
            ("sql", c, _SWALLOW.format("steady").replace("swallow", "gulp")),
            ("sql", a, "INSERT INTO steady VALUES (3, 'c', datetime('now'));"),
        ],
        "audit": [
            ("sql", a, _ONE_MORE.format("apart", 6)),
            ("command", "pull", "apart"),
        ],
        "agent": [
            ("sql", a, _TOUCH.format("plain")),
            *[("command", "run", "plain")] * 2,
            ("sql", b, _KEEP.format("plain")),
        ],
        "unheard": [("put", str(deployment / "bridgehead.yaml"), settings)],
        "own name": [("put", broken, ""), ("put", own, plain.replace("plain", Path(own).stem))],
    }
    plan: list[tuple[str, ...]] = []
    places: dict[str, int] = {}
    for name, step in STEPS.items():
        plan += before.get(name, [])
        places[name] = len(plan)
        plan.append(step)
    Path(broken).write_text("job: broken\ncapture: {method: guess}\n", "utf-8")
    written = stores / "plan.json"
    written.write_text(json.dumps(plan), "utf-8")
    answer = airflow(
        "perform.py",
        written,
        BRIDGEHEAD_CONFIG=deployment,
        BRIDGEHEAD_REPORTS=stores / "reports",
        FAR_PASSWORD=_PASSWORD,
    )
    return {name: answer["played"][place] for name, place in places.items()} | answer


def _errors(run: Any) -> list[str]:
    return [text for level, text in run["log"] if level == "ERROR"]


def _sections(run: Any, stage: str) -> list[str]:
    return [text for _, text in run["log"] if text.startswith(f"::group::{stage} ")]


def test_a_run_moves_the_rows(played: Any, deployment: Path) -> None:
    assert played["plain"]["state"] == "success"
    with closing(sqlite3.connect(deployment.parent / "c.db")) as target:
        assert target.execute("SELECT id, name FROM plain ORDER BY id").fetchall() == [
            (1, _SECRET),
            (2, "b"),
        ]


def test_its_log_has_a_section_for_each_stage(played: Any) -> None:
    lines = [text for _, text in played["plain"]["log"]]
    sections = [line for line in lines if line.startswith("::group::")]
    assert [line.split()[0] for line in sections] == [
        "::group::pull",
        "::group::push",
        "::group::reconcile",
    ]
    assert "1/1: sent 2 (2/0/0), received 2 (2/0/0)" in lines
    assert lines[-1] == "plain: 已核对 reconciled"


def test_counts_are_all_that_it_leaves(played: Any) -> None:
    assert played["plain"]["xcom"]["run/-1"] == {
        "job": "plain",
        "verdict": "reconciled",
        "deviation": 0,
        "batches": 1,
        "read": 2,
        "sent": 2,
        "received": 2,
        "quarantined": 0,
    }


def test_no_value_of_a_row_and_no_password_is_in_any_log_or_xcom(played: Any) -> None:
    """The log of Airflow's tasks stands in the output, with its tracebacks."""
    assert "Task failed with exception" in played["output"]
    written = json.dumps(played, ensure_ascii=False)
    assert _SECRET not in written
    assert _PASSWORD not in written


def test_an_idle_run_sends_an_empty_batch(played: Any) -> None:
    assert played["idle"]["xcom"]["run/-1"]["batches"] == 1
    assert played["idle"]["xcom"]["run/-1"]["sent"] == 0


def test_three_tasks_hand_on_what_is_sealed(played: Any) -> None:
    run = played["apart"]
    assert {*run["tasks"].values()} == {"success"}
    verdicts = [run["xcom"][f"{task}/-1"]["verdict"] for task in ("pull", "push", "reconcile")]
    assert verdicts == ["in_flight", "reconciled", "reconciled"]
    assert "stream up to 1/1: sent 2, received 2, equal" in [text for _, text in run["log"]]


def test_a_pull_that_is_held_back_keeps_nothing_sealed_from_being_delivered(
    played: Any,
) -> None:
    run = played["held back"]
    assert run["state"] == "failed"
    assert run["tasks"] == {
        "pull/-1": "failed",
        "push/-1": "success",
        "reconcile/-1": "upstream_failed",
    }
    assert run["xcom"]["push/-1"]["received"] == 1
    (told,) = _errors(run)
    assert told.startswith("apart: the horizon is held back too long by ")


def test_behind_an_open_deviation_three_tasks_deliver_and_the_run_is_red(
    played: Any, deployment: Path
) -> None:
    run = played["behind"]
    assert run["state"] == "failed"
    assert run["tasks"] == {
        "pull/-1": "failed",
        "push/-1": "failed",
        "reconcile/-1": "upstream_failed",
    }
    with closing(sqlite3.connect(deployment.parent / "c.db")) as target:
        assert target.execute("SELECT id FROM apart ORDER BY id").fetchall() == [
            (n,) for n in (1, 2, 4, 5, 6)
        ]
    assert all(text.startswith("apart: 偏差 deviation 1; ") for text in _errors(run))


def test_a_disabled_job_is_skipped(played: Any) -> None:
    tasks = ("pull/-1", "push/-1", "reconcile/-1")
    assert played["off"]["tasks"] == dict.fromkeys(tasks, "skipped")


def test_a_deviation_fails_the_task_with_one_sentence(played: Any) -> None:
    run = played["lossy"]
    assert run["state"] == "failed"
    (told,) = _errors(run)
    assert told.startswith("lossy: 偏差 deviation 1; batch 1/2 (sent 1, received ")
    assert "bridgehead reconcile lossy" in told
    assert run["xcom"]["run/-1"]["deviation"] == 1


def test_an_unreachable_store_is_one_sentence_too(played: Any) -> None:
    (told,) = _errors(played["far"])
    assert told.startswith("far: [closed (postgresql 127.0.0.1:1/d)] no connection")
    assert "\n" not in told


def test_a_continuous_task_leaves_the_counts_of_all_that_it_ran(played: Any) -> None:
    run = played["steady"]
    assert run["state"] == "success"
    assert len(_sections(run, "pull")) > 1
    left = run["xcom"]["run/-1"]
    assert (left["verdict"], left["read"], left["sent"], left["received"]) == (
        "reconciled",
        2,
        2,
        2,
    )
    assert left["batches"] == len(_sections(run, "pull"))


def test_a_continuous_task_of_a_disabled_job_does_not_end_at_once(played: Any) -> None:
    run = played["asleep"]
    assert run["tasks"] == {"run/-1": "skipped"}
    assert run["seconds"] >= 3


def test_a_continuous_task_goes_by_what_its_file_says_now(played: Any) -> None:
    run = played["altered"]
    assert run["state"] == "failed"
    (told,) = _errors(run)
    assert "jobs/steady.yaml" in told


def test_a_continuous_task_ends_with_the_first_trouble(played: Any) -> None:
    run = played["stuck"]
    assert run["state"] == "failed"
    (told,) = _errors(run)
    assert told.startswith("steady: 偏差 deviation 1; batch ")
    assert len(_sections(run, "pull")) == 1
    assert played["stuck still"]["seconds"] >= 3, "what has failed rests first"


def test_only_what_may_heal_is_tried_again(played: Any) -> None:
    fails = "AirflowFailException"
    assert played["kinds"] == {"1": fails, "2": fails, "3": "TryAgain", "4": fails}


def test_the_audit_compares_every_job_and_is_red_for_one(played: Any) -> None:
    run = played["audit"]
    compared = [state for task, state in run["tasks"].items() if task.startswith("compare/")]
    assert sorted(compared) == ["failed"] * 4 + ["success"] * 2
    assert run["tasks"]["all_compared/-1"] == "upstream_failed"
    assert any("extra 0" in text or "'missing': 1" in text for _, text in run["log"])


def test_a_comparison_that_could_not_be_made_is_red(played: Any) -> None:
    assert "apart: 1 batches are in flight; run the job first" in _errors(played["audit"])


def test_the_audit_states_the_day_of_its_run_and_the_days_that_were_missed(
    played: Any, deployment: Path
) -> None:
    """The one run was due three days ago, the next one now."""
    late, run = (
        [text for level, text in played[name]["log"] if level != "ERROR" and _STATED in text]
        for name in ("late audit", "audit")
    )
    files = sorted((deployment.parent / "reports").iterdir())
    assert len(late) == 1
    assert len(run) >= 3
    assert [text.rpartition(": ")[2] for text in late + run] == [str(file) for file in files]
    assert played["audit"]["tasks"]["report/-1"] == "failed"
    assert run[-1].split(": ")[0].endswith("says 偏差 deviation")
    assert run[-1] in [text.partition(" and ")[0] for text in _errors(played["audit"])]


def test_a_report_leaves_nothing_in_xcom(played: Any) -> None:
    assert played["late audit"]["tasks"]["report/-1"] == "success"
    assert not [key for key in played["late audit"]["xcom"] if key.startswith("report/")]


def test_the_agent_says_who_waits_for_a_person(played: Any) -> None:
    run = played["agent"]
    states = [run["tasks"][f"{step}/-1"] for step in ("configuration", "ledger", "standing")]
    assert states == ["failed", "success", "failed"]
    assert any("a person is needed: lossy 偏差 deviation" in text for text in _errors(run))


def test_the_agent_fails_where_old_change_rows_cannot_go(played: Any) -> None:
    """The other jobs, whose files are bad or whose target is away, have none."""
    run = played["agent"]
    assert (run["tasks"]["purge/-1"], run["tasks"]["events/-1"]) == ("failed", "success")
    assert any(text.startswith("plain: 0 batches, 0 rows") for _, text in run["log"])


def test_runs_of_a_clock_that_was_ahead_hold_up_no_schedule(played: Any) -> None:
    held_up, after, waiting = played["ahead"]
    assert (held_up > 71, after < 0.1) == (True, True)
    assert waiting == "failed", "no other run of its DAG could begin before it"


def test_the_agent_fails_where_an_alarm_does_not_arrive(played: Any) -> None:
    run = played["unheard"]
    assert run["tasks"]["events/-1"] == "failed"
    assert any(text.startswith("an alarm did not arrive: duty: ") for text in _errors(run))


def test_the_configuration_errors_fail_with_every_problem(played: Any) -> None:
    run = played["errors"]
    assert run["state"] == "failed"
    told = _errors(run)
    assert any("jobs/broken.yaml" in text and "source" in text for text in told)
    assert any("jobs/broken.yaml" in text and "guess" in text for text in told)


def test_what_the_scheduler_alone_refuses_fails_too(played: Any) -> None:
    run = played["own name"]
    assert run["state"] == "failed"
    (told, *_) = _errors(run)
    assert told.startswith("jobs/bridgehead_agent.yaml")
    assert "one of Bridgehead's own DAGs" in told
