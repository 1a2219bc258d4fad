"""One process that is kept running."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridgehead_stack.process import die_with_parent, end, offspring

__all__ = ["Service"]

_LONGEST_PAUSE_SECONDS = 30.0
_WELL_AFTER_SECONDS = 300.0
_FORCE_SECONDS = 3.0


class Service:
    """A process that dies is started again after 1, 2, 4 … s, until it has died too often."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        tries: int = 5,
    ) -> None:
        self.name = name
        self.log = log
        self.tries = tries
        self._command = list(command)
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._since = 0.0
        self._again_at: float | None = None

    @property
    def given_up(self) -> bool:
        return self._deaths > self.tries

    def start(self) -> None:
        """In a session of its own: an interrupt at the terminal is the supervisor's alone."""
        self._again_at = None
        self._since = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def look(self) -> str | None:
        """Starts it again when its pause is over; what to tell if it has just died."""
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self.start()
            return None
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return None
        return self._died(code, now)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, if it ends within so many seconds."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, until: float) -> None:
        """The process and everything that it has started; by force from then on."""
        if self._process is None or self._process.poll() is not None:
            return
        found = offspring(self._process.pid)
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            found += offspring(self._process.pid)
            self._process.kill()
            self._process.wait()
        end(found, _FORCE_SECONDS)

    def _died(self, code: int, now: float) -> str:
        """A process that ran well for some minutes starts with a clean slate."""
        self._deaths = 1 if now - self._since > _WELL_AFTER_SECONDS else self._deaths + 1
        pause = min(2.0 ** (self._deaths - 1), _LONGEST_PAUSE_SECONDS)
        self._again_at = now + pause
        ended = f"{self.name} ended with {code}; see {self.log}"
        return ended if self.given_up else f"{ended}; starting it again in {pause:.0f} s"
