"""The load client: requests over kept-alive connections to 127.0.0.1, bounded in number and time.

Plain streams, because on two cores a comfortable client would take the time it is to measure.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
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


def drive(port: int, requests: Sequence[bytes], *, connections: int) -> Measured:
    """Send every request once, each connection one after the other. Raises LoadFailed for any answer but 200."""
    return asyncio.run(asyncio.wait_for(_drive(port, requests, connections), LIMIT_SECONDS))


async def _drive(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    streams = [await asyncio.open_connection(HOST, port) for _ in range(connections)]
    waiting = list(reversed(requests))
    latencies: list[float] = []
    began = monotonic_seconds()
    try:
        async with asyncio.TaskGroup() as group:
            for reader, writer in streams:
                group.create_task(_work(reader, writer, waiting, latencies))
    except* LoadFailed as failed:
        raise LoadFailed(str(failed.exceptions[0])) from failed
    finally:
        took = monotonic_seconds() - began
        for _, writer in streams:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in streams), return_exceptions=True)
    return Measured(took, tuple(latencies))


async def _work(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: list[bytes], latencies: list[float]
) -> None:
    while waiting:
        request = waiting.pop()
        began = monotonic_seconds()
        writer.write(request)
        await writer.drain()
        await _answer(reader)
        latencies.append(monotonic_seconds() - began)


async def _answer(reader: asyncio.StreamReader) -> None:
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
