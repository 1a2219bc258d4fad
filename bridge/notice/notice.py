"""Takes notice of what has happened: writes events, queues the alarms about them, and sends those.

Always after the work and in transactions of its own. Nothing here can stop a batch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from bridge.deadline.timeliness import observe_calendar, observe_deadlines
from bridge.event import EventKind, Observation, Recovery, Sighting
from bridge.failpoint import failpoint
from bridge.hold import open_ledger
from bridge.ledger.alarm import Occasion, Outbox
from bridge.ledger.event import EventEntry, Events
from bridge.ledger.migrations import has_ledger
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.timeliness import forget_others, know
from bridge.notice.alarm import FIRST_PAUSE, queue_opened, queue_recovered, send_pending, send_to
from bridge.notice.alarmtext import compose
from bridge.notice.aside import Aside, forget, recall, remember
from bridge.notice.observation import down_store, observe
from bridge.outcome import Outcome
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.errors import BridgeheadError
from connectors.registry import connect

__all__ = ["end", "note", "note_all", "note_outcome", "note_trial", "record"]

log = logging.getLogger("bridgehead")

Look = Callable[[Connection], Observation]

_TRIES = 3
_OF_RUNNING = {
    EventKind.FAILED,
    EventKind.STRUCTURE,
    EventKind.OVERDUE,
    EventKind.HORIZON,
    EventKind.QUARANTINE,
}
_TELLING = threading.Lock()
"""One of the jobs that run at once tells that the exchange is down."""
_PASSES = 2
"""The second sends what the failures of the first have brought about."""


def note_outcome(deployment: Deployment, outcome: Outcome, at: datetime | None = None) -> None:
    """After a run. What was refused before any connection was made leaves no trace here either; the
    agent tells of it."""
    if outcome.skipped or not (outcome.reached or down_store(outcome.error)):
        return
    now = at or datetime.now(UTC)
    try:
        seen = observe(outcome)
        if outcome.error and down_store(outcome.error) == deployment.exchange:
            _set_aside(deployment, seen, now)
            return
        with open_ledger(deployment) as exchange:
            note(exchange, deployment, lambda c: seen + _of_job(c, deployment, outcome, now), now)
    except Exception as error:  # noqa: BLE001 — whatever it is, the batch has been carried
        told = str(error) if isinstance(error, BridgeheadError) else type(error).__name__
        log.warning("%s: no notice could be taken of the run: %s", outcome.job, told)


def note_all(deployment: Deployment, at: datetime | None = None) -> dict[str, str | None]:
    """What only a clock shows, of every job: overdue, a calendar that ends, files that cannot be
    used. Sends what is due; by rule, None or why its message did not arrive. Raises
    BridgeheadError where the ledger cannot be reached."""
    now = at or datetime.now(UTC)

    def look(connection: Connection) -> Observation:
        events = Events(connection, deployment.department.code)
        configured = {*deployment.jobs, *deployment.bad_jobs}
        know(connection, deployment.department.code, configured, now)
        forget_others(connection, deployment.department.code, configured)
        found = observe_deadlines(connection, deployment, now) + observe_calendar(deployment, now)
        return found + _of_files(deployment) + _of_gone(events, deployment, configured)

    try:
        with open_ledger(deployment) as exchange:
            record(exchange, deployment, look, now)
            return _send(exchange, deployment, now)
    except BridgeheadError as error:
        if down_store(error) == deployment.exchange:
            _set_aside(deployment, Observation((_store_down(error),)), now)
        raise


def note_trial(deployment: Deployment, came: dict[str, str | None]) -> None:
    """A rule by which a trial message has arrived can be told again. Where there is no ledger, or
    none that answers, nothing stands open in it either."""
    arrived: dict[str, str | None] = {
        rule: failure for rule, failure in came.items() if failure is None
    }
    if not arrived:
        return
    with suppress(BridgeheadError), connect(deployment.endpoint(deployment.exchange)) as exchange:
        with exchange.transaction() as connection:
            known = has_ledger(connection)
        if known:
            record(exchange, deployment, lambda _: _of_sending(arrived), datetime.now(UTC))


def note(exchange: Connector, deployment: Deployment, look: Look, at: datetime) -> None:
    """Records what a look shows, and sends the alarms about it."""
    record(exchange, deployment, look, at)
    _send(exchange, deployment, at)


def record(exchange: Connector, deployment: Deployment, look: Look, at: datetime) -> None:
    """One short transaction. Two sessions may open one event at once: the later looks again."""
    for left in reversed(range(_TRIES)):
        try:
            with exchange.transaction() as connection:
                _write(connection, deployment, look(connection), at)
                failpoint("notice.writing")
            failpoint("notice.written")
            forget(deployment)
            return
        except BridgeheadError:
            if not left:
                raise


def end(connection: Connection, deployment: Deployment, recovery: Recovery, at: datetime) -> None:
    """What is so no longer, in the transaction of the caller: a decision, too, may end an event."""
    department, rules = deployment.department.code, deployment.settings.alarms
    for entry in Events(connection, department).recover(recovery, at):
        queue_recovered(Outbox(connection, department), rules, entry, at)


def _write(
    connection: Connection, deployment: Deployment, observation: Observation, at: datetime
) -> None:
    department, rules = deployment.department.code, deployment.settings.alarms
    events, outbox = Events(connection, department), Outbox(connection, department)
    _write_aside(events, outbox, deployment, at)
    open_ones = events.open_kinds()
    for recovery in observation.over:  # first: the last word is of what is so
        if (recovery.job, recovery.kind) in open_ones:
            end(connection, deployment, recovery, at)
    for sighting in sorted(observation.seen, key=lambda s: (s.job or "", s.kind, s.subject)):
        queue_opened(outbox, rules, events.see(sighting, at), at)


def _send(exchange: Connector, deployment: Deployment, at: datetime) -> dict[str, str | None]:
    came: dict[str, str | None] = {}
    for _ in range(_PASSES):
        tried = send_pending(deployment, exchange, at)
        if not tried:
            break
        came |= tried
        told = _of_sending(tried)
        record(exchange, deployment, lambda _, told=told: told, at)  # type: ignore[misc]
    return came


def _of_sending(tried: dict[str, str | None]) -> Observation:
    failed = {rule: failure for rule, failure in tried.items() if failure is not None}
    return Observation(
        tuple(
            Sighting(EventKind.ALARM, subject=rule, facts={"failure": failure})
            for rule, failure in failed.items()
        ),
        tuple(Recovery(EventKind.ALARM, subject=rule) for rule in tried if rule not in failed),
    )


def _of_job(
    connection: Connection, deployment: Deployment, outcome: Outcome, at: datetime
) -> Observation:
    """What the ledger says of the job after the run."""
    job = deployment.jobs.get(outcome.job)
    if job is None:
        return Observation()
    know(connection, deployment.department.code, [outcome.job], at)
    found = observe_deadlines(connection, deployment, at, [outcome.job])
    count = Quarantine(connection, deployment.department.code, outcome.job).count()
    limit = deployment.quarantine_limit(job)
    if count <= limit:
        return found + Observation(over=(Recovery(EventKind.QUARANTINE, outcome.job),))
    facts = {"open": count, "limit": limit}
    return found + Observation((Sighting(EventKind.QUARANTINE, outcome.job, facts=facts),))


def _of_files(deployment: Deployment) -> Observation:
    """Jobs that cannot run because of their files. One that has run well again is told by its
    run."""
    return Observation(
        tuple(
            Sighting(
                EventKind.FAILED,
                name,
                facts={
                    "code": "configuration",
                    "found": str(deployment.problems_of(name)[0]),
                    "remedy": "correct the file, then bridgehead check",
                },
            )
            for name in deployment.bad_jobs
        )
    )


def _of_gone(events: Events, deployment: Deployment, configured: Container[str]) -> Observation:
    """A job, store or rule that was taken away is used no more, so that nothing can tell that this
    is over. What a job's books say stays open."""
    jobs = (
        Recovery(kind, job)
        for job, kind in events.open_kinds()
        if job is not None and job not in configured and kind in _OF_RUNNING
    )
    rules = {rule.called for rule in deployment.settings.alarms}
    known = {EventKind.STORE: deployment.used_endpoints, EventKind.ALARM: rules}
    others = (
        Recovery(kind, subject=subject)
        for kind, names in known.items()
        for subject in sorted(events.open_subjects(kind) - names)
    )
    return Observation(over=(*jobs, *others))


def _store_down(error: BridgeheadError) -> Sighting:
    facts = {"code": error.code, "found": error.message, "remedy": error.remedy}
    return Sighting(EventKind.STORE, subject=down_store(error) or "", facts=facts)


def _set_aside(deployment: Deployment, observation: Observation, at: datetime) -> None:
    """The exchange itself is down: written to the log, and told without the ledger."""
    if not _TELLING.acquire(blocking=False):
        return
    try:
        aside = recall(deployment) or Aside(at)
        for sighting in (seen for seen in observation.seen if seen.kind is EventKind.STORE):
            found = sighting.facts["found"]
            log.error("%s is down since %s: %s", sighting.subject, aside.since, found)
            _tell_aside(deployment, aside, _entry_of(sighting, aside.since, at), at)
        remember(deployment, aside)
    finally:
        _TELLING.release()


def _tell_aside(deployment: Deployment, aside: Aside, entry: EventEntry, at: datetime) -> None:
    for rule in deployment.settings.alarms:
        last, failed = aside.told.get(rule.called), aside.failed.get(rule.called)
        pause = timedelta(seconds=rule.repeat_after)
        waits = (last and abs(at - last) < pause) or (failed and abs(at - failed) < FIRST_PAUSE)
        if waits or not rule.wants(entry.kind, entry.severity, None):
            continue
        occasion = Occasion.REPEATED if last else Occasion.OPENED
        message = compose(deployment, entry, occasion, rule.language)
        failure = send_to(deployment, rule, *message, entry.severity)
        if failure is None:
            aside.told[rule.called] = at
            aside.failed.pop(rule.called, None)
        else:
            aside.failed[rule.called] = at
            log.error("an alarm to %s could not be sent: %s", rule.called, failure)


def _write_aside(events: Events, outbox: Outbox, deployment: Deployment, at: datetime) -> None:
    """The exchange is back: its absence becomes an event that is over, and who was told of it is
    told that."""
    aside = recall(deployment)
    if aside is None:
        return
    down = Sighting(EventKind.STORE, subject=deployment.exchange, since=aside.since)
    events.see(down, at)
    for entry in events.recover(Recovery(EventKind.STORE, subject=deployment.exchange), at):
        for rule in aside.told:
            outbox.queue(entry.number, rule, Occasion.RECOVERED, at)


def _entry_of(sighting: Sighting, since: datetime, at: datetime) -> EventEntry:
    """As it would stand in the ledger; 0 is the number of what could not be kept."""
    return EventEntry(
        number=0,
        job=sighting.job,
        kind=sighting.kind,
        subject=sighting.subject,
        severity=sighting.kind.severity,
        facts=dict(sighting.facts),
        first_seen_at=since,
        last_seen_at=at,
        seen=1,
    )
