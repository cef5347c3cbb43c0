"""Counts of what the service does, and their Prometheus form. Counts of several workers are added up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

BOUNDS = (
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
)
"""The upper bounds of the latency histogram, in seconds."""

COUNTERS = {
    "tailored_requests": ("Requests answered", ("endpoint", "status")),
    "tailored_disconnects": ("Requests whose client went away before they were whole", ("endpoint",)),
    "tailored_evaluations": ("Decisions made", ("endpoint",)),
    "tailored_decisions": ("What decisions put into slots", ("slot", "rule", "reason")),
    "tailored_settings": ("What decisions set", ("setting", "rule")),
    "tailored_withheld": ("What the guard kept back", ("kind", "topic", "purpose")),
    "tailored_scorer_fallbacks": (
        "Rankings that a scorer left to another order",
        ("slot", "scorer", "used"),
    ),
    "tailored_reloads": ("Books read again", ("outcome",)),
    "tailored_log_records": ("Records of the decision log written", ()),
    "tailored_log_lost": ("Records of the decision log lost", ("reason",)),
}

Labels = tuple[str, ...]


MOST_NOTED = 512
"""Answered requests of a kind that are noted before they are counted together, in a third of the time."""


class Counts:
    """The counters and latency histograms of one process. One thread writes."""

    def __init__(self) -> None:
        self.counters: dict[str, dict[Labels, int]] = {name: {} for name in COUNTERS}
        self.seconds: dict[str, list[float]] = {}
        """By endpoint: a count for each bound and one above, then the sum of seconds."""
        self._noted: dict[tuple[str, int], list[float]] = {}
        """By endpoint and status, the seconds of requests that are not counted yet."""

    def add(self, name: str, labels: Labels = (), count: int = 1) -> None:
        """Adds to a counter."""
        counter = self.counters[name]
        counter[labels] = counter.get(labels, 0) + count

    def observe(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts one answered request."""
        known = endpoint, status
        try:
            noted = self._noted[known]
        except KeyError:
            noted = self._noted[known] = []
        noted.append(seconds)
        if len(noted) >= MOST_NOTED:
            self._count(endpoint, status, noted)

    def _count(self, endpoint: str, status: int, noted: list[float]) -> None:
        """Counts what was noted."""
        self.add("tailored_requests", (endpoint, str(status)), len(noted))
        row = self.seconds.setdefault(endpoint, [0.0] * (len(BOUNDS) + 2))
        noted.sort()
        below = 0
        for place, bound in enumerate(BOUNDS):
            up_to = bisect_right(noted, bound, below)
            row[place] += up_to - below
            below = up_to
        row[-2] += len(noted) - below
        row[-1] += sum(noted)
        noted.clear()

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON data, for another worker to add to its own."""
        for (endpoint, status), noted in self._noted.items():
            if noted:
                self._count(endpoint, status, noted)
        return {
            "counters": {
                name: [[*labels, n] for labels, n in rows.items()] for name, rows in self.counters.items()
            },
            "seconds": self.seconds,
        }

    def take(self, part: dict[str, Any]) -> None:
        """Adds what `to_dict` of another worker gave."""
        for name, rows in part["counters"].items():
            for *labels, count in rows:
                self.add(name, tuple(labels), count)
        for endpoint, row in part["seconds"].items():
            before = self.seconds.get(endpoint, [0.0] * len(row))
            self.seconds[endpoint] = [one + other for one, other in zip(before, row, strict=True)]

    @classmethod
    def total(cls, parts: Iterable[dict[str, Any]]) -> Counts:
        """The sum of what `to_dict` of several workers gave."""
        total = cls()
        for part in parts:
            total.take(part)
        return total


class _Families:
    """What prometheus_client collects."""

    def __init__(self, counts: Counts, gauges: dict[str, tuple[str, dict[str, str], float]]) -> None:
        self._counts, self._gauges = counts, gauges

    def collect(self) -> Iterator[Metric]:
        for name, (text, labels) in COUNTERS.items():
            family = CounterMetricFamily(name, text, labels=labels)
            for values, count in sorted(self._counts.counters[name].items()):
                family.add_metric(values, count)
            yield family
        histogram = HistogramMetricFamily(
            "tailored_request_seconds", "Time from a request's head to its answer", labels=("endpoint",)
        )
        for endpoint, row in sorted(self._counts.seconds.items()):
            buckets, below = [], 0.0
            for bound, hits in zip((*map(str, BOUNDS), "+Inf"), row, strict=False):
                below += hits
                buckets.append((bound, below))
            histogram.add_metric((endpoint,), buckets, row[-1])
        yield histogram
        for name, (text, given, value) in self._gauges.items():
            gauge = GaugeMetricFamily(name, text, labels=tuple(given))
            gauge.add_metric(tuple(given.values()), value)
            yield gauge


def exposition(
    counts: Counts, gauges: dict[str, tuple[str, dict[str, str], float]], accept: str
) -> tuple[bytes, str]:
    """The counts as Prometheus or OpenMetrics text, by what the client accepts, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(counts, gauges))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type
