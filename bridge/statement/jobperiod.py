"""One job in the period of a statement, as the ledger tells of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from bridge.batch import GENESIS, Batch
from bridge.deadline.timeliness import timeliness_between
from bridge.ledger.chain import ChainProblem
from bridge.ledger.period import quarantined_at, stopped_at, strayed
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.verification import (
    missing_at_end,
    verify_batches,
    verify_begun,
    verify_waived,
    verify_waived_besides,
)
from bridge.ledger.waiver import Waiver, waivers
from bridge.overview import VERDICTS
from bridge.statement.matter import Found, last_found, matters
from bridge.statement.period import Period
from bridge.statement.section import about, batch_line, chain_verdicts, content_of, gaps_of, summed
from reconcile.figures import JobSection
from reconcile.level import BatchLine, Content, Position, Stream
from reconcile.matter import Matter, cycles_unknown, sealed_elsewhen
from reconcile.statement import JobPeriod
from reconcile.verdict import Verdict, worst

__all__ = ["JobInPeriod"]

_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)

Number = tuple[int, int]
"""Epoch and seq of a batch."""

log = logging.getLogger("bridgehead")


class JobInPeriod:
    """What the ledger holds of one job, read once; `told` is what a statement says of it."""

    def __init__(self, period: Period, name: str) -> None:
        self._period, self._name = period, name
        self._history = history = period.history(name)
        self._standing = history.standing()
        self._opening = period.last_before(name, period.since)
        self._closing = period.last_before(name, period.until)
        self._lines: list[BatchLine] = []
        self._bounds: tuple[Number, Number] | None = None  # the period's first batch, and its last
        self._problems = self._find_problems()
        self._deviated = self._so_far(history.open_deviations())
        self._held = self._so_far(history.held())
        self._waiting = self._so_far(history.unsettled())
        self._waived = self._so_far(history.waived())
        self._content = self._find_content()
        self._found = self._find_what_runs_found()
        self._waivers = self._find_waivers()

    def told(self) -> JobPeriod:
        name, period = self._name, self._period
        over = min(period.until, period.made)  # what is not over yet cannot have been missed
        timely = timeliness_between(period.connection, period.deployment, name, period.since, over)
        newest = period.last_before(name, _END_OF_TIME)
        return JobPeriod(
            section=self._section(timely.share if timely else None),
            opening=_position(self._opening),
            closing=_position(self._closing),
            forks=sum(problem.kind == "fork" for problem in self._problems),
            deviation_older=self._deviation_older,
            deviation_besides=self._deviation_besides,
            held_batches=len(self._held),
            held_rows=sum(batch.sent.total for batch in self._held),
            periods_kept=timely.kept if timely else None,
            periods_due=timely.due if timely else None,
            cycles_unknown=self._has_bad_file,
            content_hash=newest.content_hash if newest else "",
        )

    def _section(self, timeliness: float | None) -> JobSection:
        by_batch = sum(line.deviation for line in self._lines) + self._deviation_older
        return JobSection(
            **about(self._period.deployment, self._name),
            verdict=worst(self._verdicts()),
            deviation=max(by_batch, self._deviation_besides),
            stream=self._stream(),
            quarantined_open=quarantined_at(*self._at_the_end),
            batches=tuple(self._lines),
            waived_batches=len(self._waived),
            waived_rows=sum(batch.rows_amiss for batch in self._waived),
            waived_besides=sum(one.rows for one in self._waivers if not one.seq),
            content=self._content,
            timeliness=timeliness,
            matters=tuple(self._matters()),
        )

    def _verdicts(self) -> Iterator[Verdict]:
        """Of all that stands; the worst is the job's."""
        for batch in (*self._deviated, *self._held, *self._waiting, *self._waived):
            yield VERDICTS[batch.state]
        yield from chain_verdicts(self._problems)
        if self._content:
            yield self._content.verdict
        if self._is_waived_besides:
            yield Verdict.WAIVED
        yield from self._found
        if self._is_about_to_begin():
            yield Verdict.IN_FLIGHT

    def _matters(self) -> Iterator[Matter]:
        yield from matters(
            [*self._deviated, *self._held],
            self._waived,
            self._waivers,
            self._period.since,
            self._problems,
            self._content,
            self._found,
            Quarantine(self._period.connection, self._period.department, self._name).missing(),
        )
        yield from self._strayed()
        if self._has_bad_file:
            log.warning(
                "%s: its file cannot be used: which update cycles were due is unknown", self._name
            )
            yield cycles_unknown()

    def _strayed(self) -> Iterator[Matter]:
        """Of batches whose numbers lie among the period's, and their times do not. A hash covers no
        time: by that one could be taken out of every statement."""
        if self._bounds is None:
            return
        (epoch, seq), last = self._bounds
        begin, end = ((b.epoch, b.seq) if b else (0, 0) for b in (self._opening, self._closing))
        numbers = begin if begin < (epoch, seq) else (epoch, seq - 1), max(last, end)
        period = self._period
        found = strayed(
            period.connection,
            period.department,
            self._name,
            numbers,
            (period.since, period.until),
        )
        if found:
            yield sealed_elsewhen(len(found), *found[0])

    def _stream(self) -> Stream:
        """Both books since the beginning of the last epoch, up to the end of the period."""
        period, history, waiting = self._period, self._history, self._waiting
        confirmed = period.last_before(self._name, period.until, confirmed=True)
        head = _position(self._closing) or Position(1, 0, GENESIS)
        at = (confirmed.epoch, confirmed.seq) if confirmed else (head.epoch, 0)
        oldest = min((batch.sealed_at for batch in waiting), default=None)
        return Stream(
            sent_position=head,
            received_position=_position(confirmed),
            sent=summed(history.sums(*at)),
            received=summed(history.received_sums(*at)) if confirmed else None,
            in_flight_batches=len(waiting),
            in_flight_rows=sum(batch.sent.total for batch in waiting),
            in_flight_seconds=max(0.0, (period.made - oldest).total_seconds()) if oldest else None,
            gaps=gaps_of(self._problems),
        )

    @property
    def _has_bad_file(self) -> bool:
        return self._name in self._period.deployment.bad_jobs

    @property
    def _at_the_end(self) -> tuple[Connection, str, str, datetime]:
        """What is asked of how this job stood when the period ended."""
        period = self._period
        return period.connection, period.department, self._name, period.until

    @property
    def _deviation_older(self) -> int:
        since, until = self._period.since, self._period.until
        return sum(b.deviation or 0 for b in self._deviated if not since <= b.sealed_at < until)

    @property
    def _deviation_besides(self) -> int:
        return max(_deviation_of(self._content), int(Verdict.DEVIATION in self._found))

    @property
    def _is_waived_besides(self) -> bool:
        """Whether somebody answers for what was found, by the period's end, beside the batches."""
        standing = self._standing
        if standing is None or not standing.is_waived:
            return False
        found_at = standing.compared_at if standing.content_deviation else standing.ran_at
        return found_at is not None and found_at < self._period.until

    def _is_about_to_begin(self) -> bool:
        """Whether an epoch had begun when the period ended, and has no batch yet: all is on its
        way, and what the target has is not yet what it should have."""
        begun = self._history.begun().get(self._standing.epoch) if self._standing else None
        if self._closing is None or begun is None or begun.at >= self._period.until:
            return False
        return self._history.newest() is None

    def _so_far(self, batches: Iterable[Batch]) -> Sequence[Batch]:
        """Those of the period, and of before it: by their time, or by their number."""
        until = self._period.until
        last = self._bounds[1] if self._bounds else (0, 0)
        return [b for b in batches if b.sealed_at < until or (b.epoch, b.seq) <= last]

    def _sealed(self) -> Iterator[Batch]:
        """The batches of the period, once; on the way is kept what is told of each."""
        for batch in self._history.sealed(self._period.since, self._period.until):
            line, number = batch_line(batch), (batch.epoch, batch.seq)
            self._lines += [line] if line else []
            self._bounds = (self._bounds[0] if self._bounds else number), number
            yield batch

    def _find_problems(self) -> Sequence[ChainProblem]:
        """Gaps and forks of the period's batches, numbers that are missing before one of them, and
        what is missing at the end of an epoch that ended in the period; and epochs that nobody
        began, and batches that nobody waived, of which none knows when."""
        history, period = self._history, self._period
        every = history.begun()
        found = [*verify_batches(history, self._sealed()), *verify_begun(history, every)]
        found += [*verify_waived(history), *verify_waived_besides(history)]
        for begun in every.values():
            if begun.ended and period.since <= begun.at < period.until:
                missing = missing_at_end(history, begun.ended)
                found += [missing] if missing else []
        return found

    def _find_content(self) -> Content | None:
        """The last comparison, unless it was made before the period."""
        content = content_of(self._standing)
        return content if content and content.checked_at >= self._period.since else None

    def _find_what_runs_found(self) -> Found:
        """What runs have found beside what stands in the batches, and stood at the period's end;
        without what is waived of it now."""
        events = stopped_at(*self._at_the_end)
        if self._is_waived_besides:
            events = {kind: facts for kind, facts in events.items() if "waived" not in facts}
        found = {Verdict(kind.value): facts for kind, facts in events.items()}
        return {**last_found(self._standing, self._period.until), **found}

    def _find_waivers(self) -> Sequence[Waiver]:
        """As `waivers`, of what is waived: of batches, and of what stands beside them."""
        besides = self._is_waived_besides
        if not (self._waived or besides):
            return []
        given = waivers(self._period.connection, self._period.department, self._name)
        return [waiver for waiver in given if waiver.seq or besides]


def _deviation_of(content: Content | None) -> int:
    """What is open of it."""
    if content is None or content.verdict is not Verdict.DEVIATION:
        return 0
    return content.missing + content.extra + content.different


def _position(batch: Batch | None) -> Position | None:
    return Position(batch.epoch, batch.seq, batch.batch_hash) if batch else None
