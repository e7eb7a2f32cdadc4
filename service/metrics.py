"""What is counted while the service works, for Prometheus; no value and no label tells of a person.

Counters are of one process: where several serve, each is asked by itself and the sums are made where they are
collected. What the database holds (`service/application/queries/health.py`) is the same whoever is asked.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

REGISTRY = CollectorRegistry()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_ANSWERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_LATE = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86400)
_GROUPS = (1, 2, 4, 8, 16, 24, 32)

ProcessCollector(registry=REGISTRY)

steps = Histogram("tocsin_step_seconds", "Steps of a process instance.", buckets=_FAST, registry=REGISTRY)
commands = Counter(
    "tocsin_commands", "Commands, by what became of them: done, or the code of the problem.", ["outcome"],
    registry=REGISTRY,
)  # fmt: skip
group_size = Histogram("tocsin_group_size", "Commands in one transaction.", buckets=_GROUPS, registry=REGISTRY)
commits = Histogram("tocsin_commit_seconds", "Durable commits.", buckets=_FAST, registry=REGISTRY)
queue_depth = Gauge("tocsin_queue_depth", "Commands that waited when the last group began.", registry=REGISTRY)
lateness = Histogram(
    "tocsin_timer_lateness_seconds", "From the due time of a timer or ladder level to its work.", buckets=_LATE,
    registry=REGISTRY,
)  # fmt: skip
live_instances = Counter(
    "tocsin_live_instances", "Instances looked for in memory: hit, stale or miss.", ["result"], registry=REGISTRY
)
requests = Histogram(
    "tocsin_http_request_seconds", "HTTP requests, by route and status.", ["method", "route", "status"],
    buckets=_ANSWERS, registry=REGISTRY,
)  # fmt: skip

live_hits, live_stale, live_misses = (live_instances.labels(result) for result in ("hit", "stale", "miss"))
commands_done = commands.labels("done")


def exposition(stored: dict[str, dict[str, float]]) -> bytes:
    """Everything in the text format. `stored` is what the database holds: `{name: {state or "": number}}`."""
    return generate_latest(REGISTRY) + generate_latest(_gauges(stored))


def _gauges(stored: dict[str, dict[str, float]]) -> CollectorRegistry:
    registry = CollectorRegistry()
    for name, values in stored.items():
        has_states = set(values) != {""}
        gauge = Gauge(f"tocsin_{name}", STORED[name], ["state"] if has_states else [], registry=registry)
        for state, value in values.items():
            (gauge.labels(state) if has_states else gauge).set(value)
    return registry


STORED = {
    "deliveries": "Deliveries in the outbox, by state.",
    "engine_incidents_open": "Process instances that stopped and wait for an operator.",
    "incidents_open": "Incidents that are not over.",
    "due_rows_overdue": "Timers, ladder levels and expiries that are due and not worked.",
    "due_rows_oldest_seconds": "How long the oldest of them has been due.",
}
