"""/metrics: requests, queues, workers, disks and index, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from portal.health.report import Report
from portal.web.action_api import the_portal
from portal.web.counters import (
    BUCKETS,
    BYTES,
    CACHES,
    ROUTES,
    SECONDS,
    STATUSES,
    WIDTH,
    Counters,
)
from portal.web.health import health_of_app, portal_version
from portal.web.operators import is_operator
from schemas import cache
from schemas.units import BYTES_PER_MB

metrics = Blueprint("metrics", __name__)
CHECKS = ("database", "workers", "queues", "disk", "files", "index")


@metrics.route("/metrics")
def metrics_page() -> Response:
    """All figures, in the notation that the scraper asks for; for operators alone."""
    if not is_operator(the_portal(), request):
        return Response(
            "Only operators may read this: PORTAL_METRICS_ALLOW, "
            "PORTAL_METRICS_TOKEN.\n",
            403,
            content_type="text/plain; charset=utf-8",
        )
    # One for each request: the library's own is for counts of this process, and
    # describing would collect everything once more.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        Figures(current_app.extensions["counters"], health_of_app().report())
    )
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    return Response(
        encode(registry), content_type=kind, headers={"Cache-Control": "no-store"}
    )


class Figures(Collector):
    """Counts of all web processes, and gauges of the report of health."""

    def __init__(self, counters: Counters, report: Report) -> None:
        self._counters, self._report = counters, report

    def collect(self) -> Iterable[Metric]:
        """Every family of metrics."""
        sums = self._counters.sums()
        yield from self._requests(sums)
        yield from self._cache(sums[CACHES:])
        yield from self._health()
        yield from self._queues()
        yield from self._workers_and_disks()

    def _requests(self, sums: list[float]) -> Iterator[Metric]:
        """Durations as a histogram, and bytes, by class of route and status."""
        durations = HistogramMetricFamily(
            "portal_request_seconds",
            "Time to answer requests, by class of route and status.",
            labels=("route", "status"),
        )
        sent = CounterMetricFamily(
            "portal_response_bytes", "Bytes of answers.", labels=("route", "status")
        )
        for place, (route, status) in enumerate(
            (route, status) for route in ROUTES for status in STATUSES
        ):
            row = sums[place * WIDTH : (place + 1) * WIDTH]
            # Routes and statuses that never came would be hundreds of lines of zeros.
            if any(row[: len(BUCKETS)]):
                durations.add_metric((route, status), _cumulative(row), row[SECONDS])
                sent.add_metric((route, status), row[BYTES])
        yield durations
        yield sent

    def _cache(self, sums: list[float]) -> Iterator[Metric]:
        """Lookups and memory of each room of the cache."""
        lookups = CounterMetricFamily(
            "portal_cache_lookups",
            "Questions to the cache in memory, by what is kept and whether it was.",
            labels=("room", "result"),
        )
        size = GaugeMetricFamily(
            "portal_cache_bytes",
            "Memory that all processes take for what they keep (PORTAL_CACHE_MB each).",
            labels=("room",),
        )
        for place, room in enumerate(cache.ROOMS):
            start = place * cache.WIDTH
            figures = cache.Figures(*sums[start : start + cache.WIDTH])
            lookups.add_metric((room, "hit"), figures.hits)
            lookups.add_metric((room, "miss"), figures.misses)
            size.add_metric((room,), figures.size)
        yield lookups
        yield size

    def _health(self) -> Iterator[Metric]:
        """Version, readiness, and how many problems each part has."""
        about = GaugeMetricFamily(
            "portal_info",
            "Version of the code, revision of its database.",
            labels=("version", "revision"),
        )
        revision = self._report.sections["database"].figures.get("revision")
        about.add_metric((portal_version(), str(revision)), 1)
        yield about
        yield GaugeMetricFamily(
            "portal_ready", "1 when /health/ready is content.", value=self._report.ready
        )
        concerned = GaugeMetricFamily(
            "portal_problems",
            "Problems by the part that they concern.",
            labels=("check",),
        )
        # All parts: 0 says that one is well, a missing series says nothing.
        for check in CHECKS:
            concerned.add_metric(
                (check,), sum(each.check == check for each in self._report.problems)
            )
        yield concerned

    def _queues(self) -> Iterator[Metric]:
        """What waits, for how long, and what was given up, by queue."""
        waiting = GaugeMetricFamily(
            "portal_queue_waiting", "Items that wait, by queue.", labels=("queue",)
        )
        oldest = GaugeMetricFamily(
            "portal_queue_oldest_seconds",
            "Age of the oldest item that waits, by queue.",
            labels=("queue",),
        )
        given_up = GaugeMetricFamily(
            "portal_queue_given_up", "Items given up, by queue.", labels=("queue",)
        )
        for queue, figures in self._figures("queues").items():
            waiting.add_metric((queue,), figures["waiting"])
            oldest.add_metric((queue,), figures["oldest_seconds"])
            given_up.add_metric((queue,), figures["given_up"])
        yield from (waiting, oldest, given_up)

    def _workers_and_disks(self) -> Iterator[Metric]:
        """Workers that live, free bytes of folders, datasets in database and index."""
        workers = self._figures("workers")
        if workers:
            yield GaugeMetricFamily(
                "portal_workers_alive",
                "Workers with a sign of life.",
                value=workers["alive"],
            )
            ages = [each["last_seen_seconds"] for each in workers["list"]]
            if ages:
                yield GaugeMetricFamily(
                    "portal_worker_seen_seconds",
                    "Age of the last sign of any worker.",
                    value=min(ages),
                )
        free = GaugeMetricFamily(
            "portal_disk_free_bytes", "Free room, by folder.", labels=("folder",)
        )
        for folder, figures in self._figures("disk").items():
            if figures["free_mb"] is not None:
                free.add_metric((folder,), figures["free_mb"] * BYTES_PER_MB)
        yield free
        datasets = GaugeMetricFamily(
            "portal_datasets",
            "Datasets in the database and in the index.",
            labels=("where",),
        )
        for where in ("database", "index"):
            if where in self._figures("index"):
                datasets.add_metric((where,), self._figures("index")[where])
        yield datasets

    def _figures(self, name: str) -> dict[str, Any]:
        section = self._report.sections.get(name)
        return dict(section.figures) if section else {}


def _cumulative(row: list[float]) -> list[tuple[str, float]]:
    """Buckets as Prometheus has them: how many requests took at most so long."""
    total, buckets = 0.0, []
    for bound, number in zip(BUCKETS, row, strict=False):
        total += number
        # The notation of Prometheus for no bound; Python writes inf.
        buckets.append(("+Inf" if bound == float("inf") else str(bound), total))
    return buckets
