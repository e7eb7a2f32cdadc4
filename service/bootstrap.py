"""The composition root: the only place that picks implementations and puts the parts together."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from integrations import DirectorySink, doors, rehearsal_gateways, staff_gateway
from integrations.openid import OpenIdProvider
from service import metrics
from service.application import attachments, definitions, engine_incidents, scenario_drills
from service.application.definitions import DefinitionStore
from service.application.documents import DocumentLibrary
from service.application.facts import FACTS
from service.application.live_instances import LiveInstances
from service.application.services import PrivacyLimits, Services
from service.application.session_memory import SessionMemory
from service.application.steps import FACT_DECISIONS
from service.domain.blind_index import BlindIndex
from service.domain.clock import Clock, SystemClock, monotonic_seconds
from service.domain.deadlines import load_rules
from service.domain.errors import EngineFailed, TocsinError
from service.domain.forms import FormLibrary
from service.domain.gateways import InboundDoor, OutsideWorld
from service.domain.identity import IdentityProvider
from service.domain.organisation_catalogue import OrganisationCatalogue
from service.domain.policies import PolicyCatalogue, typed
from service.domain.standing import appoint
from service.engine.known import Known
from service.live import Hub
from service.persistence.announcements import Announcements
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database, open_database
from service.persistence.runners import open_runner
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork
from service.persistence.writer import Writer
from service.settings import Settings, index_key, master_keys, oidc_client_secret, partner_secrets
from service.worker import Duties, JobWorker, PollingWorker, Worker

T = TypeVar("T")


@dataclass(frozen=True)
class Tocsin:
    """A running product: what doors, commands and tests work with."""

    settings: Settings
    clock: Clock
    database: Database
    sealer: Sealer
    writer: CommandRunner
    services: Services
    sessions: SessionMemory
    documents: DocumentLibrary
    outside: OutsideWorld
    worker: Worker
    hub: Hub
    doors: Mapping[str, InboundDoor]
    announcements: Announcements | None = None
    identity: IdentityProvider | None = None

    def run(self, handler: Callable[[UnitOfWork], T]) -> T:
        """Run a use case through the writer; an engine failure is recorded as an engine incident."""
        return run_recorded(self.writer, self.services, handler)

    async def run_soon(self, handler: Callable[[UnitOfWork], T]) -> T:
        """The same for the event loop and a short use case: it goes on with others until the commit."""
        with _counted():
            try:
                return await asyncio.wrap_future(self.writer.submit_short(handler))
            except EngineFailed as error:
                failure = error
                recorded = self.writer.submit(lambda uow: engine_incidents.record(uow, self.services, failure))
                await asyncio.wrap_future(recorded)
                raise

    def read(self) -> AbstractContextManager[Any]:
        """A read-only snapshot: `with tocsin.read() as connection`, a Core connection."""
        return self.database.read()

    def start(self) -> None:
        """Begin background work."""
        self.worker.start(self.settings.poll_seconds)

    def stop(self) -> None:
        """End background work and the writer, then close the database."""
        self.worker.stop()
        self.writer.stop()
        if self.announcements is not None:
            self.announcements.stop()
        self.database.close()


def build(settings: Settings, clock: Clock | None = None, *, warm: Tocsin | None = None) -> Tocsin:
    """Put the parts together; nothing runs yet but the writer. The schema must be migrated.

    `warm` is a product of the same settings whose catalogues and assembled diagrams, which never
    change, are taken over: a process forked from it is ready at once.
    """
    clock = clock or SystemClock()
    database = open_database(settings.database, clock)
    sealer = Sealer(master_keys(settings), clock, renew=lambda: master_keys(settings))
    writer = open_runner(database, clock, sealer)
    announcements = None if database.is_sqlite else Announcements(database)
    hub = Hub(announcements)
    services = _renewed(warm.services, clock, hub) if warm else build_services(settings, clock, hub)
    services = _forgetting(services, sealer, announcements)
    writer.on_lost(services.live.clear)
    sink = DirectorySink(settings.data_dir / "outbox")
    outside = _outside(settings, sink)

    def run(handler: Callable[[UnitOfWork], None]) -> None:
        run_recorded(writer, services, handler)

    def shred(files: Sequence[str], sent: Sequence[str]) -> None:
        for path in (*(settings.data_dir / "attachments" / each for each in files), *map(sink.path_of, sent)):
            attachments.shred(path)

    duties = Duties(
        database, run, services, outside=outside, sealer=sealer, link=settings.public_url, shred=shred
    )  # fmt: skip
    worker = _worker(duties, writer, clock)
    documents = warm.documents if warm else DocumentLibrary.load(settings.forms_dir / "reports")
    inbound = doors(partner_secrets(settings), clock=clock)
    sessions = SessionMemory(database, writer.directory, monotonic_seconds, writer.submit)
    return Tocsin(
        settings, clock, database, sealer, writer, services, sessions, documents, outside, worker, hub, inbound,
        announcements, _identity(settings, clock),
    )  # fmt: skip


def deploy_shipped(tocsin: Tocsin) -> None:
    """Deploy every bundle of the workflows folder that is no version yet."""
    root, store = tocsin.settings.workflows_dir, tocsin.services.definitions
    for folder in sorted(path for path in root.iterdir() if any(path.glob("*.bpmn"))):
        name, content = folder.name, definitions.folder_content(folder, root / "decisions")
        with tocsin.read() as connection:
            is_deployed = definitions.is_deployed(connection, name, content)
        if not is_deployed:
            tocsin.run(partial(definitions.deploy, store=store, procedure=name, content=content, actor="system"))


def _renewed(services: Services, clock: Clock, hub: Hub) -> Services:
    return replace(
        services, clock=clock, live=LiveInstances(), announce=hub.announce, definitions=services.definitions.copied()
    )


def run_recorded(writer: CommandRunner, services: Services, handler: Callable[[UnitOfWork], T]) -> T:
    """Run a handler; a step that failed is rolled back and then recorded as an engine incident."""
    with _counted():
        try:
            return writer.run(handler)
        except EngineFailed as error:
            failure = error
            writer.run(lambda uow: engine_incidents.record(uow, services, failure))
            raise


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except TocsinError as error:
        metrics.commands.labels(error.code).inc()
        raise
    except Exception:
        metrics.commands.labels("failed").inc()
        raise
    metrics.commands_done.inc()


def build_services(settings: Settings, clock: Clock, hub: Hub) -> Services:
    """Catalogues and the definition store."""
    forms = FormLibrary.load(settings.forms_dir)
    rules = load_rules(settings.workflows_dir / "deadlines.yaml")

    policies = PolicyCatalogue.load(settings.workflows_dir / "policies.yaml")
    roles = OrganisationCatalogue.load(settings.workflows_dir / "organisations.yaml")
    appoint(
        leaders=roles.leaders, overseers=roles.overseers, outside_parties=roles.outside_parties,
        letter_readers=roles.acts["receive_letter"].who,
    )  # fmt: skip
    known = Known(
        view_exists=forms.has, certain_fields=forms.certain_fields, facts=FACTS, fact_decisions=FACT_DECISIONS,
        deadlines=frozenset(rules), policies=typed(policies, {}), roles=frozenset(roles.roles),
    )  # fmt: skip
    minutes = timedelta(minutes=1)
    privacy = PrivacyLimits(
        settings.reveal_minutes * minutes, settings.access_tail_minutes * minutes,
        settings.break_glass_minutes * minutes, settings.export_alone, settings.data_protection_role,
    )  # fmt: skip
    return Services(
        clock, forms, policies, rules, DefinitionStore(known), roles, settings.workflows_dir / "scenarios",
        privacy=privacy,
        index=BlindIndex(index_key(settings)), announce=hub.announce, begin_drill=scenario_drills.begin,
    )  # fmt: skip


def _identity(settings: Settings, clock: Clock) -> IdentityProvider | None:
    if not settings.oidc_issuer:
        return None
    secret = oidc_client_secret(settings)
    return OpenIdProvider(
        settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_claim, clock, settings.oidc_name
    )


def _forgetting(services: Services, sealer: Sealer, announcements: Announcements | None) -> Services:
    """Where values are erased, by whatever process, this one keeps none of them in memory."""

    def forget(incident: str) -> None:
        services.live.forget(incident)
        sealer.forget()

    def forget_all() -> None:
        services.live.clear()
        sealer.forget()

    if announcements is None:
        return replace(services, forget=forget)
    announcements.listen_erased(forget, forget_all)

    def forget_everywhere(incident: str) -> None:
        forget(incident)
        announcements.tell_erased(incident)

    return replace(services, forget=forget_everywhere)


def _worker(duties: Duties, writer: CommandRunner, clock: Clock) -> Worker:
    """Who polls hears from the single writer what falls due; nodes wake each other by jobs."""
    if not isinstance(writer, Writer):
        return JobWorker(duties, clock)
    worker = PollingWorker(duties)
    writer.on_wake(worker.ring)
    return worker


def _outside(settings: Settings, sink: DirectorySink) -> OutsideWorld:
    """No real endpoints are configured yet but the channels of people: the demo plays everybody with his twin."""
    twins = rehearsal_gateways(sink)
    return OutsideWorld(live=twins if settings.demo else staff_gateway(), rehearsal=twins)
