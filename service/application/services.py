"""What every use case works with: catalogues, definitions and the cache of live instances."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from service.application.definitions import DefinitionStore
from service.application.films import Films
from service.application.live_instances import LiveInstances
from service.domain.blind_index import BlindIndex
from service.domain.clock import Clock
from service.domain.deadlines import DeadlineRule
from service.domain.forms import FormLibrary
from service.domain.organisation_catalogue import OrganisationCatalogue
from service.domain.policies import PolicyCatalogue


@dataclass(frozen=True, slots=True)
class PrivacyLimits:
    """How long and how much of persons may be seen; `told_role` hears of access without a task."""

    reveal: timedelta = timedelta(minutes=10)
    tail: timedelta = timedelta(minutes=30)
    break_glass: timedelta = timedelta(minutes=60)
    export_alone: int = 50
    told_role: str = "data_protection"


def _no_drills(*_arguments: object) -> str:
    message = "nobody said how drills begin"
    raise RuntimeError(message)


@dataclass(frozen=True)
class Services:
    """Built once by bootstrap; everything in it is safe to share between threads. `scenarios` is a folder.

    `begin_drill(uow, services, principal, BeginScenario)` begins the drill a procedure planned (P26).
    `announce(incident, seq)` is called after each commit that made an incident's log grow, `forget(incident)`
    after each that erased values of it: no process keeps any of it in memory.
    """

    clock: Clock
    forms: FormLibrary
    policies: PolicyCatalogue
    deadline_rules: Mapping[str, DeadlineRule]
    definitions: DefinitionStore
    organisations: OrganisationCatalogue
    scenarios: Path
    live: LiveInstances = field(default_factory=LiveInstances)
    films: Films = field(default_factory=Films)
    privacy: PrivacyLimits = field(default_factory=PrivacyLimits)
    index: BlindIndex = field(default_factory=BlindIndex.passing)
    begin_drill: Callable[..., str] = field(default=_no_drills)
    announce: Callable[[str, int], None] = field(default=lambda _incident, _seq: None)
    forget: Callable[[str], None] = field(default=lambda _incident: None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who causes the events of a command: an account id, the role he acts in, and the request."""

    actor: str = ""
    role: str = ""
    on_behalf_of: str = ""
    command_id: str = ""
    request_id: str = ""


SYSTEM = Origin(actor="system")
