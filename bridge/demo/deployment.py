"""The demo's configuration: two registers of one department on an embedded PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from bridge.demo.postgres import EmbeddedPostgres

__all__ = ["DATABASES", "write_configuration"]

DATABASES = ("business", "exchange", "buffer")

_SETTINGS = """\
department: {{code: "113301000024895242", name: 市市场监督管理局}}
endpoints:
{endpoints}
exchange: exchange
defaults: {{chunk_rows: 20000}}
"""

_ENDPOINT = """\
  {name}:
    {{family: postgresql, host: {host}, port: {port}, database: {database}, user: {user},
     password: {{file: password}}}}"""

_POPULATION = """\
job: population
title: 人口基础信息
catalogue:
  {code: 307010010001/000001, sharing: conditional, condition: 仅限身份核验, update_cycle: daily}
source: {endpoint: business, table: population}
capture: {method: cursor, column: updated_at, stamp: database, deletes: {sweep: every_run}}
columns:
  id_no: {title: 公民身份号码, rule: resident_id}
  name: {title: 姓名}
  sex: {title: 性别, to: sex_code, codes: gbt2261_1}
  ethnicity: {title: 民族}
  birth_date: {title: 出生日期}
  county_code: {title: 行政区划代码}
  address: {title: 现住址}
  phone: {title: 联系电话, mask: phone}
  education:
  marital_status:
  household_no:
  registered_on:
  income: {sharing: none}
  remark: {sharing: none}
  updated_at:
target: {endpoint: centre, table: population}
empty_every: 0
"""

_ENTERPRISE = """\
job: enterprise
title: 企业基础信息
catalogue: {code: 307010010002/000001, sharing: unconditional, update_cycle: daily}
source: {endpoint: business, table: enterprise}
capture: {method: compare}
columns:
  credit_code: {title: 统一社会信用代码, rule: credit_code}
  name: {title: 企业名称}
  type: {title: 企业类型}
  legal_representative: {title: 法定代表人, mask: name}
  registered_capital: {title: 注册资本（万元）}
  established_on: {title: 成立日期}
  county_code: {title: 行政区划代码}
  address: {title: 住所}
  industry_code: {title: 行业代码}
  status: {title: 经营状态}
target: {endpoint: centre, table: enterprise}
empty_every: 0
"""


def write_configuration(directory: Path, server: EmbeddedPostgres, codes: Path) -> None:
    """A configuration directory for the demo's three databases; the password stands in a file
    of its own, which only this account can read."""
    (directory / "jobs").mkdir(parents=True)
    (directory / "codes").mkdir()
    table = codes / "gbt2261_1.csv"
    (directory / "codes" / table.name).write_bytes(table.read_bytes())
    secret = directory / "password"
    secret.touch(mode=0o600)
    secret.write_text(server.password, encoding="ascii")
    place = {"host": server.host, "port": server.port, "user": server.user}
    endpoints = [
        _ENDPOINT.format(name=name, database=database, **place)
        for name, database in zip(("business", "exchange", "centre"), DATABASES, strict=True)
    ]
    settings = _SETTINGS.format(endpoints="\n".join(endpoints))
    (directory / "bridgehead.yaml").write_text(settings, encoding="utf-8")
    (directory / "jobs/population.yaml").write_text(_POPULATION, encoding="utf-8")
    (directory / "jobs/enterprise.yaml").write_text(_ENTERPRISE, encoding="utf-8")
