"""Reads of each job file what a scheduler must know, and no more: Airflow asks every few seconds.

Whether a file is right in all its parts is decided by the task, with the engine's own reader.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "KEYS",
    "RESERVED",
    "VARIABLE",
    "Entry",
    "Fault",
    "config_directory",
    "read_job",
    "read_jobs",
    "shown",
]

VARIABLE = "BRIDGEHEAD_CONFIG"
RESERVED = frozenset({"bridge_config_errors", "bridgehead_agent", "bridgehead_audit"})
"""DAGs that are no job's."""

# Scalars stay the text that was written, as the engine reads them; libyaml where there is one.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_SIZE_LIMIT_BYTES = 1_000_000
_DEPTH_LIMIT = 30
_SHOWN_LENGTH = 500
_SCHEDULE_LENGTH = 150
_UNKEPT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters that Airflow's database does not take."""
_TASKS = ("one", "three")

# A test holds this list and the engine's together.
KEYS = frozenset(
    (
        *("job", "title", "catalogue", "source", "key", "capture", "columns", "target"),
        *("schedule", "tasks", "empty_every", "max_delete", "quarantine_limit", "chunk_rows"),
    )
)
"""What a job file may say."""


@dataclass(frozen=True)
class Entry:
    """One job, as far as its schedule goes. `source` and `target` are endpoints."""

    job: str
    title: str
    schedule: str
    tasks: str
    source: str
    source_table: str
    target: str
    target_schema: str
    target_table: str

    @property
    def target_place(self) -> tuple[str, ...]:
        return self.target, self.target_schema.casefold(), self.target_table.casefold()


@dataclass(frozen=True)
class Fault:
    """Why a file cannot be scheduled."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


def config_directory() -> Path:
    """The deployment's configuration, found as the engine finds it."""
    return Path(os.environ.get(VARIABLE) or "config").absolute()


def read_jobs(directory: Path) -> Iterator[Entry | Fault]:
    """Every job file in order of name, good or bad. Reading one never raises."""
    folder = directory / "jobs"
    try:
        if not folder.is_dir():
            message = f"there is no such folder; set {VARIABLE} to the configuration"
            yield Fault(str(folder), message)
            return
        paths = [path for path in folder.iterdir() if path.suffix in (".yaml", ".yml")]
    except OSError as error:
        yield Fault(str(folder), _one_line(error))
        return
    found = [_read(path) for path in sorted(paths) if not path.name.startswith(".")]
    writers = Counter(entry.target_place for entry in found if isinstance(entry, Entry))
    for entry in found:
        yield _alone(entry, writers)


def _alone(entry: Entry | Fault, writers: Mapping[tuple[str, ...], int]) -> Entry | Fault:
    """Of several jobs that write one table none is scheduled: which one is right is not known."""
    if isinstance(entry, Fault) or not entry.target_table or writers[entry.target_place] == 1:
        return entry
    table = entry.target_table
    message = f"target.table: {table!r} is written by another job too; one table belongs to one job"
    return Fault(f"jobs/{entry.job}.yaml", message)


def read_job(directory: Path, job: str) -> Entry | Fault:
    """The one file that a worker needs."""
    if not _NAME.fullmatch(job):
        return Fault(f"jobs/{job[:40]}", "is not the name of a job")
    return _read(directory / "jobs" / f"{job}.yaml")


def _read(path: Path) -> Entry | Fault:
    file = f"jobs/{path.name}"
    if path.suffix == ".yml":
        return Fault(file, f"is not read; rename it to {path.stem}.yaml or remove it")
    try:
        if path.exists() and not path.is_file():
            return Fault(file, "is not a file")
        with path.open("rb") as opened:
            text = opened.read(_SIZE_LIMIT_BYTES + 1)
        if len(text) > _SIZE_LIMIT_BYTES:
            return Fault(file, f"is larger than {_SIZE_LIMIT_BYTES:,} bytes")
        _refuse_depth(text)
        return _entry(path.stem, yaml.load(text, _Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Fault(f"{file}:{line}", f"is not YAML: {error.problem}")
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return Fault(file, _one_line(error))


def _refuse_depth(text: bytes) -> None:
    """Raises ValueError. Whoever builds what is nested ten thousand times ends its process."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_LIMIT:
            raise ValueError(f"is nested deeper than {_DEPTH_LIMIT} levels")


def _entry(stem: str, content: object) -> Entry:
    """Raises ValueError."""
    if not isinstance(content, Mapping):
        raise ValueError("must hold keys and values")
    job = _text(content, "job")
    if job != stem:
        raise ValueError(f"job: {job!r} must be the file's name; rename one of them to the other")
    if not _NAME.fullmatch(job):
        raise ValueError(f"job: {job!r} is not a job name (1 to 40 of a-z 0-9 _ . -)")
    if job in RESERVED:
        raise ValueError(f"job: {job!r} is the name of one of Bridgehead's own DAGs; rename it")
    if unknown := sorted(map(str, content.keys() - KEYS)):
        near = difflib.get_close_matches(unknown[0], KEYS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{unknown[0]}: unknown key{hint}")
    tasks = _text(content, "tasks", "one")
    if tasks not in _TASKS:
        raise ValueError(f"tasks: {tasks!r} is neither {' nor '.join(_TASKS)}")
    schedule = " ".join(_text(content, "schedule", "manual").split())
    if (tasks, schedule) == ("three", "continuous"):
        raise ValueError(
            "tasks: three cannot go on without an end; write one, or a schedule of 10s"
        )
    if len(schedule) > _SCHEDULE_LENGTH:
        raise ValueError(f"schedule: is longer than {_SCHEDULE_LENGTH} characters")
    source, target = (_mapping(content, end) for end in ("source", "target"))
    return Entry(
        job=job,
        title=shown(_text(content, "title", "")),
        schedule=schedule,
        tasks=tasks,
        source=_text(source, "endpoint", within="source."),
        source_table=_text(source, "table", "a query", within="source."),
        target=_text(target, "endpoint", within="target."),
        target_schema=_text(target, "schema", "", within="target."),
        target_table=_text(target, "table", "", within="target."),
    )


def shown(text: str) -> str:
    """Airflow's database takes neither a NUL nor much more than this: a text that it refuses would
    keep it from every other job too."""
    return "".join(c if c.isprintable() else " " for c in text[:_SHOWN_LENGTH]).strip()


def _mapping(content: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
    found = content.get(key)
    if not isinstance(found, Mapping):
        raise ValueError(f"{key}: is missing or holds no keys and values")
    return found


def _text(
    content: Mapping[Any, Any], key: str, otherwise: str | None = None, *, within: str = ""
) -> str:
    found = content.get(key) or otherwise
    if found is None:
        raise ValueError(f"{within}{key}: is missing")
    if not isinstance(found, str):
        raise ValueError(f"{within}{key}: must be one value")
    if within and _UNKEPT.search(found.strip()):
        raise ValueError(f"{within}{key}: {found.strip()!r} is no name: it has a control character")
    return found.strip()


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return " ".join(str(error).split())
