"""`python -m tests.simulation SEED…` tells these seeds again; `FROM-TO` is a range of them."""

from __future__ import annotations

import logging
import sys
import time

from tests.simulation.scheduler import tell


def seeds(words: list[str]) -> list[int]:
    found: list[int] = []
    for word in words:
        low, _, high = word.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


def main(words: list[str]) -> int:
    logging.disable()  # what the runs say of their troubles
    began, wrong = time.process_time(), 0
    chosen = seeds(words)
    for seed in chosen:
        try:
            tell(seed)
        except AssertionError as error:
            wrong += 1
            print(error, end="\n\n", flush=True)
    print(f"{len(chosen)} seeds, {wrong} wrong, {time.process_time() - began:.1f} s of CPU time")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
