"""Processes that run blocks, each with its own servers, and without threads, since cases fork."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.proof.journal import Journal
from tests.proof.kind import Block, Result, Wanted, load_kind
from tests.proof.workshop import Servers, Workshop

__all__ = ["WorkerLost", "run_block", "run_blocks"]

Order = tuple[Block, int, frozenset[str], str]
_GRACE_SECONDS = 120.0


class WorkerLost(Exception):
    """A process that ran cases has ended, or does not answer."""


def run_blocks(
    blocks: Sequence[Block],
    journal: Journal,
    *,
    jobs: int,
    case: str = "",
    until: float = float("inf"),
    told: Callable[[], None] = lambda: None,
) -> None:
    """Runs what the journal does not have yet, and notes it there; `told` after every case.
    Nothing is begun after `until`, by the monotonic clock. Raises WorkerLost."""
    waiting = [block for block in blocks if case or not journal.is_ended(block)]
    with ExitStack() as stack:
        idle = [_start(stack, until) for _ in range(min(jobs, len(waiting)))]
        busy: dict[Connection, Block] = {}
        while busy or (waiting and time.monotonic() < until):
            while idle and waiting and time.monotonic() < until:
                line, block = idle.pop(), waiting.pop(0)
                line.send((block, journal.heading["seed"], journal.done(block), case))
                busy[line] = block
            for line in _answering(busy, until):
                answer = _receive(line, busy[line])
                if isinstance(answer, Result):
                    journal.note(busy[line], answer)
                    told()
                    continue
                if answer and not case:
                    journal.note_end(busy[line])
                del busy[line]
                idle.append(line)


def run_block(
    block: Block, seed: int, workshop: Workshop, wanted: Wanted = lambda _: True
) -> Generator[Result]:
    """The cases of a block; what it raises is a finding of it."""
    try:
        yield from load_kind(block.kind).prove(block, seed, workshop, wanted)
    except Exception:  # noqa: BLE001 — the other blocks go on
        yield Result("whole block", (traceback.format_exc(),), count=0)


def _start(stack: ExitStack, until: float) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, until), daemon=False)
    process.start()
    theirs.close()
    stack.callback(_end, process, ours)
    return ours


def _end(process: multiprocessing.process.BaseProcess, line: Connection) -> None:
    """It ends with its line, and its servers with it."""
    line.close()
    process.join(_GRACE_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _answering(busy: dict[Connection, Block], until: float) -> list[Connection]:
    seconds = max(until - time.monotonic(), 0) + _GRACE_SECONDS
    found = wait(list(busy), None if seconds == float("inf") else seconds)
    if not found:
        raise WorkerLost(f"no answer from {', '.join(block.name for block in busy.values())}")
    return [line for line in busy if line in found]


def _receive(line: Connection, block: Block) -> Result | bool:
    try:
        answer: Result | bool = line.recv()
    except EOFError as error:
        raise WorkerLost(f"the process of {block.kind}/{block.name} has ended") from error
    return answer


def _work(line: Connection, until: float) -> None:
    """Answers each order with its results and then whether it was run to its end."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent ends us, after a case
        signal.signal(number, signal.SIG_IGN)
    home = Path(tempfile.mkdtemp(prefix="bridgehead-proof-"))
    try:
        with closing(Servers(home / "servers")) as servers, suppress(EOFError, BrokenPipeError):
            while True:
                order: Order = line.recv()
                line.send(_perform(order, line, home / "block", servers, until))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _perform(order: Order, line: Connection, home: Path, servers: Servers, until: float) -> bool:
    block, seed, done, case = order

    def wanted(name: str) -> bool:
        return name == case if case else name not in done

    with (
        closing(Workshop(home, servers)) as workshop,
        closing(run_block(block, seed, workshop, wanted)) as results,
    ):
        for result in results:
            line.send(result)
            if time.monotonic() >= until:
                return False
    return True
