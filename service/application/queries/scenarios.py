"""Scenarios as a trainer reads them: the list, one with roles, objectives and master events list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service.application import scenario_library, scenario_plans
from service.application.queries.reader import Reader
from service.domain.access import Action, require
from service.domain.errors import NoSuch, ScenarioFault, ScenarioRefused
from service.domain.jurisdiction import drill_organisations
from service.domain.scenario_checks import Plan
from service.domain.scenario_draws import variants
from service.domain.scenario_files import ScenarioFile
from service.domain.scenarios import Expectation, Inject, Scenario, Trigger
from service.persistence.tables import sql


@dataclass(frozen=True, slots=True)
class ExpectationRow:
    """What is expected of a step, in words."""

    id: str
    title: str
    element: str
    step: str
    kind: str
    kind_label: str
    within: timedelta | None
    times: int
    is_not: bool


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """An objective with what is expected."""

    id: str
    title: str
    expectations: tuple[ExpectationRow, ...]


@dataclass(frozen=True, slots=True)
class InjectRow:
    """An inject of the master events list, in words; `trigger` is at | after | when | unless | reserve."""

    id: str
    kind: str
    kind_label: str
    title: str
    text: str
    sender: str
    document: str
    to: tuple[str, ...]
    to_labels: tuple[str, ...]
    trigger: str
    trigger_text: str
    expects: tuple[str, ...]
    expects_titles: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role and who plays it unless the trainer chooses otherwise."""

    role: str
    label: str
    played_by: str
    played_by_label: str


@dataclass(frozen=True, slots=True)
class ScenarioPage:
    """One scenario. `organisation` is whose own it is, "" for a shipped one; `faults` are why no drill can begin."""

    id: str
    organisation: str
    organisation_name: str
    catalogue: str
    title: str
    summary: str
    procedure: str
    procedure_name: str
    starts_at: datetime
    lasts: timedelta
    varies: Mapping[str, Any]
    speeds: tuple[tuple[timedelta, float], ...]
    roles: tuple[RoleRow, ...]
    objectives: tuple[ObjectiveRow, ...]
    injects: tuple[InjectRow, ...]
    faults: tuple[ScenarioFault, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class ScenarioLine:
    """A scenario of the list."""

    id: str
    organisation: str
    organisation_name: str
    catalogue: str
    title: str
    summary: str
    procedure: str
    procedure_name: str
    starts_at: datetime
    lasts: timedelta
    objectives: int
    injects: int
    is_drawn: bool


def listing(reader: Reader, organisation: str = "") -> tuple[ScenarioLine, ...]:
    """Shipped scenarios, then the own ones of the organisations the reader is trainer of (or of one of them)."""
    require(reader.principal, Action.SCENARIO_READ)
    here = drill_organisations(reader.principal, reader.hierarchy)
    wanted = sorted(here & {organisation} if organisation else here)
    table = sql.own_scenarios
    own = reader.rows(select(table).where(table.c.organisation_id.in_(wanted)).order_by(table.c.scenario, table.c.id))
    lines = [_line(reader, file, "") for file in scenario_library.shipped(reader.services.scenarios).values()]
    lines += [_line(reader, ScenarioFile(row["scenario"], row["document"]), row["organisation_id"]) for row in own]
    return tuple(line for line in lines if line is not None)


def find(reader: Reader, scenario: str, organisation: str = "") -> tuple[ScenarioFile, Mapping[str, Any]]:
    """A scenario the reader may read, and its row where it is an own one. Raises NoSuch."""
    require(reader.principal, Action.SCENARIO_READ)
    if not organisation:
        file = scenario_library.shipped(reader.services.scenarios).get(scenario)
        if file is None:
            raise NoSuch("scenario", scenario)
        return file, {}
    here = drill_organisations(reader.principal, reader.hierarchy)
    row = scenario_library.own_row(reader.connection, organisation, scenario) if organisation in here else None
    if row is None:
        raise NoSuch("scenario", scenario)
    return ScenarioFile(scenario, row["document"]), row


def page(reader: Reader, scenario: str, organisation: str = "") -> ScenarioPage:
    """One scenario, shipped or of an organisation. Raises NoSuch; ScenarioRefused for one that cannot be read."""
    file, row = find(reader, scenario, organisation)
    plan = plan_of(reader, file)
    made = _read(file)
    words = Words(reader, plan, made)
    return ScenarioPage(
        id=scenario, organisation=organisation, organisation_name=reader.organisation_names.get(organisation, ""),
        catalogue=made.catalogue, title=made.title.text(reader.locale), summary=made.summary.text(reader.locale),
        procedure=made.procedure, procedure_name=reader.procedure_names.get(made.procedure, made.procedure),
        starts_at=made.starts_at, lasts=made.lasts, varies=file.document.get("varies") or {}, speeds=made.speeds,
        roles=words.roles(), objectives=words.objectives(), injects=words.injects(),
        faults=scenario_plans.faults_of(file, plan), revision=row.get("revision", 0),
    )  # fmt: skip


def plan_of(reader: Reader, file: ScenarioFile) -> Plan:
    """The plan a scenario is for, as it is deployed now."""
    return scenario_plans.deployed(reader.connection, reader.services, str(file.document.get("procedure") or ""))


def _read(file: ScenarioFile) -> Scenario:
    """The scenario as it would be with the first of everything that is drawn. Raises ScenarioRefused."""
    return Scenario.of(next(variants(file.document)))


def _line(reader: Reader, file: ScenarioFile, organisation: str) -> ScenarioLine | None:
    try:
        made = _read(file)
    except ScenarioRefused:
        return None
    return ScenarioLine(
        file.document["id"] if not organisation else file.name, organisation,
        reader.organisation_names.get(organisation, ""), made.catalogue, made.title.text(reader.locale),
        made.summary.text(reader.locale), made.procedure,
        reader.procedure_names.get(made.procedure, made.procedure), made.starts_at, made.lasts,
        len(made.objectives), len(made.injects), bool(file.document.get("varies")),
    )  # fmt: skip


class Words:
    """A scenario in the words of its reader."""

    def __init__(self, reader: Reader, plan: Plan, scenario: Scenario) -> None:
        self.reader, self.plan, self.scenario = reader, plan, scenario
        self._titles = {each.id: self._title(each) for each in scenario.expectations()}

    def roles(self) -> tuple[RoleRow, ...]:
        """Roles of the plan with tasks, and who plays them; `*` last, for whoever is not named."""
        reader = self.reader
        return tuple(
            RoleRow(
                role, reader.label("role", role) if role != "*" else reader.pick("其他角色", "all other roles"), player,
                reader.label("player", player),
            )
            for role, player in self.scenario.roles.items()
        )  # fmt: skip

    def objectives(self) -> tuple[ObjectiveRow, ...]:
        """Objectives with what is expected."""
        return tuple(
            ObjectiveRow(each.id, each.title.text(self.reader.locale), tuple(map(self._expectation, each.expectations)))
            for each in self.scenario.objectives
        )

    def injects(self) -> tuple[InjectRow, ...]:
        """The master events list."""
        return tuple(map(self.inject, self.scenario.injects))

    def inject(self, inject: Inject) -> InjectRow:
        """One inject."""
        locale, reader = self.reader.locale, self.reader
        return InjectRow(
            inject.id, inject.kind, reader.label("inject_kind", inject.kind), inject.title.text(locale),
            inject.text.text(locale), inject.sender.text(locale), inject.document.text(locale), inject.to,
            tuple(reader.label("role", role) for role in inject.to), inject.trigger.kind,
            self.trigger(inject.trigger), inject.expects,
            tuple(self._titles.get(each, each) for each in inject.expects), self._detail(inject),
        )  # fmt: skip

    def trigger(self, trigger: Trigger) -> str:
        """When it comes."""
        by, step = spoken(trigger.offset, self.reader), self.step(trigger.element)
        pick = self.reader.pick
        texts = {
            "at": pick(f"开始后 {by}", f"{by} after the start"),
            "after": pick(f"“{step}”完成后 {by}", f"{by} after “{step}”")
            if trigger.offset
            else pick(f"“{step}”完成时", f"when “{step}” is done"),
            "when": pick(f"条件成立时：{trigger.condition}", f"when this holds: {trigger.condition}"),
            "unless": pick(f"开始后 {by} 仍未完成“{step}”", f"“{step}” not done {by} after the start"),
            "reserve": pick("备用，由导调员发出", "in reserve, sent by the trainer"),
        }
        return texts[trigger.kind]

    def step(self, element: str) -> str:
        """The name of a step of the plan."""
        found = self.plan.elements.get(element)
        return self.reader.pick(found.name, found.name_en) or element if found else element

    def _expectation(self, each: Expectation) -> ExpectationRow:
        return ExpectationRow(
            each.id, self._title(each), each.element, self.step(each.element), each.kind,
            self.reader.label("expectation_kind", each.kind), each.within, each.times, each.is_not,
        )  # fmt: skip

    def _title(self, each: Expectation) -> str:
        return each.title.text(self.reader.locale) or self.step(each.element)

    def _detail(self, inject: Inject) -> str:
        parts: Iterable[str] = (
            self.reader.label("message", inject.message) if inject.message else "",
            self.step(inject.element) if inject.element else "",
            self.reader.label("role", inject.role) if inject.role else "",
            self.reader.label("role", inject.system) if inject.system else "",
            spoken(inject.lasts, self.reader) if inject.lasts else "",
        )
        return " · ".join(part for part in parts if part)


def spoken(length: timedelta, reader: Reader) -> str:
    """A duration in words: 2 天 3 小时 5 分."""
    minutes = int(length.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    units = (
        (days, reader.pick("天", "d")), (hours, reader.pick("小时", "h")), (rest, reader.pick("分", "min")),
    )  # fmt: skip
    return " ".join(f"{number} {unit}" for number, unit in units if number) or reader.pick("0 分", "0 min")
