"""Live updates: who listens is told (incident, seq) of new events, and nothing else.

Whoever commits says so with `announce`; a relay carries it to the hubs of other processes and brings what they
say. Beside that, while somebody listens, the heads of the running incidents are looked at: every second where
there is no relay (a worker may be a process of its own), seldom where there is one. An announcement is a hint to
read again: one that is missed is followed by a later one, and a slow listener keeps only the newest of each incident.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from service.logs import logger

Announcement = tuple[str, int]
Heads = Callable[[], Mapping[str, int]]

POLL_SECONDS = 1.0
RELAYED_POLL_SECONDS = 10.0  # the relay forgets what it could not carry

log = logger(__name__)


class Relay(Protocol):
    """Carries announcements between processes."""

    def tell(self, stream: str, seq: int) -> None:
        """Tell every process; returns at once."""
        ...

    def listen(self, heard: Callable[[str, int], None], connected: Callable[[], None]) -> None:
        """Hear what any process tells; `connected` says that something may have been missed before."""
        ...


class _Listener:
    """What one listener has not taken yet: the newest seq of each incident."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[str, int] = {}
        self.is_there = asyncio.Event()

    def put(self, incident: str, seq: int) -> None:
        """Take an announcement; on the listener's own loop."""
        self.waiting[incident] = seq
        self.is_there.set()


class Hub:
    """Hands announcements to listeners; `announce` and `publish` may be called from any thread."""

    def __init__(self, relay: Relay | None = None) -> None:
        self._relay = relay
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._last: dict[str, int] = {}
        self._heads: Heads | None = None
        self._poller: asyncio.Task[None] | None = None
        self._poll_now = threading.Event()

    def announce(self, incident: str, seq: int) -> None:
        """Say here and everywhere else that an incident's stream has reached `seq`."""
        self.publish(incident, seq)
        if self._relay is not None:
            self._relay.tell(incident, seq)

    def publish(self, incident: str, seq: int) -> None:
        """Tell the listeners of this process; an old or repeated announcement is dropped."""
        with self._lock:
            if seq <= self._last.get(incident, 0):
                return
            self._last[incident] = seq
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener.loop.call_soon_threadsafe(listener.put, incident, seq)
            except RuntimeError:  # its loop has ended; `subscribe` takes it out
                continue

    def watch(self, heads: Heads) -> None:
        """Where the heads of running incidents are read from; called on a worker thread."""
        self._heads = heads

    async def subscribe(self) -> AsyncIterator[Announcement]:
        """Announcements from now on, in order per incident, until the caller stops asking."""
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        self._begin_polling()
        if self._relay is not None:
            self._relay.listen(self.publish, self._poll_now.set)
        try:
            while True:
                await listener.is_there.wait()
                listener.is_there.clear()
                batch, listener.waiting = listener.waiting, {}
                for announcement in batch.items():
                    yield announcement
        finally:
            with self._lock:
                self._listeners.discard(listener)
            if not self._listeners and self._poller is not None:
                self._poller.cancel()

    def _begin_polling(self) -> None:
        if self._heads is not None and (self._poller is None or self._poller.done()):
            self._poller = asyncio.get_running_loop().create_task(self._poll(self._heads))

    async def _poll(self, heads: Heads) -> None:
        known = await _read(heads) or {}
        while True:
            await self._pause()
            current = await _read(heads)
            if current is None:
                continue
            for incident in known.keys() - current.keys():  # it has just ended
                self.publish(incident, known[incident] + 1)
            for incident, seq in current.items():
                if seq > known.get(incident, 0):
                    self.publish(incident, seq)
            known = current

    async def _pause(self) -> None:
        """Until it is time to look again, or the relay was away and is back."""
        left = POLL_SECONDS if self._relay is None else RELAYED_POLL_SECONDS
        while left > 0 and not self._poll_now.is_set():
            await asyncio.sleep(min(left, POLL_SECONDS))
            left -= POLL_SECONDS
        self._poll_now.clear()


async def _read(heads: Heads) -> Mapping[str, int] | None:
    try:
        return await asyncio.to_thread(heads)
    except Exception:  # a database that is away for a moment must not end live updates
        log.exception("heads_unreadable")
        return None
