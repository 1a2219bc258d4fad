"""Everything an operator decides about one resource."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from bridge.configuration.catalogue import Catalogue, cycle_seconds, working_days
from bridge.configuration.duration import DAY, Duration
from bridge.configuration.jobparts import Capture, Column, Deletes, Mask, Rule, Source, Target
from bridge.configuration.problem import Fault, Faults, hint, shown
from bridge.configuration.schedule import Kind, Schedule, kind_of, longest_gap_seconds
from bridge.configuration.validation import Name, Strict, Text
from connectors.errors import ConfigurationError

__all__ = ["Capture", "Column", "Deletes", "Job", "Mask", "Rule", "Source", "Target"]

_JOB_NAME = r"[a-z0-9][a-z0-9_.-]{0,39}"
_CONTINUOUS_OVERLAP_SECONDS = 2


def _job_name(name: str) -> str:
    if re.fullmatch(_JOB_NAME, name) is None:
        wanted = "1 to 40 of a-z 0-9 _ . -, starting with a letter or digit"
        raise ValueError(f"{shown(name)} is not a job name ({wanted})")
    return name


JobName = Annotated[
    str,
    AfterValidator(_job_name),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_JOB_NAME}$"}),
]


def _bare(column: object) -> object:
    return {} if column is None else column


# `phone:` with nothing behind it shares the column as it is.
BareColumn = Annotated[Column, BeforeValidator(_bare, json_schema_input_type=Column | None)]


class Job(Strict):
    """桥接服务. One resource's configured way through the three stores."""

    job: JobName
    """服务名. The job's name, the same as its file's."""

    title: Text | None = None
    """名称. What people call it."""

    catalogue: Catalogue = Catalogue()
    """目录条目. What the resource catalogue says of the resource."""

    source: Source
    """源. Where the rows come from."""

    key: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    """主键. The source columns that identify a row; none given: the table's primary key."""

    capture: Capture
    """抽取. How changes are found at the source."""

    columns: Mapping[Name, BareColumn] | None = None
    """字段. The columns that are shared, by source name; none given: all, unchanged."""

    target: Target
    """目标. Where the rows go."""

    schedule: Schedule = "manual"
    """调度. A cron line, an interval, continuous, or manual."""

    tasks: Literal["one", "three"] = "one"
    """任务数. A run's tasks in the scheduler: one for all, or pull, push, reconcile."""

    empty_every: Duration = 3600
    """零数据间隔. How often an idle job sends an empty batch; 0 is every run."""

    max_delete: Annotated[int, Field(ge=0)] | None = None
    """删除上限. More deletes than this in one batch hold the job for approval."""

    quarantine_limit: Annotated[int, Field(ge=0)] | None = None
    """隔离上限. More open quarantined rows than this are an event; none given: the deployment's."""

    chunk_rows: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """分块行数. Rows of one part of a large window; none given: the deployment's."""

    @model_validator(mode="before")
    @classmethod
    def _continuous_overlap(cls, data: Any) -> Any:
        """A loop that runs every few seconds cannot re-read a minute each time."""
        if not isinstance(data, Mapping) or data.get("schedule") != "continuous":
            return data
        capture = data.get("capture")
        if not isinstance(capture, Mapping):
            return data
        return {**data, "capture": {"overlap": _CONTINUOUS_OVERLAP_SECONDS, **capture}}

    @model_validator(mode="after")
    def _is_consistent(self) -> Job:
        faults = [*self._key_faults(), *self._column_faults(), *self._schedule_faults()]
        if faults:
            raise Faults(faults)
        return self

    @property
    def schedule_kind(self) -> Kind:
        return kind_of(self.schedule)

    @property
    def codes(self) -> frozenset[str]:
        """The code tables this job uses."""
        return frozenset(c.codes for c in (self.columns or {}).values() if c.codes is not None)

    @property
    def silent_seconds(self) -> int:
        """How long a look that found nothing may stay without a batch: `empty_every`, and no longer
        than lets a run of the schedule seal one in every update cycle."""
        cycle = self.catalogue.update_cycle
        limit, by_days = cycle_seconds(cycle), working_days(cycle) is not None
        gap = longest_gap_seconds(self.schedule, working_days=by_days)
        if limit is None or gap is None:
            return self.empty_every
        return min(self.empty_every, max(0, limit - gap) * 9 // 10)

    def shared_columns(self, available: Iterable[str]) -> dict[str, str]:
        """Source name → target name of what is shared, in the order of `available`.

        A column with `sharing: none` is never among them.
        """
        if self.columns is None:
            return {name: name for name in available}
        listed = self.columns
        return {
            name: listed[name].to or name
            for name in available
            if name in listed and listed[name].is_shared
        }

    def require_shareable(self) -> None:
        """Raises ConfigurationError for a resource that may not be shared (不予共享)."""
        if self.catalogue.sharing == "none":
            raise ConfigurationError(
                f"job '{self.job}': the catalogue says sharing: none (不予共享)",
                remedy="have the resource catalogue changed first, then catalogue.sharing",
            )

    def content_hash(self, code_tables: Mapping[str, Mapping[str, str]]) -> str:
        """SHA-256 of everything that decides what reaches the target.

        In it: source, target, key, the capture's method, column and time zone, the columns with
        their rules, masks, codes and sharing, and the content of the code tables used. Not in it:
        titles, the catalogue, the schedule, limits and waits, `adopt`, `cascade`, `ddl`, and the
        deployment's endpoints: a store that moved to another host is still the same store.
        A key that is not set is left out, so a release that adds one changes no job.
        """
        content = {
            "source": self.source.model_dump(exclude_none=True),
            "target": self.target.model_dump(
                exclude_none=True, exclude={"adopt", "cascade", "ddl"}
            ),
            "key": self.key,
            "capture": self._captured(),
            "columns": self._mapped(),
            "codes": {name: dict(code_tables[name]) for name in self.codes},
        }
        line = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(line.encode()).hexdigest()

    def _captured(self) -> dict[str, object]:
        return self.capture.model_dump(exclude_none=True, include={"method", "column", "timezone"})

    def _mapped(self) -> dict[str, object] | None:
        if self.columns is None:
            return None
        used = {"to", "rule", "mask", "codes", "charset", "type"}
        return {
            name: column.model_dump(exclude_none=True, include=used)
            for name, column in self.columns.items()
            if column.is_shared
        }

    def _key_faults(self) -> list[Fault]:
        if not self.key:
            message = "is missing: a query has no primary key to take it from"
            return [Fault(("key",), message)] if self.source.query else []
        faults = [
            Fault(("key", i), f"names '{name}' twice")
            for i, name in enumerate(self.key)
            if name in self.key[:i]
        ]
        for i, name in enumerate(self.key):
            faults += self._key_column_faults(("key", i), name)
        return faults

    def _key_column_faults(self, location: tuple[str | int, ...], name: str) -> list[Fault]:
        if self.columns is None:
            return []
        column = self.columns.get(name)
        if column is None:
            found = f"'{name}' is not among the columns{hint(name, self.columns)}"
            return [Fault(location, f"{found}; a key must be shared")]
        if not column.is_shared:
            message = "a key must be shared; choose another key or share the column"
            return [Fault(("columns", name, "sharing"), message)]
        changed = [part for part in ("mask", "codes") if getattr(column, part) is not None]
        message = "a key must arrive as it is, or two rows could become one; remove this"
        return [Fault(("columns", name, part), message) for part in changed]

    def _column_faults(self) -> list[Fault]:
        if self.columns is None:
            return []
        shared = {name: c.to or name for name, c in self.columns.items() if c.is_shared}
        if not shared:
            return [Fault(("columns",), "shares no column; leave `columns` out to share all")]
        faults, taken = [], dict[str, str]()
        for name, to in shared.items():
            # Some stores fold case, so two names that differ in case alone are one column there.
            other = taken.setdefault(to.casefold(), name)
            if other != name:
                message = f"goes to the target column '{to}', as '{other}' does"
                faults.append(Fault(("columns", name), message))
        return faults

    def _schedule_faults(self) -> list[Fault]:
        faults = []
        if self.tasks == "three" and self.schedule_kind == "continuous":
            message = "three cannot go on without an end; write one, or a schedule of 10s"
            faults.append(Fault(("tasks",), message))
        cycle = self.catalogue.update_cycle
        limit = cycle_seconds(cycle)
        if limit is None:
            return faults
        promised = f"the update cycle ({cycle or 'none given: daily'})"
        days = working_days(cycle) is not None
        gap = longest_gap_seconds(self.schedule, working_days=days)
        if gap is not None and gap > limit:
            message = f"runs up to {_span(gap)} apart, slower than {promised}"
            remedy = "run it more often or correct catalogue.update_cycle"
            faults.append(Fault(("schedule",), f"{message}; {remedy}"))
        if self.empty_every > limit:
            message = f"{_span(self.empty_every)} is longer than {promised}; make it shorter"
            faults.append(Fault(("empty_every",), message))
        return faults


def _span(seconds: int) -> str:
    """`3d 14h`, `90m`, `45s`: what an operator would have written."""
    if seconds >= 2 * DAY:
        days, rest = divmod(seconds, DAY)
        return f"{days}d {rest // 3600}h" if rest >= 3600 else f"{days}d"
    if seconds >= 2 * 3600:
        return f"{seconds // 3600}h"
    return f"{seconds // 60}m" if seconds >= 120 else f"{seconds}s"
