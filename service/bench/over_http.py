"""S1 to S3: people who complete tasks over HTTP, in rounds beside the limit of the machine."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.bench import dispatch, limit
from service.bench.bars import Bar, bar
from service.bench.load import Measured, Seat, drive, post, relay
from service.bench.seeding import Say, Seats, seats, seed
from service.bench.serving import LIMIT, PRODUCT, Server, product, served

CONNECTIONS = 16
ROUNDS = 5
FEW, MANY = 3, 1_000  # contacts of an incident
FULL, OTHERS = 100, 9  # S4: open instances that are worked on, and contacts of each incident that is only there


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; the default of the command is what the bars ask."""

    incidents: int = 64
    requests: int = 1_000  # in a round
    many: int = MANY
    rounds: int = ROUNDS


@dataclass(frozen=True, slots=True)
class Round:
    """One measured round and the processor seconds its server used."""

    measured: Measured
    cpu_seconds: float | None

    @property
    def cpu_ms(self) -> float | None:
        """Processor time of the server per request."""
        return None if self.cpu_seconds is None else self.cpu_seconds * 1000 / len(self.measured.latencies)


Go = Callable[[], Round]


def timed(servers: Sequence[Server], work: Callable[[], Measured]) -> Round:
    """A round, with what its servers' processes used meanwhile."""
    before = [server.cpu_seconds() for server in servers]
    measured = work()
    used = [(server.cpu_seconds(), start) for server, start in zip(servers, before, strict=True)]
    known = [after - start for after, start in used if after is not None and start is not None]
    return Round(measured, sum(known) if len(known) == len(servers) else None)


def in_turn(runners: Sequence[Go], rounds: int) -> list[list[Round]]:
    """Rounds of each in turn, so that a busy moment of the machine meets all; the first round only warms up."""
    found = [[run() for run in runners] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*found[1:], strict=True)]


def speed(id_: str, rounds: Sequence[Round], against: Sequence[Round] = ()) -> Bar:
    """Median rate; the ratio is the median of each round's own to what was measured beside it."""
    rate = statistics.median(each.measured.rate for each in rounds)
    ratios = [one.measured.rate / other.measured.rate for one, other in zip(rounds, against, strict=False)]
    cpu = [each.cpu_ms for each in rounds if each.cpu_ms is not None]
    ratio = statistics.median(ratios) if ratios else None
    return bar(id_, rate, "1/s", ratio=ratio, cpu_ms=statistics.median(cpu) if cpu else None)


def spread(rounds: Sequence[Round]) -> Bar:
    """S2: how much longer the slowest wait than most do."""
    seconds = sorted(latency for each in rounds for latency in each.measured.latencies)
    half, nearly_all = statistics.median(seconds), seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    return bar("S2", nearly_all * 1000, "ms", ratio=nearly_all / half)


def limit_rounds(server: Server, requests: int) -> Go:
    """Rounds of a limit."""
    body = {"data": {"send_channel": "电话", "answered_by": "家长甲"}, "late_reason": ""}
    sent = [post(f"/tasks/{number % limit.TASKS}/complete", body) for number in range(requests)]
    return lambda: timed([server], partial(drive, server.port, sent, connections=CONNECTIONS))


def answering(servers: Sequence[Server], people: Sequence[Seat], requests: int, *, at_home: bool = False) -> Go:
    """Rounds of people who answer task after task, their connections spread over the servers (load.py: `relay`)."""
    connections = min(CONNECTIONS, len(people))
    ports = [servers[number % len(servers)].port for number in range(connections)]
    return lambda: timed(servers, partial(relay, ports, people, requests, at_home=at_home))


@contextmanager
def p01_served(folder: Path, incidents: int) -> Iterator[Go]:
    """Rounds of the dispatch tasks of P01; there are as many rounds as kinds of task."""
    tocsin = product(folder)
    try:
        dispatch.install(tocsin)
    finally:
        tocsin.stop()
    with served(PRODUCT, folder) as server:
        with dispatch.School(server.port) as school:
            turns = iter(school.rounds([school.incident(number) for number in range(incidents)]))
        yield lambda: timed([server], lambda: drive(server.port, next(turns), connections=CONNECTIONS))


@contextmanager
def reference_served(folder: Path, incidents: Sequence[str]) -> Iterator[tuple[Server, Seats]]:
    """An installation of the reference procedure, with the office signed in to answer its tasks."""
    with served(PRODUCT, folder) as server:
        with dispatch.School(server.port, ["coordinator"]) as school:
            token = school.tokens["coordinator"]
        yield server, seats(folder, incidents, token)


def task_rows(folder: Path, size: Size, wanted: frozenset[str], say: Say) -> list[Bar]:
    """L with S1, S2, S1p and S3, each measured where it is wanted."""
    with ExitStack() as stack:
        limit_server = stack.enter_context(served(LIMIT, folder / "limit.db"))
        runners = {"L": limit_rounds(limit_server, size.requests)}
        if wanted & {"S1", "S2", "S3"}:
            ids = seed(folder / "few", incidents=size.incidents, contacts=FEW, say=say)
            server, few = stack.enter_context(reference_served(folder / "few", ids))
        if wanted & {"S1", "S2"}:
            runners["S1"] = answering([server], few.office, size.requests)
        if "S1p" in wanted:
            runners["S1p"] = stack.enter_context(p01_served(folder / "p01", size.incidents))
        if "S3" in wanted:
            runners["few"] = answering([server], [*few.office, *few.contacts], size.requests)
            ids = seed(folder / "many", incidents=size.incidents, contacts=size.many, say=say)
            large, many = stack.enter_context(reference_served(folder / "many", ids))
            runners["many"] = answering([large], [*many.office, *many.contacts], size.requests)
        say(f"measuring {', '.join(runners)}: {size.rounds} rounds of {size.requests}")
        found = dict(zip(runners, in_turn(list(runners.values()), size.rounds), strict=True))
    return _judged(found)


def _judged(found: dict[str, list[Round]]) -> list[Bar]:
    bars = [speed("L", found["L"])]
    if "S1" in found:
        bars += [speed("S1", found["S1"], found["L"]), spread(found["S1"])]
    if "S1p" in found:
        bars.append(speed("S1p", found["S1p"], found["L"]))
    if "many" in found:
        bars.append(speed("S3", found["many"], found["few"]))
    return bars


def crowded(folder: Path, size: Size, open_instances: int, say: Say) -> list[Bar]:
    """S4: the same tasks where the store holds so many open instances of other incidents, and where it does not."""
    incidents = max(2, FULL // (FEW + 1))
    with ExitStack() as stack:
        runners = []
        for name, others in (("empty", 0), ("full", open_instances // (OTHERS + 1))):
            ids = seed(folder / name, incidents=incidents, contacts=FEW, say=say)
            if others:
                seed(folder / name, incidents=others, contacts=OTHERS, say=say)
            server, people = stack.enter_context(reference_served(folder / name, ids))
            runners.append(answering([server], [*people.office, *people.contacts], size.requests))
        say(f"measuring S4: {size.rounds} rounds of {size.requests}")
        empty, full = in_turn(runners, size.rounds)
    return [speed("S4", full, empty)]
