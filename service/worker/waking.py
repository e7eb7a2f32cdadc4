"""Waking people: messages that leave for chat robots and mail, tests of channels, and what a roster misses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from service.application import alerts, channels, duty_watch
from service.application.alerts import Batch, Parcel
from service.application.deliveries import Outcome, attempt, pause_after
from service.application.services import Services
from service.domain.duty import Gap
from service.domain.gateways import OutsideWorld
from service.logs import logger
from service.persistence.database import Database
from service.persistence.queue import DELIVERY
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork

log = logger(__name__)
BATCH = 200
WATCHING = timedelta(seconds=30)
SLOW_DOWN = timedelta(seconds=20)  # before what has to wait is looked at again

Run = Callable[[Callable[[UnitOfWork], None]], None]


class Waking:
    """Everything that reaches people outside the page; nothing of it holds a transaction while it sends."""

    def __init__(
        self, database: Database, run: Run, services: Services, *, outside: OutsideWorld, sealer: Sealer, link: str
    ) -> None:
        """`link` is the address of the product that messages lead to."""
        self._database, self._run, self._services = database, run, services
        self._outside, self._sealer, self._link = outside, sealer, link
        self._not_before: dict[tuple[str, str], datetime] = {}
        self._watched_at: datetime | None = None

    def send_waiting(self) -> int:
        """Send what waits, batch after batch; returns how many were looked at."""
        now = self._services.clock.now()
        with self._database.read() as connection:
            found = alerts.waiting(connection, BATCH)
        ready = [each for each in found if self._not_before.get((each.stream, each.recipient), now) <= now]
        for batch in ready:
            self._guarded("alert", batch.ids[0], partial(self.send, batch))
        return len(ready)

    def deliver(self, delivery: str) -> None:
        """Send the batch a delivery leads, if it still waits."""
        with self._database.read() as connection:
            batch = alerts.batch_of(connection, delivery)
        if batch is not None:
            self.send(batch)

    def send(self, batch: Batch) -> None:
        """Do with a batch what is right now."""
        now = self._services.clock.now()
        with self._database.read() as connection:
            plan = alerts.plan(connection, self._sealer, batch, now=now, public_url=self._link)
        if plan.unwanted:
            self._run(lambda uow: alerts.withdraw(uow, self._services, batch.stream, plan.unwanted))
        if plan.batch is None:
            return
        if plan.held_until is not None:
            # quiet hours may be changed, and something urgent may come: looked at again before they end
            self._later(plan.batch, min(plan.held_until, now + SLOW_DOWN))
            return
        outcome = self._send_all(plan.parcels)
        if outcome is None:
            self._later(plan.batch, now + SLOW_DOWN)
            return
        left, result = plan.batch, outcome
        self._run(lambda uow: alerts.record(uow, self._services, left, result))
        if result.error:
            self._later(left, now + pause_after(left.attempts + 1))

    def send_tests(self) -> None:
        """Send the test messages people asked for."""
        now = self._services.clock.now()
        with self._database.read() as connection:
            parcels = channels.tests_waiting(connection, self._sealer, now=now, public_url=self._link)
        for parcel in parcels:
            self._guarded("test", parcel.channel, partial(self._test, parcel))

    def watch(self) -> None:
        """Signatures missed (X11) and gaps ahead, every half minute; each is told once, whoever watches."""
        now = self._services.clock.now()
        if self._watched_at is not None and timedelta() <= now - self._watched_at < WATCHING:
            return
        self._watched_at = now
        with self._database.read() as connection:
            missing, gaps = duty_watch.look(connection, self._services, now)
        for each in missing:
            self._guarded("duty", each.shift, partial(self._run, partial(duty_watch.record_missing, missing=each)))
        for organisation, gap in gaps:
            self._guarded("duty", organisation, partial(self._tell, organisation, gap))

    def _tell(self, organisation: str, gap: Gap) -> None:
        self._run(lambda uow: duty_watch.record_gap(uow, organisation, gap))

    def _test(self, parcel: Parcel) -> None:
        outcome = attempt(self._outside, parcel.outgoing)
        self._run(lambda uow: channels.record_test(uow, parcel.channel, outcome.error))

    def _later(self, batch: Batch, at: datetime) -> None:
        """Where rows are polled nothing wakes anybody: it is left alone until then."""
        self._not_before[batch.stream, batch.recipient] = at
        self._run(lambda uow: uow.wake(DELIVERY, batch.ids[0], at))

    def _send_all(self, parcels: tuple[Parcel, ...]) -> Outcome | None:
        """By every channel; one that takes it is enough. None where each has sent its share of this minute."""
        outcomes = []
        for parcel in parcels:
            if self._reserve(parcel.channel):
                outcomes.append(attempt(self._outside, parcel.outgoing))
        if not parcels:
            return Outcome(error="no channel", is_retryable=False)
        if not outcomes:
            return None
        return next((each for each in outcomes if not each.error), outcomes[-1])

    def _reserve(self, channel: str) -> bool:
        found: list[bool] = []

        def work(uow: UnitOfWork) -> None:
            found.append(alerts.reserve(uow, channel))

        self._run(work)
        return found[-1]

    def _guarded(self, kind: str, ref: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # the round goes on whatever a row does to it
            log.exception("work_failed", kind=kind, ref=ref)
