"""What a report or statement says of a job that needs somebody, beside the batches it lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.batch import Batch, State
from bridge.deadline.deadline import CHINA
from bridge.language.speech import chinese
from bridge.ledger.chain import ChainProblem
from bridge.ledger.record import Standing
from bridge.ledger.waiver import Waiver
from reconcile import matter
from reconcile.level import Content
from reconcile.matter import Matter
from reconcile.verdict import Verdict
from reconcile.wording import Words

__all__ = ["Found", "last_found", "matters"]

Found = Mapping[Verdict, Mapping[str, Any]]
"""What runs have found: by verdict, with `found` and `remedy` where they said so."""


def last_found(standing: Standing | None, until: datetime) -> Found:
    """What the last run left, if it ended by then, that stands until another one has looked."""
    if standing is None or standing.ran_verdict is None or standing.ran_at is None:
        return {}
    verdict = standing.ran_verdict
    if not verdict.stands or standing.ran_at >= until:
        return {}
    if standing.ran_error is None or verdict is Verdict.DEVIATION:  # the error may be another's
        return {verdict: {}}
    found, _, remedy = standing.ran_error.partition(" → ")
    return {verdict: {"found": found, "remedy": remedy}}


def matters(
    still_open: Sequence[Batch],
    waived: Sequence[Batch],
    given: Sequence[Waiver],
    since: datetime | None,
    problems: Sequence[ChainProblem],
    content: Content | None,
    found: Found,
    unknown: int,
) -> Iterator[Matter]:
    """Of the batches that deviate or are held, those sealed before the period; all that is waived,
    in batches or beside them, with who answers for it; forks of the ledger, for gaps are told by
    themselves; contents; what runs have found that is none of these; and how many rows that were
    set aside are `unknown` to the quarantine."""
    for batch in still_open:
        if since is not None and batch.sealed_at < since:
            deviation = None if batch.state is State.HELD else batch.deviation or 0
            yield matter.older_batch(batch.epoch, batch.seq, deviation, batch.cause)
    of_batches = {waiver.batch_hash: waiver for waiver in given if waiver.seq}
    for one in (waiver for waiver in given if not waiver.seq):
        found_there = Words(chinese().say_error(one.found), one.found)
        yield matter.waived_besides(found_there, one.rows, one.actor, _day(one), one.why)
    for batch in waived:
        waiver, never_left = of_batches.get(batch.batch_hash), batch.received is None
        if waiver is not None:  # else it is a fork, which is told
            by_whom = (waiver.actor, _day(waiver), waiver.why)
            place, rows = (batch.epoch, batch.seq), batch.rows_amiss
            yield matter.waived(*place, rows, *by_whom, never_left=never_left)
    for problem in problems:
        if problem.kind == "fork":
            yield matter.altered(problem.epoch, problem.seq)
    differs = content is not None and content.verdict is Verdict.DEVIATION
    if content is not None and differs:
        yield matter.contents_differ(content.missing, content.extra, content.different)
    told = {
        Verdict.HELD if batch.state is State.HELD else Verdict.DEVIATION for batch in still_open
    }
    told |= {Verdict.DEVIATION} if differs else set()
    for verdict, facts in found.items():
        if verdict not in told:
            words = (_words(facts.get(name)) for name in ("found", "remedy"))
            yield matter.found_by_run(verdict, *words)
    if unknown:
        yield matter.entries_missing(unknown)


def _day(waiver: Waiver) -> str:
    return f"{waiver.at.astimezone(CHINA):%Y-%m-%d}"


def _words(message: str | None) -> Words | None:
    return Words(chinese().say_error(message), message) if message else None
