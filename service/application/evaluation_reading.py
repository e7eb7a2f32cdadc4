"""Reading what an evaluation is made of: the log of an incident, and the definitions it ran on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from service.domain.evaluation_material import Happening, Plan, PlanElement, PlanFlow
from service.domain.scenario_parts import Objective
from service.domain.scenarios import Scenario
from service.engine.model import Bundle, Node
from service.persistence.sealing import Sealer
from service.persistence.working_set import Source

_BOUND = ("bind", "meet")


def objectives_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Objective, ...]:
    """What the scenario expects that the drill was begun from, as it stood then; none for free play."""
    created: Mapping[str, Any] = next((row["data"] for row in rows if row["type"] == "drill_created"), {})
    script = created.get("script")
    return Scenario.of(script).objectives if script else ()


def asked(objectives: Sequence[Objective]) -> frozenset[str]:
    """Elements of which it matters which fields were answered."""
    return frozenset(
        each.element for objective in objectives for each in objective.expectations if each.kind == "complete"
    )


def happenings(
    source: Source, sealer: Sealer, rows: Sequence[Mapping[str, Any]], wanted: Collection[str]
) -> Iterator[Happening]:
    """The events of a log, in order. Which fields a record answers is only looked up for `wanted` elements."""
    for row in rows:
        fields: frozenset[str] = frozenset()
        if row["type"] == "record_saved" and row["element"] in wanted:
            sealed = sealer.open_all(source, row["sealed"])
            fields = frozenset(row["data"]["answers"]).union(*sealed.values())
        yield Happening(
            row["seq"], row["type"], row["at"], row["data"], row["instance"], row["procedure"], row["element"],
            row["actor"], fields,
        )  # fmt: skip


def pinned(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The procedures that ran with their versions; of a moved one the version it ended on."""
    found: dict[str, int] = {}
    for row in rows:
        if row["type"] in ("instance_started", "instance_upgraded"):
            data = row["data"]
            found[data["procedure"]] = max(data["version"], found.get(data["procedure"], 0))
    return found


def plan_of(main: str, bundles: Mapping[str, Bundle]) -> Plan:
    """The diagrams of some procedures as a plan."""
    elements: dict[tuple[str, str], PlanElement] = {}
    flows: dict[tuple[str, str], PlanFlow] = {}
    for procedure, bundle in sorted(bundles.items()):
        for page in bundle.processes.values():
            elements |= {(procedure, node.id): _element(procedure, node) for node in page.nodes.values()}
            flows |= {
                (procedure, flow.id): PlanFlow(procedure, flow.id, flow.source, flow.target)
                for flow in page.flows.values()
            }
    return Plan(main, elements, flows)


def _element(procedure: str, node: Node) -> PlanElement:
    rules = tuple(
        mark.rule for mark in node.deadlines if mark.act in _BOUND and mark.rule and not mark.rule.startswith("=")
    )
    return PlanElement(
        procedure, node.id, node.name or node.id, node.name_en or node.name or node.id, str(node.kind),
        str(node.trigger), node.role, node.form, node.attached_to, node.interrupting, node.repeat is not None, rules,
        node.parent,
    )  # fmt: skip
