"""Runs the benchmarks that are named (all of them, unless some are) and prints their tables.

Everything is told as ratios within one run: two numbers of different machines say nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

BENCHMARKS = ("load", "evaluate", "memory", "editor", "peers", "prove", "scoring", "recommend", "serve")
QUICK = ("evaluate", "memory", "peers")
"""Those that have a short form, which `--quick` runs."""


def main(names: list[str]) -> int:
    """Exit 2 where a name is none."""
    quick = "--quick" in names
    names = [name for name in names if name != "--quick"]
    if unknown := set(names) - set(BENCHMARKS):
        print(f"There is no benchmark {', '.join(sorted(unknown))}; they are {', '.join(BENCHMARKS)}.")
        return 2
    for name in names or (QUICK if quick else BENCHMARKS):
        benchmark = import_module(f"benchmarks.{name}")
        benchmark.run(quick=True) if quick else benchmark.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
