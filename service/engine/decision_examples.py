"""Examples a decision table carries: what it must say, in its own file, so that each version has its own.

    <extensionElements>
      <tocsin:example rows="3">{"names": {"F03": {"axillary_temp": 38.2}}, "expect": {"next": "C5"}}</tocsin:example>
    </extensionElements>

JSON with `expect` (results by output), and what is seen: `names`, `facts`, `policies` (raw, by key) and `now`.
"""

import json
from datetime import UTC, datetime
from typing import Any

from service.domain.calendar import parse_instant
from service.engine.decision_tables import DecisionError, Example

Element = Any  # lxml ships no types

_EXAMPLE = "{https://tocsin.example/bpmn/1.0}example"
_NOW = datetime(2021, 3, 4, 1, 0, tzinfo=UTC)  # where an example names no instant


def read_examples(decision: Element, decision_id: str) -> tuple[Example, ...]:
    """The examples of a decision in the order of the file. Raises DecisionError (dmn_example)."""
    return tuple(
        _example(element, decision_id, number)
        for number, element in enumerate(decision.iterfind(f"{{*}}extensionElements/{_EXAMPLE}"), 1)
    )


def _example(element: Element, decision_id: str, number: int) -> Example:
    try:
        said = json.loads(element.text or "")
        return Example(
            **{part: dict(said.pop(part, {})) for part in ("names", "facts", "policies")},
            expected=dict(said.pop("expect")),
            rows=tuple(int(row) for row in element.get("rows", "").split()),
            now=parse_instant(said.pop("now")) if "now" in said else _NOW,
            **said,  # a key that is unknown here is refused
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        zh, en = f"第{number}个示例不可读（{error!r}）", f"example {number} cannot be read ({error!r})"
        raise DecisionError("dmn_example", zh, en, decision=decision_id) from error
