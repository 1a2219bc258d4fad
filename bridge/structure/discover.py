"""What a store holds, and a job file to start from for one of its tables."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Container
from itertools import chain, count
from pathlib import PurePath

import yaml

from bridge.language import say
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.registry import FAMILIES
from connectors.table import Kind, Table, TableName

__all__ = ["find_table", "job_file"]

# Names that a column of a row's last change bears in practice, the likeliest first.
_STAMPS = (
    "updated_at",
    "update_time",
    "updated_time",
    "gmt_modified",
    "modified_at",
    "modify_time",
    "last_modified",
    "last_update",
    "xgsj",
    "gxsj",
    "更新时间",
    "修改时间",
)
_HEADER = "# From the table as it is now; see docs/configuration.md for every key."
_SAVE_AS = "# Save it as jobs/{0}.yaml; a job is called as its file is."
_STAMP_NOTE = """\
# `stamp: database` only if the database itself writes this column, by trigger or default: then the
# job is lossless."""
_NO_KEY = "# The table has no primary key: name the columns that identify a row."


def find_table(store: Connector, text: str) -> Table:
    """`table` or `schema.table`; raises MissingObject naming the nearest one."""
    name = TableName(text)
    schema, dot, rest = text.partition(".")
    with store.transaction():
        if dot and not store.exists(store.resolve(name)):
            name = TableName(rest, schema)
    return store.describe(store.resolve(name))


def job_file(deployment: Deployment, store: Connector, table: Table) -> str:
    """A job file for the table that loads as it is, and runs where the table has a key."""
    endpoint = store.endpoint.name
    name = table.name.name
    if store.capabilities.files:
        name = PurePath(name).stem
    job = _job_name(name, deployment.jobs)
    lines = [say(_HEADER), say(_SAVE_AS, job), _yaml(job=job)]
    lines.append(_yaml(title=table.comment or name))
    place = {"endpoint": endpoint, "table": table.name.name}
    if table.name.schema:
        place["schema"] = table.name.schema
    lines += [_yaml(source=place), *_key(table), *_capture(store, table), "columns:"]
    lines += [f"  {_column(column.name, column.comment)}" for column in table.columns]
    target = {"endpoint": _target(deployment, endpoint), "table": name}
    lines += [_yaml(target=target), _yaml(schedule="manual")]
    return "\n".join(lines) + "\n"


def _key(table: Table) -> list[str]:
    key = table.key or (table.unique[0] if table.unique else ())
    return [_yaml(key=list(key))] if key else [say(_NO_KEY), "# key: [...]"]


def _capture(store: Connector, table: Table) -> list[str]:
    if store.capabilities.files:
        return [_yaml(capture={"method": "files"})]
    stamps = {c.name.lower(): c.name for c in table.columns if c.type.kind is Kind.TIMESTAMP}
    column = next((stamps[name] for name in _STAMPS if name in stamps), None)
    if column is None:
        return [_yaml(capture={"method": "compare"})]
    capture = {"method": "cursor", "column": column}
    seen = store.stamping(table, column)
    if seen is not None and seen.is_whole:
        by = say("# At insert by {0}, at update by {1}.", seen.inserted, seen.updated)
        return [by, _yaml(capture=capture | {"stamp": "database"})]
    return [say(_STAMP_NOTE), _yaml(capture=capture)]


def _column(name: str, comment: str) -> str:
    title = " ".join(comment.split())
    return _yaml(**{name: {"title": title} if title else {}}).replace(": {}", ":")


def _target(deployment: Deployment, source: str) -> str:
    """Where most jobs lead to; else an endpoint that can be one and is neither source nor exchange,
    if there is one."""
    used = Counter(job.target.endpoint for job in deployment.jobs.values())
    fit = [
        name
        for name, endpoint in deployment.endpoints.items()
        if name not in (source, deployment.exchange) and "target" in FAMILIES[endpoint.family].roles
    ]
    fit.sort(key=lambda name: -used[name])
    return fit[0] if fit else deployment.exchange


def _job_name(table: str, taken: Container[str]) -> str:
    """Of ASCII alone, and no other job's; a table that has none of it is told by its digest."""
    name = re.sub(r"[^a-z0-9_.-]+", "_", table.lower()).strip("_.-")[:40]
    name = name or f"table_{hashlib.sha256(table.encode()).hexdigest()[:6]}"
    numbered = (f"{name[:36]}_{number}" for number in count(2))
    return next(n for n in chain([name], numbered) if n not in taken)


def _yaml(**one: object) -> str:
    """One key on one line."""
    (key, value), *_ = one.items()
    name = yaml.safe_dump(key, allow_unicode=True, width=10_000).removesuffix("\n...\n").strip()
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10_000)
    return f"{name}: {text.removesuffix('...' + chr(10)).strip()}"
