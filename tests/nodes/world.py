"""The world of the path tests, lived through several processes: people ask web nodes over HTTP, workers do the rest."""

import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from service.bootstrap import Tocsin
from service.persistence import queue
from service.persistence.tables import sql
from tests.nodes.clock import SharedClock
from tests.nodes.node_process import CLOCK
from tests.paths import by_api
from tests.paths.world import World, at
from tests.stores import a_migrated_url

PATIENCE = 90.0  # seconds for an answer, or for what is due to be worked
ENOUGH = 5  # times in a row a request was in vain; on a slow machine it would else be cut off for ever


class NodeDoors(by_api.Doors):
    """Asks one web node after the other, the same request under the same key, until one answers."""

    def __init__(self, app: Tocsin, addresses: list[str]) -> None:
        super().__init__(app)
        self._addresses = addresses
        self._turn = 0
        self.in_vain = 0  # times the present request was not answered

    def _ask(self, method: str, path: str, account: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token(account)}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(8)
        ends = time.monotonic() + PATIENCE
        self.in_vain = 0
        while True:
            answer = self._one(method, path, headers, body)
            if answer is not None and answer.status_code != 503:
                break
            self.in_vain += 1
            assert time.monotonic() < ends, "no node answers"
            time.sleep(0.05)
        self.in_vain = 0
        if answer.is_error:
            raise by_api.as_error(answer)
        return answer.json() if answer.content else None

    def _one(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> httpx.Response | None:
        self._turn += 1
        address = self._addresses[self._turn % len(self._addresses)]
        try:
            with httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client:
                return client.request(method, path, headers=headers, json=body)
        except httpx.TransportError:  # killed, or not there yet
            return None


class NodesWorld(World):
    """One school, several processes."""

    def __init__(self, folder: Path, start: datetime) -> None:
        (folder / "database.url").write_text(a_migrated_url("postgres", folder), "ascii")
        super().__init__(folder, start)
        self.by_api = True
        self.prepare()
        self.addresses: list[str] = []

    def a_clock(self, folder: Path, start: datetime) -> SharedClock:
        """A clock all processes read."""
        return SharedClock(folder / CLOCK, start)

    @property
    def doors(self) -> NodeDoors:
        """The web nodes."""
        if not isinstance(self._doors, NodeDoors):
            self._doors = NodeDoors(self.app, self.addresses)
        return self._doors

    def is_let_be(self) -> bool:
        """Whether nothing is to be ended now: a request was cut off often enough."""
        return self.doors.in_vain >= ENOUGH

    def close(self) -> None:
        """End it; what was asserted here is asserted by the path tests already."""
        self._stop()

    def go(self, text: str) -> None:
        """Let time pass to a Shanghai time, waiting at each due row until a worker has worked it."""
        target = at(text)
        while True:
            with self.app.read() as connection:
                due = queue.next_due(connection)
            if due is None or due > target:
                break
            self.clock.set(max(due, self.clock.now()))
            self.settle()
        if target > self.clock.now():
            self.clock.set(target)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is due and nothing is to be sent."""
        ends = time.monotonic() + PATIENCE
        while self._is_busy():
            assert time.monotonic() < ends, "a due row or a delivery is not worked"
            time.sleep(0.02)

    def _is_busy(self) -> bool:
        table = sql.deliveries
        waiting = select(func.count()).where(table.c.state == "queued", table.c.channel == "auto")
        with self.app.read() as connection:
            return bool(queue.due(connection, self.clock.now(), 1) or connection.execute(waiting).scalar_one())
