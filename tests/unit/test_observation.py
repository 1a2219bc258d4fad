"""What a run came to is told: its exit code, what it says is so, and what it says is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.batch import GENESIS, Batch, Kind, State, Tally
from bridge.centre import Health
from bridge.errors import BooksDoNotBalance, Changed, Fork, Gap, Held, Restored
from bridge.event import EventKind, Recovery, Sighting
from bridge.notice.observation import observe
from bridge.outcome import Outcome, Part, part_of, working_on
from bridge.runs import exit_code_of, run_jobs
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConnectionLost,
    LoginRefused,
    MissingObject,
    StoreFull,
    StructureMismatch,
    Unreachable,
)
from reconcile.verdict import Verdict

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BOTH = frozenset({"source", "target"})
WHOLE = frozenset({Part.BEGINNING, Part.PULL, Part.PUSH})
PULL, PUSH = WHOLE - {Part.PUSH}, WHOLE - {Part.PULL}


def batch(seq: int, state: State, **tally: int) -> Batch:
    return Batch(
        department="d",
        job="j",
        epoch=1,
        seq=seq,
        kind=Kind.DATA,
        state=state,
        content_hash="c",
        prev_hash=GENESIS,
        window_low=None,
        window_high=NOON,
        key_low=None,
        key_high=None,
        last=True,
        tally=Tally(**tally),
        digest="d",
        sealed_at=NOON,
    )


def outcome(*batches: Batch, **given: Any) -> Outcome:
    made = Outcome("j", **{"reached": BOTH, "through": {*WHOLE}} | given)
    for one in batches:
        made.note(one)
    return made


def seen(made: Outcome) -> list[EventKind]:
    return [sighting.kind for sighting in observe(made).seen]


def over(made: Outcome) -> set[EventKind | str]:
    """Kinds of the job, and names of stores."""
    found: set[EventKind | str] = set()
    for recovery in observe(made).over:
        is_store = recovery.kind is EventKind.STORE
        assert recovery == (
            Recovery(EventKind.STORE, None, recovery.subject)
            if is_store
            else Recovery(recovery.kind, "j", recovery.subject)
        )
        if recovery.kind in OF_A_PART:
            assert recovery.subject in made.through
            continue
        assert is_store or not recovery.subject
        found.add(str(recovery.subject) if is_store else recovery.kind)
    return found


def parts_over(made: Outcome, kind: EventKind = EventKind.FAILED) -> set[str | None]:
    return {recovery.subject for recovery in observe(made).over if recovery.kind is kind}


OF_A_PART = (EventKind.FAILED, EventKind.STRUCTURE)
GOOD = {EventKind.DEVIATION, EventKind.HELD}
FOLLOWED = {EventKind.GAP, EventKind.FORK}


# -- exit codes ------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_that_needs_somebody_is_exit_1(verdict: Verdict) -> None:
    good = verdict in (Verdict.RECONCILED, Verdict.IN_FLIGHT, Verdict.WAIVED)
    assert outcome(verdict=verdict).exit_code == (0 if good else 1)
    assert outcome(verdict=verdict, overdue=True).exit_code == 1
    assert outcome(verdict=verdict, skipped=True).exit_code == 0
    assert outcome(verdict=verdict, error=Unreachable("away")).exit_code == 3


def test_of_several_codes_none_hides_a_graver_one() -> None:
    ranks = [1, 4, 2, 3, 0]
    for place, code in enumerate(ranks):
        for milder in ranks[place:]:
            assert exit_code_of([milder, code]) == exit_code_of([code, milder]) == code


def test_a_job_that_broke_is_not_called_reconciled() -> None:
    def run(name: str) -> Outcome:
        raise ZeroDivisionError

    (broken,) = run_jobs(["j"], 1, run)
    assert (broken.verdict, broken.exit_code) == (Verdict.IN_FLIGHT, 4)
    assert "ZeroDivisionError" in str(broken.error)


# -- what is so ------------------------------------------------------------------------------


def test_where_all_is_well_everything_is_over() -> None:
    made = outcome(batch(1, State.RECONCILED, read=1, inserted=1))
    assert (seen(made), over(made)) == ([], GOOD | FOLLOWED | BOTH | {EventKind.HORIZON})
    # Without a batch and a cut it has not been seen that the books follow on each other.
    assert over(outcome()) == GOOD | BOTH | {EventKind.HORIZON}
    assert over(outcome(through=PUSH)) == GOOD | BOTH


def test_only_what_was_looked_at_is_over() -> None:
    def told(*parts: Part, **given: Any) -> set[EventKind | str]:
        return over(outcome(batch(1, State.RECONCILED), through={*parts}, **given)) - BOTH

    assert told(*PULL) == {EventKind.DEVIATION, EventKind.HORIZON} | FOLLOWED
    assert told(*PUSH) == GOOD | FOLLOWED
    assert told(Part.COMPARISON) == {EventKind.DEVIATION} | FOLLOWED
    assert told() == {EventKind.DEVIATION}
    for parts in (PULL, PUSH, WHOLE, {Part.COMPARISON}):
        for kind in OF_A_PART:
            assert parts_over(outcome(through=parts), kind) == parts
    begun = outcome(through={Part.BEGINNING, Part.PULL}, error=_come_up_in(Part.PUSH))
    assert parts_over(begun) == {Part.BEGINNING, Part.PULL}
    assert parts_over(outcome(error=BooksDoNotBalance("b"))) == WHOLE - {Part.BEGINNING}


def _come_up_in(part: Part) -> BridgeheadError:
    """As an error that another part has passed on."""
    with pytest.raises(BooksDoNotBalance) as caught, working_on(Part.PULL), working_on(part):
        raise BooksDoNotBalance("b")
    return caught.value


@pytest.mark.parametrize("part", Part)
def test_a_failure_is_told_of_the_part_in_which_it_came_up(part: Part) -> None:
    error = _come_up_in(part)
    assert part_of(error) is part
    (sighting,) = observe(outcome(error=error, through=set())).seen
    assert (sighting.kind, sighting.subject) == (EventKind.FAILED, part)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_deviation_of_one_row_is_told(rows: int) -> None:
    made = outcome(batch(1, State.RECONCILED), verdict=Verdict.DEVIATION, deviation=rows)
    (sighting,) = observe(made).seen
    assert (sighting.kind, sighting.job) == (EventKind.DEVIATION, "j")
    assert sighting.facts["deviation"] == rows
    assert over(made) == GOOD - {EventKind.DEVIATION} | FOLLOWED | BOTH | {EventKind.HORIZON}


def test_a_held_batch_is_told_wherever_it_stands_and_whatever_else_it_holds() -> None:
    held = batch(2, State.HELD, read=2, gone=9, inserted=2, deleted=9)
    for batches in ([], [held], [batch(1, State.RECONCILED), held]):
        made = outcome(*batches, verdict=Verdict.HELD, held=held)
        (sighting,) = observe(made).seen
        assert (sighting.kind, sighting.subject) == (EventKind.HELD, "1/2")
        assert "batch 2 deletes 9 rows" in str(sighting.facts["found"])
        (recovery,) = (r for r in observe(made).over if r.kind is EventKind.HELD)
        assert recovery == Recovery(EventKind.HELD, "j", but="1/2")
    found = observe(outcome(error=Held("waits", batch="1/2")))
    assert [sighting.subject for sighting in found.seen] == ["1/2"]


NEWS: list[tuple[EventKind, dict[str, Any], dict[str, Any], bool]] = [
    (EventKind.DEVIATION, {"deviation": 2}, {"deviation": 2}, False),
    (EventKind.DEVIATION, {"deviation": 2}, {"deviation": 1}, False),
    (EventKind.DEVIATION, {"deviation": 2}, {"deviation": 3}, True),
    *(
        (EventKind.DEVIATION, {"deviation": 2, **then}, {"deviation": 2, **now}, told)
        for then, now, told in [
            ({"epoch": 1, "seq": 3}, {"epoch": 1, "seq": 3}, False),
            ({"epoch": 1, "seq": 3}, {"epoch": 1, "seq": 2}, False),
            ({"epoch": 1, "seq": 3}, {}, False),
            ({"epoch": 1, "seq": 3}, {"epoch": 1, "seq": 4}, True),
            ({"epoch": 1, "seq": 3}, {"epoch": 2, "seq": 1}, True),
        ]
    ),
    *((kind, {"found": "a"}, {"found": "a"}, False) for kind in (EventKind.GAP, EventKind.FORK)),
    *((kind, {"found": "a"}, {"found": "b"}, True) for kind in (EventKind.GAP, EventKind.FORK)),
    (EventKind.STRUCTURE, {"found": "no a"}, {"found": "no a"}, False),
    (EventKind.STRUCTURE, {"found": "no a"}, {"found": "no a, no b"}, True),
    (EventKind.STRUCTURE, {"endpoint": "x", "found": "a"}, {"endpoint": "y", "found": "a"}, True),
    (EventKind.FAILED, {"code": "a", "found": "pid 1"}, {"code": "a", "found": "pid 2"}, False),
    (EventKind.FAILED, {"code": "a"}, {"code": "b"}, True),
    (EventKind.FAILED, {"code": "a", "endpoint": "x"}, {"code": "a", "endpoint": "y"}, True),
    (EventKind.QUARANTINE, {"open": 11, "limit": 10}, {"open": 21, "limit": 10}, False),
    (EventKind.QUARANTINE, {"open": 11, "limit": 10}, {"open": 22, "limit": 10}, True),
    (EventKind.STORE, {"code": "unreachable"}, {"code": "connection_lost"}, False),
]


@pytest.mark.parametrize(("kind", "then", "now", "told"), NEWS)
def test_what_is_news_to_somebody_who_knows_of_an_event(
    kind: EventKind, then: dict[str, Any], now: dict[str, Any], told: bool
) -> None:
    assert Sighting(kind, "j", facts=now).is_news_to(then, NOON) is told


def test_another_session_that_holds_the_horizon_back_is_news() -> None:
    def held_since(since: datetime | None) -> Sighting:
        return Sighting(EventKind.HORIZON, "j", facts={"holders": "a session"}, since=since)

    assert not held_since(NOON).is_news_to({}, NOON)
    assert held_since(NOON + timedelta(minutes=1)).is_news_to({}, NOON)
    assert not held_since(None).is_news_to({}, NOON)


def test_what_was_renewed_is_a_gap_that_is_not_over() -> None:
    made = outcome(batch(1, State.RECONCILED), renewed="the target was restored")
    assert seen(made) == [EventKind.GAP]
    assert not over(made) & FOLLOWED
    assert seen(replace(made, error=BooksDoNotBalance("b"))) == [EventKind.GAP, EventKind.FAILED]
    assert seen(replace(made, error=Busy("taken over"))) == [EventKind.GAP]


def test_a_horizon_held_back_is_over_only_when_nobody_holds_it() -> None:
    held = outcome(holders=("a session",), held_since=NOON)
    assert (seen(held), over(held)) == ([], GOOD | BOTH)
    late = replace(held, overdue=True)
    (sighting,) = observe(late).seen
    assert (sighting.kind, sighting.since) == (EventKind.HORIZON, NOON)
    assert sighting.facts["holders"] == "a session"
    assert EventKind.HORIZON not in over(late)


ERRORS = [
    (Fork("f"), EventKind.FORK),
    (Gap("g"), EventKind.GAP),
    (Restored("r"), EventKind.GAP),
    (Held("h"), EventKind.HELD),
    (Changed("c"), EventKind.STRUCTURE),
    (StructureMismatch("s"), EventKind.STRUCTURE),
    (MissingObject("m"), EventKind.STRUCTURE),
    (BooksDoNotBalance("b"), EventKind.FAILED),
    (LoginRefused("l", endpoint="source"), EventKind.FAILED),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_told_and_shows_nothing_to_be_over(
    error: BridgeheadError, kind: EventKind
) -> None:
    made = outcome(batch(1, State.RECONCILED), error=error, through=set())
    (sighting,) = observe(made).seen
    assert (sighting.kind, sighting.job, sighting.facts["code"]) == (kind, "j", error.code)
    assert over(made) == BOTH


@pytest.mark.parametrize("mistake", [Unreachable, ConnectionLost, StoreFull])
def test_a_store_that_is_down_is_no_single_jobs(mistake: type[BridgeheadError]) -> None:
    made = outcome(error=mistake("away", endpoint="target (mysql, 10.0.0.1)"), through=set())
    (sighting,) = observe(made).seen
    assert (sighting.kind, sighting.job, sighting.subject) == (EventKind.STORE, None, "target")
    assert over(made) == {"source"}


def test_what_did_not_look_says_nothing() -> None:
    for made in (outcome(skipped=True), outcome(error=Busy("busy"))):
        assert (seen(made), over(made)) == ([], set())


# -- at the centre ---------------------------------------------------------------------------

HEALTH = Health("d", "j", 1, 1, NOON, Kind.DATA, None, Verdict.RECONCILED, 1, 1, 0, 10.0)


@pytest.mark.parametrize(
    ("told", "deviations", "verdict"),
    [
        ("reconciled", 0, "reconciled"),
        ("reconciled", 1, "deviation"),
        ("deviation", 0, "deviation"),
        ("gap", 1, "gap"),
        ("fork", 1, "fork"),
        (None, 0, None),
        (None, 1, "deviation"),
    ],
)
def test_a_job_at_the_centre_is_well_only_if_nothing_deviates(
    told: str | None, deviations: int, verdict: str | None
) -> None:
    health = replace(HEALTH, received_verdict=told, deviations=deviations)
    assert health.verdict == verdict
    assert health.is_well(60.0) is (verdict in ("reconciled", None))
    for empty in (None, NOON):
        assert not replace(health, lag_seconds=61.0, last_empty_at=empty).is_well(60.0)
    assert health.badness >= replace(HEALTH, lag_seconds=0.0).badness
