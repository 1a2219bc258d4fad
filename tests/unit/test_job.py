"""What a job may say, what it refuses, and what decides its content hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.configuration.catalogue import Catalogue
from bridge.configuration.schedule import longest_gap_seconds
from bridge.configuration.valuetype import value_type
from bridge.job import Job
from connectors.errors import ConfigurationError
from connectors.table import Kind, Type

Data = dict[str, Any]

MINIMAL: Data = {
    "job": "population",
    "source": {"endpoint": "business", "table": "population"},
    "capture": {"method": "cursor", "column": "updated_at"},
    "target": {"endpoint": "centre", "table": "population"},
}
CODES: Mapping[str, Mapping[str, str]] = {"sex": {"男": "1", "女": "2"}, "other": {"a": "b"}}


def job(**changes: Any) -> Job:
    return Job.model_validate({**MINIMAL, **changes})


def capture(**changes: Any) -> Job:
    return job(capture={"method": "cursor", "column": "updated_at", **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        job(**changes)
    return "\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in caught.value.errors())


def test_defaults() -> None:
    minimal = job()
    assert minimal.key == ()
    assert minimal.columns is None
    assert minimal.schedule == minimal.schedule_kind == "manual"
    assert minimal.empty_every == 3600
    assert (minimal.max_delete, minimal.chunk_rows) == (None, None)
    assert (minimal.target.adopt, minimal.target.ddl) == (False, True)
    found = minimal.capture
    assert (found.stamp, found.timezone) == ("application", None)
    assert (found.overlap, found.margin, found.drain_wait, found.horizon_limit) == (60, 1, 5, 600)
    assert found.deletes.sweep == 86400


def test_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError):
        job().job = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("1d", 86400), ("7", 7), (7, 7)]
)
def test_durations(text: str | int, seconds: int) -> None:
    assert capture(overlap=text).capture.overlap == seconds


@pytest.mark.parametrize(
    "text", ["1w", "-1", "1.5h", "", "h", "１０", "1 h", "367d", "9" * 5000, True, None, [], {}]
)
def test_what_is_not_a_duration(text: object) -> None:
    assert "empty_every" in refusal(empty_every=text)


@pytest.mark.parametrize(
    ("key", "value"),
    [("overlap", "32d"), ("margin", "2h"), ("drain_wait", "1d"), ("horizon_limit", 0)],
)
def test_absurd_durations(key: str, value: object) -> None:
    capture_data = {"method": "cursor", "column": "t", key: value}
    assert f"capture.{key}" in refusal(capture=capture_data)


@pytest.mark.parametrize(
    ("text", "sweep", "off", "every_run"),
    [
        ("daily", 86400, False, False),
        ("every_run", 0, False, True),
        ("off", None, True, False),
        ("1h", 3600, False, False),
    ],
)
def test_sweeps(text: str, sweep: int | None, off: bool, every_run: bool) -> None:
    deletes = capture(deletes={"sweep": text}).capture.deletes
    assert (deletes.sweep, deletes.off, deletes.every_run) == (sweep, off, every_run)


def test_an_unknown_sweep() -> None:
    data = {"method": "compare", "deletes": {"sweep": "hourly"}}
    assert "write every_run, daily, off or an interval" in refusal(capture=data)


def test_a_continuous_job_reads_two_seconds_again() -> None:
    assert job(schedule="continuous").capture.overlap == 2


def test_a_continuous_job_keeps_the_overlap_it_states() -> None:
    stated = {"method": "cursor", "column": "t", "overlap": "30s"}
    assert job(schedule="continuous", capture=stated).capture.overlap == 30


@pytest.mark.parametrize(
    ("schedule", "kind"),
    [
        ("*/10 * * * *", "cron"),
        ("0 2 * * *", "cron"),
        ("10m", "interval"),
        (600, "interval"),
        ("continuous", "continuous"),
        ("manual", "manual"),
    ],
)
def test_schedules(schedule: object, kind: str) -> None:
    assert job(schedule=schedule).schedule_kind == kind


@pytest.mark.parametrize("cycle", [None, "irregular"])
def test_three_tasks_are_not_continuous(cycle: str | None) -> None:
    data: Data = {"schedule": "continuous", "catalogue": {"update_cycle": cycle}}
    assert "tasks: three cannot go on" in refusal(tasks="three", **data)
    assert job(tasks="one", **data).tasks == "one"


@pytest.mark.parametrize(
    "schedule",
    [
        "60 * * * *",
        "* * * *",
        "0 0 * * * *",
        "@daily",
        "0 0 31 2 *",
        "0",
        "hourly",
        "",
        "1 " * 500,
        "9" * 150 + " * * * *",
        "* * * * 1-",
        "*/0 * * * *",
        "5-5 * * * *",
        "5-05 * * * *",
        "5/10 * * * *",
        "0 0 * * mon-mon",
        "0 0 * * mon-1",
        "0 0 * * 1/2",
        "0 0 * * 5L",
        "0 0 * * 1#1",
        "0 0 LW * *",
        "0 0 */2 * */2",
        "0 0 1 * */2",
        "0 0 */1 * 1",
        None,
        [],
    ],
)
def test_what_is_not_a_schedule(schedule: object) -> None:
    assert "schedule" in refusal(schedule=schedule)


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("5,45 8-18 * * *", 13 * 3600 + 20 * 60),  # from 18:45 to 8:05
        ("5,45 8-18 * * 1-5", 2 * 86400 + 13 * 3600 + 20 * 60),
        ("20 6,18 * * *", 12 * 3600),
        ("0 0 L * *", 31 * 86400),
        ("0 0 1 * mon", 7 * 86400),
        ("0 0 29 2 *", (4 * 365 + 1) * 86400),
        ("90m", 5400),
        ("continuous", 0),
        ("manual", None),
    ],
)
def test_the_longest_time_between_two_runs(schedule: str, seconds: int | None) -> None:
    assert longest_gap_seconds(schedule) == seconds


@pytest.mark.parametrize(
    ("cycle", "schedule", "fits"),
    [
        (None, "0 2 * * *", True),
        (None, "0 2 * * 1", False),
        (None, "25h", False),
        (None, "manual", True),
        ("daily", "*/10 8-18 * * 1-5", False),
        ("1 working days", "*/10 8-18 * * 1-5", True),
        ("1 working days", "0 2 * * 1", False),
        ("5 working days", "0 2 * * 1", True),
        ("weekly", "0 2 * * 1", True),
        ("weekly", "0 2 1 * *", False),
        ("monthly", "0 2 1 * *", True),
        ("monthly", "0 2 1 */2 *", False),
        ("quarterly", "0 2 1 */3 *", True),
        ("yearly", "0 2 1 1 *", True),
        ("yearly", "0 2 29 2 *", False),
        ("realtime", "*/30 * * * *", True),
        ("realtime", "0 */2 * * *", False),
        ("realtime", "*/10 0-6,20-23 * * *", False),
        ("realtime", "continuous", True),
        ("irregular", "0 2 29 2 *", True),
    ],
)
def test_a_schedule_is_not_slower_than_the_update_cycle(
    cycle: str | None, schedule: str, fits: bool
) -> None:
    data: Data = {"schedule": schedule, "catalogue": {"update_cycle": cycle}}
    if fits:
        assert job(**data).schedule == schedule
    else:
        assert "slower than the update cycle" in refusal(**data)


def test_silence_is_not_longer_than_the_update_cycle() -> None:
    assert "empty_every: 2d is longer" in refusal(empty_every="2d")
    assert job(empty_every="2d", catalogue={"update_cycle": "weekly"}).empty_every == 172_800


@pytest.mark.parametrize("cycle", ["hourly", "0 working days", "working days", "dialy", ""])
def test_unknown_update_cycles(cycle: str) -> None:
    assert "is not an update cycle" in refusal(catalogue={"update_cycle": cycle})


def test_a_cursor_needs_a_column() -> None:
    assert "column" in refusal(capture={"method": "cursor"})
    assert job(capture={"method": "compare"}).capture.column is None


@pytest.mark.parametrize("method", ["trigger", "log"])
def test_methods_to_come(method: str) -> None:
    assert "not available in this release" in refusal(capture={"method": method})


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC"])
def test_time_zones(zone: str) -> None:
    assert capture(timezone=zone).capture.timezone == zone


@pytest.mark.parametrize("zone", ["Asia/Shangai", "America", "../../etc/passwd", "", "\0", "CST8"])
def test_unknown_time_zones(zone: str) -> None:
    data = {"method": "cursor", "column": "t", "timezone": zone}
    assert "is not a time zone" in refusal(capture=data)


def test_a_time_zone_is_suggested() -> None:
    data = {"method": "cursor", "column": "t", "timezone": "Asia/Shangai"}
    assert "did you mean 'Asia/Shanghai'?" in refusal(capture=data)


@pytest.mark.parametrize("source", [{}, {"table": "a", "query": "select 1"}, {"query": " ; "}])
def test_a_source_is_a_table_or_a_query(source: Data) -> None:
    assert "source" in refusal(source={"endpoint": "business", **source}, key=["id"])


def test_a_query_names_its_key() -> None:
    source = {"endpoint": "business", "query": "select id from t ;\n"}
    assert "has no primary key" in refusal(source=source)
    assert job(source=source, key=["id"]).source.query == "select id from t"


def test_a_query_has_no_schema() -> None:
    source = {"endpoint": "business", "query": "select 1", "schema": "s"}
    assert "no effect on a query" in refusal(source=source, key=["id"])


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "x" * 129, None, []])
def test_what_is_not_a_name(name: object) -> None:
    assert "target.table" in refusal(target={"endpoint": "centre", "table": name})


@pytest.mark.parametrize("name", ["Population", "_a", "a b", "人口", "a" * 41, "", "../a"])
def test_what_is_not_a_job_name(name: str) -> None:
    assert "is not a job name" in refusal(job=name)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"mask": "id"}, "must arrive as it is"),
        ({"codes": "sex"}, "must arrive as it is"),
        ({"sharing": "none"}, "a key must be shared"),
    ],
)
def test_a_key_arrives_as_it_is(column: Data, said: str) -> None:
    assert said in refusal(key=["id"], columns={"id": column, "name": {}})


def test_a_key_is_listed() -> None:
    assert "did you mean 'id_no'?" in refusal(key=["idno"], columns={"id_no": {}})
    assert "names 'a' twice" in refusal(key=["a", "a"])


def test_a_column_is_masked_or_translated() -> None:
    columns = {"id": {}, "sex": {"mask": "name", "codes": "sex"}}
    assert "cannot stand beside codes" in refusal(columns=columns)


def test_a_mask_to_come() -> None:
    assert "not available in this release" in refusal(columns={"id": {}, "a": {"mask": "hash"}})


def test_two_columns_go_to_two_columns() -> None:
    columns = {"a": {"to": "X"}, "x": {}}
    assert "goes to the target column 'x', as 'a' does" in refusal(columns=columns)


def test_a_job_shares_something() -> None:
    assert "shares no column" in refusal(columns={})
    assert "shares no column" in refusal(columns={"a": {"sharing": "none"}})


def test_shared_columns() -> None:
    columns = {"id": None, "sex": {"to": "sex_code"}, "note": {"sharing": "none"}}
    available = ["note", "sex", "id", "salary"]
    assert job(columns=columns).shared_columns(available) == {"sex": "sex_code", "id": "id"}
    assert list(job(columns=columns).shared_columns(available)) == ["sex", "id"]
    assert job().shared_columns(available) == {name: name for name in available}


def test_a_condition_is_stated() -> None:
    assert "say on what condition" in refusal(catalogue={"sharing": "conditional"})


def test_what_may_not_be_shared_is_refused() -> None:
    job().require_shareable()
    with pytest.raises(ConfigurationError, match="不予共享") as caught:
        job(catalogue={"sharing": "none"}).require_shareable()
    assert caught.value.exit_code == 2


def test_a_resource_code() -> None:
    assert job(catalogue={"code": "307010010001/000001"}).catalogue.code
    for code in ("", "/1", "30701 0001", "3" * 65):
        assert "is not a resource code" in refusal(catalogue={"code": code})


def test_the_provider_is_checked() -> None:
    assert Catalogue(provider_code="113301000024895242").provider_code
    assert "place 18" in refusal(catalogue={"provider_code": "113301000024895243"})


COLUMNS: Data = {"id": None, "sex": {"codes": "sex"}, "phone": {"mask": "phone"}}
FULL: Data = {"key": ["id"], "columns": COLUMNS}


def content_hash(codes: Mapping[str, Mapping[str, str]] = CODES, **changes: Any) -> str:
    return job(**{**FULL, **changes}).content_hash(codes)


def with_column(name: str, **column: Any) -> Data:
    return {**COLUMNS, name: {**(COLUMNS.get(name) or {}), **column}}


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "人口"},
        {"schedule": "10m"},
        {"schedule": "continuous"},
        {"catalogue": {"summary": "x", "update_cycle": "weekly", "sharing": "none"}},
        {"empty_every": 0},
        {"max_delete": 1},
        {"chunk_rows": 7},
        {"target": {**MINIMAL["target"], "adopt": True, "ddl": False}},
        {"capture": {**MINIMAL["capture"], "overlap": 0, "stamp": "database", "margin": 0}},
        {"capture": {**MINIMAL["capture"], "deletes": {"sweep": "off"}, "drain_wait": 1}},
        {"columns": with_column("phone", title="电话", sharing="conditional")},
        {"columns": {**COLUMNS, "secret": {"sharing": "none", "mask": "id"}}},
        {"columns": dict(reversed(COLUMNS.items()))},
    ],
    ids=str,
)
def test_what_does_not_hold_a_job(changes: Data) -> None:
    assert content_hash(**changes) == content_hash()


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ["id", "phone"], "columns": {"id": None, "phone": None}},
        {"source": {**MINIMAL["source"], "table": "other"}},
        {"source": {**MINIMAL["source"], "endpoint": "other"}},
        {"source": {**MINIMAL["source"], "schema": "other"}},
        {"source": {"endpoint": "business", "query": "select 1"}},
        {"target": {**MINIMAL["target"], "table": "other"}},
        {"target": {**MINIMAL["target"], "endpoint": "other"}},
        {"target": {**MINIMAL["target"], "schema": "other"}},
        {"capture": {"method": "compare"}},
        {"capture": {**MINIMAL["capture"], "column": "other"}},
        {"capture": {**MINIMAL["capture"], "timezone": "UTC"}},
        {"columns": None},
        {"columns": with_column("phone", mask="id")},
        {"columns": with_column("phone", rule="resident_id")},
        {"columns": with_column("phone", to="mobile")},
        {"columns": with_column("phone", sharing="none")},
        {"columns": with_column("more")},
        {"columns": with_column("sex", codes="other")},
    ],
    ids=str,
)
def test_what_holds_a_job(changes: Data) -> None:
    assert content_hash(**changes) != content_hash()


def test_the_content_of_a_code_table_counts_if_it_is_used() -> None:
    assert content_hash({**CODES, "sex": {"男": "1", "女": "3"}}) != content_hash()
    assert content_hash({**CODES, "other": {}}) == content_hash()


def test_the_content_hash_is_the_same_in_every_release() -> None:
    """A changed value here means: after the upgrade every job is held until it is sent again."""
    expected = "b823980b7fec9f704b13bb741efc4cc8aeec36916e680986b4a97552acbc398c"
    assert content_hash() == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("boolean", Type(Kind.BOOLEAN)),
        ("date", Type(Kind.DATE)),
        ("time", Type(Kind.TIME)),
        ("text(18)", Type(Kind.TEXT, length=18)),
        ("decimal(38, 38)", Type(Kind.DECIMAL, precision=38, scale=38)),
        ("decimal(12)", Type(Kind.DECIMAL, precision=12, scale=0)),
        ("decimal", Type(Kind.DECIMAL)),
    ],
)
def test_the_type_of_a_files_column(text: str, found: Type) -> None:
    assert value_type(text) == found
    assert job(columns={"id": {"type": text}}).columns["id"].type == text


@pytest.mark.parametrize(
    "text",
    ["number", "text(0)", "text(5,1)", "date(3)", "decimal(0)", "decimal(39)", "decimal(3,4)"],
)
def test_what_is_no_type_of_a_files_column(text: str) -> None:
    assert f"'{text}' is not a type of value" in refusal(columns={"id": {"type": text}})
