"""A configuration directory: what loads, what is refused, and what is said about it."""

# ruff: noqa: E501 - a message is compared as a whole, and stands beside what causes it

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.configuration.creditcode import credit_code_fault
from bridge.guarantee import guarantee_of
from bridge.settings import Deployment, Problem, find_directory, load
from bridge.watched import Watched
from connectors.errors import ConfigurationError

SETTINGS = """\
department: {code: 113301000024895242, name: 市市场监督管理局}
endpoints:
  business:
    family: postgresql
    host: 10.1.1.5
    database: register
    user: bridge
    password: {env: BUSINESS_PASSWORD}
  exchange: {family: postgresql, database: exchange, password: {file: secrets/exchange}}
  centre: {family: sqlite, path: centre.db}
exchange: exchange
"""

JOB = """\
job: population
source: {endpoint: business, table: population}
key: [id]
capture:
  method: cursor
  column: updated_at
columns:
  id:
  sex: {codes: sex}
target: {endpoint: centre, table: population}
"""

CODES = "code,name,values\n1,男性,男|M\n2,女性,\n"

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(file: str, content: str | bytes) -> Path:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    _write("bridgehead.yaml", SETTINGS)
    _write("jobs/population.yaml", JOB)
    _write("codes/sex.csv", CODES)
    return _write


@pytest.fixture
def directory(write: Write, tmp_path: Path) -> Path:
    return tmp_path


def refused(directory: Path) -> list[str]:
    """What load says of a bridgehead.yaml that cannot be used."""
    with pytest.raises(ConfigurationError) as caught:
        load(directory)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


def said(directory: Path) -> list[str]:
    return [str(problem) for problem in load(directory).problems]


def job_with(old: str, new: str) -> str:
    assert old in JOB
    return JOB.replace(old, new)


def settings_with(old: str, new: str) -> str:
    assert old in SETTINGS
    return SETTINGS.replace(old, new)


# --- what loads


def test_a_deployment(directory: Path) -> None:
    deployment = load(directory)
    assert deployment.problems == ()
    assert deployment.department.code == "113301000024895242"
    assert deployment.exchange == "exchange"
    assert deployment.defaults.chunk_rows == 25_000
    assert deployment.code_tables == {"sex": {"男": "1", "M": "1", "2": "2"}}
    job = deployment.job("population")
    assert deployment.chunk_rows(job) == 25_000
    assert deployment.content_hash(job) == job.content_hash(deployment.code_tables)


def test_a_job_states_its_own_chunk(write: Write) -> None:
    deployment = load(write("jobs/population.yaml", JOB + "chunk_rows: 7\n"))
    assert deployment.chunk_rows(deployment.job("population")) == 7


def test_words_are_what_they_look_like(write: Write) -> None:
    """YAML 1.1 would read `off` and `no` as false and `0012` as ten."""
    text = job_with("key: [id]", "key: [no]").replace("  id:", "  no: {to: 0012}")
    text = text.replace("column: updated_at", "column: on\n  deletes: {sweep: off}")
    job = load(write("jobs/population.yaml", text)).job("population")
    assert job.key == ("no",)
    assert job.columns is not None
    assert job.columns["no"].to == "0012"
    assert job.capture.column == "on"
    assert job.capture.deletes.off


@pytest.mark.parametrize("value", ["null", "Null", "NULL", "~", "''", "'null'", '"~"'])
def test_nothing_and_the_word_for_it(write: Write, value: str) -> None:
    job = load(write("jobs/population.yaml", JOB + f"title: {value}\n")).jobs.get("population")
    if value == "''":
        assert job is None  # an empty title
        return
    assert job is not None
    assert job.title == (value.strip("'\"") if value[0] in "'\"" else None)


def test_a_job_of_many_columns(write: Write) -> None:
    columns = "".join(f"  c{number}: {{title: 列{number}}}\n" for number in range(1000))
    job = load(write("jobs/population.yaml", job_with("  id:\n", f"  id:\n{columns}")))
    assert len(job.job("population").columns or ()) == 1002


def test_a_byte_order_mark(write: Write) -> None:
    for file, text in (("bridgehead.yaml", SETTINGS), ("codes/sex.csv", CODES)):
        directory = write(file, b"\xef\xbb\xbf" + text.encode())
    assert load(directory).problems == ()


def test_aliases(write: Write) -> None:
    text = job_with("sex: {codes: sex}", "sex: &sex {codes: sex}\n  gender: *sex")
    assert said(write("jobs/population.yaml", text)) == []


def test_no_jobs(directory: Path) -> None:
    (directory / "jobs/population.yaml").unlink()
    assert load(directory).jobs == {}


# --- endpoints and their secrets


@pytest.fixture
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSINESS_PASSWORD", "opensesame")


@pytest.mark.usefixtures("_password")
def test_an_endpoint_from_the_environment(directory: Path) -> None:
    endpoint = load(directory).endpoint("business")
    assert (endpoint.family, endpoint.host, endpoint.database) == (
        "postgresql",
        "10.1.1.5",
        "register",
    )
    assert endpoint.password is not None
    assert endpoint.password.reveal() == "opensesame"
    assert "opensesame" not in repr(endpoint)


def test_an_endpoint_from_a_file(write: Write) -> None:
    deployment = load(write("secrets/exchange", "open sesame \r\n"))
    password = deployment.endpoint("exchange").password
    assert password is not None
    assert password.reveal() == "open sesame "


def test_a_host_is_a_name_or_the_directory_of_a_socket(write: Write) -> None:
    at = settings_with("host: 10.1.1.5", "host: /var/run/postgresql")
    deployment = load(write("bridgehead.yaml", at))
    assert deployment.endpoints["business"].host == "/var/run/postgresql"
    for wrong in ("10.1.1.5/register", "/var/run@hunter2", "'10.1.1.5 '"):
        at = settings_with("host: 10.1.1.5", f"host: {wrong}")
        (problem,) = refused(write("bridgehead.yaml", at))
        assert problem.startswith("bridgehead.yaml:5 endpoints.business.host: must be a host name")


def test_a_path_starts_at_the_configuration(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load(directory).endpoint("centre").path == str(directory / "centre.db")


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_variable(
    directory: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("BUSINESS_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("BUSINESS_PASSWORD", value)
    deployment = load(directory)
    with pytest.raises(ConfigurationError, match="BUSINESS_PASSWORD") as caught:
        deployment.endpoint("business")
    assert caught.value.endpoint == "business"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe\x00", b"x" * 70_000])
def test_an_unusable_secret_file(write: Write, directory: Path, content: bytes | None) -> None:
    if content is not None:
        write("secrets/exchange", content)
    with pytest.raises(ConfigurationError, match="secrets/exchange") as caught:
        load(directory).endpoint("exchange")
    assert caught.value.endpoint == "exchange"
    assert "xxx" not in str(caught.value)
    assert "0xff" not in str(caught.value)  # as a decoding error tells it


def test_an_unknown_endpoint(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'centre'"):
        load(directory).endpoint("center")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("password: {env: BUSINESS_PASSWORD}", "password: hunter2"),
        ("password: {env: BUSINESS_PASSWORD}", "password: [hunter2]"),
        ("password: {env: BUSINESS_PASSWORD}", "password: {value: hunter2}"),
        ("password: {env: BUSINESS_PASSWORD}", "password: {env: hunter2!}"),
        ("password: {env: BUSINESS_PASSWORD}", "password: {env: A, file: hunter2}"),
        ("password: {env: BUSINESS_PASSWORD}", "options: {password: hunter2}"),
        ("password: {env: BUSINESS_PASSWORD}", "tls: {sslpassword: hunter2}"),
        ("host: 10.1.1.5", "host: bridge:hunter2@10.1.1.5"),
        ("family: postgresql\n", "family: pg://bridge:hunter2@10.1.1.5/register\n"),
        ("exchange: exchange\n", "exchange: pg://bridge:hunter2@10.1.1.5/register\n"),
        ("host: 10.1.1.5", "url: postgresql://bridge:hunter2@10.1.1.5/register"),
    ],
)
def test_a_password_as_text_is_refused_and_not_repeated(write: Write, old: str, new: str) -> None:
    problems = refused(write("bridgehead.yaml", settings_with(old, new)))
    assert problems
    assert "hunter2" not in "\n".join(problems)


def test_an_endpoint_that_is_a_connection_string(write: Write) -> None:
    text = settings_with("centre: {family: sqlite, path: centre.db}", "centre: pg://u:hunter2@h/d")
    (problem,) = refused(write("bridgehead.yaml", text))
    assert problem.startswith("bridgehead.yaml:10 endpoints.centre: must be a mapping")
    assert "hunter2" not in problem


# --- bridgehead.yaml


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("exchange: exchange\n", "exchange: echange\n", ":11 exchange: unknown endpoint 'echange'; did you mean 'exchange'?"),
        ("exchange: exchange\n", "", ":1 exchange: is missing"),
        ("exchange: exchange\n", "exchange: exchange\nexchnge: a\n", ":12 exchnge: unknown key 'exchnge'; did you mean 'exchange'?"),
        ("family: sqlite", "family: sqlit", ":10 endpoints.centre.family: unknown family 'sqlit'; did you mean 'sqlite'?"),
        ("host:", "hots:", ":5 endpoints.business.hots: unknown key 'hots'; did you mean 'host'?"),
        ("database: register", "port: 5432", ":3 endpoints.business.database: is missing: an endpoint of family postgresql needs it"),
        (", path: centre.db", "", ":10 endpoints.centre.path: is missing: an endpoint of family sqlite needs it"),
        ("895242", "895243", ":1 department.code: '113301000024895243' is not a unified social credit code: place 18 (check character) must be 2"),
        ("name: 市市场监督管理局", "nmae: a", ":1 department.nmae: unknown key 'nmae'; did you mean 'name'?"),
        ("user: bridge", "port: 70000", ":7 endpoints.business.port: input should be less than or equal to 65535, found '70000'"),
        ("user: bridge", "port: http", ":7 endpoints.business.port: must be a whole number, found 'http'"),
        ("user: bridge", "connect_timeout: 1y", ":7 endpoints.business.connect_timeout: '1y' is not a duration; write 90s, 10m, 1h, 1d or plain seconds"),
    ],
)  # fmt: skip
def test_what_is_said_about_the_settings(write: Write, old: str, new: str, expected: str) -> None:
    assert "bridgehead.yaml" + expected in refused(
        write("bridgehead.yaml", settings_with(old, new))
    )


def test_no_settings(directory: Path) -> None:
    (directory / "bridgehead.yaml").unlink()
    assert refused(directory)[0] == "bridgehead.yaml: does not exist"


def test_all_problems_of_all_files_are_told_together(write: Write) -> None:
    write("bridgehead.yaml", settings_with("exchange: exchange\n", "exchange: x\ndefaults: 1\n"))
    write("codes/sex.csv", "a,b\n")
    directory = write("jobs/population.yaml", job_with("endpoint: centre", "endpoint: center"))
    problems = refused(directory)
    files = {problem.partition(":")[0] for problem in problems}
    assert files == {"bridgehead.yaml", "codes/sex.csv", "jobs/population.yaml"}
    assert any("defaults" in problem for problem in problems)
    assert any("did you mean 'centre'" in problem for problem in problems)


def test_an_endpoint_at_fault_is_still_known(write: Write) -> None:
    problems = refused(write("bridgehead.yaml", settings_with("family: sqlite", "family: a")))
    assert not any("jobs/" in problem for problem in problems)


def test_families_can_be_given(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown family 'postgresql'"):
        load(directory, families={})


# --- job files


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  column: updated_at", "  colum: updated_at", ":6 capture.colum: unknown key 'colum'; did you mean 'column'?"),
        ("  column: updated_at\n", "", ":4 capture.column: is missing: name the column that holds a row's last change, or use compare"),
        ("method: cursor", "method: cursr", ":5 capture.method: 'cursr' is not known; did you mean 'cursor'?"),
        ("endpoint: business", "endpoint: busines", ":2 source.endpoint: unknown endpoint 'busines'; did you mean 'business'?"),
        ("codes: sex", "codes: sexx", ":9 columns.sex.codes: unknown code table 'sexx'; did you mean 'sex'?"),
        ("codes: sex", "cods: sex", ":9 columns.sex.cods: unknown key 'cods'; did you mean 'codes'?"),
        ("codes: sex", "mask: phon", ":9 columns.sex.mask: 'phon' is not known; did you mean 'phone'?"),
        ("key: [id]", "key: [idd]", ":3 key[0]: 'idd' is not among the columns; did you mean 'id'?; a key must be shared"),
        ("key: [id]", "key: id", ":3 key: must be a list, found 'id'"),
        ("key: [id]", "key: [id]\nkey: [sex]", ":4 key: the key 'key' is already set in line 3; keep one"),
        ("key: [id]", "key: [id]\nschedule: hourly", ":4 schedule: 'hourly' is not a schedule ('hourly' is not a duration; write 90s, 10m, 1h, 1d or plain seconds); write a cron line such as '*/10 * * * *', an interval such as 10m, continuous or manual"),
        ("key: [id]", "key: [id]\nschedule: 2d", ":4 schedule: runs up to 2d apart, slower than the update cycle (none given: daily); run it more often or correct catalogue.update_cycle"),
        ("job: population", "job: people", ":1 job: 'people' must be the file's name; rename one of them to the other ('population')"),
        ("job: population\n", "", ":1 job: is missing"),
        ("{endpoint: centre, table: population}", "centre", ":10 target: must be a mapping, found a text"),
        ("key: [id]", "key: [id]\nmax_delete: -1", ":4 max_delete: input should be greater than or equal to 0, found '-1'"),
    ],
)  # fmt: skip
def test_what_is_said_about_a_job(write: Write, old: str, new: str, expected: str) -> None:
    deployment = load(write("jobs/population.yaml", job_with(old, new)))
    assert "jobs/population.yaml" + expected in [str(p) for p in deployment.problems]
    with pytest.raises(ConfigurationError) as caught:
        deployment.job("population")
    assert caught.value.exit_code == 2
    assert expected in str(caught.value)


def test_many_mistakes_are_told_at_once(write: Write) -> None:
    text = job_with("business", "bussiness").replace("centre", "center")
    text = text.replace("cursor", "cursr").replace("codes: sex", "codes: six") + "titel: a\n"
    assert len(said(write("jobs/population.yaml", text))) == 5


def test_a_bad_file_harms_no_other_job(write: Write) -> None:
    write("jobs/bad.yaml", "job: [")
    deployment = load(write("jobs/worse.yaml", b"\xff\xfe"))
    assert deployment.job("population").job == "population"
    assert deployment.bad_jobs == ("bad", "worse")
    for name in deployment.bad_jobs:
        with pytest.raises(ConfigurationError, match=f"jobs/{name}.yaml"):
            deployment.job(name)


def test_an_unknown_job(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown job 'popolation'; did you mean"):
        load(directory).job("popolation")


def test_a_job_file_of_another_ending(write: Write) -> None:
    deployment = load(write("jobs/enterprise.yml", "job: enterprise\n"))
    assert deployment.bad_jobs == ("enterprise",)
    with pytest.raises(ConfigurationError, match="is not read; rename it"):
        deployment.job("enterprise")


def test_a_second_file_of_another_ending_harms_nothing(write: Write) -> None:
    deployment = load(write("jobs/population.yml", JOB))
    assert deployment.bad_jobs == ()
    assert deployment.job("population").job == "population"
    assert len(deployment.problems) == 1


def test_hidden_files_are_an_editors(write: Write) -> None:
    assert said(write("jobs/.population.yaml", "{")) == []


def copy(name: str, target: str) -> str:
    return job_with("job: population", f"job: {name}").replace(
        "target: {endpoint: centre, table: population}", f"target: {target}"
    )


@pytest.mark.parametrize("target", ["{endpoint: centre, table: Population}", "{endpoint: same, table: population}"])  # fmt: skip
def test_two_jobs_on_one_table(write: Write, target: str) -> None:
    same = "  same: {family: sqlite, path: ./centre.db}\nexchange: exchange\n"
    write("bridgehead.yaml", settings_with("exchange: exchange\n", same))
    write("jobs/other.yaml", copy("other", "{endpoint: centre, table: other}"))
    deployment = load(write("jobs/people.yaml", copy("people", target)))
    assert list(deployment.jobs) == ["other"]
    assert [str(problem) for problem in deployment.problems] == [
        "jobs/people.yaml:10 target.table: is written by jobs/population.yaml too; one table belongs to one job",
        "jobs/population.yaml:10 target.table: is written by jobs/people.yaml too; one table belongs to one job",
    ]  # fmt: skip


def test_jobs_that_run_in_a_circle(write: Write) -> None:
    """An image of one deletes what is new in the source of another. A chain is none."""
    names = ("circle1", "circle2", "chain")
    places = ("business", "exchange"), ("exchange", "business"), ("business", "centre")
    for name, (source, target) in zip(names, places, strict=True):
        text = copy(name, f"{{endpoint: {target}, table: round}}")
        text = text.replace("{endpoint: business, table: population}", f"{{endpoint: {source}, table: round}}")  # fmt: skip
        deployment = load(write(f"jobs/{name}.yaml", text))
    assert list(deployment.jobs) == ["chain", "population"]
    assert [str(problem) for problem in deployment.problems] == [
        "jobs/circle1.yaml:10 target.table: comes back to its source by jobs/circle2.yaml; let one of them fill another table",
        "jobs/circle2.yaml:10 target.table: comes back to its source by jobs/circle1.yaml; let one of them fill another table",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "promise"),
    [
        ("", "bounded"),
        ("columns: {id: {}, changed: {to: updated_at}}\n", "bounded"),
        ("columns: {id: {}}\n", "lossless"),  # the table has a stamp of its own
    ],
)
def test_stamps_that_another_job_brings_are_not_those_of_the_database(
    write: Write, columns: str, promise: str
) -> None:
    """They are of before: a job that reads the table by them finds late what the other brings."""
    text = copy("population", "{endpoint: centre, table: between}")
    text = text.replace("columns:\n  id:\n  sex: {codes: sex}\n", columns)
    write("jobs/population.yaml", text)
    capture = "capture: {method: cursor, column: updated_at, stamp: database}\n"
    source = "source: {endpoint: centre, table: Between}\ntarget: {endpoint: business, table: t}\n"
    deployment = load(write("jobs/next.yaml", f"job: next\n{source}{capture}"))
    assert deployment.problems == (), deployment.problems
    job = deployment.job("next")
    found = guarantee_of(job, deployment.feeder(job))
    assert found.promise == promise
    assert ("population" in found.why) == (promise == "bounded")
    assert not set("abcdefghijklm") & set(found.words.zh.replace("population", "").replace("updated_at", ""))  # fmt: skip


def test_a_linked_file_is_the_same_store(write: Write, directory: Path) -> None:
    (directory / "link.db").symlink_to(directory / "centre.db")
    linked = "  link: {family: sqlite, path: link.db}\nexchange: exchange\n"
    write("bridgehead.yaml", settings_with("exchange: exchange\n", linked))
    write("jobs/people.yaml", copy("people", "{endpoint: link, table: population}"))
    assert load(directory).bad_jobs == ("people", "population")


@pytest.mark.parametrize(
    ("target", "same"),
    [
        ("{endpoint: business, table: population}", True),
        ("{endpoint: business, table: POPULATION}", True),
        ("{endpoint: again, table: population}", True),
        ("{endpoint: again, table: other}", False),
        ("{endpoint: again, schema: other, table: population}", False),
        ("{endpoint: schema, table: population}", False),
        ("{endpoint: exchange, table: population}", False),
    ],
)
def test_the_source_is_not_the_target(write: Write, target: str, same: bool) -> None:
    again = "  again: {family: postgresql, host: 10.1.1.5, database: register, user: u}\n"
    again += "  schema: {family: postgresql, host: 10.1.1.5, database: register, schema: other}\n"
    write("bridgehead.yaml", settings_with("exchange: exchange\n", again + "exchange: exchange\n"))
    problems = said(write("jobs/population.yaml", copy("population", target)))
    assert len(problems) == same
    assert all("10 target.table: " in p and "is the source itself" in p for p in problems)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", '"::1"'])
def test_this_machine_has_many_names(write: Write, host: str) -> None:
    """Two jobs that fill one table would delete each other's rows."""
    here = f"  here: {{family: postgresql, host: {host}, database: exchange}}\nexchange: exchange\n"
    write("bridgehead.yaml", settings_with("exchange: exchange\n", here))
    write("jobs/population.yaml", copy("population", "{endpoint: exchange, table: centre}"))
    deployment = load(write("jobs/people.yaml", copy("people", "{endpoint: here, table: centre}")))
    assert deployment.bad_jobs == ("people", "population")


def test_what_may_not_be_shared_loads(write: Write) -> None:
    text = JOB + "catalogue: {sharing: none}\n"
    job = load(write("jobs/population.yaml", text)).job("population")
    with pytest.raises(ConfigurationError):
        job.require_shareable()


# --- code tables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "codes/sex.csv:1: the first line must be code,name,values, found ''"),
        ("code,name,value\n", "codes/sex.csv:1: the first line must be code,name,values, found 'code,name,value'; did you mean 'values'?"),
        ("code,name,values\n", "codes/sex.csv: holds no code"),
        ("code,name,values\n1,a\n", "codes/sex.csv:2: has 2 columns, must have 3"),
        ("code,name,values\n,a,b\n", "codes/sex.csv:2: code '' is empty or has blanks around it"),
        ("code,name,values\n1,a,M\n2,b,M\n", "codes/sex.csv:3: value 'M' already stands for code '1'"),
        ("code,name,values\n1,a,M|\n", "codes/sex.csv:2: values holds an empty one (|| or | at an end)"),
        ('code,name,values\n1,a,"M\n', "codes/sex.csv:2: is not CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_what_is_said_about_a_code_table(write: Write, text: str, expected: str) -> None:
    problems = said(write("codes/sex.csv", text))
    assert expected in problems
    assert any("the code table has problems of its own" in problem for problem in problems)


def test_a_code_table_saved_by_a_spreadsheet(write: Write) -> None:
    problems = said(write("codes/sex.csv", CODES.encode("gb18030")))
    assert problems[0].startswith("codes/sex.csv:2: is not UTF-8")


def test_a_bad_code_table_harms_no_other_job(write: Write) -> None:
    write("codes/bad.csv", "nothing")
    write(
        "jobs/user.yaml", copy("user", "{endpoint: centre, table: u}").replace(": sex}", ": bad}")
    )
    deployment = load(write("jobs/population.yaml", JOB))
    assert list(deployment.jobs) == ["population"]
    assert deployment.bad_jobs == ("user",)


# --- whatever a file may hold

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + below] * 10)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", "must hold keys and values, found nothing", id="empty"),
        pytest.param("# nothing\n", "must hold keys and values, found nothing", id="comment"),
        pytest.param("- a\n", "must hold keys and values, found a list", id="list"),
        pytest.param("word\n", "must hold keys and values, found a text", id="word"),
        pytest.param("a: 1\n---\nb: 2\n", ":2: holds a second document", id="documents"),
        pytest.param("a: b\nc: [d\n", "broken YAML at column 1", id="open"),
        pytest.param("a: b\n\tc: d\n", ":2: broken YAML at column 1", id="tab"),
        pytest.param("a: *b\n", ":1: broken YAML at column 4", id="alias"),
        pytest.param(b"a: b\nc: \xd6\xd0\n", ":2: is not UTF-8", id="gbk"),
        pytest.param(b"a: b\nc: \x00\n", ":2: broken YAML: a character", id="nul"),
        pytest.param('a: "\\ud800"\n', ":1: broken YAML at column", id="surrogate"),
        pytest.param("? [a, b]\n: c\n", ":1: a key must be a plain, non-empty text", id="key"),
        pytest.param("a: !!python/name:os.system x\n", ":1: has a tag", id="tag"),
        pytest.param("a: 1\nb: {<<: {c: d}}\n", ":2 b: unknown key 'b'", id="merge"),
        pytest.param("[" * 900_000, ":1: is nested deeper than 30 levels", id="deep"),
        pytest.param("- " * 400_000, ":1: is nested deeper than 30 levels", id="dashes"),
        pytest.param("{a: " * 200_000, ":1: is nested deeper than 30 levels", id="braces"),
        pytest.param("a: &a [*a]\n", ":1: holds more than 50000 values", id="recursion"),
        pytest.param(LAUGHS, "holds more than 50000 values", id="laughs"),
        pytest.param("a: &a 1\nb: [" + "*a," * 101 + "]\n", "more than 100 aliases", id="aliases"),
        pytest.param("".join(f"k{i}: 1\n" for i in range(90_000)), "50000 values", id="keys"),
        pytest.param("".join(f"k{i}: 1\n" for i in range(40_000)), "more problems", id="unknown"),
        pytest.param("a: 1\n" * 100_000, "already set in line 1", id="repeated"),
        pytest.param("a: " + "x" * 1_000_000, "is larger than 1 MB", id="large"),
        pytest.param("job: " + "9" * 900_000, "is not a job name", id="digits"),
        pytest.param(f"schedule: {'9' * 5000} * * * *\n", "is longer than", id="cron"),
    ],
)
def test_any_content_ends_in_a_problem_and_soon(
    write: Write, content: str | bytes, expected: str
) -> None:
    started = time.process_time()  # a machine under load takes longer, and works as little
    problems = said(write("jobs/bad.yaml", content))
    assert any(p.startswith("jobs/bad.yaml") and expected in p for p in problems)
    assert len(problems) <= 60
    assert all(len(problem) < 600 and problem.isprintable() for problem in problems)
    write("bridgehead.yaml", content)
    assert refused(write("jobs/bad.yaml", ""))
    assert time.process_time() - started < 10


def test_a_folder_and_a_dead_link_in_place_of_a_file(directory: Path) -> None:
    (directory / "jobs/folder.yaml").mkdir()
    (directory / "jobs/dead.yaml").symlink_to(directory / "nowhere")
    (directory / "jobs/endless.yaml").symlink_to("/dev/zero")
    os.mkfifo(directory / "jobs/pipe.yaml")
    assert said(directory) == [
        "jobs/dead.yaml: does not exist",
        "jobs/endless.yaml: is not a file",
        "jobs/folder.yaml: is not a file",
        "jobs/pipe.yaml: is not a file",
    ]


def test_a_file_name_cannot_forge_a_line(directory: Path) -> None:
    (directory / "jobs/a\nb\udcff.yaml").write_text("{", encoding="utf-8")
    (problem,) = said(directory)
    assert problem.startswith("jobs/a?b?.yaml:")
    problem.encode()


# --- where the configuration is


def test_the_option_comes_first(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEHEAD_CONFIG", "/nowhere")
    assert find_directory(directory) == directory
    assert find_directory(str(directory)) == directory


def test_then_the_variable(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEHEAD_CONFIG", str(directory))
    assert find_directory(None) == directory


def test_then_the_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGEHEAD_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="bridgehead init"):
        find_directory(None)
    (tmp_path / "config").mkdir()
    assert find_directory(None) == tmp_path / "config"


@pytest.mark.parametrize("option", ["", "/nowhere", "a\0b", "x" * 5000])
def test_a_directory_that_is_none(
    option: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="no configuration directory") as caught:
        find_directory(option)
    assert caught.value.exit_code == 2


# --- unified social credit codes


@pytest.mark.parametrize(
    "code", ["113301000024895242", "91350100M000100Y43", "91330100716105852F", "9144030071526726XG"]
)
def test_a_credit_code(code: str) -> None:
    assert credit_code_fault(code) is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("11330100002489524", "must have 18 characters, has 17"),
        ("", "must have 18 characters, has 0"),
        ("11330100002489524２", "must be digits and capitals"),
        ("91350100m000100y43", "must be digits and capitals"),
        ("9135010OM000100Y43", "must be digits and capitals"),
        ("113301000024895252", "place 17"),
        ("113301000024895243", "place 18"),
    ],
)
def test_a_bad_credit_code(code: str, fault: str) -> None:
    found = credit_code_fault(code)
    assert found is not None
    assert found.startswith(fault)


def test_a_problem_is_one_line() -> None:
    assert str(Problem("a.yaml", "b.c", 3, "wrong")) == "a.yaml:3 b.c: wrong"
    assert str(Problem("a.yaml", "", 0, "wrong")) == "a.yaml: wrong"


def test_a_deployment_is_a_value(directory: Path) -> None:
    first, second = load(directory), load(directory)
    assert isinstance(first, Deployment)
    assert first == second


def test_a_family_says_what_it_can_be(write: Write) -> None:
    exchange = (
        "exchange: {family: postgresql, database: exchange, password: {file: secrets/exchange}}"
    )
    assert exchange in SETTINGS
    odbc = "exchange: {family: odbc, driver: PostgreSQL Unicode}"
    found = refused(write("bridgehead.yaml", SETTINGS.replace(exchange, odbc)))
    said = "'exchange' is of family odbc, which can only be a source or a target; name a database"
    assert found == [f"bridgehead.yaml:11 exchange: {said}"]


@pytest.mark.parametrize(
    ("given", "said"),
    [("", "is missing"), ("driver: a, dsn: b", "has both")],
)
def test_odbc_needs_a_driver_or_a_data_source(write: Write, given: str, said: str) -> None:
    centre = "centre: {family: sqlite, path: centre.db}"
    assert centre in SETTINGS
    odbc = f"centre: {{family: odbc{', ' if given else ''}{given}}}"
    (found,) = refused(write("bridgehead.yaml", SETTINGS.replace(centre, odbc)))
    assert f"{said}: an endpoint of family odbc needs driver or dsn" in found


# --- what goes on for long


def test_whoever_goes_on_for_long_reads_what_has_changed(write: Write, directory: Path) -> None:
    """Of any file, also where only the time of it, or only the size, is another."""
    watched = Watched(load(directory))
    last = watched.current()
    job = directory / "jobs/population.yaml"
    for file, content in (
        ("jobs/population.yaml", job_with("updated_at", "created_at")),
        ("jobs/population.yaml", JOB + "title: 人口\n"),
        ("codes/sex.csv", CODES + "3,未知,\n"),
        ("calendar.yaml", "holidays: {2027-01-02: 调休}\n"),
        ("bridgehead.yaml", settings_with("局", "处")),
    ):
        before = job.stat()
        write(file, content)
        if "title" in content:
            os.utime(job, ns=(before.st_atime_ns, before.st_mtime_ns))
        changed = watched.current()
        assert changed is not last
        assert watched.current() is changed
        last = changed
    assert last.jobs["population"].title == "人口"
    assert last.department.name.endswith("处")
    job.unlink()
    assert not watched.current().jobs


def test_what_cannot_be_used_is_told_once_and_the_last_stands(
    write: Write, directory: Path
) -> None:
    watched = Watched(load(directory))
    last = watched.current()
    write("bridgehead.yaml", "department: {\n")
    with pytest.raises(ConfigurationError):
        watched.current()
    assert watched.current() is last
    write("bridgehead.yaml", SETTINGS)
    assert watched.current().problems == ()
