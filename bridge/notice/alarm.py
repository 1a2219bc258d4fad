"""Alarms: which rule is told of which event, and that the message gets there."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bridge.configuration.alarmrule import AlarmRule
from bridge.event import EventKind, Severity
from bridge.failpoint import failpoint
from bridge.ledger.alarm import LONGEST_PAUSE, Alarm, Occasion, Outbox
from bridge.ledger.event import EventEntry, Events
from bridge.notice.alarmtext import compose, compose_trial
from bridge.notice.messenger import send
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.errors import BridgeheadError

__all__ = [
    "FIRST_PAUSE",
    "queue_opened",
    "queue_recovered",
    "send_pending",
    "send_to",
    "send_trial",
]

log = logging.getLogger("bridgehead")

_AT_ONCE = 10
_BUDGET_SECONDS = 30.0
_TOO_OLD = timedelta(days=1)
FIRST_PAUSE = timedelta(minutes=1)


def queue_opened(
    outbox: Outbox, rules: Iterable[AlarmRule], entry: EventEntry, at: datetime
) -> None:
    """Every rule that wants it is told once, and again after its pause, until somebody has
    acknowledged it; also where it was told by a clock that was ahead."""
    told = outbox.last_told(entry.number) if entry.seen > 1 else {}
    for rule in _wanting(rules, entry):
        last = told.get(rule.called)
        if last is None:
            outbox.queue(entry.number, rule.called, Occasion.OPENED, at)
        elif entry.acknowledged_at is None and abs(at - last) >= timedelta(
            seconds=rule.repeat_after
        ):
            outbox.queue(entry.number, rule.called, Occasion.REPEATED, at)


def queue_recovered(
    outbox: Outbox, rules: Iterable[AlarmRule], entry: EventEntry, at: datetime
) -> None:
    """Once, to those that were told of it."""
    told = outbox.last_told(entry.number)
    for rule in _wanting(rules, entry):
        if rule.called in told:
            outbox.queue(entry.number, rule.called, Occasion.RECOVERED, at)


def _wanting(rules: Iterable[AlarmRule], entry: EventEntry) -> list[AlarmRule]:
    """A rule is not told by itself that it cannot be told."""
    return [
        rule
        for rule in rules
        if rule.wants(entry.kind, entry.severity, entry.job)
        and not (entry.kind is EventKind.ALARM and entry.subject == rule.called)
    ]


def send_pending(
    deployment: Deployment, exchange: Connector, at: datetime
) -> dict[str, str | None]:
    """Sends what is due, at most `_AT_ONCE` messages and for little more than `_BUDGET_SECONDS`. By
    rule that was tried: None, or why its message did not arrive; it is due again later."""
    if not deployment.settings.alarms:
        return {}
    with exchange.transaction() as connection:
        outbox = Outbox(connection, deployment.department.code)
        claimed = outbox.claim(at, _AT_ONCE)
    failpoint("alarm.claimed")
    came: dict[str, str | None] = {}
    until = time.monotonic() + _BUDGET_SECONDS
    for place, alarm in enumerate(claimed):
        if time.monotonic() > until:
            with exchange.transaction() as connection:
                Outbox(connection, deployment.department.code).release(claimed[place:], at)
            break
        if came.get(alarm.rule) is None:  # behind a failed one the others wait as long as it does
            came[alarm.rule] = _try(deployment, exchange, alarm, at)
    return came


def _try(deployment: Deployment, exchange: Connector, alarm: Alarm, at: datetime) -> str | None:
    department = deployment.department.code
    with exchange.transaction() as connection:
        entry = Events(connection, department).entry(alarm.event)
    rule = next((r for r in deployment.settings.alarms if r.called == alarm.rule), None)
    if entry is None or rule is None:
        with exchange.transaction() as connection:
            Outbox(connection, department).drop(alarm, at, "its rule is gone")
        return None
    severity = None if alarm.occasion is Occasion.RECOVERED else entry.severity
    title, body = compose(deployment, entry, alarm.occasion, rule.language)
    failure = send_to(deployment, rule, title, body, severity)
    failpoint("alarm.sent")
    with exchange.transaction() as connection:
        _report(connection, deployment, alarm, failure, at)
        failpoint("alarm.reporting")
    failpoint("alarm.reported")
    return failure


def _report(
    connection: Connection, deployment: Deployment, alarm: Alarm, failure: str | None, at: datetime
) -> None:
    department = deployment.department.code
    events, outbox = Events(connection, department), Outbox(connection, department)
    if failure is None:
        outbox.sent(alarm, at)
        return
    log.warning("an alarm to %s could not be sent: %s", alarm.rule, failure)
    pause = min(FIRST_PAUSE * 2 ** min(alarm.tries, 10), LONGEST_PAUSE)
    outbox.postpone(alarm, at + pause, failure)
    for old in outbox.waiting(alarm.rule, at - _TOO_OLD):
        entry = events.entry(old.event)
        waits = entry is not None and entry.is_open and entry.acknowledged_at is None
        newest = outbox.last_told(old.event).get(old.rule) == old.queued_at
        if not (waits and newest):  # nothing else may tell of what is so, and nobody knows of
            outbox.drop(old, at, failure)


def send_to(
    deployment: Deployment, rule: AlarmRule, title: str, body: str, severity: Severity | None
) -> str | None:
    """None, or why the message did not arrive."""
    try:
        place = f"alarm {rule.called}"
        address = rule.to.resolve(place, "address", deployment.directory).reveal().strip()
    except BridgeheadError as error:
        return error.message
    return send(address, title, body, severity)


def send_trial(deployment: Deployment) -> list[tuple[AlarmRule, str | None]]:
    """A message to every rule, and what came of it."""
    rules = deployment.settings.alarms
    return [
        (rule, send_to(deployment, rule, *compose_trial(deployment, rule.language), None))
        for rule in rules
    ]
