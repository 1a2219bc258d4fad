"""The table that is carried: a population register of 16 columns, and a day's changes to it.

Everything is computed by the server from the number of a person, so that every run on every
machine carries the same rows; only the stamps of a change set are of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "COLUMNS",
    "KEY",
    "NULLABLE",
    "ChangeSet",
    "change",
    "create_table",
    "fill",
]

KEY = "id_no"

COLUMNS = {
    "id_no": "varchar(18)",
    "full_name": "varchar(50)",
    "sex": "char(1)",
    "nation": "char(2)",
    "birth_date": "date",
    "county_code": "char(6)",
    "household_no": "bigint",
    "household_size": "integer",
    "address": "varchar(200)",
    "phone": "varchar(20)",
    "education": "smallint",
    "income": "numeric(12,2)",
    "married": "boolean",
    "registered_on": "date",
    "remark": "text",
    "updated_at": "timestamptz",
}
NULLABLE = frozenset({"phone", "remark"})

# A person's number is scattered over all id numbers by multiplication modulo a prime, so that the
# table does not lie in the order of its key, as no register does.
_PRIME, _FACTOR = 1_999_999_973, 748_594_837
_PICK = 15_485_863

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余䶮"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国红梅鑫婷浩宇欣怡梓涵子轩雨桐思源"
_DISTRICTS = ("玄武", "秦淮", "建邺", "鼓楼", "浦口", "栖霞", "雨花台", "江宁", "六合", "溧水")
_ROADS = ("中山东路", "人民南路", "解放大道", "建设北路", "长江路", "湖滨街", "文化巷", "学府路")
_ESTATES = ("翠竹园", "锦绣花城", "滨江雅苑", "幸福里", "阳光家园", "金陵名府")
_REMARKS = (
    "户籍迁入，原籍地址待核实，已发函原户籍地派出所",
    "流动人口，居住证在有效期内，由社区网格员按季度上门走访",
    "低保对象，按季度复核，家庭成员情况以民政部门登记为准",
)


@dataclass(frozen=True)
class ChangeSet:
    """Rows updated, inserted and deleted, and what was changed before: change sets never touch
    the same row twice."""

    updated: int
    inserted: int
    deleted: int
    touched_before: int = 0
    inserted_before: int = 0

    @property
    def total(self) -> int:
        return self.updated + self.inserted + self.deleted

    def without_deletes(self) -> ChangeSet:
        """One of the same size to follow this one."""
        touched, inserted = self.updated + self.deleted, self.inserted
        return ChangeSet(self.updated, self.inserted, 0, touched, inserted)


def create_table(name: str, *, key: bool = True) -> str:
    columns = [f"{c} {t}{'' if c in NULLABLE else ' NOT NULL'}" for c, t in COLUMNS.items()]
    return f"CREATE TABLE {name} ({', '.join([*columns, *([f'PRIMARY KEY ({KEY})'] * key)])})"


def fill(rows: int) -> list[str]:
    """Statements that make the table `population` of this many rows, as a register stands after
    years of use: key, index on the stamp, vacuumed."""
    stamp = "TIMESTAMPTZ '2024-01-01 08:00:00+08' + n % 31536000 * INTERVAL '1 second'"
    return [
        create_table("population", key=False),
        f"INSERT INTO population\n{_people(_between(1, rows), stamp)}",
        f"ALTER TABLE population ADD PRIMARY KEY ({KEY})",
        "CREATE INDEX ON population (updated_at)",
        "VACUUM (FREEZE, ANALYZE) population",
    ]


def change(rows: int, changes: ChangeSet) -> list[str]:
    """Statements, one transaction, that change the table and note in `floor.change` what became of
    it. Stamps are those of the transaction's begin."""
    first = changes.touched_before
    middle, end = first + changes.updated, first + changes.updated + changes.deleted
    above = rows + changes.inserted_before
    new = _between(above + 1, above + changes.inserted)
    gone = _keys(_picked(rows, middle, end))
    return [
        f"CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS {_keys(_picked(rows, first, middle))}",
        "UPDATE population p\n"
        "SET address = left(address || '（更正）', 200), phone = '139' || right(p.id_no, 8),\n"
        "income = income + 100, remark = coalesce(remark, '') || '；已更正', updated_at = now()\n"
        f"FROM chosen c WHERE c.{KEY} = p.{KEY}",
        f"INSERT INTO population\n{_people(new, 'now()')}",
        f"DELETE FROM population WHERE {KEY} IN ({gone})",
        f"CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS {_keys(new)}",
        "INSERT INTO floor.change\n"
        f"SELECT CASE WHEN {KEY} IN (SELECT {KEY} FROM fresh) THEN 'I' ELSE 'U' END,\n"
        f"{', '.join(COLUMNS)}\n"
        "FROM population WHERE updated_at = now()\n"
        "UNION ALL\n"
        f"SELECT 'D', {KEY}{', NULL' * (len(COLUMNS) - 1)}\n"
        f"FROM ({gone}) gone\n"
        f"ORDER BY {KEY}",
    ]


def _between(low: int, high: int) -> str:
    return f"SELECT n FROM generate_series({low}::bigint, {high}) n"


def _picked(rows: int, low: int, high: int) -> str:
    """The numbers of `high - low` rows of the first `rows`, scattered over the table. No number
    comes twice while `high` is not above `rows`, which is no multiple of the prime factor."""
    return f"SELECT k * {_PICK} % {rows} + 1 AS n FROM generate_series({low}::bigint, {high - 1}) k"


def _keys(numbers: str) -> str:
    return f"SELECT {_id_no()} AS {KEY}\nFROM ({numbers}) numbers,\n{_parts()}"


def _people(numbers: str, stamp: str) -> str:
    values = {
        "id_no": _id_no(),
        "full_name": _name(),
        "sex": "CASE serial % 2 WHEN 1 THEN '1' ELSE '2' END",
        "nation": "lpad((1 + n % 97 % 56)::text, 2, '0')",
        "birth_date": "born",
        "county_code": "county::text",
        "household_no": "32010000000000 + n / 3",
        "household_size": "(1 + n % 6)::integer",
        "address": _address(),
        "phone": "CASE WHEN n % 10 <> 3 THEN (13000000000 + n * 7919 % 1000000000)::text END",
        "education": "(10 * (1 + n % 9))::smallint",
        "income": "(n * 104729 % 30000000)::numeric / 100",
        "married": "n % 5 < 3",
        "registered_on": "born + (30 + n % 3000)::integer",
        "remark": f"CASE WHEN n % 3 > 0 THEN {_one_of(_REMARKS, 'n')} || '（编号' || n || '）' END",
        "updated_at": stamp,
    }
    assert values.keys() == COLUMNS.keys()
    return f"SELECT {', '.join(values.values())}\nFROM ({numbers}) numbers,\n{_parts()}"


def _parts() -> str:
    """The parts of an id number (GB 11643): county, date of birth, serial number; 17 digits.

    OFFSET 0 keeps the planner from writing each expression into the next, where it would be
    computed again for every digit.
    """
    scattered = f"LATERAL (SELECT n * {_FACTOR} % {_PRIME} AS place OFFSET 0) scattered"
    parts = (
        "LATERAL (SELECT 320101 + place / 20000000 AS county, place % 1000 AS serial,\n"
        "DATE '1955-01-01' + (place / 1000 % 20000)::integer AS born OFFSET 0) parts"
    )
    digits = (
        "LATERAL (SELECT county * 100000000000 + to_char(born, 'YYYYMMDD')::bigint * 1000 + serial"
        " AS digits OFFSET 0) whole"
    )
    return f"{scattered},\n{parts},\n{digits}"


def _id_no() -> str:
    """With its check character (ISO 7064, MOD 11-2)."""
    weighted = " + ".join(f"digits / {10**k} % 10 * {2 ** (k + 1) % 11}" for k in range(17))
    return f"digits || substr('10X98765432', (({weighted}) % 11)::integer + 1, 1)"


def _name() -> str:
    surname = f"substr('{_SURNAMES}', (1 + place % {len(_SURNAMES)})::integer, 1)"
    given = (
        f"substr('{_GIVEN}', (1 + place / 61 % {len(_GIVEN) - 1})::integer, (1 + n % 2)::integer)"
    )
    return f"{surname} || {given}"


def _address() -> str:
    return (
        f"'江苏省南京市' || {_one_of(_DISTRICTS, 'county')} || '区中心街道'"
        f" || {_one_of(_ROADS, 'place')}"
        f" || (1 + n % 400) || '号' || {_one_of(_ESTATES, 'n')}"
        " || (1 + n % 30) || '幢' || (1 + n % 4) || '单元' || (101 + n % 2700) || '室'"
    )


def _one_of(words: Sequence[str], number: str) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])[1 + ({number}) % {len(words)}]"
