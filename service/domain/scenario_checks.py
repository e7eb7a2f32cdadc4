"""Whether the plan a scenario is for has what the scenario names: elements, roles, fields, messages, flows."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.errors import ScenarioFault
from service.domain.scenarios import ANYBODY, Answer, Expectation, Inject, Scenario, Trigger

PLACES = ("place", "person")  # recipients by id: a class, somebody's parents


@dataclass(frozen=True, slots=True)
class PlanElement:
    """A flow node: names, role and form view, the message it waits for, its outgoing flows as id -> target."""

    name: str = ""
    name_en: str = ""
    role: str = ""
    form: str = ""
    message: str = ""
    flows: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be named: all of the procedure and of those it calls or starts, and the catalogues beside it.

    `views` maps a form view to its fields, each with the values it may have (empty: no closed list). `starts` are the
    start events people begin at, with the opening form of each. `condition` tells what is wrong with an expression,
    `policy` what is wrong with the value of a policy; both "" where nothing is.
    """

    procedure: str
    elements: Mapping[str, PlanElement]
    starts: Mapping[str, str]
    views: Callable[[str], Mapping[str, Collection[str]]]
    roles: frozenset[str]
    recipients: frozenset[str]
    systems: frozenset[str]
    policies: frozenset[str]
    policy: Callable[[str, Any], str]
    messages: frozenset[str]
    condition: Callable[[str], str]


def check(scenario: Scenario, plan: Plan) -> tuple[ScenarioFault, ...]:
    """Everything the plan does not have, each with its path and the nearest name."""
    return tuple(_faults(scenario, plan))


def _faults(scenario: Scenario, plan: Plan) -> Iterator[ScenarioFault]:
    yield from _opening(scenario, plan)
    yield from _cast(scenario, plan)
    for element, answers in scenario.answers.items():
        if element != ANYBODY:
            yield from _answers(element, answers, plan)
    for number, objective in enumerate(scenario.objectives):
        for place, expectation in enumerate(objective.expectations):
            yield from _expectation(f"objectives.{number}.expectations.{place}", expectation, plan)
    expected = {each.id for each in scenario.expectations()}
    for number, inject in enumerate(scenario.injects):
        yield from check_inject(f"injects.{number}", inject, plan, expected)


def _cast(scenario: Scenario, plan: Plan) -> Iterator[ScenarioFault]:
    for role in scenario.roles:
        if role != ANYBODY:
            yield from _unknown(f"roles.{role}", role, plan.roles, "角色", "role")
    for number, absence in enumerate(scenario.absent):
        yield from _unknown(f"absent.{number}.role", absence.role, plan.roles, "角色", "role")
    for key, value in scenario.policies.items():
        yield from _unknown(f"policies.{key}", key, plan.policies, "参数", "policy")
        wrong = plan.policy(key, value) if key in plan.policies else ""
        if wrong:
            yield ScenarioFault(f"policies.{key}", wrong, wrong)


def _unknown(path: str, name: str, known: Collection[str], zh: str, en: str) -> Iterator[ScenarioFault]:
    if name not in known:
        near = (name, sorted(known))
        yield ScenarioFault.near(path, f"预案中没有{zh} {name}", f"the plan has no {en} {name}", near)


def _opening(scenario: Scenario, plan: Plan) -> Iterator[ScenarioFault]:
    if not plan.starts:
        words = f"没有流程 {scenario.procedure}，或它不能由人启动"
        yield ScenarioFault("procedure", words, f"there is no procedure {scenario.procedure} that people may start")
        return
    if scenario.start:
        yield from _unknown("start", scenario.start, plan.starts, "开始事件", "start event")
    form = plan.starts.get(scenario.start) or next(iter(plan.starts.values()))
    yield from _fields("data", scenario.data, form, plan)


def _answers(element: str, answers: tuple[Answer, ...], plan: Plan) -> Iterator[ScenarioFault]:
    path = f"answers.{element}"
    yield from _unknown(path, element, plan.elements, "步骤", "step")
    node = plan.elements.get(element)
    if node is None:
        return
    if not node.form:
        yield ScenarioFault(path, f"{element} 没有表单，无须回答", f"{element} has no form to answer")
        return
    for number, answer in enumerate(answers):
        yield from _fields(f"{path}.{number}.data", answer.data, node.form, plan)


def _fields(path: str, data: Mapping[str, Any], form: str, plan: Plan) -> Iterator[ScenarioFault]:
    """Fields a form does not have, and values an option does not have; what is computed (`=now`) is not looked at."""
    known = plan.views(form) if form else {}
    if "rows" in data and "rows" not in known:
        return  # a list form: its rows are checked when they are given
    for key, value in data.items():
        if key not in known:
            zh, en = f"表单 {form} 没有字段 {key}", f"the form {form} has no field {key}"
            yield ScenarioFault.near(f"{path}.{key}", zh, en, (key, sorted(known)))
        elif known[key] and isinstance(value, str) and not value.startswith("=") and value not in known[key]:
            zh, en = f"字段 {key} 没有选项 {value}", f"the field {key} has no option {value}"
            yield ScenarioFault.near(f"{path}.{key}", zh, en, (value, sorted(known[key])))


def _expectation(path: str, expectation: Expectation, plan: Plan) -> Iterator[ScenarioFault]:
    yield from _unknown(f"{path}.element", expectation.element, plan.elements, "步骤", "step")
    if expectation.since:
        yield from _unknown(f"{path}.from", expectation.since, plan.elements, "步骤", "step")
    node = plan.elements.get(expectation.element)
    if node is None:
        return
    if expectation.flow:
        flows = node.flows or {}
        yield from _unknown(f"{path}.flow", expectation.flow, {*flows, *flows.values()}, "流向", "flow")
    if expectation.fields:
        known = plan.views(node.form) if node.form else {}
        for number, key in enumerate(expectation.fields):
            yield from _unknown(f"{path}.fields.{number}", key, known, "字段", "field")
    if expectation.recipient and expectation.recipient.partition(":")[0] not in PLACES:
        yield from _unknown(f"{path}.recipient", expectation.recipient, plan.recipients, "接收方", "recipient")


def check_inject(path: str, inject: Inject, plan: Plan, expected: Collection[str] = ()) -> Iterator[ScenarioFault]:
    """Everything of an inject the plan does not have."""
    for number, role in enumerate(inject.to):
        yield from _unknown(f"{path}.to.{number}", role, plan.roles, "角色", "role")
    for number, each in enumerate(inject.expects):
        yield from _unknown(f"{path}.expects.{number}", each, expected, "预期动作", "expectation")
    if inject.message:
        yield from _unknown(f"{path}.message", inject.message, plan.messages, "消息", "message")
        form = next((node.form for node in plan.elements.values() if node.message == inject.message and node.form), "")
        yield from _fields(f"{path}.data", inject.data, form, plan) if form else ()
    if inject.element:
        yield from _unknown(f"{path}.element", inject.element, plan.elements, "步骤", "step")
        node = plan.elements.get(inject.element)
        if node is not None and node.form:
            rest = plan.views("F01#complete") if node.form.startswith("F01#") else {}  # of a further sick person
            asked = {key: value for key, value in inject.data.items() if key not in rest}
            yield from _fields(f"{path}.data", asked, node.form, plan)
    if inject.role:
        yield from _unknown(f"{path}.role", inject.role, plan.roles, "角色", "role")
    if inject.system:
        yield from _unknown(f"{path}.system", inject.system, plan.systems, "外部系统", "outside system")
    yield from _trigger(f"{path}.trigger", inject.trigger, plan)


def _trigger(path: str, trigger: Trigger, plan: Plan) -> Iterator[ScenarioFault]:
    if trigger.element:
        yield from _unknown(f"{path}.{trigger.kind}", trigger.element, plan.elements, "步骤", "step")
    if trigger.condition:
        wrong = plan.condition(trigger.condition)
        if wrong:
            yield ScenarioFault(f"{path}.when", f"条件不能计算：{wrong}", f"the condition cannot be computed: {wrong}")
