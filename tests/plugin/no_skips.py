"""Makes a run fail when a test was skipped or expected to fail: it proved nothing."""

from __future__ import annotations

import pytest

_NOT_RUN = ("skipped", "xfailed")


def _not_run(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return sum(len(reporter.stats.get(outcome, ())) for outcome in _NOT_RUN) if reporter else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    # The workers of xdist have no reporter; the controller sees every outcome of theirs.
    if session.exitstatus == pytest.ExitCode.OK and _not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count = _not_run(config)
    if count:
        terminalreporter.write_line(f"FAILED: {count} test(s) did not run.", red=True)
