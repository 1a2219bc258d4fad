"""The DAGs as Airflow loads them: one per job file, none harmed by another's file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.job import Job
from bridgehead_dag import reading
from tests.dags.conftest import DAGS, Airflow

_MANY = 233

OWN = {"bridgehead_agent", "bridgehead_audit"}


def _config(folder: Path, **jobs: str | dict[str, Any]) -> Path:
    (folder / "jobs").mkdir(parents=True)
    for name, content in jobs.items():
        text = content if isinstance(content, str) else yaml.safe_dump(_job(name, **content))
        (folder / "jobs" / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def _job(name: str, **content: Any) -> dict[str, Any]:
    return {
        "job": name,
        "source": {"endpoint": "business", "table": name},
        "target": {"endpoint": "centre", "table": name},
        "capture": {"method": "compare"},
        **content,
    }


@pytest.fixture(scope="module")
def loaded(airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("load")
    good = _config(
        folder / "good",
        cron={"schedule": "*/10 * * * *", "title": "人口"},
        interval={"schedule": "90s"},
        continuous={"schedule": "continuous"},
        manual={},
        three={"schedule": "1h", "tasks": "three"},
        days={"schedule": "2d"},
        plain={"schedule": 300},
    )
    bad = _config(
        folder / "bad",
        fine={"schedule": "10m"},
        broken="job: broken\nsource: {endpoint: business\n",
        cron61={"schedule": "61 * * * *"},
        never={"schedule": "sometimes"},
        endless={"schedule": "continuous", "tasks": "three"},
        typo={"captur": {}},
        nothing="",
        bridgehead_agent={},
        twin1={"target": {"endpoint": "centre", "table": "T"}},
        twin2={"target": {"endpoint": "centre", "table": "t"}},
        deep="[" * 100_000,
        unprinted={"source": {"endpoint": "a\0b", "table": "t"}},
        unprintable={"source": {"endpoint": "business", "table": "\x7ft"}},
        again={"schedule": "0 0 * * " + ",".join(["3"] * 72)},
        key={"a\0b": "c"},
        titled={"title": "a\0b" + "长" * 3_000},
    )
    (bad / "jobs" / os.fsdecode(b"\xff.yaml")).write_text("", "utf-8")
    os.mkfifo(bad / "jobs" / "pipe.yaml")
    (bad / "jobs" / "named.yaml").write_text("job: other\n", "utf-8")
    (bad / "jobs" / "old.yml").write_text("job: old\n", "utf-8")
    (bad / "jobs" / "bytes.yaml").write_bytes(b"\xff\xfe\x00job")
    many = _config(folder / "many")
    example = Path(__file__).parents[2] / "config/jobs/population.yaml"
    for number in range(_MANY):
        text = example.read_text("utf-8").replace("population", f"population{number}")
        (many / "jobs" / f"population{number}.yaml").write_text(text, "utf-8")
    told = airflow("load.py", good, bad, many, folder / "absent")
    return {name: found for name, found in told.items() if name != "output"}


def test_no_file_of_ours_fails_to_load(loaded: Any) -> None:
    assert [told["errors"] for told in loaded.values()] == [{}] * 5


def test_one_dag_per_job_file(loaded: Any) -> None:
    dags = loaded["good"]["dags"]
    ways = {"cron", "interval", "continuous", "manual", "three", "days", "plain"}
    assert dags.keys() == ways | OWN
    assert dags["cron"]["shown"] == "cron 人口"
    assert "`business`: `cron`" in dags["cron"]["doc"]


def test_no_dag_catches_up_or_runs_twice_at_once_and_each_is_on(loaded: Any) -> None:
    assert {tuple(dag["settings"]) for dag in loaded["good"]["dags"].values()} == {
        (False, 1, False)
    }


def test_no_dag_is_paused_because_its_runs_are_red(loaded: Any) -> None:
    """Whatever is set for all DAGs of an Airflow: red is every run of a job while it deviates."""
    assert {dag["failures"] for dag in loaded["good"]["dags"].values()} == {0}


def test_what_hangs_does_not_silence_agent_and_audit(loaded: Any) -> None:
    limits = {name: dag["limit"] for name, dag in loaded["good"]["dags"].items()}
    jobs = {limits[name] for name in limits.keys() - OWN}
    assert (limits["bridgehead_agent"], limits["bridgehead_audit"], jobs) == (
        "1:00:00",
        "2 days, 0:00:00",
        {None},
    )


def test_every_way_of_writing_a_schedule(loaded: Any) -> None:
    dags = loaded["good"]["dags"]
    found = {name: (dag["timetable"], dag["schedule"]) for name, dag in dags.items()}
    assert found["cron"] == ("CronTriggerTimetable", "*/10 * * * *")
    assert found["interval"] == ("DeltaTriggerTimetable", "0:01:30")
    assert found["continuous"] == ("ContinuousTimetable", "")
    assert found["manual"] == ("NullTimetable", "")
    assert found["three"] == ("DeltaTriggerTimetable", "1:00:00")
    assert found["days"] == ("DeltaTriggerTimetable", "2 days, 0:00:00")
    assert found["plain"] == ("DeltaTriggerTimetable", "0:05:00")
    assert loaded["bad"]["dags"]["fine"]["schedule"] == "0:10:00"


def test_one_task_unless_the_job_asks_for_three(loaded: Any) -> None:
    dags = loaded["good"]["dags"]
    assert dags["cron"]["tasks"] == {"run": []}
    assert dags["three"]["tasks"] == {
        "pull": ["push", "reconcile"],
        "push": ["reconcile"],
        "reconcile": [],
    }
    assert set(dags["three"]["retries"].values()) == {4}


def test_the_agent_does_every_step_of_housekeeping(loaded: Any) -> None:
    source = (DAGS / "bridgehead_dag" / "housekeeping.py").read_text("utf-8")
    written = re.findall(r'^    "(\w+)": \1,$', source, re.MULTILINE)
    assert {"configuration", "ledger", "standing"} <= {*written}
    assert [*loaded["good"]["dags"]["bridgehead_agent"]["tasks"]] == written


def test_the_report_waits_for_the_comparisons(loaded: Any) -> None:
    tasks = loaded["good"]["dags"]["bridgehead_audit"]["tasks"]
    assert tasks["compare"] == ["all_compared", "report"]


def test_a_bad_file_harms_no_other(loaded: Any) -> None:
    assert loaded["bad"]["dags"].keys() == {"fine", "titled", "bridge_config_errors"} | OWN


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("jobs/broken.yaml:3", "is not YAML"),
        ("jobs/cron61.yaml", "61 * * * *"),
        ("jobs/never.yaml", "'sometimes' is no cron line"),
        ("jobs/endless.yaml", "tasks: three cannot go on without an end"),
        ("jobs/typo.yaml", "captur: unknown key; did you mean 'capture'?"),
        ("jobs/nothing.yaml", "must hold keys and values"),
        ("jobs/named.yaml", "'other' must be the file's name"),
        ("jobs/old.yml", "rename it to old.yaml"),
        ("jobs/bytes.yaml", "jobs/bytes.yaml"),
        ("jobs/bridgehead_agent.yaml", "one of Bridgehead's own DAGs"),
        ("jobs/twin1.yaml", "one table belongs to one job"),
        ("jobs/twin2.yaml", "one table belongs to one job"),
        ("jobs/deep.yaml", "is nested deeper than 30 levels"),
        ("jobs/pipe.yaml", "is not a file"),
        ("jobs/unprinted.yaml", r"source.endpoint: 'a\x00b' is no name"),
        ("jobs/unprintable.yaml", r"source.table: '\x7ft' is no name"),
        ("jobs/again.yaml", "schedule: is longer than 150 characters"),
        ("jobs/key.yaml", "a b: unknown key"),
        ("jobs/ .yaml", "must hold keys and values"),
    ],
)
def test_the_page_of_configuration_errors_names_file_and_fault(
    loaded: Any, file: str, what: str
) -> None:
    lines = loaded["bad"]["dags"]["bridge_config_errors"]["doc"].splitlines()
    (line,) = [line for line in lines if f"`{file}`" in line]
    assert what in line


def test_a_folder_that_may_not_be_read_is_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "jobs").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert list(map(str, reading.read_jobs(tmp_path))) == [
        f"{tmp_path / 'jobs'}: cannot be read: Permission denied"
    ]


def test_a_title_is_shown_as_far_as_airflow_can_keep_it(tmp_path: Path) -> None:
    folder = _config(tmp_path / "c", titled={"title": "a\0b" + "长" * 3_000})
    (entry,) = reading.read_jobs(folder)
    assert isinstance(entry, reading.Entry)
    assert (entry.title[:4], len(entry.title)) == ("a b长", 500)


def test_a_missing_folder_is_a_configuration_error(loaded: Any) -> None:
    assert "no such folder" in loaded["absent"]["dags"]["bridge_config_errors"]["doc"]


def test_a_worker_builds_the_one_dag_that_it_needs(loaded: Any) -> None:
    assert loaded["one"]["dags"].keys() == {"cron"}


def test_parsing_imports_no_engine(loaded: Any) -> None:
    assert [told["heavy"] for told in loaded.values()] == [[]] * 5


def test_233_job_files_take_less_than_a_second(loaded: Any) -> None:
    """CPU time, half a second on a slow machine; the margin is for one that counts badly."""
    assert len(loaded["many"]["dags"]) == _MANY + len(OWN)
    assert loaded["many"]["seconds"] < 1.5


def test_the_light_reader_knows_the_keys_of_a_job() -> None:
    assert frozenset(Job.model_fields) == reading.KEYS


def test_pools_are_named_only_once_they_are_made(
    tmp_path: Path, airflow: Airflow, loaded: Any
) -> None:
    assert {*loaded["good"]["dags"]["three"]["pools"].values()} == {"default_pool"}
    config = _config(tmp_path / "good", cron={}, three={"tasks": "three"})
    (tmp_path / "bridgehead_pools.json").write_text(
        json.dumps({"endpoint_business": {"slots": 3}, "endpoint_centre": {"slots": 3}}), "utf-8"
    )
    dags = airflow("load.py", config, AIRFLOW_HOME=tmp_path)["good"]["dags"]
    assert dags["cron"]["pools"] == {"run": "endpoint_business"}
    assert dags["three"]["pools"] == {
        "pull": "endpoint_business",
        "push": "endpoint_centre",
        "reconcile": "endpoint_centre",
    }
