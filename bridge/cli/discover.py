"""The command discover: what a store holds, and what of it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from bridge.batch import instant
from bridge.cli.session import AsJson, Session, only_text
from bridge.cli.shown import console, error_console, print_json, table
from bridge.language import say
from bridge.log import legible
from bridge.overview import read_ledger
from bridge.settings import Deployment
from bridge.structure.collection import (
    Changed,
    Collection,
    changes_kept,
    collect,
    keep,
    listed_name,
)
from bridge.structure.discover import find_table, job_file
from bridge.structure.structure import structure_of
from connectors.connector import Connector
from connectors.errors import BridgeheadError
from connectors.registry import connect
from connectors.table import Table, TableName

commands = typer.Typer()

_COLUMNS = ("table", "change", "name", "before", "after", "between", "and")


@commands.command()
def discover(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name.")],
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="A table, or SCHEMA.TABLE.", callback=only_text),
    ] = None,
    job: Annotated[
        bool, typer.Option("--job", help="Print a job file for the table to start from.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="How it differs from what was collected last.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Every change that was ever collected.")
    ] = False,
    kept: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the structure in the ledger, or look.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """The tables of a store, or the structure of one of them; what is collected is kept."""
    session: Session = ctx.obj
    deployment = session.deployment
    if job and name is None:
        raise typer.BadParameter("--job needs a TABLE")
    if job + changes + history > 1:
        raise typer.BadParameter("--job, --changes and --history exclude each other")
    if changes and not kept:
        raise typer.BadParameter("--changes keeps what it compares; leave --no-keep out")
    if history:
        _show_changes(_history(deployment, endpoint, name), as_json=as_json)
        return
    with connect(deployment.endpoint(endpoint)) as store:
        table_found = find_table(store, name) if name is not None else None
        if not changes:
            _show(deployment, store, table_found, job=job, as_json=as_json)
        found = _collect(store, table_found) if kept else None
    if changes and found is not None:
        _show_changes(keep(deployment, found), as_json=as_json)
    elif found is not None:
        _keep_aside(deployment, found)


def _collect(store: Connector, found: Table | None) -> Collection:
    if found is not None:
        return _one(store, found)
    collected = collect(store, store.tables())
    for name, why in collected.unread.items():
        _note(say("the structure of {0} could not be read: {1}", name, say(why)))
    return collected


def _one(store: Connector, found: Table) -> Collection:
    whole = collect(store, ())
    return Collection(whole.endpoint, whole.at, {listed_name(store, found): structure_of(found)})


def _keep_aside(deployment: Deployment, found: Collection) -> None:
    """Looking at a store needs no ledger: without one, no history is kept."""
    try:
        changed = keep(deployment, found)
    except BridgeheadError as error:
        _note(say("no history was kept: {0}", error))
        return
    if changed:
        tables = ", ".join(str(change.table) for change in changed[:3])
        told = say("changed since it was last collected: {0} of {1}", tables, len(changed))
        _note(told, say("see bridgehead discover {0} --history", found.endpoint))


def _history(deployment: Deployment, endpoint: str, name: str | None) -> list[Changed]:
    """From the ledger alone: the endpoint itself is not asked."""
    deployment.endpoint(endpoint)
    with read_ledger(deployment) as exchange:
        if exchange is None:
            return []
        with exchange.transaction() as connection:
            department = deployment.department.code
            known = changes_kept(connection, department, endpoint)
    return [change for change in known if name is None or _is_called(change.table, name)]


def _is_called(table: TableName, name: str) -> bool:
    return name in (table.name, str(table))


def _note(*sentences: str) -> None:
    for sentence in sentences:
        error_console().print(Text(sentence), soft_wrap=True)


# -- what is shown -------------------------------------------------------------------------------


def _show(
    deployment: Deployment, store: Connector, found: Table | None, *, job: bool, as_json: bool
) -> None:
    if found is None:
        _show_tables([str(name) for name in store.tables()], as_json=as_json)
    elif job:
        print(job_file(deployment, store, found), end="")
    else:
        _show_structure(found, as_json=as_json)


def _show_tables(names: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(names)
        return
    for name in names:
        print(legible(name))


def _show_structure(found: Table, *, as_json: bool) -> None:
    columns = ["column", "type", "native", "nullable", "key", "indexed", "comment"]
    rows: list[list[object]] = [
        [
            column.name,
            str(column.type),
            column.native,
            "yes" if column.nullable else "no",
            found.key.index(column.name) + 1 if column.name in found.key else "",
            "yes" if column.name in found.indexed else "no",
            column.comment,
        ]
        for column in found.columns
    ]
    if as_json:
        described = [dict(zip(columns, row, strict=True)) for row in rows]
        print_json(_described(found) | {"columns": described})
        return
    said = [[say(str(c)) if c in ("yes", "no") else c for c in row] for row in rows]
    console().print(table(f"{found.name} {found.comment}", columns, said))
    indexes = [
        [index.name, ", ".join(index.columns), say("yes" if index.unique else "no")]
        for index in found.indexes
    ]
    if indexes:
        console().print(table("", ("index", "columns", "unique"), indexes))


def _described(found: Table) -> dict[str, Any]:
    return {
        "table": str(found.name),
        "view": found.is_view,
        "comment": found.comment,
        "row_estimate": found.row_estimate,
        "key": list(found.key),
        "unique": [list(names) for names in found.unique],
        "indexes": [
            {"index": index.name, "columns": list(index.columns), "unique": index.unique}
            for index in found.indexes
        ],
    }


def _show_changes(changed: Sequence[Changed], *, as_json: bool) -> None:
    lines = [
        [
            str(change.table),
            difference.change.value,
            difference.name,
            difference.before,
            difference.after,
            instant(change.since),
            instant(change.at),
        ]
        for change in changed
        for difference in change.differences
    ]
    if as_json:
        print_json([dict(zip(_COLUMNS, line, strict=True)) for line in lines])
        return
    if not lines:
        console().print(say("no change"))
        return
    shown = [
        [line[0], say(str(line[1])), *line[2:5], _day(line[5]), _day(line[6])] for line in lines
    ]
    console().print(table("", _COLUMNS, shown, folds=("before", "after")))


def _day(moment: str | None) -> str:
    """To the second is enough to read."""
    return f"{moment[:19].replace('T', ' ')}Z" if moment else ""
