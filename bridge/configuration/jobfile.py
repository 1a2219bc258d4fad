"""Reads the job files of a deployment and checks each against its surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bridge.configuration.configfile import Document, Unreadable, read_yaml
from bridge.configuration.endpointsettings import EndpointSettings
from bridge.configuration.problem import PROBLEMS_PER_FILE, Location, Problem, capped, hint, shown
from bridge.configuration.tableplace import TablePlace, table_place
from bridge.configuration.validation import validate
from bridge.job import Job, Source, Target

__all__ = ["Surroundings", "read_jobs"]

_FOLDER = "jobs"


@dataclass(frozen=True)
class Surroundings:
    """What a job file may refer to.

    `endpoint_names` holds every name in bridgehead.yaml, `endpoints` the sound ones; `no_targets`
    those of them that can only be a source, with their family.
    """

    directory: Path
    endpoint_names: frozenset[str]
    endpoints: Mapping[str, EndpointSettings]
    tables: frozenset[str]
    bad_tables: frozenset[str]
    no_targets: Mapping[str, str]


def read_jobs(surroundings: Surroundings) -> tuple[dict[str, Job], list[Problem]]:
    """The good jobs by name, and the problems of the others."""
    jobs: dict[str, tuple[Document, Job]] = {}
    problems: list[Problem] = []
    for path in _files(surroundings.directory):
        file = f"{_FOLDER}/{path.name}"
        document, job, found = _read_job(path, file, surroundings)
        if document is not None and job is not None and not found:
            jobs[job.job] = (document, job)
        problems += capped(found)
    faults = _circles(jobs, surroundings) | _shared_targets(jobs, surroundings)
    good = {name: job for name, (_, job) in jobs.items() if name not in faults}
    return good, [*problems, *faults.values()]


def _files(directory: Path) -> list[Path]:
    """Job files by name; hidden ones are an editor's."""
    folder = directory / _FOLDER
    found = (p for pattern in ("*.yaml", "*.yml") for p in folder.glob(pattern))
    return sorted(p for p in found if not p.name.startswith("."))


def _read_job(
    path: Path, file: str, surroundings: Surroundings
) -> tuple[Document | None, Job | None, list[Problem]]:
    if path.suffix != ".yaml":
        message = f"is not read; rename it to {path.stem}.yaml or remove it"
        return None, None, [Problem(file, "", 0, message)]
    try:
        document = read_yaml(path, file)
    except Unreadable as error:
        return None, None, [error.problem]
    job, faults = validate(Job, document)
    found = [*document.problems, *faults, *_name_problems(document, path.stem)]
    found += islice(_reference_problems(document, surroundings), PROBLEMS_PER_FILE)
    if job is not None and not found:
        found += _same_table_problems(document, job, surroundings)
    return document, job, found


def _name_problems(document: Document, stem: str) -> Iterable[Problem]:
    name = document.at("job")
    if isinstance(name, str) and name != stem:
        message = f"{shown(name)} must be the file's name; rename one of them to the other"
        yield document.problem(("job",), f"{message} ('{stem}')")


def _reference_problems(document: Document, surroundings: Surroundings) -> Iterable[Problem]:
    """Looks at the raw file, so that unknown names are told also while something else is wrong."""
    for end in ("source", "target"):
        name = document.at(end, "endpoint")
        if isinstance(name, str) and name not in surroundings.endpoint_names:
            message = f"unknown endpoint {shown(name)}{hint(name, surroundings.endpoint_names)}"
            yield document.problem((end, "endpoint"), message)
        elif end == "target" and isinstance(name, str) and name in surroundings.no_targets:
            family = surroundings.no_targets[name]
            message = f"{shown(name)} is of family {family}, which can only be a source"
            yield document.problem((end, "endpoint"), f"{message}; name a database")
    for column in document.mapping("columns"):
        table = document.at("columns", column, "codes")
        if isinstance(table, str) and table not in surroundings.tables:
            yield document.problem(("columns", column, "codes"), _table_fault(table, surroundings))


def _table_fault(table: str, surroundings: Surroundings) -> str:
    if table in surroundings.bad_tables:
        return f"the code table has problems of its own; see codes/{table}.csv"
    return f"unknown code table {shown(table)}{hint(table, surroundings.tables)}"


def _same_table_problems(
    document: Document, job: Job, surroundings: Surroundings
) -> Iterable[Problem]:
    source, target = _place(job.source, surroundings), _place(job.target, surroundings)
    if source is not None and source == target:
        message = f"{shown(job.target.table)} is the source itself; name another table or endpoint"
        yield document.problem(("target", "table"), message)


def _shared_targets(
    jobs: Mapping[str, tuple[Document, Job]], surroundings: Surroundings
) -> dict[str, Problem]:
    """A problem for every job whose target table another job writes too.

    All of them are refused: which one is right cannot be told here, and each would replace the
    other's rows.
    """
    writers: dict[TablePlace, list[str]] = {}
    for name, (_, job) in jobs.items():
        place = _place(job.target, surroundings)
        if place is not None:
            writers.setdefault(place, []).append(name)
    problems: dict[str, Problem] = {}
    for names in writers.values():
        for name in names if len(names) > 1 else []:
            others = ", ".join(f"jobs/{other}.yaml" for other in names if other != name)
            message = f"is written by {others} too; one table belongs to one job"
            location: Location = ("target", "table")
            problems[name] = jobs[name][0].problem(location, message)
    return problems


def _circles(
    jobs: Mapping[str, tuple[Document, Job]], surroundings: Surroundings
) -> dict[str, Problem]:
    """A problem for every job whose rows come back to its own source by way of others: the image of
    one would delete what is new in the source of another."""
    ends = {
        name: (_place(job.source, surroundings), _place(job.target, surroundings))
        for name, (_, job) in jobs.items()
    }
    writers: dict[TablePlace | None, str]
    writers = {target: name for name, (_, target) in ends.items() if target is not None}
    problems: dict[str, Problem] = {}
    for name, (document, _) in jobs.items():
        before = [name]
        while (writer := writers.get(ends[before[-1]][0])) is not None and writer not in before:
            before.append(writer)
        if writer == name and len(before) > 1:
            others = ", ".join(f"jobs/{other}.yaml" for other in before[1:])
            message = f"comes back to its source by {others}; let one of them fill another table"
            problems[name] = document.problem(("target", "table"), message)
    return problems


def _place(end: Source | Target, surroundings: Surroundings) -> TablePlace | None:
    return table_place(end, surroundings.endpoints, surroundings.directory)
