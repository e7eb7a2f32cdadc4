"""Telling other processes that a log grew, with NOTIFY, and hearing it from them, with LISTEN.

Notices are sent after the commit, from a connection of their own: a transaction that notifies commits under
one lock of the whole server, and all writers would wait for each other's disk. A notice lost between the two
is made good by whoever listens: it compares the heads when it (re)connects and now and then (live.py).
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

import psycopg

from service.logs import logger
from service.persistence.database import Database
from service.persistence.postgres import ALIVE, conninfo

CHANNEL = "tocsin_log"
ERASED = "erased:"  # before the stream: values of it were erased, forget what is kept of it
TOGETHER = 100  # notices in one statement
LOOK_SECONDS = 1.0  # how long a thread waits before it looks whether it is to end
AGAIN_SECONDS = 1.0  # after the connection broke

Heard = Callable[[str, int], None]
Forget = Callable[[str], None]

log = logger(__name__)


class Announcements:
    """One connection that tells and one that listens, each made when first needed; safe between threads."""

    def __init__(self, database: Database) -> None:
        self._conninfo = conninfo(database.url, **ALIVE)
        self._untold: SimpleQueue[tuple[str, int] | None] = SimpleQueue()  # None: that was all
        self._stop = Event()
        self._lock = Lock()
        self._known: list[Heard] = []
        self._listeners: list[tuple[Heard, Callable[[], None]]] = []
        self._teller: Thread | None = None
        self._listener: Thread | None = None

    def tell(self, stream: str, seq: int) -> None:
        """Tell every process that a stream has reached `seq`; returns at once."""
        self._untold.put((stream, seq))
        with self._lock:
            if self._teller is None and not self._stop.is_set():
                self._teller = Thread(target=self._tell_on, name="teller", daemon=True)
                self._teller.start()

    def listen(self, heard: Heard, connected: Callable[[], None]) -> None:
        """Call `heard` for what any process tells, our own included, and `connected` whenever listening begins.

        Of one and the same `heard` only the first counts.
        """

        def grown(stream: str, seq: int) -> None:
            if not stream.startswith(ERASED):
                heard(stream, seq)

        with self._lock:
            if heard not in self._known:
                self._known.append(heard)
                self._begin(grown, connected)

    def tell_erased(self, stream: str) -> None:
        """Tell every process to forget what it keeps of a stream; returns at once."""
        self.tell(f"{ERASED}{stream}", 1)

    def listen_erased(self, forget: Forget, forget_all: Callable[[], None]) -> None:
        """Call `forget` for each stream any process says that of, `forget_all` when something may have been missed."""

        def erased(stream: str, _seq: int) -> None:
            if stream.startswith(ERASED):
                forget(stream.removeprefix(ERASED))

        with self._lock:
            self._begin(erased, forget_all)

    def _begin(self, heard: Heard, connected: Callable[[], None]) -> None:
        self._listeners.append((heard, connected))
        if self._listener is not None:
            connected()  # it listens already
        elif not self._stop.is_set():
            self._listener = Thread(target=self._listen_on, name="listener", daemon=True)
            self._listener.start()

    def stop(self) -> None:
        """End both; may be called twice."""
        self._stop.set()
        self._untold.put(None)
        with self._lock:
            threads = [thread for thread in (self._teller, self._listener) if thread is not None]
        for thread in threads:
            thread.join()

    def _tell_on(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    while not self._stop.is_set():
                        self._tell_waiting(connection)
            except psycopg.Error:
                log.warning("telling_interrupted")
                self._stop.wait(AGAIN_SECONDS)

    def _tell_waiting(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Everything that waits, the newest of each stream, in one statement."""
        newest: dict[str, int] = {}
        said = self._untold.get()
        with suppress(Empty):
            while said is not None:
                newest[said[0]] = max(said[1], newest.get(said[0], 0))
                said = self._untold.get_nowait() if len(newest) < TOGETHER else None
        if newest:
            payloads = [f"{seq} {stream}" for stream, seq in newest.items()]
            connection.execute("SELECT pg_notify(%s, said) FROM unnest(%s::text[]) AS said", (CHANNEL, payloads))

    def _listen_on(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    for _, connected in list(self._listeners):
                        connected()
                    while not self._stop.is_set():
                        for notice in connection.notifies(timeout=LOOK_SECONDS):
                            seq, _, stream = notice.payload.partition(" ")
                            for heard, _ in list(self._listeners):
                                heard(stream, int(seq))
            except psycopg.Error:
                log.warning("listening_interrupted")
                self._stop.wait(AGAIN_SECONDS)
