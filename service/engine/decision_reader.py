"""Reads DMN files: hardened parsing, an allow-list of elements, everything else refused by name."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from service.engine.decision_examples import read_examples
from service.engine.decision_tables import (
    Aggregation,
    Decision,
    DecisionError,
    HitPolicy,
    InputClause,
    OutputClause,
    Rule,
    compile_cell,
    split_cells,
)
from service.engine.expressions import Expression, ExpressionError, Scope, compile_expression

Element = Any  # lxml ships no types

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # literals read no clock

MAX_BYTES = 1_000_000
MAX_RULES = 500
MAX_COLUMNS = 40

_NAMESPACES = frozenset(
    f"https://www.omg.org/spec/DMN/{version}/MODEL/" for version in ("20191111", "20211108", "20230324")
) | {"http://www.omg.org/spec/DMN/20180521/MODEL/"}
_TOCSIN = "{https://tocsin.example/bpmn/1.0}"

_KNOWN = frozenset(
    {"definitions", "decision", "variable", "description", "question", "allowedAnswers", "informationRequirement"}
    | {"requiredDecision", "requiredInput", "inputData", "decisionTable", "input", "inputExpression", "inputValues"}
    | {"output", "outputValues", "defaultOutputEntry", "annotation", "rule", "inputEntry", "outputEntry"}
    | {"annotationEntry", "text"}
)
# Drawing and vendors' data; they carry no meaning for the decision.
_SKIPPED = frozenset({"extensionElements", "DMNDI"})
_TYPES = frozenset({"", "Any", "string", "number", "boolean", "date", "dateTime", "dayTimeDuration"})


def load_decisions(xml: str) -> dict[str, Decision]:
    """Read all decisions of a DMN file by id.

    Raises:
        DecisionError: The file is refused; the code names the rule (dmn_xml, dmn_doctype,
            dmn_too_large, dmn_namespace, dmn_element, dmn_hit_policy, dmn_aggregation, dmn_cells,
            dmn_expression, dmn_type, dmn_requires, dmn_id, dmn_priority, dmn_empty, dmn_example).
    """
    root = _parse(xml)
    _check_elements(root)
    found: dict[str, Decision] = {}
    for element in root.iterchildren("{*}decision"):
        decision = _decision(element)
        if decision.id in found:
            raise DecisionError("dmn_id", "编号重复", "the id is used twice", decision=decision.id)
        found[decision.id] = decision
    if not found:
        raise DecisionError("dmn_empty", "文件中没有决策", "the file holds no decision")
    _check_requirements(found)
    return found


def _parse(xml: str) -> Element:
    data = xml.encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        raise DecisionError("dmn_too_large", "文件过大", f"the file is larger than {MAX_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise DecisionError("dmn_doctype", "不允许 DOCTYPE 或实体", "DOCTYPE and entities are not allowed")
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DecisionError("dmn_xml", f"不是合格的 XML（{error}）", f"not well-formed XML ({error})") from error


def _check_elements(root: Element) -> None:
    space = etree.QName(root).namespace
    if space not in _NAMESPACES or etree.QName(root).localname != "definitions":
        raise DecisionError("dmn_namespace", "不是 DMN 1.2 以上的文件", "not a DMN 1.2 (or later) file")
    for element in _walk(root):
        name = etree.QName(element).localname
        if etree.QName(element).namespace != space or name not in _KNOWN:
            raise DecisionError(
                "dmn_element",
                f"不支持元素 {name}, 请改用决策表",
                f"the element {name} is not supported, use a decision table",
                element=element.get("id", ""),
            )


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element:
        if etree.QName(child).localname not in _SKIPPED:
            yield from _walk(child)


def _decision(element: Element) -> Decision:
    decision_id = element.get("id", "")
    if not decision_id.isidentifier():
        raise DecisionError("dmn_id", "编号不能用作名称", "the id is no name", decision=decision_id)
    table = element.find("{*}decisionTable")
    if table is None:
        raise DecisionError("dmn_empty", "没有决策表", "it has no decision table", decision=decision_id)
    try:
        decision = Decision(
            id=decision_id,
            name=element.get("name", ""),
            name_en=element.get(f"{_TOCSIN}label-en", ""),
            hit_policy=_hit_policy(table, decision_id),
            aggregation=_aggregation(table, decision_id),
            inputs=tuple(_input(item, decision_id) for item in table.iterchildren("{*}input")),
            outputs=tuple(_output(item, decision_id) for item in table.iterchildren("{*}output")),
            rules=tuple(_rule(item, decision_id, n) for n, item in enumerate(table.iterchildren("{*}rule"), 1)),
            requires=tuple(
                link.get("href", "").removeprefix("#")
                for link in element.iterfind("{*}informationRequirement/{*}requiredDecision")
            ),
            cite=element.get(f"{_TOCSIN}cite", ""),
            examples=read_examples(element, decision_id),
            note=(element.findtext("{*}description") or "").strip(),
            note_en=element.get(f"{_TOCSIN}note-en", ""),
        )
    except ExpressionError as error:
        raise DecisionError("dmn_expression", error.zh, error.en, decision=decision_id) from error
    _check_shape(decision)
    return decision


def _hit_policy(table: Element, decision_id: str) -> HitPolicy:
    text = table.get("hitPolicy", "UNIQUE")
    try:
        return HitPolicy(text)
    except ValueError as error:
        raise DecisionError(
            "dmn_hit_policy", f"不支持命中策略 {text}", f"the hit policy {text} is not supported", decision=decision_id
        ) from error


def _aggregation(table: Element, decision_id: str) -> Aggregation:
    text = table.get("aggregation", "")
    try:
        kind = Aggregation(text)
    except ValueError as error:
        raise DecisionError(
            "dmn_aggregation", f"不支持汇总 {text}", f"the aggregation {text} is not supported", decision=decision_id
        ) from error
    if kind is not Aggregation.NONE and table.get("hitPolicy") != HitPolicy.COLLECT:
        raise DecisionError("dmn_aggregation", "只有 COLLECT 可以汇总", "only COLLECT aggregates", decision=decision_id)
    return kind


def _text(element: Element | None) -> str:
    """The text of a cell: its `text` child."""
    found = element.findtext("{*}text") if element is not None else None
    return (found or "").strip()


def _expression(text: str) -> Expression:
    return compile_expression(text[1:].strip() if text.startswith("=") and not text.startswith("==") else text)


def _values(element: Element | None) -> tuple[object, ...]:
    """The literals of `inputValues` or `outputValues`, computed in an empty scope."""
    text = _text(element)
    empty = Scope(names={}, now=_NO_TIME)
    return tuple(compile_expression(part.strip()).evaluate(empty) for part in split_cells(text)) if text else ()


def _type(element: Element | None, decision_id: str, column: str) -> str:
    kind = str(element.get("typeRef", "")).rpartition(":")[2] if element is not None else ""
    if kind not in _TYPES:
        raise DecisionError(
            "dmn_type",
            f"列 {column} 的类型 {kind} 未知",
            f"column {column} has the unknown type {kind}",
            decision=decision_id,
        )
    return "" if kind == "Any" else kind


def _input(element: Element, decision_id: str) -> InputClause:
    expression = element.find("{*}inputExpression")
    label = element.get("label", "") or element.get("id", "")
    return InputClause(
        id=element.get("id", ""),
        label=label,
        label_en=element.get(f"{_TOCSIN}label-en", ""),
        expression=_expression(_text(expression)),
        type=_type(expression, decision_id, label),
        allowed=_values(element.find("{*}inputValues")),
        is_optional=element.get(f"{_TOCSIN}optional") == "true",
    )


def _output(element: Element, decision_id: str) -> OutputClause:
    name = element.get("name", "")
    if not name.isidentifier():
        raise DecisionError(
            "dmn_id", f"输出列「{name}」不能用作名称", f"the output “{name}” is no name", decision=decision_id
        )
    default = _text(element.find("{*}defaultOutputEntry"))
    return OutputClause(
        id=element.get("id", ""),
        name=name,
        label=element.get("label", "") or name,
        label_en=element.get(f"{_TOCSIN}label-en", ""),
        type=_type(element, decision_id, name),
        allowed=_values(element.find("{*}outputValues")),
        default=_expression(default) if default else None,
    )


def _rule(element: Element, decision_id: str, number: int) -> Rule:
    try:
        return Rule(
            id=element.get("id", "") or f"{decision_id}_{number}",
            tests=tuple(compile_cell(_text(cell)) for cell in element.iterchildren("{*}inputEntry")),
            results=tuple(
                _expression(_text(cell)) if _text(cell) not in ("", "-") else None
                for cell in element.iterchildren("{*}outputEntry")
            ),
            cite=" ".join(_text(note) for note in element.iterchildren("{*}annotationEntry")),
            note=(element.findtext("{*}description") or "").strip(),
            note_en=element.get(f"{_TOCSIN}note-en", ""),
        )
    except ExpressionError as error:
        raise DecisionError(
            "dmn_expression",
            f"第{number}行：{error.zh}",
            f"row {number}: {error.en}",
            decision=decision_id,
            element=element.get("id", ""),
        ) from error


def _check_shape(decision: Decision) -> None:
    if not decision.outputs or not decision.rules:
        raise DecisionError("dmn_empty", "没有输出列或规则", "it has no output or no rule", decision=decision.id)
    if len(decision.rules) > MAX_RULES or len(decision.inputs) + len(decision.outputs) > MAX_COLUMNS:
        raise DecisionError("dmn_too_large", "表过大, 请拆分", "the table is too large, split it", decision=decision.id)
    for number, rule in enumerate(decision.rules, 1):
        if len(rule.tests) != len(decision.inputs) or len(rule.results) != len(decision.outputs):
            raise DecisionError(
                "dmn_cells",
                f"第{number}行的格数与列数不符",
                f"row {number} has not one cell per column",
                decision=decision.id,
                element=rule.id,
            )
    if decision.hit_policy is HitPolicy.PRIORITY and not any(output.allowed for output in decision.outputs):
        raise DecisionError(
            "dmn_priority",
            "PRIORITY 须列出输出值的顺序",
            "PRIORITY needs the order of output values",
            decision=decision.id,
        )
    if decision.aggregation is not Aggregation.NONE and len(decision.outputs) != 1:
        raise DecisionError(
            "dmn_aggregation", "汇总只能有一个输出列", "an aggregation needs exactly one output", decision=decision.id
        )


def _check_requirements(found: dict[str, Decision]) -> None:
    """Every required decision stands in the same file and none needs itself."""
    for decision in found.values():
        todo, seen = list(decision.requires), {decision.id}
        while todo:
            needed = todo.pop()
            if needed not in found:
                zh, en = f"缺少所依赖的决策 {needed}", f"the required decision {needed} is not in the file"
                raise DecisionError("dmn_requires", zh, en, decision=decision.id)
            if needed == decision.id:
                raise DecisionError("dmn_requires", "依赖形成循环", "it requires itself", decision=decision.id)
            if needed not in seen:
                seen.add(needed)
                todo += found[needed].requires
