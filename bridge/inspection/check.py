"""What stands between every job and its run: looked at, nothing touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from rich.filesize import decimal
from sqlalchemy import func, select

from bridge.errors import Outdated
from bridge.hold import Hold
from bridge.inspection.finding import Finding, Level, refused
from bridge.inspection.job import inspections_of
from bridge.job import Job
from bridge.ledger.migrations import has_ledger, lacking_receiver_ddl
from bridge.ledger.schema import EXCHANGE
from bridge.plan import make_plan
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.errors import BridgeheadError, ConfigurationError, StructureMismatch
from connectors.registry import connect
from connectors.table import Filling, Table, TableName
from connectors.telling import Room, room_at

__all__ = ["Finding", "Level", "check_deployment", "ddl_of"]

_CLOCKS_APART_SECONDS = 5
_GUARD_BYTES = 1_000


def check_deployment(deployment: Deployment, only: str | None = None) -> list[Finding]:
    """Of all jobs, or of one: configuration, every endpoint they use, then each job."""
    jobs = [deployment.job(only)] if only else [deployment.jobs[n] for n in sorted(deployment.jobs)]
    findings = [] if only else _problems(deployment)
    if not findings:
        found = f"{deployment.directory}: {len(jobs)} of {len(deployment.jobs)} jobs"
        findings.append(Finding(None, "configuration", found))
    findings += _guard(deployment)
    broken: set[str] = set()
    rooms: dict[str, Room] = {}
    for endpoint in _endpoints(deployment, jobs):
        looked = list(_endpoint(deployment, endpoint, rooms))
        findings += looked
        if any(finding.level is Level.REFUSED for finding in looked):
            broken.add(endpoint)
    for job in jobs:
        findings += _job(deployment, job, broken)
    filled = [deployment.exchange, *(job.target.endpoint for job in jobs)]
    filling = {name: rooms[name] for name in dict.fromkeys(filled) if name in rooms}
    findings += _disks({**filling, "this machine": room_at(gettempdir())}, findings)
    return findings


def ddl_of(deployment: Deployment, names: Sequence[str]) -> dict[str, list[str]]:
    """By target, what the DBA must create there for these jobs: what it lacks of the receiver's
    tables, each job's table, and stages that are no temporary tables."""
    statements: dict[str, list[str]] = {}
    for name in names:
        job = deployment.job(name)
        with ExitStack() as stack:
            held = _look(deployment, job, stack)
            plan = make_plan(held, anew=True)
            of_target = statements.setdefault(job.target.endpoint, [])
            of_target += [s for s in _receiver_ddl(held.target) if s not in of_target]
            made = [] if plan.target_exists else plan.effects.create(plan.table.comment)
            made += plan.effects.prepare()
            of_target += map(held.target.dialect.plain, made)
    return statements


def _receiver_ddl(target: Connector) -> list[str]:
    with target.transaction() as connection:
        return lacking_receiver_ddl(connection, lambda name: _exists(target, name))


def _exists(target: Connector, name: str) -> bool:
    """Oracle and DM keep the receiver's names in capitals."""
    return any(target.exists(target.resolve(TableName(n))) for n in (name, name.upper()))


def _look(deployment: Deployment, job: Job, stack: ExitStack) -> Hold:
    """Sessions for reading, without the job's lock or a token: nothing can be written."""
    exchange = stack.enter_context(connect(deployment.endpoint(deployment.exchange)))
    return Hold(deployment, job, exchange, stack)


def _problems(deployment: Deployment) -> list[Finding]:
    return [
        Finding(None, "configuration", str(problem), Level.REFUSED, exit_code=2)
        for problem in deployment.problems
    ]


def _guard(deployment: Deployment) -> Iterator[Finding]:
    folder = deployment.guard_folder
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not _takes_a_file(there):
        found = f"{folder} cannot be written: a restored ledger may go unnoticed"
        remedy = "make room there, or name another folder as guard in bridgehead.yaml"
        yield Finding(None, "guard", found, Level.WARNING, remedy)


def _takes_a_file(folder: Path) -> bool:
    """Rights say nothing of a disk that is full, or mounted for reading only."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_GUARD_BYTES))
            probe.flush()
    except OSError:
        return False
    return True


def _endpoints(deployment: Deployment, jobs: Sequence[Job]) -> list[str]:
    used = [deployment.exchange]
    for job in jobs:
        used += [job.source.endpoint, job.target.endpoint]
    return list(dict.fromkeys(used))


def _endpoint(deployment: Deployment, name: str, rooms: dict[str, Room]) -> Iterator[Finding]:
    try:
        with connect(deployment.endpoint(name)) as store:
            yield Finding(None, "connection", str(store.endpoint))
            if not store.capabilities.files:  # whoever keeps them, this machine answers
                yield _clock(name, store)
            rooms[name] = store.room()
            problem = store.settings_problem()
            if problem:
                yield Finding(None, "settings", f"{name}: {problem}", Level.WARNING)
            if name == deployment.exchange:
                yield from _ledger(store)
    except BridgeheadError as error:
        place = deployment.place_of(name)
        code = error.exit_code
        found = f"{place}: {error.message}"
        yield Finding(None, "connection", found, Level.REFUSED, error.remedy, code)


def _ledger(exchange: Connector) -> Iterator[Finding]:
    """Whether it is of this release: one that is not is looked at no further."""
    made = False
    with exchange.transaction() as connection:
        try:
            made = has_ledger(connection)
        except Outdated as error:
            yield Finding(None, "ledger", error.message, Level.WARNING, error.remedy)
        except (ConfigurationError, StructureMismatch) as error:
            yield refused(None, "ledger", error)
    if made:
        there = {n: exchange.describe(exchange.resolve(TableName(n))) for n in EXCHANGE.tables}
        yield from _as_restored(exchange.endpoint.name, there)
        yield from _numbers_given_again(exchange)


def _as_restored(name: str, there: Mapping[str, Table]) -> Iterator[Finding]:
    """What a restore that stopped half way has left out of the ledger's tables."""
    if lacking := list(_lacking_keys(there)):
        found = f"{name}: lacks keys: {'; '.join(lacking)}"
        remedy = (
            "it was restored without them: have them made as unique indexes, or restore it whole"
        )
        yield Finding(None, "ledger", found, Level.WARNING, remedy)
    if unnumbered := list(_unnumbered(there)):
        found = f"{name}: its rows are not numbered any more: {', '.join(unnumbered)}"
        remedy = "it was restored without that, and no run can write there: restore it whole"
        yield refused(None, "ledger", StructureMismatch(found, remedy=remedy))


def _lacking_keys(there: Mapping[str, Table]) -> Iterator[str]:
    """Without them nothing is refused that stands there twice."""
    for name, table in EXCHANGE.tables.items():
        unique = [index.columns for index in table.indexes if index.unique]
        for columns in (table.primary_key.columns, *unique):
            key = tuple(column.name for column in columns)
            if not there[name].tells_apart(key):
                yield f"{name} ({', '.join(key)})"


def _unnumbered(there: Mapping[str, Table]) -> Iterator[str]:
    """Without it every row that is written there is refused."""
    for name, table in EXCHANGE.tables.items():
        number = table.autoincrement_column
        if number is not None and there[name].column(number.name).filling is Filling.NEEDED:
            yield f"{name}.{number.name}"


def _numbers_given_again(exchange: Connector) -> Iterator[Finding]:
    behind = []
    for name, table in EXCHANGE.tables.items():
        column = table.autoincrement_column
        if column is not None:
            with exchange.transaction() as connection:  # first: runs go on writing meanwhile
                newest = connection.scalar(select(func.max(column)))
            following = exchange.next_number(exchange.resolve(TableName(name)), column.name)
            if following is not None and newest is not None and following <= newest:
                behind.append(f"{name}.{column.name} ({following}, and {newest} is there)")
    if behind:
        found = f"{exchange.endpoint.name}: gives numbers that are there: {'; '.join(behind)}"
        remedy = (
            "a restore or a replication has left its sequences behind, and runs end where they "
            "write there: set each above what is there (setval)"
        )
        yield refused(None, "ledger", StructureMismatch(found, remedy=remedy))


def _clock(name: str, store: Connector) -> Finding:
    """A stamp and the horizon are both of the source's clock: another clock here harms no row, and
    makes every age that is shown wrong."""
    apart = (store.clock() - datetime.now(UTC)).total_seconds()
    if abs(apart) < _CLOCKS_APART_SECONDS:
        found = f"{name}: its clock is within {_CLOCKS_APART_SECONDS} s of this machine's"
        return Finding(None, "clock", found)
    found = f"{name}: its clock is {-apart:,.0f} s behind this machine's"
    if apart > 0:
        found = f"{name}: its clock is {apart:,.0f} s ahead of this machine's"
    return Finding(None, "clock", found, Level.WARNING, "let NTP set both clocks")


def _disks(rooms: Mapping[str, Room], findings: Sequence[Finding]) -> Iterator[Finding]:
    """What the first loads still to come need together, beside what is free. The exchange of a
    small deployment may be its target, too."""
    for name, room in rooms.items():
        need = sum(finding.needs.get(name, 0) for finding in findings)
        wanted = [f"first loads need about {decimal(need)}"] if need else []
        if room.free_bytes is None:
            found = [f"{name}: free room is not known: {room.why}", *wanted]
            yield Finding(None, "disk", "; ".join(found))
            continue
        free, doubt = f"{name}: {decimal(room.free_bytes)} are free", [room.why] if room.why else []
        found = [free, f"on the disk of {room.place}", *doubt, *wanted]
        if need < room.free_bytes:
            yield Finding(None, "disk", "; ".join(found))
        else:
            remedy = "make room there first"
            yield Finding(None, "disk", "; ".join(found), Level.WARNING, remedy)


def _job(deployment: Deployment, job: Job, broken: set[str]) -> Iterator[Finding]:
    try:
        job.require_shareable()
    except BridgeheadError as error:
        yield refused(job.job, "catalogue", error)
        return
    needed = (deployment.exchange, job.source.endpoint, job.target.endpoint)
    missing = sorted(broken.intersection(needed))
    if missing:
        found = f"not looked at: see what is refused of {', '.join(missing)}"
        yield Finding(job.job, "structure", found, Level.WARNING)
        return
    with ExitStack() as stack:
        try:
            held = _look(deployment, job, stack)
        except BridgeheadError as error:
            yield refused(job.job, "connection", error)
            return
        yield from _inspect(held)


def _inspect(held: Hold) -> Iterator[Finding]:
    """Each look by itself: what one finds does not hide what the next one would."""
    try:
        plan = make_plan(held, anew=True)
    except BridgeheadError as error:
        yield refused(held.name, "structure", error)
        return
    for inspect in inspections_of(held):
        try:
            yield from inspect(held, plan)
        except BridgeheadError as error:
            yield refused(held.name, inspect.__name__.replace("_", " "), error)
