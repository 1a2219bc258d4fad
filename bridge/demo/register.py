"""A department's business database for the demo: two registers in PostgreSQL, and a day's work.

Every function takes an open psycopg connection, as `Engine.raw_connection()` gives it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bridge.demo import vocabulary as words
from bridge.demo.sample import Enterprise, Person, address, enterprises, population

__all__ = ["DAY", "DDL", "Changes", "change", "create", "load"]

_STAMP = """
CREATE FUNCTION stamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
"""

_POPULATION = """
CREATE TABLE population (
    id_no          varchar(18) PRIMARY KEY,
    name           varchar(50) NOT NULL,
    sex            varchar(2) NOT NULL,
    ethnicity      char(2) NOT NULL,
    birth_date     date NOT NULL,
    county_code    char(6) NOT NULL,
    address        varchar(200) NOT NULL,
    phone          varchar(20),
    education      char(2) NOT NULL,
    marital_status char(2) NOT NULL,
    household_no   varchar(20) NOT NULL,
    registered_on  date NOT NULL,
    income         numeric(12,2),
    remark         text,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON population (updated_at);
CREATE TRIGGER stamp BEFORE UPDATE ON population
    FOR EACH ROW EXECUTE FUNCTION stamp_updated_at();
COMMENT ON TABLE population IS '人口基础信息';
COMMENT ON COLUMN population.id_no IS '公民身份号码';
COMMENT ON COLUMN population.name IS '姓名';
COMMENT ON COLUMN population.sex IS '性别';
COMMENT ON COLUMN population.ethnicity IS '民族代码';
COMMENT ON COLUMN population.birth_date IS '出生日期';
COMMENT ON COLUMN population.county_code IS '现住地行政区划代码';
COMMENT ON COLUMN population.address IS '现住址';
COMMENT ON COLUMN population.phone IS '联系电话';
COMMENT ON COLUMN population.education IS '学历代码';
COMMENT ON COLUMN population.marital_status IS '婚姻状况代码';
COMMENT ON COLUMN population.household_no IS '户号';
COMMENT ON COLUMN population.registered_on IS '登记日期';
COMMENT ON COLUMN population.income IS '年收入（元）';
COMMENT ON COLUMN population.remark IS '备注';
COMMENT ON COLUMN population.updated_at IS '更新时间';
"""

_ENTERPRISE = """
CREATE TABLE enterprise (
    credit_code          varchar(18) PRIMARY KEY,
    name                 varchar(200) NOT NULL,
    type                 varchar(50) NOT NULL,
    legal_representative varchar(50) NOT NULL,
    registered_capital   numeric(18,4) NOT NULL,
    established_on       date NOT NULL,
    county_code          char(6) NOT NULL,
    address              varchar(200) NOT NULL,
    industry_code        char(5) NOT NULL,
    status               varchar(10) NOT NULL,
    updated_at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON enterprise (updated_at);
CREATE TRIGGER stamp BEFORE UPDATE ON enterprise
    FOR EACH ROW EXECUTE FUNCTION stamp_updated_at();
COMMENT ON TABLE enterprise IS '企业基础信息';
COMMENT ON COLUMN enterprise.credit_code IS '统一社会信用代码';
COMMENT ON COLUMN enterprise.name IS '企业名称';
COMMENT ON COLUMN enterprise.type IS '企业类型';
COMMENT ON COLUMN enterprise.legal_representative IS '法定代表人';
COMMENT ON COLUMN enterprise.registered_capital IS '注册资本（万元）';
COMMENT ON COLUMN enterprise.established_on IS '成立日期';
COMMENT ON COLUMN enterprise.county_code IS '住所行政区划代码';
COMMENT ON COLUMN enterprise.address IS '住所';
COMMENT ON COLUMN enterprise.industry_code IS '行业代码';
COMMENT ON COLUMN enterprise.status IS '经营状态';
COMMENT ON COLUMN enterprise.updated_at IS '更新时间';
"""

DDL = _STAMP + _POPULATION + _ENTERPRISE


@dataclass(frozen=True)
class Changes:
    """How many rows of a table are inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


# A working day in two registers.
DAY = {"population": Changes(600, 1200, 300), "enterprise": Changes(100, 200, 50)}

_KEYS = {"population": "id_no", "enterprise": "credit_code"}


def create(connection: Any) -> None:
    """Create both tables, empty, and commit."""
    connection.cursor().execute(DDL)
    connection.commit()


def load(
    connection: Any, *, people: int = 40_000, companies: int = 10_000, seed: int = 1
) -> dict[str, int]:
    """Fill the tables with rows stamped in past years, and commit; rows per table."""
    _copy(connection, "population", Person._fields, population(people, seed))
    _copy(connection, "enterprise", Enterprise._fields, enterprises(companies, seed))
    connection.commit()
    connection.cursor().execute("ANALYZE population, enterprise")
    connection.commit()
    return {"population": people, "enterprise": companies}


def change(connection: Any, seed: int = 1, day: dict[str, Changes] = DAY) -> dict[str, Changes]:
    """Insert, update and delete that many rows, no row twice, and commit.

    Every updated row gets another address. The counts returned are those that the database
    reported; they equal `day`.
    """
    done = {table: _change(connection, table, wanted, seed) for table, wanted in day.items()}
    connection.commit()
    return done


def _change(connection: Any, table: str, wanted: Changes, seed: int) -> Changes:
    random = Random(f"change {table} {seed}")
    cursor = connection.cursor()
    key = _KEYS[table]
    cursor.execute(f"SELECT {key}, address FROM {table} ORDER BY {key}")
    present = dict(cursor.fetchall())
    chosen = random.sample(list(present), wanted.updated + wanted.deleted)
    moves = [(_elsewhere(random, present[k]), k) for k in chosen[: wanted.updated]]
    updated = _each(cursor, f"UPDATE {table} SET address = %s WHERE {key} = %s", moves)
    gone = [(k,) for k in chosen[wanted.updated :]]
    deleted = _each(cursor, f"DELETE FROM {table} WHERE {key} = %s", gone)
    inserted = _insert(connection, table, wanted.inserted, seed, present)
    return Changes(inserted, updated, deleted)


def _elsewhere(random: Random, before: str) -> str:
    """An address that differs from the one before."""
    while True:
        after = address(random, random.choice(words.COUNTIES))
        if after != before:
            return after


def _each(cursor: Any, statement: str, rows: Sequence[Sequence[object]]) -> int:
    if not rows:
        return 0
    cursor.executemany(statement, rows)
    return int(cursor.rowcount)


def _insert(connection: Any, table: str, count: int, seed: int, present: dict[str, str]) -> int:
    """New rows come without a stamp: the database gives it."""
    made: Iterable[Person | Enterprise]
    fields: Sequence[str]
    if table == "population":
        fields, made = Person._fields, population(count, seed + 1_000_000, present)
    else:
        fields, made = Enterprise._fields, enterprises(count, seed + 1_000_000, present)
    return _copy(connection, table, fields[:-1], (row[:-1] for row in made))


def _copy(
    connection: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    cursor = connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return int(cursor.rowcount)
