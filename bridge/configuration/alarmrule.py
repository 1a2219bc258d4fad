"""Who is told of which events, how, and in which language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bridge.configuration.configfile import Document
from bridge.configuration.duration import Duration
from bridge.configuration.endpointsettings import SecretReference
from bridge.configuration.problem import Problem, hint, shown
from bridge.configuration.validation import Name, Strict
from bridge.event import EventKind, Severity

__all__ = ["AlarmRule", "alarm_problems", "unknown_jobs"]


class AlarmRule(Strict):
    """告警规则. Whom to tell of what."""

    to: SecretReference
    """接收地址. Where the apprise address is kept: whoever has it can post there."""

    name: Annotated[Name, Field(max_length=40)] | None = None
    """规则名称. What the rule is called; none given: where its address is kept."""

    severity: Severity = Severity.WARNING
    """最低级别. Events of this severity and above."""

    events: tuple[EventKind, ...] = ()
    """事件类型. Only these kinds of event; none given: all."""

    jobs: tuple[Name, ...] = ()
    """桥接服务. Only these jobs, and what concerns no single job; none given: all."""

    language: Literal["zh", "en"] = "zh"
    """语言. The language of the message."""

    repeat_after: Annotated[Duration, Field(ge=60)] = 14_400
    """重复间隔. How long an event that goes on is not told again."""

    @field_validator("to", mode="before")
    @classmethod
    def _is_a_reference(cls, to: object) -> object:
        """An address holds a secret, so the value is not shown."""
        if not isinstance(to, Mapping | SecretReference):
            message = "write a reference to the address: {env: VARIABLE} or {file: PATH}"
            raise ValueError(f"must not stand here as text; {message}")
        return to

    @property
    def called(self) -> str:
        place = f"env {self.to.env}" if self.to.env else f"file {self.to.file}"
        return self.name or place

    def wants(self, kind: EventKind, severity: Severity, job: str | None) -> bool:
        """Whether it is to be told of such an event."""
        chosen = not self.events or kind in self.events
        concerned = job is None or not self.jobs or job in self.jobs
        return chosen and concerned and severity.rank >= self.severity.rank


def alarm_problems(document: Document, rules: Collection[AlarmRule]) -> list[Problem]:
    """Rules that cannot be told apart."""
    problems = []
    called: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.called in called:
            message = f"another rule is called {shown(rule.called)} too; give them names"
            problems.append(document.problem(("alarms", place), message))
        called.add(rule.called)
    return problems


def unknown_jobs(
    document: Document, rules: Collection[AlarmRule], jobs: Collection[str]
) -> list[Problem]:
    """Names of jobs that are not there, or not any more: a rule that has one stops nothing."""
    return [
        document.problem(
            ("alarms", place, "jobs", number), f"unknown job {shown(job)}{hint(job, jobs)}"
        )
        for place, rule in enumerate(rules)
        for number, job in enumerate(rule.jobs)
        if job not in jobs
    ]
