"""What reports and statements add up to: nothing cancels, and nothing that is wrong is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reconcile import figures, listing
from reconcile.figures import JobSection, Report
from reconcile.level import BatchLine, Content, Effects, Gap, Position, Stream
from reconcile.listing import attention, listings, pages
from reconcile.statement import JobPeriod, Statement, days_of
from reconcile.verdict import Verdict

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SENT = Effects(6, 3, 2, 1, "d1")
HEAD = Position(1, 9, "a" * 64)


def line(seq: int = 1, **given: Any) -> BatchLine:
    """A reconciled batch whose books balance."""
    usual: dict[str, Any] = {
        "epoch": 1,
        "seq": seq,
        "kind": "data",
        "state": "reconciled",
        "verdict": Verdict.RECONCILED,
        "window_low": None,
        "window_high": NOON,
        "sealed_at": NOON + timedelta(hours=seq),
        "sent": SENT,
        "received": SENT,
        "batch_hash": f"{seq:064}",
        "read": 9,
        "gone": 1,
        "inserted": 3,
        "updated": 2,
        "deleted": 1,
        "unchanged": 2,
        "superseded": 1,
        "quarantined": 1,
    }
    return BatchLine(**usual | given)


def section(*batches: BatchLine, **given: Any) -> JobSection:
    usual: dict[str, Any] = {
        "job": "j",
        "title": "J",
        "resource_code": "",
        "source": "s",
        "exchange": "e",
        "target": "t",
        "guarantee": "lossless",
        "why": "",
        "verdict": Verdict.RECONCILED,
        "deviation": 0,
        "stream": Stream(HEAD, HEAD, SENT, SENT),
        "quarantined_open": 0,
        "batches": batches,
    }
    return JobSection(**usual | given)


def period(*batches: BatchLine, job: dict[str, Any] | None = None, **given: Any) -> JobPeriod:
    return JobPeriod(section(*batches, **given), None, HEAD, **job or {})


def report(*jobs: JobSection) -> Report:
    zone = timezone(timedelta(hours=8))
    return Report("1", "D", NOON, NOON, NOON + timedelta(days=1), jobs, zone)


def statement(*jobs: JobPeriod, breaks: tuple[str, ...] = ()) -> Statement:
    made = report(*(job.section for job in jobs))
    days = days_of(made.batches, made)
    return Statement(made, "Asia/Shanghai", jobs, days, (), None, breaks, ())


# -- one batch -------------------------------------------------------------------------------

TALLY = ("read", "gone", "inserted", "updated", "deleted", "unchanged", "superseded", "quarantined")


@pytest.mark.parametrize("name", TALLY)
@pytest.mark.parametrize("off", [1, -1])
def test_a_row_too_many_or_too_few_is_a_residual(name: str, off: int) -> None:
    one = line()
    assert (one.residual, one.alarming) == (0, False)
    changed = replace(one, **{name: getattr(one, name) + off})
    assert changed.residual == (off if name in TALLY[:2] else -off)
    assert changed.alarming


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_needs_somebody_is_alarming(verdict: Verdict) -> None:
    quiet = (Verdict.RECONCILED, Verdict.IN_FLIGHT, Verdict.UNCONFIRMED, Verdict.WAIVED)
    assert line(verdict=verdict).alarming is (verdict not in quiet)
    assert line(deviation=1).alarming


@pytest.mark.parametrize("kind", ["data", "first"])
@pytest.mark.parametrize("off", [1, -1])
def test_a_number_that_differs_is_shown_as_wrong(kind: str, off: int) -> None:
    received = Effects(SENT.total + off, SENT.inserted + off, SENT.updated, SENT.deleted, "d2")
    one = line(kind=kind, received=received, deviation=1)
    assert [one.differs(name) for name in ("total", "inserted", "updated")] == [True, True, False]
    assert one.digest_equal is False
    assert replace(one, deviation=0).digest_equal is False
    assert replace(one, deviation=0).differs("total")
    assert replace(one, deviation=0).differs("inserted") is (kind == "data")
    assert line(received=None).digest_equal is None


def test_rows_of_an_image_that_were_there_are_unchanged() -> None:
    assert SENT.parts == {"inserted": 3, "updated": 2, "deleted": 1}
    assert Effects(9, 3, 2, 1).parts == {"inserted": 3, "updated": 2, "unchanged": 4}


# -- one job ---------------------------------------------------------------------------------


def test_of_many_batches_an_old_one_that_needs_somebody_is_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "_MOST_LISTED", 3)
    batches = [line(seq) for seq in range(1, 8)]
    batches[1] = replace(batches[1], verdict=Verdict.HELD)
    assert [batch.seq for batch in section(*batches).listed] == [2, 5, 6, 7]


def test_no_verdict_is_given_on_nothing_but_a_bad_one_always() -> None:
    assert section().concluded is None
    assert section(line()).concluded is Verdict.RECONCILED
    for verdict in Verdict:
        if verdict is not Verdict.RECONCILED:
            assert section(verdict=verdict).concluded is verdict
    content = Content(NOON, None, 1, 1, 0, 0, 0, Verdict.RECONCILED)
    assert section(content=content).concluded is Verdict.RECONCILED


def test_every_missing_batch_counts() -> None:
    stream = replace(section().stream, gaps=(Gap(1, 2, 2), Gap(1, 5, 7)))
    assert section(stream=stream).missing_batches == 4


def test_only_what_was_measured_is_received() -> None:
    measured = Effects(4, 1, 2, 1)
    batches = (line(1, received=measured), line(2, received=None, verdict=Verdict.HELD))
    made = section(*batches)
    assert (made.sent.total, made.received) == (12, Effects.sum([measured]))
    assert report(made).unreceipted == 6
    (day,) = statement(period(*batches)).days
    assert (day.sent.total, day.received.total, day.unreceipted) == (12, 4, 6)


# -- all jobs --------------------------------------------------------------------------------


def test_the_worst_of_all_jobs_decides_also_of_one_that_sealed_nothing() -> None:
    for bad in (Verdict.HELD, Verdict.DEVIATION, Verdict.GAP, Verdict.FORK):
        for jobs in ((section(line()), section(verdict=bad)), (section(verdict=bad), section())):
            assert report(*jobs).verdict is bad


def test_jobs_add_up() -> None:
    stream = replace(section().stream, in_flight_rows=4, in_flight_batches=2)
    one = section(line(deviation=1), deviation=1, quarantined_open=3, stream=stream)
    other = section(deviation=2, quarantined_open=5, stream=stream)
    made = report(one, other)
    assert (made.deviation, made.deviation_found, made.quarantined) == (3, 1, 8)
    assert (made.in_flight, made.in_flight_batches) == (8, 4)


def test_residuals_do_not_cancel() -> None:
    more, less = line(1, read=10), line(2, read=8)
    assert report(section(more, less)).residual == 2
    assert report(section(more), section(less)).residual == 2
    for jobs in ([period(more, less), period()], [period(), period(more)], [period(less)]):
        made = statement(*jobs)
        assert (made.verdict, made.in_order) == (Verdict.RECONCILED, False)
    assert statement(period(more, less)).jobs[0].residual == 2


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_statement_is_in_order_only_where_nobody_is_needed(verdict: Verdict) -> None:
    good = (Verdict.RECONCILED, Verdict.IN_FLIGHT, Verdict.UNCONFIRMED, Verdict.WAIVED)
    made = statement(period(line()), period(verdict=verdict))
    assert made.in_order is (verdict in good)
    broken = statement(period(line()), breaks=("1 was changed",))
    assert (broken.verdict, broken.in_order) == (Verdict.FORK, False)


def test_timeliness_counts_a_job_that_kept_nothing() -> None:
    kept = period(job={"periods_kept": 3, "periods_due": 3})
    lost = period(job={"periods_kept": 0, "periods_due": 3})
    assert statement(kept, lost, period()).timeliness == 0.5
    assert statement(period()).timeliness is None
    due = {"periods_kept": 0, "periods_due": 3}
    jobs = (lost, period(), period(line(), job=due))
    assert [job.is_silent for job in jobs] == [True, False, False]


def test_a_day_is_one_of_the_zone_and_one_bad_batch_makes_it_bad() -> None:
    evening = [
        line(seq, sealed_at=NOON + timedelta(hours=hours)) for seq, hours in ((1, 3), (2, 5))
    ]
    first, second = statement(period(*evening)).days
    assert [str(day.day) for day in (first, second)] == ["2026-01-05", "2026-01-06"]
    batches = [line(1, deviation=2), line(2, deviation=3), line(3)]
    (day,) = statement(period(*batches)).days
    assert (day.deviation, day.alarming) == (5, True)


def test_what_stands_is_told_apart_from_what_was_put_right() -> None:
    stands = line(1, deviation=2, verdict=Verdict.DEVIATION)
    again = line(2, deviation=3, verdict=Verdict.DEVIATION)
    made = period(stands, again, line(3, deviation=4), job={"deviation_older": 5})
    assert (made.deviation, made.deviation_open) == (9, 10)
    table = {made.code: made for made in listings(statement(made))}["list_standing"]
    place = [column.phrase for column in table.columns].index("list_deviation_open")
    assert table.rows[0][place] == 10


# -- tables ----------------------------------------------------------------------------------


def test_the_gravest_jobs_come_first_and_silence_is_among_them() -> None:
    jobs = [
        period(line()),
        period(line(), verdict=Verdict.HELD),
        period(job={"periods_due": 2}),
        period(line(), verdict=Verdict.FORK),
    ]
    found = attention(statement(*jobs), 10)
    verdicts = [row[-1] for row in found.rows]
    assert verdicts == [Verdict.FORK, Verdict.HELD, None]
    assert attention(statement(*jobs), 1).whole == 3


def test_of_jobs_that_deviate_those_with_the_most_rows_at_fault_are_not_left_out() -> None:
    jobs = [
        JobPeriod(section(line(deviation=rows), title=name, verdict=Verdict.DEVIATION), None, HEAD)
        for name, rows in (("few", 1), ("most", 900), ("some", 20))
    ]
    found = attention(statement(*jobs), 2)
    title = [column.phrase for column in found.columns].index("list_title")
    assert ([row[title] for row in found.rows], found.whole) == (["most", "some"], 3)


def test_paper_leaves_out_no_batch_that_needs_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_ON_PAPER", 4)
    bad = line(1, verdict=Verdict.DEVIATION, deviation=2)
    made = statement(period(bad, *map(line, range(2, 7))))
    tables = {table.code: table for table in pages(made)}
    batches = tables["list_batches"]
    seq = [column.phrase for column in batches.columns].index("list_seq")
    assert [row[seq] for row in batches.rows] == [1, 3, 4, 5, 6]
    phrases = [column.phrase for column in batches.columns]
    assert batches.sums is not None
    assert batches.sums[phrases.index("list_sent_total")] == 36
    assert batches.sums[phrases.index("deviation")] == 2


def test_what_was_not_measured_is_not_shown_as_received() -> None:
    made = statement(period(line(1, received=None), line(2, received=replace(SENT, digest="d2"))))
    tables = {table.code: table for table in listings(made)}
    batches, hashes = tables["list_batches"], tables["list_hashes"]
    place = [column.phrase for column in batches.columns].index("list_received_total")
    assert [row[place] for row in batches.rows] == [None, 6]
    assert [row[-2:] for row in hashes.rows] == [("d1", None), ("d1", "d2")]
