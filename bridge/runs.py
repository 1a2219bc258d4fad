"""Several jobs in one call: side by side, each harming no other, and one exit code for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bridge.errors import InternalError
from bridge.run import Outcome
from bridge.settings import Deployment
from reconcile.verdict import Verdict

__all__ = ["due_jobs", "exit_code_of", "run_jobs"]

# Most severe first. Books that do not balance come before everything, so that no other job's
# trouble hides them; then what a person must do at a store, then in the configuration; what may
# heal by itself comes last.
SEVERITY = (1, 4, 2, 3, 0)


def exit_code_of(codes: Iterable[int]) -> int:
    """The most severe of several exit codes; 0 of none."""
    return min(codes, key=SEVERITY.index, default=0)


def due_jobs(deployment: Deployment) -> list[str]:
    """What `--all` means: every job, also those whose files cannot be used, so that their problems
    are told. Disabled ones are skipped by the run itself."""
    return sorted({*deployment.jobs, *deployment.bad_jobs})


def run_jobs(names: Sequence[str], parallel: int, run: Callable[[str], Outcome]) -> list[Outcome]:
    """Calls `run` for each name, `parallel` at once; the outcomes in order of the names.

    An unexpected exception ends its own job only, as InternalError with the exception as cause.
    """

    def guarded(name: str) -> Outcome:
        try:
            return run(name)
        except Exception as error:  # noqa: BLE001 — a bug in one job harms no other
            return _failed(name, error)

    if parallel <= 1 or len(names) <= 1:
        return [guarded(name) for name in names]
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="job")
    try:
        outcomes = list(pool.map(guarded, names))
    except BaseException:  # an interruption does not wait for the jobs that are under way
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return outcomes


def _failed(name: str, error: Exception) -> Outcome:
    return Outcome(name, verdict=Verdict.IN_FLIGHT, error=InternalError.because(error))
