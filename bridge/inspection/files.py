"""What `check` looks at in a job whose source is a folder of files, in place of a table's key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bridge.hold import Hold
from bridge.inspection.finding import Finding, Level
from bridge.intake import every_row
from bridge.ledger import file
from bridge.ledger.quarantine import SetAside
from bridge.plan import Plan
from bridge.transform.sieve import Sieve
from connectors.table import TableName

__all__ = ["files", "sample"]

_SAMPLE_ROWS = 10_000


def files(held: Hold, plan: Plan) -> Iterator[Finding]:
    """How many there are, which must be waited for, and which the ledger knows of."""
    present, waiting = held.source.files(plan.table.name)
    size = sum(f.size_bytes for f in present)
    found = f"{plan.table.name}: {len(present):,} complete files, {size:,} bytes"
    none = not present and held.job.capture.method == "compare"
    remedy = "put the file there; until then a run is refused" if none else ""
    yield Finding(held.name, "files", found, Level.WARNING if none else Level.OK, remedy)
    for one in waiting:
        yield Finding(held.name, "files", str(one), Level.WARNING, "it is read once it lies still")
    taken = _taken(held)
    gone = [name for name in taken if not held.source.exists(TableName(name))]
    if gone and held.job.capture.method == "files":
        found = f"{len(gone):,} of {len(taken):,} files taken are no longer there: {_some(gone)}"
        remedy = "a resync would be without the rows that only they brought"
        yield Finding(held.name, "files", found, Level.WARNING, remedy)


def sample(held: Hold, plan: Plan) -> Iterator[Finding]:
    """The newest file's first rows, read as a run reads them."""
    present, _ = held.source.files(plan.table.name)
    if not present:
        return
    newest = present[-1].name
    table = replace(plan.table, name=TableName(newest))
    refused: list[SetAside] = []
    with held.source.snapshot():
        stream = held.source.read(every_row(replace(plan, table=table)))
        for _ in Sieve(plan, refused).accepted(stream.part(_SAMPLE_ROWS)):
            pass
        stream.close()
    read = held.source.file_read(table.name)
    rows = read.rows if read else 0
    found = f"{newest}: {rows:,} rows, {stream.handed_out:,} of them looked at"
    reasons = Counter(entry.reason for entry in refused)
    if not reasons:
        yield Finding(held.name, "sample", f"{found}, all sound")
        return
    listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    first = refused[0].place
    text = f"{found}; to be set aside: {listed}, the first at {first}"
    yield Finding(held.name, "sample", text, Level.WARNING, "correct these rows in the file")


def _taken(held: Hold) -> dict[str, file.TakenFile]:
    if not held.has_current_ledger:
        return {}
    with held.exchange.transaction() as connection:
        return file.taken(connection, held.department, held.name, held.ledger().epoch)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown}, …" if len(names) > 3 else shown
