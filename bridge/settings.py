"""The deployment: the department, its endpoints and its jobs, read from one directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bridge.configuration.alarmrule import AlarmRule, alarm_problems, unknown_jobs
from bridge.configuration.calendarfile import Calendar, read_calendar
from bridge.configuration.catalogue import CreditCode
from bridge.configuration.codetable import CodeTable, read_code_tables
from bridge.configuration.configfile import Document, Unreadable, folder_problems, read_yaml
from bridge.configuration.duration import Duration
from bridge.configuration.endpointsettings import EndpointSettings, Families, known_families
from bridge.configuration.jobfile import Surroundings, read_jobs
from bridge.configuration.problem import (
    ConfigurationProblems,
    Problem,
    capped,
    hint,
    printable,
    shown,
)
from bridge.configuration.retention import Retention
from bridge.configuration.statementsettings import StatementSettings
from bridge.configuration.tableplace import table_place
from bridge.configuration.validation import Name, Strict, Text, validate
from bridge.job import Job
from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["Defaults", "Department", "Deployment", "Problem", "Settings", "find_directory", "load"]

FILE = "bridgehead.yaml"
VARIABLE = "BRIDGEHEAD_CONFIG"

EndpointKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]


class Department(Strict):
    """部门. Whose front-end machine this is."""

    code: CreditCode
    """统一社会信用代码. The department's code as a legal person; both check characters count."""

    name: Text
    """部门名称. The department's name."""


class Defaults(Strict):
    """默认值. What holds for every job that does not say otherwise."""

    chunk_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 25_000
    """分块行数. Rows of one part of a large window or of a first load."""

    retry: Annotated[Duration, Field(le=20)] = 20
    """重试. How long a run tries again what is transient, before it ends."""

    quarantine_limit: Annotated[int, Field(ge=0)] = 100
    """隔离上限. More open quarantined rows of a job than this are an event."""


class Settings(Strict):
    """部署. What bridgehead.yaml says."""

    department: Department
    """部门. Whose front-end machine this is."""

    endpoints: Annotated[Mapping[EndpointKey, EndpointSettings], Field(min_length=1)]
    """数据源. The stores, by the name that jobs use."""

    exchange: Text
    """前置交换库. The endpoint that is the front-end exchange database."""

    guard: Name = "guard"
    """防回退目录. The folder on this machine that remembers how far each ledger had come."""

    defaults: Defaults = Defaults()
    """默认值. What holds for every job that does not say otherwise."""

    alarms: tuple[AlarmRule, ...] = ()
    """告警. Whom to tell of which events."""

    calendar: Name | None = None
    """工作日历. A file of working days and holidays, relative to the configuration directory."""

    statement: StatementSettings = StatementSettings()
    """对账单. How statements are made."""

    retention: Retention = Retention()
    """保留期限. How long what has arrived is kept."""


@dataclass(frozen=True)
class Deployment:
    """A configuration that could be read. `jobs` are the good ones; `problems` tell of the rest."""

    directory: Path
    settings: Settings
    jobs: Mapping[str, Job]
    code_tables: Mapping[str, CodeTable]
    problems: tuple[Problem, ...] = field(default=())
    calendar: Calendar | None = None

    @property
    def department(self) -> Department:
        return self.settings.department

    @property
    def exchange(self) -> str:
        """The name of the exchange database's endpoint."""
        return self.settings.exchange

    @property
    def guard_folder(self) -> Path:
        return self.directory / self.settings.guard

    @property
    def used_endpoints(self) -> set[str]:
        """The ledger's and those of jobs; every one while the file of a job cannot be read."""
        if self.bad_jobs:
            return {*self.endpoints}
        places = [place for job in self.jobs.values() for place in (job.source, job.target)]
        return {self.exchange, *(place.endpoint for place in places)}

    @property
    def defaults(self) -> Defaults:
        return self.settings.defaults

    @property
    def endpoints(self) -> Mapping[str, EndpointSettings]:
        return self.settings.endpoints

    def job(self, name: str) -> Job:
        """The job, or ConfigurationError with its file's problems or the nearest known name."""
        if name in self.jobs:
            return self.jobs[name]
        problems = self.problems_of(name)
        if problems:
            raise ConfigurationProblems(problems)
        known = {*self.jobs, *self.bad_jobs}
        raise ConfigurationError(f"unknown job {shown(name)}{hint(name, known)}")

    @property
    def bad_jobs(self) -> tuple[str, ...]:
        """Names of the jobs whose files cannot be used."""
        names = {Path(p.file).stem for p in self.problems if p.file.startswith("jobs/")}
        return tuple(sorted(names - self.jobs.keys()))

    def problems_of(self, name: str) -> tuple[Problem, ...]:
        """What is wrong with the job's file, whatever its ending."""
        files = {f"jobs/{name}{ending}" for ending in (".yaml", ".yml")}
        return tuple(p for p in self.problems if p.file in files)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint with its secrets resolved now; ConfigurationError if one is not set."""
        if name not in self.endpoints:
            raise ConfigurationError(f"unknown endpoint {shown(name)}{hint(name, self.endpoints)}")
        return self.endpoints[name].resolve(name, self.directory)

    def place_of(self, endpoint: str | None) -> str | None:
        """`name (family host:port/database)` for an endpoint's name; anything else as it is."""
        if endpoint is None or endpoint not in self.endpoints:
            return endpoint
        return str(self.endpoints[endpoint].without_secrets(endpoint, self.directory))

    def content_hash(self, job: Job) -> str:
        """Of the job with its source's schema, wherever that is written: in another one, a table of
        the same name is another table."""
        schema = job.source.schema or self.endpoints[job.source.endpoint].schema
        source = job.source.model_copy(update={"schema": schema})
        return job.model_copy(update={"source": source}).content_hash(self.code_tables)

    def feeder(self, job: Job) -> str | None:
        """The job of ours that brings, from a source of its own, the stamps by which this one sees
        what has changed."""
        place = table_place(job.source, self.endpoints, self.directory)
        for other in self.jobs.values() if place else ():
            if place == table_place(other.target, self.endpoints, self.directory):
                listed = other.columns
                brought = None if listed is None else other.shared_columns(listed).values()
                return other.job if brought is None or job.capture.column in brought else None
        return None

    def chunk_rows(self, job: Job) -> int:
        return job.chunk_rows or self.defaults.chunk_rows

    def quarantine_limit(self, job: Job) -> int:
        limit = job.quarantine_limit
        return self.defaults.quarantine_limit if limit is None else limit


def find_directory(option: Path | str | None = None) -> Path:
    """`--config DIR`, else BRIDGEHEAD_CONFIG, else ./config. It must be a directory."""
    variable = os.environ.get(VARIABLE)
    named, origin = "config", "./config"
    if option is not None:
        named, origin = str(option), "--config"
    elif variable:
        named, origin = variable, VARIABLE
    if not named or not _is_directory(Path(named)):
        raise ConfigurationError(
            f"no configuration directory at '{printable(named)}' ({origin})",
            remedy="name one with --config DIR, or start one with `bridgehead init DIR`",
        )
    return Path(named).absolute()


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def load(directory: Path, families: Families | None = None) -> Deployment:
    """The deployment in `directory`.

    Problems of bridgehead.yaml and of whole folders raise ConfigurationProblems, together with
    every problem of every other file. Problems of job files and code tables, and a rule of alarms
    for a job that is not there, stand in `problems` alone: they harm no other job.
    """
    directory = directory.absolute()
    families = known_families() if families is None else families
    document, settings, problems = _read_settings(directory, families)
    problems += folder_problems(directory, "jobs", "codes")
    tables, table_problems = read_code_tables(directory)
    endpoints = settings.endpoints if settings else {}
    names = document.mapping("endpoints") or endpoints
    surroundings = Surroundings(
        directory=directory,
        endpoint_names=frozenset(names),
        endpoints=endpoints,
        tables=frozenset(tables),
        bad_tables=frozenset(Path(p.file).stem for p in table_problems),
        no_targets=_unfit(endpoints, families, "target"),
    )
    jobs, job_problems = read_jobs(surroundings)
    calendar, other_problems = _read_calendar(directory, settings)
    if settings is not None:
        known = {*jobs, *(Path(p.file).stem for p in job_problems)}
        other_problems += unknown_jobs(document, settings.alarms, known)
        problems += alarm_problems(document, settings.alarms)
    found = (*problems, *table_problems, *other_problems, *job_problems)
    if settings is None or problems:
        raise ConfigurationProblems(found)
    return Deployment(directory, settings, jobs, tables, found, calendar)


def _read_calendar(
    directory: Path, settings: Settings | None
) -> tuple[Calendar | None, list[Problem]]:
    """A bad calendar stops nothing: due times then follow what is known without it."""
    if settings is None or settings.calendar is None:
        return None, []
    return read_calendar(directory, settings.calendar)


def _read_settings(
    directory: Path, families: Families
) -> tuple[Document, Settings | None, list[Problem]]:
    try:
        document = read_yaml(directory / FILE, FILE)
    except Unreadable as error:
        return Document(FILE), None, [error.problem]
    settings, faults = validate(Settings, document, {"families": families})
    problems = [*document.problems, *faults, *_exchange_problems(document, settings, families)]
    return document, settings, capped(problems)


def _exchange_problems(
    document: Document, settings: Settings | None, families: Families
) -> list[Problem]:
    """Looks at the raw file, so that an unknown name is told also while an endpoint is at fault."""
    exchange, names = document.at("exchange"), document.mapping("endpoints")
    if not isinstance(exchange, str):
        return []
    if exchange in names:
        unfit = _unfit(settings.endpoints if settings else {}, families, "exchange")
        if exchange not in unfit:
            return []
        family = unfit[exchange]
        roles = " or a ".join(families[family].roles)
        message = f"{shown(exchange)} is of family {family}, which can only be a {roles}"
        return [document.problem(("exchange",), f"{message}; name a database")]
    message = f"unknown endpoint {shown(exchange)}{hint(exchange, names)}"
    return [document.problem(("exchange",), message)]


def _unfit(
    endpoints: Mapping[str, EndpointSettings], families: Families, role: str
) -> dict[str, str]:
    """The endpoints that cannot be that store of a job, with their family."""
    kinds = {name: settings.family for name, settings in endpoints.items()}
    return {n: k for n, k in kinds.items() if k in families and role not in families[k].roles}
