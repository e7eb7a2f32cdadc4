"""Builds small DMN files for tests of the reader, the evaluation and the checker."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from service.engine.decisions import Decision, load_decisions

SPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"

Row = tuple[Sequence[str], Sequence[str]]


def a_table(
    rows: Sequence[Row],
    *,
    policy: str = "FIRST",
    inputs: Sequence[str] = ("x:number",),
    outputs: Sequence[str] = ("y:string",),
    name: str = "D99",
    extra: str = "",
    attributes: str = "",
) -> str:
    """One decision as XML; a column is `expression:type` or `expression:type:values`, `?` behind makes it optional."""
    parts = [
        f'<decision id={quoteattr(name)} name="测试">{extra}<decisionTable hitPolicy={quoteattr(policy)} {attributes}>'
    ]
    for column in inputs:
        text, kind, values = (*column.rstrip("?").split(":"), "")[:3]
        optional = ' tocsin:optional="true"' if column.endswith("?") else ""
        allowed = f"<inputValues><text>{escape(values)}</text></inputValues>" if values else ""
        parts.append(
            f'<input label={quoteattr(text)}{optional}><inputExpression typeRef="{kind}"><text>{escape(text)}</text>'
            f"</inputExpression>{allowed}</input>"
        )
    for column in outputs:
        text, kind, values = (*column.split(":"), "")[:3]
        allowed = f"<outputValues><text>{escape(values)}</text></outputValues>" if values else ""
        parts.append(f'<output name="{text}" typeRef="{kind}">{allowed}</output>')
    for tests, results in rows:
        cells = "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in tests)
        cells += "".join(f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in results)
        parts.append(f"<rule>{cells}<annotationEntry><text>[S0§5]</text></annotationEntry></rule>")
    return "".join([*parts, "</decisionTable></decision>"])


def a_file(*decisions: str) -> str:
    ours = "https://tocsin.example/bpmn/1.0"
    return f'<definitions xmlns="{SPACE}" xmlns:tocsin="{ours}" id="f" name="f">{"".join(decisions)}</definitions>'


def table(xml: str, name: str = "D99") -> Decision:
    """The decision of one table's XML."""
    return load_decisions(a_file(xml))[name]


OVERLAPPING: list[Row] = [(["> 1"], ['"a"']), (["> 2"], ['"b"']), (["> 3"], ['"a"'])]
