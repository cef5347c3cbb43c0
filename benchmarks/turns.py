"""Two ways of doing the same, measured in turns, so that what disturbs the machine disturbs both."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, process_time_ns
from typing import Any

BLOCK = 20_000
"""Microseconds for which each engine is asked before it is the other's turn."""


def in_turns(
    ours: Callable[[Any], Any],
    requests: Sequence[Any],
    theirs: Callable[[Any], Any],
    given: Sequence[Any],
    seconds: float,
) -> tuple[float, float, float]:
    """Both in microseconds, and their ratio, as medians over blocks that were measured in turns."""
    gc.collect()
    blocks: list[tuple[float, float]] = []
    stop = perf_counter() + seconds
    sides = [_Side(ours, requests), _Side(theirs, given)]
    while len(blocks) < 3 or perf_counter() < stop:
        blocks.append((sides[0].block(), sides[1].block()))
    return (
        median(mine for mine, _ in blocks),
        median(other for _, other in blocks),
        median(other / mine for mine, other in blocks),
    )


class _Side:
    """One of two engines that are measured in turns, each for as long as the other."""

    def __init__(self, work: Callable[[Any], Any], requests: Sequence[Any]) -> None:
        self._work, self._requests, self._at = work, requests, 0
        self._several = 1
        self._warm_up()
        while self.block() * self._several < BLOCK:
            self._several *= 2

    def _warm_up(self) -> None:
        """Asks everything once, as far as that takes a second: what comes first is slower than the rest."""
        end = process_time_ns() + 1_000_000_000
        for request in self._requests:
            self._work(request)
            if process_time_ns() > end:
                break

    def block(self) -> float:
        """Microseconds of processor time of each of the next requests: the clock is read twice for all."""
        requests = [self._requests[(self._at + n) % len(self._requests)] for n in range(self._several)]
        self._at += self._several
        work = self._work
        start = process_time_ns()
        for request in requests:
            work(request)
        return (process_time_ns() - start) / len(requests) / 1e3
