"""The demonstration: two registers go their whole way, a gap is planted, and the books show it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bridge.batch import Batch
from bridge.cli.shown import batch_table, verdict_text
from bridge.comparison import Comparison, reconcile_job
from bridge.content import Content
from bridge.demo.deployment import DATABASES, write_configuration
from bridge.demo.postgres import EmbeddedPostgres
from bridge.demo.register import Changes, change, create
from bridge.demo.register import load as load_registers
from bridge.language import say, spoken
from bridge.run import Outcome, run_job
from bridge.runs import run_jobs
from bridge.settings import Deployment, load
from bridge.statement.reporting import assemble_report
from reconcile.report import render_html
from reconcile.verdict import Verdict

__all__ = ["run_demo"]

_JOBS = ("enterprise", "population")
_YOUNG_SECONDS = 1.5  # more than `capture.margin`

# A trigger that swallows one row on its way in, as a forgotten clean-up job would.
_SWALLOW = """
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id_no = '{key}' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER swallow BEFORE INSERT ON population FOR EACH ROW EXECUTE FUNCTION swallow();
"""

_LAST_CHANGED = """
SELECT max(id_no) FROM population
WHERE updated_at = (SELECT max(updated_at) FROM population)
"""


def run_demo(console: Console, report: Path) -> bool:
    """Tells the story on the console and writes the report; whether everything reconciled before
    the gap was planted, and the gap was caught."""
    console.print(Text(say("Bridgehead 桥头堡: the bridge whose books balance."), style="bold"))
    console.print(
        say("source 源库 → exchange 前置交换库 → target 目标库, on an embedded PostgreSQL …")
    )
    with _stage() as (server, deployment):
        return _Demo(console, server, deployment).play(report)


class _Demo:
    """One performance."""

    def __init__(self, console: Console, server: EmbeddedPostgres, deployment: Deployment) -> None:
        self._console = console
        self._server = server
        self._deployment = deployment
        self._batches: list[Batch] = []

    def play(self, report: Path) -> bool:
        balanced = self._first_load() and self._day() and self._silence()
        caught = self._gap()
        self._tell_books()
        report.write_text(render_html(assemble_report(self._deployment)), encoding="utf-8")
        self._conclude(report, balanced=balanced, caught=caught)
        return balanced and caught

    def _first_load(self) -> bool:
        with self._business() as connection:
            create(connection)
            rows = sum(load_registers(connection).values())
        self._say("1", f"首次装载 {rows:,} 行", f"first load of two registers, {rows:,} rows")
        return self._run()

    def _day(self) -> bool:
        done = self._change(seed=1)
        total = sum(changes.total for changes in done.values())
        self._say("2", f"一天的变更 {total:,} 处", f"a day's work at the source, {total:,} changes")
        return self._run()

    def _silence(self) -> bool:
        self._say("3", "零数据更新", "nothing has changed, and that is told as well")
        return self._run() and self._reconcile()

    def _gap(self) -> bool:
        """One row is deleted by hand at the target, another swallowed on its way; whether L1 saw
        the one that a batch touched, and L3 both."""
        self._say("4", "埋下缺口", "the target loses one row by hand, and will swallow another")
        gone = self._server.sql("SELECT min(id_no) FROM population", "buffer")
        self._server.sql(f"DELETE FROM population WHERE id_no = '{gone}'", "buffer")
        self._change(seed=2)
        changed = self._server.sql(_LAST_CHANGED, "business")
        self._server.sql(_SWALLOW.format(key=changed), "buffer")
        seen_by_batch = not self._run()
        self._say("5", "内容核对", "compare exchange and target row by row")
        return not self._reconcile() and seen_by_batch

    # -- pieces ------------------------------------------------------------------------------

    def _change(self, seed: int) -> dict[str, Changes]:
        """A day's work. A run leaves out what is younger than the margin, so as to miss nothing;
        the story does not wait for the next one."""
        with self._business() as connection:
            done = change(connection, seed)
        time.sleep(_YOUNG_SECONDS)
        return done

    def _run(self) -> bool:
        outcomes = run_jobs(_JOBS, 2, lambda name: run_job(self._deployment, name))
        for outcome in outcomes:
            self._tell(outcome)
        return all(outcome.verdict is Verdict.RECONCILED for outcome in outcomes)

    def _tell(self, outcome: Outcome) -> None:
        self._batches += outcome.batches
        sent = sum(batch.sent.total for batch in outcome.batches)
        received = sum(batch.received.total for batch in outcome.batches if batch.received)
        told = say("sent {0}  received {1}", f"{sent:>7,}", f"{received:>7,}")
        self._print_verdict(Text(f"   {outcome.job:<11} {told}  "), outcome)

    def _reconcile(self) -> bool:
        found = [reconcile_job(self._deployment, name) for name in _JOBS]
        for comparison in found:
            self._tell_comparison(comparison)
        return all(comparison.outcome.verdict is Verdict.RECONCILED for comparison in found)

    def _tell_comparison(self, comparison: Comparison) -> None:
        content = comparison.content or Content()
        rows = (f"{content.exchange_rows:>7,}", f"{content.target_rows:>7,}")
        sides = say("exchange {0}  target {1}", *rows)
        self._print_verdict(Text(f"   {comparison.outcome.job:<11} {sides}  "), comparison.outcome)
        for word, key in content.sample:
            self._console.print(f"{'':15}{say(word)}: {key}")

    def _print_verdict(self, line: Text, outcome: Outcome) -> None:
        line.append(verdict_text(outcome.verdict))
        if outcome.deviation:
            line.append(say("  deviation {0}", outcome.deviation), style="bold red")
        if outcome.error is not None:
            line.append(say("  ended with: {0}", outcome.error), style="red")
        self._console.print(line)

    def _tell_books(self) -> None:
        self._say("6", "账目", "every batch, sent against received")
        self._console.print(batch_table(self._batches))

    def _conclude(self, report: Path, *, balanced: bool, caught: bool) -> None:
        before = say("The books balanced" if balanced else "The books did NOT balance")
        after = say("the planted gap was caught" if caught else "the planted gap was NOT caught")
        style = "bold green" if balanced and caught else "bold red"
        self._console.print(Text(say("{0}; {1}. ", before, after).rstrip(), style=style))
        self._console.print(say("report 核对报告: {0}", report.absolute()), soft_wrap=True)

    def _say(self, number: str, chinese: str, english: str) -> None:
        told = chinese if spoken() == "zh" else f"{chinese} · {english}"
        self._console.print()
        self._console.print(Text(f"{number}. {told}", style="bold"))

    @contextmanager
    def _business(self) -> Iterator[Any]:
        engine = create_engine(self._server.url("business"), poolclass=NullPool)
        connection = engine.raw_connection()
        try:
            yield connection
        finally:
            connection.close()
            engine.dispose()


@contextmanager
def _stage() -> Iterator[tuple[EmbeddedPostgres, Deployment]]:
    """Three databases on a server of our own, and a configuration; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="bridgehead-demo-") as folder:
        place = Path(folder)
        with EmbeddedPostgres(place / "postgres") as server:
            for name in DATABASES:
                server.create_database(name)
            with as_file(files("bridge") / "example" / "codes") as codes:
                write_configuration(place / "config", server, codes)
            yield server, load(place / "config")
