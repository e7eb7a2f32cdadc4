"""Runs the jobs of the queue with procrastinate: locks, heartbeats, and LISTEN for new ones.

The runner's own retries and periodic tasks are not used: a job that fails is asked for again by `alarms.wake`,
which does not fail where another one waits already, and the sweep needs no job.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event, Thread
from typing import Any, TypeVar

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from sqlalchemy import Connection

from service.domain.errors import DatabaseAway
from service.logs import logger
from service.persistence import alarms
from service.persistence.database import Database, told_if_away
from service.persistence.postgres import IDLE_SECONDS, WITH_JOBS, connect_args, conninfo

CONCURRENCY = 4  # jobs at once per process
LONGEST_PAUSE = timedelta(minutes=5)
AGAIN_SECONDS = 1.0  # after the server went away

Handler = Callable[[str], None]
T = TypeVar("T")

log = logger(__name__)


class JobRunner:
    """Jobs of this process: `handlers` by kind, each given what it is to look at."""

    def __init__(self, database: Database, handlers: Mapping[str, Handler]) -> None:
        self._database = database
        self._handlers = handlers
        self._stop = Event()
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None

    def start(self, *, poll_seconds: float, heartbeat_seconds: float, silent: timedelta) -> None:
        """Run jobs in a thread with a loop of its own, until `stop`."""
        options = {
            "queues": [alarms.QUEUE],
            "concurrency": CONCURRENCY,
            "fetch_job_polling_interval": poll_seconds,
            "update_heartbeat_interval": heartbeat_seconds,
            "stalled_worker_timeout": silent.total_seconds(),
            "delete_jobs": "always",
            "install_signal_handlers": False,
        }
        self._thread = Thread(target=lambda: asyncio.run(self._serve(options)), name="jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the jobs in hand and end; may be called twice."""
        self._stop.set()
        if self._loop is not None and self._running is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._running.cancel)
        if self._thread is not None:
            self._thread.join()

    def in_transaction(self, work: Callable[[Connection], T]) -> T:
        """Do something with the queue and commit it. Raises DatabaseAway."""
        with told_if_away(self._database), self._database.writing.connect() as connection, connection.begin():
            return work(connection)

    async def _serve(self, options: dict[str, Any]) -> None:
        """Run the jobs; when the server goes away, again until it is back."""
        self._loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            self._running = asyncio.create_task(self._run_jobs(options))
            try:
                await self._running
            except asyncio.CancelledError:
                return
            except (ConnectorException, psycopg.Error, PoolTimeout) as error:
                log.warning("jobs_interrupted", exception=type(error).__name__)
            except Exception:  # whatever ended it, background work goes on
                log.exception("jobs_interrupted")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _run_jobs(self, options: dict[str, Any]) -> None:
        app = App(connector=self._connector())
        for kind, handler in self._handlers.items():
            app.task(name=kind)(self._task(kind, handler))
        async with app.open_async():
            await app.run_worker_async(**options)

    def _connector(self) -> PsycopgConnector:
        url = self._database.url
        ours = connect_args(url, idle_seconds=IDLE_SECONDS, search_path=WITH_JOBS)
        said = url.difference_update_query(["options"])  # `connect_args` has taken them over
        return PsycopgConnector(conninfo=conninfo(said, **ours), min_size=1, max_size=CONCURRENCY + 2)

    def _task(self, kind: str, handler: Handler) -> Callable[..., None]:
        def look(ref: str, attempt: int = 0) -> None:
            try:
                handler(ref)
            except DatabaseAway:
                log.warning("work_failed", kind=kind, code=DatabaseAway.code)
                self._ask_again(kind, ref, attempt + 1)
            except Exception:  # a job that fails is asked for again; what it is about is a row
                log.exception("work_failed", kind=kind, ref=ref, attempt=attempt)
                self._ask_again(kind, ref, attempt + 1)

        return look

    def _ask_again(self, kind: str, ref: str, attempt: int) -> None:
        try:
            self.in_transaction(
                lambda connection: alarms.wake(connection, kind, ref, after=pause_after(attempt), attempt=attempt)
            )
        except DatabaseAway:  # the sweep will find it
            log.warning("not_asked_again", kind=kind, code=DatabaseAway.code)
        except Exception:
            log.exception("not_asked_again", kind=kind, ref=ref)


def pause_after(attempt: int) -> timedelta:
    """How long to wait after a job failed for the nth time: 1 s, doubled each time, at most five minutes."""
    return min(timedelta(seconds=2 ** min(attempt - 1, 20)), LONGEST_PAUSE)
