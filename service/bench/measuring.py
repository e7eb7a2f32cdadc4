"""Rounds of L and S1 in turn, and the verdict on each bar."""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import sleep

from service.bench import limit, product
from service.bench.load import HOST, LoadFailed, Measured, drive, post

INCIDENTS, CONNECTIONS = 64, 16
LIMIT_REQUESTS = 1_000  # of L in a round; S1 has one per incident
START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure beside its bar; `ratio` is to L where the bar is one, `must` and `met` are None for L itself."""

    id: str
    what: str
    value: float
    unit: str
    ratio: float | None
    must: float | None
    met: bool | None


def run_bench(*, as_json: bool) -> Iterator[str]:
    """Measure, then say what came out, line by line. Raises LoadFailed if a request was not answered well."""
    yield from printed(measure(INCIDENTS), as_json=as_json)


def printed(bars: list[Bar], *, as_json: bool) -> Iterator[str]:
    """The measurements as a table, or as one JSON object."""
    if as_json:
        yield json.dumps({"bars": [asdict(bar) for bar in bars]}, ensure_ascii=False)
        return
    yield f"{'bar':4} {'figure':>12} {'unit':5} {'ratio':>7} {'must':>7}  met  what"
    for bar in bars:
        ratio = "" if bar.ratio is None else f"{bar.ratio:.3f}"
        met = {True: "yes", False: "NO", None: ""}[bar.met]
        yield f"{bar.id:4} {bar.value:12.1f} {bar.unit:5} {ratio:>7} {_shown(bar):>7}  {met:3}  {bar.what}"


def _shown(bar: Bar) -> str:
    if bar.must is None:
        return ""
    return f"<= {bar.must:g}" if bar.id == "S2" else f">= {bar.must:g}"


def measure(incidents: int, *, limit_requests: int = LIMIT_REQUESTS) -> list[Bar]:
    """L and S1 in turn, a round each; the first of both only warms up."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        with (
            _served("service.bench.limit", folder / "limit.db") as limit_port,
            _served("service.bench.product", folder / "product") as product_port,
        ):
            with product.School(product_port) as school:
                turns = school.rounds([school.incident(number) for number in range(incidents)])
            pairs = [
                (drive(limit_port, _limit_round(limit_requests), connections=CONNECTIONS),
                 drive(product_port, requests, connections=CONNECTIONS))
                for requests in turns
            ]  # fmt: skip
    return verdict(pairs[1:])


def _limit_round(count: int) -> list[bytes]:
    body = {"data": {"mask_put_on": "yes", "escorted_to": "临时留观点"}, "late_reason": ""}
    return [post(f"/tasks/{number % limit.TASKS}/complete", body) for number in range(count)]


def verdict(pairs: list[tuple[Measured, Measured]]) -> list[Bar]:
    """Median of the rounds; each round's ratio is to the limit measured beside it."""
    limits, works = [pair[0].rate for pair in pairs], [pair[1].rate for pair in pairs]
    ratio = statistics.median(work / bare for bare, work in zip(limits, works, strict=True))
    seconds = sorted(latency for _, work in pairs for latency in work.latencies)
    half, nearly_all = statistics.median(seconds), seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    spread = nearly_all / half
    return [
        Bar("L", "one durable HTTP write on raw SQLite", statistics.median(limits), "1/s", None, None, None),
        Bar("S1", f"a user task completed over HTTP, ratio to L ({len(pairs)} rounds)",
            statistics.median(works), "1/s", ratio, 0.5, ratio >= 0.5),
        Bar("S2", "p99 of S1 to its p50", nearly_all * 1000, "ms", spread, 5, spread <= 5),
    ]  # fmt: skip


@contextmanager
def _served(module: str, target: Path) -> Iterator[int]:
    """A server of its own process, on a free port of this machine, until the block ends."""
    port = _free_port()
    command = [sys.executable, "-m", module, str(target), str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - fixed arguments of our own
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        sleep(0.1)
    message = "the server under test did not start"
    raise LoadFailed(message)
