"""Whether an element may be passed over without what it does: only where nothing later needs what it gives."""

from collections.abc import Collection
from dataclasses import dataclass

from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Bundle, Kind, Node
from service.engine.rules_expressions import script_lines, uses

SKIPPABLE = frozenset({Kind.SCRIPT, Kind.RULE, Kind.SERVICE, Kind.THROW, Kind.SEND, Kind.CALL, Kind.OPEN})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why not, in both languages."""

    reason: str
    reason_en: str


def obstacle(bundle: Bundle, element: str, fact_decisions: Collection[str] = ()) -> Obstacle | None:
    """What speaks against passing over an element; None if nothing does."""
    node = next((page.nodes[element] for page in bundle.processes.values() if element in page.nodes), None)
    if node is None:
        return Obstacle("流程图中没有这一步", "the diagram has no such step")
    if node.kind not in SKIPPABLE:
        return Obstacle(
            "这一步决定流程的走向或等待人或事件，跳过没有意义", "the step decides or waits; skipping it has no meaning"
        )
    if node.decision in fact_decisions:
        return Obstacle(f"后面的判断依据{node.decision}的结果", f"later decisions rest on {node.decision}")
    readers = _readers(bundle, node)
    if readers:
        named = ", ".join(f"{name} ({', '.join(at)})" for name, at in sorted(readers.items()))
        return Obstacle(f"后面的步骤要用它给出的值：{named}", f"later steps need the values it gives: {named}")
    return None


def given_by(node: Node) -> set[str]:
    """Names of process data an element gives."""
    names = {name for _number, name, _text in script_lines(node.script) if name}
    return names | set(node.outputs) | ({node.decision} if node.kind is Kind.RULE else set())


def _readers(bundle: Bundle, node: Node) -> dict[str, list[str]]:
    """Elements that read a value only this one gives, by its name."""
    others = [each for page in bundle.processes.values() for each in page.nodes.values() if each.id != node.id]
    given = given_by(node) - {name for other in others for name in given_by(other)}
    found: dict[str, list[str]] = {}
    for page in bundle.processes.values():
        for use in uses(page):
            if use.element == node.id:
                continue
            for name in _names(use.text) & given:
                found.setdefault(name, []).append(use.element)
    return found


def _names(text: str) -> set[str]:
    try:
        return {name.partition(".")[0] for name in compile_expression(text).names}
    except ExpressionError:
        return set()
