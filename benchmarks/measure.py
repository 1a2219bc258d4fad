"""What a command costs: time on the clock, processor time of client and server, peak memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["CommandFailed", "Done", "Usage", "measure", "server_cpu_seconds"]

_TICKS = os.sysconf("SC_CLK_TCK")


class CommandFailed(Exception):
    """A measured command ended badly or took too long; the text says which and how."""


@dataclass(frozen=True)
class Usage:
    """`client_cpu_seconds` is user and system time of the commands themselves, `peak_mb` (of 10^6
    bytes) that of the largest of them.

    The kernel counts a command's peak from its fork on, so it is never below the memory of this
    process: whoever measures imports what is heavy afterwards.
    """

    wall_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        cpu = f"CPU {self.client_cpu_seconds:.2f} + {self.server_cpu_seconds:.2f} s"
        return f"{self.wall_seconds:.2f} s, {cpu}, peak {self.peak_mb:.0f} MB"

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.wall_seconds + other.wall_seconds,
            self.client_cpu_seconds + other.client_cpu_seconds,
            self.server_cpu_seconds + other.server_cpu_seconds,
            max(self.peak_mb, other.peak_mb),
        )


@dataclass(frozen=True)
class Done:
    """A command, or several joined by pipes, with what the last of them printed."""

    usage: Usage
    output: str
    exit_code: int


def measure(
    commands: Sequence[Sequence[str]],
    environments: Sequence[Mapping[str, str]],
    server_cpu: Callable[[], float],
    limit_seconds: float,
    *,
    any_exit_code: bool = False,
) -> Done:
    """Runs the commands, each one's output into the next one's input, to their end.

    Raises CommandFailed for an exit code other than 0, and after `limit_seconds`; no process is
    left behind.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        cpu_before, began = server_cpu(), time.perf_counter()
        running = _start(commands, environments, output, errors)
        with _limit(running, limit_seconds) as expired:
            ended = [_wait(process) for process in running]
        wall = time.perf_counter() - began
        usage = Usage(
            wall,
            sum(used.ru_utime + used.ru_stime for _, used in ended),
            server_cpu() - cpu_before,
            max(used.ru_maxrss for _, used in ended) * 1024 / 1e6,
        )
        codes = [code for code, _ in ended]
        if expired.is_set() or (any(codes) and not any_exit_code):
            why = f"more than {limit_seconds:.0f} s" if expired.is_set() else f"exit codes {codes}"
            raise CommandFailed(f"{commands[0][0]}: {why}: {_text(errors) or _text(output)}")
        return Done(usage, _text(output), codes[-1])


def server_cpu_seconds(postmaster: int) -> float:
    """Of the server's processes, those that have ended included. Linux only.

    A process that ends while we look would be missed by both sums and be charged to whoever is
    measured next: then we look again.
    """
    main = Path(f"/proc/{postmaster}/stat")
    while True:
        before = _cpu_ticks(main, reaped=True)
        living = sum(_living_ticks(postmaster))
        after = _cpu_ticks(main, reaped=True)
        if before[2:] == after[2:]:
            return (sum(after) + living) / _TICKS


def _living_ticks(parent: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if _parent(stat) == parent:
                yield sum(_cpu_ticks(stat, reaped=False))
        except (FileNotFoundError, ProcessLookupError):
            continue


def _start(
    commands: Sequence[Sequence[str]],
    environments: Sequence[Mapping[str, str]],
    output: IO[bytes],
    errors: IO[bytes],
) -> list[subprocess.Popen[bytes]]:
    running: list[subprocess.Popen[bytes]] = []
    for position, (command, environment) in enumerate(zip(commands, environments, strict=True)):
        is_last = position == len(commands) - 1
        before = running[-1].stdout if running else None
        running.append(
            subprocess.Popen(
                command,
                env=environment,
                stdin=before or subprocess.DEVNULL,
                stdout=output if is_last else subprocess.PIPE,
                stderr=errors,
            )
        )
        if before is not None:
            before.close()  # or the writer would never learn that its reader is gone
    return running


@contextmanager
def _limit(running: list[subprocess.Popen[bytes]], seconds: float) -> Iterator[threading.Event]:
    """Ends the processes when the time is over, or when the caller is interrupted."""
    expired = threading.Event()

    def end() -> None:
        expired.set()
        _kill(running)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()
        _kill(running)


def _kill(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.returncode is None:
            process.kill()


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, Any]:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used


def _fields(stat: Path) -> list[str]:
    """From the third on: the second, the program's name, may hold anything."""
    return stat.read_text("utf-8", "replace").rpartition(")")[2].split()


def _parent(stat: Path) -> int:
    return int(_fields(stat)[1])


def _cpu_ticks(stat: Path, *, reaped: bool) -> list[int]:
    """User and system time; with `reaped`, those of ended children besides."""
    return [int(ticks) for ticks in _fields(stat)[11 : 15 if reaped else 13]]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()
