"""The command line: run cases, in several processes if wished, and tell what came of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fuzz import TARGETS
from benchmarks.fuzz.harness import fuzz

MOST_FAILURES = 20
"""That are printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every case ended in a result or a SpeechLstmError, and no library printed anything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Mutated files through the library.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to put files that failed")
    args = parser.parse_args(arguments)
    began = time.monotonic()
    shares = [args.count * number // args.jobs for number in range(args.jobs + 1)]
    with ThreadPoolExecutor(args.jobs) as pool:
        reports = list(
            pool.map(
                lambda begin, end: fuzz(args.target, args.first + begin, end - begin, args.seed, args.keep),
                shares[:-1],
                shares[1:],
            )
        )
    outcomes = sum((report.outcomes for report in reports), Counter[str]())
    failures = [failure for report in reports for failure in report.failures]
    printed = "".join(report.printed for report in reports)
    cpu = sum(report.cpu_seconds for report in reports)
    print(f"{sum(report.cases for report in reports)} cases, seed {args.seed}, {time.monotonic() - began:.0f} s")
    print(f"{cpu:.0f} s of CPU; {', '.join(f'{count} {what}' for what, count in outcomes.most_common())}")
    for report in reports:
        print("resident MB after each tenth:", " ".join(f"{size:.0f}" for size in report.megabytes))
    for number, problem in failures[:MOST_FAILURES]:
        print(f"case {number}: {problem}")
    print(f"{len(failures)} failures, {len(printed)} characters printed by libraries")
    print(printed[:2000], end="")
    return 1 if failures or printed else 0


if __name__ == "__main__":
    sys.exit(main())
