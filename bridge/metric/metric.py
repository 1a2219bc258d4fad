"""What can be measured of a deployment, by name: what `/metrics` says and boards may ask for."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

__all__ = ["METRICS", "Page"]

_JOB = ("department", "job")
_OPERATION = (*_JOB, "operation")
_VERDICT = (*_JOB, "verdict")

METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "bridgehead_up": ("1 if the ledger could be read, else 0 and nothing below.", ("department",)),
    "bridgehead_scrape_duration_seconds": ("How long reading the ledger took.", ("department",)),
    "bridgehead_configuration_problems": (
        "Problems in the files of the configuration; a file with one is not used.",
        ("department",),
    ),
    "bridgehead_endpoint_up": (
        "0 while an event says that the store is down; the ledger's own by this very reading.",
        ("department", "endpoint"),
    ),
    "bridgehead_events_open": (
        "Events that are open, by severity; job is empty for what concerns no single one.",
        (*_JOB, "severity"),
    ),
    "bridgehead_job_enabled": ("0 for a job that somebody has disabled.", _JOB),
    "bridgehead_job_verdict": ("1 for the verdict that stands, 0 for the others.", _VERDICT),
    "bridgehead_lag_seconds": ("How far the watermark lies behind now.", _JOB),
    "bridgehead_deviation_rows": ("Rows in open deviations.", _JOB),
    "bridgehead_waived_rows": (
        "Rows that deviate, or never left, and that somebody has waived.",
        _JOB,
    ),
    "bridgehead_open_batches": (
        "Batches that are open: in flight, deviated or held, of whatever age.",
        _VERDICT,
    ),
    "bridgehead_in_flight_age_seconds": (
        "Age of the oldest batch sealed and not yet compared; 0 if there is none.",
        _JOB,
    ),
    "bridgehead_quarantined_rows": ("Rows in quarantine.", _JOB),
    "bridgehead_horizon_age_seconds": (
        "How long the horizon has been held back by open work at the source; 0 if it is not.",
        _JOB,
    ),
    "bridgehead_last_run_timestamp_seconds": ("When the last run ended.", _JOB),
    "bridgehead_last_run_duration_seconds": ("How long the last run took.", _JOB),
    "bridgehead_last_batch_timestamp_seconds": ("When a batch was last reconciled.", _JOB),
    "bridgehead_last_batch_duration_seconds": (
        "From sealed to reconciled, of the batch reconciled last.",
        _JOB,
    ),
    "bridgehead_due_timestamp_seconds": ("By when the next batch must be reconciled.", _JOB),
    "bridgehead_overdue": ("1 while the due time has passed.", _JOB),
    "bridgehead_timeliness_ratio": (
        "Share of the last 30 periods that were kept; nothing before the first was due.",
        _JOB,
    ),
    "bridgehead_rows_sent_today": (
        "Rows of batches sealed since midnight (UTC+08:00), without held and superseded ones.",
        _OPERATION,
    ),
    "bridgehead_rows_received_today": (
        "Rows measured at the target since midnight (UTC+08:00).",
        _OPERATION,
    ),
    "bridgehead_batches_today": (
        "Batches sealed since midnight (UTC+08:00), by how they stand now.",
        _VERDICT,
    ),
}
"""By name: what it means, and its labels. Names, codes and counts only: never a value of a row."""


class Page:
    """The measurements of one moment."""

    def __init__(self, department: str) -> None:
        self._department = department
        self._families: dict[str, GaugeMetricFamily] = {}

    def put(self, name: str, value: float | None, *labels: str) -> None:
        """Nothing is said of what is not known: None."""
        if value is None:
            return
        if name not in self._families:
            meaning, names = METRICS[name]
            self._families[name] = GaugeMetricFamily(name, meaning, labels=names)
        self._families[name].add_metric([self._department, *labels], float(value))

    def families(self) -> Iterable[Metric]:
        """In the order of `METRICS`."""
        return [self._families[name] for name in METRICS if name in self._families]
