"""From a BPMN element to a `Node`: kind, trigger, extensions, deadline marks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from service.engine.intake_reading import bare, child, extension, label, local_ref, text_of
from service.engine.intake_repeats import read_repeat
from service.engine.intake_xml import BPMN, TOCSIN, local_name, namespace
from service.engine.model import DeadlineMark, Finding, Kind, Node, Trigger
from service.engine.rules import finding

KINDS: Final[Mapping[str, Kind]] = {
    "userTask": Kind.USER,
    "manualTask": Kind.MANUAL,
    "serviceTask": Kind.SERVICE,
    "sendTask": Kind.SEND,
    "receiveTask": Kind.RECEIVE,
    "businessRuleTask": Kind.RULE,
    "scriptTask": Kind.SCRIPT,
    "callActivity": Kind.CALL,
    "subProcess": Kind.SUBPROCESS,
    "exclusiveGateway": Kind.XOR,
    "parallelGateway": Kind.AND,
    "inclusiveGateway": Kind.OR,
    "eventBasedGateway": Kind.EVENT_GATEWAY,
    "startEvent": Kind.START,
    "endEvent": Kind.END,
    "intermediateCatchEvent": Kind.CATCH,
    "intermediateThrowEvent": Kind.THROW,
    "boundaryEvent": Kind.BOUNDARY,
}
_TRIGGERS: Final[Mapping[str, Trigger]] = {
    "messageEventDefinition": Trigger.MESSAGE,
    "signalEventDefinition": Trigger.SIGNAL,
    "errorEventDefinition": Trigger.ERROR,
    "conditionalEventDefinition": Trigger.CONDITIONAL,
    "terminateEventDefinition": Trigger.TERMINATE,
    "escalationEventDefinition": Trigger.ESCALATION,
    "linkEventDefinition": Trigger.LINK,
}
_TIMERS: Final[Mapping[str, Trigger]] = {
    "timeDate": Trigger.DATE,
    "timeDuration": Trigger.DURATION,
    "timeCycle": Trigger.CYCLE,
}
_FALSE: Final = frozenset({"false", "0"})
_TRUE: Final = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node may refer to: shared definitions of its file and the pages of its bundle."""

    file: str
    messages: Mapping[str, str]
    signals: Mapping[str, str]
    errors: Mapping[str, str]
    escalations: Mapping[str, str]
    data: Mapping[str, str]
    pages: Collection[str]
    lanes: Mapping[str, "Lane"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lane:
    """The lane a node lies in; `role` is "" for the lane of the system itself."""

    id: str
    role: str
    also: tuple[str, ...]


@dataclass(slots=True)
class _Parts:
    """The trigger of an event with what belongs to it."""

    trigger: Trigger = Trigger.NONE
    timer: str = ""
    condition: str = ""
    message: str = ""
    signal: str = ""
    error_code: str = ""
    escalation_code: str = ""
    link: str = ""


def read_node(element: etree._Element, parent: str, around: Surroundings) -> tuple[Node, list[Finding]]:
    """One flow node; `parent` is the id of the event sub-process around it, "" for none.

    The tree has passed the schema and the vocabulary. Findings name references to nothing and
    expressions without their `=`.
    """
    findings: list[Finding] = []
    parts = _read_trigger(element, around, findings)
    kind = _kind(element, around)
    lane = around.lanes.get(element.get("id") or "", Lane("", "", ()))
    condition = parts.condition
    loop = child(element, "multiInstanceLoopCharacteristics")
    is_open = kind is Kind.OPEN
    completion = bare(text_of(child(loop, "completionCondition")), element, around.file, findings) if is_open else ""
    node = Node(
        id=element.get("id") or "",
        kind=kind,
        trigger=parts.trigger,
        name=label(element),
        name_en=extension(element, "label-en"),
        role=extension(element, "role") or ("" if parent else lane.role),
        also=tuple(extension(element, "also").split()) or (() if parent else lane.also),
        lane=lane.id,
        form=extension(element, "form"),
        channel=extension(element, "channel") or ("auto" if kind is Kind.SEND else ""),
        decision=extension(element, "decision"),
        deadlines=_read_deadlines(element, around.file, findings),
        called=local_ref(element.get("calledElement")),
        collection=text_of(child(loop, "loopDataInputRef")) if is_open else "",
        completion=completion,
        timer=parts.timer,
        condition=condition,
        edge=extension(element, "edge") or "rising",
        message=parts.message,
        listed=bare(extension(element, "listed"), element, around.file, findings),
        signal=parts.signal,
        error_code=parts.error_code,
        escalation_code=parts.escalation_code,
        link=parts.link,
        script=_script(element),
        attached_to=local_ref(element.get("attachedToRef")),
        interrupting=_is_interrupting(element),
        default_flow=local_ref(element.get("default")),
        inputs=_read_inputs(element),
        outputs=tuple(_extension_text(element, "outputs").split()),
        each=extension(element, "each"),
        repeat=None if is_open else read_repeat(element, around.file, around.data, findings),
        parent=parent,
        documentation=text_of(child(element, "documentation")),
        cite=extension(element, "cite"),
    )
    return node, findings


def _kind(element: etree._Element, around: Surroundings) -> Kind:
    kind = KINDS[local_name(element)]
    if kind is Kind.SUBPROCESS and element.get("triggeredByEvent") in _TRUE:
        return Kind.EVENT_SUBPROCESS
    if kind is not Kind.CALL:
        return kind
    if element.get(f"{{{TOCSIN}}}open") == "true":
        return Kind.OPEN
    return Kind.INLINE if local_ref(element.get("calledElement")) in around.pages else Kind.CALL


def _is_interrupting(element: etree._Element) -> bool:
    attribute = "isInterrupting" if local_name(element) == "startEvent" else "cancelActivity"
    return element.get(attribute, "true") not in _FALSE


def _script(element: etree._Element) -> str:
    script = child(element, "script")
    return "" if script is None else (script.text or "").strip()


def _read_trigger(element: etree._Element, around: Surroundings, findings: list[Finding]) -> _Parts:
    parts = _Parts()
    if element.get("messageRef"):
        parts.message = _refer(element, "messageRef", around.messages, around.file, findings)
    for definition in element:
        if namespace(definition) != BPMN:
            continue
        name = local_name(definition)
        if name == "timerEventDefinition":
            _read_timer(definition, parts)
        elif name in _TRIGGERS:
            parts.trigger = _TRIGGERS[name]
            _read_definition(definition, parts, around, findings)
    return parts


def _read_timer(definition: etree._Element, parts: _Parts) -> None:
    # Without one of the three the trigger stays a date without text, which the rules refuse.
    parts.trigger = Trigger.DATE
    for name, trigger in _TIMERS.items():
        time = child(definition, name)
        if time is not None:
            parts.trigger, parts.timer = trigger, text_of(time)


def _read_definition(definition: etree._Element, parts: _Parts, around: Surroundings, findings: list[Finding]) -> None:
    event = definition.getparent()
    if parts.trigger is Trigger.MESSAGE:
        parts.message = _refer(definition, "messageRef", around.messages, around.file, findings)
    elif parts.trigger is Trigger.SIGNAL:
        parts.signal = _refer(definition, "signalRef", around.signals, around.file, findings)
    elif parts.trigger is Trigger.ERROR:
        parts.error_code = _refer(definition, "errorRef", around.errors, around.file, findings)
    elif parts.trigger is Trigger.ESCALATION:
        parts.escalation_code = _refer(definition, "escalationRef", around.escalations, around.file, findings)
    elif parts.trigger is Trigger.LINK:
        parts.link = label(definition)
    elif parts.trigger is Trigger.CONDITIONAL and event is not None:
        parts.condition = bare(text_of(child(definition, "condition")), event, around.file, findings)


def _refer(
    element: etree._Element, attribute: str, targets: Mapping[str, str], file: str, findings: list[Finding]
) -> str:
    reference = local_ref(element.get(attribute))
    if reference and reference not in targets:
        owner = element if element.get("id") and local_name(element) in KINDS else element.getparent()
        identifier = "" if owner is None else owner.get("id") or ""
        findings.append(finding("reference_missing", file, identifier, name=reference, attribute=attribute))
    return targets.get(reference, "")


def _extensions(element: etree._Element, name: str) -> list[etree._Element]:
    holder = child(element, "extensionElements")
    return [] if holder is None else holder.findall(f"{{{TOCSIN}}}{name}")


def _extension_text(element: etree._Element, name: str) -> str:
    return " ".join(text_of(found) for found in _extensions(element, name))


def _read_inputs(element: etree._Element) -> dict[str, str]:
    return {
        given.get("name") or "": (given.get("value") or "").strip()
        for holder in _extensions(element, "inputs")
        for given in holder.findall(f"{{{TOCSIN}}}input")
    }


def read_listed(process: etree._Element, name: str) -> tuple[str, ...]:
    """What a page declares in `tocsin:facts` or `tocsin:needs`, in the order of the file."""
    return tuple(dict.fromkeys(_extension_text(process, name).split()))


def _read_deadlines(element: etree._Element, file: str, findings: list[Finding]) -> tuple[DeadlineMark, ...]:
    marks = []
    for found in _extensions(element, "deadline"):
        act = (found.get("act") or "").strip()
        marks.append(
            DeadlineMark(
                rule=(found.get("rule") or "").strip(),
                act=act,
                on=(found.get("on") or ("enter" if act == "bind" else "complete")).strip(),
                subject=(found.get("subject") or "").strip(),
                start=(found.get("start") or "=now()").strip(),
                each=(found.get("each") or "").strip(),
                when=bare((found.get("when") or "").strip(), element, file, findings),
            )
        )
    return tuple(marks)
