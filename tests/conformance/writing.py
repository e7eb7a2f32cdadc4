"""Shorthand to BPMN. A node is `kind[.trigger] argument | marker`, a flow `a b`, `a b [condition]` or `a b *`.

Kinds: start, end, catch, throw, boundary, user, manual, service, script, receive, send, call, xor, and, or,
events, sub, event_sub. Triggers: timer, cycle, date, message, signal, condition, error, escalation, link,
terminate; one with `-` does not interrupt. A boundary event begins its argument with `@host`. `*` marks the
default flow; `outputs` of a scope declare what its tasks produce.

Markers: `loop CONDITION`, `loop before CONDITION`, `times N CONDITION` (loopMaximum), `par N`, `seq N`,
`par LIST as ITEM`, the last four with `to LIST of NAME` and `until CONDITION`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

_HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:tocsin="https://tocsin.example/bpmn/1.0" id="definitions" targetNamespace="https://tocsin.example/c">'
)
_TAGS: Final = {
    "start": "startEvent", "end": "endEvent", "catch": "intermediateCatchEvent", "throw": "intermediateThrowEvent",
    "boundary": "boundaryEvent", "user": "userTask", "manual": "manualTask", "service": "serviceTask",
    "script": "scriptTask", "receive": "receiveTask", "send": "sendTask", "call": "callActivity",
    "xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway", "events": "eventBasedGateway",
    "sub": "subProcess", "event_sub": "subProcess", "rule": "businessRuleTask", "task": "task",
    "transaction": "transaction", "complex": "complexGateway",
}  # fmt: skip
_SHARED: Final = {"message": "messageRef", "signal": "signalRef", "error": "errorRef", "escalation": "escalationRef"}
_MARK: Final = re.compile(
    r"(?P<order>par|seq) (?P<of>\S+)(?: as (?P<item>\w+))?(?: to (?P<list>\w+) of (?P<one>\w+))?(?: until (?P<end>.+))?"
)

Scope = Mapping[str, Any]


def bpmn(case: Mapping[str, Any]) -> bytes:
    """The file of a case: its processes, or the one its nodes and flows make up."""
    processes: Mapping[str, Scope] = case.get("processes") or {"p": case}
    writer = _Writer()
    body = "".join(writer.process(id_, scope) for id_, scope in processes.items())
    shared = "".join(writer.definition(kind, name) for kind, name in sorted(writer.shared))
    return f"{_HEAD}{shared}{body}</definitions>".encode()


class _Writer:
    def __init__(self) -> None:
        self.shared: set[tuple[str, str]] = set()
        self.defaults: dict[str, str] = {}
        self.outputs: Mapping[str, str] = {}

    @staticmethod
    def definition(kind: str, name: str) -> str:
        """A message, signal, error or escalation that events refer to."""
        code = f' {kind}Code="{name}"' if kind in {"error", "escalation"} else f' name="{name}"'
        return f'<{kind} id="{kind}_{name}"{code} />'

    def process(self, id_: str, scope: Scope) -> str:
        """A process; `facts` are the facts it declares."""
        names = scope.get("facts")
        head = f"<extensionElements><tocsin:facts>{names}</tocsin:facts></extensionElements>" if names else ""
        return f'<process id="{id_}" isExecutable="true">{head}{self._inside(scope)}</process>'

    def _inside(self, scope: Scope) -> str:
        flows = [self._flow(text.strip()) for text in str(scope["flows"]).split(",") if text.strip()]
        self.outputs = scope.get("outputs", {})
        return "".join(self._node(id_, given) for id_, given in scope["nodes"].items()) + "".join(flows)

    def _flow(self, text: str) -> str:
        source, target, *rest = text.split(maxsplit=2)
        id_, condition = f"{source}_{target}", ""
        if rest == ["*"]:
            self.defaults[source] = id_
        elif rest:
            condition = f"<conditionExpression>={escape(rest[0].strip('[]'))}</conditionExpression>"
        return f'<sequenceFlow id="{id_}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>'

    def _node(self, id_: str, given: Any) -> str:
        scope: Scope | None = None
        if isinstance(given, Mapping):
            scope, given = given, given.get("is", "sub")
        text, _, mark = given.partition("|")
        kind, _, argument = text.strip().partition(" ")
        kind, _, trigger = kind.partition(".")
        quiet, trigger = trigger.endswith("-"), trigger.rstrip("-")
        attributes = self._attributes(id_, kind, quiet=quiet)
        if kind == "boundary":
            host, _, argument = argument.partition(" ")
            attributes += f' attachedToRef="{host.removeprefix("@")}" cancelActivity="{str(not quiet).lower()}"'
        inside = self._content(kind, argument.strip()) if not trigger else self._trigger(trigger, argument.strip())
        attributes += self._target(kind, argument.strip())
        if id_ in self.outputs:
            declared = f"<tocsin:outputs>{self.outputs[id_]}</tocsin:outputs>"
            inside = f"<extensionElements>{declared}</extensionElements>{inside}"
        body = self._inside(scope) if scope is not None else ""
        tag = _TAGS[kind]
        return f'<{tag} id="{id_}"{attributes}>{_marker(mark.strip())}{inside}{body}</{tag}>'

    def _attributes(self, id_: str, kind: str, *, quiet: bool) -> str:
        made = f' default="{self.defaults[id_]}"' if id_ in self.defaults else ""
        if kind in {"user", "manual", "receive"}:
            made += ' tocsin:role="nurse"' + (' tocsin:form="F00#done"' if kind == "user" else "")
        if kind == "start" and quiet:
            made += ' isInterrupting="false"'
        if kind == "event_sub":
            made += ' triggeredByEvent="true"'
        return made

    def _target(self, kind: str, argument: str) -> str:
        if kind == "call":
            return f' calledElement="{argument}"'
        if kind == "receive":
            self.shared.add(("message", argument))
            return f' messageRef="message_{argument}"'
        return ""

    @staticmethod
    def _content(kind: str, argument: str) -> str:
        if kind == "script":
            return f"<script>{escape(argument.replace('; ', chr(10)))}</script>"
        return ""

    def _trigger(self, trigger: str, argument: str) -> str:
        timers = {"timer": "timeDuration", "cycle": "timeCycle", "date": "timeDate"}
        if trigger in timers:
            tag = timers[trigger]
            return f"<timerEventDefinition><{tag}>{escape(argument)}</{tag}></timerEventDefinition>"
        if trigger == "condition":
            inside = f"<condition>={escape(argument)}</condition>"
            return f"<conditionalEventDefinition>{inside}</conditionalEventDefinition>"
        if trigger == "link":
            return f'<linkEventDefinition name="{argument}" />'
        reference = ""
        if trigger in _SHARED and argument:
            self.shared.add((trigger, argument))
            reference = f' {_SHARED[trigger]}="{trigger}_{argument}"'
        return f"<{trigger}EventDefinition{reference} />"


def _marker(mark: str) -> str:
    if not mark:
        return ""
    if mark.startswith(("loop", "times")):
        return _loop(mark)
    found = _MARK.fullmatch(mark)
    assert found, mark
    of, item, one, ends = found["of"], found["item"], found["one"], found["end"]
    inside = f"<loopDataInputRef>{of}</loopDataInputRef>" if item else f"<loopCardinality>{of}</loopCardinality>"
    if one:
        inside += f"<loopDataOutputRef>{found['list']}</loopDataOutputRef>"
    inside += f'<inputDataItem id="in_{item}_{of}" name="{item}" />' if item else ""
    inside += f'<outputDataItem id="out_{one}_{found["list"]}" name="{one}" />' if one else ""
    inside += f"<completionCondition>={escape(ends)}</completionCondition>" if ends else ""
    order = "true" if found["order"] == "seq" else "false"
    return f'<multiInstanceLoopCharacteristics isSequential="{order}">{inside}</multiInstanceLoopCharacteristics>'


def _loop(mark: str) -> str:
    words = mark.split()
    attributes, condition = "", " ".join(words[1:])
    if words[1] == "before":
        attributes, condition = ' testBefore="true"', " ".join(words[2:])
    if words[0] == "times":
        attributes, condition = f' loopMaximum="{words[1]}"', " ".join(words[2:])
    inside = f"<loopCondition>={escape(condition)}</loopCondition>" if condition else ""
    return f"<standardLoopCharacteristics{attributes}>{inside}</standardLoopCharacteristics>"
