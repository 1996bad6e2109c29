"""Configures logging and metrics; called once, by `cli/`.

Logs are structured: JSON lines where nobody watches, readable lines on a terminal. Names are noun and past tense
(`tree.rendered`), facts are fields. Metrics are children of one registry that `/metrics` prints.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from reconciler.errors import Problem
from reconciler.loop.island import Island
from reconciler.loop.run import Hooks
from reconciler.model.observation import ClusterReport
from reconciler.model.plan import Action

REGISTRY: Final = CollectorRegistry(auto_describe=True)

STAGE_SECONDS: Final = Histogram(
    "fleet_reconciler_stage_seconds",
    "Seconds spent in one stage of a pass.",
    ("stage",),
    registry=REGISTRY,
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300),
)
PASSES: Final = Counter("fleet_reconciler_passes_total", "Passes by result.", ("result",), registry=REGISTRY)
OBJECTS: Final = Gauge(
    "fleet_reconciler_objects",
    "Objects by cluster and by what the last pass did with them.",
    ("cluster", "action"),
    registry=REGISTRY,
)
PROBLEMS: Final = Gauge(
    "fleet_reconciler_problems", "Problems in the fleet, by severity.", ("severity",), registry=REGISTRY
)
CLUSTER_READY: Final = Gauge(
    "fleet_reconciler_cluster_ready",
    "1 when the cluster is Ready, 0 when it is not.",
    ("cluster",),
    registry=REGISTRY,
)
CLUSTER_LAG_SECONDS: Final = Gauge(
    "fleet_reconciler_cluster_lag_seconds",
    "Seconds since this cluster last stood at the newest rendered commit; 0 when it does.",
    ("cluster",),
    registry=REGISTRY,
)
LEADER: Final = Gauge("fleet_reconciler_leader", "1 while this process holds the lease.", registry=REGISTRY)


def configure_logging(*, level: str = "info", json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send events of `level` and above to `stream` (default: stderr); `json` None means: unless it is a terminal."""
    out = stream or sys.stderr
    as_json = not out.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def logger() -> structlog.typing.FilteringBoundLogger:
    """The structured logger of the shell."""
    found: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return found


def hooks() -> Hooks:
    """Metrics from what a pass tells."""
    known: set[str] = set()

    def fleet(
        islands: Mapping[str, Island], problems: tuple[Problem, ...], reports: Mapping[str, ClusterReport]
    ) -> None:
        for severity in ("error", "warning"):
            PROBLEMS.labels(severity).set(sum(1 for p in problems if p.severity.value == severity))
        # A cluster that left must not be Ready, or behind, for ever.
        for name in known - {*islands, *reports}:
            _forget(name)
        for name in known & reports.keys() - islands.keys():
            _forget(name, but_ready=True)
        known.clear()
        known.update(islands, reports)
        for name, report in reports.items():
            ready = report.status.condition("Ready")
            CLUSTER_READY.labels(name).set(1 if ready is not None and ready.status == "True" else 0)
        for name, island in islands.items():
            # Asked at each scrape: a cluster that is silent tells nothing, and falls behind meanwhile.
            CLUSTER_LAG_SECONDS.labels(name).set_function(partial(_lag, island))
            for action in Action:
                counts = island.outcome.counts if island.outcome else {}
                OBJECTS.labels(name, action.value).set(counts.get(action, 0))

    return Hooks(
        stage=lambda name, seconds: STAGE_SECONDS.labels(name).observe(seconds),
        passed=lambda result: PASSES.labels(result).inc(),
        fleet=fleet,
    )


def _lag(island: Island) -> float:
    return island.lag_seconds


def _forget(cluster: str, *, but_ready: bool = False) -> None:
    for metric, labels in (
        *(() if but_ready else ((CLUSTER_READY, (cluster,)),)),
        (CLUSTER_LAG_SECONDS, (cluster,)),
        *((OBJECTS, (cluster, action.value)) for action in Action),
    ):
        with suppress(KeyError):
            metric.remove(*labels)
