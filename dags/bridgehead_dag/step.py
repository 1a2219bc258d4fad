"""What tasks do. Each loads the engine when it runs, never when its DAG is parsed."""

from __future__ import annotations

from bridgehead_dag.counts import Counts

__all__ = [
    "all_compared",
    "compare",
    "follow",
    "jobs",
    "keep",
    "pull",
    "push",
    "reconcile",
    "report",
    "run",
]


def run(job: str) -> Counts:
    """Settle what an earlier run left, pull, push and reconcile."""
    from bridgehead_dag import work

    return work.run(job)


def follow(job: str) -> Counts:
    """The same, over and over, for some minutes; then Airflow begins the next run."""
    from bridgehead_dag import work

    return work.follow(job)


def pull(job: str) -> Counts:
    """Source → exchange: seal what has changed."""
    from bridgehead_dag import work

    return work.pull(job)


def push(job: str) -> Counts:
    """Exchange → target: deliver what is sealed, and measure."""
    from bridgehead_dag import work

    return work.push(job)


def reconcile(job: str) -> Counts:
    """Sent against received, over the whole stream up to the cut; no row moves."""
    from bridgehead_dag import work

    return work.reconcile(job)


def keep(name: str) -> None:
    """One step of housekeeping."""
    from bridgehead_dag import housekeeping

    housekeeping.STEPS[name]()


def jobs() -> list[str]:
    """The jobs whose files can be scheduled."""
    from bridgehead_dag.reading import Entry, config_directory, read_jobs

    return [found.job for found in read_jobs(config_directory()) if isinstance(found, Entry)]


def compare(job: str) -> Counts:
    """The contents of exchange and target, key by key."""
    from bridgehead_dag import housekeeping

    return housekeeping.compare(job)


def report() -> None:
    """The report of the day before the run's, and of days that were missed."""
    from bridgehead_dag import housekeeping

    housekeeping.report()


def all_compared() -> None:
    """Reached only when every comparison went well."""
