"""Runs the benchmarks that are named (all of them, unless some are) and prints their tables.

Everything is told as ratios within one run: two numbers of different machines say nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

BENCHMARKS = ("load", "evaluate", "editor", "peers", "scoring", "serve")


def main(names: list[str]) -> int:
    """Exit 2 where a name is none."""
    if unknown := set(names) - set(BENCHMARKS):
        print(f"There is no benchmark {', '.join(sorted(unknown))}; they are {', '.join(BENCHMARKS)}.")
        return 2
    for name in names or BENCHMARKS:
        import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
