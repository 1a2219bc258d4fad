"""What an operator can get wrong: each mistake gets one clear message with endpoint, object and
remedy, the right exit code, leaves nothing half done, and harms no other job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.command import call
from tests.language.english import left_in_english
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Mistake:
    """How to make it, and what must be said: the exit code, the error's code, and words that
    stand in endpoint, message or remedy."""

    make: Callable[[World], None]
    exit_code: int
    code: str
    words: tuple[str, ...]


def _job(**content: Any) -> Callable[[World], None]:
    return lambda world: _write(world, **content)


def _write(world: World, **content: Any) -> None:
    world.job("bad", **(cursor_job() | {"target": {"endpoint": "target", "table": "b"}} | content))


def _endpoint(role: str, **settings: Any) -> Callable[[World], None]:
    """The bad job alone uses the endpoint: `role` itself stays sound."""

    def make(world: World) -> None:
        file = world.directory / "bridgehead.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["endpoints"]["other"] = content["endpoints"][role] | settings
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        _write(world, **{role: {"endpoint": "other", "table": "t"}})

    return make


def _sql(role: str, *statements: str, **content: Any) -> Callable[[World], None]:
    def make(world: World) -> None:
        world.sql(role, *statements)
        _write(world, **content)

    return make


def _text(text: str) -> Callable[[World], None]:
    def make(world: World) -> None:
        (world.directory / "jobs/bad.yaml").write_text(text, encoding="utf-8")

    return make


def _wrong_password(world: World) -> None:
    (world.directory / "wrong").write_text("not it", encoding="ascii")
    _endpoint("source", password={"file": "wrong"})(world)


def _two_jobs_on_one_table(world: World) -> None:
    _write(world)
    world.job("bad2", **(cursor_job() | {"target": {"endpoint": "target", "table": "b"}}))


def _login_without_rights(world: World) -> None:
    """Roles belong to the whole server, which later tests use as well."""
    database = world.stores["source"].database
    world.sql(
        "source",
        "DROP ROLE IF EXISTS nobody_much",
        "CREATE ROLE nobody_much LOGIN PASSWORD 'nothing'",
        f"GRANT CONNECT ON DATABASE {database} TO nobody_much",
    )
    (world.directory / "nobody").write_text("nothing", encoding="ascii")
    _endpoint("source", user="nobody_much", password={"file": "nobody"})(world)


def _policy_that_hides_rows(world: World) -> None:
    """Whoever is no superuser reads the others as if there were no more."""
    _login_without_rights(world)
    world.sql(
        "source",
        "GRANT SELECT ON t TO nobody_much",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON t USING (id < 3)",
    )


def _source_is_target_by_another_name(world: World) -> None:
    """Only the store itself can tell that both are one table."""
    _endpoint("source", schema="public")(world)
    world.job(
        "bad",
        **cursor_job(),
        source={"endpoint": "source", "table": "t"},
        target={"endpoint": "other", "table": "t", "adopt": True},
    )


def _slow(after: int) -> Callable[[World], None]:
    """A source whose time runs out after so many rows: none, or some that are being loaded."""

    def make(world: World) -> None:
        world.sql(
            "source",
            "CREATE TABLE steps AS SELECT g AS id FROM generate_series(1, 9) g",
            "ALTER TABLE steps ADD PRIMARY KEY (id)",
            "CREATE VIEW slow AS SELECT id, repeat('x', 9000) AS filler, "
            f"pg_sleep(CASE WHEN id > {after} THEN 2 ELSE 0 END)::text AS slept FROM steps",
        )
        _endpoint("source", statement_timeout=1)(world)
        slow = {"endpoint": "other", "table": "slow"}
        _write(world, source=slow, key=["id"], capture={"method": "compare"})

    return make


LIKE_T = "id integer, name text, amount numeric(10,2), updated_at timestamptz"

MISTAKES = {
    "slow source": Mistake(_slow(after=0), 3, "timeout", ("other", "statement")),
    "source that stops": Mistake(_slow(after=5), 3, "timeout", ("other", "statement")),
    "wrong password": Mistake(_wrong_password, 4, "login_refused", ("other", "127.0.0.1", "passw")),
    "unreachable host": Mistake(
        _endpoint("source", host="127.0.0.1", port=1), 3, "unreachable", ("127.0.0.1:1/",)
    ),
    "unset secret": Mistake(
        _endpoint("source", password={"env": "NO_SUCH_SECRET"}),
        2,
        "configuration",
        ("other", "NO_SUCH_SECRET", "set"),
    ),
    "no such database": Mistake(
        _endpoint("source", database="nowhere"), 4, "missing_object", ("nowhere",)
    ),
    "missing table": Mistake(
        _job(source={"endpoint": "source", "table": "tt"}), 4, "missing_object", ("tt", "mean t?")
    ),
    "missing column": Mistake(
        _job(capture=cursor_job()["capture"] | {"column": "updated"}),
        4,
        "missing_object",
        ("updated", "updated_at"),
    ),
    "missing right": Mistake(
        _login_without_rights, 4, "missing_right", ("other", "t", "GRANT SELECT")
    ),
    "rows that a policy hides": Mistake(
        _policy_that_hides_rows, 4, "missing_right", ("other", "row-level security", "BYPASSRLS")
    ),
    "no key": Mistake(
        _sql(
            "source",
            "CREATE TABLE keyless (id integer, updated_at timestamptz)",
            source={"endpoint": "source", "table": "keyless"},
        ),
        4,
        "structure_mismatch",
        ("keyless", "key"),
    ),
    "key of floats": Mistake(
        _sql("source", "ALTER TABLE t ADD COLUMN ratio double precision", key=["ratio"]),
        4,
        "structure_mismatch",
        ("source", "ratio", "float", "numbers, text, dates or times"),
    ),
    "duplicate keys": Mistake(
        _sql(
            "source",
            "CREATE TABLE twice (id integer, updated_at timestamptz)",
            "INSERT INTO twice VALUES (7654321, now() - interval '1 h'),"
            " (7654321, now() - interval '1 h')",
            source={"endpoint": "source", "table": "twice"},
            key=["id"],
        ),
        4,
        "structure_mismatch",
        ("source", "twice", "id", "more than one row"),
    ),
    "unknown key word": Mistake(_text("jib: bad\n"), 2, "configuration", ("bad.yaml", "job")),
    "unknown endpoint": Mistake(
        _job(source={"endpoint": "sorce", "table": "t"}),
        2,
        "configuration",
        ("sorce", "did you mean 'source'"),
    ),
    "unknown method": Mistake(
        _job(capture={"method": "cursr"}), 2, "configuration", ("cursr", "cursor")
    ),
    "bad schedule": Mistake(
        _job(schedule="every now and then"), 2, "configuration", ("schedule", "every now and then")
    ),
    "broken YAML": Mistake(_text("job: [\n"), 2, "configuration", ("jobs/bad.yaml", "broken YAML")),
    "two jobs on one target": Mistake(
        _two_jobs_on_one_table, 2, "configuration", ("bad2.yaml", "one table belongs to one job")
    ),
    "source is target": Mistake(
        _job(target={"endpoint": "source", "table": "t"}),
        2,
        "configuration",
        ("target.table", "'t'", "source itself"),
    ),
    "source is target by another name": Mistake(
        _source_is_target_by_another_name, 2, "configuration", ("other", "public.t", "same table")
    ),
    "target of other types": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY, name bytea, amount numeric(10,2),"
            " updated_at timestamptz)",
        ),
        4,
        "structure_mismatch",
        ("target", "name", "binary"),
    ),
    "target without a column": Mistake(
        _sql("target", "CREATE TABLE b (id integer PRIMARY KEY, nam text, amount numeric(10,2))"),
        4,
        "structure_mismatch",
        ("target", "name", "nam", "updated_at"),
    ),
    "target without a key": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer, name text, amount numeric(10,2), updated_at timestamptz)",
        ),
        4,
        "structure_mismatch",
        ("unique key", "id"),
    ),
    "target with a key of more columns": Mistake(
        _sql("target", f"CREATE TABLE b ({LIKE_T}, PRIMARY KEY (id, name))"),
        4,
        "structure_mismatch",
        ("target", "no unique key over id", "primary key"),
    ),
    "target with a key of fewer columns": Mistake(
        _sql("target", f"CREATE TABLE b ({LIKE_T}, PRIMARY KEY (id))", key=["id", "name"]),
        4,
        "structure_mismatch",
        ("target", "no unique key over id, name", "primary key"),
    ),
    "target that is a view": Mistake(
        _sql(
            "target",
            f"CREATE TABLE under ({LIKE_T}, PRIMARY KEY (id))",
            "CREATE VIEW b AS SELECT * FROM under",
        ),
        4,
        "structure_mismatch",
        ("target b is a view", "name a table"),
    ),
    "target with a column of its own that is needed": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY, name text, amount numeric(10,2),"
            " updated_at timestamptz, office text NOT NULL, kept text NOT NULL DEFAULT '')",
        ),
        4,
        "structure_mismatch",
        ("target", "make it nullable", "table b ", "office"),
    ),
    "target that computes a column": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY, name text GENERATED ALWAYS AS ('x') STORED,"
            " amount numeric(10,2), updated_at timestamptz)",
        ),
        4,
        "structure_mismatch",
        ("target", "ordinary column", "table b ", "name"),
    ),
    "target that numbers its rows itself": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name text,"
            " amount numeric(10,2), updated_at timestamptz)",
        ),
        4,
        "structure_mismatch",
        ("target", "ordinary column", "table b ", "id"),
    ),
    "target with rows": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY, name text, amount numeric(10,2),"
            " updated_at timestamptz)",
            "INSERT INTO b VALUES (1, 'x', 1, now())",
        ),
        4,
        "structure_mismatch",
        ("b", "rows already: 1", "adopt"),
    ),
    "sharing none": Mistake(
        _job(catalogue={"sharing": "none"}), 2, "configuration", ("sharing", "不予共享")
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_and_harms_nothing(name: str, world: World, capsys: Capsys) -> None:
    mistake = MISTAKES[name]
    world.write(retry=0)
    world.make_table(5)
    world.job("good", **(cursor_job() | {"target": {"endpoint": "target", "table": "g"}}))
    mistake.make(world)

    told = call(capsys, "--config", world.directory, "run", "bad", "--json")

    assert "error" in told.json, f"it was called {told.json['verdict']}"
    error = told.json["error"]
    assert (told.code, error["code"]) == (mistake.exit_code, mistake.code), error
    text = f"{error['endpoint']} {error['message']} {error['remedy']}"
    for word in mistake.words:
        assert word in text
    assert error["remedy"] or error["message"].startswith("jobs/"), "what is to be done?"
    assert left_in_english(error["message"]) == left_in_english(error["remedy"]) == []
    for word in mistake.words[-1:]:
        assert word in told.err
    assert "7654321" not in told.err + told.out, "no value of a row is ever shown"
    assert told.json["batches"] == []
    _assert_nothing_half_done(world)

    every = call(capsys, "--config", world.directory, "run", "--all", "--json")

    by_job = {outcome["job"]: outcome for outcome in every.json}
    assert by_job["good"]["verdict"] == "reconciled"
    assert by_job["bad"]["error"] == error
    assert every.code == mistake.exit_code
    assert world.sql("target", "SELECT count(*) FROM g") == [(5,)]


def _assert_nothing_half_done(world: World) -> None:
    (ledger,) = world.sql("exchange", "SELECT to_regclass('bh_batch')")
    if ledger[0] is not None:
        assert world.sql("exchange", "SELECT * FROM bh_batch WHERE job = 'bad'") == []
    (receiver,) = world.sql("target", "SELECT to_regclass('bh_receipt')")
    if receiver[0] is not None:
        assert world.sql("target", "SELECT * FROM bh_receipt WHERE job = 'bad'") == []
    (made,) = world.sql("target", "SELECT to_regclass('b')")
    if made[0] is not None:  # it is the one that the story began with
        assert world.sql("target", "SELECT count(*) FROM b")[0][0] <= 1


def test_a_configuration_that_cannot_be_found(tmp_path: Any, capsys: Capsys) -> None:
    told = call(capsys, "--config", tmp_path / "nowhere", "status")
    assert told.code == 2
    assert "nowhere" in told.err
    assert "bridgehead init" in told.err


def test_an_unknown_job_names_the_nearest(world: World, capsys: Capsys) -> None:
    world.job("population", **cursor_job())
    told = call(capsys, "--config", world.directory, "run", "poplation")
    assert told.code == 2
    assert "did you mean 'population'" in told.err


def _no_such_file(world: World) -> None:
    _endpoint("source", path=str(world.directory / "nowhere.db"))(world)


def _not_a_database(world: World) -> None:
    file = world.directory / "notes.txt"
    file.write_text("no database at all, but long enough to be read as one" * 20, "utf-8")
    _endpoint("source", path=str(file))(world)


FILE_MISTAKES = {
    "no such file": Mistake(_no_such_file, 3, "unreachable", ("nowhere.db",)),
    "not a database": Mistake(_not_a_database, 4, "permanent", ("notes.txt",)),
    "missing table": Mistake(
        _job(source={"endpoint": "source", "table": "tt"}), 4, "missing_object", ("tt", "mean t?")
    ),
    "duplicate keys": Mistake(
        _sql(
            "source",
            "CREATE TABLE twice (id integer, updated_at timestamp)",
            "INSERT INTO twice VALUES (7654321, '2020-01-01'), (7654321, '2020-01-01')",
            source={"endpoint": "source", "table": "twice"},
            key=["id"],
        ),
        4,
        "structure_mismatch",
        ("source", "twice", "more than one row"),
    ),
    "target with rows": Mistake(
        _sql(
            "target",
            "CREATE TABLE b (id integer PRIMARY KEY, name text, amount numeric(10,2),"
            " updated_at timestamp)",
            "INSERT INTO b VALUES (1, 'x', 1, '2020-01-01')",
        ),
        4,
        "structure_mismatch",
        ("target", "b", "adopt"),
    ),
}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("name", FILE_MISTAKES)
def test_a_mistake_with_files_is_told_as_well(name: str, world: World, capsys: Capsys) -> None:
    mistake = FILE_MISTAKES[name]
    world.write(retry=0)
    world.make_table(5)
    world.job("good", **(cursor_job() | {"target": {"endpoint": "target", "table": "g"}}))
    mistake.make(world)
    every = call(capsys, "--config", world.directory, "run", "--all", "--json")
    bad, good = every.json
    error = bad["error"]
    assert (every.code, error["code"]) == (mistake.exit_code, mistake.code), error
    text = f"{error['endpoint']} {error['message']} {error['remedy']}"
    assert [word for word in mistake.words if word not in text] == []
    assert error["remedy"]
    assert (good["verdict"], bad["batches"]) == ("reconciled", [])
    assert "7654321" not in every.out + every.err
