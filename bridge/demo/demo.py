"""The demonstration: two registers go their whole way, a gap is planted, and the books show it."""

from __future__ import annotations

import tempfile
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
from bridge.demo.deployment import DATABASES, write_configuration
from bridge.demo.postgres import EmbeddedPostgres
from bridge.demo.register import change, create
from bridge.demo.register import load as load_registers
from bridge.run import Outcome, run_job
from bridge.runs import run_jobs
from bridge.settings import Deployment, load
from reconcile.verdict import Verdict

__all__ = ["run_demo"]

_JOBS = ("enterprise", "population")

# A trigger that swallows one row on its way in, as a forgotten clean-up job would.
_SWALLOW = """
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id_no = '{key}' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER swallow BEFORE INSERT ON population FOR EACH ROW EXECUTE FUNCTION swallow();
"""


def run_demo(console: Console, report: Path) -> bool:
    """Tells the story on the console and writes the report; whether everything reconciled before
    the gap was planted, and the gap was caught."""
    with _stage() as (server, deployment):
        return _Demo(console, server, deployment).play()


class _Demo:
    """One performance."""

    def __init__(self, console: Console, server: EmbeddedPostgres, deployment: Deployment) -> None:
        self._console = console
        self._server = server
        self._deployment = deployment
        self._batches: dict[tuple[str, int, int], Batch] = {}

    def play(self) -> bool:
        balanced = self._first_load() and self._day() and self._silence()
        caught = self._gap()
        self._tell_batches()
        return balanced and caught

    def _first_load(self) -> bool:
        with self._business() as connection:
            create(connection)
            load_registers(connection)
        self._say("1", "首次装载", "first load of two registers, 50,000 rows")
        return self._run()

    def _day(self) -> bool:
        with self._business() as connection:
            done = change(connection)
        total = sum(changes.total for changes in done.values())
        self._say("2", "一天的变更", f"a day's work at the source: {total:,} changes")
        return self._run()

    def _silence(self) -> bool:
        self._say("3", "零数据更新", "nothing has changed, and that is told as well")
        return self._run()

    def _gap(self) -> bool:
        """One row swallowed on its way, another deleted by hand at the target."""
        self._say("4", "埋下缺口", "the target swallows one row, and loses another by hand")
        with self._business() as connection:
            change(connection, seed=2)
        key = self._server.sql(
            "SELECT id_no FROM population ORDER BY updated_at DESC, id_no LIMIT 1", "business"
        )
        self._server.sql(_SWALLOW.format(key=key), "buffer")
        return not self._run()

    # -- pieces ------------------------------------------------------------------------------

    def _run(self) -> bool:
        outcomes = run_jobs(_JOBS, 2, lambda name: run_job(self._deployment, name))
        for outcome in outcomes:
            self._tell(outcome)
        return all(outcome.verdict is Verdict.RECONCILED for outcome in outcomes)

    def _tell(self, outcome: Outcome) -> None:
        for batch in outcome.batches:
            self._batches[outcome.job, batch.epoch, batch.seq] = batch
        sent = sum(batch.sent.total for batch in outcome.batches)
        received = sum(batch.received.total for batch in outcome.batches if batch.received)
        line = Text(f"   {outcome.job:<11} sent {sent:>7,}  received {received:>7,}  ")
        line.append(verdict_text(outcome.verdict))
        if outcome.deviation:
            line.append(f"  deviation {outcome.deviation}", style="bold red")
        if outcome.error is not None:
            line.append(f"  {outcome.error}", style="red")
        self._console.print(line)

    def _tell_batches(self) -> None:
        for job in _JOBS:
            batches = [batch for (name, *_), batch in self._batches.items() if name == job]
            self._console.print(batch_table(job, batches))

    def _say(self, number: str, chinese: str, english: str) -> None:
        self._console.print(Text(f"\n{number}. {chinese} · {english}", style="bold"))

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
