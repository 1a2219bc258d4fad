"""`scripts/proof`: runs every case of every kind, as long as it is let, and says what it found."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.disk import why_no_disk
from tests.proof.code import ROOT, heading
from tests.proof.journal import Journal
from tests.proof.kind import KINDS, Block, load_kind
from tests.proof.summary import summarise, write
from tests.proof.worker import WorkerLost, run_blocks

__all__ = ["in_rounds", "main"]

_TOLD_EVERY_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: nothing was found in what was run; 1: something was; 3: a process was lost."""
    options = _parser().parse_args(arguments)
    blocks = _chosen(options)
    if not blocks:
        print("no such block", file=sys.stderr)
        return 2
    said = heading(options.seed)
    kept = options.journal or ROOT / f"build/proof/{said['code']}-{options.seed}.jsonl"
    with tempfile.TemporaryDirectory() as passing:
        # One block is run again from its beginning, and nothing of that is kept.
        journal = Journal(Path(passing) / "journal" if options.block else kept, said)
        lost = _run(journal, blocks, options)
    summary = summarise(journal, blocks)
    write(summary, options.output)
    for finding in summary["found"]:
        print(finding)
    print(f"{summary['cases']:,} cases, {summary['findings']} findings: {options.output}")
    return 1 if summary["findings"] else lost


def _run(journal: Journal, blocks: Sequence[Block], options: argparse.Namespace) -> int:
    until = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    progress = Progress(journal, blocks)
    lost = 0
    try:
        run_blocks(
            blocks, journal, jobs=options.jobs, case=options.case, until=until, told=progress.tell
        )
    except WorkerLost as error:
        print(f"failed: {error}", file=sys.stderr)
        lost = 3
    except KeyboardInterrupt:
        print("interrupted; the next call goes on from here", file=sys.stderr)
        lost = 3
    finally:
        journal.close()
    progress.tell(now=True)
    return lost


class Progress:
    """One line now and then: cases done, and about how many are left."""

    def __init__(self, journal: Journal, blocks: Sequence[Block]) -> None:
        self._journal = journal
        self._expected = {(block.kind, block.name): block.expected for block in blocks}
        self._next = 0.0

    def tell(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _TOLD_EVERY_SECONDS
        left = dict(self._expected)
        done = findings = 0
        for line in self._journal.lines:
            place = (line.kind, line.block)
            if place in left:
                done += line.count
                findings += len(line.findings)
                left[place] = max(left[place] - line.count, 0) if line.case else 0
        print(
            f"{time.strftime('%H:%M:%S')} {done:,} cases done, about {sum(left.values()):,} left, "
            f"{findings} findings",
            file=sys.stderr,
            flush=True,
        )


def _chosen(options: argparse.Namespace) -> list[Block]:
    kinds = options.kind or _possible()
    found = [block for kind in kinds for block in load_kind(kind).blocks(options.seed)]
    if options.block:
        return [block for block in found if block.name == options.block]
    return in_rounds(found, options.seed)


def _possible() -> list[str]:
    """Every kind, but what this machine does not allow; that is told."""
    lacking = why_no_disk()
    if lacking:
        print(f"left out: disks, since no small disk can be had here: {lacking}", file=sys.stderr)
    return [kind for kind in KINDS if kind != "disks" or not lacking]


def in_rounds(blocks: Iterable[Block], seed: int) -> list[Block]:
    """In an order that the seed draws, every combination once before any is there again, so that a
    run which is cut off has seen something of everything."""
    drawn = sorted(blocks, key=lambda block: block.name)
    random.Random(seed).shuffle(drawn)
    rounds: Counter[tuple[str, str]] = Counter()

    def round_of(block: Block) -> int:
        rounds[block.kind, block.combination] += 1
        return rounds[block.kind, block.combination]

    return sorted(drawn, key=round_of)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/proof",
        description="Faults by enumeration. A second call goes on where the last one ended, unless "
        "the code or the seed has changed.",
    )
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; repeatable")
    parser.add_argument("--seed", type=int, default=1, help="chooses what is not enumerated")
    parser.add_argument("--minutes", type=float, default=0, help="begin nothing after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with its own servers")
    parser.add_argument("--block", default="", help="only this block, anew")
    parser.add_argument("--case", default="", help="only this case of it")
    parser.add_argument("--journal", type=Path, help="default: build/proof/CODE-SEED.jsonl")
    default = ROOT / "build/proof/summary.json"
    parser.add_argument("--output", type=Path, default=default, help="the summary, as JSON")
    return parser


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # also where it was started in the background
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
