"""The load client: requests over kept-alive connections to 127.0.0.1, bounded in number and time.

Plain streams, because on two cores a comfortable client would take the time it is to measure.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.clock import monotonic_seconds

HOST = "127.0.0.1"
LIMIT_SECONDS = 300


class LoadFailed(Exception):
    """A request was not answered as it must be; a benchmark of failures means nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: how long it took, and each request's own seconds."""

    seconds: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds


def post(path: str, body: Mapping[str, Any], *, token: str = "") -> bytes:
    """The bytes of one JSON request."""
    content = json.dumps(body, ensure_ascii=False).encode()
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {HOST}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    if token:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + content


@dataclass(slots=True)
class Seat:
    """Somebody who answers one task after the other: each answer names the task it opened."""

    token: str
    task: str
    answer: Mapping[str, Any]

    def request(self) -> bytes:
        """The next answer."""
        return post(f"/api/v1/tasks/{self.task}/complete", {"data": self.answer}, token=self.token)

    def go_on(self, body: bytes) -> None:
        """Take the next task. Raises LoadFailed unless exactly one was opened."""
        opened = json.loads(body)["opened"]
        if len(opened) != 1:
            message = f"one task was to open after {self.task}: {opened}"
            raise LoadFailed(message)
        self.task = opened[0]


def drive(port: int, requests: Sequence[bytes], *, connections: int) -> Measured:
    """Send every request once, each connection one after the other. Raises LoadFailed for any answer but 200."""
    waiting = list(reversed(requests))

    async def work(stream: Stream, latencies: list[float]) -> None:
        while waiting:
            await _exchange(stream, waiting.pop(), latencies)

    return _measured([port] * connections, work)


def relay(ports: Sequence[int], seats: Sequence[Seat], count: int, *, at_home: bool = False) -> Measured:
    """Answer `count` tasks, a connection per port named, each with whoever has waited longest.

    `at_home`: everybody keeps to one port, as a proxy that knows where somebody belongs sends him.
    Raises LoadFailed for any answer but 200.
    """
    homes = sorted(set(ports)) if at_home else [0]
    free = {home: deque(seats[number :: len(homes)]) for number, home in enumerate(homes)}
    left = iter(range(count))

    async def work(stream: Stream, latencies: list[float]) -> None:
        waiting = free[_port(stream) if at_home else 0]
        for _ in left:
            seat = waiting.popleft()
            seat.go_on(await _exchange(stream, seat.request(), latencies))
            waiting.append(seat)

    return _measured(ports, work)


def _port(stream: "Stream") -> int:
    return int(stream[1].get_extra_info("peername")[1])


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Work = Callable[[Stream, list[float]], Awaitable[None]]


def _measured(ports: Sequence[int], work: Work) -> Measured:
    return asyncio.run(asyncio.wait_for(_run(ports, work), LIMIT_SECONDS))


async def _run(ports: Sequence[int], work: Work) -> Measured:
    streams = [await asyncio.open_connection(HOST, port) for port in ports]
    latencies: list[float] = []
    began = monotonic_seconds()
    try:
        await asyncio.gather(*(work(stream, latencies) for stream in streams))
    finally:
        took = monotonic_seconds() - began
        for _, writer in streams:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in streams), return_exceptions=True)
    return Measured(took, tuple(latencies))


async def _exchange(stream: Stream, request: bytes, latencies: list[float]) -> bytes:
    reader, writer = stream
    began = monotonic_seconds()
    writer.write(request)
    await writer.drain()
    body = await _answer(reader)
    latencies.append(monotonic_seconds() - began)
    return body


async def _answer(reader: asyncio.StreamReader) -> bytes:
    status = (await reader.readline()).decode("ascii").split(" ")
    length = 0
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "content-length":
            length = int(value)
    body = await reader.readexactly(length)
    if len(status) < 2 or status[1] != "200":
        message = f"{' '.join(status).strip()}: {body[:500].decode(errors='replace')}"
        raise LoadFailed(message)
    return body
