"""The plan a scenario is checked against: a procedure with all it calls and starts, and the catalogues beside it."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection

from service.application import definitions
from service.application.facts import FACTS
from service.application.incidents import STARTS
from service.application.queries.words import labels
from service.application.services import Services
from service.domain.errors import NoSuch, PolicyRefused, ScenarioFault, ScenarioRefused
from service.domain.form_definitions import View
from service.domain.forms import FormLibrary
from service.domain.gateways import PARENTS
from service.domain.policies import PolicyCatalogue, parse_value
from service.domain.scenario_checks import Plan, PlanElement, check
from service.domain.scenario_draws import variants
from service.domain.scenario_files import ScenarioFile
from service.domain.scenarios import Scenario
from service.domain.standing import OUTSIDE_PARTIES
from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Bundle, Kind, Node, Process, Trigger

BESIDE = frozenset({"parent", "org"})  # recipients that are no role


def deployed(connection: Connection, services: Services, procedure: str) -> Plan:
    """The plan as incidents that begin now get it."""
    bundles = {}
    for name, version in definitions.procedures_to_call(connection).items():
        try:
            bundles[name] = services.definitions.get(connection, name, version).bundle
        except NoSuch:
            continue
    return of_bundles(bundles, procedure, services)


def of_bundles(bundles: Mapping[str, Bundle], procedure: str, services: Services) -> Plan:
    """The plan of a procedure among these bundles; without starts where there is none that people may begin."""
    pages = [page for name in _closure(bundles, procedure) for page in bundles[name].processes.values()]
    roles = frozenset(services.organisations.roles)
    return Plan(
        procedure=procedure,
        elements={node.id: _element(page, node) for page in pages for node in page.nodes.values()},
        starts=_starts(bundles.get(procedure)),
        views=lambda view: _fields(services.forms, view),
        roles=roles,
        recipients=roles | BESIDE,
        systems=frozenset({PARENTS, *OUTSIDE_PARTIES}),
        policies=frozenset(services.policies),
        policy=lambda key, value: _wrong_value(services.policies, key, value),
        messages=frozenset(labels("message", "zh_CN")) | {node.message for page in pages for node in _catching(page)},
        condition=_wrong,
    )


def faults_of(file: ScenarioFile, plan: Plan) -> tuple[ScenarioFault, ...]:
    """Every fault of a scenario, its shape and what the plan does not have, whatever the seed draws."""
    try:
        found = {
            (fault.path, fault.zh): fault
            for document in variants(file.document)
            for fault in check(Scenario.of(document), plan)
        }
    except ScenarioRefused as refused:
        return file.placed(refused.faults)
    return file.placed(found.values())


def _closure(bundles: Mapping[str, Bundle], procedure: str) -> list[str]:
    """The procedure and, in turn, those it calls or starts by a message or signal."""
    begun_by: dict[tuple[str, str], str] = {}
    for name, bundle in bundles.items():
        for node in bundle.processes[bundle.entry].level():
            if node.kind is Kind.START and node.trigger in (Trigger.MESSAGE, Trigger.SIGNAL):
                begun_by[node.trigger, node.message or node.signal] = name
    found: list[str] = []
    waiting = [procedure]
    while waiting:
        name = waiting.pop(0)
        if name in found or name not in bundles:
            continue
        found.append(name)
        for page in bundles[name].processes.values():
            for node in page.nodes.values():
                waiting.append(node.called)
                waiting.append(begun_by.get((node.trigger, node.message or node.signal), ""))
    return found


def _element(page: Process, node: Node) -> PlanElement:
    flows = {flow.id: flow.target for flow in page.outgoing(node.id)}
    message = node.message if node in _catching(page) else ""
    return PlanElement(node.name, node.name_en, node.role, node.form, message, flows)


def _catching(page: Process) -> Iterable[Node]:
    return [node for node in page.nodes.values() if node.message and node.kind not in (Kind.THROW, Kind.SEND, Kind.END)]


def _starts(bundle: Bundle | None) -> dict[str, str]:
    """Start events people may begin at, with the opening form; the usual one first."""
    if bundle is None:
        return {}
    page = bundle.processes[bundle.entry]
    found = {}
    for node in page.level():
        if node.kind is Kind.START and node.trigger is Trigger.NONE:
            flows = page.outgoing(node.id)
            found[node.id] = page.nodes[flows[0].target].form if flows else ""
    usual = STARTS["check"]
    return {usual: found.pop(usual), **found} if usual in found else found


@cache
def _fields(forms: FormLibrary, view: str) -> dict[str, Collection[str]]:
    """Fields of a view, also of the rows of a list, with the values a closed list allows."""
    if not forms.has(view):
        return {}
    found: View = forms.view(view)
    return {field.key: frozenset(field.values) for field in found.fields}


def _wrong(expression: str) -> str:
    """What is wrong with a condition over facts, "" if nothing."""
    try:
        compiled = compile_expression(expression.removeprefix("="))
    except ExpressionError as error:
        return str(error)
    unknown = sorted(compiled.facts - FACTS)
    return f"fact: {', '.join(unknown)}" if unknown else ""


def _wrong_value(policies: PolicyCatalogue, key: str, value: Any) -> str:
    try:
        parse_value(policies[key], value)
    except PolicyRefused as refused:
        return str(refused)
    return ""
