"""A source of files as a table: what the files themselves do not say, the job does."""

from __future__ import annotations

from dataclasses import replace

from bridge.configuration.valuetype import value_type
from bridge.job import Job
from connectors.connector import Connector
from connectors.errors import ConfigurationError, MissingObject, nearest
from connectors.table import Column, Kind, Table, TableName, Type

__all__ = ["check_source", "file_table"]


def file_table(job: Job, source: Connector) -> Table:
    """The columns that the job lists, with their types: known also while no file is there. A job
    that lists none shares those of the newest file, as text."""
    assert job.source.table is not None  # no query, by check_source
    name = TableName(job.source.table)
    if job.columns is None:
        table = source.describe(name)
        _check_key(job, table)
    else:
        columns = [
            Column(
                listed,
                value_type(column.type) if column.type else Type(Kind.TEXT),
                native=column.type or "text",
                comment=column.title or "",
            )
            for listed, column in job.columns.items()
        ]
        table = Table(name, tuple(columns), comment=job.title or "")
    charset = job.source.charset or ""
    return replace(table, columns=tuple(replace(c, charset=charset) for c in table.columns))


def _check_key(job: Job, table: Table) -> None:
    """Does not repeat what stands in place of the names: a file may have none, but rows alone."""
    for name in job.key:
        if name not in table.names:
            raise MissingObject(
                f"{job.job}: there is no column {name} in {table.name}",
                endpoint=job.source.endpoint,
                remedy=nearest(name, table.names) or "see whether the file has its row of names",
            )


def check_source(job: Job, source: Connector) -> None:
    """Raises ConfigurationError for what makes sense of files alone, or of tables alone."""
    of_files = source.capabilities.files
    typed = [name for name, column in (job.columns or {}).items() if column.type]
    recoded = [name for name, column in (job.columns or {}).items() if column.charset]
    found = None
    if of_files and job.capture.method == "cursor":
        found = "capture method cursor", "a file has no stamps; use files, or compare"
    elif of_files and job.source.query is not None:
        found = "a query", "name a table: a file, or a pattern like register*.xlsx"
    elif of_files and not job.key:
        found = "no key", "files declare none: name the columns that identify a row"
    elif of_files and recoded:
        found = f"columns.{recoded[0]}.charset", "a file has one: set source.charset"
    elif not of_files and job.capture.method == "files":
        found = "capture method files", "its source has tables; use cursor or compare"
    elif not of_files and job.source.reading:
        found = f"source.{next(iter(job.source.reading))}", "only a file has that; leave it out"
    elif not of_files and typed:
        found = f"columns.{typed[0]}.type", "a table says its types itself; leave it out"
    if found is not None:
        kind = "files" if of_files else "tables"
        raise ConfigurationError(
            f"{job.job}: {found[0]} does not go with a source of {kind}",
            endpoint=job.source.endpoint,
            remedy=found[1],
        )
