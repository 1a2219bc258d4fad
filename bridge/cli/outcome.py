"""How the outcome of one run, or of several, is told."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.text import Text

from bridge.cli.session import Session
from bridge.cli.shown import (
    batch_table,
    console,
    print_json,
    show_error,
    show_internal_error,
    verdict_text,
)
from bridge.document import outcome_document
from bridge.errors import InternalError
from bridge.language import say
from bridge.log import about
from bridge.run import Outcome
from bridge.runs import exit_code_of
from reconcile.verdict import Verdict

__all__ = ["finish"]


def finish(
    session: Session, outcomes: Sequence[Outcome], tried: str, *, as_json: bool, many: bool
) -> None:
    """Tells what came out, and leaves with the exit code."""
    if as_json:
        ordered = sorted(outcomes, key=lambda outcome: outcome.job)
        documents = [outcome_document(outcome, session.deployment) for outcome in ordered]
        print_json(documents if many else documents[0])
    else:
        batches = [batch for outcome in outcomes for batch in outcome.batches]
        if batches:
            console().print(batch_table(batches))
    for outcome in outcomes:
        if not as_json:
            _show_verdict(outcome)
        _show_failure(session, outcome, tried)
    raise typer.Exit(exit_code_of(outcome.exit_code for outcome in outcomes))


def _show_verdict(outcome: Outcome) -> None:
    if outcome.skipped:
        told = say("{0}: skipped, it is disabled", outcome.job)
        console().print(f"{told} → bridgehead enable {outcome.job}", soft_wrap=True)
        return
    if outcome.error is None:
        line = Text.assemble(f"{outcome.job}: ", verdict_text(outcome.verdict))
        deviates = outcome.verdict is Verdict.DEVIATION
        line.append("" if outcome.batches or deviates else say(", nothing to do"))
        line.append(say(", deviation {0}", outcome.deviation) if outcome.deviation else "")
        line.append(say(", {0} rows waived", f"{outcome.waived:,}") if outcome.waived else "")
        aside = outcome.quarantined
        line.append(say(", {0} quarantined", f"{aside:,}") if aside else "")
        console().print(line)
        if outcome.remedy:
            console().print(f"→ {say(outcome.remedy)}", soft_wrap=True)
    for holder in outcome.holders:
        told = say("{0}: the horizon is held back by {1}", outcome.job, say(holder))
        console().print(told, soft_wrap=True)


def _show_failure(session: Session, outcome: Outcome, tried: str) -> None:
    error = outcome.error
    if error is None:
        return
    with about(outcome.job):
        show_error(error, f"{tried} {outcome.job}", session.deployment)
    if isinstance(error, InternalError) and error.__cause__ and session.debug:
        show_internal_error(error.__cause__, debug=True)
